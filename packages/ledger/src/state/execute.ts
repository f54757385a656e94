/** What a block does to the stores: operations into states, map and log. Deterministic; knows no engine. */
import { type Bytes, canonicalJson, utf8 } from '@keystead/core'
import { sha256 } from '@keystead/crypto'
import {
  advanceTick,
  applyNetwork,
  decodeNetwork,
  decodeState,
  decodeSystem,
  type Erase,
  encodeLogEntry,
  encodeNetworkLeaf,
  encodeState,
  encodeSystem,
  initialNetwork,
  isNetworkSubmission,
  type LogEntry,
  NETWORK_LEAVES,
  type NetworkGenesis,
  type NetworkOperation,
  type NetworkParameters,
  type NetworkState,
  type NetworkSubmission,
  networkDigest,
  networkDigests,
  networkHash,
  networkKey,
  type Operation,
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
  signedOperationHash,
  stateKey,
  TICK_SECONDS,
  type ValidatorPower,
} from '@keystead/did-dkms'
import { logAppend, logRoot } from './log-tree.ts'
import { mapRoot, mapUpdate } from './map-tree.ts'
import { type Batch, hashesOf, nodesOf, numberKey, type Reader } from './store.ts'

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
  for (const name of NETWORK_LEAVES) putState(batch, networkKey(name), encodeNetworkLeaf(network, name))
  const digest = networkDigest(networkDigests(network))
  putState(batch, SYSTEM_KEY, encodeSystem({ tick: genesis.time, lost: 0, network: digest }))
  batch.put('m', 'genesis-network', utf8(digest))
}

/** The network's own state after everything committed, or after a batch. */
export function readNetwork(reader: Pick<Reader, 'get'>): NetworkState {
  return decodeNetwork((name) => reader.get('s', networkKey(name)) as Bytes)
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

  /** An accepted operation is in map and log at once; a refused one leaves no trace. */
  run(submission: Submission | NetworkSubmission): RunResult {
    const logIndex = this.#logSize
    const result = isNetworkSubmission(submission) ? this.#runNetwork(submission) : this.#runDid(submission, logIndex)
    if (!result.ok) return { ...result, logIndex }
    const { operation, hash } = submission
    if (this.#trial) {
      this.#batch.putJson('o', hash, { logIndex, time: this.#time })
      this.#logSize++
      return { ok: true, logIndex }
    }
    const [t, p] = [this.#time, this.rules.version]
    const entry = { i: logIndex, t, lost: this.#lost, p, s: signedOperationHash(operation) }
    putEntry(this.#batch, { entry, op: operation }, hash)
    this.#logSize++
    this.#operations++
    return { ok: true, logIndex }
  }

  #runDid(submission: Submission, logIndex: number): { ok: true } | Extract<RunResult, { ok: false }> {
    const { operation, body } = submission
    const key = stateKey(operation.did)
    const stored = this.#batch.get('s', key)
    const context = {
      net: this.#net,
      parameters: this.#network.parameters.now,
      time: this.#time,
      lost: this.#lost,
      logIndex,
    }
    const result = this.rules.apply(stored && decodeState(stored), submission, context)
    if (!result.ok) return { ...result, logIndex }
    if (this.#trial) {
      this.#batch.put('s', key, encodeState(result.state))
      return { ok: true }
    }
    putState(this.#batch, key, encodeState(result.state))
    if (body && 'body' in operation && operation.body) this.#batch.put('b', operation.body, canonicalJson(body))
    if (operation.type === 'erase') dropBodies(this.#batch, operation)
    return { ok: true }
  }

  #runNetwork(submission: NetworkSubmission) {
    const context = { net: this.#net, time: this.#time, lost: this.#lost }
    const result = applyNetwork(this.#network, submission, context)
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
        putState(this.#batch, networkKey(name), encodeNetworkLeaf(this.#network, name))
    const network = this.#network === this.#before ? this.#system.network : networkDigest(networkDigests(this.#network))
    putState(this.#batch, SYSTEM_KEY, encodeSystem({ tick: this.#time, lost: this.#lost, network }))
  }

  roots(): Roots {
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

/** DKMS-28: bodies of a DID's operations up to `upTo`, unless a later operation names the same one. */
function dropBodies(batch: Batch, { did, upTo }: Erase): void {
  const erased = new Set<string>()
  const kept = new Set<string>()
  for (const index of batch.json<number[]>('d', did) ?? []) {
    const { op } = batch.json<StoredEntry>('e', numberKey(index)) as StoredEntry
    if ('body' in op && op.body) (op.seq <= upTo ? erased : kept).add(op.body)
  }
  for (const hash of erased) if (!kept.has(hash)) batch.remove('b', hash)
}

/** An operation in the log, as it lies on disk. */
export interface StoredEntry {
  readonly entry: LogEntry
  readonly op: Operation | NetworkOperation
}

/** Adds an entry to the log and to every index over it. `hash`: the operation's own. */
export function putEntry(batch: Batch, stored: StoredEntry, hash: string): void {
  const { entry, op } = stored
  logAppend(hashesOf(batch), entry.i, encodeLogEntry(entry))
  batch.putJson('e', numberKey(entry.i), { entry, op })
  batch.putJson('d', op.did, [...(batch.json<number[]>('d', op.did) ?? []), entry.i])
  batch.putJson('o', hash, { logIndex: entry.i, time: entry.t })
}

/** Sets a leaf of the map: a state or what lies under a reserved key. */
export function putState(batch: Batch, key: Uint8Array, value: Uint8Array): void {
  batch.put('s', key, value)
  mapUpdate(nodesOf(batch), key, sha256(value))
}
