/** An owner of several devices, as tests need one: each device has its own keys, and all of them are in every document. */
import { encodeMultikey, keyDigest, type SigningKey } from '@keystead/crypto'
import { nodeKeyProvider } from '@keystead/crypto/node'
import { createDidPeer4 } from '@keystead/did'
import { applyEntry, beginLog, type EntryResult, type LogState } from '../apply.ts'
import { type Entry, entryHash, relationshipId, signEntry, type UnsignedEntry } from '../entry.ts'

const provider = nodeKeyProvider()
export const makeKey = (): Promise<SigningKey> => provider.ephemeral({ kind: 'signing', suite: 'ed25519' })
const multikey = (key: SigningKey): string => encodeMultikey(key.publicKey)

/** One device's keys of a relationship: in force, committed to, and the one after that. */
export interface KeySet {
  readonly now: SigningKey
  readonly next: SigningKey
  readonly spare: SigningKey
}

export async function makeSet(): Promise<KeySet> {
  const [now, next, spare] = await Promise.all([makeKey(), makeKey(), makeKey()])
  return { now, next, spare }
}

/** All devices' keys at one place of the log, and the entry that put them there. */
export interface Place {
  readonly sets: readonly KeySet[]
  readonly entry: Entry
}

export function documentOf(keys: readonly string[]): string {
  const { longForm } = createDidPeer4({
    '@context': ['https://www.w3.org/ns/did/v1'],
    verificationMethod: keys.map((k, n) => ({ id: `#k${n}`, type: 'Multikey', publicKeyMultibase: k })),
    authentication: keys.map((_, n) => `#k${n}`),
  } as never)
  return longForm
}

/** Options of an entry; `by`: places of the devices that sign it, `without`: of the one it leaves out. */
export interface Make {
  readonly by: readonly number[]
  readonly without?: number
  readonly threshold?: number
  readonly parts?: Partial<UnsignedEntry>
}

export class Owner {
  readonly rel: string
  readonly begun: Place
  readonly state: LogState
  readonly threshold: number

  private constructor(rel: string, begun: Place, threshold: number) {
    this.rel = rel
    this.begun = begun
    this.threshold = threshold
    this.state = accepted(beginLog(begun.entry, rel))
  }

  static async make(count: number, threshold = 1, parts: Partial<UnsignedEntry> = {}): Promise<Owner> {
    const sets = await Promise.all(Array.from({ length: count }, makeSet))
    const entry = await sign(
      sets,
      sets.map(({ now }) => now),
      { threshold, type: 'inception', rel: '', seq: 0, prev: '', parts },
    )
    const stranger = await makeSet()
    const other = await sign([stranger], [stranger.now], { threshold: 1, type: 'inception', rel: '', seq: 0, prev: '' })
    return new Owner(relationshipId(entry, other), { sets, entry }, threshold)
  }

  /** An entry after `at`: the signing devices take up the keys they committed to, the others keep theirs. */
  async after(at: Place, { by, without, threshold, parts = {} }: Make): Promise<Place> {
    const moved = await Promise.all(
      at.sets.map(async (set, n) =>
        by.includes(n) ? { now: set.next, next: set.spare, spare: await makeKey() } : set,
      ),
    )
    const sets = moved.filter((_, n) => n !== without)
    const count = Math.min(threshold ?? this.threshold, sets.length)
    const signers = by.map((n) => (moved[n] as KeySet).now)
    const place = { rel: this.rel, seq: at.entry.seq + 1, prev: entryHash(at.entry) }
    return { sets, entry: await sign(sets, signers, { threshold: count, type: 'rotate', ...place, parts }) }
  }
}

async function sign(
  sets: readonly KeySet[],
  signers: readonly SigningKey[],
  {
    threshold,
    parts = {},
    ...place
  }: Pick<UnsignedEntry, 'type' | 'rel' | 'seq' | 'prev' | 'threshold'> & { parts?: Partial<UnsignedEntry> },
): Promise<Entry> {
  const keys = sets.map(({ now }) => multikey(now))
  const unsigned = {
    v: 1,
    doc: documentOf(keys),
    keys,
    threshold,
    next: sets.map(({ next }) => keyDigest(next.publicKey)),
    nextThreshold: threshold,
    recovery: [],
    ...place,
    ...parts,
  } as UnsignedEntry
  return signEntry(unsigned, signers)
}

export function accepted(result: EntryResult): LogState {
  if (!result.ok) throw new Error(`${result.code}: ${result.message}`)
  return result.state
}

export const codeOf = (result: EntryResult): string => (result.ok ? result.effect : result.code)

/** A receiver that hears these entries in this order, over and over until nothing changes: nothing is lost for good. */
export function hearing(begin: LogState, entries: readonly Entry[], time = 1): LogState {
  let state = begin
  for (;;) {
    const before = state
    for (const entry of entries) {
      const result = applyEntry(state, entry, time)
      if (result.ok && result.effect !== 'known') state = result.state
    }
    if (state === before) return state
  }
}
