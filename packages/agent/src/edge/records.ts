/**
 * What the agent keeps in the vault, by category. Each record is JSON; the names are unique in their category.
 *
 *   profile/self       label, agency, account
 *   own-did/<did>      a DID of ours and the vault keys behind it
 *   identity/<did>     a did:dkms of ours: its authority keys and last known head
 *   relationship/<id>  one relationship: both logs, the peer's name, how it was verified
 *   outbox/<n>         a message not yet delivered to the peer's mailbox
 *   operation/<hash>   a ledger operation not yet acknowledged
 *   request/<id>       something a person has to decide
 */
import type { JsonObject } from '@keystead/core'

/** Vault segment of each category: what is in `keys` or `cache` is never backed up (rule 1). */
export const SEGMENT = {
  profile: 'authority',
  'own-did': 'keys',
  identity: 'authority',
  relationship: 'relationships',
  outbox: 'cache',
  operation: 'cache',
  request: 'messages',
  challenge: 'messages',
  credential: 'credentials',
  issued: 'credentials',
  presentation: 'credentials',
  share: 'authority',
  recovery: 'authority',
} as const

export type Category = keyof typeof SEGMENT

export interface StoredRecord<T> {
  readonly category: Category
  readonly name: string
  readonly value: T
  readonly tags?: Readonly<Record<string, string>>
}

export interface Profile {
  readonly label: string
  /** The agency that hosts our cloud agent: its DID and address, and our account with it. */
  readonly agency?: { readonly did: string; readonly url: string; readonly account: string }
}

/** A key of a DID of ours: the DID URL others know it by, and its name in the vault. */
export interface OwnKey {
  readonly kid: string
  readonly keyId: string
}

export interface OwnDid {
  /** The form we are addressed by: short for did:peer:4. */
  readonly did: string
  /** The form that resolves by itself, when it differs. */
  readonly longForm?: string
  readonly authentication: OwnKey
  readonly keyAgreement: OwnKey
}

export interface PendingRequest {
  readonly id: string
  readonly kind: 'credential-offer' | 'presentation-request' | 'recovery-contact'
  readonly relationship: string
  /** What a person reads before deciding. */
  readonly summary: string
  readonly received: number
  readonly message: JsonObject
}
