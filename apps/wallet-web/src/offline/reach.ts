/** Whether ledger and agency answer, and since when not (PAGE-6). What the page shows then is what it had. */
import { platformSocket } from '@keystead/agent/edge'
import type { FetchPort } from '@keystead/light-client'

/** When something answered last, milliseconds since 1970: kept over a start without a network. */
const LAST = 'keystead:reached'
/** How often that is written. */
const WRITE_MS = 30_000

const away = new Set<string>()
let last = Number(localStorage.getItem(LAST)) || undefined
let written = 0

/** `fetch`, remembering who answers. */
export const reachingFetch: FetchPort = async (url, init) => {
  const { host } = new URL(url)
  try {
    const answer = await fetch(url, init)
    answered(host)
    return answer
  } catch (error) {
    away.add(host)
    throw error
  }
}

export const reachingSocket: typeof platformSocket = async (url) => {
  const { host } = new URL(url)
  try {
    const socket = await platformSocket(url)
    answered(host)
    return socket
  } catch (error) {
    away.add(host)
    throw error
  }
}

function answered(host: string): void {
  away.delete(host)
  last = Date.now()
  if (last - written < WRITE_MS) return
  written = last
  localStorage.setItem(LAST, String(last))
}

/** Who of these does not answer, in words for people; undefined while all do, or nobody was asked. */
export function whatIsAway(places: readonly { url: string; name: string }[]): string | undefined {
  const gone = places.filter(({ url }) => away.has(new URL(url).host))
  const all = !navigator.onLine || (gone.length > 0 && gone.length === places.length)
  if (!all && gone.length === 0) return undefined
  const since = last === undefined ? '' : ` since ${new Date(last).toLocaleString()}`
  const stays = 'You see what this device has. What you do waits here, and goes out by itself'
  if (all) return `Offline${since}. ${stays} when you are online again.`
  return `${gone.map(({ name }) => name).join(' and ')} cannot be reached. ${stays} when that is over.`
}
