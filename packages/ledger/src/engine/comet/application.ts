/**
 * The replicated application: did:dkms behind ABCI 2.0. A block carries envelopes whose every submission is accepted, so what
 * is ordered is what is in the log; a proposal with anything else is rejected. Nothing is durable before `commit`, which is
 * one LMDB transaction: after a crash anywhere CometBFT replays the block onto the state before it.
 *
 * Expected order of calls: CometBFT v0.38 specification, "CometBFT's expected behavior".
 */
import { hash } from 'node:crypto'
import {
  type Bytes,
  base64url,
  canonicalText,
  equalBytes,
  Fields,
  type Json,
  KeysteadError,
  parseJson,
} from '@keystead/core'
import { decodeMultikey } from '@keystead/crypto'
import {
  decodeSystem,
  type NetworkGenesis,
  networkHash,
  parseNetworkGenesis,
  type RulesTable,
  SYSTEM_KEY,
  type ValidatorPower,
} from '@keystead/did-dkms'
import { appHash } from '@keystead/light-client'
import {
  ApplySnapshotChunkResult,
  CheckTxType,
  type ExecTxResult,
  type Misbehavior,
  OfferSnapshotResult,
  ProposalStatus,
  type RequestOf,
  type ResponseOf,
  type ValidatorUpdate,
  VoteExtensionStatus,
} from '../../abci/messages.ts'
import type { AbciApplication } from '../../abci/server.ts'
import { type AdmissionPolicy, openAdmission } from '../../admission.ts'
import { fillBlock } from '../../block-space.ts'
import type { LedgerErrorCode } from '../../errors.ts'
import { firstTimeAfter, parseHandover } from '../../handover.ts'
import { MAX_NETWORK_BLOCK_OPERATIONS, RESERVED_BLOCK_OPERATIONS } from '../../limits.ts'
import { SnapshotSchedule } from '../../snapshot/schedule.ts'
import { StateSync } from '../../snapshot/state-sync.ts'
import { readEntry } from '../../state/entries.ts'
import { Execution, type Roots, readNetwork, rememberGenesis, rootsOf, writeGenesis } from '../../state/execute.ts'
import { Batch, type LedgerStore } from '../../state/store.ts'
import { encodeEnvelope, envelopeShare } from './envelope.ts'
import { Mempool } from './mempool.ts'
import { Submissions } from './submissions.ts'
import { encodeVerdicts, type RefusedOperation, type Verdict, verdictOf } from './verdict.ts'

/** What the store says of the newest block that was executed: `m/applied`. */
export interface Applied {
  readonly height: number
  /** Block time, seconds since 1970. */
  readonly time: number
  readonly logSize: number
  /** Base64url. */
  readonly appHash: string
}

/** What the application tells the rest of its node. */
export interface ApplicationEvents {
  /** A block is on disk. */
  committed(height: number): void
  /** Submissions that waited in the mempool can no longer enter a block. */
  refused(refusals: readonly RefusedOperation[]): void
}

/** A block executed on top of the committed state; durable once committed. */
interface Executed {
  readonly batch: Batch
  readonly applied: Applied
  readonly appHash: Bytes
  /** For each envelope what was found of each submission. */
  readonly verdicts: readonly (readonly Verdict[])[]
  readonly validatorUpdates: readonly ValidatorUpdate[]
  /** Version of the rules from the next block on, where it changes (rule 14). */
  readonly protocol: number | undefined
}

/** Version of the rules that every network begins with. */
const FIRST_PROTOCOL = 1

interface BlockRequest {
  readonly txs: readonly Uint8Array[]
  readonly misbehavior: readonly Misbehavior[]
  readonly height: number
  readonly time: { readonly seconds: number }
}

export interface ApplicationOptions {
  readonly store: LedgerStore
  readonly events?: Partial<ApplicationEvents>
  /** Seconds since 1970, for what is no part of consensus. */
  readonly now?: () => number
  /** Who may create DIDs through this node's mempool; everybody unless it says otherwise. */
  readonly admission?: AdmissionPolicy
  /** Protocol versions this node can run; every one it knows unless a test says otherwise. */
  readonly rules?: RulesTable
  /** With it, snapshots are taken and served, and a node without state may take one. */
  readonly snapshots?: {
    readonly genesis: NetworkGenesis
    readonly folder: string
    readonly every: number
    readonly log: (line: string) => void
    /** The same on every validator; a test has small ones. */
    readonly chunkBytes?: number
  }
  /** Called between the steps of a block; a test ends the process there. */
  readonly crashPoint?: (step: 'executed' | 'before-commit' | 'after-commit') => void
}

export class Application implements AbciApplication {
  readonly #store: LedgerStore
  readonly #options: ApplicationOptions
  readonly #submissions = new Submissions()
  #genesis: NetworkGenesis | undefined
  #applied: Applied | undefined
  /** Proposals executed at the height that is being decided, by `contentOf`: ours, and what others made. */
  #proposals = new Map<string, Executed>()
  #finalized: Executed | undefined
  readonly #mempool: Mempool
  readonly #sync: StateSync | undefined
  readonly #schedule: SnapshotSchedule | undefined

  constructor(options: ApplicationOptions) {
    this.#store = options.store
    this.#options = options
    this.#mempool = new Mempool({
      store: options.store,
      submissions: this.#submissions,
      admission: options.admission ?? openAdmission,
      trial: (time, batch) => new Execution(batch, this.#network, time, this.#state.logSize, options.rules, 'trial'),
    })
    const genesis = this.#store.json<NetworkGenesis>('m', 'genesis')
    this.#genesis = genesis && parseNetworkGenesis(genesis as never)
    this.#applied = this.#store.json<Applied>('m', 'applied')
    const { snapshots, store } = options
    if (!snapshots) return
    const { folder, log } = snapshots
    const onRestored = (batch: Batch, height: number, roots: Roots): void =>
      this.#restored(batch, snapshots.genesis, height, roots)
    this.#sync = new StateSync({ store, net: networkHash(snapshots.genesis), folder, log, onRestored })
    this.#schedule = new SnapshotSchedule({ ...snapshots, store })
  }

  info({ abciVersion }: RequestOf<'info'>): ResponseOf<'info'> {
    if (!abciVersion.startsWith('2.'))
      throw new KeysteadError<LedgerErrorCode>('COMETBFT_FAILED', `CometBFT speaks ABCI ${abciVersion}; this is 2.0`)
    const { height = 0, appHash: hash = '' } = this.#applied ?? {}
    // Before the first block CometBFT expects nothing; it begins with `initChain`.
    const begun = height > this.#base
    return {
      data: 'keystead',
      version: '0.1.0',
      appVersion: this.#applied ? readNetwork(this.#store).protocol.version : FIRST_PROTOCOL,
      lastBlockHeight: begun ? height : 0,
      lastBlockAppHash: begun ? base64url.decode(hash) : new Uint8Array(0),
    }
  }

  /** Repeatable: CometBFT asks again when it crashed before the first block. */
  initChain(request: RequestOf<'initChain'>): ResponseOf<'initChain'> {
    if (this.#applied && this.#applied.height > this.#base)
      throw new KeysteadError<LedgerErrorCode>('BAD_NETWORK', 'this ledger has blocks of a network already')
    const begin = readBeginning(parseJson(request.appStateBytes, 1024 * 1024))
    const { genesis, handover } = begin
    if (
      genesis.chainId !== request.chainId ||
      begin.time !== request.time.seconds ||
      begin.height + 1 !== request.initialHeight ||
      !sameValidators(begin.validators, request.validators)
    )
      throw new KeysteadError<LedgerErrorCode>('BAD_NETWORK', 'the network’s genesis and CometBFT’s genesis disagree')
    const stored = this.#genesis
    if (stored && networkHash(stored) !== networkHash(genesis))
      throw new KeysteadError<LedgerErrorCode>('BAD_NETWORK', 'the data are of another network')
    const others = 'the data are not those of the chain that was handed over'
    const batch = new Batch(this.#store)
    if (!handover) writeGenesis(batch, genesis)
    else if (!stored)
      throw new KeysteadError<LedgerErrorCode>('BAD_NETWORK', 'the data of the chain that was handed over are missing')
    else if (!readEntry(this.#store, handover.head.logSize - 1))
      throw new KeysteadError<LedgerErrorCode>('BAD_NETWORK', others)
    const { mapRoot, logRoot, logSize } = rootsOf(batch, handover?.head.logSize ?? 0)
    const newHash = appHash(mapRoot, logRoot, logSize)
    if (handover && !equalBytes(newHash, handover.head.header.appHash))
      throw new KeysteadError<LedgerErrorCode>('BAD_NETWORK', others)
    const applied = { height: begin.height, time: begin.time, logSize, appHash: base64url.encode(newHash) }
    batch.putJson('m', 'applied', applied)
    batch.putJson('m', 'base', begin.height)
    if (handover) this.#store.restore(batch, begin.height)
    else this.#store.commit(batch, 0)
    this.#genesis = genesis
    this.#applied = applied
    return { appHash: newHash }
  }

  /** Height before this chain's first block: 0, or the last of the chain that was handed over (NET-16). */
  get #base(): number {
    return this.#store.json<number>('m', 'base') ?? 0
  }

  /**
   * A new envelope must be good as a whole, so that its sender learns what is wrong before anybody else sees it. One that
   * waits stays while any of it can enter a block.
   */
  checkTx({ tx, type }: RequestOf<'checkTx'>): ResponseOf<'checkTx'> {
    const time = Math.max(this.#options.now?.() ?? 0, this.#state.time)
    if (type === CheckTxType.RECHECK) {
      const { stays, verdicts, refused } = this.#mempool.recheck(tx, time)
      if (refused.length > 0) this.#options.events?.refused?.(refused)
      return stays ? {} : refusal(verdicts)
    }
    const verdicts = this.#mempool.check(tx, time)
    return isGood(verdicts) ? {} : refusal(verdicts)
  }

  /**
   * Keeps the order of arrival, with room for what protects owners (NET-31), and leaves out whatever would be refused, so that
   * every honest validator accepts the block.
   */
  prepareProposal(request: RequestOf<'prepareProposal'>): ResponseOf<'prepareProposal'> {
    const { batch, execution } = this.#begin(request)
    const envelopes = request.txs.map((tx) => this.#submissions.envelope(execution.rules, tx))
    const waiting = envelopes.flatMap((parsed, envelope) =>
      parsed.flatMap((one) => (one.ok ? [{ envelope, bytes: one.bytes, submission: one.submission }] : [])),
    )
    const { block } = fillBlock(waiting, MAX_NETWORK_BLOCK_OPERATIONS, RESERVED_BLOCK_OPERATIONS)
    const taken: Uint8Array[][] = envelopes.map(() => [])
    let room = request.maxTxBytes
    for (const { envelope, bytes, submission } of block) {
      const own = taken[envelope] as Uint8Array[]
      // An envelope takes up to five bytes of length beside its own.
      const share = envelopeShare(bytes) + (own.length > 0 ? 0 : 8)
      if (share > room) continue
      if (!execution.run(submission).ok) {
        this.#mempool.doubt(submission.hash)
        continue
      }
      room -= share
      own.push(bytes)
    }
    const txs = taken.flatMap((own, envelope) => {
      if (own.length === 0) return []
      return [own.length === envelopes[envelope]?.length ? (request.txs[envelope] as Uint8Array) : encodeEnvelope(own)]
    })
    const verdicts = taken.filter((own) => own.length > 0).map((own) => own.map(() => null))
    this.#proposals.set(contentOf({ ...request, txs }), this.#end(request, batch, execution, verdicts))
    return { txs }
  }

  /** Malformed, oversized, repeated, out of order or refused by its state: none of it enters a block. */
  processProposal(request: RequestOf<'processProposal'>): ResponseOf<'processProposal'> {
    const content = contentOf(request)
    const executed = this.#proposals.get(content) ?? this.#execute(request)
    if (!executed?.verdicts.every(isGood)) return { status: ProposalStatus.REJECT }
    this.#proposals.set(content, executed)
    return { status: ProposalStatus.ACCEPT }
  }

  /** May come twice for one height after a crash: nothing is written here. */
  finalizeBlock(request: RequestOf<'finalizeBlock'>): ResponseOf<'finalizeBlock'> {
    const expected = this.#state.height + 1
    if (request.height !== expected)
      throw new KeysteadError<LedgerErrorCode>(
        'LEDGER_CORRUPT',
        `CometBFT decided height ${request.height}; the application stands before ${expected}`,
      )
    const executed = this.#proposals.get(contentOf(request)) ?? this.#execute(request, 'decided')
    if (!executed) throw new KeysteadError<LedgerErrorCode>('LEDGER_CORRUPT', 'the decided block cannot be executed')
    this.#finalized = executed
    this.#options.crashPoint?.('executed')
    const txResults = executed.verdicts.map(
      (verdicts): ExecTxResult =>
        isGood(verdicts) ? {} : { code: 1, codespace: 'keystead', data: encodeCodes(verdicts) },
    )
    const { validatorUpdates, protocol } = executed
    const params = protocol === undefined ? {} : { consensusParamUpdates: { version: { app: protocol } } }
    return { txResults, validatorUpdates, ...params, appHash: executed.appHash }
  }

  commit(): ResponseOf<'commit'> {
    const executed = this.#finalized
    if (!executed) throw new KeysteadError<LedgerErrorCode>('LEDGER_CORRUPT', 'there is no block to commit')
    this.#options.crashPoint?.('before-commit')
    const { batch, applied } = executed
    batch.putJson('m', 'applied', applied)
    this.#store.commit(batch, applied.height)
    this.#options.crashPoint?.('after-commit')
    this.#applied = applied
    this.#finalized = undefined
    this.#proposals = new Map()
    this.#mempool.committed()
    this.#options.events?.committed?.(applied.height)
    const { height, logSize } = applied
    this.#schedule?.committed({ net: networkHash(this.#network), height, logSize })
    return { retainHeight: this.#schedule?.retainHeight(height) ?? 0 }
  }

  /** Reads go through HTTP with proofs; this only answers what CometBFT's own tools ask. */
  query({ path }: RequestOf<'query'>): ResponseOf<'query'> {
    if (path !== '/applied') return { code: 1, codespace: 'keystead', log: 'only /applied is answered here' }
    return { value: Buffer.from(canonicalText({ ...this.#state })), height: this.#state.height }
  }

  listSnapshots(): ResponseOf<'listSnapshots'> {
    return { snapshots: this.#sync?.list() ?? [] }
  }

  loadSnapshotChunk({ height, format, chunk }: RequestOf<'loadSnapshotChunk'>): ResponseOf<'loadSnapshotChunk'> {
    return { chunk: this.#sync?.loadChunk(height, format, chunk) ?? new Uint8Array(0) }
  }

  offerSnapshot({ snapshot, appHash: trusted }: RequestOf<'offerSnapshot'>): ResponseOf<'offerSnapshot'> {
    if (!this.#sync || !snapshot || this.#applied) return { result: OfferSnapshotResult.ABORT }
    return { result: OfferSnapshotResult[this.#sync.offer(snapshot, trusted)] }
  }

  applySnapshotChunk({ index, chunk, sender }: RequestOf<'applySnapshotChunk'>): ResponseOf<'applySnapshotChunk'> {
    if (!this.#sync) return { result: ApplySnapshotChunkResult.ABORT }
    const { result, refetchChunks, rejectSenders } = this.#sync.applyChunk(index, chunk, sender)
    return { result: ApplySnapshotChunkResult[result], refetchChunks, rejectSenders }
  }

  /** What `initChain` and the blocks before would have left behind; in force with the state, in one commit. */
  #restored(batch: Batch, genesis: NetworkGenesis, height: number, roots: Roots): void {
    rememberGenesis(batch, genesis)
    // The block's own time is at most a tick later, and matters to no consensus.
    const { tick: time } = decodeSystem(batch.get('s', SYSTEM_KEY) as Bytes)
    const hash = appHash(roots.mapRoot, roots.logRoot, roots.logSize)
    const applied = { height, time, logSize: roots.logSize, appHash: base64url.encode(hash) }
    batch.putJson('m', 'applied', applied)
    this.#genesis = genesis
    this.#applied = applied
  }

  extendVote(): ResponseOf<'extendVote'> {
    return {}
  }

  verifyVoteExtension({ voteExtension }: RequestOf<'verifyVoteExtension'>): ResponseOf<'verifyVoteExtension'> {
    return { status: voteExtension.length === 0 ? VoteExtensionStatus.ACCEPT : VoteExtensionStatus.REJECT }
  }

  get #state(): Applied {
    if (!this.#applied) throw new KeysteadError<LedgerErrorCode>('NOT_INITIALIZED', 'the chain has not begun')
    return this.#applied
  }

  get #network(): NetworkGenesis {
    if (!this.#genesis) throw new KeysteadError<LedgerErrorCode>('NOT_INITIALIZED', 'the chain has not begun')
    return this.#genesis
  }

  /** A block on top of the committed state. */
  #begin({ time }: Pick<BlockRequest, 'time'>): { batch: Batch; execution: Execution } {
    const batch = new Batch(this.#store)
    const { logSize } = this.#state
    return {
      batch,
      execution: new Execution(batch, this.#network, time.seconds, logSize, this.#options.rules),
    }
  }

  /**
   * Runs a block on top of the committed state. A proposal with a malformed envelope or too many operations is not run
   * (undefined); a decided block always is, since replay must give what it gave.
   */
  #execute(request: BlockRequest, decided?: 'decided'): Executed | undefined {
    const { batch, execution } = this.#begin(request)
    const verdicts: Verdict[][] = []
    let operations = 0
    for (const tx of request.txs) {
      const envelope = this.#submissions.envelope(execution.rules, tx)
      operations += envelope.length
      if (!decided && (envelope.length === 0 || operations > MAX_NETWORK_BLOCK_OPERATIONS)) return undefined
      verdicts.push(
        envelope.map((parsed) =>
          parsed.ok ? verdictOf(execution.run(parsed.submission)) : { code: parsed.code, message: parsed.message },
        ),
      )
    }
    return this.#end(request, batch, execution, verdicts)
  }

  #end(
    { misbehavior, height, time }: Omit<BlockRequest, 'txs'>,
    batch: Batch,
    execution: Execution,
    verdicts: readonly (readonly Verdict[])[],
  ): Executed {
    const end = execution.endBlock(misbehavior.map(({ validator }) => validator.address))
    const { mapRoot, logRoot, logSize } = execution.roots()
    const newHash = appHash(mapRoot, logRoot, logSize)
    return {
      batch,
      applied: { height, time: time.seconds, logSize, appHash: base64url.encode(newHash) },
      appHash: newHash,
      verdicts,
      validatorUpdates: end.validatorUpdates.map(({ k, power }) => ({ pubKey: { ed25519: rawKey(k) }, power })),
      protocol: end.protocol === execution.rules.version ? undefined : end.protocol,
    }
  }
}

/**
 * Names all that a block's execution depends on beside the committed state. Not the block's hash: a proposer has executed
 * what it proposes before that is known, and whoever meets it again at any step need not.
 */
function contentOf({ height, time, misbehavior, txs }: BlockRequest): string {
  const addresses = misbehavior.map(({ validator }) => base64url.encode(validator.address))
  const digests = txs.map((tx) => hash('sha256', tx, 'base64'))
  return hash('sha256', JSON.stringify([height, time.seconds, addresses, digests]), 'base64')
}

function rawKey(k: string): Bytes {
  return decodeMultikey(k).bytes
}

/** What a chain begins from: its genesis document, or the last block of the chain that was handed over to it (NET-16). */
function readBeginning(value: Json) {
  if (typeof value === 'object' && value !== null && 'handover' in value) {
    const f = new Fields(value, 'app_state')
    const handover = parseHandover(f.any('handover'))
    f.end()
    const { genesis, validators, head } = handover
    return { genesis, handover, validators, height: head.header.height, time: firstTimeAfter(handover) }
  }
  const genesis = parseNetworkGenesis(value)
  return { genesis, handover: undefined, validators: genesis.validators, height: 0, time: genesis.time }
}

/** True if CometBFT's genesis names the validators of ours. */
function sameValidators(named: readonly ValidatorPower[], validators: RequestOf<'initChain'>['validators']): boolean {
  const ours = named.map(({ k, power }) => `${base64url.encode(rawKey(k))} ${power}`)
  const theirs = validators.map(({ pubKey, power }) => `${base64url.encode(pubKey.ed25519)} ${power}`)
  return ours.sort().join() === theirs.sort().join()
}

/** Accepted as a whole. */
function isGood(verdicts: readonly Verdict[]): boolean {
  return verdicts.length > 0 && verdicts.every((verdict) => verdict === null)
}

function refusal(verdicts: readonly Verdict[]): ResponseOf<'checkTx'> {
  return { code: 1, codespace: 'keystead', data: encodeVerdicts(verdicts) }
}

/** Codes alone: texts may change between releases, and results are hashed into the next header. */
function encodeCodes(verdicts: readonly Verdict[]): Uint8Array {
  return Buffer.from(canonicalText(verdicts.map((verdict) => verdict?.code ?? '')))
}
