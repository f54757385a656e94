/**
 * What a verifier knows of an issuer (or holder) from the ledger, already proven: keys with the times they were good for,
 * and anchors with the times they entered. The agent fills it from a verified history; this package only judges.
 */
import type { PublicKey, VerificationSuite } from '@keystead/crypto'

export interface KeyEvidence {
  /** DID URL of the verification method. */
  readonly kid: string
  readonly publicKey: PublicKey<VerificationSuite>
  readonly purposes: readonly ('assertionMethod' | 'authentication')[]
  /** Seconds since 1970, block time: in use from here on, and until there if it was replaced. */
  readonly from: number
  readonly until?: number
  /** The owner declared, with a rotation for compromise, that others may have had the key since then. */
  readonly compromisedSince?: number
}

export interface DidEvidence {
  readonly did: string
  /** Level of the proof (rule 16): `operator-signed`, `bft`, `bft+witnessed`. */
  readonly level: string
  /** Block time of the head the evidence was read at, seconds since 1970. */
  readonly asOf: number
  readonly keys: readonly KeyEvidence[]
  /** Anchored roots with the block time each entered the ledger. */
  readonly anchors: readonly { readonly seq: number; readonly root: string; readonly time: number }[]
  readonly deactivatedAt?: number
}
