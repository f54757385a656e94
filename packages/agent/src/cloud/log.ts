/**
 * The agency's log: one JSON object a line. It names nobody: whatever looks like a DID becomes a hash keyed by a secret of the
 * process, so that lines about the same account can be told to belong together until the next start, and no longer.
 */
import { createHmac } from 'node:crypto'
import type { Clock, Random } from '@keystead/core'

export type Level = 'info' | 'error'
export type Facts = Readonly<Record<string, string | number | boolean>>
export type Log = (level: Level, event: string, facts?: Facts) => void

const DID = /did:[a-z0-9]+:[^\s"',;)\]}]+/g

/** `write` gets lines without their end. */
export function jsonLog(write: (line: string) => void, { clock, random }: { clock: Clock; random: Random }): Log {
  const secret = random(32)
  const unnamed = (text: string): string =>
    text.replace(DID, (did) => {
      const [subject = ''] = did.split(/[?#/]/)
      return `did-${createHmac('sha256', secret).update(subject).digest('base64url').slice(0, 10)}`
    })
  return (level, event, facts = {}) => {
    const said = Object.entries(facts).map(([name, fact]) => [name, typeof fact === 'string' ? unnamed(fact) : fact])
    write(JSON.stringify({ time: new Date(clock.now()).toISOString(), level, event, ...Object.fromEntries(said) }))
  }
}
