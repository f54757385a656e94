/** A recovery that would fail is said before it is needed (row N6): what has become worse since the deal, once a week. */
import type { Lack } from '@keystead/recovery'
import { REMINDER_SECONDS } from '../../limits.ts'
import { type Edge, nowSeconds, tell } from '../context.ts'
import { put } from '../store.ts'
import { currentSetup } from './recovery-set.ts'
import { recoveryStatus } from './status.ts'

/** What was never done is shown by the meter; what was done and no longer holds comes to the owner. */
const REMINDED: ReadonlySet<Lack> = new Set([
  'CONTACT_SILENT',
  'SHARE_LOST',
  'PIN_AGENT_SILENT',
  'PIN_SHARE_LOST',
  'PIN_LOCKED',
  'PIN_TRIED',
  'NOT_REHEARSED',
])

/** Part of every sync. */
export async function remind(edge: Edge): Promise<void> {
  const setup = await currentSetup(edge)
  const name = String(setup?.policy.epoch)
  const health = setup && (await edge.records.get('share-health', name))
  if (!health || nowSeconds(edge) < (health.reminded ?? 0) + REMINDER_SECONDS) return
  const { level, missing } = await recoveryStatus(edge)
  const worse = missing.filter(({ code }) => REMINDED.has(code))
  if (worse.length === 0) return
  await edge.records.commit([put('share-health', name, { ...health, reminded: nowSeconds(edge) })])
  for (const { code, text } of worse) tell(edge, { kind: 'recovery-reminder', text, data: { code, level } })
}
