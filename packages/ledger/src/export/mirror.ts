/**
 * A mirror (EXPORT-3): executes every operation of an export anew, and believes it when log and map give the roots that the
 * network signed. What it has is on disk page by page, each page verified before.
 */
import { equalBytes, KeysteadError } from '@keystead/core'
import { sha256 } from '@keystead/crypto'
import {
  advanceTick,
  decodeSystem,
  encodeSystem,
  type NetworkGenesis,
  networkHash,
  parseNetworkGenesis,
  SYSTEM_KEY,
} from '@keystead/did-dkms'
import { type LedgerReadErrorCode, verifyConsistency } from '@keystead/light-client'
import type { LedgerErrorCode } from '../errors.ts'
import { Execution, rootsOf, writeGenesis } from '../state/execute.ts'
import { mapUpdate } from '../state/map-tree.ts'
import { noteMissing, settleMissing } from '../state/missing.ts'
import { Batch, type LedgerStore, nodesOf } from '../state/store.ts'
import type { ExportedEntry, ExportedHead } from './lines.ts'

interface Progress {
  readonly size: number
  /** Of the newest entry. */
  readonly time: number
  readonly lost: number
}

/** Refuses a head that the network did not sign, or that contradicts an earlier one. */
export type AcceptHead = (head: ExportedHead) => Promise<void>

export class Mirror {
  readonly #store: LedgerStore
  readonly #genesis: NetworkGenesis
  #progress: Progress

  /** Goes on with what the store holds. Throws `WRONG_NETWORK` when that is of another. */
  constructor(store: LedgerStore, genesis: NetworkGenesis) {
    this.#store = store
    this.#genesis = genesis
    const progress = store.json<Progress>('m', 'mirror')
    this.#progress = progress ?? { size: 0, time: genesis.time, lost: 0 }
    if (progress) {
      const known = parseNetworkGenesis(store.json('m', 'genesis') as never)
      if (networkHash(known) !== networkHash(genesis))
        throw new KeysteadError<LedgerReadErrorCode>('WRONG_NETWORK', 'this folder mirrors another network')
      return
    }
    const batch = new Batch(store)
    writeGenesis(batch, genesis)
    this.#commit(batch, this.#progress)
  }

  /** Entries that are verified and on disk. */
  get size(): number {
    return this.#progress.size
  }

  /**
   * Takes entries that follow what is there, and the head that proves them. Rejects with `MIRROR_REFUSED` when anything does
   * not fit, and then keeps nothing of them; with the code of `accept` when the head is not to be believed.
   */
  async take(entries: readonly ExportedEntry[], proof: ExportedHead, accept: AcceptHead): Promise<void> {
    await accept(proof)
    const batch = new Batch(this.#store)
    let progress = this.#progress
    for (const block of sameBlock(entries)) progress = this.#execute(batch, progress, block)
    const { size } = progress
    if (proof.size !== size) refuse(`the head speaks of ${proof.size} entries where ${size} were sent`)
    const { head } = proof
    const { logRoot } = rootsOf(batch, size)
    const grew = verifyConsistency(
      { size, root: logRoot },
      { size: head.logSize, root: head.logRoot },
      proof.consistency,
    )
    if (!grew) refuse(`the first ${size} entries are not in the log that the network signed`)
    if (size === head.logSize) this.#compareMap(batch, proof)
    this.#commit(batch, progress)
  }

  /** Entries of one block, or of blocks of one second: what they share is all that the rules look at. */
  #execute(batch: Batch, before: Progress, entries: readonly [ExportedEntry, ...ExportedEntry[]]): Progress {
    const { i: first, t, lost, p } = entries[0].entry
    const latest = advanceTick({ ...this.#system(batch), tick: before.time, lost: before.lost }, t).lost
    if (t < before.time || lost < before.lost || lost > latest) refuse(`the time of entry ${first} cannot be`)
    // The block's own clock: ticks of blocks without operations are in no log.
    batch.put('s', SYSTEM_KEY, encodeSystem({ ...this.#system(batch), tick: t, lost }))
    const execution = new Execution(batch, this.#genesis, t, before.size)
    if (execution.rules.version !== p) refuse(`entry ${first} was judged by the rules of another version`)
    entries.forEach(({ entry, submission }, at) => {
      if (entry.i !== before.size + at) refuse(`entry ${entry.i} was sent where ${before.size + at} is next`)
      const result = execution.run(submission)
      if (!result.ok) refuse(`entry ${entry.i} breaks the rules: ${result.code}`)
      const { operation } = submission
      if ('body' in operation && operation.body && !('body' in submission))
        noteMissing(batch, operation.did, operation.seq)
    })
    execution.endBlock()
    execution.roots()
    return { size: before.size + entries.length, time: t, lost }
  }

  #system(batch: Batch) {
    return decodeSystem(batch.get('s', SYSTEM_KEY) as Uint8Array)
  }

  #compareMap(batch: Batch, { head, leaves }: ExportedHead): void {
    for (const { key, value } of leaves) batch.put('s', key, value)
    mapUpdate(
      nodesOf(batch),
      leaves.map(({ key, value }) => ({ key, valueHash: sha256(value) })),
    )
    if (!equalBytes(rootsOf(batch, head.logSize).mapRoot, head.mapRoot))
      refuse('the operations give other states than the network signed')
    const pinned = this.#store.pin()
    const missing = settleMissing(pinned, batch)
    pinned.release()
    if (missing) refuse(missing)
  }

  #commit(batch: Batch, progress: Progress): void {
    batch.putJson('m', 'mirror', progress)
    this.#store.restore(batch, progress.size)
    this.#progress = progress
  }
}

function* sameBlock(entries: readonly ExportedEntry[]): Iterable<readonly [ExportedEntry, ...ExportedEntry[]]> {
  let block: ExportedEntry[] = []
  for (const one of entries) {
    const [first] = block
    if (first && (['t', 'lost', 'p'] as const).some((member) => first.entry[member] !== one.entry[member])) {
      yield block as [ExportedEntry, ...ExportedEntry[]]
      block = []
    }
    block.push(one)
  }
  if (block.length > 0) yield block as [ExportedEntry, ...ExportedEntry[]]
}

function refuse(message: string): never {
  throw new KeysteadError<LedgerErrorCode>('MIRROR_REFUSED', message)
}
