/**
 * Random walks through the grammar of ABCI 2.0 ("CometBFT's expected behavior"), restarts and cheating proposers anywhere. The
 * invariants: an honest proposal is accepted and a cheating one is not, executing twice gives the same, the application is
 * never ahead of the chain, and its hash at a height never changes.
 */
import { nodeKeyProvider } from '@keystead/crypto/node'
import { decodeState, encodeSubmission, networkHash, stateKey } from '@keystead/did-dkms'
import { Owner } from '../../../../../did-dkms/src/testing/owner.ts'
import type { LedgerStore } from '../../../state/store.ts'
import { Application } from '../application.ts'
import { decodeEnvelope, encodeEnvelope } from '../envelope.ts'
import type { MiniChain } from './chain.ts'

const keys = nodeKeyProvider()

export interface WalkCounts {
  heights: number
  restarts: number
  replays: number
  cheats: number
  operations: number
}

/** Envelopes with genesis operations and updates of DIDs that the store knows. */
export class Traffic {
  readonly #owners: { owner: Owner; did: string }[] = []
  readonly #store: LedgerStore
  readonly #net: string
  readonly #notAfter: number

  constructor(store: LedgerStore, chain: MiniChain) {
    this.#store = store
    this.#net = networkHash(chain.genesis)
    this.#notAfter = chain.genesis.time + 20 * 86_400
  }

  async envelope(pick: (below: number) => number): Promise<Uint8Array> {
    const submissions: Uint8Array[] = []
    for (let i = pick(3); i >= 0; i--) submissions.push(await this.#operation(pick))
    return encodeEnvelope(submissions)
  }

  async #operation(pick: (below: number) => number): Promise<Uint8Array> {
    const known = this.#owners[pick(this.#owners.length + 3)]
    const bytes = known && this.#store.get('s', stateKey(known.did))
    if (known && bytes) return encodeSubmission(await known.owner.update(decodeState(bytes)))
    const owner = new Owner(keys, this.#net, this.#notAfter)
    const genesis = await owner.genesis()
    this.#owners.push({ owner, did: genesis.operation.did })
    if (this.#owners.length > 30) this.#owners.shift()
    return encodeSubmission(genesis)
  }
}

/** Walks `heights` heights; throws at the first broken invariant. `random` gives numbers in [0, 1). */
export async function walk(
  chain: MiniChain,
  store: LedgerStore,
  heights: number,
  random: () => number,
): Promise<WalkCounts> {
  const pick = (below: number): number => Math.floor(random() * below)
  const traffic = new Traffic(store, chain)
  const counts: WalkCounts = { heights: 0, restarts: 0, replays: 0, cheats: 0, operations: 0 }
  let app = new Application({ store })
  let time = (chain.blocks.at(-1)?.time ?? chain.genesis.time) + 1
  chain.handshake(app)

  const restart = (): void => {
    counts.restarts++
    app = new Application({ store })
    // CometBFT may be killed during its handshake too.
    if (pick(4) === 0) chain.handshake(app, false)
    counts.replays += chain.height - (store.json<{ height: number }>('m', 'applied')?.height ?? 0)
    chain.handshake(app)
  }
  const maybeRestart = (): boolean => {
    if (pick(12) !== 0) return false
    restart()
    return true
  }

  while (counts.heights < heights) {
    for (let i = pick(3); i > 0; i--) chain.check(app, await traffic.envelope(pick))
    time += pick(20) === 0 ? 400 + pick(1200) : pick(3) + 1
    // Rounds that decide nothing: proposals of others, honest and not.
    for (let round = pick(3); round > 0; round--) {
      const honest = chain.prepare(app, time)
      const cheat = cheating(honest, pick)
      if (cheat) {
        counts.cheats++
        if (chain.process(app, chain.proposal(time, cheat))) throw new Error('a cheating proposal was accepted')
      } else if (!chain.process(app, chain.proposal(time, honest))) throw new Error('an honest proposal was rejected')
      if (maybeRestart()) break
    }
    const block = chain.proposal(time, chain.prepare(app, time))
    const seen = pick(4) !== 0
    if (seen && !chain.process(app, block)) throw new Error('an honest proposal was rejected')
    if (maybeRestart()) continue
    chain.decide(block)
    counts.heights++
    counts.operations += block.txs.reduce((sum, tx) => sum + decodeEnvelope(tx).length, 0)
    if (maybeRestart()) continue
    for (let times = pick(3); times >= 0; times--) {
      const { txResults = [] } = chain.finalize(app, block)
      if (txResults.length !== block.txs.length || txResults.some(({ code }) => code))
        throw new Error('an operation of an accepted block was refused')
    }
    if (maybeRestart()) continue
    chain.commit(app)
    maybeRestart()
  }
  return counts
}

/** A block that no honest proposer makes, or undefined where there is nothing to spoil. */
export function cheating(honest: readonly Uint8Array[], pick: (below: number) => number): Uint8Array[] | undefined {
  const [first, ...rest] = honest
  if (!first) return pick(2) === 0 ? [Uint8Array.of(1, 2, 3)] : undefined
  switch (pick(5)) {
    case 0:
      return [first, ...rest, first]
    case 1:
      return [first.slice(0, -1), ...rest]
    case 2: {
      const spoiled = first.slice()
      spoiled[4 + pick(first.length - 4)] = (spoiled[10] as number) ^ 0xff
      return Buffer.from(spoiled).equals(first) ? undefined : [spoiled, ...rest]
    }
    case 3:
      return [new Uint8Array(0), first, ...rest]
    default:
      return undefined
  }
}
