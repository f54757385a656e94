/** The page's side of its worker: has it keep the page, and says when a newer build is there (PAGE-5). */
import { action, h } from '../dom.ts'
import type { Told, Which } from './build-of-page.ts'

/** How often a page that stays open looks for a newer build. */
const LOOK_MS = 3_600_000

/** The build that this browser keeps, once it does. */
export async function keptBuild(): Promise<Which | undefined> {
  const worker = (await registration())?.active
  return worker ? which(worker) : undefined
}

const registration = async (): Promise<ServiceWorkerRegistration | undefined> =>
  'serviceWorker' in navigator ? navigator.serviceWorker.getRegistration() : undefined

function which(worker: ServiceWorker): Promise<Which> {
  const { port1, port2 } = new MessageChannel()
  return new Promise((resolve) => {
    port1.onmessage = ({ data }) => resolve(data as Which)
    worker.postMessage('which' satisfies Told, [port2])
  })
}

/** Has the page kept, and fills the place when another build waits. `leave`: locks what is open before it comes. */
export async function keepPage(place: HTMLElement, leave: () => Promise<void>): Promise<void> {
  if (!('serviceWorker' in navigator)) return
  // Without it, as in private windows of some browsers, the page starts with a network alone.
  const registered = await navigator.serviceWorker
    .register('/worker.js', { updateViaCache: 'none' })
    .catch(() => undefined)
  if (!registered) return
  const told = async (): Promise<void> => {
    const { waiting, active } = registered
    if (!waiting || !active) return place.replaceChildren()
    const { version, hash } = await which(waiting)
    const take = async (): Promise<void> => {
      await leave()
      navigator.serviceWorker.addEventListener('controllerchange', () => location.reload(), { once: true })
      waiting.postMessage('take-over' satisfies Told)
    }
    place.replaceChildren(
      h('p', {}, `Another build of this page is here: version ${version}, `, h('code', {}, hash.slice(0, 16)), '. '),
      action('Use it now', take),
    )
  }
  const watch = (): void => registered.installing?.addEventListener('statechange', () => void told())
  registered.addEventListener('updatefound', watch)
  // One may have been on its way before this page was opened.
  watch()
  await told()
  setInterval(() => void registered.update().catch(() => {}), LOOK_MS)
}
