/** Whether a balancer should send an instance anything: it answers, its database answers, its disk has room, it is not leaving. */
import { statfs } from 'node:fs/promises'
import { MIN_FREE_DISK_BYTES } from '../limits.ts'
import type { CloudStore } from './store/port.ts'

export interface Readiness {
  readonly ready: boolean
  readonly database: 'up' | 'down'
  readonly disk: 'room' | 'full'
  readonly draining: boolean
}

const DATABASE_MS = 2000

/** `data`: a folder on the disk in question. Never rejects. */
export async function readiness(store: CloudStore, data: string, draining: boolean): Promise<Readiness> {
  const database = (await within(DATABASE_MS, store.reachable())) ? 'up' : 'down'
  const room = await freeBytes(data).then(
    (free) => free >= MIN_FREE_DISK_BYTES,
    () => false,
  )
  return { ready: database === 'up' && room && !draining, database, disk: room ? 'room' : 'full', draining }
}

/** Of the disk that a folder is on, for whoever runs us. */
export async function freeBytes(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder)
  return bavail * bsize
}

/** False when it rejects or takes longer. */
export async function within(milliseconds: number, work: Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), milliseconds)
  })
  const done = work.then(
    () => true,
    () => false,
  )
  const result = await Promise.race([done, late])
  clearTimeout(timer)
  return result
}
