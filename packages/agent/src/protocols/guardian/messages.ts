/**
 * `guardian/1.0` (flow V20), `spec/guardianship.md`: somebody manages keys of another owner, as far as that owner says.
 *
 *   owner    --appoint { did, can, until }--> guardian   a person decides; answered by `accept` or `decline` on its thread
 *   guardian --accept { k, salt }-----------> owner      whose wallet then puts the entry on the ledger
 *   guardian --decline {}-------------------> owner
 *   owner    --withdrawn {}-----------------> guardian   the entry is taken off the ledger
 *   guardian --acted { what }---------------> owner      each time
 *
 * A guardian who recovers a ward's wallet has a voucher in the link for the ward's contacts (GUARDIAN-5).
 */
import { type Bytes, base64url, canonicalJson, Fields, type JsonObject } from '@keystead/core'
import { decodeMultikey, encodeMultikey, type PublicKey } from '@keystead/crypto'
import type { Capability, Opening } from '@keystead/did-dkms'
import { MAX_LABEL } from '../../limits.ts'

const V1 = 'https://keystead.dev/guardian/1.0'
export const GUARDIAN_APPOINT = `${V1}/appoint`
export const GUARDIAN_ACCEPT = `${V1}/accept`
export const GUARDIAN_DECLINE = `${V1}/decline`
export const GUARDIAN_WITHDRAWN = `${V1}/withdrawn`
export const GUARDIAN_ACTED = `${V1}/acted`

/** What a guardian may be granted. Not `ADMIN`, which would make more guardians, and nothing that speaks for the owner. */
export const GUARDIAN_CAPABILITIES = ['GUARDIAN', 'SUSPEND', 'UPDATE_SERVICE', 'ROTATE'] as const satisfies Capability[]
export type GuardianCapability = (typeof GUARDIAN_CAPABILITIES)[number]

/** What a guardian says they did; a wallet shows a sentence of its own for each. */
export const GUARDIAN_ACTS = ['recovery', 'suspended', 'services', 'keys'] as const
export type GuardianAct = (typeof GUARDIAN_ACTS)[number]

const DKMS = { min: 1, max: 200, pattern: /^did:dkms:[a-z2-7]{16}:[1-9A-HJ-NP-Za-km-z]+$/ }
const TIME = { min: 0, max: Number.MAX_SAFE_INTEGER }

export interface Appointment {
  /** The public DID of whoever appoints. */
  readonly did: string
  readonly can: readonly GuardianCapability[]
  /** Seconds since 1970. */
  readonly until: number
}

export function parseAppointment(body: unknown): Appointment {
  const f = new Fields(body, 'body')
  const appointment = {
    did: f.string('did', DKMS),
    can: f.array('can', { min: 1, max: GUARDIAN_CAPABILITIES.length }, (item, path) =>
      new Fields({ can: item }, path).literal('can', ...GUARDIAN_CAPABILITIES),
    ),
    until: f.integer('until', TIME),
  }
  f.end()
  return appointment
}

/** Key and salt that open the entry (DKMS-13). The key is an Ed25519 Multikey. */
export function parseOpening(body: unknown): Opening {
  const f = new Fields(body, 'body')
  const opening = readOpening(f)
  f.end()
  return opening
}

function readOpening(f: Fields): Opening {
  const k = f.decoded('k', 64, (text) => encodeMultikey(ed25519(text)))
  const salt = f.decoded('salt', 22, (text) => {
    if (base64url.decode(text).length !== 16) throw new Error('a salt has 16 bytes')
    return text
  })
  return { k, salt }
}

function ed25519(multikey: string): PublicKey<'ed25519'> {
  const key = decodeMultikey(multikey)
  if (key.suite !== 'ed25519') throw new Error('a guardian signs with Ed25519')
  return key as PublicKey<'ed25519'>
}

export function parseNothing(body: unknown): void {
  new Fields(body, 'body').end()
}

export function parseActed(body: unknown): GuardianAct {
  const f = new Fields(body, 'body')
  const what = f.literal('what', ...GUARDIAN_ACTS)
  f.end()
  return what
}

/** In the link of a new device: who carries the recovery out, for whom, and the guardian's signature over all of it. */
export interface Voucher {
  /** The ward's public DID. */
  readonly did: string
  /** What the guardian calls themself; proven is their entry alone. */
  readonly name: string
  readonly opening: Opening
  readonly signature: Bytes
}

export function voucherJson({ did, name, opening, signature }: Voucher): JsonObject {
  return { did, name, ...opening, signature: base64url.encode(signature) }
}

/** Of a member of a link. */
export function readVoucher(value: unknown, path: string): Voucher {
  const f = new Fields(value, path)
  const voucher = {
    did: f.string('did', DKMS),
    name: f.string('name', { min: 1, max: MAX_LABEL }),
    opening: readOpening(f),
    signature: f.decoded('signature', 86, base64url.decode),
  }
  f.end()
  return voucher
}

/** What the guardian signs: the ward, and the new device that the shares would go to, until when. */
export function voucherBytes(
  { did, name }: Pick<Voucher, 'did' | 'name'>,
  { from, expires }: { readonly from: string; readonly expires: number },
): Bytes {
  return canonicalJson({ context: 'keystead/guardian/recovery/v1', did, expires, from, name })
}
