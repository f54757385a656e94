/**
 * What the agent keeps in the vault, by category; names are unique in theirs. The table says in which segment each lies:
 * what is in `keys` or `cache` is in no backup (rule 1).
 */

import type { JsonObject } from '@keystead/core'
import type { AnchorReceipt } from '@keystead/credentials'
import type { Authority, Body, Capability, Opening } from '@keystead/did-dkms'
import type { Attachment } from '@keystead/didcomm'
import type { NamedPoint } from '@keystead/light-client'
import type { Entry, LogState } from '@keystead/microledger'
import type { Segment } from '@keystead/wallet'
import type { Attached } from '../protocols/attachment/attached.ts'
import type { LinkState } from '../protocols/device-link/ceremony.ts'
import type { NewDevice } from '../protocols/device-link/messages.ts'
import type { Welcome } from '../protocols/device-link/welcome.ts'
import type { MeetingState } from '../protocols/key-verify/in-person.ts'
import type { Verdict } from '../protocols/key-verify/judge.ts'
import type { Challenge, ChallengeResponse } from '../protocols/key-verify/messages.ts'
import type { KeySet, PlannedEntry, ProposedEntry } from '../protocols/own-devices/approvals.ts'
import type { PlainOffer, PlainTurn } from '../protocols/own-devices/correspondents.ts'
import type { DeviceList, KeySetOffer } from '../protocols/own-devices/messages.ts'
import type { ToldPaths } from '../protocols/own-devices/recovery-paths.ts'
import type { Guardian, Ward } from './guardian/records.ts'
import type { KeptBatch, LogCandidate, LogChange, LogHolder, OwnLog, SaidHeads } from './log/records.ts'
import type {
  EscrowProgress,
  GuardItem,
  HeldShare,
  Helping,
  RecoverySetup,
  Rescue,
  SealedRecoveryKeys,
  ShareHealth,
  SpentEscrow,
} from './recovery/records.ts'
import type { Step } from './replacement/plan.ts'
import type { ResolutionSettings } from './resolution/settings.ts'

/** Each category's record, and its segment. */
export interface Records {
  profile: Profile
  /** `self`: whom to ask about DIDs instead of the ledger node (RESOLVE-8). */
  resolution: ResolutionSettings
  'own-did': OwnDid
  identity: Identity
  'identity-keys': IdentityKeys
  operation: PendingOperation
  /** By who said it, a relationship's id, `kit` or `locator`: a block of the network that we were told of (rule 19). */
  'trust-point': NamedPoint
  /** By hash: what a node refused and might still enter. */
  'refused-operation': PendingOperation
  /** By `h`: agent entries of ours on the ledger, with what the ledger does not know. */
  device: Device
  /** By `h`: agent keys of this device, granted by another. */
  'agent-key': AgentKey
  /** By DID, where it was made: a DID for one issuer, and its registry (CREDENTIAL-20). */
  subject: SubjectMade
  /** By DID: this device's own key for a DID that another device made for an issuer. */
  'subject-key': SubjectKey
  /** By DID and device: what its entry there is called, as the devices tell each other. */
  'subject-entry': SubjectEntry
  /** By relationship: guardians of ours, and those whose guardian we are (flow V20). */
  guardian: Guardian
  ward: Ward
  /** `self`: the devices of this owner, once there are several. */
  'own-devices': OwnDevices
  /** By session: another device becomes one of the owner's. */
  linking: Linking
  relationship: Relationship
  /** By relationship and device: keys that a device of the owner's offers for it. */
  'key-offer': KeyOffer
  /** By relationship: an entry of ours that the other devices have to let pass. */
  'pending-entry': PendingEntry
  /** By relationship: an entry of ours that another device has to sign, too. */
  proposal: Proposal
  /** By id: what another device of the owner's asks a person to approve on this one. */
  approval: Approval
  /** `self`, and by account: the authority of the public DID, where several devices hold it together. */
  'authority-share': AuthorityShare
  'authority-offer': AuthorityOffer
  /** `self`: which devices want one of them to be enough again. */
  'lower-votes': { readonly votes: readonly LowerVote[] }
  /** By relationship: what the other devices were told last. */
  shared: { readonly digest: string }
  correspondent: Correspondent
  /** By correspondence and device: keys that a device of the owner's, this one too, offers for it. */
  'plain-offer': { readonly device: string; readonly set: PlainOffer }
  /** By correspondence: a new DID of ours that the other devices have to let pass. */
  'pending-turn': PendingTurn
  /** By correspondence: what the other devices were told last. */
  'told-correspondent': { readonly digest: string }
  text: TextMessage
  'relationship-keys': RelationshipKeys
  /** By id: invitations of ours for many. */
  invitation: OpenInvitation
  /** How many strangers came in this hour. */
  strangers: { readonly hour: number; readonly count: number }
  /** By DID of ours: what still comes to it is refused with this reason. */
  'former-did': FormerDid
  /** By DID: who may do nothing more here. */
  blocked: Blocked
  outbox: OutboxItem
  seen: { readonly at: number }
  request: PendingRequest
  /** Signed contradictions, of ledgers and of contacts, for others to check (row N10). */
  evidence: JsonObject
  challenge: ChallengeRecord
  /** By relationship: where the two leave each other word when messages fail. */
  drop: Drop
  /** By relationship: two people making sure of each other. */
  meeting: Meeting
  credential: HeldCredential
  issued: IssuedCredential
  issuer: IssuerRecord
  presentation: ReceivedPresentation
  /** By epoch. */
  setup: RecoverySetup
  log: OwnLog
  /** By number: entries of the log's authority. */
  'log-entry': { readonly bytes: string }
  /** Of a device that is to join a log. */
  'log-candidate': LogCandidate
  /** By account: what a device that is to join our log has told. */
  'log-offer': { readonly body: JsonObject }
  /** By `recordKey`. */
  change: LogChange
  tombstone: LogChange
  batch: KeptBatch
  holder: LogHolder
  /** The last word on our log for the agents of the PIN. */
  heads: SaidHeads
  /** By epoch, as `setup`. */
  escrow: EscrowProgress
  /** By epoch, as `setup`. */
  'share-health': ShareHealth
  /** By epoch: guards on their way to where they belong. */
  guard: { readonly waiting: readonly GuardItem[] }
  /** By account: registrations at agents that are to be removed. */
  'escrow-spent': SpentEscrow
  'recovery-key': SealedRecoveryKeys
  /** `self`: what this device was told of the paths of recovery, or which devices it has told of them. */
  'recovery-paths': ToldPaths
  'told-paths': { readonly epoch: number; readonly told: readonly string[] }
  share: HeldShare
  rescue: Rescue
  helping: Helping
  /** The owner stopped a recovery: what else of it comes to light until then is stopped without asking again. */
  vetoing: { readonly until: number }
  /** By id of a compromised key: how it is replaced, and how far that is. */
  replacement: Replacement
}
export type Category = keyof Records

export const SEGMENTS: Readonly<Record<Category, Segment>> = {
  profile: 'authority',
  resolution: 'authority',
  'own-did': 'keys',
  identity: 'authority',
  'identity-keys': 'keys',
  operation: 'cache',
  'refused-operation': 'cache',
  'trust-point': 'cache',
  device: 'authority',
  'agent-key': 'keys',
  subject: 'keys',
  'subject-key': 'keys',
  'subject-entry': 'cache',
  guardian: 'cache',
  ward: 'cache',
  // The secret in it is no data, and a recovery ends what devices there were.
  'own-devices': 'keys',
  linking: 'cache',
  relationship: 'relationships',
  'key-offer': 'cache',
  'pending-entry': 'cache',
  proposal: 'cache',
  approval: 'cache',
  'authority-share': 'keys',
  'authority-offer': 'cache',
  'lower-votes': 'cache',
  shared: 'cache',
  correspondent: 'relationships',
  'plain-offer': 'cache',
  'pending-turn': 'cache',
  'told-correspondent': 'cache',
  text: 'messages',
  'relationship-keys': 'keys',
  invitation: 'cache',
  strangers: 'cache',
  'former-did': 'cache',
  blocked: 'relationships',
  outbox: 'cache',
  seen: 'cache',
  request: 'messages',
  evidence: 'messages',
  challenge: 'cache',
  drop: 'relationships',
  meeting: 'cache',
  credential: 'credentials',
  issued: 'credentials',
  issuer: 'credentials',
  presentation: 'credentials',
  setup: 'authority',
  log: 'keys',
  'log-entry': 'cache',
  'log-candidate': 'keys',
  'log-offer': 'cache',
  change: 'cache',
  tombstone: 'cache',
  batch: 'cache',
  holder: 'cache',
  heads: 'cache',
  escrow: 'cache',
  'share-health': 'cache',
  guard: 'cache',
  'escrow-spent': 'cache',
  'recovery-key': 'authority',
  'recovery-paths': 'cache',
  'told-paths': 'cache',
  share: 'authority',
  rescue: 'cache',
  helping: 'cache',
  vetoing: 'cache',
  replacement: 'cache',
}

export interface Profile {
  readonly label: string
  /** What becomes of strangers who come to the public DID: connected (the default), asked about, or refused. */
  readonly strangers?: 'open' | 'ask' | 'closed'
  /** The agency that hosts our cloud agent, the DID that is our account with it, and what we granted. */
  readonly agency?: {
    readonly did: string
    readonly url: string
    readonly account: string
    readonly services: readonly string[]
  }
  /** The agency before, while it forwards: how far the move is, and when it began (milliseconds since 1970). */
  readonly former?: {
    readonly did: string
    readonly url: string
    readonly account: string
    readonly services: readonly string[]
    readonly step: 'rotations' | 'forwards'
    readonly since: number
    /** Until it passes on what comes for this device: it has still to be told. */
    readonly untold?: true
    /** It answered nobody any more: it is left as soon as nothing leads there. */
    readonly gone?: true
  }
  /** Where the account goes, or has gone: until this device is there. */
  readonly next?: {
    readonly did: string
    readonly url: string
    readonly services: readonly string[]
    /** The account there; absent where the ledger alone says that it moved. */
    readonly account?: string
    /** This device moves it; the others follow. */
    readonly mover?: true
    /** Without the agency before, which answers nobody. */
    readonly gone?: true
  }
  /** The agency says that the account has moved, or does not know it any more, and nobody has told this device where to. */
  readonly left?: true
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
  /** Or to this correspondent. */
  readonly correspondent?: string
  /** Or it is the DID of this invitation for many. */
  readonly invitation?: string
  /** When the peer turned to its successor, seconds since 1970: what was under way is still read (RELATIONSHIP-33). */
  readonly replacedAt?: number
  /** Agreement keys that it had before, oldest first: what was sent to them is still read. */
  readonly replacedKeys?: readonly (OwnKey & { readonly replacedAt: number })[]
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
  /** The newest operation that no device of ours made, and when it was seen; until our next rotation (KEYVERIFY-13). */
  readonly strange?: { readonly seq: number; readonly head: string; readonly at: number }
}

/** Names in this device's vault of an identity's keys. Not in any backup: another device has other keys. */
export interface IdentityKeys {
  readonly did: string
  readonly authority: string
  readonly next: string
  readonly signing: string
  readonly agreement: string
}

/** An agent entry that this wallet granted: name and salt are ours alone. */
export interface Device {
  readonly did: string
  readonly h: string
  readonly name: string
  readonly k: string
  readonly salt: string
}

/** `salt` opens the entry; another wallet puts it on the ledger, unless this device holds the authority. */
export interface AgentKey {
  readonly h: string
  readonly name: string
  readonly k: string
  readonly salt: string
  readonly keyId: string
  readonly own?: OwnEntry
}

/** The entry of the device that holds the authority (DEVICE-18). */
export interface OwnEntry {
  /** Name in the vault of the authority key with which it is: another one has another entry. */
  readonly authority: string
  /** Seconds since 1970. */
  readonly exp: number
  /** The ledger proved it, and nothing of an earlier one is left there. */
  readonly there?: true
}

export interface SubjectMade {
  /** Entries of its registry without a key. */
  readonly spares: readonly string[]
  /** Accounts of the owner's devices when it was made, and of those that were told that the authority is here. */
  readonly known: readonly string[]
  readonly told: readonly string[]
  /** When it gets new keys, seconds since 1970. */
  readonly rotateAt?: number
}

/** Its name is the DID. */
export interface SubjectKey extends AgentKey {
  /** Accounts of the owner's devices that were told what its entry is called. */
  readonly told: readonly string[]
}

export interface SubjectEntry {
  readonly did: string
  /** Account of the device. */
  readonly device: string
  /** Absent for the device that made the DID. */
  readonly h?: string
  /** Names that it had before, until they are off the ledger. */
  readonly replaced?: readonly string[]
  /** When it is to be put there, seconds since 1970. */
  readonly due: number
  /** What the ledger was seen to show of it, and of all that it stands for. */
  readonly seen?: 'there' | 'gone'
}

/** An operation on its way to the ledger, with what becomes of the records when it is there. */
export interface PendingOperation {
  readonly did: string
  readonly kind: string
  readonly submission: { readonly op: JsonObject; readonly body?: JsonObject }
  readonly identity: Identity
  readonly keys: IdentityKeys
  readonly retire: readonly string[]
  /** The DID as our agent answers for it by the new keys, and as it did before, should the operation be refused. */
  readonly ownDid?: OwnDid
  readonly ownDidBefore?: OwnDid
  /** Another device of the owner has to sign it, too (DEVICE-19): who brings it to the ledger is that one. */
  readonly asked?: { readonly id: string; readonly expires: number; readonly declined: readonly string[] }
  /** The first receipt that a ledger node signed for it while it waited, as JSON text (rule 15). */
  readonly receipt?: string
}

export interface Relationship {
  readonly id: string
  /** What the peer calls themself, or what we call them. */
  readonly label: string
  /** `closing`: deleted here, and the peer is still to be told. `closed`: by the peer. */
  readonly status: 'invited' | 'requested' | 'connected' | 'closing' | 'closed'
  /** Our own log: all entries, and what stands. */
  readonly mine: { readonly entries: readonly Entry[]; readonly state: LogState }
  readonly peer?: PeerLog
  /** The public DID we told the peer. */
  readonly told?: string
  /** `from`: who invited, or was asked: the short form of their DID. */
  readonly invitation?: {
    readonly id: string
    readonly expires: number
    readonly url: string
    readonly from: string
    readonly many?: true
  }
  /** When a challenge last proved the peer's keys; gone after a recovery (rule 21). */
  readonly verified?: { readonly at: number; readonly kids: readonly string[] }
  /** When and how two people made sure that it is theirs; outlasts rotations and devices, not a recovery (rule 21). */
  readonly person?: { readonly at: number; readonly how: 'code' | 'qr' }
  /** Why nothing is said to the peer until it is settled (KEYVERIFY-12). */
  readonly blocked?: { readonly why: 'forked' | 'rolled-back'; readonly at: number }
  /** An entry of our log, shown by the peer, that no device of ours made (KEYVERIFY-13). */
  readonly strange?: { readonly head: string; readonly at: number; readonly entry?: Entry }
  /** Until the owner's other devices have put this one's keys into the document. */
  readonly joining?: true
  /** Whose each key of our document is: the account of the owner's device. */
  readonly holders?: Readonly<Record<string, string>>
  /** While our own recovery of it waits: until when (seconds since 1970) by the peer's word, once it came; when and how often it was told. */
  readonly recovering?: { readonly until?: number; readonly told?: number; readonly times?: number }
  /** The owner removed it, and another device was faster with a change: the last word is still to be said. */
  readonly leaving?: true
  /** The peer's recovery set in which we objected to a recovery of theirs: once each (rule 27). */
  readonly objected?: number
  /** Somebody else recovers our side of it: they will have it then unless it is vetoed. */
  readonly alert?: { readonly entry: Entry; readonly until: number }
}

/** The peer's log as we follow it. */
export interface PeerLog {
  readonly state: LogState
  readonly publicDid?: string
  /** What stood before, oldest first: a key of it is revoked, a head of it is old. */
  readonly former?: readonly { readonly did: string; readonly head: string }[]
  /** The newest entries, oldest first: what a contradiction is proven with. */
  readonly entries?: readonly Entry[]
}

/**
 * Somebody whose software is not ours: plain DIDComm between a did:peer:2 of ours and whatever DID they have, without a
 * relationship log. Rotation is a `from_prior` (rule 20); after a recovery one connects anew.
 */
export interface Correspondent {
  readonly id: string
  readonly label: string
  readonly status: 'invited' | 'requested' | 'connected' | 'closed'
  /** Our DID. */
  readonly own: string
  /** Where there are several devices: how often it was replaced, and whose each agreement key of it is (the device's account). */
  readonly turn?: number
  readonly holders?: Readonly<Record<string, string>>
  /** Until the owner's other devices have put this one's keys into it. */
  readonly joining?: true
  /** Theirs, in a form that resolves by itself; absent until they answer our invitation. */
  readonly peer?: string
  readonly invitation: { readonly id: string; readonly expires: number; readonly url: string }
  /** Our rotation: the JWT of the DID before that says so, sent along until they write to the new one. */
  readonly rotation?: { readonly jwt: string }
  /** `iat` of the last rotation of theirs, seconds since 1970: an older one is a replay. */
  readonly rotated?: number
}

/** Made, and waiting for the slot at the agency (DEVICE-17). */
export interface PendingTurn extends PlainTurn {
  readonly seq: number
  /** What is put into the slot, base64url. */
  readonly value: string
  readonly ours: OwnDid
}

/** A line of text, sent or received. */
export interface TextMessage {
  /** Id of the relationship or the correspondent. */
  readonly contact: string
  readonly from: 'me' | 'them'
  readonly text: string
  /** Files that came, or went, with it. */
  readonly attached?: readonly Attached[]
  /** Seconds since 1970, by the sender's clock. */
  readonly at: number
  /** Sorts texts as they were sent and came. */
  readonly order?: string
}

/** An invitation for many: each who comes gets a relationship with DIDs of its own. On this device only, as its keys are. */
export interface OpenInvitation {
  readonly id: string
  readonly did: string
  readonly url: string
  /** Seconds since 1970. */
  readonly expires: number
  readonly uses: number
  readonly used: number
  /** A person is asked about each who comes. */
  readonly ask: boolean
  /** The public DID that is told to them. */
  readonly told?: string
}

/** A DID of ours that nobody may write to any more. */
export interface FormerDid {
  readonly why: 'removed' | 'closed'
  /** Seconds since 1970. */
  readonly at: number
}

export interface Blocked {
  /** What we called them. */
  readonly label: string
  /** Seconds since 1970. */
  readonly at: number
}

export interface Replacement {
  /** Seconds since 1970. */
  readonly since: number
  readonly steps: readonly Step[]
  /** Numbers of the steps that were done. */
  readonly done: readonly number[]
}

/** A dead drop (`spec/dead-drop.md`). With the records it outlives the loss of every device. */
export interface Drop {
  /** Our half of the secret and the peer's, base64url, and the agencies of each, newest first. */
  readonly half: string
  readonly theirs?: string
  readonly places: readonly string[]
  readonly peers: readonly string[]
  /** The newest entry of ours that the peer has acknowledged, and since when another one waits for that. */
  readonly acked?: string
  readonly open?: { readonly head: string; readonly since: number }
  /** The newest entry of ours that lies in every drop that could be reached. */
  readonly left?: string
  /** When we last looked into the peer's, seconds since 1970; the newest box that we took up. */
  readonly looked?: number
  readonly taken?: number
}

export interface RelationshipKeys {
  readonly id: string
  readonly authentication: string
  readonly next: string
  /** Of a device that is not in the document yet: its agreement key. */
  readonly agreement?: string
}

export interface OwnDevices extends DeviceList {
  /** The account at the agency before: a device that has not followed speaks of that one. */
  readonly accountBefore?: string
  /** What was sealed under it is still read. */
  readonly secretBefore?: string
  /** Accounts of revoked devices that the agency has cut off, and of those that the ledger proves to be off it. */
  readonly cut?: readonly string[]
  readonly dropped?: readonly string[]
  /** Accounts of devices that this one approved and that have not answered since. */
  readonly waiting?: readonly string[]
}

export interface KeyOffer {
  /** Account of the device. */
  readonly device: string
  readonly set: KeySetOffer
}

/** Signed, and waiting for the slot at the agency (DEVICE-9); the rest becomes so when it has it. */
export interface PendingEntry {
  readonly entry: Entry
  /** What was believed to stand in the slot, and what is put there: base64url. */
  readonly after: number
  readonly value: string
  readonly keys: RelationshipKeys
  readonly own: OwnDid
  readonly before: string
  readonly also: readonly JsonObject[]
}

/** Planned here, and signed when another device of the owner's has signed it (DEVICE-14). */
export interface Proposal {
  /** Of what is asked in one; absent until it was asked. */
  readonly id?: string
  /** The entry that it follows: once another one does, this is planned anew or over. */
  readonly prev: string
  readonly planned: PlannedEntry
  /** This device's keys with it, and their names in the vault. */
  readonly set: KeySet
  readonly keys: RelationshipKeys & { readonly agreement: string }
  readonly also: readonly JsonObject[]
  /** Seconds since 1970. */
  readonly expires: number
  /** Accounts of the devices where a person said no. */
  readonly declined: readonly string[]
}

/** Entries, the setting that there are two, or an operation of the public DID. */
export interface Approval {
  readonly id: string
  /** Account of the device that asks. */
  readonly device: string
  /** Seconds since 1970. */
  readonly received: number
  readonly expires: number
  readonly items?: readonly ProposedEntry[]
  readonly lower?: number
  /** A submission that this device is to sign, too (DEVICE-19). */
  readonly operation?: JsonObject
}

/** A key of the vault by its name there, and as others know it. */
export interface HeldKey {
  readonly keyId: string
  readonly k: string
}

/** What this device holds of the authority of the public DID together with others (DEVICE-19). */
export interface AuthorityShare {
  readonly did: string
  /** In force, once it is. */
  readonly key?: HeldKey
  /** What it signs the next change with, and what it commits to then. */
  readonly next: HeldKey
  readonly after: HeldKey
  /** Whom that was told, and which keys. */
  readonly told?: string
}

/** By account: what another device of the owner signs the next change of the DID with, and commits to then. */
export interface AuthorityOffer {
  readonly did: string
  readonly k: string
  readonly next: string
}

export interface LowerVote {
  readonly id: string
  readonly account: string
  readonly epoch: number
  readonly expires: number
}

/** The side of `device-link/1.0` that this device is on. */
export interface Linking {
  readonly session: string
  readonly role: 'new' | 'approver'
  readonly state: LinkState
  /** Seconds since 1970. */
  readonly expires: number
  /** What the new device calls itself, or is called. */
  readonly name: string
  /** Our DID made for this, and the other's; long forms. */
  readonly own: string
  readonly peer?: string
  /** Of the new device: the link, and the key that opens what it gets. */
  readonly url?: string
  readonly kem?: string
  readonly commitment?: string
  /** Nonces: our own, and the other's. */
  readonly nonce: string
  readonly theirs?: string
  /** The new device, and the account of the one that approves. */
  readonly device?: NewDevice
  readonly account?: string
  /** Wrong codes typed so far. */
  readonly wrong?: number
  readonly granted?: { readonly capabilities: readonly Capability[]; readonly seconds: number }
  /** What the new device was given. */
  readonly welcome?: Welcome
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
  /** Files, as they stand in the message. */
  readonly files?: readonly Attachment[]
  /** A JWT of the DID that `from` replaces (DIDComm v2.1, "DID Rotation"). */
  readonly fromPrior?: string
  /** Seconds since 1970 after which it is worth nothing and is dropped. */
  readonly expires?: number
  /** Seconds since 1970 by our own clock after which it is not sent any more; the receiver is not told. */
  readonly dropAfter?: number
  /** Ids of messages this one acknowledges. */
  readonly ack?: readonly string[]
  /** To another device of ours: the agency it is at, where that is not ours. */
  readonly via?: string
}

/** Something a person has to decide. */
export interface PendingRequest {
  readonly id: string
  readonly kind:
    | 'credential-offer'
    | 'presentation-request'
    | 'recovery-contact'
    | 'guardianship'
    | 'connection'
    | 'device-approval'
  /** Empty for a stranger, and for a device of the owner's. */
  readonly relationship: string
  readonly summary: string
  readonly received: number
  readonly thid: string
  readonly body: JsonObject
}

export interface ChallengeRecord {
  readonly relationship: string
  readonly challenge: Challenge
  /** The token that each key-agreement key asked for has to know, base64url. */
  readonly tokens: readonly { readonly did: string; readonly kid: string; readonly token: string }[]
  /** Asked by itself: how often, for an answer that comes late is asked for again. */
  readonly tries?: number
  readonly response?: ChallengeResponse
  readonly verdict?: Verdict
}

/** One try of two people to make sure of each other. */
export interface Meeting {
  readonly session: string
  readonly state: MeetingState
  readonly role: 'starter' | 'other' | 'shower'
  readonly heads: readonly [string, string]
  /** Our nonce, the other's, and the starter's commitment where it is not ours; base64url. */
  readonly nonce?: string
  readonly theirs?: string
  readonly commitment?: string
  /** Of the QR code, base64url. */
  readonly secret?: string
  /** Seconds since 1970. */
  readonly expires: number
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
  /** Account of the device that offered it, and issues it, where there are several. */
  readonly device?: string
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
  /** Of the agent that signed it. */
  readonly opening?: Opening
  readonly verdict?: JsonObject
  readonly at?: number
}
