/**
 * The audit log of a did:plc: every operation signed by a rotation key of the one it follows. Within 72 hours of an operation a
 * key of higher rank may follow the one before it instead, which nullifies the operation and what came after it ("Key Rotation &
 * Account Recovery"). Times are the directory's, in the log itself; the clock of the reader decides nothing.
 */
import { base32, Fields, type Json, KeysteadError } from '@keystead/core'
import type { DidErrorCode } from '../errors.ts'
import { MAX_PLC_OPERATIONS } from '../limits.ts'
import { type PlcData, type PlcOperation, parsePlcOperation, signerOf } from './plc-operation.ts'

/** Milliseconds in which a key of higher rank may overrule. */
const RECOVERY_WINDOW = 72 * 3600 * 1000

export interface PlcVersion {
  readonly versionId: string
  /** Seconds since 1970, of the directory. */
  readonly time: number
  /** Undefined: the DID has ended. */
  readonly data: PlcData | undefined
}

interface Entry {
  readonly operation: PlcOperation
  /** Milliseconds since 1970. */
  readonly time: number
  readonly nullified: boolean
}

/** The versions that stand, oldest first. Throws `INVALID_DID` for whatever does not hold. */
export function verifyPlcLog(did: string, log: Json): PlcVersion[] {
  if (!Array.isArray(log) || log.length === 0 || log.length > MAX_PLC_OPERATIONS)
    throw invalid('its log is empty or too long')
  const entries = (log as readonly Json[]).map((item, place) => readEntry(did, item, place === 0))
  let standing: Entry[] = []
  const nullified = new Set<Entry>()
  for (const entry of entries) {
    const kept = standing.length === 0 ? acceptFirst(did, entry) : acceptNext(standing, entry)
    for (const loser of standing.slice(kept.length)) nullified.add(loser)
    standing = [...kept, entry]
  }
  for (const entry of entries)
    if (entry.nullified !== nullified.has(entry)) throw invalid('an operation is marked otherwise than it stands')
  return standing.map(({ operation: { cid, data }, time }) => ({ versionId: cid, time: time / 1000, data }))
}

function readEntry(did: string, item: Json, first: boolean): Entry {
  try {
    const f = new Fields(item, 'entry')
    f.literal('did', did)
    const operation = parsePlcOperation(f.any('operation'), first)
    f.literal('cid', operation.cid)
    const time = Date.parse(f.string('createdAt', { max: 40 }))
    const nullified = f.boolean('nullified')
    f.end()
    if (Number.isNaN(time)) throw invalid('an operation has no time')
    return { operation, time, nullified }
  } catch (cause) {
    throw invalid(cause instanceof Error ? cause.message : 'an operation is malformed')
  }
}

function acceptFirst(did: string, { operation }: Entry): Entry[] {
  const { data, prev, digest } = operation
  if (!data || prev !== null) throw invalid('its log does not begin with its creation')
  if (did !== `did:plc:${base32.encode(digest).slice(0, 24)}`) throw invalid('its log is of another DID')
  if (signerOf(operation, data.rotationKeys) < 0) throw invalid('its creation is not signed by a key that may')
  return []
}

/** What stays of the operations that stood: all, or those up to the fork. */
function acceptNext(standing: readonly Entry[], entry: Entry): Entry[] {
  const { operation, time } = entry
  const at = standing.findIndex((other) => other.operation.cid === operation.prev)
  const [previous, overruled] = [standing[at], standing[at + 1]]
  if (!previous?.operation.data) throw invalid('an operation follows none that stands')
  const keys = previous.operation.data.rotationKeys
  const mayAct = overruled ? keys.slice(0, signerOf(overruled.operation, keys)) : keys
  if (signerOf(operation, mayAct) < 0) throw invalid('an operation is not signed by a key that may')
  if (overruled) {
    if (time <= (standing.at(-1)?.time ?? 0)) throw invalid('an operation overrules a later one')
    if (time - overruled.time > RECOVERY_WINDOW)
      throw invalid('an operation overrules one of more than 72 hours before')
  }
  return standing.slice(0, at + 1)
}

function invalid(reason: string): KeysteadError<DidErrorCode> {
  return new KeysteadError('INVALID_DID', `this did:plc does not hold: ${reason}`)
}
