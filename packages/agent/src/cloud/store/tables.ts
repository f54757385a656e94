/** The tables of an agency, the same in SQLite and PostgreSQL, and what the two need said differently. */
import type { Kysely, Transaction } from 'kysely'

export interface Tables {
  grants: { account: string; services: string }
  /** `proven`: 1 where control of the DID was shown. */
  recipients: { did: string; account: string; proven: number }
  /** What the operator decided; null: the default. `forward_to`: empty for an account that has moved and is forgotten. */
  accounts: {
    account: string
    suspended: number
    max_messages: number | null
    max_bytes: number | null
    max_attachment_bytes: number | null
    forward_to: string | null
  }
  push_subscriptions: { account: string; endpoint: string; p256dh: string; auth: string }
  /** `n` grows in the order in which an account's messages became visible. */
  mail: { n: number; id: string; account: string; recipient: string; bytes: Uint8Array; size: number; received: number }
  /** `touched`: when the owner, or a recovery, was last here. */
  vaults: { vault: string; account: string; readers: string; touched: number }
  /** `chain` is `authority` for the entries of a log's authority; `trimmed`: when a snapshot took its place. */
  batches: {
    vault: string
    chain: string
    key: string
    seq: number
    hash: string
    bytes: Uint8Array
    size: number
    time: number
    trimmed: number | null
  }
  locators: { account: string; owner: string; record: Uint8Array }
  files: { name: string; owner: string; media_type: string; bytes: Uint8Array }
  /** `moved`: 1 where the device has said that its mail is to be passed on (AGENCY-16). */
  members: { device: string; account: string; admin: number; state: string; moved: number }
  /** Devices that an account has added and that have not joined it: several may name one, and none stands in another's way. */
  invited: { account: string; device: string; admin: number }
  slots: { account: string; slot: string; seq: number; value: Uint8Array }
  invitations: { id: string; owner: string; expires: number; form: string; bytes: Uint8Array }
  /** Sealed files: `size` of the whole, `parts` that came, `created` in milliseconds. */
  attachments: { id: string; owner: string; size: number; parts: number; created: number }
  attachment_parts: { id: string; n: number; bytes: Uint8Array }
  /** Dead drops; `time` in seconds. */
  drops: { address: string; seq: number; box: Uint8Array; time: number }
  /** By subject: what may stop its release, and the wait that stands; JSON. */
  guards: { subject: string; guard: string; stay: string }
  nonces: { nonce: string; subject: string; until: number }
  escrows: {
    account: string
    owner: string
    auth: Uint8Array
    share: Uint8Array
    guesses: number
    card: Uint8Array
    release: Uint8Array
    tag: Uint8Array
    released: number
    locked: number
    time: number
    /** When its owner, or a recovery, was last there, to the day; 0 for never. */
    touched: number
  }
  /** By the account of a share: what the owner's devices last said of their log. */
  escrow_heads: { account: string; n: number; box: Uint8Array }
  escrow_guesses: { n: number; account: string; element: Uint8Array; time: number }
}

/** A database as the parts of the store use it. */
export interface Database {
  readonly db: Kysely<Tables>
  /**
   * Runs `work` in a transaction that nobody else runs under the same name, in this process or another, until it is
   * committed: what it read is still so when it writes. Rejects with `AGENCY_DISK_FULL`.
   */
  alone<T>(name: string, work: (transaction: Transaction<Tables>) => Promise<T>): Promise<T>
  /** Tells every instance, when `transaction` is committed, that an account has mail. */
  announce(transaction: Transaction<Tables>, account: string): Promise<void>
}

/** Statements that made the first tables (later ones: `migrations.ts`); `types` are the words of the database. */
export function schema(types: { bytes: string; integer: string; counter: string; after: string }): string[] {
  const { bytes, integer, counter, after } = types
  return [
    `create table if not exists grants (account text primary key, services text not null)${after}`,
    `create table if not exists recipients (did text primary key, account text not null)${after}`,
    'create index if not exists recipients_account on recipients (account)',
    `create table if not exists mail (n ${counter}, id text not null unique, account text not null, recipient text not null,
      bytes ${bytes} not null, size integer not null, received ${integer} not null)${after}`,
    'create index if not exists mail_account on mail (account, n)',
    `create table if not exists vaults (vault text primary key, account text not null, readers text not null)${after}`,
    `create table if not exists envelopes (vault text not null, stream text not null, seq ${integer} not null,
      hash text not null, envelope ${bytes} not null, time ${integer} not null, primary key (vault, stream, seq))${after}`,
    `create table if not exists locators (account text primary key, owner text not null, record ${bytes} not null)${after}`,
    `create table if not exists files (name text primary key, owner text not null, media_type text not null,
      bytes ${bytes} not null)${after}`,
    `create table if not exists nonces (nonce text primary key, subject text not null, until ${integer} not null)${after}`,
    `create table if not exists escrows (account text primary key, owner text not null, auth ${bytes} not null,
      share ${bytes} not null, guesses integer not null, card ${bytes} not null, release ${bytes} not null,
      tag ${bytes} not null, released integer not null, locked integer not null, time ${integer} not null)${after}`,
    'create index if not exists escrows_owner on escrows (owner)',
    `create table if not exists escrow_guesses (n ${counter}, account text not null, element ${bytes} not null,
      time ${integer} not null, unique (account, element))${after}`,
  ]
}
