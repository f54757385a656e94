/**
 * A CometBFT in miniature for tests: decides blocks one after the other in the order of calls that CometBFT's specification
 * allows, keeps them, and replays to an application that comes back behind them. It knows nothing of what they contain.
 */
import { createHash } from 'node:crypto'
import { base64url } from '@keystead/core'
import type { NetworkGenesis } from '@keystead/did-dkms'
import { genesisValidators, validatorsOf } from '@keystead/light-client'
import { CheckTxType, type Misbehavior, ProposalStatus, type RequestOf } from '../../../abci/messages.ts'
import { firstTimeAfter, type Handover, handoverToJson } from '../../../handover.ts'
import type { Application } from '../application.ts'

export interface DecidedBlock {
  readonly height: number
  readonly time: number
  readonly txs: readonly Uint8Array[]
  readonly misbehavior: readonly Misbehavior[]
  readonly hash: Uint8Array
}

const EMPTY = new Uint8Array(0)
const NO_COMMIT = { round: 0, votes: [] }
const MAX_TX_BYTES = 4_000_000

export class MiniChain {
  readonly genesis: NetworkGenesis
  readonly blocks: DecidedBlock[] = []
  /** Application hash after each height, from InitChain on. */
  readonly hashes: string[] = []
  mempool: Uint8Array[] = []

  /** With a handover it goes on with the chain that was handed over (NET-16). */
  constructor(genesis: NetworkGenesis, handover?: Handover) {
    this.genesis = genesis
    this.#handover = handover
  }

  readonly #handover: Handover | undefined

  /** Height before the first block. */
  get base(): number {
    return this.#handover?.head.header.height ?? 0
  }

  get height(): number {
    return this.base + this.blocks.length
  }

  /** What CometBFT does when it meets an application: recovery, then clean start or replay. */
  handshake(app: Application, untilDecided = true): void {
    const info = app.info({ version: '0.38.25', blockVersion: 11, p2pVersion: 8, abciVersion: '2.0.0' })
    let height = info.lastBlockHeight ?? 0
    if (height > this.height) throw new Error(`the application is ahead: ${height} > ${this.height}`)
    if (height === 0) {
      this.#expect(this.base, app.initChain(this.initRequest()).appHash)
      height = this.base
    } else this.#expect(height, info.lastBlockAppHash)
    if (!untilDecided) return
    for (; height < this.height; height++) {
      this.finalize(app, this.blocks[height - this.base] as DecidedBlock)
      app.commit()
    }
    this.mempool = []
  }

  initRequest(): RequestOf<'initChain'> {
    const { genesis } = this
    const handover = this.#handover
    const validators = handover ? validatorsOf(handover.validators) : genesisValidators(genesis)
    const state = handover ? { handover: handoverToJson(handover) } : genesis
    return {
      time: { seconds: handover ? firstTimeAfter(handover) : genesis.time, nanos: 0 },
      chainId: genesis.chainId,
      consensusParams: undefined,
      validators: validators.map(({ publicKey, power }) => ({ pubKey: { ed25519: publicKey }, power })),
      appStateBytes: Buffer.from(JSON.stringify(state, null, 1)),
      initialHeight: this.base + 1,
    }
  }

  /** True if it is in the mempool now. */
  check(app: Application, tx: Uint8Array): boolean {
    const good = app.checkTx({ tx, type: CheckTxType.NEW }).code === undefined
    if (good) this.mempool.push(tx)
    return good
  }

  prepare(
    app: Application,
    time: number,
    txs: readonly Uint8Array[] = this.mempool,
    maxTxBytes = MAX_TX_BYTES,
  ): readonly Uint8Array[] {
    const { txs: prepared = [] } = app.prepareProposal({
      maxTxBytes,
      txs,
      localLastCommit: NO_COMMIT,
      misbehavior: [],
      height: this.height + 1,
      time: { seconds: time, nanos: 0 },
      nextValidatorsHash: EMPTY,
      proposerAddress: EMPTY,
    })
    return prepared
  }

  proposal(time: number, txs: readonly Uint8Array[], misbehavior: readonly Misbehavior[] = []): DecidedBlock {
    const height = this.height + 1
    const hash = createHash('sha256').update(`${height} ${time}`)
    for (const tx of txs) hash.update(createHash('sha256').update(tx).digest())
    return { height, time, txs, misbehavior, hash: new Uint8Array(hash.digest()) }
  }

  process(app: Application, block: DecidedBlock): boolean {
    const request = { ...requestOf(block), proposedLastCommit: NO_COMMIT }
    return app.processProposal(request).status === ProposalStatus.ACCEPT
  }

  /** The block is decided: it is kept before the application hears of it. */
  decide(block: DecidedBlock): void {
    this.blocks.push(block)
  }

  finalize(app: Application, block: DecidedBlock): ReturnType<Application['finalizeBlock']> {
    const answer = app.finalizeBlock({ ...requestOf(block), decidedLastCommit: NO_COMMIT })
    this.#expect(block.height, answer.appHash)
    return answer
  }

  /** Commit, then what CometBFT does with what still waits. */
  commit(app: Application): void {
    app.commit()
    const decided = new Set(this.blocks.at(-1)?.txs)
    this.mempool = this.mempool.filter(
      (tx) => !decided.has(tx) && app.checkTx({ tx, type: CheckTxType.RECHECK }).code === undefined,
    )
  }

  /** One height without incidents. */
  step(app: Application, time: number): DecidedBlock {
    const block = this.proposal(time, this.prepare(app, time))
    if (!this.process(app, block)) throw new Error('an honest proposal was rejected')
    this.decide(block)
    this.finalize(app, block)
    this.commit(app)
    return block
  }

  #expect(height: number, hash: Uint8Array | undefined): void {
    const text = base64url.encode(hash ?? EMPTY)
    const known = this.hashes[height]
    if (known === undefined) this.hashes[height] = text
    else if (known !== text) throw new Error(`application hash of height ${height} changed from ${known} to ${text}`)
  }
}

function requestOf(block: DecidedBlock): Omit<RequestOf<'finalizeBlock'>, 'decidedLastCommit'> {
  return {
    txs: block.txs,
    misbehavior: block.misbehavior,
    hash: block.hash,
    height: block.height,
    time: { seconds: block.time, nanos: 0 },
    nextValidatorsHash: EMPTY,
    proposerAddress: EMPTY,
  }
}
