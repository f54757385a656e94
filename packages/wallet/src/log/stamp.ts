/**
 * Hybrid logical clocks (Kulkarni et al., "Logical Physical Clocks", 2014; SYNC-1): when a record was changed, as all devices
 * of an owner agree on it. A change that follows another never has the lower stamp, however wrong the clocks are.
 */
import { base64url, fail } from '@keystead/core'
import { MAX_STAMP_COUNT, MAX_WALL } from '../limits.ts'

export interface Stamp {
  /** Milliseconds since 1970. */
  readonly wall: number
  /** Tells changes of one millisecond apart. */
  readonly count: number
  /** Id of the device's chain. */
  readonly chain: string
}

/** The total order of changes: negative, zero or positive. */
export function compareStamps(a: Stamp, b: Stamp): number {
  if (a.wall !== b.wall) return a.wall - b.wall
  if (a.count !== b.count) return a.count - b.count
  return a.chain === b.chain ? 0 : a.chain < b.chain ? -1 : 1
}

/** The next stamp of `chain`, after everything it has seen, of which `last` is the highest. */
export function nextStamp(last: Stamp | undefined, now: number, chain: string): Stamp {
  if (last === undefined || now > last.wall) return { wall: now, count: 0, chain }
  if (last.count < MAX_STAMP_COUNT) return { wall: last.wall, count: last.count + 1, chain }
  return { wall: last.wall + 1, count: 0, chain }
}

/** As it is kept with a record. */
export function stampText({ wall, count, chain }: Stamp): string {
  return `${wall}.${count}.${chain}`
}

/** Throws `BAD_FIELD`. */
export function parseStamp(text: string): Stamp {
  const [, wall, count, chain = ''] = /^(\d{1,16})\.(\d{1,8})\.([A-Za-z0-9_-]{22})$/.exec(text) ?? []
  return checkedStamp(Number(wall), Number(count), chain)
}

/** Throws `BAD_FIELD`. */
export function checkedStamp(wall: number, count: number, chain: string): Stamp {
  const whole = Number.isSafeInteger(wall) && wall >= 0 && wall <= MAX_WALL
  if (!whole || !Number.isSafeInteger(count) || count < 0 || count > MAX_STAMP_COUNT || !isChainId(chain))
    fail('stamp', 'has the wrong form')
  return { wall, count, chain }
}

/** 16 bytes as base64url. */
export function isChainId(text: string): boolean {
  if (text.length !== 22) return false
  try {
    return base64url.decode(text).length === 16
  } catch {
    return false
  }
}
