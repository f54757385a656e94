/** Guards of what an agency would release in a recovery (rule 27): set by its owner once, used by whoever has a token. */
import {
  GUARD_SET,
  GUARD_SET_ACK,
  GUARD_STAY,
  GUARD_STAYED,
  type GuardedKind,
  guardedSubject,
  parseGuardSet,
  parseGuardStay,
} from '../protocols/recovery-guard/messages.ts'
import { type CloudAgent, refusal } from './agent.ts'
import type { Handler } from './handlers.ts'

export const GUARD_HANDLERS: ReadonlyMap<string, Handler> = new Map<string, Handler>([
  [
    GUARD_SET,
    {
      run: async ({ options: { store } }, { account, message }) => {
        const { subject, guard } = parseGuardSet(message.body)
        await store.setGuard(account, subject, guard)
        return { type: GUARD_SET_ACK, body: { subject } }
      },
    },
  ],
  [
    GUARD_STAY,
    {
      run: async ({ options: { store, clock } }, { message }) => {
        const { subject, token } = parseGuardStay(message.body)
        const until = await store.stayRelease(subject, token, Math.floor(clock.now() / 1000))
        // Whoever objects has to find the other parts, also while the record is stayed.
        const [kind, name = ''] = subject.split('|')
        const record = kind === 'locator' ? await store.locator(name) : undefined
        const attachments = record ? { attachments: [{ id: 'record', bytes: record }] } : {}
        return { type: GUARD_STAYED, body: { subject, until }, ...attachments }
      },
    },
  ],
])

/** Throws `RELEASE_STAYED` while a veto or an objection stands; asked before anything is counted or shown. */
export async function refuseWhileStayed(agent: CloudAgent, kind: GuardedKind, name: string): Promise<void> {
  const { store, clock } = agent.options
  const until = await store.stayedUntil(guardedSubject(kind, name))
  if (until <= Math.floor(clock.now() / 1000)) return
  const end = new Date(until * 1000).toISOString().replace('.000Z', 'Z')
  throw refusal('RELEASE_STAYED', `somebody objected to this recovery: nothing is released until ${end}`)
}
