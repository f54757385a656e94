/**
 * Entries of the relationship log, version 1 (rule 20, RELATIONSHIP-1): each party keeps one chain of them, known to the two
 * parties only. Its documents are did:peer:4; the keys that sign are authentication keys of the document.
 */
import { type Bytes, canonicalJson, Fields, fail, type Json, KeysteadError, multibase, multihash } from '@keystead/core'
import { decodeMultikey, encodeMultikey, type SigningKey, sha256, verifySignature } from '@keystead/crypto'
import { didOf, parseDid, peerShortForm, resolvePeer4, verificationMethods } from '@keystead/did'
import type { MicroledgerErrorCode } from './errors.ts'
import { MAX_DELAY, MAX_ENTRY_BYTES, MAX_KEYS, MAX_RECOVERY_PATHS, MAX_SEQ } from './limits.ts'

export interface RecoveryPath {
  /** `keyDigest` of the path's recovery key for this relationship. */
  readonly h: string
  /** Seconds the other party waits, by its own clock, before a recovery takes effect. */
  readonly delay: number
  /** Overrules a veto: recovers only after one in this epoch, and no veto stops it (rule 27). */
  readonly firm?: true
}

export interface UnsignedEntry {
  readonly v: 1
  /** Empty at inception; then the hash of both inceptions. */
  readonly rel: string
  readonly seq: number
  /** Hash of the entry before; empty at inception. */
  readonly prev: string
  readonly type: 'inception' | 'rotate' | 'recover' | 'close'
  /** did:peer:4 long form. */
  readonly doc: string
  /** Device keys in force with this entry, Multikeys, one signature each to the threshold. */
  readonly keys: readonly string[]
  readonly threshold: number
  /** Digests of the keys that may rotate next, to their threshold. */
  readonly next: readonly string[]
  readonly nextThreshold: number
  readonly recovery: readonly RecoveryPath[]
  /** In a `recover`: the recovery key revealed. */
  readonly key?: string
  /** Hash of the pending `recover` that this rotation vetoes. */
  readonly vetoes?: string
  /** Both hashes of a conflict that this entry ends. */
  readonly resolves?: readonly [string, string]
}

export interface Entry extends UnsignedEntry {
  readonly sigs: readonly { readonly k: string; readonly s: string }[]
}

/** Hash of an entry without its signatures. */
export function entryHash(entry: UnsignedEntry | Entry): string {
  const { sigs: _, ...unsigned } = entry as Entry
  return multihash.encode(sha256(canonicalJson(unsigned)))
}

/** The relationship's name: the same for both parties, known to nobody else. */
export function relationshipId(one: UnsignedEntry, other: UnsignedEntry): string {
  return multihash.encode(sha256(canonicalJson([entryHash(one), entryHash(other)].sort())))
}

export async function signEntry(entry: UnsignedEntry, keys: readonly SigningKey[]): Promise<Entry> {
  const signed = signedBytes(entry)
  const sigs = await Promise.all(
    keys.map(async (key) => ({ k: encodeMultikey(key.publicKey), s: multibase.encode(await key.sign(signed)) })),
  )
  return { ...entry, sigs }
}

/** Those of the candidate keys whose signature holds. */
export function entrySigners(entry: Entry, candidates: readonly string[]): Set<string> {
  const { sigs, ...unsigned } = entry
  const signed = signedBytes(unsigned)
  return new Set(
    candidates.filter((k) => {
      const own = sigs.find((signature) => signature.k === k)
      const key = decodeMultikey(k)
      if (!own || (key.suite !== 'ed25519' && key.suite !== 'p256')) return false
      return verifySignature({ suite: key.suite, bytes: key.bytes }, signed, multibase.decode(own.s))
    }),
  )
}

function signedBytes(entry: UnsignedEntry): Bytes {
  return canonicalJson({ entry, protocol: 'https://keystead.dev/relationship/1.0' })
}

/** Closed schema. Throws `BAD_ENTRY`; signatures are checked against a log, in `applyEntry`. */
export function parseEntry(value: Json): Entry {
  try {
    if (canonicalJson(value).length > MAX_ENTRY_BYTES) fail('entry', 'is too large')
    const f = new Fields(value, 'entry')
    const type = f.literal('type', 'inception', 'rotate', 'recover', 'close')
    const inception = type === 'inception'
    const keys = f.array('keys', { min: 1, max: MAX_KEYS }, signingKey)
    const next = f.array('next', { min: 1, max: MAX_KEYS }, digest)
    const key = type === 'recover' ? signingKey(f.any('key'), 'entry.key') : undefined
    const vetoes = type === 'rotate' && f.has('vetoes') ? digest(f.any('vetoes'), 'entry.vetoes') : undefined
    const resolves =
      type === 'rotate' && f.has('resolves') ? f.array('resolves', { min: 2, max: 2 }, digest) : undefined
    const entry: Entry = {
      v: f.literal('v', 1),
      rel: inception ? f.literal('rel', '') : digest(f.any('rel'), 'entry.rel'),
      seq: f.integer('seq', { min: inception ? 0 : 1, max: inception ? 0 : MAX_SEQ }),
      prev: inception ? f.literal('prev', '') : digest(f.any('prev'), 'entry.prev'),
      type,
      doc: f.string('doc', { max: MAX_ENTRY_BYTES, pattern: /^did:peer:4zQm/ }),
      keys: distinct(keys, 'entry.keys'),
      threshold: f.integer('threshold', { min: 1, max: keys.length }),
      next: distinct(next, 'entry.next'),
      nextThreshold: f.integer('nextThreshold', { min: 1, max: next.length }),
      recovery: f.array('recovery', { max: MAX_RECOVERY_PATHS }, recoveryPath),
      ...(key === undefined ? {} : { key }),
      ...(vetoes === undefined ? {} : { vetoes }),
      ...(resolves === undefined ? {} : { resolves: resolves as [string, string] }),
      sigs: f.array('sigs', { min: 1, max: 2 * MAX_KEYS }, (item, path) => {
        const s = new Fields(item, path)
        const parsed = {
          k: signingKey(s.any('k'), path),
          s: s.decoded('s', 100, (text) =>
            multibase.decode(text).length === 64 ? text : fail(path, 'must be 64 bytes'),
          ),
        }
        s.end()
        return parsed
      }),
    }
    f.end()
    checkDocument(entry)
    return entry
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : 'malformed'
    throw new KeysteadError<MicroledgerErrorCode>('BAD_ENTRY', `this is not a relationship entry: ${reason}`, { cause })
  }
}

/** The keys that sign the log are the ones the document authenticates with: one set of keys, not two that may differ. */
function checkDocument(entry: Entry): void {
  const shown = verificationMethods(resolvePeer4(entry.doc), 'authentication').map((m) => encodeMultikey(m.publicKey))
  if (entry.keys.some((k) => !shown.includes(k)) || shown.some((k) => !entry.keys.includes(k)))
    fail('entry.doc', 'must authenticate with exactly the keys of the entry')
}

/** The DID others address: the short form. */
export function entryDid(entry: Pick<Entry, 'doc'>): string {
  return peerShortForm(didOf(parseDid(entry.doc).did))
}

function signingKey(value: Json, path: string): string {
  if (typeof value !== 'string') return fail(path, 'must be a Multikey')
  const { suite } = decodeMultikey(value)
  return suite === 'ed25519' || suite === 'p256' ? value : fail(path, 'must be a signing key')
}

function digest(value: Json, path: string): string {
  if (typeof value !== 'string' || value.length !== 46) return fail(path, 'must be a digest')
  return multihash.encode(multihash.decode(value))
}

function recoveryPath(item: Json, path: string): RecoveryPath {
  const f = new Fields(item, path)
  const parsed = {
    h: digest(f.any('h'), path),
    delay: f.integer('delay', { min: 1, max: MAX_DELAY }),
    ...(f.has('firm') ? { firm: f.literal('firm', true) } : {}),
  }
  f.end()
  return parsed
}

function distinct<T>(items: T[], path: string): T[] {
  return new Set(items).size === items.length ? items : fail(path, 'must not repeat itself')
}
