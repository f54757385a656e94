/** What a block does to the stores: operations into states, map and log. Deterministic; knows no engine. */
import { type Bytes, utf8 } from '@keystead/core'
import { sha256 } from '@keystead/crypto'
import {
  advanceTick,
  applyNetwork,
  decodeNetwork,
  decodeState,
  decodeSystem,
  encodeNetworkLeaf,
  encodeState,
  encodeSystem,
  initialNetwork,
  isNetworkSubmission,
  NETWORK_LEAVES,
  type NetworkGenesis,
  type NetworkParameters,
  type NetworkState,
  type NetworkSubmission,
  networkDigest,
  networkDigests,
  networkHash,
  networkKey,
  type OperationErrorCode,
  RULES,
  type Rules,
  type RulesTable,
  removeMisbehaving,
  rulesFor,
  type Submission,
  SYSTEM_KEY,
  type SystemTime,
  setDifference,
  settleNetwork,
  stateKey,
  TICK_SECONDS,
  type ValidatorPower,
} from '@keystead/did-dkms'
import { eraseBodies, putEntry, putIndex } from './entries.ts'
import { logRoot } from './log-tree.ts'
import { type MapChange, mapRoot, mapUpdate } from './map-tree.ts'
import { type Batch, hashesOf, nodesOf, type Reader } from './store.ts'

/** Roots after everything executed so far. */
export interface Roots {
  readonly mapRoot: Bytes
  readonly logRoot: Bytes
  readonly logSize: number
}

export type RunResult =
  | { readonly ok: true; readonly logIndex: number }
  | {
      readonly ok: false
      readonly logIndex: number
      readonly code: OperationErrorCode
      readonly message: string
      /** With `RATE_LIMITED`: seconds since 1970. */
      readonly retryAt?: number
    }

/** What an engine must know when a block's operations are done. */
export interface BlockEnd {
  /** False: the block changed nothing, and its state is the one before. */
  readonly changed: boolean
  /** Validators whose power is another from two blocks on; 0 removes (CometBFT's `validator_updates`). */
  readonly validatorUpdates: readonly ValidatorPower[]
  /** The whole set after them. */
  readonly validators: readonly ValidatorPower[]
  /** In force for the next block's operations. */
  readonly parameters: NetworkParameters
  /** Version that the next block's header must name (`consensus_param_updates.version.app`). */
  readonly protocol: number
}

/** Writes what a network begins with: tick and network leaves. */
export function writeGenesis(batch: Batch, genesis: NetworkGenesis): void {
  const network = initialNetwork(genesis)
  const leaves = NETWORK_LEAVES.map((name) => putState(batch, networkKey(name), encodeNetworkLeaf(network, name)))
  const digest = networkDigest(networkDigests(network))
  const system = putState(batch, SYSTEM_KEY, encodeSystem({ tick: genesis.time, lost: 0, network: digest }))
  mapUpdate(nodesOf(batch), [...leaves, system])
  rememberGenesis(batch, genesis)
}

/** What a node must know of its network beside the state: the document, and the digest of the leaves it began with. */
export function rememberGenesis(batch: Batch, genesis: NetworkGenesis): void {
  batch.putJson('m', 'genesis', genesis)
  batch.put('m', 'genesis-network', utf8(networkDigest(networkDigests(initialNetwork(genesis)))))
}

const LEAF_KEYS = NETWORK_LEAVES.map(networkKey)
let newest: { readonly leaves: readonly Bytes[]; readonly state: NetworkState } | undefined

/** The network's own state after everything committed, or after a batch. It seldom changes: equal leaves are decoded once. */
export function readNetwork(reader: Pick<Reader, 'get'>): NetworkState {
  const leaves = LEAF_KEYS.map((key) => reader.get('s', key) as Bytes)
  const known = newest
  if (known?.leaves.every((leaf, i) => Buffer.compare(leaf, leaves[i] as Bytes) === 0)) return known.state
  const state = decodeNetwork((name) => leaves[NETWORK_LEAVES.indexOf(name)] as Bytes)
  newest = { leaves, state }
  return state
}

/**
 * One block being executed: its beginning when made, operations one by one, then its end. A `trial` only finds out what would
 * be accepted, one operation after another: states change in its batch, map and log do not.
 */
export class Execution {
  /** The rules this block runs by: those its own header names. Throws `UPDATE_REQUIRED` when we lack them. */
  readonly rules: Rules
  readonly #batch: Batch
  readonly #trial: boolean
  readonly #net: string
  readonly #time: number
  readonly #system: SystemTime
  readonly #lost: number
  readonly #before: NetworkState
  #network: NetworkState
  #logSize: number
  #operations = 0
  /** Changed leaves of the map. */
  #leaves: MapChange[] = []

  /** `time`: block time in whole seconds. The stores hold what `writeGenesis` wrote, or the block before left. */
  constructor(
    batch: Batch,
    genesis: NetworkGenesis,
    time: number,
    logSize: number,
    table: RulesTable = RULES,
    purpose?: 'trial',
  ) {
    this.#batch = batch
    this.#trial = purpose === 'trial'
    this.#net = hashOfNetwork(genesis)
    this.#time = time
    this.#logSize = logSize
    this.#system = decodeSystem(batch.get('s', SYSTEM_KEY) as Bytes)
    this.#lost = advanceTick(this.#system, time).lost
    this.#before = readNetwork(batch)
    const { version, rules } = this.#before.protocol
    this.rules = rulesFor(version, table, rules)
    this.#network = settleNetwork(this.#before, { time, lost: this.#lost })
  }

  /** An accepted operation is in state and log at once; a refused one leaves no trace. */
  run(submission: Submission | NetworkSubmission): RunResult {
    const logIndex = this.#logSize
    const result = isNetworkSubmission(submission) ? this.#runNetwork(submission) : this.#runDid(submission, logIndex)
    if (!result.ok) return { ...result, logIndex }
    const { operation: op, hash, ...rest } = submission
    this.#logSize++
    if (this.#trial) {
      putIndex(this.#batch, hash, logIndex)
      return { ok: true, logIndex }
    }
    const at = { i: logIndex, t: this.#time, lost: this.#lost, p: this.rules.version }
    putEntry(this.#batch, at, { op, hash, ...rest })
    this.#operations++
    return { ok: true, logIndex }
  }

  #runDid(submission: Submission, logIndex: number): { ok: true } | Extract<RunResult, { ok: false }> {
    const { operation } = submission
    const key = stateKey(operation.did)
    const stored = this.#batch.get('s', key)
    const context = {
      net: this.#net,
      parameters: this.#network.parameters.now,
      time: this.#time,
      lost: this.#lost,
      logIndex,
    }
    const before = stored && decodeState(stored)
    const result = this.rules.apply(before, submission, context)
    if (!result.ok) return { ...result, logIndex }
    this.#leaves.push(putState(this.#batch, key, encodeState(result.state)))
    // DKMS-28.
    if (operation.type === 'erase') eraseBodies(this.#batch, operation.did, (before?.erased ?? -1) + 1, operation.upTo)
    return { ok: true }
  }

  #runNetwork(submission: NetworkSubmission) {
    const context = { net: this.#net, time: this.#time, lost: this.#lost }
    const result = applyNetwork(this.#network, submission, context, this.rules.suites)
    if (!result.ok) return result
    this.#network = result.state
    if (this.#trial)
      for (const name of NETWORK_LEAVES) this.#batch.put('s', networkKey(name), encodeNetworkLeaf(this.#network, name))
    return result
  }

  /**
   * The block's end: removes validators proven to have signed two blocks of one height (their CometBFT addresses), and
   * writes tick and network leaves if the block carried operations, its tick is due (rule 11), or the network changed.
   */
  endBlock(misbehaved: readonly Uint8Array[] = []): BlockEnd {
    if (misbehaved.length > 0) this.#network = removeMisbehaving(this.#network, misbehaved, this.#time)
    const tickDue = this.#time - this.#system.tick >= TICK_SECONDS
    const changed = this.#operations > 0 || tickDue || this.#network !== this.#before
    if (changed) this.#write()
    const { validators, parameters, protocol } = this.#network
    return {
      changed,
      validatorUpdates: setDifference(this.#before.validators.set, validators.set),
      validators: validators.set,
      parameters: parameters.now,
      protocol: protocol.version,
    }
  }

  #write(): void {
    for (const name of NETWORK_LEAVES)
      if (this.#network[name] !== this.#before[name])
        this.#leaves.push(putState(this.#batch, networkKey(name), encodeNetworkLeaf(this.#network, name)))
    const network = this.#network === this.#before ? this.#system.network : networkDigest(networkDigests(this.#network))
    const system = encodeSystem({ tick: this.#time, lost: this.#lost, network })
    this.#leaves.push(putState(this.#batch, SYSTEM_KEY, system))
  }

  /** After `endBlock`. The map is hashed here, all changes of the block together. */
  roots(): Roots {
    mapUpdate(nodesOf(this.#batch), this.#leaves)
    this.#leaves = []
    return rootsOf(this.#batch, this.#logSize)
  }
}

const networkHashes = new WeakMap<NetworkGenesis, string>()

function hashOfNetwork(genesis: NetworkGenesis): string {
  const hash = networkHashes.get(genesis) ?? networkHash(genesis)
  networkHashes.set(genesis, hash)
  return hash
}

export function rootsOf(reader: Reader, logSize: number): Roots {
  return { mapRoot: mapRoot(nodesOf(reader)), logRoot: logRoot(hashesOf(reader), logSize), logSize }
}

/** Writes what a leaf of the map stands for: a state, or what lies under a reserved key. `mapUpdate` hashes the leaf. */
function putState(batch: Batch, key: Uint8Array, value: Uint8Array): MapChange {
  batch.put('s', key, value)
  return { key, valueHash: sha256(value) }
}
