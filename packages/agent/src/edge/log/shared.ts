/** Which records the log holds and how they merge (SYNC-5). */
import type { JsonObject } from '@keystead/core'
import { isLogged, type Ranks, type VaultRecord } from '@keystead/wallet'
import type { Category, Identity, IssuerRecord, Profile, Relationship } from '../records.ts'
import type { SealedRecoveryKeys } from '../recovery/records.ts'
import { NOT_LOGGED } from '../store.ts'

const STATUS: readonly Relationship['status'][] = ['invited', 'requested', 'connected', 'closing', 'closed']

/** What never goes back, whatever the clocks say. */
export const RANKS: Ranks = {
  identity: rank((identity: Identity) => [identity.seq]),
  relationship: rank(({ mine, peer, status }: Relationship) => [
    mine.state.now.seq,
    peer?.state.now.seq ?? -1,
    STATUS.indexOf(status),
  ]),
  issuer: rank((issuer: IssuerRecord) => [issuer.next, issuer.changes.length]),
  'recovery-key': rank(({ keys }: SealedRecoveryKeys) => [Math.max(0, ...keys.map(({ epoch }) => epoch))]),
}

/**
 * What a device takes in from the owner's other devices as it is. The rest lies in the log for recovery alone: identities and
 * relationships mean something only together with keys, which every device has its own of.
 */
export const SHARED: ReadonlySet<string> = new Set<Category>([
  'text',
  'credential',
  'presentation',
  'issued',
  'blocked',
  'share',
])

/** What of a record leaves the device. Undefined: none of it. */
export function loggedPart(record: VaultRecord): VaultRecord | undefined {
  if (!isLogged(record.segment) || NOT_LOGGED.has(record.category)) return undefined
  if (record.category !== 'profile') return record
  // The account at the agency is this device's.
  const { label, strangers } = record.value as unknown as Profile
  return { ...record, value: { label, ...(strangers === undefined ? {} : { strangers }) } }
}

function rank<T>(of: (value: T) => readonly number[]): (value: JsonObject) => readonly number[] {
  return (value) => {
    try {
      return of(value as unknown as T)
    } catch {
      // Not what this release writes: time alone decides.
      return []
    }
  }
}
