/** Coming back on a new device (flows V16, V17), with two of kit, PIN and contacts. What comes is kept: it may take days. */
import type { Recovered, RecoveryProgress } from '@keystead/agent/edge'
import { parseKit, spokenCode } from '@keystead/recovery'
import { action, attempt, card, field, form, h, swap, time } from '../dom.ts'
import type { Ways } from '../main.ts'
import { link } from '../qr.ts'
import type { Screen } from '../rooms.ts'
import { scanArea } from '../scan.ts'
import type { Session } from '../session.ts'
import { discard } from './discard.ts'
import { WAYS } from './ways.ts'

type Rescue = RecoveryProgress['rescue']

export function recoveringScreen(session: Session, { done, leave }: Ways): Screen {
  const { recovery } = session.agent
  const body = h('div', { 'aria-live': 'polite' })
  const away = discard(session, 'Give up, and throw this empty wallet away', leave)
  const element = card('Recover your wallet', body, away)
  let shown = ''
  const refresh = async (): Promise<void> => {
    const now = await recovery.progress()
    const key = JSON.stringify(now ? [now.have, now.need, now.pin, now.ready, now.rescue.sessions] : 'none')
    if (key === shown || shown === 'over') return
    shown = key
    if (!now) return swap(body, ...begin(session, refresh))
    if (!now.ready) return swap(body, ...waiting(session, now, refresh))
    shown = 'over'
    away.remove()
    const finish = async (): Promise<void> => swap(body, ...back(await recovery.finish(), done))
    swap(body, attempt('Two ways in are here. Your data comes back …', finish))
  }
  return { element, refresh }
}

/** Kit and PIN, as far as there are any: at the door, and again when a start was interrupted. */
export function kitAndPin(): {
  rows: Node[]
  read: () => { kit: ReturnType<typeof parseKit> | undefined; pin: string }
} {
  const kit = scanArea('Your kit: scan its QR code, or paste it; empty if you have none')
  const pin = field('Your PIN; empty if you have none', { type: 'password', inputmode: 'numeric', autocomplete: 'off' })
  return {
    rows: [kit.row, pin.row],
    read: () => ({
      kit: kit.input.value.trim() === '' ? undefined : parseKit(kit.input.value),
      pin: pin.input.value,
    }),
  }
}

function begin(session: Session, refresh: () => Promise<void>): HTMLElement[] {
  const ways = kitAndPin()
  return [
    form('Go on', ways.rows, async () => {
      const { kit, pin } = ways.read()
      await session.recover(kit, pin)
      await refresh()
    }),
  ]
}

function waiting({ agent }: Session, now: RecoveryProgress, refresh: () => Promise<void>): HTMLElement[] {
  const { rescue, have, need, pin } = now
  const kit = rescue.kit !== undefined
  return [
    h('p', {}, 'Two of these bring you back:'),
    h(
      'ul',
      { class: 'checks' },
      h('li', { class: kit ? 'good' : 'soft' }, kit ? '✓ Your kit is here' : '– No kit'),
      h('li', { class: pin ? 'good' : 'soft' }, pin ? '✓ Your PIN was right' : '– No PIN yet'),
      h('li', { class: 'soft', 'data-testid': 'shares' }, `– ${have} of ${need ?? 'the'} shares of your contacts`),
    ),
    ...(pin || !(kit || have > 0) ? [] : [pinForm(agent.recovery, refresh)]),
    ...rescue.sessions.flatMap(codeOf),
    h('h3', {}, 'Ask your contacts'),
    h(
      'p',
      {},
      `Call each of them, and give them this link${kit ? '' : '; they also have to say that it is you who asks'}. Then a code appears here for each, to tell them on the call.`,
    ),
    link(rescue.url, 'QR code of the link for your contacts'),
    h(
      'p',
      { class: 'soft' },
      `The link is good until ${time(rescue.expires)}; it opens nothing by itself. You may close this page and come back.`,
    ),
  ]
}

function pinForm(recovery: Session['agent']['recovery'], refresh: () => Promise<void>): HTMLElement {
  const pin = field('Your PIN', { type: 'password', required: true, inputmode: 'numeric', autocomplete: 'off' })
  return form('Enter the PIN', [pin.row], async () => {
    try {
      await recovery.enterPin(pin.input.value)
    } finally {
      pin.input.value = ''
    }
    await refresh()
  })
}

function codeOf({ ceremony, label }: Rescue['sessions'][number]): HTMLElement[] {
  if (ceremony.state !== 'revealed') return []
  return [
    h('p', {}, `Tell ${label || 'the contact'} this code, on a call:`),
    h('p', { class: 'code', 'data-code-for': label }, spokenCode(ceremony.code)),
  ]
}

function back(
  { records, path, identities, relationships, lacks, newest, holders }: Recovered,
  done: Ways['done'],
): HTMLElement[] {
  return [
    h(
      'p',
      { class: 'good' },
      h('strong', {}, `Your data is back: ${records} records, by ${WAYS[path]}.`),
      newest === undefined ? '' : ` The newest change is of ${time(newest)}.`,
    ),
    h('p', {}, `Read from ${holders.read} of ${holders.of} copies.`),
    ...(lacks.length > 0 ? [h('ul', {}, ...lacks.map(({ text }) => h('li', { class: 'maybe' }, text)))] : []),
    h(
      'p',
      {},
      `${identities} DID(s) and ${relationships} relationship(s) become yours again after a delay, in which your old devices could object. Then set recovery up anew: the old kit and shares are used up.`,
    ),
    action('Go on', done, ''),
  ]
}
