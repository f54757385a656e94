/** SYNC-1, SYNC-2, SYNC-5: whatever happened to whom in which order, the devices of an owner agree in the end. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  compareOperations,
  isAhead,
  type LogState,
  mergeStates,
  nextStamp,
  type Operation,
  type Stamp,
  take,
} from './index.ts'
import { RANKS, TestDevice, testDevices } from './testing/device.ts'

const CHAINS = ['AAAAAAAAAAAAAAAAAAAAAA', 'BBBBBBBBBBBBBBBBBBBBBA', 'CCCCCCCCCCCCCCCCCCCCCA']

const stamp: fc.Arbitrary<Stamp> = fc.record({
  wall: fc.integer({ min: 0, max: 5 }),
  count: fc.integer({ min: 0, max: 2 }),
  chain: fc.constantFrom(...CHAINS),
})

/** Few names and times, so that they meet; also what no honest device writes: two contents under one stamp. */
const operation: fc.Arbitrary<Operation> = fc
  .record({
    segment: fc.constant('messages' as const),
    category: fc.constantFrom('note', 'contact'),
    name: fc.constantFrom('a', 'b', 'c'),
    stamp,
    value: fc.option(fc.record({ step: fc.integer({ min: 0, max: 3 }), text: fc.constantFrom('x', 'y') }), {
      nil: null,
    }),
  })
  .map(({ value, ...rest }) => (value === null ? rest : { ...rest, value }))

function stateOf(operations: readonly Operation[]): LogState {
  const state = new Map<string, Operation>()
  for (const one of operations) take(state, one, RANKS)
  return state
}
const view = (state: LogState): string => JSON.stringify([...state].sort(([a], [b]) => (a < b ? -1 : 1)))
const operations = fc.array(operation, { maxLength: 30 })

describe('merging', () => {
  it('is commutative, associative and idempotent', () => {
    fc.assert(
      fc.property(operations, operations, operations, (x, y, z) => {
        const [a, b, c] = [stateOf(x), stateOf(y), stateOf(z)]
        const merge = (one: LogState, other: LogState): LogState => mergeStates(one, other, RANKS)
        expect(view(merge(a, b))).toBe(view(merge(b, a)))
        expect(view(merge(merge(a, b), c))).toBe(view(merge(a, merge(b, c))))
        expect(view(merge(a, a))).toBe(view(a))
        expect(view(merge(merge(a, b), b))).toBe(view(merge(a, b)))
      }),
      { numRuns: 2000 },
    )
  })

  it('orders changes of one record totally', () => {
    const same = operation.map((one) => ({ ...one, category: 'contact', name: 'a' }))
    fc.assert(
      fc.property(same, same, same, (a, b, c) => {
        const compare = (one: Operation, other: Operation): number => Math.sign(compareOperations(one, other, RANKS))
        expect(compare(a, b)).toBe(-compare(b, a) + 0)
        if (compare(a, b) <= 0 && compare(b, c) <= 0) expect(compare(a, c)).toBeLessThanOrEqual(0)
      }),
      { numRuns: 5000 },
    )
  })

  it('10,000 changes in any order leave the same', () => {
    const many = fc.sample(operation, { numRuns: 10_000, seed: 7 }).map((one, i) => ({ ...one, name: `n${i % 500}` }))
    const shuffled = many.map((one, i) => [(i * 7919) % 10_007, one] as const).sort(([a], [b]) => a - b)
    expect(view(stateOf(shuffled.map(([, one]) => one)))).toBe(view(stateOf(many)))
  })

  it('a record with ranks never goes back, whatever the clocks say', () => {
    const one = (wall: number, value?: { step: number }): Operation => ({
      segment: 'relationships',
      category: 'contact',
      name: 'a',
      stamp: { wall, count: 0, chain: CHAINS[0] as string },
      ...(value ? { value } : {}),
    })
    expect(compareOperations(one(1, { step: 2 }), one(9, { step: 1 }), RANKS)).toBeGreaterThan(0)
    expect(compareOperations(one(1), one(9, { step: 3 }), RANKS)).toBeGreaterThan(0)
  })
})

describe('clocks', () => {
  it('a change that follows another has the higher stamp, however slow the clock', () =>
    fc.assert(
      fc.property(stamp, fc.integer({ min: 0, max: 10 }), fc.constantFrom(...CHAINS), (last, now, chain) => {
        const next = nextStamp(last, now, chain)
        expect(next.wall > last.wall || (next.wall === last.wall && next.count > last.count)).toBe(true)
      }),
    ))

  it('what is dated more than five minutes ahead waits', () => {
    const at = (wall: number): Operation[] => [
      { segment: 'messages', category: 'note', name: 'a', stamp: { wall, count: 0, chain: CHAINS[0] as string } },
    ]
    expect(isAhead(at(300_000), 0)).toBe(false)
    expect(isAhead(at(300_001), 0)).toBe(true)
  })
})

/** One step of a day with three devices: somebody writes, or two of them meet; clocks run apart. */
type Step =
  | { do: 'write'; who: number; name: string; value: { step: number; text: string } | null; category: string }
  | { do: 'meet'; who: number; other: number }
  | { do: 'clock'; who: number; ms: number }

const who = fc.integer({ min: 0, max: 2 })
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    do: fc.constant('write' as const),
    who,
    name: fc.constantFrom('a', 'b', 'c', 'd'),
    category: fc.constantFrom('note', 'contact'),
    value: fc.option(fc.record({ step: fc.integer({ min: 0, max: 3 }), text: fc.string({ maxLength: 8 }) })),
  }),
  fc.record({ do: fc.constant('meet' as const), who, other: who }),
  // Up to ten minutes either way: beyond what is taken in at once.
  fc.record({ do: fc.constant('clock' as const), who, ms: fc.integer({ min: -600_000, max: 600_000 }) }),
)

describe('three devices', () => {
  it('converge after any partition and with clocks apart, through sealed batches', async () => {
    const [a, b, c] = (await testDevices(3)) as [TestDevice, TestDevice, TestDevice]
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const devices = [a, b, c].map((one) => new TestDevice(one.log, one.dataKey, one.signer, one.kem))
        const listed = devices.map((device) => device.listed)
        for (const one of steps) {
          const device = devices[one.who] as TestDevice
          if (one.do === 'clock') device.now = Math.max(0, device.now + one.ms)
          else if (one.do === 'write') {
            device.write(one.name, one.value ?? undefined, one.category)
            await device.seal()
          } else if (one.other !== one.who) await device.follow(devices[one.other] as TestDevice, listed)
        }
        // The partition ends, and the clocks are set.
        for (const device of devices) device.now = 1e12
        for (let round = 0; round < 2; round++)
          for (const device of devices)
            for (const other of devices) if (other !== device) await device.follow(other, listed)
        const [first, ...others] = devices.map((device) => device.view())
        for (const other of others) expect(other).toBe(first)
      }),
      { numRuns: 60 },
    )
  })
})
