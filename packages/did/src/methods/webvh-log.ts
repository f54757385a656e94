/** The log of a did:webvh (1.0, "DID Log Entry" and "Authorized Keys"): each entry hashed, timed, and signed by who may. */
import { canonicalJson, Fields, type JsonObject, KeysteadError, multihash, parseJson, utf8 } from '@keystead/core'
import { sha256 } from '@keystead/crypto'
import type { DidErrorCode } from '../errors.ts'
import { MAX_DOCUMENT_BYTES, MAX_WEBVH_ENTRIES } from '../limits.ts'
import { didKeyProofHolds, type KeyProof, readProofs } from './webvh-proof.ts'

export interface Witnesses {
  readonly threshold: number
  /** did:key of each, distinct. */
  readonly ids: readonly string[]
}

export interface WebvhParameters {
  readonly scid: string
  readonly updateKeys: readonly string[]
  readonly nextKeyHashes: readonly string[]
  readonly portable: boolean
  readonly witness: Witnesses | undefined
  readonly deactivated: boolean
}

export interface WebvhVersion {
  readonly versionId: string
  readonly time: string
  readonly parameters: WebvhParameters
  /** Who had to witness this entry: its own list at first, the list before it afterwards. */
  readonly witnessedBy: Witnesses | undefined
  readonly state: JsonObject
}

/** `now`: seconds since 1970. Throws `INVALID_DID`. */
export function verifyLog(log: string, now: number): WebvhVersion[] {
  const lines = log.split('\n').filter((line) => line.trim() !== '')
  if (lines.length === 0 || lines.length > MAX_WEBVH_ENTRIES) throw invalid('the log is empty or too long')
  const versions: WebvhVersion[] = []
  for (const line of lines) versions.push(verifyEntry(versions.at(-1), versions.length + 1, line, now))
  return versions
}

function verifyEntry(before: WebvhVersion | undefined, number: number, line: string, now: number): WebvhVersion {
  const { versionId, time, changes, state, proofs, unsigned } = readEntry(line)
  const parameters = readParameters(before?.parameters, changes)
  if (before?.parameters.deactivated) throw invalid('an entry follows the end of the DID')
  checkTime(before, time, now)
  if (!before) checkScid(unsigned, parameters.scid)
  // The hash of an entry has the id of the one before in its place: so they form a chain.
  const hash = hashOf({ ...unsigned, versionId: before?.versionId ?? parameters.scid })
  if (versionId !== `${number}-${hash}`) throw invalid(`entry ${number} has another hash than its name says`)
  checkId(before, String(state['id']), parameters)
  const keys = authorizedKeys(before?.parameters, parameters, changes)
  if (proofs.length === 0) throw invalid(`entry ${number} is not signed`)
  for (const proof of proofs)
    if (!keys.includes(proof.multikey) || !didKeyProofHolds(unsigned, proof))
      throw invalid(`entry ${number} is not signed by a key that may`)
  return { versionId, time, parameters, witnessedBy: before ? before.parameters.witness : parameters.witness, state }
}

interface Entry {
  readonly versionId: string
  readonly time: string
  readonly changes: Fields
  readonly state: JsonObject
  readonly proofs: readonly KeyProof[]
  readonly unsigned: JsonObject
}

function readEntry(line: string): Entry {
  try {
    const json = parseJson(utf8(line), 2 * MAX_DOCUMENT_BYTES) as JsonObject
    const f = new Fields(json, 'entry')
    const entry = {
      versionId: f.string('versionId', { max: 64, pattern: /^[1-9]\d{0,5}-Qm[1-9A-HJ-NP-Za-km-z]{44}$/ }),
      time: f.string('versionTime', { max: 40, pattern: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z$/ }),
      changes: f.object('parameters'),
      state: f.json('state'),
      proofs: readProofs(f.any('proof')),
    }
    f.end()
    const { proof: _, ...unsigned } = json
    return { ...entry, unsigned }
  } catch (cause) {
    throw invalid(cause instanceof Error ? cause.message : 'an entry is malformed')
  }
}

/** What is absent stays as it was; an unknown parameter could change what an entry means, and is refused. */
function readParameters(before: WebvhParameters | undefined, f: Fields): WebvhParameters {
  try {
    if (!before || f.has('method')) f.literal('method', 'did:webvh:1.0')
    if (before && f.has('scid')) throw invalid('the SCID is named again')
    const texts = (name: string, otherwise: readonly string[]): readonly string[] =>
      f.has(name) ? f.array(name, { max: 64 }, textOf) : otherwise
    const flag = (name: string, otherwise: boolean): boolean => (f.has(name) ? f.boolean(name) : otherwise)
    const portable = flag('portable', before?.portable ?? false)
    if (before && portable && !before.portable) throw invalid('it became portable later')
    const parameters: WebvhParameters = {
      scid: before?.scid ?? f.string('scid', { max: 46, pattern: /^Qm[1-9A-HJ-NP-Za-km-z]{44}$/ }),
      updateKeys: texts('updateKeys', before?.updateKeys ?? []),
      nextKeyHashes: texts('nextKeyHashes', before?.nextKeyHashes ?? []),
      portable,
      witness: f.has('witness') ? readWitness(f.object('witness')) : before?.witness,
      deactivated: flag('deactivated', before?.deactivated ?? false),
    }
    texts('watchers', [])
    if (f.has('ttl')) f.integer('ttl', { min: 0, max: Number.MAX_SAFE_INTEGER })
    f.end()
    return parameters
  } catch (cause) {
    throw invalid(cause instanceof Error ? cause.message : 'its parameters are malformed')
  }
}

/** `{}`: none any more. */
function readWitness(f: Fields): Witnesses | undefined {
  if (!f.has('threshold') && !f.has('witnesses')) {
    f.end()
    return undefined
  }
  const ids = f.array('witnesses', { max: 64 }, (item, path) => {
    const witness = new Fields(item, path)
    const id = witness.string('id', { max: 200, pattern: /^did:key:z6Mk[1-9A-HJ-NP-Za-km-z]+$/ })
    if (witness.has('weight')) witness.any('weight')
    witness.end()
    return id
  })
  const threshold = f.integer('threshold', { min: ids.length === 0 ? 0 : 1, max: ids.length })
  f.end()
  if (new Set(ids).size < ids.length) throw invalid('a witness is named twice')
  return ids.length === 0 ? undefined : { threshold, ids }
}

/** With pre-rotation the keys must be named, and be those committed to before; without, those of the entry before sign. */
function authorizedKeys(before: WebvhParameters | undefined, now: WebvhParameters, changes: Fields): readonly string[] {
  if (!before) return now.updateKeys
  if (before.nextKeyHashes.length === 0) return before.updateKeys
  if (!changes.has('updateKeys')) throw invalid('pre-rotation asks for the keys to be named')
  for (const key of now.updateKeys)
    if (!before.nextKeyHashes.includes(multihash.encode(sha256(utf8(key)))))
      throw invalid('a key was not committed to in the entry before')
  return now.updateKeys
}

function checkTime(before: WebvhVersion | undefined, time: string, now: number): void {
  const at = Date.parse(time)
  if (Number.isNaN(at)) throw invalid('an entry has no time')
  if (at > now * 1000) throw invalid('an entry is of the future')
  if (before && at <= Date.parse(before.time)) throw invalid('an entry is not later than the one before')
}

/** The SCID is the hash of the first entry with placeholders where the SCID stands. */
function checkScid(unsigned: JsonObject, scid: string): void {
  const text = JSON.stringify({ ...unsigned, versionId: '{SCID}' }).replaceAll(scid, '{SCID}')
  if (hashOf(JSON.parse(text) as JsonObject) !== scid) throw invalid('the SCID does not follow from the first entry')
}

/** The SCID stays for ever, the place only where the DID is portable and the new document remembers the old one. */
function checkId(before: WebvhVersion | undefined, id: string, { scid, portable }: WebvhParameters): void {
  if (!id.startsWith(`did:webvh:${scid}:`)) throw invalid('the document is of another SCID')
  if (before && before.state['id'] !== id && !portable) throw invalid('it moved and is not portable')
}

function hashOf(value: JsonObject): string {
  return multihash.encode(sha256(canonicalJson(value)))
}

function textOf(item: unknown): string {
  if (typeof item !== 'string' || item.length > 2000) throw invalid('a parameter is no text')
  return item
}

function invalid(reason: string): KeysteadError<DidErrorCode> {
  return new KeysteadError('INVALID_DID', `this did:webvh does not hold: ${reason}`)
}
