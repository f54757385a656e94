/** The page: a door (create or unlock), then four rooms behind one navigation. */
import type { AgentEvent } from '@keystead/agent/edge'
import { action, h } from './dom.ts'
import { credentialsScreen } from './screens/credentials.ts'
import { door } from './screens/door.ts'
import { homeScreen } from './screens/home.ts'
import { peopleScreen } from './screens/people.ts'
import { requestsScreen } from './screens/requests.ts'
import { Session, services } from './session.ts'

/** A room: built once, refreshed whenever something happened. */
export interface Screen {
  readonly element: HTMLElement
  refresh(): Promise<void>
}

const app = document.querySelector<HTMLElement>('#app')
if (!app) throw new Error('the page lacks its place')
const said = h('div', { id: 'said', role: 'status', 'aria-live': 'polite' })
document.body.append(said)

let quiet: ReturnType<typeof setTimeout> | undefined
let changed: () => void = () => {}

/** What the agent tells is shown for a while, and what is on the screen is looked at again. */
function tell(event: AgentEvent): void {
  if (event.kind !== 'waiting' && event.kind !== 'challenge-answered' && event.kind !== 'backed-up') {
    said.textContent = event.text
    clearTimeout(quiet)
    quiet = setTimeout(() => said.replaceChildren(), 6000)
  }
  changed()
}

function show(...children: readonly Node[]): void {
  app?.replaceChildren(...children)
  app?.removeAttribute('aria-busy')
}

async function closed(): Promise<void> {
  const config = await services()
  show(
    door(Session.known(), {
      create: async (label, passphrase) => open(await Session.create(config, { label, passphrase }, tell)),
      unlock: async (passphrase) => open(await Session.unlock(passphrase, tell)),
      unlockWithPasskey: (await Session.hasPasskey())
        ? async () => open(await Session.unlockWithPasskey(tell))
        : undefined,
    }),
  )
}

function open(session: Session): void {
  const screens: Readonly<Record<string, { title: string; screen: Screen }>> = {
    me: { title: 'You', screen: homeScreen(session) },
    people: { title: 'People', screen: peopleScreen(session) },
    credentials: { title: 'Credentials', screen: credentialsScreen(session) },
    decide: { title: 'Decide', screen: requestsScreen(session) },
  }
  const count = h('span', { class: 'count', hidden: true })
  const links = Object.entries(screens).map(([name, { title }]) =>
    h('a', { href: `#${name}` }, title, ...(name === 'decide' ? [' ', count] : [])),
  )
  const place = h('main', {})
  const current = (): string => {
    const name = location.hash.slice(1)
    if (Object.hasOwn(screens, name)) return name
    // A link that was opened never acts: it is put into the form where the person decides.
    const asked = new URLSearchParams(location.search)
    return asked.has('_oob') ? 'people' : asked.has('_help') ? 'decide' : 'me'
  }
  const turn = (): void => {
    const name = current()
    for (const link of links)
      if (link.hash === `#${name}`) link.setAttribute('aria-current', 'page')
      else link.removeAttribute('aria-current')
    const found = screens[name]
    if (found && place.firstChild !== found.screen.element) place.replaceChildren(found.screen.element)
    void refresh()
  }
  let again = false
  let refreshing = false
  const refresh = async (): Promise<void> => {
    again = true
    if (refreshing) return
    refreshing = true
    try {
      while (again) {
        again = false
        const waiting = (await session.agent.requests()).length
        count.textContent = String(waiting)
        count.hidden = waiting === 0
        await screens[current()]?.screen.refresh()
      }
    } finally {
      refreshing = false
    }
  }
  changed = () => void refresh().catch(() => {})
  const looking = setInterval(changed, 3000)
  addEventListener('hashchange', turn)
  const lock = async (): Promise<void> => {
    clearInterval(looking)
    removeEventListener('hashchange', turn)
    changed = () => {}
    await session.lock()
    await closed()
  }
  show(
    h('header', {}, h('h1', {}, 'Keystead ', h('small', {}, session.label)), action('Lock', lock)),
    h('nav', { 'aria-label': 'Rooms' }, ...links),
    place,
  )
  session.listen()
  turn()
}

await closed()
