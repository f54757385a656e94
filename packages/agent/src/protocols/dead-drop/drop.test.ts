/** Dead drops: what two parties derive alike, and what nobody else can tell, open or exchange. */
import { base64url, seededRandom } from '@keystead/core'
import { describe, expect, it } from 'vitest'
import { DROP_BOX_BYTES, dropAddress, dropKeys, dropSecret, openDrop, sealDrop } from './drop.ts'

const random = seededRandom(18)
const [a, b] = [random(32), random(32)]
const agencies = ['did:peer:2.one', 'did:peer:2.two']
const secret = dropSecret(a, b, 'rel')
const place = { address: 'x'.repeat(43), seq: 7 }
const entry = (seq: number, size = 10) => ({ seq, doc: 'd'.repeat(size) })

describe('a dead drop', () => {
  it('is derived alike by both, from both halves and their relationship (DROP-1)', () => {
    expect(dropSecret(b, a, 'rel')).toEqual(secret)
    expect(dropSecret(a, b, 'another')).not.toEqual(secret)
    expect(dropSecret(a, random(32), 'rel')).not.toEqual(secret)
  })

  it('has keys of its own at each agency and in each direction, which have nothing in common (DROP-2)', () => {
    const all = agencies.flatMap((agency) =>
      [a, b].flatMap((writer) => Object.values(dropKeys(secret, agency, base64url.encode(writer)))),
    )
    expect(new Set(all.map((key) => base64url.encode(key))).size).toBe(8)
    const key = { suite: 'ed25519', bytes: random(32) } as const
    expect(dropAddress(key)).toHaveLength(43)
    expect(base64url.decode(dropAddress(key))).not.toEqual(key.bytes)
  })

  it('holds a box of one size whatever is in it, the newest entries first (DROP-3)', () => {
    const { box } = dropKeys(secret, 'did:x', 'a')
    const few = sealDrop(box, place, [entry(1)], random)
    const many = sealDrop(
      box,
      place,
      Array.from({ length: 40 }, (_, i) => entry(i, 2000)),
      random,
    )
    expect([few.length, many.length]).toEqual([DROP_BOX_BYTES, DROP_BOX_BYTES])
    expect(openDrop(box, place, few)).toEqual([entry(1)])
    const kept = openDrop(box, place, many) ?? []
    expect(kept.at(-1)).toEqual(entry(39, 2000))
    expect(kept.length).toBeGreaterThan(3)
  })

  it('with any byte changed, at another place, under another number or key is none (DROP-5)', () => {
    const { box } = dropKeys(secret, 'did:x', 'a')
    const sealed = sealDrop(box, place, [entry(1)], random)
    for (let i = 0; i < sealed.length; i += 977) {
      const changed = Uint8Array.from(sealed)
      changed[i] = (changed[i] ?? 0) ^ 1
      expect(openDrop(box, place, changed)).toBeUndefined()
    }
    expect(openDrop(box, { ...place, seq: 8 }, sealed)).toBeUndefined()
    expect(openDrop(box, { ...place, address: 'y'.repeat(43) }, sealed)).toBeUndefined()
    expect(openDrop(dropKeys(secret, 'did:x', 'b').box, place, sealed)).toBeUndefined()
    expect(openDrop(box, place, sealed.subarray(1))).toBeUndefined()
    expect(openDrop(box, place, new Uint8Array(0))).toBeUndefined()
  })
})
