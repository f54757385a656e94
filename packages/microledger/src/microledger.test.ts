import { canonicalJson, type Json, parseJson } from '@keystead/core'
import { encodeMultikey, keyDigest, type SigningKey } from '@keystead/crypto'
import { nodeKeyProvider } from '@keystead/crypto/node'
import { createDidPeer4 } from '@keystead/did'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { applyEntry, beginLog, type EntryResult, type LogState, settleLog } from './apply.ts'
import {
  type Entry,
  entryHash,
  parseEntry,
  type RecoveryPath,
  relationshipId,
  signEntry,
  type UnsignedEntry,
} from './entry.ts'

const provider = nodeKeyProvider()
const make = (): Promise<SigningKey> => provider.ephemeral({ kind: 'signing', suite: 'ed25519' })

function documentOf(key: SigningKey): string {
  const k = encodeMultikey(key.publicKey)
  const { longForm } = createDidPeer4({
    '@context': ['https://www.w3.org/ns/did/v1'],
    verificationMethod: [{ id: '#k', type: 'Multikey', publicKeyMultibase: k }],
    authentication: ['#k'],
  } as never)
  return longForm
}

class Party {
  now!: SigningKey
  next!: SigningKey
  recoveryKey!: SigningKey
  rel = ''
  recovery: RecoveryPath[] = []

  async begin(delay?: number): Promise<Entry> {
    this.now = await make()
    this.next = await make()
    this.recoveryKey = await make()
    if (delay) this.recovery = [{ h: keyDigest(this.recoveryKey.publicKey), delay }]
    return this.entry({ type: 'inception', seq: 0, prev: '', rel: '' }, [this.now], this.next)
  }

  entry(parts: Partial<UnsignedEntry>, signers: SigningKey[], next: SigningKey): Promise<Entry> {
    const [first] = signers.filter((key) => key !== this.recoveryKey) as [SigningKey]
    const unsigned = {
      v: 1,
      rel: this.rel,
      doc: documentOf(first),
      keys: [encodeMultikey(first.publicKey)],
      threshold: 1,
      next: [keyDigest(next.publicKey)],
      nextThreshold: 1,
      recovery: this.recovery,
      ...parts,
    } as UnsignedEntry
    return signEntry(unsigned, signers)
  }

  async rotate(state: LogState, parts: Partial<UnsignedEntry> = {}, signer = this.next): Promise<Entry> {
    const base = { type: 'rotate', seq: state.now.seq + 1, prev: state.now.head } as const
    return this.entry({ ...base, ...parts }, [signer], await make())
  }

  async recover(state: LogState, key = this.recoveryKey): Promise<Entry> {
    const fresh = await make()
    const base = { type: 'recover', seq: state.now.seq + 1, prev: state.now.head, recovery: [] } as const
    const entry = { ...base, key: encodeMultikey(key.publicKey) }
    this.recoveryKey = key
    return this.entry(entry, [key, fresh], await make())
  }
}

function accepted(result: EntryResult): LogState {
  if (!result.ok) throw new Error(`${result.code}: ${result.message}`)
  return result.state
}
const codeOf = (result: EntryResult): string => (result.ok ? result.effect : result.code)

async function begun(delay?: number): Promise<{ alice: Party; state: LogState; inception: Entry }> {
  const [alice, bob] = [new Party(), new Party()]
  const [mine, theirs] = [await alice.begin(delay), await bob.begin()]
  alice.rel = relationshipId(mine, theirs)
  expect(relationshipId(theirs, mine)).toBe(alice.rel)
  return { alice, state: accepted(beginLog(parseEntry(mine as unknown as Json), alice.rel)), inception: mine }
}

describe('rotation', () => {
  test('RELATIONSHIP-3: only the keys committed to before may rotate', async () => {
    const { alice, state } = await begun()
    expect(codeOf(applyEntry(state, await alice.rotate(state, {}, await make()), 1))).toBe('PRE_ROTATION_VIOLATED')
    const rotation = await alice.rotate(state)
    const rotated = accepted(applyEntry(state, rotation, 1))
    expect(rotated.now).toMatchObject({ seq: 1, head: entryHash(rotation) })
    expect(codeOf(applyEntry(rotated, rotation, 2))).toBe('known')
    expect(codeOf(applyEntry(state, await alice.rotate(rotated), 1))).toBe('SEQ_GAP')
  })

  test('RELATIONSHIP-2: an entry of another relationship is refused', async () => {
    const { alice, state } = await begun()
    alice.rel = state.now.head
    expect(codeOf(applyEntry(state, await alice.rotate(state), 1))).toBe('WRONG_RELATIONSHIP')
  })

  test('RELATIONSHIP-5: two entries at one place freeze the log before both, until one names both', async () => {
    const { alice, state } = await begun()
    const [one, other] = [await alice.rotate(state), await alice.rotate(state)]
    const rotated = accepted(applyEntry(state, one, 1))
    const frozen = accepted(applyEntry(rotated, other, 2))
    expect(frozen).toMatchObject({ status: 'frozen', now: { seq: 0 } })
    expect(codeOf(applyEntry(frozen, await alice.rotate(frozen, { seq: 2 }), 3))).toBe('FROZEN')
    const resolves = [entryHash(one), entryHash(other)].sort() as [string, string]
    const peace = await alice.rotate(frozen, { seq: 2, resolves })
    expect(accepted(applyEntry(frozen, peace, 4))).toMatchObject({ status: 'active', now: { seq: 2 } })
  })

  test('RELATIONSHIP-9: after `close` nothing is taken, not even a recovery', async () => {
    const { alice, state } = await begun(60)
    const closed = accepted(applyEntry(state, await alice.rotate(state, { type: 'close' }), 1))
    expect(closed.status).toBe('closed')
    expect(codeOf(applyEntry(closed, await alice.rotate(closed), 2))).toBe('CLOSED')
    expect(codeOf(applyEntry(closed, await alice.recover(closed), 2))).toBe('CLOSED')
  })

  test('RELATIONSHIP-9: only the keys committed to before may close', async () => {
    const { alice, state } = await begun()
    const forged = await alice.rotate(state, { type: 'close' }, await make())
    expect(codeOf(applyEntry(state, forged, 1))).toBe('PRE_ROTATION_VIOLATED')
  })
})

describe('recovery', () => {
  test("RELATIONSHIP-6: waits its delay by the receiver's clock, then replaces the keys", async () => {
    const { alice, state } = await begun(60)
    const entry = await alice.recover(state)
    const pending = accepted(applyEntry(state, entry, 1000))
    expect(settleLog(pending, 1059).now.seq).toBe(0)
    expect(settleLog(pending, 1060)).toMatchObject({ now: { head: entryHash(entry) }, recoveredAt: 1060 })
    expect(codeOf(applyEntry(pending, await alice.rotate(state), 1010))).toBe('RECOVERY_PENDING')
    expect(codeOf(applyEntry(pending, await alice.rotate(state), 1060))).toBe('STALE_ENTRY')
  })

  test("RELATIONSHIP-7: the owner's next keys veto it while it waits, twice and no more", async () => {
    const { alice, state } = await begun(60)
    let now = state
    for (let i = 0; i < 3; i++) {
      const entry = await alice.recover(now)
      const pending = accepted(applyEntry(now, entry, 1000))
      const next = await make()
      const veto = await alice.entry(
        { type: 'rotate', seq: now.now.seq + 1, prev: now.now.head, vetoes: entryHash(entry) },
        [alice.next],
        next,
      )
      const result = applyEntry(pending, veto, 1001)
      expect(codeOf(result)).toBe(i < 2 ? 'vetoed' : 'VETOES_SPENT')
      if (result.ok) {
        now = result.state
        alice.next = next
      }
    }
  })

  test('RELATIONSHIP-7: a firm path overrules a veto, which it takes to use it, and no other veto stops it', async () => {
    const { alice, state: bare } = await begun()
    const met = await make()
    const path = (key: SigningKey) => ({ h: keyDigest(key.publicKey), delay: 60 })
    alice.recovery = [path(alice.recoveryKey), { ...path(met), firm: true }]
    const kit = alice.recoveryKey
    const first = await make()
    const set = await alice.entry({ type: 'rotate', seq: 1, prev: bare.now.head }, [alice.next], first)
    const state = accepted(applyEntry(bare, parseEntry(set as unknown as Json), 1))
    expect(codeOf(applyEntry(state, await alice.recover(state, met), 2))).toBe('NOTHING_TO_OVERRULE')
    const veto = async (of: Entry, at: LogState, by: SigningKey, next: SigningKey) =>
      alice.entry({ type: 'rotate', seq: at.now.seq + 1, prev: at.now.head, vetoes: entryHash(of) }, [by], next)
    const entry = await alice.recover(state, kit)
    const thief = await make()
    const stopped = accepted(
      applyEntry(accepted(applyEntry(state, entry, 3)), await veto(entry, state, first, thief), 4),
    )
    const again = await alice.recover(stopped, met)
    const pending = accepted(applyEntry(stopped, again, 5))
    expect(codeOf(applyEntry(pending, await veto(again, stopped, thief, await make()), 6))).toBe('VETOES_SPENT')
    expect(settleLog(pending, 65)).toMatchObject({ now: { head: entryHash(again) }, recovery: { vetoesLeft: 2 } })
  })

  test('RELATIONSHIP-6: a key of no path recovers nothing', async () => {
    const { alice, state } = await begun(60)
    expect(codeOf(applyEntry(state, await alice.recover(state, await make()), 1))).toBe('RECOVERY_KEY_UNKNOWN')
  })

  test('RELATIONSHIP-8: a changed recovery set waits, the first takes effect at once', async () => {
    const { alice, state } = await begun()
    alice.recovery = [{ h: keyDigest(alice.recoveryKey.publicKey), delay: 60 }]
    const next = await make()
    const first = await alice.entry({ type: 'rotate', seq: 1, prev: state.now.head }, [alice.next], next)
    const set = accepted(applyEntry(state, first, 1))
    expect(set.recovery).toMatchObject({ epoch: 1, entries: [{ delay: 60 }] })
    alice.recovery = []
    const second = await alice.entry({ type: 'rotate', seq: 2, prev: set.now.head }, [next], await make())
    const held = accepted(applyEntry(set, second, 100))
    expect(held.recovery.entries).toHaveLength(1)
    expect(settleLog(held, 219).recovery.entries).toHaveLength(1)
    expect(settleLog(held, 220).recovery.entries).toHaveLength(0)
  })
})

test('a changed byte of an entry is never accepted', async () => {
  const { inception } = await begun(60)
  const bytes = canonicalJson(inception)
  fc.assert(
    fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (place, mask) => {
      const mutated = new Uint8Array(bytes)
      mutated[place] = (mutated[place] as number) ^ mask
      try {
        expect(beginLog(parseEntry(parseJson(mutated, 100_000)), 'x').ok).toBe(false)
      } catch (error) {
        expect(error).toMatchObject({ name: 'KeysteadError' })
      }
    }),
    { numRuns: 300 },
  )
})
