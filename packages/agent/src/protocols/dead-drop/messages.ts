/**
 * `dead-drop/1.0` (row V18), `spec/dead-drop.md`.
 *
 *   either  --places { places }------------------------> the other   where its drops are, after it moved
 *   anybody --put { address, key, seq, signature } [box]--> agency   `put-ack { address, seq }`
 *   anybody --get { address }---------------------------> agency   `box { address, seq } [box]`, or `NO_DROP`
 *
 * To an agency both come from a DID made for this one request.
 */
import { type Bytes, base64url, canonicalJson, Fields, fail } from '@keystead/core'
import { decodeMultikey, type PublicKey } from '@keystead/crypto'
import { MAX_DROP_PLACES, MAX_RECIPIENT_DID } from '../../limits.ts'

const V1 = 'https://keystead.dev/dead-drop/1.0'
export const DROP_PLACES = `${V1}/places`
export const DROP_PUT = `${V1}/put`
export const DROP_PUT_ACK = `${V1}/put-ack`
export const DROP_GET = `${V1}/get`
export const DROP_BOX = `${V1}/box`

const ADDRESS = { min: 43, max: 43, pattern: /^[A-Za-z0-9_-]{43}$/ }
const SEQ = { min: 1, max: Number.MAX_SAFE_INTEGER }

/** In `request` and `response` of a connection: a half of the secret, and the agencies where the sender looks. */
export interface DropOffer {
  readonly half: string
  readonly places: readonly string[]
}

export function readDropOffer(fields: Fields): DropOffer {
  const offer = { half: fields.string('half', ADDRESS), places: readPlaces(fields) }
  fields.end()
  return offer
}

export function parseDropPlaces(body: unknown): readonly string[] {
  const fields = new Fields(body, 'body')
  const places = readPlaces(fields)
  fields.end()
  return places
}

/** DIDs of agencies. */
function readPlaces(fields: Fields): string[] {
  return fields.array('places', { min: 1, max: MAX_DROP_PLACES }, (item, path) =>
    new Fields({ place: item }, path).string('place', {
      min: 7,
      max: MAX_RECIPIENT_DID,
      pattern: /^did:[a-z0-9]+:\S+$/,
    }),
  )
}

export interface DropPut {
  readonly address: string
  readonly key: PublicKey<'ed25519'>
  /** Seconds since 1970 by the writer's clock, and more than of the box before. */
  readonly seq: number
  readonly signature: Bytes
}

export function parseDropPut(body: unknown): DropPut {
  const f = new Fields(body, 'body')
  const put = {
    address: f.string('address', ADDRESS),
    key: f.decoded('key', 64, ed25519Key),
    seq: f.integer('seq', SEQ),
    signature: f.decoded('signature', 100, base64url.decode),
  }
  f.end()
  return put
}

export function parseDropGet(body: unknown): string {
  const f = new Fields(body, 'body')
  const address = f.string('address', ADDRESS)
  f.end()
  return address
}

export function parseDropBox(body: unknown): { address: string; seq: number } {
  const f = new Fields(body, 'body')
  const box = { address: f.string('address', ADDRESS), seq: f.integer('seq', SEQ) }
  f.end()
  return box
}

/** What the drop's key signs: this agency, this place, this box. */
export function putTranscript(put: { agency: string; address: string; seq: number; hash: string }): Bytes {
  return canonicalJson({ protocol: V1, ...put })
}

function ed25519Key(text: string): PublicKey<'ed25519'> {
  const { suite, bytes } = decodeMultikey(text)
  return suite === 'ed25519' ? { suite, bytes } : fail('body.key', 'must be an Ed25519 key')
}
