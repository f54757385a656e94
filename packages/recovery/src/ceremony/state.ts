/**
 * States of the approval ceremony, and the one table of what may follow what (rule 27):
 *
 *   new device   invited -start-> committed -nonce-> revealed -approve-> approved
 *   contact      invited -commitment-> committed -reveal-> revealed -code-> approved
 *
 * Any state but the last three also goes to refused and to expired. A state is plain JSON, to be kept between messages.
 */
import type { NewDeviceKeys } from './code.ts'
import type { CeremonyMessage } from './messages.ts'

interface Session {
  /** 16 random bytes as base64url. */
  readonly session: string
  /** Milliseconds since 1970. */
  readonly expires: number
}

export type NewDeviceCeremony = Session & { readonly role: 'newDevice' } & (
    | { readonly state: 'invited' | 'refused' | 'expired' }
    | { readonly state: 'committed'; readonly keys: NewDeviceKeys; readonly nonceA: string }
    | {
        readonly state: 'revealed' | 'approved'
        readonly keys: NewDeviceKeys
        readonly nonceA: string
        readonly nonceB: string
        /** The person reads this out to the contact. */
        readonly code: string
      }
  )

export type ContactCeremony = Session & { readonly role: 'contact' } & (
    | { readonly state: 'invited' | 'refused' | 'expired' }
    | { readonly state: 'committed'; readonly commitment: string; readonly nonceB: string }
    | {
        readonly state: 'revealed'
        readonly commitment: string
        readonly nonceB: string
        readonly keys: NewDeviceKeys
        readonly code: string
        readonly wrongCodes: number
      }
    /** Now, and not before, the share may be sealed to `keys.kem`. */
    | { readonly state: 'approved'; readonly keys: NewDeviceKeys }
  )

export type NewDeviceEvent =
  /** The device has made its keys. */
  | { readonly type: 'start'; readonly keys: NewDeviceKeys }
  | Extract<CeremonyMessage, { type: 'nonce' | 'refusal' }>
  /** The contact's share has arrived and opened. */
  | { readonly type: 'approve' }
  | { readonly type: 'refuse' }
  | { readonly type: 'tick' }

export type ContactEvent =
  | Extract<CeremonyMessage, { type: 'commitment' | 'reveal' | 'refusal' }>
  /** The contact typed what the person read out. */
  | { readonly type: 'code'; readonly entered: string }
  | { readonly type: 'refuse' }
  | { readonly type: 'tick' }

export type CeremonyState = 'invited' | 'committed' | 'revealed' | 'approved' | 'refused' | 'expired'

type Table<Event extends string> = Readonly<Record<CeremonyState, Readonly<Partial<Record<Event, CeremonyState>>>>>

const END = { refuse: 'refused', refusal: 'refused', tick: 'expired' } as const

/** A message that comes twice finds its own target state again, and its answer is sent again. */
export const NEW_DEVICE_TABLE: Table<NewDeviceEvent['type']> = {
  invited: { ...END, start: 'committed' },
  committed: { ...END, nonce: 'revealed' },
  revealed: { ...END, nonce: 'revealed', approve: 'approved' },
  approved: {},
  refused: {},
  expired: {},
}

export const CONTACT_TABLE: Table<ContactEvent['type']> = {
  invited: { ...END, commitment: 'committed' },
  committed: { ...END, commitment: 'committed', reveal: 'revealed' },
  revealed: { ...END, reveal: 'revealed', code: 'approved' },
  approved: {},
  refused: {},
  expired: {},
}
