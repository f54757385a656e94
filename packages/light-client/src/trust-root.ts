/** What a wallet starts from (rule 19): its pin, the genesis document while it is young, or a checkpoint that two sources name. */
import { base64url, isKeysteadError, type JsonObject, KeysteadError } from '@keystead/core'
import type { NetworkGenesis } from '@keystead/did-dkms'
import type { LedgerReadErrorCode } from './errors.ts'
import type { LightProvider } from './follow.ts'
import { checkLightBlock, encodeLightBlock, type LightBlock } from './light-block.ts'
import { type Pin, trustedGenesis } from './pin.ts'
import { requireFresh, type Trusted, trustedAfter, type VerifierRules } from './verifier.ts'

export interface TrustPoint {
  readonly height: number
  /** Header hash, base64url. */
  readonly hash: string
}

/** Somebody who is not the ledger node and names a block: a kit, a signed release, an inviter, an agency. */
export interface TrustSource {
  readonly name: string
  /** Undefined when it has none to offer, or cannot be asked. */
  point(): Promise<TrustPoint | undefined>
}

/** `confirmed: false`: nobody but the node itself says so. */
export interface Root {
  readonly trusted: Trusted
  readonly confirmed: boolean
}

/** Rejects with `TRUST_EXPIRED` or, where sources contradict each other, `UNCONFIRMED_NETWORK`. */
export async function findRoot(parts: {
  readonly pin: Pin | undefined
  readonly genesis: NetworkGenesis
  readonly node: LightProvider
  readonly sources: readonly TrustSource[]
  /** Height of the head in question, all there is to start from when nobody confirms anything. */
  readonly shown: number
  readonly rules: VerifierRules
  readonly keepEvidence: (evidence: JsonObject) => Promise<void>
}): Promise<Root> {
  const { pin, genesis, node, sources, rules } = parts
  const start = pin ?? trustedGenesis(genesis)
  if (isFresh(start, rules)) return { trusted: start, confirmed: true }
  for (const source of sources) {
    const point = await source.point()
    const block = point && (await node.lightBlock(point.height))
    if (!block || block.header.chainId !== genesis.chainId) continue
    const hash = base64url.encode(checkLightBlock(block))
    if (hash !== point.hash) {
      await parts.keepEvidence({
        kind: 'checkpoint',
        network: genesis.chainId,
        checkpoint: { ...point, source: source.name },
        shown: base64url.encode(encodeLightBlock(block)),
        node: node.name,
      })
      throw new KeysteadError<LedgerReadErrorCode>(
        'UNCONFIRMED_NETWORK',
        `${source.name} and ${node.name} show different blocks at height ${point.height}: one of them is not of your network`,
      )
    }
    const trusted = trustedAfter(block)
    if (isFresh(trusted, rules)) return { trusted, confirmed: true }
  }
  if (pin) requireFresh(pin, rules)
  const block = await node.lightBlock(parts.shown)
  if (!block) throw new KeysteadError<LedgerReadErrorCode>('PROOF_INVALID', `${node.name} does not show its own block`)
  return { trusted: justBefore(block), confirmed: false }
}

function isFresh(trusted: Trusted, rules: VerifierRules): boolean {
  try {
    requireFresh(trusted, rules)
    return true
  } catch (error) {
    if (isKeysteadError(error, 'TRUST_EXPIRED')) return false
    throw error
  }
}

/** What would have to be trusted for this block to follow: its own word, so that at least its signatures are checked. */
function justBefore(block: LightBlock): Trusted {
  const { chainId, height, time } = block.header
  const earlier = { seconds: time.seconds - 1, nanos: time.nanos }
  return { chainId, height: height - 1, hash: '', time: earlier, nextValidators: block.validators }
}
