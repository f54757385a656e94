/** What other processes of this machine could see of ours, and what a debugger could: Linux only. */
import { closeSync, existsSync, openSync, readdirSync, readFileSync, readSync } from 'node:fs'

export const canWatch = existsSync('/proc/self/cmdline')

/** Collects arguments and environments of every process of this program until stopped. */
export function watchProcesses(mark: string): { stop: () => Buffer } {
  const seen = new Map<string, Buffer>()
  const look = (): void => {
    for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name)))
      for (const file of ['cmdline', 'environ'])
        try {
          const bytes = readFileSync(`/proc/${pid}/${file}`)
          if (bytes.includes(mark)) seen.set(`${pid}/${file}`, bytes)
        } catch {
          // It has ended, or is somebody else's.
        }
  }
  const timer = setInterval(look, 200)
  return {
    stop: () => {
      clearInterval(timer)
      return Buffer.concat([...seen.values()])
    },
  }
}

/** Wallets that listen, of the run whose folder is `mark`. */
export function listeners(mark: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8')
        return line.includes(mark) && line.split('\0').includes('listen')
      } catch {
        return false
      }
    })
    .map(Number)
}

/** Writable memory of a process of ours in pieces that overlap; nothing where the system does not let us. */
export function* memoryOf(pid: number): Generator<Buffer> {
  const PIECE = 8 * 1024 * 1024
  const OVERLAP = 4096
  let memory: number
  let maps: string
  try {
    memory = openSync(`/proc/${pid}/mem`, 'r')
    maps = readFileSync(`/proc/${pid}/maps`, 'utf8')
  } catch {
    return
  }
  try {
    for (const [, from = '', to = ''] of maps.matchAll(/^([0-9a-f]+)-([0-9a-f]+) rw/gm)) {
      const end = Number.parseInt(to, 16)
      for (let at = Number.parseInt(from, 16); at < end; at += PIECE - OVERLAP) {
        const piece = Buffer.alloc(Math.min(PIECE, end - at))
        try {
          const read = readSync(memory, piece, 0, piece.length, at)
          yield piece.subarray(0, read)
        } catch {
          // Guarded or not there any more.
        }
      }
    }
  } finally {
    closeSync(memory)
  }
}
