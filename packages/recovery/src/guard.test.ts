import { base64url, seededRandom } from '@keystead/core'
import { describe, expect, it } from 'vitest'
import { makeGuard, NO_STAY, objectionToken, type Stay, stayBy, vetoToken } from './guard.ts'
import { newLocator } from './locator.ts'
import { newGroupSecret } from './paths.ts'
import { makeSharePackets } from './share-packet.ts'

const random = seededRandom(27)
const policy = { threshold: 2, count: 3 }
const common = { policy, epoch: 1, locator: newLocator(random), owner: 'Ada', agencies: [], random }
const packets = makeSharePackets({ secret: newGroupSecret(random), ...common })
const [bobs, carols] = packets as [Uint8Array, Uint8Array, Uint8Array]
const [veto, subject, seconds] = ['abcdefghijklmnop', 'locator|x', 100]
const guard = makeGuard({ veto, packets, seconds }, subject, random)
const stay = (token: Uint8Array, before: Stay = NO_STAY, now = 1000) => stayBy(guard, before, token, now)

describe('a guard (rule 27)', () => {
  it('takes the veto code twice and never again, whatever was objected', () => {
    const once = stay(vetoToken(veto, subject)) as Stay
    expect(once.until).toBe(1100)
    const twice = stay(vetoToken(veto, subject), once) as Stay
    expect(twice.until).toBe(1200)
    expect(stay(vetoToken(veto, subject), twice)).toBe('spent')
  })

  it('takes each contact once, and adds to the wait that stands', () => {
    const bob = stay(objectionToken(bobs, subject)) as Stay
    expect(stay(objectionToken(bobs, subject), bob)).toBe('spent')
    const carol = stay(objectionToken(carols, subject), bob) as Stay
    expect(carol.until).toBe(1200)
    expect((stay(vetoToken(veto, subject), carol, 5000) as Stay).until).toBe(5100)
  })

  it('knows no other token: of another subject, another code, or what it keeps itself', () => {
    expect(stay(vetoToken(veto, 'backup|x'))).toBe('unknown')
    expect(stay(vetoToken('ponmlkjihgfedcba', subject))).toBe('unknown')
    expect(stay(objectionToken(bobs, 'backup|x'))).toBe('unknown')
    for (const digest of [guard.veto, ...guard.objections]) expect(stay(base64url.decode(digest))).toBe('unknown')
  })

  it('does not count contacts, and has no digest in common with another subject’s', () => {
    expect(guard.objections).toHaveLength(16)
    expect([...guard.objections].sort()).toEqual(guard.objections)
    const other = makeGuard({ veto, packets, seconds }, 'backup|x', random)
    const all = [guard.veto, ...guard.objections, other.veto, ...other.objections]
    expect(new Set(all).size).toBe(34)
  })
})
