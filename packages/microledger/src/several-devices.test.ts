/** Several devices of one owner, whoever receives them in whatever order, and one of them stolen (rule 20). */
import { keyDigest } from '@keystead/crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { applyEntry, type LogState, settleLog } from './apply.ts'
import { type Entry, entryHash } from './entry.ts'
import { forkAmong, parseFork, provesFork } from './fork.ts'
import { MAX_CONFLICT, VETOES } from './limits.ts'
import { accepted, codeOf, hearing, makeKey, Owner, type Place } from './testing/devices.ts'
import { multikeyOf, recoverEntry } from './testing/recover.ts'

const where = ({ status, now, conflict }: LogState) => ({ status, head: now.head, seq: now.seq, conflict })
/** What makes an entry another one than the rest of what it says. */
const distinct = async () => ({ recovery: [{ h: keyDigest((await makeKey()).publicKey), delay: 1 }] })
const apart = (one: Entry, other: Entry) => [entryHash(one), entryHash(other)].sort() as [string, string]

describe('RELATIONSHIP-34: several devices', () => {
  test('each of them may rotate, keeps its own keys while others rotate, and is in every document', async () => {
    const owner = await Owner.make(3)
    const one = await owner.after(owner.begun, { by: [0] })
    const two = await owner.after(one, { by: [2] })
    const state = hearing(owner.state, [one.entry, two.entry])
    expect(state.now.keys).toHaveLength(3)
    expect(state.now.keys[1]).toBe(owner.begun.entry.keys[1])
    expect(where(state)).toMatchObject({ status: 'active', seq: 2 })
  })

  test('below the threshold MUST NOT change anything, to it does', async () => {
    const owner = await Owner.make(3, 2)
    const alone = await owner.after(owner.begun, { by: [1], threshold: 1 })
    expect(codeOf(applyEntry(owner.state, alone.entry, 1))).toBe('PRE_ROTATION_VIOLATED')
    const one = await Owner.make(3, 1)
    const raised = await one.after(one.begun, { by: [0], threshold: 2 })
    expect(codeOf(applyEntry(one.state, raised.entry, 1))).toBe('THRESHOLD_NOT_MET')
    const together = await owner.after(owner.begun, { by: [0, 2] })
    expect(codeOf(applyEntry(owner.state, together.entry, 1))).toBe('rotated')
  })

  test('a device that was revoked signs nothing more, and what it signs for its old place is stale', async () => {
    const owner = await Owner.make(2)
    const revoked = await owner.after(owner.begun, { by: [0], without: 1 })
    const rest = await owner.after(revoked, { by: [0] })
    const state = hearing(owner.state, [revoked.entry, rest.entry])
    expect(state.now.keys).toHaveLength(1)
    const thief = await owner.after(owner.begun, { by: [1], without: 0 })
    expect(codeOf(applyEntry(state, thief.entry, 2))).toBe('STALE_ENTRY')
    const further = await owner.after(thief, { by: [0] })
    expect(codeOf(applyEntry(state, further.entry, 2))).toBe('PREV_MISMATCH')
    const ahead = await owner.after(further, { by: [0] })
    expect(codeOf(applyEntry(state, ahead.entry, 2))).toBe('PREV_MISMATCH')
  })
})

describe('RELATIONSHIP-5: whoever saw the same entries stands at the same one', () => {
  test('in whatever order and however often the entries of one line come', async () => {
    const owner = await Owner.make(3)
    const places: Place[] = [owner.begun]
    for (const device of [0, 1, 1, 2, 0, 2]) places.push(await owner.after(places.at(-1) as Place, { by: [device] }))
    const entries = places.slice(1).map(({ entry }) => entry)
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...entries), { maxLength: 20 }), (some) => {
        const state = hearing(owner.state, [...some, ...entries])
        expect(where(state)).toMatchObject({ status: 'active', seq: 6 })
      }),
      { numRuns: 60 },
    )
  })

  test('two or three devices that rotate at once freeze every receiver alike, and one entry ends it for all', async () => {
    const owner = await Owner.make(3)
    const rivals = await Promise.all([0, 1, 2].map((device) => owner.after(owner.begun, { by: [device] })))
    const entries = rivals.map(({ entry }) => entry)
    const [one, other] = entries as [Entry, Entry]
    const peace = await owner.after(owner.begun, { by: [1], parts: { seq: 2, resolves: apart(one, other) } })
    fc.assert(
      fc.property(fc.shuffledSubarray(entries, { minLength: 2 }), (seen) => {
        const frozen = hearing(owner.state, seen)
        expect(where(frozen)).toEqual({
          status: 'frozen',
          seq: 0,
          head: owner.state.now.head,
          conflict: { seq: 1, heads: seen.map(entryHash).sort() },
        })
        const all = hearing(owner.state, [...seen, ...entries, peace.entry])
        expect(where(all)).toMatchObject({ status: 'active', head: entryHash(peace.entry) })
        expect(where(hearing(all, entries))).toEqual(where(all))
      }),
      { numRuns: 40 },
    )
  })

  test('two who end a conflict at once freeze it again, alike for all, and may end that', async () => {
    const owner = await Owner.make(2)
    const [a, b] = await Promise.all([0, 1].map((device) => owner.after(owner.begun, { by: [device] })))
    const resolves = apart((a as Place).entry, (b as Place).entry)
    const peace = await Promise.all(
      [0, 1].map((device) => owner.after(owner.begun, { by: [device], parts: { seq: 2, resolves } })),
    )
    const [p, q] = peace.map(({ entry }) => entry) as [Entry, Entry]
    const entries = [(a as Place).entry, (b as Place).entry, p, q]
    const states = [entries, [...entries].reverse()].map((order) => where(hearing(owner.state, order)))
    expect(states[0]).toEqual({
      status: 'frozen',
      seq: 0,
      head: owner.state.now.head,
      conflict: { seq: 2, heads: apart(p, q) },
    })
    expect(states[1]).toEqual(states[0])
    const last = await owner.after(owner.begun, { by: [0], parts: { seq: 3, resolves: apart(p, q) } })
    expect(where(hearing(owner.state, [...entries, last.entry]))).toMatchObject({ status: 'active', seq: 3 })
  })

  test('led apart by somebody between, two receivers prove it to each other, and anybody may check', async () => {
    const owner = await Owner.make(2)
    const [a, b] = [await owner.after(owner.begun, { by: [0] }), await owner.after(owner.begun, { by: [1] })]
    const [a2, b2] = [await owner.after(a, { by: [0] }), await owner.after(b, { by: [1] })]
    const known = [owner.begun.entry, a.entry, a2.entry]
    expect(codeOf(applyEntry(hearing(owner.state, known.slice(1)), b.entry, 1))).toBe('STALE_ENTRY')
    const fork = forkAmong(known, b.entry)
    expect(fork && provesFork(parseFork(JSON.parse(JSON.stringify(fork))))).toBe(true)
    expect(forkAmong([owner.begun.entry, b.entry, b2.entry], a.entry)).toEqual(fork)
    expect(forkAmong(known, a.entry)).toBeUndefined()
    const stranger = await Owner.make(2)
    const forged = await stranger.after(stranger.begun, { by: [0], parts: { prev: b.entry.prev, rel: owner.rel } })
    expect(forkAmong(known, forged.entry)).toBeUndefined()
  })
})

describe('RELATIONSHIP-5: a conflict', () => {
  test('ends by an entry of the keys before it, at its place, that names two of those it is about, and by no other', async () => {
    const [owner, stranger] = [await Owner.make(2), await Owner.make(2)]
    const [a, b] = [await owner.after(owner.begun, { by: [0] }), await owner.after(owner.begun, { by: [1] })]
    const unseen = await owner.after(owner.begun, { by: [0], parts: await distinct() })
    const frozen = hearing(owner.state, [a.entry, b.entry])
    const resolves = apart(a.entry, b.entry)
    const said = async (at: Place, parts: object, by: Owner = owner) =>
      codeOf(applyEntry(frozen, (await by.after(at, { by: [0], parts })).entry, 1))
    expect(await said(owner.begun, { seq: 2 })).toBe('FROZEN')
    expect(await said(owner.begun, { seq: 2, resolves: apart(a.entry, unseen.entry) })).toBe('FROZEN')
    expect(await said(owner.begun, { seq: 3, resolves })).toBe('PREV_MISMATCH')
    expect(await said(a, { resolves })).toBe('PREV_MISMATCH')
    const forged = { seq: 2, resolves, rel: owner.rel, prev: entryHash(owner.begun.entry) }
    expect(await said(stranger.begun, forged, stranger)).toBe('PRE_ROTATION_VIOLATED')
    expect(await said(owner.begun, { seq: 2, resolves })).toBe('resolved')
  })

  test('is of entries that leave out nothing between, and end nothing where there is none', async () => {
    const owner = await Owner.make(2)
    const [a, b] = await Promise.all([0, 1].map((device) => owner.after(owner.begun, { by: [device] })))
    const resolves = apart((a as Place).entry, (b as Place).entry)
    const rotated = hearing(owner.state, [(a as Place).entry])
    const early = await owner.after(owner.begun, { by: [1], parts: { resolves } })
    expect(codeOf(applyEntry(rotated, early.entry, 1))).toBe('PREV_MISMATCH')
    const peace = await owner.after(owner.begun, { by: [0], parts: { seq: 2, resolves } })
    const settled = hearing(owner.state, [(a as Place).entry, (b as Place).entry, peace.entry])
    const silent = await owner.after(owner.begun, { by: [1], parts: { seq: 2 } })
    expect(codeOf(applyEntry(settled, silent.entry, 1))).toBe('PREV_MISMATCH')
  })

  test('of more entries than are kept stays one, and no longer', async () => {
    const owner = await Owner.make(2)
    const rivals = await Promise.all(
      Array.from({ length: MAX_CONFLICT + 4 }, async () =>
        owner.after(owner.begun, { by: [0], parts: await distinct() }),
      ),
    )
    let state = owner.state
    for (const { entry } of rivals) state = accepted(applyEntry(state, entry, 1))
    expect(where(state)).toMatchObject({ status: 'frozen', seq: 0 })
    expect(state.conflict?.heads).toHaveLength(MAX_CONFLICT)
  })

  test('gives no veto back that was spent', async () => {
    const [path, fresh] = [await makeKey(), await makeKey()]
    const recovery = [{ h: keyDigest(path.publicKey), delay: 60 }]
    const owner = await Owner.make(2, 1, { recovery })
    const entry = await recoverEntry(owner.rel, owner.state.now, path, fresh)
    const pending = accepted(applyEntry(owner.state, entry, 100))
    const veto = await owner.after(owner.begun, { by: [0], parts: { recovery, vetoes: entryHash(entry) } })
    const rival = await owner.after(owner.begun, { by: [1], parts: { recovery } })
    const frozen = accepted(applyEntry(accepted(applyEntry(pending, veto.entry, 101)), rival.entry, 102))
    expect(frozen).toMatchObject({ status: 'frozen', recovery: { vetoesLeft: VETOES - 1 } })
  })

  test('is proven by two entries for one place of one relationship that follow the same one, and by nothing less', async () => {
    const [owner, stranger] = [await Owner.make(2), await Owner.make(2)]
    const base = owner.begun.entry
    const made = async (parts: object) => (await owner.after(owner.begun, { by: [1], parts })).entry
    const one = (await owner.after(owner.begun, { by: [0] })).entry
    const proves = (other: Entry) => provesFork({ base, entries: [one, other] })
    expect(proves(await made({}))).toBe(true)
    expect(proves(await made({ seq: 2 }))).toBe(false)
    expect(proves(await made({ prev: entryHash(one) }))).toBe(false)
    expect(proves(await made({ rel: stranger.rel }))).toBe(false)
  })
})

describe('a stolen device', () => {
  /** What a device can make of its own keys: anything it likes, for any place, as often as it likes. */
  async function thefts(owner: Owner, at: Place, device: number, rival?: Entry): Promise<Entry[]> {
    const recovery = [{ h: keyDigest((await makeKey()).publicKey), delay: 1 }]
    const others = at.sets.map((_, n) => n).filter((n) => n !== device)
    const made = await Promise.all([
      owner.after(at, { by: [device], threshold: 1 }),
      owner.after(at, { by: [device], threshold: 1, parts: { recovery } }),
      owner.after(at, { by: [device], threshold: 1, parts: { type: 'close' } }),
      owner.after(at, { by: [device], threshold: 1, without: others[0] as number }),
      ...(rival
        ? [
            owner.after(at, {
              by: [device],
              threshold: 1,
              parts: { seq: rival.seq + 1, resolves: apart(rival, rival) },
            }),
          ]
        : []),
    ])
    const further = await Promise.all(
      made.slice(0, 2).map((place) => owner.after(place, { by: [device], threshold: 1 })),
    )
    const first = made[0] as Place
    const resolving = rival
      ? [
          await owner.after(at, {
            by: [device],
            threshold: 1,
            parts: { seq: rival.seq + 1, resolves: apart(rival, first.entry) },
          }),
        ]
      : []
    return [...made, ...further, ...resolving].map(({ entry }) => entry)
  }

  test('of three to a threshold of two MUST NOT move any receiver, whatever it signs', async () => {
    const owner = await Owner.make(3, 2)
    const rotated = await owner.after(owner.begun, { by: [0, 1] })
    const stolen = [...(await thefts(owner, owner.begun, 2, rotated.entry)), ...(await thefts(owner, rotated, 2))]
    fc.assert(
      fc.property(fc.shuffledSubarray(stolen), fc.nat(), (some, at) => {
        const place = at % (some.length + 1)
        const entries = [...some.slice(0, place), rotated.entry, ...some.slice(place)]
        expect(where(hearing(owner.state, entries))).toMatchObject({ status: 'active', head: entryHash(rotated.entry) })
      }),
      { numRuns: 60 },
    )
  })

  test('once revoked, by two entries that came, MUST NOT move any receiver', async () => {
    const owner = await Owner.make(2)
    const revoked = await owner.after(owner.begun, { by: [0], without: 1 })
    const rest = await owner.after(revoked, { by: [0] })
    const state = hearing(owner.state, [revoked.entry, rest.entry])
    const stolen = await thefts(owner, owner.begun, 1, revoked.entry)
    fc.assert(
      fc.property(fc.shuffledSubarray(stolen), (some) => {
        expect(hearing(state, some)).toBe(state)
      }),
      { numRuns: 40 },
    )
  })

  test('that was faster freezes with the owner’s entry, and gains no recovery set by it', async () => {
    const owner = await Owner.make(2)
    const recovery = [{ h: keyDigest((await makeKey()).publicKey), delay: 1 }]
    const thief = await owner.after(owner.begun, { by: [1], parts: { recovery } })
    const honest = await owner.after(owner.begun, { by: [0], without: 1 })
    for (const entries of [
      [thief.entry, honest.entry],
      [honest.entry, thief.entry],
    ]) {
      const frozen = settleLog(hearing(owner.state, entries), 1000)
      expect(where(frozen)).toMatchObject({ status: 'frozen', seq: 0 })
      expect(frozen.recovery).toMatchObject({ entries: [], epoch: 0 })
    }
  })

  test('that was faster by two entries loses the relationship to the owner’s recovery', async () => {
    const [path, fresh] = [await makeKey(), await makeKey()]
    const recovery = [{ h: keyDigest(path.publicKey), delay: 60 }]
    const owner = await Owner.make(2, 1, { recovery })
    const thief = await owner.after(owner.begun, { by: [1], without: 0, parts: { recovery: [] } })
    const further = await owner.after(thief, { by: [0], parts: { recovery: [] } })
    const taken = hearing(owner.state, [thief.entry, further.entry], 1)
    expect(taken.now.seq).toBe(2)
    const entry = await recoverEntry(owner.rel, taken.now, path, fresh)
    const pending = accepted(applyEntry(taken, entry, 100))
    expect(settleLog(pending, 160).now).toMatchObject({ seq: 3, keys: [multikeyOf(fresh)] })
  })
})
