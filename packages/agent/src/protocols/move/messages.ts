/** `move/1.0`: an account leaves for another agency; the old one forwards until it is told to stop (spec/agency.md, AGENCY-16). */
import { Fields } from '@keystead/core'
import { MAX_RECIPIENT_DID } from '../../limits.ts'

const PROTOCOL = 'https://keystead.dev/move/1.0'
export const MOVE_FORWARD = `${PROTOCOL}/forward`
export const MOVE_STATE = `${PROTOCOL}/state`
export const MOVE_STOP = `${PROTOCOL}/stop`
export const MOVE_FORGOTTEN = `${PROTOCOL}/forgotten`

/** DID of the agency that mail is passed on to. */
export function parseMoveForward(body: unknown): string {
  const f = new Fields(body, 'body')
  const to = f.string('to', { min: 8, max: MAX_RECIPIENT_DID, pattern: /^did:[a-z0-9]+:\S+$/ })
  f.end()
  return to
}

/** What the old agency still has of an account that told it to forget. */
export interface Forgotten {
  readonly messages: number
  readonly recipients: number
  readonly services: number
  readonly files: number
  readonly attachments: number
  /** Envelopes of backups: they are kept for recoveries, whatever becomes of the account (rule 26). */
  readonly backups: number
}

export function parseForgotten(body: unknown): Forgotten {
  const f = new Fields(body, 'body')
  const count = (name: string): number => f.integer(name, { min: 0, max: 1_000_000_000 })
  const forgotten = {
    messages: count('messages'),
    recipients: count('recipients'),
    services: count('services'),
    files: count('files'),
    attachments: count('attachments'),
    backups: count('backups'),
  }
  f.end()
  return forgotten
}
