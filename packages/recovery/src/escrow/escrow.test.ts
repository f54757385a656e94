/** The three phases between a client and its agents, honest and lying. */
import { seededRandom } from '@keystead/core'
import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { type Deal, deal, FakeAgent, type Lie, recover } from '../testing/escrow.ts'
import { beginEscrow, type EscrowAnswer, stepEscrow } from './client.ts'

const PIN = '739164'
const WRONG = '508273'
const LIES: readonly Lie[] = ['card', 'old card', 'evaluation', 'element', 'share', 'other share']

let own: Deal
let other: Deal

beforeAll(async () => {
  own = await deal(PIN, 1)
  other = await deal(PIN, 2)
})

const agentsWith = (lies: Readonly<Record<number, Lie>>, present = [0, 1, 2, 3, 4]): (FakeAgent | undefined)[] =>
  own.records.map((record, i) =>
    present.includes(i) ? new FakeAgent(record, lies[i], other.records[(i + 1) % 5]) : undefined,
  )

const subsets = (size: number): number[][] =>
  Array.from({ length: 32 }, (_, mask) => [0, 1, 2, 3, 4].filter((i) => mask & (1 << i))).filter(
    (subset) => subset.length === size,
  )

describe('recovery by PIN', () => {
  it('yields the secret from every subset of three of five agents', async () => {
    for (const present of subsets(3)) {
      const client = await recover(own, PIN, agentsWith({}, present))
      expect(client.state === 'released' && client.secret).toEqual(own.secret)
      expect(client.liars).toEqual([])
    }
  })

  it('does not yield it from any two (ESCROW-6)', async () => {
    for (const present of subsets(2)) expect((await recover(own, PIN, agentsWith({}, present))).state).toBe('failed')
  })

  it('succeeds beside one or two agents that lie in any way, and names them (ESCROW-7)', async () => {
    const cases = [
      ...subsets(1).flatMap((liars) => LIES.map((lie) => ({ liars, lies: [lie] }))),
      ...subsets(2).map((liars, n) => ({ liars, lies: [LIES[n % 6] as Lie, LIES[(n * 2 + 1) % 6] as Lie] })),
    ]
    for (const { liars, lies } of cases) {
      // Liars answer first: whoever is quicker must not win.
      const order = [...liars, ...[0, 1, 2, 3, 4].filter((i) => !liars.includes(i))]
      const agents = agentsWith(Object.fromEntries(liars.map((i, place) => [i, lies[place] as Lie])))
      const client = await recover(own, PIN, agents, order)
      expect(client.state === 'released' && client.secret).toEqual(own.secret)
      expect([...client.liars].sort()).toEqual(liars.map((i) => own.ids[i]))
    }
  }, 120_000)

  it('from every subset of three to five, of which up to two lie: the secret where three are honest, else none, and only liars named', async () => {
    let n = 0
    for (const present of [3, 4, 5].flatMap(subsets))
      for (const liars of [1, 2].flatMap(subsets).filter((some) => some.every((i) => present.includes(i)))) {
        const lies = Object.fromEntries(liars.map((i) => [i, LIES[n++ % LIES.length] as Lie]))
        const client = await recover(own, PIN, agentsWith(lies, present))
        const honest = present.length - liars.length
        expect(client.state === 'released', `${present} of which ${liars} lie`).toBe(honest >= own.threshold)
        if (client.state === 'released') expect(client.secret).toEqual(own.secret)
        const named = liars.map((i) => own.ids[i])
        expect(named).toEqual(expect.arrayContaining([...client.liars]))
        if (client.state === 'released') expect([...client.liars].sort()).toEqual(named)
      }
  }, 120_000)

  it('with three that lie fails, and never yields another secret', async () => {
    for (const [n, liars] of subsets(3).entries()) {
      const client = await recover(own, PIN, agentsWith(Object.fromEntries(liars.map((i) => [i, LIES[n % 6] as Lie]))))
      expect(client.state).toBe('failed')
    }
  }, 120_000)

  it('tells a wrong PIN from a lying agent (ESCROW-5)', async () => {
    const client = await recover(own, WRONG, agentsWith({ 2: 'evaluation' }))
    expect(client.state).toBe('wrong-pin')
    expect(client.liars).toEqual([own.ids[2]])
  })

  it('two agents that agree on a card of their own are outvoted, though their card asks for two only', async () => {
    const easy = await deal(PIN, 3, { threshold: 2, count: 3 })
    const agents = own.records.map(
      (record, i) => new FakeAgent(record, i < 2 ? 'old card' : undefined, easy.records[i]),
    )
    const client = await recover(own, PIN, agents)
    expect(client.state === 'released' && client.secret).toEqual(own.secret)
    expect(client.liars).toEqual(own.ids.slice(0, 2))
  })

  it('locks for good after the guesses allowed, though the next PIN were right (rule 24)', async () => {
    const agents = agentsWith({})
    for (const wrong of ['508273', '508274', '508276', '508279', '508287'])
      expect((await recover(own, wrong, agents)).state).toBe('wrong-pin')
    for (let again = 0; again < 3; again++) {
      const client = await recover(own, PIN, agents)
      expect(client.state).toBe('failed')
      expect(Object.values(client.away)).toContain('ESCROW_LOCKED')
    }
  }, 60_000)

  it('nothing that an agent keeps is kept by another: no two records share 16 bytes (ESCROW-2)', () => {
    const seen = new Map<string, number>()
    for (const [i, record] of own.records.entries())
      for (const bytes of [record.auth, record.share, record.card, record.release, record.tag])
        for (let at = 0; at + 16 <= bytes.length; at++) {
          const text = Buffer.from(bytes.subarray(at, at + 16)).toString('hex')
          expect(seen.get(text) ?? i).toBe(i)
          seen.set(text, i)
        }
    expect(new Set(own.records.map(({ account }) => account)).size).toBe(5)
    expect(new Set(own.records.map(({ card }) => card.length)).size).toBe(1)
  })
})

describe('the client', () => {
  it('takes whatever agents send in whatever order, and never throws', () => {
    const id = fc.constantFrom(...['x', 'did:example:agent0', 'did:example:agent1', 'did:example:agent4'])
    const bytes = fc.uint8Array({ maxLength: 200 })
    const answers: fc.Arbitrary<EscrowAnswer> = fc.oneof(
      fc.record({ type: fc.constant('card' as const), agent: id, sealed: bytes }),
      fc.nat(4).map((i) => ({
        type: 'card' as const,
        agent: own.ids[i] as string,
        sealed: own.records[i]?.card ?? new Uint8Array(),
      })),
      fc.record({ type: fc.constant('evaluation' as const), agent: id, evaluated: bytes, proof: bytes }),
      fc.record({ type: fc.constant('share' as const), agent: id, sealed: bytes }),
      fc.record({ type: fc.constant('nonsense' as const), agent: id }),
      fc.record({ type: fc.constant('away' as const), agent: id, code: fc.string() }),
      fc.constant({
        type: 'pin' as const,
        stretched: { access: new Uint8Array(32).fill(1), seed: new Uint8Array(32).fill(2) },
      }),
    )
    fc.assert(
      fc.property(fc.array(answers, { maxLength: 12 }), (all) => {
        const random = seededRandom(5)
        let client = beginEscrow(own.locator, own.ids, own.threshold)
        for (const answer of all) client = stepEscrow(client, answer, random)
        expect(client.state).not.toBe('released')
      }),
      { numRuns: 60 },
    )
  }, 60_000)
})
