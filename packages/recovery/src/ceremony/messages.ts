/** What the two sides send each other, over any channel: nothing here is secret, nothing is believed before the code. */
import { base64url, Fields } from '@keystead/core'
import { decodeMultikey } from '@keystead/crypto'
import { refuse, under } from '../errors.ts'
import { NONCE_BYTES } from '../limits.ts'
import { bytesField } from '../wire.ts'

export type CeremonyMessage =
  | { readonly type: 'commitment'; readonly session: string; readonly commitment: string }
  | { readonly type: 'nonce'; readonly session: string; readonly nonce: string }
  | {
      readonly type: 'reveal'
      readonly session: string
      readonly kem: string
      readonly signing: string
      readonly nonce: string
    }
  | { readonly type: 'refusal'; readonly session: string }

export const SESSION_BYTES = 16

/** Throws `CEREMONY_REFUSED`. */
export function parseCeremonyMessage(value: unknown): CeremonyMessage {
  return under('CEREMONY_REFUSED', 'this is not a message of the ceremony', () => {
    const fields = new Fields(value, 'ceremony')
    const type = fields.literal('type', 'commitment', 'nonce', 'reveal', 'refusal')
    const session = text(fields, 'session', SESSION_BYTES)
    const message = readRest(fields, type, session)
    fields.end()
    return message
  })
}

function readRest(fields: Fields, type: CeremonyMessage['type'], session: string): CeremonyMessage {
  switch (type) {
    case 'commitment':
      return { type, session, commitment: text(fields, 'commitment', 32) }
    case 'nonce':
      return { type, session, nonce: text(fields, 'nonce', NONCE_BYTES) }
    case 'reveal':
      return {
        type,
        session,
        kem: multikey(fields, 'kem', 'x-wing'),
        signing: multikey(fields, 'signing', 'ed25519'),
        nonce: text(fields, 'nonce', NONCE_BYTES),
      }
    case 'refusal':
      return { type, session }
  }
}

function text(fields: Fields, name: string, length: number): string {
  return base64url.encode(bytesField(fields, name, length))
}

function multikey(fields: Fields, name: string, suite: string): string {
  const key = fields.string(name, { max: 2000 })
  if (decodeMultikey(key).suite !== suite) refuse('CEREMONY_REFUSED', `${name} is a key of another suite`)
  return key
}
