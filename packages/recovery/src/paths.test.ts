import { padmeSize, seededRandom } from '@keystead/core'
import { xwingPublicKey } from '@keystead/crypto'
import { describe, expect, it } from 'vitest'
import { derivePath, newGroupSecret, pathSecret } from './paths.ts'
import { PATH_IDS } from './policy.ts'
import { openRecoveryKey, sealRecoveryKey } from './recovery-key.ts'
import { kemKey } from './testing/keys.ts'
import { codeOf } from './testing/mutate.ts'

const random = seededRandom(1)
const [E, M, P, S] = [1, 2, 3, 4].map(() => newGroupSecret(random)) as [Uint8Array, Uint8Array, Uint8Array, Uint8Array]
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

describe('path keys', () => {
  it('every path and purpose MUST have its own secret', () => {
    const seeds = PATH_IDS.map((path) => derivePath(path, { E, M, P, S })).flatMap(({ kemSeed, readerSeed }) => [
      hex(kemSeed),
      hex(readerSeed),
    ])
    expect(new Set(seeds).size).toBe(10)
  })

  it('a change of either group changes both seeds', () => {
    const other = newGroupSecret(random)
    const kems = [
      { P, S },
      { P: other, S },
      { P, S: other },
      { P: S, S: P },
    ].map((secrets) => derivePath('P+S', secrets))
    expect(new Set(kems.flatMap(({ kemSeed, readerSeed }) => [hex(kemSeed), hex(readerSeed)])).size).toBe(8)
  })

  it('the derivation is fixed for ever: kits on paper depend on it', () => {
    const { kemSeed, readerSeed } = derivePath('P+S', { P: new Uint8Array(32).fill(1), S: new Uint8Array(32).fill(2) })
    expect(hex(kemSeed)).toBe('e2f4bf3342a6b4d9539ccc8d249601839961900b23c5dd6f20ac4b0bc7e8a816')
    expect(hex(readerSeed)).toBe('cfcdd0daede6a765e49698024f6f9d26134904f977817ed9bbb5ec8b147e87e5')
    expect(xwingPublicKey(kemSeed).bytes).toHaveLength(1216)
  })

  it('a missing or short group secret MUST be refused', async () => {
    expect(await codeOf(() => derivePath('P+S', { P }))).toBe('BAD_PARAMETERS')
    expect(await codeOf(() => pathSecret('P+S', P, S.subarray(1)))).toBe('BAD_PARAMETERS')
  })
})

describe('a sealed recovery key', () => {
  it('opens in its own context only', async () => {
    const { key, publicKey } = await kemKey(derivePath('P+S', { P, S }).kemSeed)
    const seed = random(32)
    const context = { subject: 'did:dkms:abc:def', path: 'P+S', epoch: 1 } as const
    const sealed = sealRecoveryKey(seed, publicKey, context)
    expect(await openRecoveryKey(key, sealed, context)).toEqual(seed)
    const stranger = (await kemKey(9)).key
    const flipped = sealed.slice()
    flipped[sealed.length - 1] = (flipped[sealed.length - 1] as number) ^ 1
    for (const run of [
      () => openRecoveryKey(key, sealed, { ...context, subject: 'did:dkms:abc:deg' }),
      () => openRecoveryKey(key, sealed, { ...context, path: 'E+S' }),
      () => openRecoveryKey(key, sealed, { ...context, epoch: 2 }),
      () => openRecoveryKey(stranger, sealed, context),
      () => openRecoveryKey(key, flipped, context),
      () => openRecoveryKey(key, sealed.subarray(1), context),
    ])
      expect(await codeOf(run)).toBe('NOT_A_RECIPIENT')
    expect(await codeOf(() => sealRecoveryKey(seed.subarray(1), publicKey, context))).toBe('BAD_PARAMETERS')
  })
})

describe('Padmé', () => {
  it('adds at most 12 % and never takes away', () => {
    for (let length = 0; length < 70_000; length += 7) {
      const padded = padmeSize(length)
      expect(padded).toBeGreaterThanOrEqual(length)
      expect(padded - length).toBeLessThanOrEqual(length * 0.12)
      expect(padmeSize(padded)).toBe(padded)
    }
    expect([9, 100, 1000, 10_000].map(padmeSize)).toEqual([10, 104, 1024, 10_240])
  })
})
