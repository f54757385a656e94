import { systemRandom } from '@keystead/core'
import { afterEach, describe, expect, test } from 'vitest'
import type { PublicKey, Stays } from '../types.ts'
import { AgreedSecrets } from './agreed.ts'
import { nodeKeyProvider } from './provider.ts'
import { SecretSlot } from './slab.ts'

const peerOf = (n: number): PublicKey<'x25519'> => ({
  suite: 'x25519',
  bytes: new Uint8Array(new Uint32Array([n, 0, 0, 0, 0, 0, 0, 0]).buffer),
})

/** A lasting key, and how often it had to agree. */
function lasting() {
  const agreed = new AgreedSecrets()
  all.push(agreed)
  const asked = {
    agreed,
    computed: 0,
    with: (n: number, stays: Stays = 'known') => agreed.with(peerOf(n), stays, compute),
  }
  const compute = () => {
    asked.computed++
    return systemRandom(32)
  }
  return asked
}

/** Where the next secret will lie, and what was left there. */
function nextSlot(): { place: number; left: Uint8Array } {
  let found = { place: 0, left: new Uint8Array(0) }
  new SecretSlot(32, (slot) => {
    found = { place: slot.byteOffset, left: slot.slice() }
  }).destroy()
  return found
}

const X25519 = { kind: 'agreement', suite: 'x25519' } as const
const all: AgreedSecrets[] = []
afterEach(() => {
  for (const one of all.splice(0)) one.destroy()
})

describe('secrets that lasting keys agreed on', () => {
  test('are computed once for each peer, and no other suite has the same', () => {
    const mine = lasting()
    const [secret] = [mine.with(1), mine.with(2)]
    expect(mine.with(1)).toEqual(secret)
    expect(mine.computed).toBe(2)
    expect(mine.agreed.with({ suite: 'p256', bytes: peerOf(1).bytes }, 'known', () => systemRandom(32))).not.toEqual(
      secret,
    )
  })

  test('are copies: a caller who wipes one wipes no other', () => {
    const mine = lasting()
    const secret = mine.with(1)
    const same = secret.slice()
    secret.fill(0)
    mine.with(1).fill(0)
    expect(mine.with(1)).toEqual(same)
  })

  test('that could not be computed are not kept', () => {
    const mine = lasting()
    const bad = () => {
      throw new Error('a point of low order')
    }
    for (let n = 0; n < 2; n++) expect(() => mine.agreed.with(peerOf(1), 'known', bad)).toThrow('low order')
    mine.with(1)
    expect(mine.computed).toBe(1)
  })

  test('MUST end with their key, and are wiped where they lay', async () => {
    const provider = nodeKeyProvider()
    const [key, peer] = [await provider.ephemeral(X25519), await provider.ephemeral(X25519)]
    const { place } = nextSlot()
    const secret = await key.agree(peer.publicKey, 'known')
    expect(nextSlot().place).not.toBe(place)
    key.destroy()
    // The key's own slot came free last.
    const own = new SecretSlot(32, () => {})
    expect(nextSlot()).toEqual({ place, left: new Uint8Array(32) })
    expect(secret).not.toEqual(new Uint8Array(32))
    own.destroy()
    await expect(key.agree(peer.publicKey, 'known')).rejects.toMatchObject({ code: 'KEY_DESTROYED' })
  })

  test('are bounded over all keys: a flood at one takes nothing from another, and what ends makes room', () => {
    const [mine, flooded, later] = [lasting(), lasting(), lasting()]
    mine.with(1)
    for (let n = 0; n < 8191; n++) flooded.with(n)
    for (let n = 0; n < 2; n++) later.with(1)
    expect(later.computed).toBe(2)
    mine.with(1)
    expect(mine.computed).toBe(1)
    flooded.agreed.destroy()
    for (let n = 0; n < 2; n++) later.with(2)
    expect(later.computed).toBe(3)
  })

  test('give way at their own key alone, what was not used for longest first', () => {
    const mine = lasting()
    for (let n = 0; n < 8192; n++) mine.with(n)
    mine.with(0)
    mine.with(8192)
    mine.with(0)
    expect(mine.computed).toBe(8193)
    mine.with(1)
    expect(mine.computed).toBe(8194)
  })

  test('MUST NOT give way to keys that were only named, by however many strangers', () => {
    const mine = lasting()
    for (let n = 0; n < 8192; n++) mine.with(n)
    for (let n = 8192; n < 20_000; n++) mine.with(n, 'named')
    for (let n = 0; n < 8192; n++) mine.with(n, 'named')
    expect(mine.computed).toBe(20_000)
  })

  test('that were only named are computed once until they are known, the newest of them', () => {
    const mine = lasting()
    for (let n = 0; n < 2; n++) mine.with(1, 'named')
    mine.agreed.known(peerOf(1))
    for (let n = 2; n < 515; n++) mine.with(n, 'named')
    mine.with(514, 'named')
    mine.with(1, 'named')
    expect(mine.computed).toBe(514)
    mine.with(2, 'named')
    expect(mine.computed).toBe(515)
  })
})
