/** What a wallet keeps when a ledger contradicts itself (row N10): both headers with their signatures, for anybody to check. */
import { base64url, canonicalJson, equalBytes, Fields, type Json, type JsonObject } from '@keystead/core'
import { sha256 } from '@keystead/crypto'
import { Votes } from './commit.ts'
import { decodeHead, encodeHead, type Head } from './head.ts'
import { headerHash } from './header.ts'
import { checkSignedHeader, type SignedHeader } from './light-block.ts'
import { MAX_BUNDLE_BYTES } from './limits.ts'
import type { Validator } from './validators.ts'

/** `known` is what the wallet had accepted. */
export function conflictEvidence(kind: 'rollback' | 'fork', network: string, known: Head, shown: Head): JsonObject {
  return {
    kind,
    network,
    known: base64url.encode(encodeHead(known)),
    shown: base64url.encode(encodeHead(shown)),
    knownHeight: known.header.height,
    shownHeight: shown.header.height,
  }
}

/** Evidence is named by its content: the same contradiction, met again, is the same evidence (PROOF-15). */
export function evidenceName(evidence: JsonObject): string {
  return base64url.encode(sha256(canonicalJson(evidence)))
}

/**
 * True if the evidence of a rollback or fork proves by itself that these validators signed two different blocks at one height
 * (equivocation), whoever shows it. False where only the owner of a pin can know. Throws errors of `Fields`.
 */
export function provesEquivocation(evidence: Json, validators: readonly Validator[]): boolean {
  const f = new Fields(evidence, 'evidence')
  const head = (name: string): Head => f.decoded(name, MAX_BUNDLE_BYTES, (text) => decodeHead(base64url.decode(text)))
  return equivocate(head('known'), head('shown'), validators)
}

/** Both are signed by two thirds of the set, at one height of one chain, and differ. */
export function equivocate(one: SignedHeader, other: SignedHeader, validators: readonly Validator[]): boolean {
  const [a, b] = [one.header, other.header]
  if (a.chainId !== b.chainId || a.height !== b.height || equalBytes(headerHash(a), headerHash(b))) return false
  try {
    for (const signed of [one, other]) {
      checkSignedHeader(signed)
      new Votes(signed.header.chainId, signed.commit).requireTwoThirds(validators)
    }
    return true
  } catch {
    return false
  }
}
