/**
 * `device-link/1.0` (flow V6, DEVICE-1 to DEVICE-5): another device becomes one of the owner's. The link is shown by the new
 * device and gives nothing away; whoever takes it up has to compare a code that covers both devices' keys.
 *
 *   new device: a link, shown to the approving device; what it says waits sealed at the new device's agency
 *   approver --hello { session }-----------------------> new device    from a DID made for this alone
 *   new      --commitment { session, commitment }------> approver
 *   approver --answer { session, account, nonce }------> new device
 *   new      --reveal { session, device, nonce }-------> approver      both show the code
 *   approver --welcome { session } [sealed]------------> new device    once a person has approved
 *   either   --refuse { session }----------------------> the other
 */
import { type Bytes, base64url, canonicalJson, Fields, fail, KeysteadError, parseJson } from '@keystead/core'
import { decodeMultikey } from '@keystead/crypto'
import { MAX_INVITATION_BYTES, MAX_LABEL, MAX_RECIPIENT_DID, MAX_WELCOME_BYTES } from '../../limits.ts'

const PROTOCOL = 'https://keystead.dev/device-link/1.0'
const LINK = `${PROTOCOL}/link`
export const LINK_HELLO = `${PROTOCOL}/hello`
export const LINK_COMMITMENT = `${PROTOCOL}/commitment`
export const LINK_ANSWER = `${PROTOCOL}/answer`
export const LINK_REVEAL = `${PROTOCOL}/reveal`
export const LINK_WELCOME = `${PROTOCOL}/welcome`
export const LINK_REFUSE = `${PROTOCOL}/refuse`

const SESSION = { min: 32, max: 32, pattern: /^[0-9a-f]{32}$/ }
const BYTES_32 = { min: 43, max: 43, pattern: /^[A-Za-z0-9_-]{43}$/ }
const ACCOUNT = { min: 8, max: MAX_RECIPIENT_DID, pattern: /^did:peer:2\S+$/ }

/** What the new device says by its link. */
export interface DeviceLink {
  /** did:peer:4 long form, made for this link alone. */
  readonly from: string
  readonly session: string
  /** What the device calls itself. */
  readonly name: string
  /** Seconds since 1970. */
  readonly expires: number
}

/** What makes the new device up; all of it is covered by the code. */
export interface NewDevice {
  /** The DID by which agencies and the owner's other devices know it. */
  readonly account: string
  /** Multikey of the X-Wing key to which what it gets is sealed. */
  readonly kem: string
  /** What opens its agent entry on the ledger: a Multikey and a salt. */
  readonly k: string
  readonly salt: string
}

/** What waits, sealed, behind the link that is shown. */
export function deviceLinkMessage(link: DeviceLink): Bytes {
  return canonicalJson({ type: LINK, ...link })
}

/** Throws `BAD_INVITATION`. */
export function parseDeviceLink(message: Uint8Array): DeviceLink {
  try {
    const f = new Fields(parseJson(message, MAX_INVITATION_BYTES))
    f.literal('type', LINK)
    const link = {
      from: f.string('from', { min: 7, max: MAX_INVITATION_BYTES, pattern: /^did:peer:4/ }),
      session: f.string('session', SESSION),
      name: f.string('name', { min: 1, max: MAX_LABEL }),
      expires: f.integer('expires', { min: 0, max: Number.MAX_SAFE_INTEGER }),
    }
    f.end()
    return link
  } catch (cause) {
    throw new KeysteadError('BAD_INVITATION', 'this link does not ask to become a device of yours', { cause })
  }
}

/** Of `hello`, `refuse` and `welcome`. */
export function parseSession(body: unknown): string {
  const f = new Fields(body, 'body')
  const session = f.string('session', SESSION)
  f.end()
  return session
}

export function parseLinkCommitment(body: unknown): { session: string; commitment: string } {
  const f = new Fields(body, 'body')
  const parsed = { session: f.string('session', SESSION), commitment: f.string('commitment', BYTES_32) }
  f.end()
  return parsed
}

export function parseLinkAnswer(body: unknown): { session: string; account: string; nonce: string } {
  const f = new Fields(body, 'body')
  const parsed = {
    session: f.string('session', SESSION),
    account: f.string('account', ACCOUNT),
    nonce: f.string('nonce', BYTES_32),
  }
  f.end()
  return parsed
}

export function parseLinkReveal(body: unknown): { session: string; device: NewDevice; nonce: string } {
  const f = new Fields(body, 'body')
  const session = f.string('session', SESSION)
  const nonce = f.string('nonce', BYTES_32)
  const d = f.object('device')
  const device = {
    account: d.string('account', ACCOUNT),
    kem: d.decoded('kem', 2048, (text) => multikeyOf('x-wing', text)),
    k: d.decoded('k', 64, (text) => multikeyOf('ed25519', text)),
    salt: d.decoded('salt', 22, (text) => (base64url.decode(text).length === 16 ? text : fail('salt', 'has 16 bytes'))),
  }
  d.end()
  f.end()
  return { session, device, nonce }
}

/** The attachment of a welcome: sealed bytes, base64url. */
export function parseSealedWelcome(json: unknown): Uint8Array {
  const f = new Fields(json, 'welcome')
  const sealed = f.decoded('sealed', 2 * MAX_WELCOME_BYTES, base64url.decode)
  f.end()
  return sealed
}

function multikeyOf(suite: string, text: string): string {
  return decodeMultikey(text).suite === suite ? text : fail('device', `needs a key of ${suite}`)
}
