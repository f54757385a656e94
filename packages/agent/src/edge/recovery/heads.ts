/** What escrow agents know of how far the log was (SYNC-9). */
import type { LocatorRecord } from '@keystead/recovery'
import type { Edge } from '../context.ts'
import type { AcknowledgedHeads } from '../log/restore.ts'
import type { Lead } from './rescue.ts'

export function acknowledgedHeads(_edge: Edge, _lead: Lead, _record: LocatorRecord): AcknowledgedHeads {
  return async () => ({ heads: [], lacks: [] })
}
