/**
 * The embedded engine: a chain of one validator in this process. Waiting operations enter the next block together; right
 * behind every block that changed anything comes an empty one whose header proves it. Both are on disk before anybody is
 * told (group commit).
 */
import { setImmediate } from 'node:timers/promises'
import { base64url, type Clock, KeysteadError } from '@keystead/core'
import { encodeMultikey } from '@keystead/crypto'
import {
  type Authority,
  isNetworkSubmission,
  type NetworkGenesis,
  type NetworkParameters,
  type NetworkState,
  type NetworkSubmission,
  type OperationErrorCode,
  parseBy,
  parseNetworkGenesis,
  RULES,
  type RulesTable,
  rulesFor,
  type Submission,
} from '@keystead/did-dkms'
import { appHash, type Head, type LightBlock, type Receipt, type Timestamp, validatorsOf } from '@keystead/light-client'
import { type AdmissionPolicy, openAdmission } from '../../admission.ts'
import { fillBlock, hasReservedSpace } from '../../block-space.ts'
import type { LedgerErrorCode } from '../../errors.ts'
import { KEEP_BLOCKS, MAX_WAITING_OPERATIONS, RESERVED_WAITING_OPERATIONS, TURN_MILLISECONDS } from '../../limits.ts'
import { findEntry } from '../../state/entries.ts'
import {
  type BlockEnd,
  Execution,
  type Roots,
  type RunResult,
  readNetwork,
  rootsOf,
  writeGenesis,
} from '../../state/execute.ts'
import { Batch, type LedgerStore, numberKey } from '../../state/store.ts'
import type { Ledger, LedgerStatus, View } from '../ledger.ts'
import { makeBlock } from './block.ts'
import { putBlock, readLightBlock, readTip } from './blocks.ts'
import type { Signer } from './signer.ts'

export interface EngineOptions {
  readonly store: LedgerStore
  readonly signer: Signer
  readonly clock: Clock
  /** Chain id and parameters of a network that begins now; an existing one keeps its own. */
  readonly network: {
    readonly chainId: string
    readonly parameters: NetworkParameters
    readonly governance?: Authority | undefined
  }
  /** Protocol versions this node can run; every one it knows unless a test says otherwise. */
  readonly rules?: RulesTable
  /** Who may create DIDs through this node; everybody unless it says otherwise. */
  readonly admission?: AdmissionPolicy
  /** Called between the steps of a commit; a test ends the process there. */
  readonly crashPoint?: (step: 'executed' | 'on-disk' | 'recorded') => void
}

type Next = Pick<BlockEnd, 'validators' | 'protocol'>

/** A block that is sealed, and what its state says of those to come. */
interface Sealed {
  readonly head: Head
  /** Operations it carried: as many empty results does the next header speak of. */
  readonly results: number
  readonly next: Next
}

interface Waiting {
  readonly submission: Submission | NetworkSubmission
  readonly bytes: Uint8Array
  resolve(receipt: Receipt): void
  reject(error: unknown): void
}

export class EmbeddedLedger implements Ledger {
  readonly genesis: NetworkGenesis
  readonly store: LedgerStore
  readonly #signer: Signer
  readonly #clock: Clock
  readonly #crashPoint: EngineOptions['crashPoint']
  /** The newest block, with the roots its header proves. */
  #newest: Sealed | undefined
  /** On disk, but not yet in the signer's record, so shown to nobody. */
  #unrecorded: Sealed | undefined
  readonly rules: RulesTable
  readonly #admission: AdmissionPolicy
  #waiting: Waiting[] = []
  #working: Promise<void> = Promise.resolve()
  #stopped = false

  private constructor(options: EngineOptions, genesis: NetworkGenesis) {
    this.store = options.store
    this.genesis = genesis
    this.#signer = options.signer
    this.#clock = options.clock
    this.rules = options.rules ?? RULES
    this.#admission = options.admission ?? openAdmission
    this.#crashPoint = options.crashPoint
  }

  /** Throws `LEDGER_BEHIND_SIGNER`, `LEDGER_CORRUPT`, or `UPDATE_REQUIRED` where the network has gone on to rules we lack. */
  static async open(options: EngineOptions): Promise<EmbeddedLedger> {
    const { store, signer } = options
    const stored = store.json<NetworkGenesis>('m', 'genesis')
    const genesis = stored ? parseNetworkGenesis(stored as never) : newGenesis(options)
    if (!genesis.validators.some((validator) => validator.k === encodeMultikey(signer.key.publicKey)))
      throw new KeysteadError<LedgerErrorCode>('LEDGER_CORRUPT', 'the validator key is not the one of this ledger')
    const ledger = new EmbeddedLedger(options, genesis)
    const tip = readTip(store)
    if (tip) {
      const network = readNetwork(store)
      ledger.#newest = { ...tip, next: nextOf(network) }
      rulesFor(network.protocol.version, ledger.rules, network.protocol.rules)
      signer.check(ledger.#lastSigned(tip.head))
      if (!ledger.handedOver) await ledger.refresh(0)
    } else {
      const batch = new Batch(store)
      writeGenesis(batch, genesis)
      const roots = rootsOf(batch, 0)
      const next = { validators: genesis.validators, protocol: 1 }
      const first = await ledger.#seal(batch, undefined, [], roots, { seconds: genesis.time, nanos: 0 }, next)
      ledger.#commit(batch, first)
    }
    return ledger
  }

  get head(): Head {
    return this.#tip.head
  }

  get #tip(): Sealed {
    return this.#newest as Sealed
  }

  /** True when the validators are others than this node alone: the chain goes on with them (rule 18). */
  get handedOver(): boolean {
    const { validators } = this.#tip.next
    return validators.length !== 1 || validators[0]?.k !== encodeMultikey(this.#signer.key.publicKey)
  }

  view(): View {
    const { head } = this
    return { head, store: this.store.view(provenVersion(head)) }
  }

  async lightBlock(height: number): Promise<LightBlock | undefined> {
    return readLightBlock(this.store, height)
  }

  /**
   * Resolves when the operation is in a block, proven and on disk. Rejects with the code of the refusal. The same bytes
   * again give the same receipt.
   */
  async submit(bytes: Uint8Array): Promise<Receipt> {
    const submission = parseBy(rulesFor(this.#tip.next.protocol, this.rules), bytes)
    if (this.#stopped) throw new KeysteadError<LedgerErrorCode>('LEDGER_STOPPING', 'the ledger node is stopping')
    if (!isNetworkSubmission(submission)) this.#admission.check(submission)
    const room = MAX_WAITING_OPERATIONS - (hasReservedSpace(submission) ? 0 : RESERVED_WAITING_OPERATIONS)
    if (this.#waiting.length >= room)
      throw new KeysteadError<LedgerErrorCode>('TOO_MANY_OPERATIONS', 'too many operations wait; try again soon')
    return new Promise((resolve, reject) => {
      this.#waiting.push({ submission, bytes, resolve, reject })
      this.#schedule(() => this.#drain())
    })
  }

  /** Receipt of an operation that is in the log. */
  receipt(hash: string): Receipt | undefined {
    const known = findEntry(this.store, hash)
    return known && { hash, logIndex: known.entry.i, time: known.entry.t, height: this.head.header.height }
  }

  /** Makes an empty block when the newest is older than `maxAge` seconds, so that delays are seen to end. */
  async refresh(maxAge: number): Promise<void> {
    const age = this.#clock.now() / 1000 - this.head.header.time.seconds
    if (age <= maxAge || this.#stopped || this.handedOver) return
    await this.#schedule(async () => {
      if (this.#clock.now() / 1000 - this.head.header.time.seconds > maxAge) await this.#block([])
    })
  }

  async status(): Promise<LedgerStatus> {
    return { engine: 'embedded', peers: 0 }
  }

  async close(): Promise<void> {
    this.#stopped = true
    await this.#working
    await this.store.close()
  }

  #schedule(work: () => Promise<void>): Promise<void> {
    const turn = this.#working.then(work)
    this.#working = turn.catch(() => {})
    return turn
  }

  async #drain(): Promise<void> {
    while (this.#waiting.length > 0) {
      const { block: batch, rest } = fillBlock(this.#waiting)
      this.#waiting = rest
      try {
        await this.#block(batch)
      } catch (error) {
        for (const waiting of batch) waiting.reject(error)
      }
    }
  }

  async #block(waiting: readonly Waiting[]): Promise<void> {
    if (this.handedOver)
      throw new KeysteadError<LedgerErrorCode>(
        'LEDGER_HANDED_OVER',
        'this chain goes on with the validators it was handed to',
      )
    this.#record()
    const batch = new Batch(this.store)
    const time = this.#nextTime()
    const before = this.#tip.head
    const execution = new Execution(batch, this.genesis, time.seconds, before.logSize, this.rules)
    const accepted: { waiting: Waiting; logIndex: number }[] = []
    const answers: (() => void)[] = []
    let turn = performance.now()
    for (const one of waiting) {
      // Reads go on meanwhile: nothing of this block is in the store yet.
      if (performance.now() - turn > TURN_MILLISECONDS) {
        await setImmediate()
        turn = performance.now()
      }
      const known = findEntry(batch, one.submission.hash)
      if (known) {
        const { i: logIndex, t } = known.entry
        answers.push(() =>
          one.resolve({ hash: one.submission.hash, logIndex, time: t, height: this.head.header.height }),
        )
        continue
      }
      const result = execution.run(one.submission)
      if (result.ok) accepted.push({ waiting: one, logIndex: result.logIndex })
      else answers.push(() => one.reject(refused(result)))
    }
    const end = execution.endBlock()
    if (!end.changed && waiting.length > 0) {
      for (const answer of answers) answer()
      return
    }
    const txs = accepted.map(({ waiting: one }) => one.bytes)
    const unchanged = { mapRoot: before.mapRoot, logRoot: before.logRoot, logSize: before.logSize }
    let newest = await this.#seal(batch, this.#tip, txs, unchanged, time, this.#tip.next)
    const roots = execution.roots()
    if (end.changed) newest = await this.#seal(batch, newest, [], roots, this.#timeAfter(time), end)
    this.#crashPoint?.('executed')
    this.#commit(batch, newest)
    for (const { waiting: one, logIndex } of accepted)
      one.resolve({ hash: one.submission.hash, logIndex, time: time.seconds, height: newest.head.header.height })
    for (const answer of answers) answer()
  }

  /** Signs the block after `previous` over `roots` (the state before its own operations) and puts it into the batch. */
  async #seal(
    batch: Batch,
    previous: Sealed | undefined,
    txs: readonly Uint8Array[],
    roots: Roots,
    time: Timestamp,
    next: Next,
  ): Promise<Sealed> {
    const block = await makeBlock({
      chainId: this.genesis.chainId,
      previous: previous?.head,
      time,
      txs,
      previousResults: previous?.results ?? 0,
      appHash: appHash(roots.mapRoot, roots.logRoot, roots.logSize),
      protocol: next.protocol,
      nextValidators: validatorsOf(next.validators),
      key: this.#signer.key,
    })
    const head: Head = { ...block, ...roots }
    const { height } = block.header
    putBlock(batch, { head, results: txs.length }, next.validators)
    if (height > KEEP_BLOCKS) batch.remove('k', numberKey(height - KEEP_BLOCKS))
    return { head, results: txs.length, next }
  }

  /** To disk, then into the signer's record, then visible. */
  #commit(batch: Batch, newest: Sealed): void {
    this.store.commit(batch, provenVersion(newest.head))
    this.#unrecorded = newest
    this.#crashPoint?.('on-disk')
    this.#record()
    this.#crashPoint?.('recorded')
  }

  /** Rule 18. Where it fails, as on a full disk, it is done before the next block; until then nobody sees the block. */
  #record(): void {
    if (!this.#unrecorded) return
    this.#signer.record(this.#lastSigned(this.#unrecorded.head))
    this.#newest = this.#unrecorded
    this.#unrecorded = undefined
  }

  #lastSigned(head: Head): { chainId: string; height: number; hash: string } {
    return {
      chainId: this.genesis.chainId,
      height: head.header.height,
      hash: base64url.encode(head.commit.blockId.hash),
    }
  }

  /** Block time: our clock, but always later than the block before (BFT time of a single validator). */
  #nextTime(): Timestamp {
    const now = this.#clock.now()
    const time = { seconds: Math.floor(now / 1000), nanos: (now % 1000) * 1_000_000 }
    const last = this.head.header.time
    const later = time.seconds > last.seconds || (time.seconds === last.seconds && time.nanos > last.nanos)
    return later ? time : this.#timeAfter(last)
  }

  /** Within the same second as long as it can: what a second brings, the block before has brought already. */
  #timeAfter(time: Timestamp): Timestamp {
    return time.nanos < 999_999_999
      ? { seconds: time.seconds, nanos: time.nanos + 1 }
      : { seconds: time.seconds + 1, nanos: 0 }
  }
}

/** A header proves the state after the block before it. */
function provenVersion(head: Head): number {
  return head.header.height - 1
}

function newGenesis(options: EngineOptions): NetworkGenesis {
  const genesis: NetworkGenesis = {
    v: 1,
    chainId: options.network.chainId,
    time: Math.floor(options.clock.now() / 1000),
    parameters: options.network.parameters,
    validators: [{ k: encodeMultikey(options.signer.key.publicKey), power: 1 }],
    ...(options.network.governance ? { governance: options.network.governance } : {}),
  }
  return parseNetworkGenesis(genesis as never)
}

function refused({ code, message, retryAt }: Extract<RunResult, { ok: false }>): KeysteadError<OperationErrorCode> {
  return new KeysteadError<OperationErrorCode>(code, message, retryAt === undefined ? {} : { details: { retryAt } })
}

function nextOf({ validators, protocol }: NetworkState): Next {
  return { validators: validators.set, protocol: protocol.version }
}
