/** An open wallet: rooms behind one navigation. */
import { action, h, openedLink } from './dom.ts'
import { alarm } from './screens/alarm.ts'
import { credentialsScreen } from './screens/credentials.ts'
import { devicesScreen } from './screens/devices.ts'
import { guardiansScreen } from './screens/guardians.ts'
import { homeScreen } from './screens/home.ts'
import { messagesScreen } from './screens/messages.ts'
import { peopleScreen } from './screens/people.ts'
import { recoveryScreen } from './screens/recovery.ts'
import { requestsScreen } from './screens/requests.ts'
import type { Session } from './session.ts'
import { arrive, lookAgain, open, show } from './stage.ts'

/** A room: built once, refreshed whenever something happened. */
export interface Screen {
  readonly element: HTMLElement
  refresh(): Promise<void>
}

/** `leave`: it was locked. */
export function rooms(session: Session, leave: () => Promise<void>): void {
  const screens: Readonly<Record<string, { title: string; screen: Screen; within?: string }>> = {
    me: { title: 'You', screen: homeScreen(session) },
    people: { title: 'People', screen: peopleScreen(session) },
    credentials: { title: 'Credentials', screen: credentialsScreen(session) },
    decide: { title: 'Decide', screen: requestsScreen(session) },
    messages: { title: 'Messages', screen: messagesScreen(session), within: 'people' },
    devices: { title: 'Devices', screen: devicesScreen(session), within: 'me' },
    guardians: { title: 'Guardians', screen: guardiansScreen(session), within: 'me' },
    recovery: { title: 'Recovery', screen: recoveryScreen(session), within: 'me' },
  }
  const count = h('span', { class: 'count', hidden: true })
  const links = Object.entries(screens).flatMap(([name, { title, within }]) =>
    within === undefined ? [h('a', { href: `#${name}` }, title, ...(name === 'decide' ? [' ', count] : []))] : [],
  )
  const place = h('main', {})
  const warned = alarm(session)
  const current = (): string => {
    const name = location.hash.slice(1)
    if (Object.hasOwn(screens, name)) return name
    // A link that was opened never acts: it is put into the form where the person decides.
    if (openedLink('_oob')) return 'people'
    if (openedLink('_link')) return 'devices'
    return openedLink('_help') ? 'decide' : 'me'
  }
  const turn = (): void => {
    const name = current()
    const found = screens[name]
    for (const link of links)
      if (link.hash === `#${found?.within ?? name}`) link.setAttribute('aria-current', 'page')
      else link.removeAttribute('aria-current')
    if (found && place.firstChild !== found.screen.element) {
      place.replaceChildren(found.screen.element)
      if (place.isConnected) arrive(found.title)
    }
    lookAgain()
  }
  const refresh = async (): Promise<void> => {
    const waits = (await session.agent.requests()).length
    if (count.firstChild?.textContent !== String(waits))
      count.replaceChildren(String(waits), h('span', { class: 'unseen' }, ' waiting for you'))
    count.hidden = waits === 0
    await warned.refresh()
    await screens[current()]?.screen.refresh()
  }
  const ended = open(session, refresh)
  turn()
  const { title = '' } = screens[current()] ?? {}
  show(
    title,
    [header(session, ended, leave), h('nav', { 'aria-label': 'Rooms' }, ...links), warned.element, place],
    turn,
  )
}

export function header(session: Session, ended: () => void, leave: () => Promise<void>): HTMLElement {
  const lock = async (): Promise<void> => {
    ended()
    await session.lock()
    await leave()
  }
  return h('header', {}, h('h1', {}, 'Keystead ', h('small', {}, session.label)), action('Lock', lock))
}
