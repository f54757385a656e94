/** Coming back on a new device (flows V16, V17), with two of kit, PIN and contacts. What comes is kept: it may take days. */
import type { Recovered, RecoveryProgress } from '@keystead/agent/edge'
import { type Kit, kitLine, parseKit, spokenCode } from '@keystead/recovery'
import { action, attempt, card, field, form, h, problem, swap, time } from '../dom.ts'
import type { Ways } from '../main.ts'
import { link } from '../qr.ts'
import type { Screen } from '../rooms.ts'
import { scanArea } from '../scan.ts'
import type { Session } from '../session.ts'
import { discard } from './discard.ts'
import { WAYS } from './ways.ts'

type Rescue = RecoveryProgress['rescue']

/** `refused`: what was entered at the door, and why nothing could be begun with it. */
export function recoveringScreen(session: Session, { done, leave, refused }: Ways): Screen {
  const { recovery } = session.agent
  const body = h('div', { 'aria-live': 'polite' })
  const away = discard(session, 'Give up, and throw this empty wallet away', leave)
  const element = card('Recover your wallet', body, away)
  const waits = waiting(session, () => refresh())
  let shown = ''
  const refresh = async (): Promise<void> => {
    const now = await recovery.progress()
    const part = !now ? 'begin' : now.ready ? 'over' : 'waiting'
    if (now && part === 'waiting') waits.update(now)
    if (part === shown || shown === 'over') return
    shown = part
    if (part === 'begin') return swap(body, ...begin(session, { refused, refresh }))
    if (part === 'waiting') return swap(body, waits.element)
    away.remove()
    const finish = async (): Promise<void> => swap(body, ...back(await recovery.finish(), done))
    swap(body, attempt('Two ways in are here. Your data comes back …', finish))
  }
  return { element, refresh }
}

/** Kit and PIN, as far as there are any: at the door, and again when a start was interrupted. `known`: a kit that was read already. */
export function kitAndPin(known?: Kit): {
  rows: Node[]
  read: () => { kit: Kit | undefined; pin: string }
} {
  const kit = scanArea('Your kit: scan its QR code, or paste it; empty if you have none')
  const pin = field('Your PIN; empty if you have none', { type: 'password', inputmode: 'numeric', autocomplete: 'off' })
  if (known) kit.input.value = kitLine(known)
  return {
    rows: [kit.row, pin.row],
    read: () => ({
      kit: kit.input.value.trim() === '' ? undefined : parseKit(kit.input.value),
      pin: pin.input.value,
    }),
  }
}

function begin(
  session: Session,
  { refused, refresh }: { refused: Ways['refused']; refresh: () => Promise<void> },
): HTMLElement[] {
  const ways = kitAndPin(refused?.kit)
  const why = h('div', {}, refused && problem(refused.error))
  return [
    why,
    form('Go on', ways.rows, async () => {
      why.replaceChildren()
      const { kit, pin } = ways.read()
      await session.recover(kit, pin)
      await refresh()
    }),
  ]
}

/** What is here, and what is still asked for. What is being typed stays while the rest changes. */
function waiting(
  { agent }: Session,
  refresh: () => Promise<void>,
): { element: HTMLElement; update: (now: RecoveryProgress) => void } {
  const ways = h('ul', { class: 'checks' })
  const pin = h('div', { hidden: true }, pinForm(agent.recovery, refresh))
  const codes = h('div', {})
  const ask = h('div', {})
  const element = h('div', {}, h('p', {}, 'Two of these bring you back:'), ways, pin, codes, ask)
  let asked = ''
  const update = ({ rescue, have, need, pin: entered }: RecoveryProgress): void => {
    const kit = rescue.kit !== undefined
    replaced(ways, [
      h('li', { class: kit ? 'good' : 'soft' }, kit ? '✓ Your kit is here' : '– No kit'),
      h('li', { class: entered ? 'good' : 'soft' }, entered ? '✓ Your PIN was right' : '– No PIN yet'),
      h('li', { class: 'soft', 'data-testid': 'shares' }, `– ${have} of ${need ?? 'the'} shares of your contacts`),
    ])
    pin.hidden = entered || !(kit || have > 0)
    replaced(codes, rescue.sessions.flatMap(codeOf))
    if (asked === rescue.url) return
    asked = rescue.url
    ask.replaceChildren(...contactsOf(rescue))
  }
  return { element, update }
}

/** Only where it says something else: what is the same is not said again to those who listen. */
function replaced(place: HTMLElement, children: readonly HTMLElement[]): void {
  const after = h('div', {}, ...children)
  if (after.innerHTML !== place.innerHTML) place.replaceChildren(...children)
}

function contactsOf({ url, expires, kit }: Rescue): HTMLElement[] {
  return [
    h('h3', {}, 'Ask your contacts'),
    h(
      'p',
      {},
      `Call each of them, and give them this link${kit !== undefined ? '' : '; they also have to say that it is you who asks'}. Then a code appears here for each, to tell them on the call.`,
    ),
    link(url, 'QR code of the link for your contacts'),
    h(
      'p',
      { class: 'soft' },
      `The link is good until ${time(expires)}; it opens nothing by itself. You may close this page and come back.`,
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
