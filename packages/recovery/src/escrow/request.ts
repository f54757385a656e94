/**
 * What a client signs with the key it derives from the locator, once for every nonce of the agent. It is checked before the
 * guess counter is touched: a stranger, and whoever replays a recorded request, burns no guess (rule 24).
 */
import { type Bytes, base64url, canonicalJson } from '@keystead/core'
import { verifySignature } from '@keystead/crypto'

export type EscrowStep = 'open' | 'evaluate' | 'release' | 'remove' | 'heads'

export interface EscrowRequest {
  readonly step: EscrowStep
  /** DIDs of the agent and of the sender: a request taken elsewhere is worth nothing. */
  readonly agent: string
  readonly sender: string
  readonly account: string
  readonly nonce: string
  /** The blinded element, the tag, or nothing. */
  readonly content: Uint8Array
}

export function requestTranscript({ step, agent, sender, account, nonce, content }: EscrowRequest): Bytes {
  return canonicalJson({
    protocol: 'https://keystead.dev/escrow/1.0',
    step,
    agent,
    sender,
    account,
    nonce,
    content: base64url.encode(content),
  })
}

/** A well-formed key (Ed25519's base point): an unknown account takes as long to refuse as a wrong signature. */
const NOBODY = new Uint8Array(32).fill(0x66).fill(0x58, 0, 1)

/** False for an account that does not exist, too. */
export function requestIsOwners(auth: Uint8Array | undefined, request: EscrowRequest, signature: Uint8Array): boolean {
  const key = { suite: 'ed25519', bytes: Uint8Array.from(auth ?? NOBODY) } as const
  const valid = verifySignature(key, requestTranscript(request), signature)
  return auth !== undefined && valid
}
