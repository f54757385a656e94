/** How many of your devices a change of your keys towards contacts needs, and what waits for another one (DEVICE-13 to DEVICE-16). */
import type { ApprovalsView } from '@keystead/agent/edge'
import { action, card, confirmed, h, swap, time } from '../dom.ts'
import type { Screen } from '../rooms.ts'
import type { Session } from '../session.ts'

export function approvalsCard({ agent }: Session): Screen {
  const body = h('div', {})
  const said = h('p', { class: 'soft', role: 'status' })
  const element = card('How many devices have to agree', body, said)
  let shown = ''
  const set = async (needed: 1 | 2): Promise<void> => {
    const done = await agent.devices.setApprovals(needed)
    said.textContent = done ? '' : 'It takes two devices to say so: approve it on another one of yours, under “Decide”.'
    await refresh()
  }
  const refresh = async (): Promise<void> => {
    const view = await agent.devices.approvals()
    const key = JSON.stringify(view)
    // What a person is at stays.
    if (key === shown || body.querySelector('.warning')) return
    shown = key
    if (view.needed === 1 && said.textContent) said.textContent = ''
    swap(
      body,
      ...wordsOf(view),
      ...(view.needed === 1 ? raise(view, () => set(2)) : [lower(() => set(1))]),
      waiting(view),
    )
  }
  const waiting = ({ waiting }: ApprovalsView): HTMLElement =>
    h(
      'ul',
      { class: 'list' },
      ...waiting.map(({ id, text, expires, declined }) =>
        h(
          'li',
          {},
          h('p', {}, text),
          h('p', { class: 'soft' }, `Waits for another device of yours, until ${time(expires)}`),
          declined.length > 0 && h('p', { class: 'maybe' }, `Declined on ${declined.join(', ')}`),
          action('Withdraw', () => agent.devices.withdraw(id).then(refresh), 'plain', text),
        ),
      ),
    )
  return { element, refresh }
}

function wordsOf({ needed, devices, alone }: ApprovalsView): HTMLElement[] {
  if (needed === 1)
    return [h('p', {}, 'One device is enough to change your keys towards contacts, also in the hands of a thief.')]
  const loss =
    devices > 2
      ? 'When one is lost, the others revoke it together.'
      : 'When one is lost, nothing can be changed until you recover with your kit and contacts: a third device spares you that.'
  return [
    h('p', {}, `Two of your ${devices} devices have to agree to every change of your keys towards contacts. ${loss}`),
    ...(alone.length > 0
      ? [h('p', { class: 'maybe' }, `One is enough until the next change: ${alone.join(', ')}.`)]
      : []),
  ]
}

function raise({ devices }: ApprovalsView, work: () => Promise<void>): HTMLElement[] {
  if (devices < 2) return [h('p', { class: 'soft' }, 'Two can be asked for once you have a second device.')]
  return [
    confirmed(
      'Ask for two',
      'From then on what one of your devices wants waits until you approve it on another one. It takes two to go back, too.',
      'Two have to agree',
      work,
    ),
  ]
}

const lower = (work: () => Promise<void>): HTMLElement =>
  confirmed(
    'Let one be enough',
    'Another device of yours has to approve this, and once more the next change towards each contact.',
    'One is to be enough',
    work,
  )
