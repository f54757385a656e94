/** What is known of a contact's keys and of the person behind them, in a few words. */
import type { Relationship } from '@keystead/agent/edge'
import { iso } from './output.ts'

const HOW = { code: 'by a code', qr: 'by a QR code' } as const

export function trustOf({ person, verified, blocked, strange }: Relationship): string {
  if (blocked) return `BLOCKED ${iso(blocked.at)}: their keys contradict themselves (${blocked.why})`
  const keys = verified ? `keys proven ${iso(verified.at)}` : 'keys not proven yet'
  const who = person ? `verified in person ${iso(person.at)} ${HOW[person.how]}, ` : ''
  return `${who}${keys}${strange ? '  THEY HAVE A CHANGE OF YOUR KEYS THAT THIS WALLET DID NOT MAKE: "keystead rotate"' : ''}`
}
