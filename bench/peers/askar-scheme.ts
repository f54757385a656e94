/**
 * The storage scheme of Askar v1 (openwallet-foundation/askar 0.5.0: `askar-storage/src/protect/profile_key.rs`,
 * `backend/sqlite`) over Node's own cryptography and SQLite, as a peer to measure beside: scheme against scheme in one language.
 * Its keys are random; nothing here keeps anything for anybody.
 */
import { createCipheriv, createDecipheriv, createHmac, createSecretKey, type KeyObject, randomBytes } from 'node:crypto'
import { DatabaseSync, type StatementSync } from 'node:sqlite'

export interface AskarEntry {
  readonly category: string
  readonly name: string
  readonly value: Uint8Array
  readonly tags: Readonly<Record<string, string>>
}

const NONCE = 12
const TAG = 16
const CIPHER = 'chacha20-poly1305'
const OPTIONS = { authTagLength: TAG } as const

/** Imported once: Node takes several times as long for a key that it is given as bytes. */
const newKey = (): KeyObject => createSecretKey(randomBytes(32))

/** Tables and indexes of `backend/sqlite/provision.rs`. */
const SCHEMA = `
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = FULL;
  PRAGMA foreign_keys = ON;
  CREATE TABLE items (
    id INTEGER NOT NULL, profile_id INTEGER NOT NULL, kind INTEGER NOT NULL,
    category BLOB NOT NULL, name BLOB NOT NULL, value BLOB NOT NULL, expiry DATETIME NULL, PRIMARY KEY (id)
  );
  CREATE UNIQUE INDEX ix_items_uniq ON items (profile_id, kind, category, name);
  CREATE TABLE items_tags (
    id INTEGER NOT NULL, item_id INTEGER NOT NULL, name BLOB NOT NULL, value BLOB NOT NULL, plaintext BOOLEAN NOT NULL,
    PRIMARY KEY (id), FOREIGN KEY (item_id) REFERENCES items (id) ON DELETE CASCADE ON UPDATE CASCADE
  );
  CREATE INDEX ix_items_tags_item_id ON items_tags (item_id);
  CREATE INDEX ix_items_tags_name_enc ON items_tags (name, SUBSTR(value, 1, 12)) WHERE plaintext = 0;
  CREATE INDEX ix_items_tags_name_plain ON items_tags (name, value) WHERE plaintext = 1;
`

export class AskarScheme {
  readonly #database: DatabaseSync
  readonly #statements = new Map<string, StatementSync>()
  readonly #categoryKey = newKey()
  readonly #nameKey = newKey()
  readonly #itemHmacKey = newKey()
  readonly #tagNameKey = newKey()
  readonly #tagValueKey = newKey()
  readonly #tagsHmacKey = newKey()

  constructor(file: string) {
    this.#database = new DatabaseSync(file)
    this.#database.exec(SCHEMA)
  }

  /** One durable transaction. */
  transaction(work: () => void): void {
    this.#database.exec('BEGIN IMMEDIATE')
    work()
    this.#database.exec('COMMIT')
  }

  insert({ category, name, value, tags }: AskarEntry): void {
    const { lastInsertRowid: item } = this.#prepare(
      `INSERT OR IGNORE INTO items (profile_id, kind, category, name, value, expiry) VALUES (1, 2, ?, ?, ?, NULL)`,
    ).run(this.#category(category), this.#name(name), this.#sealValue(category, name, value))
    this.#insertTags(item, tags)
  }

  update({ category, name, value, tags }: AskarEntry): void {
    const row = this.#prepare(
      `UPDATE items SET value = ?, expiry = NULL WHERE profile_id = 1 AND kind = 2 AND category = ? AND name = ? RETURNING id`,
    ).get(this.#sealValue(category, name, value), this.#category(category), this.#name(name))
    const item = row?.['id'] as number
    this.#prepare('DELETE FROM items_tags WHERE item_id = ?').run(item)
    this.#insertTags(item, tags)
  }

  fetch(category: string, name: string): AskarEntry | undefined {
    const row = this.#prepare(
      `SELECT id, value, (SELECT GROUP_CONCAT(it.plaintext || ':' || HEX(it.name) || ':' || HEX(it.value))
         FROM items_tags it WHERE it.item_id = i.id) tags
       FROM items i WHERE profile_id = 1 AND kind = 2 AND category = ? AND name = ?
         AND (expiry IS NULL OR DATETIME(expiry) > DATETIME('now'))`,
    ).get(this.#category(category), this.#name(name))
    if (!row) return undefined
    return { category, name, value: this.#openValue(category, name, row['value']), tags: this.#openTags(row['tags']) }
  }

  /** Rows that have both tags, opened. */
  scan(category: string, [one, other]: readonly [[string, string], [string, string]]): AskarEntry[] {
    const rows = this.#prepare(
      `SELECT id, name, value, (SELECT GROUP_CONCAT(it.plaintext || ':' || HEX(it.name) || ':' || HEX(it.value))
         FROM items_tags it WHERE it.item_id = i.id) tags
       FROM items i WHERE profile_id = 1 AND kind = 2 AND category = ?
         AND (expiry IS NULL OR DATETIME(expiry) > DATETIME('now'))
         AND i.id IN (SELECT item_id FROM items_tags WHERE name = ? AND value = ? AND SUBSTR(value, 1, 12) = ? AND plaintext = 0)
         AND i.id IN (SELECT item_id FROM items_tags WHERE name = ? AND value = ? AND SUBSTR(value, 1, 12) = ? AND plaintext = 0)`,
    ).all(this.#category(category), ...this.#condition(one), ...this.#condition(other))
    return rows.map((row) => {
      const name = unseal(this.#nameKey, row['name'] as Uint8Array).toString()
      return { category, name, value: this.#openValue(category, name, row['value']), tags: this.#openTags(row['tags']) }
    })
  }

  close(): void {
    this.#database.close()
  }

  #condition([name, value]: [string, string]): [Buffer, Buffer, Buffer] {
    const sealed = this.#tagValue(value)
    return [this.#tagName(name), sealed, sealed.subarray(0, NONCE)]
  }

  #insertTags(item: number | bigint, tags: AskarEntry['tags']): void {
    const insert = this.#prepare('INSERT INTO items_tags (item_id, name, value, plaintext) VALUES (?, ?, ?, 0)')
    for (const [name, value] of Object.entries(tags)) insert.run(item, this.#tagName(name), this.#tagValue(value))
  }

  #openTags(text: unknown): Record<string, string> {
    if (typeof text !== 'string') return {}
    const tags = text.split(',').map((tag) => {
      const [, name = '', value = ''] = tag.split(':')
      const opened = unseal(this.#tagValueKey, Buffer.from(value, 'hex')).toString()
      return [unseal(this.#tagNameKey, Buffer.from(name, 'hex')).toString(), opened]
    })
    return Object.fromEntries(tags)
  }

  #category(text: string): Buffer {
    return sealSearchable(this.#categoryKey, this.#itemHmacKey, text)
  }

  #name(text: string): Buffer {
    return sealSearchable(this.#nameKey, this.#itemHmacKey, text)
  }

  #tagName(text: string): Buffer {
    return sealSearchable(this.#tagNameKey, this.#tagsHmacKey, text)
  }

  #tagValue(text: string): Buffer {
    return sealSearchable(this.#tagValueKey, this.#tagsHmacKey, text)
  }

  #valueKey(category: string, name: string): KeyObject {
    const hmac = createHmac('sha256', this.#itemHmacKey)
    for (const part of [category, name]) {
      const bytes = Buffer.from(part)
      const length = Buffer.alloc(4)
      length.writeUInt32BE(bytes.length)
      hmac.update(length).update(bytes)
    }
    return createSecretKey(hmac.digest())
  }

  #sealValue(category: string, name: string, value: Uint8Array): Buffer {
    return sealWith(this.#valueKey(category, name), randomBytes(NONCE), value)
  }

  #openValue(category: string, name: string, sealed: unknown): Buffer {
    return unseal(this.#valueKey(category, name), sealed as Uint8Array)
  }

  #prepare(sql: string): StatementSync {
    const known = this.#statements.get(sql)
    if (known) return known
    const statement = this.#database.prepare(sql)
    this.#statements.set(sql, statement)
    return statement
  }
}

/** Deterministic: the nonce is an HMAC of the plaintext, so that equal texts can be looked for. */
function sealSearchable(key: KeyObject, hmacKey: KeyObject, text: string): Buffer {
  const bytes = Buffer.from(text)
  return sealWith(key, createHmac('sha256', hmacKey).update(bytes).digest().subarray(0, NONCE), bytes)
}

function sealWith(key: KeyObject, nonce: Buffer, bytes: Uint8Array): Buffer {
  const cipher = createCipheriv(CIPHER, key, nonce, OPTIONS)
  return Buffer.concat([nonce, cipher.update(bytes), cipher.final(), cipher.getAuthTag()])
}

function unseal(key: KeyObject, sealed: Uint8Array): Buffer {
  const decipher = createDecipheriv(CIPHER, key, sealed.subarray(0, NONCE), OPTIONS)
  decipher.setAuthTag(sealed.subarray(-TAG))
  return Buffer.concat([decipher.update(sealed.subarray(NONCE, -TAG)), decipher.final()])
}
