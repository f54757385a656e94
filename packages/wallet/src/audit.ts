/**
 * The audit log's entries (SP 800-130, section 8.2.4; VAULT-8): each names the one before by hash and is signed, so that an
 * exported log shows whoever has it that nothing is missing from its middle, moved or changed. Its end can be cut off only
 * by who can also put back an older file.
 */
import { base64url, canonicalJson, concatBytes, Fields, type JsonObject, utf8 } from '@keystead/core'
import { decodeMultikey, type SigningKey, sha256, verifySignature } from '@keystead/crypto'
import { refuse } from './errors.ts'
import { KEY_STATES, type KeyState } from './key-states.ts'

/** What happened; ids only, never a secret, a label or a name. */
export type AuditEvent =
  | { readonly event: 'wallet made' }
  | { readonly event: 'key state'; readonly key: string; readonly to: KeyState; readonly reason: string }
  | { readonly event: 'key renewed'; readonly key: string }
  | { readonly event: 'key archived'; readonly key: string }
  | { readonly event: 'key retrieved'; readonly key: string }
  /** The next entries are signed by this key (Multikey). */
  | { readonly event: 'audit key replaced'; readonly by: string }
  | { readonly event: 'policy changed'; readonly version: number }
  | {
      readonly event: 'access granted'
      readonly request: string
      readonly function: string
      readonly uses: number
      readonly approvals: number
    }
  | { readonly event: 'access used'; readonly request: string }
  | { readonly event: 'keyslot added'; readonly slot: string; readonly kind: string }
  | { readonly event: 'keyslot removed'; readonly slot: string }
  /** A secret that left or came in as plaintext, on its owner's command (SP 800-130, FR:6.96). */
  | { readonly event: 'secret shown'; readonly what: 'recovery kit' }
  | { readonly event: 'secret entered'; readonly what: 'recovery kit' }
  | { readonly event: 'records exported'; readonly records: number }
export type AuditEventName = AuditEvent['event']

const EVENTS = [
  'wallet made',
  'key state',
  'key renewed',
  'key archived',
  'key retrieved',
  'audit key replaced',
  'policy changed',
  'access granted',
  'access used',
  'keyslot added',
  'keyslot removed',
  'secret shown',
  'secret entered',
  'records exported',
] as const satisfies readonly AuditEventName[]

export type AuditEntry = AuditEvent & {
  /** From 0. */
  readonly n: number
  /** Milliseconds since 1970. */
  readonly at: number
  /** `hash` of the entry before; empty in the first. */
  readonly prev: string
  /** Ed25519, base64url. */
  readonly signature: string
}

export interface AuditExport {
  readonly v: 1
  readonly wallet: string
  /** Multikey of the key that signs the log, until an entry names another. */
  readonly key: string
  readonly entries: readonly AuditEntry[]
}

const DOMAIN = utf8('keystead/audit/v1|')

/** What an entry is known by in the next one. */
export const auditHash = (entry: AuditEntry): string => base64url.encode(sha256(canonicalJson({ ...entry })))

function signedBytes(wallet: string, entry: Omit<AuditEntry, 'signature'>): Uint8Array {
  return concatBytes(DOMAIN, canonicalJson({ ...entry, wallet }))
}

export async function signAuditEntry(
  wallet: string,
  unsigned: AuditEvent & Pick<AuditEntry, 'n' | 'at' | 'prev'>,
  key: SigningKey,
): Promise<AuditEntry> {
  const signature = base64url.encode(await key.sign(signedBytes(wallet, unsigned as AuditEntry)))
  return { ...unsigned, signature } as AuditEntry
}

/** Throws `AUDIT_BROKEN` with the number of the first entry that does not hold. `value` is what a stranger may have written. */
export function verifyAuditLog(value: unknown): AuditExport {
  let n = 0
  try {
    const fields = new Fields(value, 'audit log')
    fields.literal('v', 1)
    const wallet = fields.string('wallet', { min: 1, max: 64 })
    const key = fields.string('key', { min: 1, max: 128 })
    let signer = auditKey(key)
    const entries: AuditEntry[] = []
    for (const item of fields.array('entries', { max: 10_000_000 }, (entry) => entry)) {
      const entry = parseAuditEntry(item as JsonObject, `entries[${n}]`)
      const { signature, ...unsigned } = entry
      const before = entries.at(-1)
      if (entry.n !== n || entry.prev !== (before ? auditHash(before) : '')) throw new Error('it does not follow')
      if (!verifySignature(signer, signedBytes(wallet, unsigned as AuditEntry), base64url.decode(signature)))
        throw new Error('its signature does not hold')
      if (entry.event === 'audit key replaced') signer = auditKey(entry.by)
      entries.push(entry)
      n++
    }
    fields.end()
    return { v: 1, wallet, key, entries }
  } catch (cause) {
    return refuse('AUDIT_BROKEN', `the audit log does not hold at entry ${n}`, { cause, details: { entry: n } })
  }
}

function auditKey(multikey: string): { suite: 'ed25519'; bytes: Uint8Array<ArrayBuffer> } {
  const { suite, bytes } = decodeMultikey(multikey)
  if (suite !== 'ed25519') throw new Error('its key is of another suite')
  return { suite, bytes }
}

/** Throws errors of `Fields`. */
export function parseAuditEntry(value: unknown, path = 'entry'): AuditEntry {
  const f = new Fields(value, path)
  const id = (name: string): string => f.string(name, { min: 1, max: 64 })
  const common = {
    n: f.integer('n', { min: 0, max: Number.MAX_SAFE_INTEGER }),
    at: f.integer('at', { min: 0, max: Number.MAX_SAFE_INTEGER }),
    prev: f.string('prev', { max: 43 }),
    signature: f.string('signature', { min: 86, max: 86 }),
  }
  const entry = { ...common, ...parseEvent(f, id) }
  f.end()
  return entry
}

function parseEvent(f: Fields, id: (name: string) => string): AuditEvent {
  const event = f.literal('event', ...EVENTS)
  switch (event) {
    case 'wallet made':
      return { event }
    case 'key state':
      return { event, key: id('key'), to: f.literal('to', ...KEY_STATES), reason: id('reason') }
    case 'key renewed':
    case 'key archived':
    case 'key retrieved':
      return { event, key: id('key') }
    case 'policy changed':
      return { event, version: whole(f, 'version') }
    case 'access granted':
      return {
        event,
        request: id('request'),
        function: id('function'),
        uses: whole(f, 'uses'),
        approvals: whole(f, 'approvals'),
      }
    case 'access used':
      return { event, request: id('request') }
    case 'audit key replaced':
      return { event, by: f.string('by', { min: 1, max: 128 }) }
    case 'keyslot added':
      return { event, slot: id('slot'), kind: id('kind') }
    case 'keyslot removed':
      return { event, slot: id('slot') }
    case 'secret shown':
    case 'secret entered':
      return { event, what: f.literal('what', 'recovery kit') }
    case 'records exported':
      return { event, records: whole(f, 'records') }
  }
}

const whole = (f: Fields, name: string): number => f.integer(name, { min: 0, max: Number.MAX_SAFE_INTEGER })
