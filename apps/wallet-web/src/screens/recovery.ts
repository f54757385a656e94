/** Being ready to lose everything (flows V13 to V16): how recoverable you are, setting up, changing, the kit, a rehearsal. */
import type { RecoveryStatus } from '@keystead/agent/edge'
import type { Kit } from '@keystead/recovery'
import { action, card, h, swap, time } from '../dom.ts'
import type { Screen } from '../rooms.ts'
import type { Session } from '../session.ts'
import { changing } from './changing.ts'
import { dealing } from './dealing.ts'
import { kitCard, kitReader } from './kit.ts'
import { rehearsalView } from './rehearsal.ts'

const LEVELS: Readonly<Record<RecoveryStatus['level'], { text: string; kind: string }>> = {
  none: { text: 'If this device is lost, everything is lost.', kind: 'bad' },
  authority: { text: 'Your DID would come back, your contacts and messages would not.', kind: 'bad' },
  weak: { text: 'You would come back, but one loss more could end that.', kind: 'maybe' },
  good: { text: 'You would come back.', kind: 'good' },
}

const ANSWERS = {
  kept: 'keeps a share',
  waiting: 'has not answered yet',
  declined: 'declined',
  lost: 'no longer has the share',
  silent: 'did not answer for long',
  locked: 'is locked: too many wrong PINs',
} as const

export function recoveryScreen(session: Session): Screen {
  const meter = h('div', {})
  const work = h('div', {})
  const drill = h('div', { role: 'status' })
  const tested = card(
    'Test my recovery',
    h(
      'p',
      {},
      'Everybody and everything that would bring you back is asked to show that it is there. Nothing is touched.',
    ),
    action('Test it now', async () => {
      const until = Math.floor(Date.now() / 1000) + 30
      drill.replaceChildren(h('p', { class: 'soft' }, 'Asking; the wallets of your contacts answer when they are on …'))
      try {
        drill.replaceChildren(rehearsalView(await session.agent.recovery.rehearse({ until })))
      } catch (error) {
        drill.replaceChildren()
        throw error
      }
    }),
    drill,
  )
  const element = h('div', {}, card('How recoverable you are', meter), work)
  let dealt: Kit | undefined
  let shown = ''
  const refresh = async (): Promise<void> => {
    const status = await session.agent.recovery.status()
    const contacts = (await session.agent.contacts()).filter(({ status }) => status === 'connected')
    const key = JSON.stringify([status, contacts.map(({ id, label }) => [id, label]), dealt !== undefined])
    if (key === shown) return
    shown = key
    meter.replaceChildren(...meterView(status))
    // What is being filled in stays, and a kit stays on the screen until it is put away.
    const now = dealt ? 'kit' : status.policy ? `set up ${status.kitChecked} ${status.change !== undefined}` : 'none'
    if (now === work.getAttribute('data-now')) return
    work.setAttribute('data-now', now)
    const deal = (kit: Kit): void => {
      dealt = kit
      void refresh()
    }
    if (dealt)
      swap(
        work,
        kitCard(session, dealt, () => {
          dealt = undefined
          void refresh()
        }),
      )
    else if (!status.policy)
      swap(work, dealing(session, { contacts, deal, suggested: await session.suggestedAgents() }))
    else
      swap(
        work,
        ...(status.kitChecked ? [] : [kitReader(session, refresh)]),
        tested,
        changing(session, { status, contacts, deal, refresh }),
      )
  }
  return { element, refresh }
}

function meterView(status: RecoveryStatus): HTMLElement[] {
  const { level, missing, contacts, agents, backup, earlierUntil, change, rehearsed } = status
  const { text, kind } = LEVELS[level]
  const lines = [
    ...contacts.map(({ label, answer }) => `${label} ${ANSWERS[answer]}`),
    ...agents.map(({ operator, endpoint, demonstration, answer, guessesUsed }) => {
      const label = demonstration ? ' (a demonstration, not independent)' : ''
      const tried = guessesUsed > 0 ? `, tried ${guessesUsed} time(s)` : ''
      return `PIN: ${operator} at ${endpoint}${label} ${answer === 'kept' ? 'keeps its part' : ANSWERS[answer]}${tried}`
    }),
    ...(change?.contacts ?? []).map(({ label, answer }) => `Change: ${label} ${ANSWERS[answer]}`),
    ...(backup ? [`Backup of ${time(backup.at)}`] : []),
    ...(rehearsed === undefined ? [] : [`Tested ${time(rehearsed)}`]),
    ...(earlierUntil === undefined ? [] : [`Keep your earlier kit until ${time(earlierUntil)}`]),
  ]
  return [
    h('p', { class: kind, 'data-testid': 'level' }, h('strong', {}, text)),
    ...(missing.length > 0
      ? [
          h('p', {}, 'What is missing:'),
          h('ul', {}, ...missing.map(({ code, text }) => h('li', { 'data-lack': code }, text))),
        ]
      : []),
    ...(lines.length > 0
      ? [h('details', {}, h('summary', {}, 'Who keeps what'), h('ul', {}, ...lines.map((line) => h('li', {}, line))))]
      : []),
  ]
}
