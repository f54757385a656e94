/**
 * The chains of a log, as a follower takes them in and as a restored wallet unites them (SYNC-6, SYNC-7). Pure: what was served
 * goes in, what may be opened comes out, and whatever does not fit is an error of its own.
 */
import type { PublicKey } from '@keystead/crypto'
import { refuse } from '../errors.ts'
import { type Batch, verifyBatch } from './batch.ts'
import type { ChainHead, Head } from './heads.ts'

export type Heads = ReadonlyMap<string, Head>

/** A device of the log as its authority lists it. */
export interface ListedDevice {
  readonly chain: string
  readonly key: PublicKey<'ed25519'>
  /** The device was removed; what it wrote beyond is not taken in. */
  readonly end?: Head | 'none'
}

/** Numbers of batches that no holder has. */
export interface Gap {
  readonly chain: string
  readonly from: number
  readonly to: number
}

/** Two batches of one chain at one place: evidence against its device. */
export interface Fork {
  readonly chain: string
  readonly seq: number
  readonly one: string
  readonly other: string
}

export interface United {
  /** A chain's in order; each once. */
  readonly batches: readonly Batch[]
  readonly heads: Heads
  readonly gaps: readonly Gap[]
  /** Batches of removed devices, beyond their ends or of another past than led there. */
  readonly beyond: readonly Batch[]
  readonly forks: readonly Fork[]
}

export interface Uniting {
  /** Heads that were taken in already: what is at or below them is passed over. */
  readonly known?: Heads
  /** A restored wallet takes both branches of a fork: a thief who forks their chain must not deny the owner what is in it. */
  readonly forks?: 'refuse' | 'take'
}

/** Batches of all chains, from all holders. Throws `NOT_IN_LOG`, `BATCH_TAMPERED`, and `CHAIN_FORKED` unless forks are taken. */
export function unite(
  log: string,
  devices: readonly ListedDevice[],
  batches: readonly Batch[],
  { known = new Map(), forks: onFork = 'refuse' }: Uniting = {},
): United {
  const byChain = new Map<string, Map<string, Batch>>()
  for (const batch of batches) {
    const device = devices.find(({ chain }) => chain === batch.chain)
    if (!device) return refuse('NOT_IN_LOG', 'a batch of a device that the owner does not have')
    const chain = byChain.get(batch.chain) ?? new Map<string, Batch>()
    if (chain.has(batch.hash)) continue
    verifyBatch(batch, log, device.key)
    byChain.set(batch.chain, chain.set(batch.hash, batch))
  }
  const taken: Batch[] = []
  const gaps: Gap[] = []
  const beyond: Batch[] = []
  const forks: Fork[] = []
  const fork = (found: Fork): void => {
    if (onFork === 'refuse') forked(found)
    forks.push(found)
  }
  const heads = new Map(known)
  for (const [chain, byHash] of byChain) {
    const end = devices.find((device) => device.chain === chain)?.end
    const within = pastOf(end, byHash)
    let head = known.get(chain)
    for (const batch of [...byHash.values()].sort((a, b) => a.seq - b.seq)) {
      const { seq, hash, prev } = batch
      if (isBeyond(batch, end, within)) {
        beyond.push(batch)
        continue
      }
      if (head && seq <= head.seq) {
        if (seq < head.seq || hash === head.hash) continue
        fork({ chain, seq, one: head.hash, other: hash })
      } else if (head && seq === head.seq + 1) {
        if (prev !== head.hash && !byHash.has(prev)) fork({ chain, seq: head.seq, one: head.hash, other: prev })
      } else if (seq > (head ? head.seq + 1 : 0)) gaps.push({ chain, from: head ? head.seq + 1 : 0, to: seq - 1 })
      if (!head || seq > head.seq) head = { seq, hash }
      heads.set(chain, head)
      taken.push(batch)
    }
  }
  return { batches: taken, heads, gaps, beyond, forks }
}

/** Throws `BATCH_MISPLACED` unless a holder's answer is the run of batches of this chain that was asked for. */
export function checkRun(batches: readonly Batch[], chain: string, from: number): void {
  batches.forEach((batch, index) => {
    const first = batches[0]?.seq ?? from
    if (batch.chain !== chain || first < from || batch.seq !== first + index)
      refuse('BATCH_MISPLACED', 'the holder shows another batch than was asked for')
  })
}

/** What one of `claims` says there is and `heads` lack: of each chain the furthest. */
export function missingFrom(heads: Heads, claims: readonly ChainHead[]): ChainHead[] {
  const furthest = new Map<string, ChainHead>()
  for (const claim of claims) {
    const known = heads.get(claim.chain)
    if (known && known.seq >= claim.seq) {
      if (known.seq === claim.seq && known.hash !== claim.hash)
        forked({ chain: claim.chain, seq: claim.seq, one: known.hash, other: claim.hash })
      continue
    }
    if ((furthest.get(claim.chain)?.seq ?? -1) < claim.seq) furthest.set(claim.chain, claim)
  }
  return [...furthest.values()]
}

function isBeyond({ seq, hash }: Batch, end: ListedDevice['end'], within: ReadonlyMap<number, string>): boolean {
  if (end === undefined || end === 'none') return end === 'none'
  return seq > end.seq || (within.get(seq) ?? hash) !== hash
}

/** Of a removed device: the hashes by which its chain came to its end, as far back as it is shown. Another past was made up since. */
function pastOf(end: ListedDevice['end'], byHash: ReadonlyMap<string, Batch>): ReadonlyMap<number, string> {
  if (end === undefined || end === 'none') return new Map()
  const past = new Map([[end.seq, end.hash]])
  for (let batch = byHash.get(end.hash); batch && batch.seq > 0; batch = byHash.get(batch.prev))
    past.set(batch.seq - 1, batch.prev)
  return past
}

function forked({ chain, seq, one, other }: Fork): never {
  return refuse('CHAIN_FORKED', `two histories of one device part after number ${seq}`, {
    details: { chain, seq, one, other },
  })
}
