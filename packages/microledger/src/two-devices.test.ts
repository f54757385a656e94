/** An owner whose changes need two devices (RELATIONSHIP-34), and somebody who has one of them. */
import { keyDigest } from '@keystead/crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { applyEntry, type LogState, settleLog } from './apply.ts'
import { type Entry, entryHash, type UnsignedEntry } from './entry.ts'
import { accepted, codeOf, hearing, makeKey, Owner, type Place } from './testing/devices.ts'
import { multikeyOf, recoverEntry } from './testing/recover.ts'

const where = ({ status, now, recovery }: LogState) => ({
  status,
  head: now.head,
  pending: recovery.pending !== undefined,
})

/** Two of two, as an owner who had one device's signature came to it: by an entry that one device signed. */
async function raised(parts: Partial<UnsignedEntry> = {}): Promise<{ owner: Owner; at: Place; state: LogState }> {
  const owner = await Owner.make(2, 1, parts)
  const at = await owner.after(owner.begun, { by: [0], parts: { nextThreshold: 2, ...parts } })
  return { owner, at, state: accepted(applyEntry(owner.state, at.entry, 1)) }
}

describe('RELATIONSHIP-34: two of two', () => {
  test('one device comes to it, both change anything from then on, and both alone let one be enough again', async () => {
    const { owner, at, state } = await raised()
    expect(state.now).toMatchObject({ threshold: 1, nextThreshold: 2 })
    for (const by of [[0], [1]])
      expect(codeOf(applyEntry(state, (await owner.after(at, { by, threshold: 1 })).entry, 1))).toBe(
        'PRE_ROTATION_VIOLATED',
      )
    const both = await owner.after(at, { by: [0, 1], threshold: 2 })
    const lowered = await owner.after(both, { by: [0, 1], threshold: 2, parts: { nextThreshold: 1 } })
    const alone = await owner.after(lowered, { by: [1], threshold: 1 })
    const after = hearing(state, [both.entry, lowered.entry, alone.entry])
    expect(where(after)).toMatchObject({ status: 'active', head: entryHash(alone.entry) })
  })

  test('whose keys an entry drops do not sign it: the loss of one of two is for recovery', async () => {
    const { owner, at, state } = await raised()
    const without = await owner.after(at, { by: [0, 1], without: 1, threshold: 1 })
    expect(codeOf(applyEntry(state, without.entry, 1))).toBe('PRE_ROTATION_VIOLATED')
    const three = await Owner.make(3, 2)
    const dropped = await three.after(three.begun, { by: [0, 1], without: 2 })
    expect(codeOf(applyEntry(three.state, dropped.entry, 1))).toBe('rotated')
  })

  test('a signature of another entry is none of this one', async () => {
    const { owner, at, state } = await raised()
    const [one, other] = [
      await owner.after(at, { by: [0, 1], threshold: 2 }),
      await owner.after(at, {
        by: [0, 1],
        threshold: 2,
        parts: { recovery: [{ h: keyDigest((await makeKey()).publicKey), delay: 1 }] },
      }),
    ]
    const taken = other.entry.sigs.map((sig) =>
      sig.k === one.entry.keys[0] ? sig : one.entry.sigs.find(({ k }) => k === sig.k),
    )
    const mixed = { ...other.entry, sigs: taken.filter((sig) => sig !== undefined) } as Entry
    expect(codeOf(applyEntry(state, mixed, 1))).toBe('THRESHOLD_NOT_MET')
  })
})

describe('whoever has one of two devices', () => {
  /** Anything that one device can sign for a place. */
  async function thefts(owner: Owner, at: Place, device: number, vetoes: string): Promise<Entry[]> {
    const recovery = [{ h: keyDigest((await makeKey()).publicKey), delay: 1 }]
    const parts: readonly Partial<UnsignedEntry>[] = [
      {},
      { threshold: 1, nextThreshold: 1 },
      { recovery },
      { type: 'close' },
      { vetoes },
      { seq: at.entry.seq + 2, resolves: [vetoes, entryHash(at.entry)].sort() as [string, string] },
    ]
    const made = await Promise.all(parts.map((one) => owner.after(at, { by: [device], threshold: 1, parts: one })))
    const alone = await owner.after(at, { by: [device], without: 1 - device, threshold: 1 })
    const further = await owner.after(made[0] as Place, { by: [device], threshold: 1 })
    return [...made, alone, further].map(({ entry }) => entry)
  }

  test('MUST NOT move, freeze or end the log, nor stop the recovery of who lost it, in whatever order it comes', async () => {
    const [path, fresh] = [await makeKey(), await makeKey()]
    const recovery = [{ h: keyDigest(path.publicKey), delay: 60 }]
    const { owner, at, state } = await raised({ recovery })
    const entry = await recoverEntry(owner.rel, state.now, path, fresh)
    const stolen = await thefts(owner, at, 1, entryHash(entry))
    fc.assert(
      fc.property(fc.shuffledSubarray(stolen), fc.nat(), (some, n) => {
        expect(where(hearing(state, some))).toEqual({ status: 'active', head: entryHash(at.entry), pending: false })
        const place = n % (some.length + 1)
        const heard = hearing(state, [...some.slice(0, place), entry, ...some.slice(place)], 100)
        expect(heard.recovery.vetoesLeft).toBe(state.recovery.vetoesLeft)
        expect(settleLog(heard, 160).now.keys).toEqual([multikeyOf(fresh)])
      }),
      { numRuns: 60 },
    )
  })

  test('cannot stop what the owner’s two have signed, and two of the owner’s stop a recovery that is not theirs', async () => {
    const [path, fresh] = [await makeKey(), await makeKey()]
    const recovery = [{ h: keyDigest(path.publicKey), delay: 60 }]
    const { owner, at, state } = await raised({ recovery })
    const both = await owner.after(at, { by: [0, 1], threshold: 2, parts: { recovery } })
    const stolen = await thefts(owner, at, 1, entryHash(at.entry))
    fc.assert(
      fc.property(fc.shuffledSubarray(stolen), fc.nat(), (some, n) => {
        const place = n % (some.length + 1)
        const heard = hearing(state, [...some.slice(0, place), both.entry, ...some.slice(place)])
        expect(where(heard)).toEqual({ status: 'active', head: entryHash(both.entry), pending: false })
      }),
      { numRuns: 60 },
    )
    const entry = await recoverEntry(owner.rel, state.now, path, fresh)
    const pending = accepted(applyEntry(state, entry, 100))
    const veto = await owner.after(at, { by: [0, 1], threshold: 2, parts: { recovery, vetoes: entryHash(entry) } })
    expect(codeOf(applyEntry(pending, veto.entry, 101))).toBe('vetoed')
  })
})
