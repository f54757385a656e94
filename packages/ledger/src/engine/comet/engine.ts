/**
 * The CometBFT engine as a `Ledger`: this process supervises the two others, follows the chain's headers, submits, and reads
 * the state from the application's store, beside the consensus and never in its way.
 */
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { base64url, type Clock, equalBytes, isKeysteadError, KeysteadError } from '@keystead/core'
import { isNetworkSubmission, type NetworkGenesis, parseBy, type RulesTable, rulesFor } from '@keystead/did-dkms'
import {
  appHash,
  type Head,
  type LightBlock,
  type Receipt,
  type SignedHeader,
  type Validator,
} from '@keystead/light-client'
import { ADMISSION_VARIABLE, type AdmissionPolicy, parseAdmissionPolicy } from '../../admission.ts'
import { hasReservedSpace } from '../../block-space.ts'
import type { LedgerErrorCode } from '../../errors.ts'
import { findEntry, indexOf } from '../../state/entries.ts'
import { logRoot } from '../../state/log-tree.ts'
import { mapRoot } from '../../state/map-tree.ts'
import { hashesOf, LedgerStore, nodesOf, type Reader } from '../../state/store.ts'
import { readLightBlock } from '../embedded/blocks.ts'
import type { Ledger, LedgerStatus, View } from '../ledger.ts'
import type { Applied } from './application.ts'
import { RPC_SOCKET, readNetworkFile, STORE_FOLDER, socketPath } from './home.ts'
import { CometRpc } from './rpc.ts'
import { Submitter } from './submitter.ts'
import { Supervisor, type SupervisorOptions } from './supervisor.ts'

export interface CometOptions
  extends Pick<SupervisorOptions, 'cometbft' | 'tuning' | 'application' | 'env' | 'prefix'> {
  /** A validator's folder that has joined a network. */
  readonly home: string
  readonly clock: Clock
  readonly log: (line: string) => void
  /** Who may create DIDs through this node, as `parseAdmissionPolicy` reads it; everybody unless it says otherwise. */
  readonly admission?: string
  /** Protocol versions that the application can run; every one it knows unless a test says otherwise. */
  readonly rules?: RulesTable
  /** Ends the wait for the first block. */
  readonly signal?: AbortSignal
}

/** Sets of validators that are remembered. */
const KEEP_SETS = 100

export class CometLedger implements Ledger {
  readonly genesis: NetworkGenesis
  readonly #options: CometOptions
  readonly #admission: AdmissionPolicy
  readonly #rpc: CometRpc
  readonly #submitter: Submitter
  #supervisor: Supervisor | undefined
  #store: LedgerStore | undefined
  #head: Head | undefined
  /** The headers are asked for one after the other; whoever asks meanwhile waits for the next answer. */
  #following: Promise<void> | undefined
  #followAgain = false
  #closed = false
  /** Sets of validators by their hash. */
  readonly #sets = new Map<string, readonly Validator[]>()

  private constructor(options: CometOptions) {
    this.#options = options
    this.#admission = parseAdmissionPolicy(options.admission ?? 'open', options.clock)
    this.genesis = readNetworkFile(options.home).genesis
    this.#rpc = new CometRpc(socketPath(options.home, RPC_SOCKET))
    this.#submitter = new Submitter({
      admit: (bytes) => this.#admit(bytes),
      broadcast: (tx) => this.#rpc.broadcast(tx),
      receipt: (hash) => this.receipt(hash),
      inLog: (hash) => indexOf(this.#storeNow, hash) !== undefined,
      log: options.log,
    })
  }

  /**
   * Starts both processes and waits for the network's first block, so for more than two thirds of its validators. Rejects
   * with `NOT_INITIALIZED`, `BAD_NETWORK`, `COMETBFT_MISSING`, `COMETBFT_FAILED`, or `BAD_CONFIGURATION` for an admission policy that is none.
   */
  static async open(given: CometOptions): Promise<CometLedger> {
    const options = { ...given, home: resolve(given.home) }
    const ledger = new CometLedger(options)
    const { home, cometbft, log, tuning, application, env, prefix } = options
    ledger.#supervisor = await Supervisor.start({
      home,
      cometbft,
      log,
      ...(tuning ? { tuning } : {}),
      ...(application ? { application } : {}),
      env: () => ({ [ADMISSION_VARIABLE]: options.admission ?? 'open', ...env?.() }),
      ...(prefix ? { prefix } : {}),
      onMessage: (message) => {
        if (message.kind === 'committed') void ledger.#follow().catch(() => {})
        else if (message.kind === 'refused') ledger.#submitter.refused(message.refusals)
      },
      onRestart: () => ledger.#submitter.restarted(),
    })
    try {
      await ledger.#untilFirstHead()
    } catch (error) {
      await ledger.close()
      throw error
    }
    return ledger
  }

  get rules(): RulesTable | undefined {
    return this.#options.rules
  }

  get head(): Head {
    return this.#head as Head
  }

  /** Supervisor of the two processes, for those who test what happens when they die. */
  get supervisor(): Supervisor {
    return this.#supervisor as Supervisor
  }

  view(): View {
    const { head } = this
    return { head, store: this.#stateBefore(head.header.height) }
  }

  async lightBlock(height: number): Promise<LightBlock | undefined> {
    if (height > this.head.header.height || height < 1) return undefined
    // Of the chain that was handed over to this one (rule 18).
    const old = readLightBlock(this.#storeNow, height)
    if (old) return old
    try {
      const { header, commit } = height === this.head.header.height ? this.head : await this.#rpc.commit(height)
      const validators = await this.#validators(header.validatorsHash, height)
      const nextValidators = await this.#validators(header.nextValidatorsHash, height + 1)
      return { header, commit, validators, nextValidators }
    } catch (error) {
      // A height that CometBFT has pruned; anything else must be heard of.
      if (isKeysteadError(error, 'COMETBFT_FAILED') && /lowest height|not available/.test(error.message))
        return undefined
      throw error
    }
  }

  /** Sets seldom change, so few are ever asked for. */
  async #validators(hash: Uint8Array, height: number): Promise<readonly Validator[]> {
    const name = base64url.encode(hash)
    const known = this.#sets.get(name)
    if (known) return known
    const set = await this.#rpc.validators(height)
    if (this.#sets.size >= KEEP_SETS) this.#sets.clear()
    this.#sets.set(name, set)
    return set
  }

  submit(bytes: Uint8Array): Promise<Receipt> {
    return this.#submitter.submit(bytes)
  }

  receipt(hash: string): Receipt | undefined {
    const known = findEntry(this.#storeNow, hash)?.entry
    if (!known || known.i >= this.head.logSize) return undefined
    return { hash, logIndex: known.i, time: known.t, height: this.head.header.height }
  }

  /** Blocks come by themselves (a heartbeat when there is nothing to do); this only makes sure that we know the newest. */
  async refresh(maxAge: number): Promise<void> {
    const age = this.#options.clock.now() / 1000 - this.head.header.time.seconds
    // A network that stands still must not keep reads from being answered: they say how old they are.
    if (age > maxAge) await this.#follow().catch(() => {})
  }

  /** Passes a request on to CometBFT's own RPC. */
  forwardRpc(request: string): Promise<Uint8Array<ArrayBuffer>> {
    return this.#rpc.forward(request)
  }

  async status(): Promise<LedgerStatus> {
    const peers = await this.#rpc.peers().catch(() => 0)
    return { engine: 'cometbft', peers }
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#submitter.stop()
    await this.#supervisor?.stop()
    this.#rpc.close()
    await this.#following?.catch(() => {})
    await this.#store?.close()
  }

  /** Throws for what is no submission by the rules in force, and for a DID that this node does not admit. */
  #admit(bytes: Uint8Array): { hash: string; reserved: boolean } {
    const submission = parseBy(rulesFor(this.head.header.version.app, this.rules), bytes)
    if (!isNetworkSubmission(submission)) this.#admission.check(submission)
    return { hash: submission.hash, reserved: hasReservedSpace(submission) }
  }

  get #storeNow(): LedgerStore {
    return this.#store as LedgerStore
  }

  #stateBefore(height: number): Reader {
    return this.#storeNow.view(height - 1)
  }

  async #untilFirstHead(): Promise<void> {
    let said = false
    while (!this.#head) {
      this.#options.signal?.throwIfAborted()
      if (!this.#store && existsSync(join(this.#options.home, STORE_FOLDER)))
        this.#store = LedgerStore.open(join(this.#options.home, STORE_FOLDER), { readOnly: true })
      if (this.#store) await this.#follow().catch(() => {})
      if (this.#head) return
      if (!said) {
        this.#options.log(
          `waiting for the network: ${this.genesis.validators.length} validators, more than two thirds must run`,
        )
        said = true
      }
      await sleep(200)
    }
  }

  #follow(): Promise<void> {
    if (this.#following) {
      this.#followAgain = true
      return this.#following
    }
    this.#following = this.#readHead().finally(() => {
      this.#following = undefined
      if (this.#followAgain && !this.#closed) {
        this.#followAgain = false
        void this.#follow().catch(() => {})
      }
    })
    return this.#following
  }

  async #readHead(): Promise<void> {
    const { header, commit }: SignedHeader = await this.#rpc.commit()
    const before = this.#head?.header.height ?? 0
    if (header.height <= before || this.#closed) return
    const store = this.#stateBefore(header.height)
    const { logSize } = store.json<Applied>('m', 'applied') as Applied
    const roots = { mapRoot: mapRoot(nodesOf(store)), logRoot: logRoot(hashesOf(store), logSize), logSize }
    if (!equalBytes(header.appHash, appHash(roots.mapRoot, roots.logRoot, logSize)))
      throw new KeysteadError<LedgerErrorCode>(
        'LEDGER_CORRUPT',
        `header ${header.height} commits to ${base64url.encode(header.appHash)}, the data are another state`,
      )
    this.#head = { header, commit, ...roots }
    this.#submitter.advanced(header.height - before)
  }
}
