/** The light client: a verified read beside the raw primitive, a cold start, and what a proof weighs. */
import { randomBytes } from 'node:crypto'
import type { Bytes } from '@keystead/core'
import { nodeKeyProvider } from '@keystead/crypto/node'
import { encodeSubmission, networkHash, RULES } from '@keystead/did-dkms'
import { readBundle } from '@keystead/ledger'
import {
  decodeBundle,
  encodeBundle,
  follow,
  memoryPins,
  type Pin,
  PLACEHOLDER,
  type ProofBundle,
  readState,
  Trust,
  trimCommit,
  trustedAfter,
} from '@keystead/light-client'
import { Owner } from '../../packages/did-dkms/src/testing/owner.ts'
import { BftLedger } from '../../packages/ledger/src/testing/bft.ts'
import { removeFolders } from '../../packages/ledger/src/testing/ledger.ts'
import { START, TestChain, TestValidator } from '../../packages/light-client/src/testing/chain.ts'
import { type Budget, compare, type Row } from '../measure.ts'
import { nodeVerify } from '../raw.ts'

const area = 'light-client'
const DIDS = 1_000_000
const HEADS = 500

export async function lightClient(budget: Budget): Promise<Row[]> {
  const ledger = new BftLedger()
  try {
    const owner = new Owner(nodeKeyProvider(), networkHash(ledger.genesis), START + 86_400)
    const submission = await owner.genesis({ delays: [3600, 86_400, 259_200] })
    await ledger.submit(encodeSubmission(submission))
    const { did } = submission.operation
    const pin = await pinned(ledger, did)
    const heads = Array.from({ length: HEADS }, () => {
      ledger.pass(1)
      return encodeBundle(bundleOf(ledger, did, pin.logSize))
    })
    const baseline = { name: 'raw Ed25519 verify (node:crypto)', work: nodeVerify }
    let hot = await trustOf(ledger, pin)
    let next = 0
    return [
      await compare(budget, {
        area,
        what: 'verified read, 4 validators, a new head',
        ours: async () => {
          // From the beginning again when there are no newer ones, which is seldom.
          if (next === heads.length) [hot, next] = [await trustOf(ledger, pin), 0]
          await read(hot, heads[next++] as Uint8Array, did, ledger)
        },
        baseline,
        target: 3,
      }),
      await compare(budget, {
        area,
        what: 'verified read, 4 validators, the same head again',
        ours: () => read(hot, heads[next - 1] as Uint8Array, did, ledger),
        baseline,
        target: 3,
      }),
      ...(await coldStarts()),
      ...sizes(bundleOf(ledger, did, pin.logSize)),
    ]
  } finally {
    await ledger.close()
    removeFolders()
  }
}

async function read(trust: Trust, bytes: Uint8Array, did: string, ledger: BftLedger): Promise<void> {
  const bundle = decodeBundle(bytes)
  await trust.accept(bundle, ledger.chain.provider(), [])
  readState(did, bundle, ledger)
}

function bundleOf(ledger: BftLedger, did: string, from?: number): ProofBundle {
  const bundle = readBundle(ledger.view(), did, from)
  const { header, commit } = bundle.head
  return { ...bundle, head: { ...bundle.head, commit: trimCommit(commit, ledger.chain.signers(header.height)) } }
}

async function pinned(ledger: BftLedger, did: string): Promise<Pin> {
  const pins = memoryPins()
  const trust = new Trust({ genesis: ledger.genesis, versions: RULES, pins, clock: ledger.clock })
  return (await trust.accept(bundleOf(ledger, did), ledger.chain.provider(), [])).pin
}

async function trustOf(ledger: BftLedger, pin: Pin): Promise<Trust> {
  const pins = memoryPins()
  await pins.save(pin)
  return new Trust({ genesis: ledger.genesis, versions: RULES, pins, clock: ledger.clock })
}

/** Light blocks fetched from a checkpoint 10,000 blocks old. */
async function coldStarts(): Promise<Row[]> {
  const v = (name: string) => new TestValidator(name)
  const gradual = ['abcd', 'bcde', 'cdef', 'defg', 'efgh'].map(
    (names, i) => [i === 0 ? 1 : i * 2000, [...names].map(v)] as const,
  )
  const chains = {
    'nothing changed': { chain: TestChain.steady(), target: 3 },
    'validators replaced one by one': { chain: new TestChain({ sets: new Map(gradual) }), target: 20 },
    'all validators replaced at once': {
      chain: new TestChain({
        sets: new Map([
          [1, [...'abcd'].map(v)],
          [6007, [...'wxyz'].map(v)],
        ]),
      }),
      target: 20,
    },
  }
  const rows: Row[] = []
  for (const [what, { chain, target }] of Object.entries(chains)) {
    const provider = chain.provider()
    const from = await provider.lightBlock(1)
    const to = await provider.lightBlock(10_000)
    if (!from || !to) throw new Error('the chain is that long')
    await follow(trustedAfter(from), to, provider, { now: START + 20_000, trustingPeriod: 14 * 86_400 })
    const value = provider.asked.length
    rows.push({
      area,
      what: `cold start over 10,000 blocks, ${what}`,
      value,
      unit: 'fetches',
      baseline: null,
      ratio: null,
      target,
    })
  }
  return rows
}

/** Bytes of map proofs among a million random keys, and of a whole bundle with the longest of a thousand. */
function sizes(bundle: ProofBundle): Row[] {
  const keys = new BigUint64Array(randomBytes(8 * DIDS).buffer.slice(0)).sort()
  const proofs = Array.from({ length: 1000 }, (_, i) => path(keys, 1 + i * Math.floor((DIDS - 2) / 1000)))
  // The bundle differs from one without path by the proof alone.
  const weigh = (siblings: Bytes[]): number =>
    encodeBundle({ ...bundle, stateProof: { siblings } }).length -
    encodeBundle({ ...bundle, stateProof: { siblings: [] } }).length
  const weights = proofs.map((siblings) => ({ siblings, bytes: weigh(siblings) })).sort((a, b) => a.bytes - b.bytes)
  const whole = (siblings: Bytes[]): number =>
    encodeBundle({ ...bundle, stateProof: { siblings }, systemProof: { siblings } }).length
  const row = (what: string, value: number, target: number): Row => {
    return { area, what, value, unit: 'B', baseline: null, ratio: null, target }
  }
  return [500, 999].flatMap((place) => {
    const { bytes = 0, siblings = [] } = weights[place] ?? {}
    const which = place === 999 ? 'longest of 1,000' : 'median'
    return [
      row(`proof at 1 M DIDs, ${which}`, bytes, 850),
      row(`whole bundle at 1 M DIDs, 4 validators, ${which}`, whole(siblings), 4096),
    ]
  })
}

/** The siblings that the map has for one of these sorted keys: a hash where there are leaves, else the placeholder. */
function path(keys: BigUint64Array, at: number): Bytes[] {
  const common = (a: bigint, b: bigint): number => 64 - (a === b ? 0 : (a ^ b).toString(2).length)
  const [before = 0n, key = 0n, after = 0n] = keys.subarray(at - 1, at + 2)
  const depth = 1 + Math.max(common(before, key), common(key, after))
  return Array.from({ length: depth }, (_, i) => {
    // From the leaf upwards, the subtree that begins as the key does and then takes the other turn.
    const rest = BigInt(64 - (depth - i))
    const first = ((key >> rest) ^ 1n) << rest
    const found = keys[lowerBound(keys, first)] ?? 0n
    return found >= first && found >> rest === first >> rest ? new Uint8Array(32).fill(7) : PLACEHOLDER
  })
}

function lowerBound(keys: BigUint64Array, value: bigint): number {
  let [low, high] = [0, keys.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((keys[middle] as bigint) < value) low = middle + 1
    else high = middle
  }
  return low
}
