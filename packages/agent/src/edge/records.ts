/**
 * What the agent keeps in the vault, by category; names are unique in theirs. The table says in which segment each lies:
 * what is in `keys` or `cache` is in no backup (rule 1).
 */
import type { JsonObject } from '@keystead/core'
import type { AnchorReceipt } from '@keystead/credentials'
import type { Authority, Body } from '@keystead/did-dkms'
import type { Entry, LogState } from '@keystead/microledger'
import type { ContactCeremony, NewDeviceCeremony, PathId, RecoveryPolicy } from '@keystead/recovery'
import type { Segment } from '@keystead/wallet'
import type { Verdict } from '../protocols/key-verify/judge.ts'
import type { Challenge, ChallengeResponse } from '../protocols/key-verify/messages.ts'

/** Each category's record, and its segment. */
export interface Records {
  profile: Profile
  'own-did': OwnDid
  identity: Identity
  'identity-keys': IdentityKeys
  operation: PendingOperation
  relationship: Relationship
  'relationship-keys': RelationshipKeys
  outbox: OutboxItem
  seen: { readonly at: number }
  request: PendingRequest
  challenge: ChallengeRecord
  credential: HeldCredential
  issued: IssuedCredential
  issuer: IssuerRecord
  presentation: ReceivedPresentation
  /** By epoch. */
  setup: RecoverySetup
  /** By epoch, as `setup`. */
  backup: BackupProgress
  'recovery-key': SealedRecoveryKeys
  share: HeldShare
  rescue: Rescue
  helping: Helping
  /** The owner stopped a recovery: what else of it comes to light until then is stopped without asking again. */
  vetoing: { readonly until: number }
}
export type Category = keyof Records

export const SEGMENTS: Readonly<Record<Category, Segment>> = {
  profile: 'authority',
  'own-did': 'keys',
  identity: 'authority',
  'identity-keys': 'keys',
  operation: 'cache',
  relationship: 'relationships',
  'relationship-keys': 'keys',
  outbox: 'cache',
  seen: 'cache',
  request: 'messages',
  challenge: 'cache',
  credential: 'credentials',
  issued: 'credentials',
  issuer: 'credentials',
  presentation: 'credentials',
  setup: 'authority',
  backup: 'cache',
  'recovery-key': 'authority',
  share: 'authority',
  rescue: 'cache',
  helping: 'cache',
  vetoing: 'cache',
}

export interface Profile {
  readonly label: string
  /** The agency that hosts our cloud agent, the DID that is our account with it, and what we granted. */
  readonly agency?: {
    readonly did: string
    readonly url: string
    readonly account: string
    readonly services: readonly string[]
  }
}

/** A key of a DID of ours: the fragment others know it by, and its name in the vault. */
export interface OwnKey {
  readonly fragment: string
  readonly keyId: string
}

export interface OwnDid {
  /** The form we are addressed by: short for did:peer:4. */
  readonly did: string
  /** The form that resolves by itself. */
  readonly longForm: string
  readonly authentication: OwnKey
  readonly keyAgreement: OwnKey
  /** Answers to a message under this DID belong to this relationship. */
  readonly relationship?: string
}

/** A did:dkms of ours. */
export interface Identity {
  readonly did: string
  readonly label: string
  /** `public`: told to contacts. `subject`: made for one issuer and told to nobody else (rule 22). */
  readonly use: 'public' | 'subject'
  readonly status: 'registering' | 'active' | 'recovering' | 'retired' | 'lost'
  readonly seq: number
  readonly head: string
  readonly auth: Authority
  readonly body: Body
  /** Fragment of the key that authenticates and signs credentials. */
  readonly fragment: string
  /** When authority returns after a recovery of ours, seconds since 1970. */
  readonly pendingUntil?: number
  /** Somebody else recovers this DID: they will have it then unless it is vetoed. */
  readonly alert?: { readonly until: number }
}

/** Names in this device's vault of an identity's keys. Not in any backup: another device has other keys. */
export interface IdentityKeys {
  readonly did: string
  readonly authority: string
  readonly next: string
  readonly signing: string
  readonly agreement: string
}

/** An operation on its way to the ledger, with what becomes of the records when it is there. */
export interface PendingOperation {
  readonly did: string
  readonly kind: string
  readonly submission: { readonly op: JsonObject; readonly body?: JsonObject }
  readonly identity: Identity
  readonly keys: IdentityKeys
  readonly retire: readonly string[]
}

export interface Relationship {
  readonly id: string
  /** What the peer calls themself, or what we call them. */
  readonly label: string
  readonly status: 'invited' | 'requested' | 'connected' | 'closed'
  /** Our own log: all entries, and what stands. */
  readonly mine: { readonly entries: readonly Entry[]; readonly state: LogState }
  readonly peer?: { readonly state: LogState; readonly publicDid?: string }
  /** The public DID we told the peer. */
  readonly told?: string
  /** `from`: who invited, or was asked: the short form of their DID. */
  readonly invitation?: { readonly id: string; readonly expires: number; readonly url: string; readonly from: string }
  /** When a challenge last proved the peer's keys; gone after a recovery (rule 21). */
  readonly verified?: { readonly at: number; readonly kids: readonly string[] }
  /** While our own recovery of this relationship waits; `until` (seconds since 1970) is the peer's word, once it came. */
  readonly recovering?: { readonly until?: number }
  /** Somebody else recovers our side of it: they will have it then unless it is vetoed. */
  readonly alert?: { readonly entry: Entry; readonly until: number }
}

export interface RelationshipKeys {
  readonly id: string
  readonly authentication: string
  readonly next: string
}

/** Something to be brought to somebody: kept until it has been. */
export type OutboxItem =
  | { readonly kind: 'message'; readonly message: Outgoing; readonly queued: number }
  | { readonly kind: 'recipient'; readonly did: string; readonly action: 'add' | 'remove'; readonly queued: number }

export interface Outgoing {
  readonly id: string
  /** Our DID that sends, the peer's that receives; either may be a long form. */
  readonly from: string
  readonly to: string
  readonly type: string
  readonly body: JsonObject
  readonly thid?: string
  readonly pthid?: string
  readonly attachments?: readonly { readonly id: string; readonly mediaType: string; readonly json: JsonObject }[]
  /** A JWT of the DID that `from` replaces (DIDComm v2.1, "DID Rotation"). */
  readonly fromPrior?: string
  /** Seconds since 1970 after which it is worth nothing and is dropped. */
  readonly expires?: number
}

/** Something a person has to decide. */
export interface PendingRequest {
  readonly id: string
  readonly kind: 'credential-offer' | 'presentation-request' | 'recovery-contact'
  readonly relationship: string
  readonly summary: string
  readonly received: number
  readonly thid: string
  readonly body: JsonObject
}

export interface ChallengeRecord {
  readonly relationship: string
  readonly challenge: Challenge
  readonly response?: ChallengeResponse
  readonly verdict?: Verdict
}

export interface HeldCredential {
  readonly credential: JsonObject
  readonly receipt: AnchorReceipt
  readonly subject: string
  readonly relationship: string
  readonly received: number
}

export interface IssuedCredential {
  readonly id: string
  readonly type: string
  readonly claims: JsonObject
  readonly relationship: string
  readonly nonce: string
  readonly thid: string
  readonly credential?: JsonObject
  readonly receipt?: AnchorReceipt
  readonly index?: number
  readonly revokedAt?: number
}

/** An issuer's status list: where it is shown, how many places are taken, which are revoked. */
export interface IssuerRecord {
  readonly did: string
  readonly file: string
  readonly url: string
  readonly next: number
  readonly changes: readonly { readonly index: number; readonly at: number }[]
  /** False while the shown list is older than this record. */
  readonly published: boolean
}

export interface ReceivedPresentation {
  readonly id: string
  readonly relationship: string
  readonly request: JsonObject
  readonly presentation?: JsonObject
  readonly receipts?: readonly (AnchorReceipt | null)[]
  readonly verdict?: JsonObject
  readonly at?: number
}

/** One deal of recovery: public halves, and who keeps what; the secrets are with the contacts and on paper. */
export interface RecoverySetup {
  readonly policy: RecoveryPolicy
  /** Name of the set of share packets. */
  readonly set: string
  /** X-Wing and Ed25519 Multikeys of the paths: backups and recovery keys are sealed to one, read with the other. */
  readonly paths: readonly { readonly id: PathId; readonly kem: string; readonly reader: string }[]
  readonly contacts: readonly {
    readonly relationship: string
    readonly index: number
    readonly answer?: 'kept' | 'declined'
  }[]
  /** Digest of the kit's veto code, by which a kit that is read back is known. */
  readonly kit: { readonly veto: string; readonly checked: boolean }
  /** Names of the vault and of this device's stream at the agency, and the key that signs the stream. */
  readonly vault: string
  readonly stream: string
  readonly streamKey: string
  readonly made: number
  /** A later deal took its place then; it is served until the ledger's hold is over (rule 5). */
  readonly supersededAt?: number
}

/** What still has to be placed at the agency once, and how far the backups are. On this device only. */
export interface BackupProgress {
  /** The sealed locator record and its account, until they are placed. */
  readonly locator?: { readonly account: string; readonly record: string }
  /** The next envelope's number, and the hashes it names: of the one before as a chain link, and as the agency knows it. */
  readonly seq: number
  readonly prev: string
  readonly head: string
  /** Digest of what the newest backup holds, and when it was taken. */
  readonly content?: string
  readonly at?: number
  /** The next envelope, base64url, while it is on its way. */
  readonly pending?: { readonly envelope: string; readonly content: string; readonly at: number }
}

/** Recovery signing keys of one DID or relationship, one a path and deal, each sealed to the path's key (rule 2). */
export interface SealedRecoveryKeys {
  readonly subject: string
  readonly keys: readonly {
    readonly path: PathId
    readonly epoch: number
    readonly h: string
    readonly sealed: string
  }[]
}

/** A share we hold for somebody else. */
export interface HeldShare {
  readonly relationship: string
  /** The packet, base64url. */
  readonly packet: string
  readonly received: number
}

/** A recovery of ours under way, on the new device. */
export interface Rescue {
  /** The kit's machine line. */
  readonly kit: string
  readonly url: string
  readonly expires: number
  /** Long form of our DID for the contacts who help. */
  readonly did: string
  readonly kem: string
  readonly signing: string
  readonly sessions: readonly {
    readonly label: string
    /** Long form of the contact's DID for this ceremony. */
    readonly peer: string
    readonly ceremony: NewDeviceCeremony
  }[]
  /** Packets handed to us, sealed to `kem`, base64url. */
  readonly shares: readonly { readonly session: string; readonly sealed: string }[]
  /** The records are back, from the backup of this number; what remains is to claim authority. */
  readonly restored?: {
    readonly records: number
    readonly backup: number
    readonly gaps: readonly { readonly from: number; readonly to: number }[]
  }
}

/** A recovery of somebody else that we were asked to help with, by session. */
export interface Helping {
  readonly session: string
  /** Whose share it is about. */
  readonly relationship: string
  readonly packet: string
  /** Long forms of our DID for this alone, and of the new device. */
  readonly did: string
  readonly peer: string
  readonly ceremony: ContactCeremony
  readonly started: number
}
