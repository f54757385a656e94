/** How far a transfer is: a line that is written over on a terminal; else, at each quarter, a note, or an event for programs. */
import type { Progress } from '@keystead/agent/edge'
import type { Output } from './output.ts'
import { printable } from './output.ts'

/** Shorter ones are over before anybody reads. */
const WORTH_TELLING = 2 * 1024 * 1024
const MIB = 1024 * 1024

export function progressOf(out: Output, did: 'brought' | 'fetched'): (progress: Progress) => void {
  const terminal = process.stderr.isTTY && !out.json
  let told = 0
  return ({ name, done, total }) => {
    if (total < WORTH_TELLING) return
    const text = `${name}: ${(done / MIB).toFixed(1)} of ${(total / MIB).toFixed(1)} MiB ${did}`
    const quarter = Math.floor((4 * done) / total)
    if (terminal) process.stderr.write(`\r\u001b[K${printable(text)}${done >= total ? '\n' : ''}`)
    else if (quarter === told) return
    else if (out.json) out.event('progress', text, { name, done, total })
    else out.note(text)
    told = quarter
  }
}
