/** What a block does to the stores: operations into states, map and log. Deterministic; knows no engine. */
import { type Bytes, canonicalJson } from '@keystead/core'
import { sha256 } from '@keystead/crypto'
import {
  type ApplyResult,
  advanceTick,
  apply,
  decodeState,
  decodeSystem,
  encodeLogEntry,
  encodeState,
  encodeSystem,
  type LogEntry,
  type NetworkGenesis,
  networkHash,
  type Operation,
  type Submission,
  SYSTEM_KEY,
  type SystemTime,
  signedOperationHash,
  stateKey,
  TICK_SECONDS,
} from '@keystead/did-dkms'
import { logAppend, logRoot } from './log-tree.ts'
import { mapRoot, mapUpdate } from './map-tree.ts'
import { type Batch, hashesOf, nodesOf, numberKey } from './store.ts'

/** Roots after everything executed so far. */
export interface Roots {
  readonly mapRoot: Bytes
  readonly logRoot: Bytes
  readonly logSize: number
}

/** One block being executed: operations one by one, then the roots. */
export class Execution {
  readonly #batch: Batch
  readonly #network: { net: string; parameters: NetworkGenesis['parameters'] }
  readonly #time: number
  readonly #system: SystemTime
  #logSize: number

  /** `time`: block time in whole seconds. */
  constructor(batch: Batch, genesis: NetworkGenesis, time: number, logSize: number) {
    this.#batch = batch
    this.#network = { net: networkHash(genesis), parameters: genesis.parameters }
    this.#time = time
    this.#logSize = logSize
    this.#system = decodeSystem(batch.get('s', SYSTEM_KEY) ?? encodeSystem({ tick: genesis.time, lost: 0 }))
  }

  /** True if a block at this time must tick even when it is empty (rule 11). */
  get tickDue(): boolean {
    return this.#time - this.#system.tick >= TICK_SECONDS
  }

  tick(): void {
    putState(this.#batch, SYSTEM_KEY, encodeSystem(advanceTick(this.#system, this.#time)))
  }

  run(submission: Submission): ApplyResult & { logIndex: number } {
    const { operation, body, hash } = submission
    const key = stateKey(operation.did)
    const stored = this.#batch.get('s', key)
    const { lost } = advanceTick(this.#system, this.#time)
    const logIndex = this.#logSize
    const context = { ...this.#network, time: this.#time, lost, logIndex }
    const result = apply(stored && decodeState(stored), submission, context)
    if (!result.ok) return { ...result, logIndex }
    putState(this.#batch, key, encodeState(result.state))
    const entry = { i: logIndex, t: this.#time, lost, s: signedOperationHash(operation) }
    putEntry(this.#batch, { entry, op: operation }, hash)
    if (body && 'body' in operation && operation.body) this.#batch.put('b', operation.body, canonicalJson(body))
    this.#logSize++
    return { ...result, logIndex }
  }

  roots(): Roots {
    return {
      mapRoot: mapRoot(nodesOf(this.#batch)),
      logRoot: logRoot(hashesOf(this.#batch), this.#logSize),
      logSize: this.#logSize,
    }
  }
}

/** An operation in the log, as it lies on disk. */
export interface StoredEntry {
  readonly entry: LogEntry
  readonly op: Operation
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
