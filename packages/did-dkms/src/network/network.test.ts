import { canonicalJson, multihash } from '@keystead/core'
import { encodeMultikey } from '@keystead/crypto'
import { nodeKeyProvider } from '@keystead/crypto/node'
import { beforeEach, describe, expect, test } from 'vitest'
import { MAX_MOVES, MAX_VALIDATORS } from '../limits.ts'
import { encodeSubmission } from '../parse/submission.ts'
import { Governor, type NetworkMembers } from '../testing/governor.ts'
import { applyNetwork } from './apply.ts'
import { type NetworkGenesis, networkHash, parseNetworkGenesis } from './genesis.ts'
import { productionParameters } from './parameters.ts'
import { networkDid, parseAnySubmission } from './parse.ts'
import { addressOf } from './power.ts'
import { removeMisbehaving, settleNetwork } from './settle.ts'
import {
  decodeNetwork,
  encodeNetworkLeaf,
  initialNetwork,
  type NetworkState,
  networkDigest,
  networkDigests,
} from './state.ts'
import type { NetworkSubmission } from './types.ts'

const provider = nodeKeyProvider()
const T0 = 1_800_000_000
const DAY = 86_400
const RULES_2 = multihash.encode(new Uint8Array(32).fill(2))

let governor: Governor
let validators: string[]
let genesis: NetworkGenesis
let net: string
let state: NetworkState

async function network(count: number, power = 100): Promise<void> {
  governor = await Governor.make(provider, T0 + 20 * DAY)
  validators = (await governor.keys(8)).map((key) => encodeMultikey(key.publicKey))
  genesis = {
    v: 1,
    chainId: 'keystead-test',
    time: T0,
    parameters: productionParameters,
    validators: validators.slice(0, count).map((k) => ({ k, power })),
    governance: governor.authority(),
  }
  net = networkHash(genesis)
  state = initialNetwork(genesis)
}

const key = (i: number): string => validators[i] as string
const powers = (now: NetworkState) => Object.fromEntries(now.validators.set.map(({ k, power }) => [k, power]))

/** Applied at `time`, after settling: the new state, or the code of the refusal. */
function take(submission: NetworkSubmission, time = T0, lost = 0): string {
  const settled = settleNetwork(state, { time, lost })
  const result = applyNetwork(settled, submission, { net, time, lost })
  if (!result.ok) return result.code
  state = decodeNetwork((name) => encodeNetworkLeaf(result.state, name))
  expect(state).toEqual(result.state)
  return 'accepted'
}

async function propose(members: NetworkMembers, time = T0, signers?: Governor['now']): Promise<string> {
  return take(await governor.operation(state, net, members, signers), time)
}

beforeEach(() => network(4))

describe('wire', () => {
  test('NET-3: what was encoded parses to the same, and only closed canonical bytes do', async () => {
    const submission = await governor.operation(state, net, { type: 'parameters', set: { vetoes: 3 } })
    const bytes = encodeSubmission(submission)
    expect(parseAnySubmission(bytes)).toEqual(submission)
    const { operation } = submission
    const wrong = [
      { ...operation, extra: 1 },
      { ...operation, set: {} },
      { ...operation, set: { vetoes: 17 } },
      { ...operation, set: { unknown: 1 } },
      { ...operation, type: 'genesis' },
      { ...operation, seq: 0 },
      { ...operation, proof: [] },
    ]
    for (const op of wrong) expect(() => parseAnySubmission(canonicalJson({ op }))).toThrow()
    expect(() => parseAnySubmission(canonicalJson({ op: operation, body: {} }))).toThrow()
    const other = { ...operation, did: networkDid(RULES_2) }
    expect(() => parseAnySubmission(canonicalJson({ op: other }))).toThrow()
  })

  test('NET-1: a genesis document is closed, its parameters are all there and within bounds', () => {
    const json = JSON.parse(JSON.stringify(genesis))
    expect(parseNetworkGenesis(json)).toEqual(genesis)
    for (const change of [
      { x: 1 },
      { parameters: { ...genesis.parameters, vetoes: 17 } },
      { parameters: { ...genesis.parameters, trustingPeriod: 1 } },
      { validators: [] },
      { validators: [genesis.validators[0], genesis.validators[0]] },
    ])
      expect(() => parseNetworkGenesis({ ...json, ...change })).toThrow()
  })

  test('NET-8: each leaf and each change of one gives another digest', async () => {
    const before = networkDigest(networkDigests(state))
    await propose({ type: 'parameters', set: { vetoes: 3 } })
    expect(networkDigest(networkDigests(state))).not.toBe(before)
  })
})

describe('who governs', () => {
  test('NET-10: the threshold of governance keys in force, in order, on its own network, in time', async () => {
    const members = { type: 'parameters', set: { vetoes: 3 } } as const
    expect(await propose(members, T0, governor.now.slice(0, 1))).toBe('THRESHOLD_NOT_MET')
    expect(await propose(members, T0, await governor.keys(3))).toBe('KEY_NOT_AUTHORIZED')
    expect(await propose(members, T0, governor.next)).toBe('KEY_NOT_AUTHORIZED')
    const good = await governor.operation(state, net, members)
    expect(take(good, T0 + 21 * DAY)).toBe('EXPIRED')
    expect(take(good, T0 - 11 * DAY)).toBe('NOT_AFTER_TOO_FAR')
    expect(take(good)).toBe('accepted')
    expect(take(good)).toBe('SEQ_MISMATCH')
    const stray = await governor.operation({ governance: { ...state.governance, head: RULES_2 } }, net, members)
    expect(take(stray)).toBe('PREV_MISMATCH')
    const elsewhere = await governor.operation(state, RULES_2, members)
    expect(take(elsewhere)).toBe('WRONG_NETWORK')
  })

  test('NET-10: a network whose genesis document names no governance cannot be changed by anybody', async () => {
    const { governance: _, ...rest } = genesis
    state = initialNetwork(rest)
    net = networkHash(rest)
    expect(await propose({ type: 'parameters', set: { vetoes: 3 } })).toBe('NETWORK_NOT_GOVERNED')
  })

  test('NET-11: governance rotates to keys it committed to, and no others', async () => {
    const next = await governor.keys(3)
    const strangers = await governor.keys(3)
    const rotate = (now = governor.next, then = next) =>
      ({ type: 'governance', auth: governor.authority(now, then) }) as const
    expect(await propose(rotate(governor.now), T0, governor.now)).toBe('PRE_ROTATION_VIOLATED')
    expect(await propose(rotate(strangers), T0, strangers)).toBe('PRE_ROTATION_VIOLATED')
    expect(await propose(rotate(governor.next, governor.now), T0, governor.next)).toBe('KEY_ALREADY_EXPOSED')
    expect(await propose(rotate(), T0, governor.now)).toBe('KEY_NOT_AUTHORIZED')
    expect(await propose(rotate(), T0, governor.next)).toBe('accepted')
    expect(await propose({ type: 'parameters', set: { vetoes: 3 } })).toBe('KEY_NOT_AUTHORIZED')
    governor.now = governor.next
    expect(await propose({ type: 'parameters', set: { vetoes: 3 } })).toBe('accepted')
  })
})

describe('validators', () => {
  test('NET-12: a change waits for the delay, then is in force', async () => {
    expect(await propose({ type: 'validators', changes: [{ k: key(4), power: 100 }] })).toBe('accepted')
    expect(settleNetwork(state, { time: T0 + DAY - 1, lost: 0 })).toBe(state)
    const settled = settleNetwork(state, { time: T0 + DAY, lost: 0 })
    expect(powers(settled)[key(4)]).toBe(100)
    expect(settleNetwork(state, { time: T0 + DAY, lost: 1 })).toBe(state)
  })

  test('NET-12: within the trusting period at most a third of the power moves, however it is sliced', async () => {
    expect(await propose({ type: 'validators', changes: [0, 1].map((i) => ({ k: key(i), power: 0 })) })).toBe(
      'POWER_CHANGE_TOO_LARGE',
    )
    expect(await propose({ type: 'validators', changes: [{ k: key(0), power: 0 }] })).toBe('accepted')
    const second = { type: 'validators', changes: [{ k: key(4), power: 50 }] } as const
    expect(await propose(second, T0 + 10)).toBe('CHANGE_PENDING')
    state = settleNetwork(state, { time: T0 + DAY, lost: 0 })
    expect(await propose(second, T0 + DAY)).toBe('POWER_CHANGE_TOO_LARGE')
    expect(await propose(second, T0 + 15 * DAY)).toBe('accepted')
  })

  test('NET-12: never fewer than one, never nothing, never a crowd', async () => {
    const none = { type: 'validators', changes: [0, 1, 2, 3].map((i) => ({ k: key(i), power: 0 })) } as const
    expect(await propose(none)).toBe('VALIDATORS_EMPTY')
    expect(await propose({ type: 'validators', changes: [{ k: key(0), power: 100 }] })).toBe('NOTHING_CHANGES')
    expect(await propose({ type: 'validators', changes: [{ k: key(7), power: 0 }] })).toBe('NOTHING_CHANGES')
    const set = Array.from({ length: MAX_VALIDATORS }, (_, i) => ({ k: `validator ${i}`, power: 100 }))
    const crowd = { ...state, validators: { set, moved: [] } }
    const one = await governor.operation(crowd, net, { type: 'validators', changes: [{ k: key(7), power: 1 }] })
    expect(applyNetwork(crowd, one, { net, time: T0, lost: 0 })).toMatchObject({ code: 'VALIDATORS_TOO_MANY' })
  })

  test('NET-13: a proven equivocation removes at once, and no change that waits brings it back', async () => {
    await propose({ type: 'validators', changes: [{ k: key(0), power: 90 }] })
    const after = removeMisbehaving(state, [addressOf(key(0))], T0 + 5)
    expect(powers(after)[key(0)]).toBeUndefined()
    expect(after.validators.pending).toBeUndefined()
    expect(removeMisbehaving(after, [addressOf(key(0))], T0 + 6)).toBe(after)
    expect(removeMisbehaving(after, [new Uint8Array(20)], T0 + 6)).toBe(after)
    await network(1)
    expect(removeMisbehaving(state, [addressOf(key(0))], T0)).toBe(state)
  })

  test('NET-12: however often power moves within the period, the leaf stays one that every node can read', () => {
    const moved = Array.from({ length: MAX_MOVES }, (_, i) => ({ at: T0 + i, power: 1 }))
    const busy = { ...state, validators: { ...state.validators, moved } }
    const after = removeMisbehaving(busy, [addressOf(key(0))], T0 + DAY)
    expect(decodeNetwork((name) => encodeNetworkLeaf(after, name))).toEqual(after)
    // Nothing that moved is forgotten before its time.
    expect(after.validators.moved.at(-1)).toEqual({ at: T0 + DAY, power: 101 })
  })

  test('NET-15: from one validator to several only a handover leads, and the old key does not come along', async () => {
    await network(1, 300)
    expect(await propose({ type: 'validators', changes: [{ k: key(1), power: 10 }] })).toBe('HANDOVER_REQUIRED')
    const all = [0, 1, 2, 3].map((i) => ({ k: key(i), power: 10 }))
    expect(await propose({ type: 'validators', changes: all, handover: true })).toBe('HANDOVER_NOT_ALLOWED')
    expect(await propose({ type: 'validators', changes: all.slice(1), handover: true })).toBe('accepted')
    const settled = settleNetwork(state, { time: T0 + DAY, lost: 0 })
    expect(Object.keys(powers(settled)).sort()).toEqual([key(1), key(2), key(3)].sort())
    state = settled
    const others = [4, 5, 6, 7].map((i) => ({ k: key(i), power: 10 }))
    expect(await propose({ type: 'validators', changes: others, handover: true }, T0 + DAY)).toBe(
      'HANDOVER_NOT_ALLOWED',
    )
  })
})

describe('parameters and protocol', () => {
  test('NET-9: parameters change after the delay; what waits can be cancelled, what stands cannot', async () => {
    expect(await propose({ type: 'parameters', set: { vetoes: 3, perHour: 20 } })).toBe('accepted')
    expect(await propose({ type: 'parameters', set: { vetoes: 1 } })).toBe('CHANGE_PENDING')
    const { seq } = state.governance
    const then = settleNetwork(state, { time: T0 + DAY, lost: 0 }).parameters
    expect(then).toEqual({ now: { ...productionParameters, vetoes: 3, perHour: 20 } })
    expect(await propose({ type: 'cancel', of: seq }, T0 + DAY)).toBe('NOTHING_PENDING')
    expect(await propose({ type: 'cancel', of: seq })).toBe('accepted')
    expect(settleNetwork(state, { time: T0 + DAY, lost: 0 }).parameters).toEqual({ now: productionParameters })
  })

  test('NET-14: an upgrade is to the next version, with its notice', async () => {
    const upgrade = { type: 'upgrade', version: 2, rules: RULES_2, time: T0 + 14 * DAY } as const
    expect(await propose({ ...upgrade, version: 3 })).toBe('VERSION_NOT_NEXT')
    expect(await propose({ ...upgrade, time: T0 + 14 * DAY - 1 })).toBe('NOTICE_TOO_SHORT')
    expect(await propose(upgrade)).toBe('accepted')
    expect(settleNetwork(state, { time: T0 + 14 * DAY - 1, lost: 0 })).toBe(state)
    const after = settleNetwork(state, { time: T0 + 14 * DAY, lost: 0 })
    expect(after.protocol).toEqual({ version: 2, rules: RULES_2 })
  })
})
