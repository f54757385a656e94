/**
 * The records of did:dkms, version 1 (`spec/did-dkms.md`). All are plain JSON: integers, text, closed members, canonical by
 * RFC 8785. Times are block times in seconds since 1970 (rule 11).
 */
import type { JsonObject } from '@keystead/core'
import type { Admission } from './admission.ts'

export interface WeightedKey {
  /** Multikey of an authority key. */
  readonly k: string
  readonly w: number
}

export interface WeightedDigest {
  /** `keyDigest` of a key nobody has seen yet. */
  readonly h: string
  readonly w: number
}

/** Who decides now, and who will (DKMS-10, DKMS-11). */
export interface Authority {
  readonly keys: readonly WeightedKey[]
  readonly threshold: number
  readonly next: readonly WeightedDigest[]
  readonly nextThreshold: number
}

/** One recovery path (rule 3): digest of its recovery key, and the seconds an owner has to veto. */
export interface RecoveryEntry {
  readonly h: string
  readonly delay: number
  /** Overrules a veto: recovers only after one in this epoch, and no veto stops it (rule 27, DKMS-22). */
  readonly firm?: true
}

/** One agent entry (rule 8); `h` = multihash of SHA-256(salt || Multikey), `caps` a set of `CAPABILITY` bits, `exp` a time. */
export interface AgentEntry {
  readonly h: string
  readonly caps: number
  readonly exp: number
}

/** Shows which key an agent entry is about: the salt of 16 bytes in base64url, and the key (DKMS-13). */
export interface Opening {
  readonly k: string
  readonly salt: string
}

/** How many agents must sign together, for the capabilities that sign operations; absent: one (DKMS-15). */
export interface Quorums {
  readonly ADMIN?: number
  readonly ROTATE?: number
  readonly UPDATE_SERVICE?: number
  readonly ASSERT?: number
}

export type Purpose =
  | 'authentication'
  | 'assertionMethod'
  | 'keyAgreement'
  | 'capabilityInvocation'
  | 'capabilityDelegation'

export interface BodyKey {
  readonly k: string
  readonly purposes: readonly Purpose[]
}

export interface BodyService {
  readonly id: string
  readonly type: string
  readonly serviceEndpoint: JsonObject | string
}

/**
 * The separable part of the document (rule 12), in two halves, each with a salt of its own that keeps its hash from being
 * guessed after erasure: so one half can stay, to the byte, while an agent changes the other (DKMS-16).
 */
export interface Body {
  readonly keys: readonly BodyKey[]
  readonly keysSalt: string
  readonly services: readonly BodyService[]
  readonly servicesSalt: string
}

/** The half of a body that an agent's update changes, as three digests that give the old and the new body's hash. */
export interface HalfChange {
  readonly half: 'keys' | 'services'
  /** Of the other half. */
  readonly kept: string
  readonly before: string
  readonly after: string
}

/** A proof of a proof set, over the operation without `proof` (Data Integrity 1.0, section 2.1.1). */
export interface OperationProof {
  readonly type: 'DataIntegrityProof'
  readonly cryptosuite: string
  readonly verificationMethod: string
  readonly proofPurpose: 'capabilityInvocation'
  readonly proofValue: string
}

interface Envelope {
  readonly v: 1
  /** Hash of the network's genesis document, in full (rule 10). */
  readonly net: string
  readonly did: string
  readonly seq: number
  /** Hash of the operation before, empty for genesis. */
  readonly prev: string
  /** No block after this time may carry the operation. */
  readonly notAfter: number
  readonly proof: readonly OperationProof[]
}

/** What replaces an owner's whole authority: at birth, after a recovery, and after a compromise. */
interface Replacement {
  readonly auth: Authority
  readonly recovery: readonly RecoveryEntry[]
  readonly agents: readonly AgentEntry[]
  readonly quorums?: Quorums
  /** Hash of the body beside the operation. */
  readonly body: string
}

/** Agents who sign show their entries. */
interface ByAgents {
  readonly open?: readonly Opening[]
}

export type Genesis = Envelope & Replacement & { readonly type: 'genesis' }
/** `change` is there exactly when agents sign. */
export type Update = Envelope &
  ByAgents & { readonly type: 'update'; readonly body: string; readonly change?: HalfChange }
/** `quorums` come with `agents` only. */
export type Rotate = Envelope & {
  readonly type: 'rotate'
  readonly auth: Authority
  readonly recovery?: readonly RecoveryEntry[]
  readonly agents?: readonly AgentEntry[]
  readonly quorums?: Quorums
  readonly body?: string
  readonly reason?: 'compromised'
  readonly since?: number
}
/** `key`: the recovery key that the path's digest committed to. */
export type Recover = Envelope & Replacement & { readonly type: 'recover'; readonly key: string }
export type Veto = Envelope & { readonly type: 'veto'; readonly auth: Authority }
/** `reveal`: keys committed in `next`, to its threshold. */
export type Deactivate = Envelope & { readonly type: 'deactivate'; readonly reveal: readonly string[] }
export type Anchor = Envelope & ByAgents & { readonly type: 'anchor'; readonly root: string }
/** Changes of the registry, at least one (DKMS-14). */
export type Agents = Envelope &
  ByAgents & {
    readonly type: 'agents'
    /** Entries granted, or changed where one has this `h`. */
    readonly put?: readonly AgentEntry[]
    /** Entries revoked, by `h`. */
    readonly drop?: readonly string[]
    /** Padding taken out, by the salts that show that no key is behind it. */
    readonly spare?: readonly string[]
    /** The whole of them anew. */
    readonly quorums?: Quorums
    /** The agent that signs objects to its removal. */
    readonly contest?: true
  }
export type Suspend = Envelope & ByAgents & { readonly type: 'suspend' }
export type Resume = Envelope & { readonly type: 'resume' }
/** Nodes may drop the bodies of all operations up to this sequence number. */
export type Erase = Envelope & { readonly type: 'erase'; readonly upTo: number }

export type Operation =
  | Genesis
  | Update
  | Rotate
  | Recover
  | Veto
  | Deactivate
  | Anchor
  | Agents
  | Suspend
  | Resume
  | Erase
export type OperationType = Operation['type']
export type UnsignedOperation = Operation extends infer O ? (O extends Operation ? Omit<O, 'proof'> : never) : never

/** An operation as it travels and is stored: with the body it commits to, if it has one. */
export interface Submission {
  readonly operation: Operation
  readonly body?: Body
  /** What a newcomer brings so that a node admits it (NET-32); no part of hash or log. */
  readonly admission?: Admission
  /** Hash of the operation without proof: its name, and the next one's `prev`. */
  readonly hash: string
}
