/** On a new device (flow V6): its link, then the code to read out, until the other device has let it in. */
import { action, attempt, card, h, spoken, swap, time } from '../dom.ts'
import type { Ways } from '../main.ts'
import { link } from '../qr.ts'
import type { Screen } from '../rooms.ts'
import type { Session } from '../session.ts'
import { discard } from './discard.ts'

type Linking = NonNullable<Awaited<ReturnType<Session['agent']['devices']['linking']>>>

export function linkingScreen(session: Session, { done, leave }: Ways): Screen {
  const { devices } = session.agent
  const body = h('div', { 'aria-live': 'polite' })
  const element = card(
    `Make "${session.label}" a device of your wallet`,
    body,
    discard(session, 'Give up, and throw this empty wallet away', leave),
  )
  let shown = ''
  const refresh = async (): Promise<void> => {
    if ((await session.unfinished()) === undefined) return done()
    const found = await devices.linking()
    const now = found && isOpen(found) ? found : undefined
    const key = `${now?.state}${now?.url}${found?.state}`
    if (key === shown) return
    shown = key
    if (now) swap(body, ...steps(now, refuse))
    else if (found) swap(body, ...over(found, again))
    else swap(body, attempt('Making the link …', again))
  }
  const again = async (): Promise<void> => {
    await session.showLink()
    await refresh()
  }
  const refuse = async (): Promise<void> => {
    await devices.refuseLink('new')
    await refresh()
  }
  return { element, refresh }
}

function isOpen({ state, expires }: Linking): boolean {
  if (state === 'refused') return false
  return state === 'approved' || state === 'linked' || expires > Date.now() / 1000
}

function over({ state }: Linking, again: () => Promise<void>): HTMLElement[] {
  const why = state === 'refused' ? 'The link was refused.' : 'The time of the link is over.'
  return [h('p', {}, `${why} Nothing was given to this device.`), action('Show a new link', again, '')]
}

function steps({ state, url = '', code = '', expires }: Linking, refuse: () => Promise<void>): HTMLElement[] {
  switch (state) {
    case 'shown':
      return [
        h(
          'ol',
          {},
          h('li', {}, 'On a device that has your wallet, open “You”, then “Devices”.'),
          h('li', {}, 'Scan this code there, or paste the link. Show it to no other device.'),
          h('li', {}, 'Come back to this page: it shows a code of eight digits.'),
        ),
        link(url, 'QR code of the link for your other device'),
        h('p', { class: 'soft' }, `Good until ${time(expires)}. The link alone gives nothing to anybody.`),
      ]
    case 'revealed':
      return [
        h('p', {}, 'Type this code on your other device:'),
        h('p', { class: 'code', 'data-testid': 'code' }, spoken(code)),
        h('p', {}, 'Only if that device is in your hands. Tell the code to nobody who asks for it.'),
        action('That is not my device: stop', refuse),
      ]
    case 'approved':
    case 'linked':
      return [h('p', {}, 'You are in. Your contacts and credentials are on their way …')]
    default:
      return [h('p', {}, 'Your other device has taken up the link. A code appears here in a moment …')]
  }
}
