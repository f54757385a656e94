/**
 * Checks everything that a ledger keeps on disk, without writing to it (KEEP-2). What cannot be derived is built into a scratch
 * store; if its roots are those that the newest block proves, it is whole, and everything else on disk must be as built.
 */
import { setImmediate } from 'node:timers/promises'
import { type Bytes, base64url, equalBytes } from '@keystead/core'
import { sha256 } from '@keystead/crypto'
import {
  bodyHash,
  decodeState,
  encodeLogEntry,
  initialNetwork,
  NETWORK_LEAVES,
  type NetworkGenesis,
  networkDigest,
  networkDigests,
  networkKey,
  parseNetworkGenesis,
  SYSTEM_KEY,
  stateKey,
} from '@keystead/did-dkms'
import { appHash, leafHash, verifyInclusion, verifyMapProof } from '@keystead/light-client'
import { Rebuild } from '../snapshot/rebuild.ts'
import { eraseBodies, readEntry, type StoredEntry } from '../state/entries.ts'
import { type Roots, rootsOf } from '../state/execute.ts'
import { proveInclusion } from '../state/log-tree.ts'
import { mapProve } from '../state/map-tree.ts'
import { hashesOf, type LedgerStore, nodesOf, numberKey, type PinnedReader, type Table } from '../state/store.ts'
import { attempt, checkBlocks } from './blocks.ts'
import type { FaultCode, Report } from './fault.ts'

export interface CheckOptions {
  readonly report: Report
  readonly signal?: AbortSignal
  readonly onProgress?: (progress: { readonly checked: string; readonly records: number }) => void
}

/** Records built between two commits of the scratch store. */
const STEP = 1000

/** Rejects with the signal's reason. `scratch` is an empty store that the caller throws away. */
export async function checkLedger(source: PinnedReader, scratch: LedgerStore, options: CheckOptions): Promise<void> {
  const check = new Check(source, scratch, options)
  check.genesis()
  // A validator on CometBFT has its blocks there, and remembers the application hash alone.
  const applied = source.json<{ appHash: string; logSize: number }>('m', 'applied')
  const proven = applied ? undefined : checkBlocks(source, options.report)
  await check.build()
  if (applied) await check.againstHash(base64url.decode(applied.appHash), applied.logSize)
  else if (proven) await check.against(proven)
}

/** Bodies that are not there, by DID. */
type Missing = Map<string, readonly { readonly seq: number; readonly where: string }[]>

class Check {
  readonly #source: PinnedReader
  readonly #scratch: LedgerStore
  readonly #options: CheckOptions
  readonly #rebuild: Rebuild
  readonly #erased = new Map<string, number>()
  #records = 0

  constructor(source: PinnedReader, scratch: LedgerStore, options: CheckOptions) {
    this.#source = source
    this.#scratch = scratch
    this.#options = options
    this.#rebuild = new Rebuild(scratch, 1)
  }

  #fault(code: FaultCode, where: string, message: string): void {
    this.#options.report({ code, where, message })
  }

  async #step(checked: string): Promise<void> {
    if (++this.#records % STEP !== 0) return
    this.#options.signal?.throwIfAborted()
    this.#rebuild.commit()
    this.#options.onProgress?.({ checked, records: this.#records })
    await setImmediate()
  }

  genesis(): void {
    const genesis = attempt(() => parseNetworkGenesis(this.#source.json<NetworkGenesis>('m', 'genesis') as never))
    if (!genesis) {
      this.#fault('GENESIS', 'genesis document', 'is missing or cannot be read')
      return
    }
    const value = Buffer.from(networkDigest(networkDigests(initialNetwork(genesis))))
    if (equalBytes(this.#source.get('m', 'genesis-network') ?? new Uint8Array(0), value)) return
    this.#options.report({
      code: 'GENESIS',
      where: 'digest of the first network state',
      message: 'is another than the genesis document gives',
      repair: { table: 'm', key: Buffer.from('genesis-network'), value },
    })
  }

  /** Log, bodies and leaves into the scratch store. */
  async build(): Promise<void> {
    const missing: Missing = new Map()
    for (const [key] of this.#source.range('e')) {
      const index = this.#rebuild.logSize
      if (!equalBytes(key, Buffer.from(numberKey(index), 'latin1'))) {
        this.#fault('ENTRY', `entry ${index}`, 'is missing')
        break
      }
      const stored = attempt(() => readEntry(this.#source, index))
      if (!stored) {
        this.#fault('ENTRY', `entry ${index}`, 'cannot be read')
        break
      }
      this.#checkBody(stored, missing)
      this.#rebuild.entry(stored)
      this.#erase(stored, missing)
      await this.#step('log')
    }
    for (const { where } of [...missing.values()].flat())
      this.#fault('BODY', where, 'is missing, and no erase says why')
    for (const [key, value] of this.#source.range('s')) {
      this.#rebuild.leaf(key, value)
      await this.#step('states')
    }
    this.#rebuild.commit()
  }

  #checkBody({ entry, op, body }: StoredEntry, missing: Missing): void {
    const where = `body of entry ${entry.i}`
    if (!('body' in op) || !op.body) return
    if (!body) missing.set(op.did, [...(missing.get(op.did) ?? []), { seq: op.seq, where }])
    else if (attempt(() => bodyHash(body)) !== op.body)
      this.#fault('BODY', where, 'is not the one that the operation names')
  }

  /** Rule 12: what a DID erased is rightly missing, and must not be there. */
  #erase({ op }: StoredEntry, missing: Missing): void {
    if (op.type !== 'erase') return
    eraseBodies(this.#rebuild.batch, op.did, (this.#erased.get(op.did) ?? -1) + 1, op.upTo)
    this.#erased.set(op.did, op.upTo)
    missing.set(op.did, missing.get(op.did)?.filter(({ seq }) => seq > op.upTo) ?? [])
  }

  /** Compares with the application hash of the newest block, which one of the roots built and the roots on disk give. */
  async againstHash(expected: Uint8Array, logSize: number): Promise<void> {
    const built = this.#rebuild.roots()
    const stored = attempt(() => rootsOf(this.#source, logSize))
    const all = stored ? [built, stored] : [built]
    const pairs = all.flatMap(({ mapRoot }) => all.map(({ logRoot }) => ({ mapRoot, logRoot, logSize })))
    const proven = pairs.find((roots) => equalBytes(appHash(roots.mapRoot, roots.logRoot, logSize), expected))
    if (proven) await this.against(proven)
    else this.#fault('HEAD', 'newest block', 'its application hash fits neither what is built nor what is on disk')
  }

  /** Compares with what the newest block proves. */
  async against(proven: Roots): Promise<void> {
    const built = this.#rebuild.roots()
    const pinned = this.#scratch.pin()
    try {
      if (built.logSize === proven.logSize && equalBytes(built.logRoot, proven.logRoot)) {
        await this.#compare('h', pinned, 'LOG_HASH')
        await this.#compare('o', pinned, 'INDEX')
        await this.#compare('b', pinned, 'BODY')
      } else this.#wrongEntries(proven)
      if (equalBytes(built.mapRoot, proven.mapRoot)) await this.#compare('n', pinned, 'TREE')
      else this.#wrongStates(proven)
    } finally {
      pinned.release()
    }
  }

  /** Both in the order of their keys. */
  async #compare(table: Table, built: PinnedReader, code: FaultCode): Promise<void> {
    const there = built.range(table)[Symbol.iterator]()
    let next = there.next()
    const missingUpTo = (key: Uint8Array | undefined): void => {
      for (; !next.done && (!key || Buffer.compare(next.value[0], key) < 0); next = there.next())
        this.#derived(code, table, next.value[0], 'is missing', next.value[1])
    }
    for (const [key, value] of this.#source.range(table)) {
      missingUpTo(key)
      if (next.done || !equalBytes(next.value[0], key)) this.#derived(code, table, key, 'should not be there')
      else {
        if (!equalBytes(next.value[1], value)) this.#derived(code, table, key, 'is wrong', next.value[1])
        next = there.next()
      }
      await this.#step(table)
    }
    missingUpTo(undefined)
  }

  #derived(code: FaultCode, table: Table, key: Bytes, message: string, value?: Bytes): void {
    // A body that is there and differs has been named with its entry already, and cannot be derived.
    if (table === 'b' && value) return
    const where = `${NAMES[table]} ${Buffer.from(key).toString('hex')}`
    this.#options.report({ code, where, message, repair: { table, key, ...(value ? { value } : {}) } })
  }

  /** Which entries are not in the log that was signed. */
  #wrongEntries({ logSize, logRoot }: Roots): void {
    const hashes = hashesOf(this.#source)
    let found = 0
    for (let i = 0; i < logSize; i++) {
      const stored = attempt(() => readEntry(this.#source, i))
      const path = attempt(() => proveInclusion(hashes, i, logSize))
      if (stored && path && verifyInclusion(leafHash(encodeLogEntry(stored.entry)), i, logSize, path, logRoot)) continue
      found++
      this.#fault('ENTRY', `entry ${i}`, stored ? 'is not the one in the log' : 'is missing or cannot be read')
    }
    for (let i = logSize; this.#source.get('e', numberKey(i)); i++) {
      found++
      this.#fault('ENTRY', `entry ${i}`, 'lies behind the end of the log')
    }
    if (found === 0) this.#fault('HEAD', 'log', 'gives another root than the newest block proves')
  }

  /** Which states are not in the map that was signed. */
  #wrongStates({ mapRoot }: Roots): void {
    const nodes = nodesOf(this.#source)
    let found = 0
    const fault = (where: string, message: string): void => {
      found++
      this.#fault('STATE', where, message)
    }
    const reserved = [SYSTEM_KEY, ...NETWORK_LEAVES.map(networkKey)]
    const expected = new Map(reserved.map((key) => [base64url.encode(key), 'reserved leaf']))
    for (let i = 0; i < this.#rebuild.logSize; i++) {
      const did = attempt(() => readEntry(this.#source, i))?.op.did
      if (did?.startsWith('did:')) expected.set(base64url.encode(stateKey(did)), did)
    }
    for (const [key, value] of this.#source.range('s')) {
      const name = base64url.encode(key)
      const where = `state of ${expected.get(name) ?? attempt(() => decodeState(value).did) ?? name}`
      expected.delete(name)
      const proof = attempt(() => mapProve(nodes, key))
      if (proof && verifyMapProof(mapRoot, key, sha256(value), proof)) continue
      const known = proof?.leaf && equalBytes(proof.leaf.key, key) ? proof.leaf.valueHash : undefined
      if (proof && known && verifyMapProof(mapRoot, key, known, proof)) fault(where, 'is not the one in the map')
      else if (proof && !known && verifyMapProof(mapRoot, key, undefined, proof)) fault(where, 'is in no map')
      else fault(where, 'cannot be proven: the tree above it is damaged too')
    }
    for (const where of expected.values()) fault(`state of ${where}`, 'is missing')
    if (found === 0) this.#fault('HEAD', 'map', 'gives another root than the newest block proves')
  }
}

const NAMES: Readonly<Partial<Record<Table, string>>> = {
  n: 'map node',
  h: 'log hash',
  o: 'operation index',
  b: 'body',
}
