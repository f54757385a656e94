/**
 * The records of did:dkms, version 1 (`spec/did-dkms.md`). All are plain JSON: integers, text, closed members, canonical by
 * RFC 8785. Times are block times in seconds since 1970 (rule 11).
 */
import type { JsonObject } from '@keystead/core'

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
}

/** One agent entry (rule 8); `h` = multihash of SHA-256(salt || Multikey), `caps` a bit set, `exp` a time. */
export interface AgentEntry {
  readonly h: string
  readonly caps: number
  readonly exp: number
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

/** The separable part of the document (rule 12). The salt keeps its hash from being guessed after erasure. */
export interface Body {
  readonly salt: string
  readonly keys: readonly BodyKey[]
  readonly services: readonly BodyService[]
}

/** A proof of a proof set, over the operation without `proof` (Data Integrity 1.0, section 2.1.1). */
export interface OperationProof {
  readonly type: 'DataIntegrityProof'
  readonly cryptosuite: 'eddsa-jcs-2022' | 'ecdsa-jcs-2019'
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
  /** Hash of the body beside the operation. */
  readonly body: string
}

export type Genesis = Envelope & Replacement & { readonly type: 'genesis' }
export type Update = Envelope & { readonly type: 'update'; readonly body: string }
export type Rotate = Envelope & {
  readonly type: 'rotate'
  readonly auth: Authority
  readonly recovery?: readonly RecoveryEntry[]
  readonly agents?: readonly AgentEntry[]
  readonly body?: string
  readonly reason?: 'compromised'
  readonly since?: number
}
/** `key`: the recovery key that the path's digest committed to. */
export type Recover = Envelope & Replacement & { readonly type: 'recover'; readonly key: string }
export type Veto = Envelope & { readonly type: 'veto'; readonly auth: Authority }
/** `reveal`: keys committed in `next`, to its threshold. */
export type Deactivate = Envelope & { readonly type: 'deactivate'; readonly reveal: readonly string[] }
export type Anchor = Envelope & { readonly type: 'anchor'; readonly root: string }
export type Agents = Envelope & { readonly type: 'agents'; readonly agents: readonly AgentEntry[] }
export type Suspend = Envelope & { readonly type: 'suspend' }
export type Resume = Envelope & { readonly type: 'resume' }
/** `of`: sequence number of the operation whose body nodes may drop. */
export type Erase = Envelope & { readonly type: 'erase'; readonly of: number }

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
  /** Hash of the operation without proof: its name, and the next one's `prev`. */
  readonly hash: string
}
