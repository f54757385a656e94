/** What is on the screen: one view at a time, looked at again whenever something happened, and what the agent tells beneath it. */
import type { AgentEvent } from '@keystead/agent/edge'
import { goTo, h } from './dom.ts'
import { whatIsAway } from './offline/reach.ts'
import type { Session } from './session.ts'

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

/** What the page itself is called. */
const NAME = document.title
const app = document.querySelector<HTMLElement>('#app')
if (!app) throw new Error('the page lacks its place')
const said = h('div', { id: 'said', role: 'status' })
const away = h('p', { id: 'away', role: 'status' })
/** Where another build of the page is offered. */
export const newer = h('div', { id: 'newer', role: 'status' })
app.before(away, newer)
document.body.append(said)

let quiet: ReturnType<typeof setTimeout> | undefined
let changed: () => void = () => {}
let moved: () => void = () => {}
let opened: Session | undefined
addEventListener('hashchange', () => moved())
for (const event of ['online', 'offline']) addEventListener(event, () => void sayAway())
setInterval(() => void sayAway(), LOOK_MS)
void sayAway()

/** What the agent tells is shown for a while, and what is on the screen is looked at again. */
export function tell(event: AgentEvent): void {
  if (!QUIET.has(event.kind)) {
    said.textContent = event.text
    clearTimeout(quiet)
    quiet = setTimeout(() => said.replaceChildren(), SAID_MS)
  }
  changed()
}

/** Asks for another look. */
export const lookAgain = (): void => changed()

/** `turn`: called when the address names something else. */
export function show(title: string, children: readonly Node[], turn: () => void = () => {}): void {
  const first = app?.hasAttribute('aria-busy')
  moved = turn
  app?.replaceChildren(...children)
  app?.removeAttribute('aria-busy')
  // A page that has just been opened is read from its top.
  if (!first) arrive(title)
}

/** Something else is on the screen: its title is said, and its heading has the focus. */
export function arrive(title: string): void {
  document.title = title === '' ? NAME : `${title} – ${NAME}`
  const place = app?.querySelector<HTMLElement>('main')
  if (place) goTo(place)
  scrollTo(0, 0)
}

/** The wallet that is open, if one is. */
export const openedWallet = (): Session | undefined => opened

/** Listens, and looks again whenever something happened, one at a time; the answer ends the looking. */
export function open(session: Session, refresh: () => Promise<void>): () => void {
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
  opened = session
  changed = () => void look().catch(() => {})
  const looking = setInterval(changed, LOOK_MS)
  session.listen()
  changed()
  return () => {
    over = true
    clearInterval(looking)
    changed = () => {}
    moved = () => {}
    opened = undefined
  }
}

/** Who cannot be reached (PAGE-6). */
async function sayAway(): Promise<void> {
  // A wallet that is being locked says nothing more.
  const text = (await (opened ? opened.away() : Promise.resolve(whatIsAway([]))).catch(() => undefined)) ?? ''
  if (away.textContent !== text) away.textContent = text
}
