/** A device of a log as tests want it: its own clock, its own chain, everything in memory. */
import { type Bytes, base64url, type JsonObject, systemRandom } from '@keystead/core'
import type { KemKey, PublicKey, SigningKey } from '@keystead/crypto'
import { nodeKeyProvider } from '@keystead/crypto/node'
import {
  type AuthorityEntry,
  type Batch,
  type BatchKind,
  isAhead,
  type LogDevice,
  newDataKey,
  nextStamp,
  type Operation,
  openBatch,
  type Ranks,
  type Stamp,
  sealAbout,
  sealBatch,
  signEntry,
  take,
  unite,
  wrapDataKey,
} from '../index.ts'

export const provider = nodeKeyProvider()
export const id = (): string => base64url.encode(systemRandom(16))

export const RANKS: Ranks = {
  contact: ({ step }) => [Number(step)],
}

export class TestDevice {
  readonly chain = id()
  readonly signer: SigningKey
  readonly kem: KemKey
  readonly log: string
  readonly dataKey: Bytes
  readonly state = new Map<string, Operation>()
  readonly chainOf = new Map<string, Batch[]>()
  heads: ReadonlyMap<string, { seq: number; hash: string }> = new Map()
  /** What its clock shows. */
  now = 1_000_000
  last: Stamp | undefined
  #unlogged: Operation[] = []

  constructor(log: string, dataKey: Bytes, signer: SigningKey, kem: KemKey) {
    this.log = log
    this.dataKey = dataKey
    this.signer = signer
    this.kem = kem
  }

  get listed(): LogDevice {
    return {
      chain: this.chain,
      key: this.signer.publicKey as PublicKey<'ed25519'>,
      kem: this.kem.publicKey as PublicKey<'x-wing'>,
    }
  }

  get own(): Batch[] {
    return this.chainOf.get(this.chain) ?? []
  }

  write(name: string, value: JsonObject | undefined, category = 'note'): void {
    this.last = nextStamp(this.last, this.now, this.chain)
    const operation: Operation = {
      segment: 'messages',
      category,
      name,
      stamp: this.last,
      ...(value ? { value } : {}),
    }
    // What stands may outrank the change; the log says both.
    take(this.state, operation, RANKS)
    this.#unlogged.push(operation)
  }

  async seal(kind: BatchKind = 'changes', operations: readonly Operation[] = this.#unlogged): Promise<Batch> {
    const before = this.own.at(-1)
    const batch = await sealBatch({
      kind,
      log: this.log,
      chain: this.chain,
      seq: before ? before.seq + 1 : 0,
      prev: before?.hash ?? '',
      epoch: 0,
      dataKey: this.dataKey,
      signer: this.signer,
      operations,
      seen: [...this.heads].filter(([chain]) => chain !== this.chain).map(([chain, head]) => ({ chain, ...head })),
      ...(kind === 'snapshot' ? { snapshotFrom: before ? before.seq + 1 : 0 } : {}),
    })
    if (operations === this.#unlogged) this.#unlogged = []
    this.chainOf.set(this.chain, [...this.own, batch])
    this.heads = new Map(this.heads).set(this.chain, { seq: batch.seq, hash: batch.hash })
    return batch
  }

  /** Takes in what another shows; what is dated ahead of our clock waits. */
  async follow(other: TestDevice, devices: readonly LogDevice[]): Promise<void> {
    const shown = [...other.chainOf.values()].flat()
    const { batches } = unite(this.log, devices, shown, { known: this.heads })
    const stopped = new Set<string>()
    for (const batch of batches) {
      const content = await openBatch(batch, this.log, this.dataKey)
      if (stopped.has(batch.chain) || isAhead(content.operations, this.now)) {
        stopped.add(batch.chain)
        continue
      }
      for (const operation of content.operations) {
        take(this.state, operation, RANKS)
        if (!this.last || operation.stamp.wall >= this.last.wall) this.last = nextStamp(operation.stamp, 0, this.chain)
      }
      this.heads = new Map(this.heads).set(batch.chain, { seq: batch.seq, hash: batch.hash })
      this.chainOf.set(batch.chain, [...(this.chainOf.get(batch.chain) ?? []), batch])
    }
  }

  /** What a reader would see. */
  view(): string {
    return JSON.stringify([...this.state].sort(([a], [b]) => (a < b ? -1 : 1)))
  }
}

export async function testDevices(count: number): Promise<TestDevice[]> {
  const [log, dataKey] = [id(), newDataKey(systemRandom)]
  return Promise.all(
    Array.from({ length: count }, async () => {
      const signer = await provider.ephemeral({ kind: 'signing', suite: 'ed25519' })
      const kem = await provider.ephemeral({ kind: 'kem', suite: 'x-wing' })
      return new TestDevice(log, dataKey, signer, kem)
    }),
  )
}

export async function founding(
  devices: readonly TestDevice[],
  changes: Partial<Parameters<typeof signEntry>[0]> = {},
  signers: readonly SigningKey[] = devices.map(({ signer }) => signer),
): Promise<AuthorityEntry> {
  const [first] = devices
  if (!first) throw new Error('a log has a device')
  return signEntry(
    {
      log: first.log,
      seq: 0,
      prev: '',
      also: [],
      devices: devices.map(({ listed }) => listed),
      threshold: 1,
      paths: [],
      epoch: 0,
      wraps: wrapDataKey(
        first.log,
        0,
        first.dataKey,
        devices.map(({ listed }) => listed.kem),
      ),
      former: new Uint8Array(0),
      about: sealAbout(first.log, 0, first.dataKey, new Uint8Array(2)),
      ...changes,
    },
    signers,
  )
}
