/** What a wallet starts from (rule 19): its pin, the genesis document while it is young, or a block on which two independent sources agree. */
import { base64url, isKeysteadError, type JsonObject, KeysteadError } from '@keystead/core'
import type { NetworkGenesis } from '@keystead/did-dkms'
import type { LedgerReadErrorCode } from './errors.ts'
import { follow, type LightProvider } from './follow.ts'
import { checkLightBlock, encodeLightBlock, type LightBlock } from './light-block.ts'
import { type Pin, trustedGenesis } from './pin.ts'
import { requireFresh, type Trusted, trustedAfter, type VerifierRules } from './verifier.ts'

export interface TrustPoint {
  readonly height: number
  /** Header hash, base64url. */
  readonly hash: string
}

/** What somebody who is not the ledger node says: a kit, a signed release, an inviter, an agency, another operator's node. */
export interface NamedPoint extends TrustPoint {
  /** Who says so; one voice however often it speaks. */
  readonly name: string
}

export interface TrustSource {
  /** None where it has none to offer, or cannot be asked. */
  points(): Promise<readonly NamedPoint[]>
}

/** Rule 19: so many independent voices must agree on one chain. The wallet's own pin is one of them, the node that is asked none. */
const VOICES_NEEDED = 2

/** `confirmed: false`: fewer than two independent sources say so. */
export interface Root {
  readonly trusted: Trusted
  readonly confirmed: boolean
}

interface RootParts {
  readonly pin: Pin | undefined
  readonly genesis: NetworkGenesis
  readonly node: LightProvider
  readonly sources: readonly TrustSource[]
  /** Height of the head in question, all there is to start from when nobody confirms anything. */
  readonly shown: number
  readonly rules: VerifierRules
  readonly keepEvidence: (evidence: JsonObject) => Promise<void>
}

/** Rejects with `TRUST_EXPIRED` or, where sources contradict each other, `UNCONFIRMED_NETWORK`. */
export async function findRoot(parts: RootParts): Promise<Root> {
  const { pin, genesis, node, rules } = parts
  const start = pin ?? trustedGenesis(genesis)
  if (isFresh(start, rules)) return { trusted: start, confirmed: true }
  const { agreeing, differing } = await askSources(parts)
  const newest = agreeing.find(({ block }) => isFresh(trustedAfter(block), rules))
  if (newest) {
    const earlier = agreeing.filter(({ name }) => name !== newest.name).map(({ block }) => trustedAfter(block))
    const voices = await voicesFor(newest.block, pin ? [pin, ...earlier] : earlier, parts)
    const own = newest.block.header.height === parts.shown
    if (voices >= VOICES_NEEDED)
      return { trusted: own ? justBefore(newest.block) : trustedAfter(newest.block), confirmed: true }
  }
  if (differing !== undefined)
    throw new KeysteadError<LedgerReadErrorCode>(
      'UNCONFIRMED_NETWORK',
      `${differing.name} and ${node.name} show different blocks at height ${differing.height}: one of them is not of your network`,
    )
  if (pin) requireFresh(pin, rules)
  const block = await node.lightBlock(parts.shown)
  if (!block) throw new KeysteadError<LedgerReadErrorCode>('PROOF_INVALID', `${node.name} does not show its own block`)
  return { trusted: justBefore(block), confirmed: false }
}

/** Blocks that the node shows as its sources name them, newest first, one for each; and a source that it contradicts. */
async function askSources({ genesis, node, sources, shown, keepEvidence }: RootParts) {
  const agreeing = new Map<string, { readonly name: string; readonly block: LightBlock }>()
  let differing: NamedPoint | undefined
  const points = (await Promise.all(sources.map((source) => source.points()))).flat()
  for (const point of points.sort((a, b) => b.height - a.height)) {
    const asked = point.name !== node.name && point.height <= shown && !agreeing.has(point.name)
    const block = asked && (await node.lightBlock(point.height))
    if (!block || block.header.chainId !== genesis.chainId) continue
    if (base64url.encode(checkLightBlock(block)) === point.hash) {
      agreeing.set(point.name, { name: point.name, block })
      continue
    }
    differing ??= point
    const { name, ...checkpoint } = point
    await keepEvidence({
      kind: 'checkpoint',
      network: genesis.chainId,
      checkpoint: { ...checkpoint, source: name },
      shown: base64url.encode(encodeLightBlock(block)),
      node: node.name,
    })
  }
  return { agreeing: [...agreeing.values()], differing }
}

/**
 * How many agree with a block: who names it, and each of the earlier ones from which signatures lead to it. How old those are does
 * not matter: a kit's checkpoint may be of years ago, and says which chain this is, not which validators may sign now.
 */
async function voicesFor(block: LightBlock, earlier: readonly Trusted[], { node, rules }: RootParts): Promise<number> {
  let voices = 1
  for (const trusted of earlier) {
    if (voices >= VOICES_NEEDED) break
    if (await leadsTo(trusted, block, node, rules)) voices++
  }
  return voices
}

async function leadsTo(from: Trusted, to: LightBlock, node: LightProvider, rules: VerifierRules): Promise<boolean> {
  if (from.height === to.header.height) return from.hash === base64url.encode(to.commit.blockId.hash)
  try {
    await follow(from, to, node, { ...rules, trustingPeriod: Number.MAX_SAFE_INTEGER })
    return true
  } catch (error) {
    if (isKeysteadError(error, 'PROOF_INVALID', 'WRONG_NETWORK')) return false
    throw error
  }
}

export function isFresh(trusted: Trusted, rules: VerifierRules): boolean {
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
