/**
 * The code that both devices show (DEVICE-3). The new device commits to its keys and nonce before it sees the approver's, so
 * whoever stands between them gets one guess at eight digits a session, whatever they compute.
 */
import { base64url, canonicalJson, concatBytes, equalBytes, utf8 } from '@keystead/core'
import { sha256 } from '@keystead/crypto'
import type { NewDevice } from './messages.ts'

export type LinkState = 'shown' | 'greeted' | 'committed' | 'revealed' | 'approved' | 'linked' | 'refused'
export type LinkEvent =
  | 'hello'
  | 'commitment'
  | 'answer'
  | 'reveal'
  | 'wrong-reveal'
  | 'approve'
  | 'finish'
  | 'refuse'
  /** By the agency, after a person has approved. */
  | 'denied'

/** What may follow what on either side; nothing leads out of `linked` and `refused`: a link serves once. */
export const LINK_STEPS: Readonly<
  Record<'new' | 'approver', Readonly<Partial<Record<LinkState, Readonly<Partial<Record<LinkEvent, LinkState>>>>>>>
> = {
  new: {
    shown: { hello: 'committed', refuse: 'refused' },
    committed: { answer: 'revealed', refuse: 'refused' },
    revealed: { approve: 'approved', refuse: 'refused' },
    approved: { finish: 'linked' },
  },
  approver: {
    greeted: { commitment: 'committed', refuse: 'refused' },
    committed: { reveal: 'revealed', 'wrong-reveal': 'refused', refuse: 'refused' },
    revealed: { approve: 'approved', refuse: 'refused' },
    approved: { finish: 'linked', denied: 'refused' },
  },
}

const COMMIT = utf8('keystead/device-link/commit/v1|')
const CODE = utf8('keystead/device-link/code/v1|')
const DIGITS = 8

export function linkCommitment(session: string, device: NewDevice, nonce: string): string {
  return base64url.encode(sha256(concatBytes(COMMIT, canonicalJson({ session, device: { ...device }, nonce }))))
}

/** Everything that the code covers: the session, both devices with the DIDs they spoke from, both nonces. */
export interface LinkTranscript {
  readonly session: string
  /** Short forms of the DIDs made for this link. */
  readonly from: string
  readonly to: string
  readonly device: NewDevice
  /** The approver's account. */
  readonly account: string
  readonly a: string
  readonly b: string
}

/** Eight decimal digits. */
export function linkCode(transcript: LinkTranscript): string {
  const digest = sha256(concatBytes(CODE, canonicalJson({ ...transcript, device: { ...transcript.device } })))
  const number = new DataView(digest.buffer, digest.byteOffset).getBigUint64(0) % 10n ** BigInt(DIGITS)
  return number.toString().padStart(DIGITS, '0')
}

/** Takes spaces and hyphens between the digits. */
export function linkCodeMatches(code: string, typed: string): boolean {
  return equalBytes(utf8(code), utf8(typed.replace(/[\s-]/g, '')))
}
