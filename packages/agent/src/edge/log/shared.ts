/** Which records the log holds and how they merge (SYNC-5). */
import type { JsonObject } from '@keystead/core'
import { isLogged, type Operation, type Ranks, type VaultRecord } from '@keystead/wallet'
import {
  type Category,
  type Identity,
  type IssuerRecord,
  type Profile,
  type Relationship,
  SEGMENTS,
  type TextMessage,
} from '../records.ts'
import type { SealedRecoveryKeys } from '../recovery/records.ts'
import { NOT_LOGGED } from '../store.ts'
import { isWhole, SHARED, staysHere } from './shared-records.ts'

const STATUS: readonly Relationship['status'][] = ['invited', 'requested', 'connected', 'closing', 'closed']

/** What never goes back, whatever the clocks say. */
export const RANKS: Ranks = {
  // A text came when the first of the devices was brought it.
  text: rank(({ order = '0' }: TextMessage) => [-Number(order.split('.')[0])]),
  identity: rank((identity: Identity) => [identity.seq]),
  relationship: rank(({ mine, peer, status }: Relationship) => [
    mine.entries.length > 0 ? mine.state.now.seq : Number.NaN,
    peer?.state.now.seq ?? -1,
    STATUS.indexOf(status),
  ]),
  issuer: rank((issuer: IssuerRecord) => [issuer.next, issuer.changes.length]),
  'recovery-key': rank(({ keys }: SealedRecoveryKeys) => [Math.max(0, ...keys.map(({ epoch }) => epoch))]),
}

/**
 * Whether an operation is about what a log may hold: a device that was stolen must not write into another segment, or into what
 * a wallet keeps about itself, nor what would stop it at every sync. What a ranked record lacks to be compared, nothing else can
 * do without.
 */
export function isKnown({ category, segment, value }: Operation): boolean {
  if (category === EVIDENCE) return segment === 'messages'
  if (!Object.hasOwn(SEGMENTS, category) || NOT_LOGGED.has(category)) return false
  if (SEGMENTS[category as Category] !== segment) return false
  const rank = Object.hasOwn(RANKS, category) ? RANKS[category] : undefined
  return value === undefined || (isWhole(category, value) && (rank === undefined || rank(value).length > 0))
}

/**
 * Whether a device takes it in from the owner's other devices as it is. The rest lies in the log for recovery alone: identities and
 * relationships mean something only together with keys, which every device has its own of.
 */
export function isShared(operation: Operation): boolean {
  const { category, value } = operation
  return SHARED.has(category) && isKnown(operation) && !staysHere(category, value)
}

/** Of a ledger that contradicted itself; written by whoever looks at the ledger. */
const EVIDENCE = 'evidence'

/** What of a record leaves the device. Undefined: none of it. */
export function loggedPart(record: VaultRecord): VaultRecord | undefined {
  if (!isLogged(record.segment) || NOT_LOGGED.has(record.category)) return undefined
  if (record.category === 'relationship' || record.category === 'correspondent') {
    // Whether this device's keys are in it is this device's.
    const { joining: _, ...value } = record.value
    return { ...record, value }
  }
  if (record.category !== 'profile') return record
  // The account at the agency is this device's.
  const { label, strangers } = record.value as unknown as Profile
  return { ...record, value: { label, ...(strangers === undefined ? {} : { strangers }) } }
}

function rank<T>(of: (value: T) => readonly number[]): (value: JsonObject) => readonly number[] {
  return (value) => {
    try {
      const ranks = of(value as unknown as T)
      return ranks.every(Number.isFinite) ? ranks : []
    } catch {
      // Not what this release writes: time alone decides.
      return []
    }
  }
}
