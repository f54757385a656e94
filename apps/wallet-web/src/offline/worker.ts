/**
 * The service worker: keeps the files of one build of the page, and nothing else, so that the page starts without a network
 * (PAGE-2 to PAGE-5). What ledger and agencies answer never goes through it, and it holds no secret.
 */
import { type Build, compareVersions, type Told } from './build-of-page.ts'

/** Put here when the page is built. */
declare const THIS_BUILD: Build

interface Lasting extends Event {
  waitUntil(work: Promise<unknown>): void
}
interface Asked extends Lasting {
  readonly request: Request
  respondWith(answer: Promise<Response>): void
}
/** The little of a service worker's global scope that is used here. */
interface Scope {
  readonly location: Location
  skipWaiting(): Promise<void>
  addEventListener(type: 'install' | 'activate', listener: (event: Lasting) => void): void
  addEventListener(type: 'fetch', listener: (event: Asked) => void): void
  addEventListener(type: 'message', listener: (event: MessageEvent<Told>) => void): void
}
const scope = self as unknown as Scope

const PREFIX = 'keystead '
const NAME = `${PREFIX}${THIS_BUILD.version} ${THIS_BUILD.hash}`
const START = '/index.html'
const paths: ReadonlySet<string> = new Set(THIS_BUILD.files.map(({ path }) => path))

const ours = async (): Promise<string[]> => (await caches.keys()).filter((name) => name.startsWith(PREFIX))

/** All of it or nothing: each file has to be what this build names. */
async function install(): Promise<void> {
  const before = await ours()
  // PAGE-5: whoever brings an older page back brings its flaws back.
  if (before.some((name) => againstThis(name) > 0)) throw new Error('this page is older than the one that is here')
  try {
    const cache = await caches.open(NAME)
    for (const file of THIS_BUILD.files) await fetchInto(cache, file)
  } catch (error) {
    // What was never whole is no build to go forward from.
    if (!before.includes(NAME)) await caches.delete(NAME)
    throw error
  }
}

async function fetchInto(cache: Cache, { path, type, hash }: Build['files'][number]): Promise<void> {
  const answer = await fetch(path, {
    cache: 'no-cache',
    credentials: 'omit',
    integrity: `sha256-${hash}`,
    redirect: 'error',
  })
  if (!answer.ok) throw new Error(`${path} is not there`)
  // PAGE-4: what the file says about itself comes with the build, too, and not from whoever serves it today.
  const headers = { ...THIS_BUILD.headers, 'content-type': type }
  await cache.put(path, new Response(await answer.arrayBuffer(), { headers }))
}

/** Of the version in a cache's name, against this build's: more than 0 where that one is newer. */
const againstThis = (name: string): number => compareVersions(name.split(' ')[1] ?? '', THIS_BUILD.version)

/** No page of another build is open any more, or its owner has asked for this one. A newer one may be coming in meanwhile. */
async function activate(): Promise<void> {
  for (const name of await ours()) if (name !== NAME && againstThis(name) <= 0) await caches.delete(name)
}

/** The file of this build that is asked for; undefined for everything else, which is not touched. */
function fileOf({ method, mode, url }: Request): string | undefined {
  const { origin, pathname } = new URL(url)
  if (method !== 'GET' || origin !== scope.location.origin) return undefined
  // What stands behind the "?" of a link that was opened is for the page, and no server is told.
  if (mode === 'navigate' && pathname === '/') return START
  return paths.has(pathname) ? pathname : undefined
}

async function kept(path: string, request: Request): Promise<Response> {
  const cache = await caches.open(NAME)
  return (await cache.match(path)) ?? fetch(request)
}

scope.addEventListener('install', (event) => event.waitUntil(install()))
scope.addEventListener('activate', (event) => event.waitUntil(activate()))
scope.addEventListener('fetch', (event) => {
  const path = fileOf(event.request)
  if (path !== undefined) event.respondWith(kept(path, event.request))
})
scope.addEventListener('message', ({ data, ports }) => {
  if (data === 'take-over') void scope.skipWaiting()
  else ports[0]?.postMessage({ version: THIS_BUILD.version, hash: THIS_BUILD.hash })
})
