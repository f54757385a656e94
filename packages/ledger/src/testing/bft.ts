/** A ledger that many validators sign, real but for the way they agree: for tests of what reads and compares ledgers. */
import { join } from 'node:path'
import { type Clock, KeysteadError } from '@keystead/core'
import { parseSubmission } from '@keystead/did-dkms'
import type { Head, LightBlock, Receipt } from '@keystead/light-client'
import { type ChainOptions, TestChain, TestValidator } from '../../../light-client/src/testing/chain.ts'
import type { Ledger, LedgerStatus, View } from '../engine/ledger.ts'
import { Execution, type Roots, rootsOf, writeGenesis } from '../state/execute.ts'
import { Batch, LedgerStore } from '../state/store.ts'
import { temporaryFolder } from './ledger.ts'

export class BftLedger implements Ledger {
  readonly chain: TestChain
  readonly store: LedgerStore
  /** Roots by height. */
  readonly #roots: Roots[] = []

  /** Four validators unless `sets` says otherwise; ledgers of the same sets are of the same network. */
  constructor(options: Partial<ChainOptions> = {}) {
    const four = ['a', 'b', 'c', 'd'].map((name) => new TestValidator(name))
    this.chain = new TestChain({
      sets: new Map([[1, four]]),
      ...options,
      roots: (height) => this.#roots[Math.min(height, this.height)] as Roots,
    })
    this.store = LedgerStore.open(join(temporaryFolder(), 'ledger.lmdb'))
    const batch = new Batch(this.store)
    writeGenesis(batch, this.genesis)
    batch.putJson('m', 'genesis', this.genesis)
    this.store.commit(batch, 0)
    this.#roots[1] = rootsOf(this.store, 0)
  }

  get height(): number {
    return this.#roots.length - 1
  }

  get genesis() {
    return this.chain.genesis
  }

  get head(): Head {
    return this.chain.head(this.height)
  }

  view(): View {
    return { head: this.head, store: this.store }
  }

  async lightBlock(height: number): Promise<LightBlock | undefined> {
    return height >= 1 && height <= this.height ? this.chain.lightBlock(height) : undefined
  }

  /** One block with the operation, one that proves it. */
  async submit(bytes: Uint8Array): Promise<Receipt> {
    const submission = parseSubmission(bytes)
    const before = this.#roots[this.height] as Roots
    this.pass(1)
    const batch = new Batch(this.store)
    const time = this.chain.time(this.height).seconds
    const execution = new Execution(batch, this.genesis, time, before.logSize)
    const result = execution.run(submission)
    if (!result.ok) throw new KeysteadError(result.code, result.message)
    execution.endBlock()
    const roots = execution.roots()
    this.store.commit(batch, this.height)
    this.#roots.push(roots)
    return { hash: submission.hash, logIndex: result.logIndex, time, height: this.height }
  }

  /** So many blocks in which nothing happens. */
  pass(blocks: number): void {
    const last = this.#roots[this.height] as Roots
    for (let i = 0; i < blocks; i++) this.#roots.push(last)
  }

  /** A clock at the newest header. */
  get clock(): Clock {
    return { now: () => this.chain.time(this.height).seconds * 1000, sleep: async () => {} }
  }

  receipt(): undefined {
    return undefined
  }

  async refresh(): Promise<void> {}

  async status(): Promise<LedgerStatus> {
    return { engine: 'embedded', peers: 0 }
  }

  async close(): Promise<void> {
    await this.store.close()
  }
}
