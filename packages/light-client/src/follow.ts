/** The way from a trusted header to a newer one, through light blocks of one provider (specification v0.38, "Light Client"). */
import { isKeysteadError, KeysteadError } from '@keystead/core'
import type { LedgerReadErrorCode } from './errors.ts'
import type { LightBlock } from './light-block.ts'
import { MAX_BISECTION_FETCHES } from './limits.ts'
import { type Trusted, trustedAfter, type VerifierRules, verifyLightBlock } from './verifier.ts'

/** Somebody who has the chain. What they say is verified. */
export interface LightProvider {
  /** For people: where this is. */
  readonly name: string
  /** Undefined when it has no such block (yet, or any more); rejects with `LEDGER_UNREACHABLE` when it cannot be asked. */
  lightBlock(height: number): Promise<LightBlock | undefined>
}

/** Blocks of the first, and of the others where it does not have them: whose they are does not matter, for each is verified. */
export function firstThatHas(first: LightProvider, others: readonly LightProvider[]): LightProvider {
  return {
    name: first.name,
    lightBlock: async (height) => {
      const block = await first.lightBlock(height)
      if (block) return block
      for (const other of others)
        try {
          const found = await other.lightBlock(height)
          if (found) return found
        } catch (error) {
          if (!isKeysteadError(error)) throw error
        }
      return undefined
    },
  }
}

export type FollowMode = 'skipping' | 'sequential'

/**
 * Verifies `target`: in one step where the trusted validators signed it, else through blocks in between, halving the way
 * (`VerifyToTarget`); `sequential` takes every block. Rejects as `verifyLightBlock`, or with `PROOF_INVALID` when the provider
 * lacks a block on the way.
 */
export async function follow(
  from: Trusted,
  target: LightBlock,
  provider: LightProvider,
  rules: VerifierRules,
  mode: FollowMode = 'skipping',
): Promise<Trusted> {
  let trusted = from
  let fetches = 0
  /** Blocks that wait for one below them to be verified, the highest first. */
  const waiting = [target]
  for (let block = waiting.at(-1); block; block = waiting.at(-1)) {
    const distance = block.header.height - trusted.height
    const step = mode === 'sequential' && distance > 1 ? 'not-enough-trust' : verifyLightBlock(trusted, block, rules)
    if (step === 'verified') {
      trusted = trustedAfter(block)
      waiting.pop()
      continue
    }
    if (mode === 'skipping' && ++fetches > MAX_BISECTION_FETCHES) throw missing(provider, 'too many blocks are needed')
    const height = trusted.height + (mode === 'sequential' ? 1 : Math.floor(distance / 2))
    const between = await provider.lightBlock(height)
    if (between?.header.height !== height) throw missing(provider, `it does not show block ${height}`)
    waiting.push(between)
  }
  return trusted
}

function missing({ name }: LightProvider, what: string): KeysteadError<LedgerReadErrorCode> {
  return new KeysteadError('PROOF_INVALID', `the way to the newest header cannot be verified at ${name}: ${what}`)
}
