/** The page: a door (make, link, unlock), then rooms behind one navigation, or one room while a wallet comes about. */
import type { AgentEvent } from '@keystead/agent/edge'
import type { Kit } from '@keystead/recovery'
import { action, h, openedLink } from './dom.ts'
import { alarm } from './screens/alarm.ts'
import { credentialsScreen } from './screens/credentials.ts'
import { devicesScreen } from './screens/devices.ts'
import { door } from './screens/door.ts'
import { homeScreen } from './screens/home.ts'
import { linkingScreen } from './screens/linking.ts'
import { makingScreen } from './screens/making.ts'
import { peopleScreen } from './screens/people.ts'
import { recoveringScreen } from './screens/recovering.ts'
import { recoveryScreen } from './screens/recovery.ts'
import { requestsScreen } from './screens/requests.ts'
import { type Purpose, Session, services } from './session.ts'

/** A room: built once, refreshed whenever something happened. */
export interface Screen {
  readonly element: HTMLElement
  refresh(): Promise<void>
}

const app = document.querySelector<HTMLElement>('#app')
if (!app) throw new Error('the page lacks its place')
const said = h('div', { id: 'said', role: 'status', 'aria-live': 'polite' })
document.body.append(said)

/** How often what is on the screen is looked at again by itself. */
const LOOK_MS = 3000
/** How long what the agent tells is shown. */
const SAID_MS = 6000
/** Events that are no news to a person. */
const QUIET: ReadonlySet<string> = new Set([
  'waiting',
  'challenge-answered',
  'backed-up',
  'link-code',
  'help-code',
  'code',
])

let quiet: ReturnType<typeof setTimeout> | undefined
let changed: () => void = () => {}
let moved: () => void = () => {}
addEventListener('hashchange', () => moved())

/** What the agent tells is shown for a while, and what is on the screen is looked at again. */
function tell(event: AgentEvent): void {
  if (!QUIET.has(event.kind)) {
    said.textContent = event.text
    clearTimeout(quiet)
    quiet = setTimeout(() => said.replaceChildren(), SAID_MS)
  }
  changed()
}

function show(...children: readonly Node[]): void {
  app?.replaceChildren(...children)
  app?.removeAttribute('aria-busy')
}

async function closed(): Promise<void> {
  const start = async (made: Parameters<typeof Session.start>[1]): Promise<void> =>
    enter(await Session.start(await services(), made, tell))
  const actions = {
    create: (label: string, passphrase: string) => start({ purpose: 'make', label, passphrase }),
    link: (label: string, passphrase: string) => start({ purpose: 'link', label, passphrase }),
    recover: async (kit: Kit | undefined, pin: string, passphrase: string) => {
      const known = kit ? { genesis: kit.genesis } : {}
      const made = { purpose: 'recover', label: 'recovering', passphrase, ...known } as const
      const session = await Session.start(await services(), made, tell)
      // What goes wrong here is said in the room that comes now, where it can be tried again.
      await session.recover(kit, pin).catch((error: Error) => tell({ kind: 'recovering', text: error.message }))
      return enter(session)
    },
    unlock: async (passphrase: string) => enter(await Session.unlock(passphrase, tell)),
    unlockWithPasskey: (await Session.hasPasskey())
      ? async () => enter(await Session.unlockWithPasskey(tell))
      : undefined,
  }
  moved = () => show(door(Session.known(), actions))
  moved()
}

/** What the wallet was made for is done first, in one room. */
async function enter(session: Session): Promise<void> {
  const purpose = await session.unfinished()
  if (purpose === undefined) {
    await session.settle()
    return rooms(session)
  }
  const done = async (): Promise<void> => {
    ended()
    await enter(session)
  }
  const leave = async (): Promise<void> => {
    ended()
    await closed()
  }
  const screen = SCREENS[purpose](session, { done, leave })
  const ended = open(session, () => screen.refresh())
  show(header(session, ended), h('main', {}, screen.element))
}

/** While a wallet comes about. `done`: it has its owner; `leave`: it was thrown away. */
const SCREENS: Readonly<Record<Purpose, (session: Session, ways: Ways) => Screen>> = {
  make: makingScreen,
  link: linkingScreen,
  recover: recoveringScreen,
}

export interface Ways {
  done(): Promise<void>
  leave(): Promise<void>
}

function rooms(session: Session): void {
  const screens: Readonly<Record<string, { title: string; screen: Screen; within?: string }>> = {
    me: { title: 'You', screen: homeScreen(session) },
    people: { title: 'People', screen: peopleScreen(session) },
    credentials: { title: 'Credentials', screen: credentialsScreen(session) },
    decide: { title: 'Decide', screen: requestsScreen(session) },
    devices: { title: 'Devices', screen: devicesScreen(session), within: 'me' },
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
    if (found && place.firstChild !== found.screen.element) place.replaceChildren(found.screen.element)
    changed()
  }
  const refresh = async (): Promise<void> => {
    const waits = (await session.agent.requests()).length
    count.textContent = String(waits)
    count.hidden = waits === 0
    await warned.refresh()
    await screens[current()]?.screen.refresh()
  }
  const ended = open(session, refresh)
  moved = turn
  show(header(session, ended), h('nav', { 'aria-label': 'Rooms' }, ...links), warned.element, place)
  turn()
}

/** Listens, and looks again whenever something happened, one at a time; the answer ends the looking. */
function open(session: Session, refresh: () => Promise<void>): () => void {
  let again = false
  let refreshing = false
  let over = false
  const look = async (): Promise<void> => {
    again = true
    if (refreshing) return
    refreshing = true
    try {
      while (again && !over) {
        again = false
        await refresh()
      }
    } finally {
      refreshing = false
    }
  }
  changed = () => void look().catch(() => {})
  moved = () => {}
  const looking = setInterval(changed, LOOK_MS)
  session.listen()
  changed()
  return () => {
    over = true
    clearInterval(looking)
    changed = () => {}
    moved = () => {}
  }
}

function header(session: Session, ended: () => void): HTMLElement {
  const lock = async (): Promise<void> => {
    ended()
    await session.lock()
    await closed()
  }
  return h('header', {}, h('h1', {}, 'Keystead ', h('small', {}, session.label)), action('Lock', lock))
}

await closed()
