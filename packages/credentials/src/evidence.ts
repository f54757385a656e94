/**
 * What a verifier knows of an issuer (or holder) from the ledger, already proven: keys with the times they were good for,
 * and anchors with the times they entered. The agent fills it from a verified history; this package only judges.
 */
import type { PublicKey, VerificationSuite } from '@keystead/crypto'

export interface KeyEvidence {
  /** DID URL of the verification method; of an agent (DKMS-43), as if the document showed its key. */
  readonly kid: string
  readonly publicKey: PublicKey<VerificationSuite>
  readonly purposes: readonly ('assertionMethod' | 'authentication')[]
  /** Seconds since 1970, block time: in use from here on, and until there if it was replaced. */
  readonly from: number
  readonly until?: number
  /** The owner declared, with a rotation for compromise, that others may have had the key since then. */
  readonly compromisedSince?: number
  /** While the owner had stopped the DID. */
  readonly suspended?: readonly { readonly from: number; readonly until?: number }[]
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

/**
 * What the evidence says of a key at a time: the period that holds it, else the newest. A key that came back, or whose
 * purposes changed, has several periods; a compromise of one taints them all, for it is the same private key
 * (CREDENTIAL-10).
 */
export function findKey(
  evidence: DidEvidence,
  kid: string,
  purpose: KeyEvidence['purposes'][number],
  at?: number,
): KeyEvidence | undefined {
  const all = evidence.keys.filter((key) => key.kid === kid)
  const periods = all.filter((key) => key.purposes.includes(purpose))
  const holds = (key: KeyEvidence): boolean =>
    at !== undefined && key.from <= at && at < (key.until ?? Number.POSITIVE_INFINITY)
  const period = periods.find(holds) ?? periods.at(-1)
  const compromises = all.flatMap((key) => key.compromisedSince ?? [])
  return period && compromises.length > 0 ? { ...period, compromisedSince: Math.min(...compromises) } : period
}
