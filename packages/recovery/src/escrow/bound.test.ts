/**
 * The bound of ESCROW-6, attacked: an adversary who controls k agents pools everything these keep, knows the locator, and
 * spends the honest agents' guesses in the best way there is.
 */
import { type Bytes, concatBytes, equalBytes, seededRandom, utf8 } from '@keystead/core'
import '@keystead/crypto/node'
import { sha256 } from '@keystead/crypto'
import { describe, expect, it } from 'vitest'
import { answerGuess, judgeGuess } from './agent.ts'
import { unlockOf } from './keys.ts'
import { blindInput, combineEvaluations, dealScalar, evaluateBlinded, type KeyShare } from './oprf.ts'

const random = seededRandom(11)
const version = random(16)
/** Stands for the stretched PIN; slowness plays no part in this bound. */
const access = (pin: number): Bytes => sha256(concatBytes(version, utf8(String(pin))))

interface World {
  readonly shares: readonly KeyShare[]
  readonly threshold: number
  readonly guesses: number
  readonly commitment: Bytes
}

function world(count: number, threshold: number, guesses: number, pin: number): World {
  const shares = dealScalar({ threshold, count }, random)
  const commitment = commitmentOf({ shares, threshold }, pin, shares.slice(0, threshold))
  return { shares, threshold, guesses, commitment }
}

/** What the holders of these shares can compute for a PIN, all by themselves. */
function commitmentOf(_: Pick<World, 'shares' | 'threshold'>, pin: number, holders: readonly KeyShare[]): Bytes {
  const { blind, element } = blindInput(access(pin), random)
  const parts = holders.map(({ index, secret }) => ({
    index,
    blind,
    evaluated: evaluateBlinded(secret, element, random).evaluated,
  }))
  return unlockOf(combineEvaluations(access(pin), parts), version).commitment
}

/** How many PINs an attacker with the first k agents can test before the others are all locked. */
function pinsTested({ shares, threshold, guesses, commitment }: World, k: number): { tested: number; found: boolean } {
  const corrupt = shares.slice(0, k)
  const honest = shares.slice(k).map((share) => ({ share, counted: [] as Uint8Array[] }))
  let found = false
  for (let pin = 1; ; pin++) {
    const input = access(pin)
    const own = corrupt.map(({ index, secret }) => {
      const { blind, element } = blindInput(input, random)
      return { index, blind, evaluated: evaluateBlinded(secret, element, random).evaluated }
    })
    // The best there is: always those who have counted least.
    const asked = [...honest].sort((a, b) => a.counted.length - b.counted.length).slice(0, threshold - k)
    const parts = asked.flatMap(({ share, counted }) => {
      const { blind, element } = blindInput(input, random)
      if (judgeGuess({ guesses }, counted, element) === 'locked') return []
      counted.push(element)
      return [{ index: share.index, blind, evaluated: answerGuess({ share: share.secret }, element, random).evaluated }]
    })
    if (own.length + parts.length < threshold) return { tested: pin - 1, found }
    const y = combineEvaluations(input, [...own, ...parts])
    if (equalBytes(unlockOf(y, version).commitment, commitment)) found = true
  }
}

describe('the bound floor((N - k) * G / (T - k)) (ESCROW-6)', () => {
  it.each([
    [3, 2, 5, 0, 7],
    [3, 2, 5, 1, 10],
    [5, 3, 5, 0, 8],
    [5, 3, 5, 1, 10],
    [5, 3, 5, 2, 15],
    [5, 4, 3, 2, 4],
    [7, 4, 2, 0, 3],
    [7, 4, 2, 3, 8],
  ])(
    'N=%i T=%i G=%i, %i corrupt: an attacker tests %i PINs and not one more',
    (count, threshold, guesses, k, bound) => {
      expect(Math.floor(((count - k) * guesses) / (threshold - k))).toBe(bound)
      const last = pinsTested(world(count, threshold, guesses, bound), k)
      expect(last).toEqual({ tested: bound, found: true })
      const beyond = pinsTested(world(count, threshold, guesses, bound + 1), k)
      expect(beyond).toEqual({ tested: bound, found: false })
    },
  )

  it('offline: fewer than T agents together test no PIN, not even the right one', () => {
    const made = world(5, 3, 5, 42)
    for (let mask = 0; mask < 32; mask++) {
      const holders = made.shares.filter((_, i) => mask & (1 << i))
      if (holders.length === 0) continue
      const fits = equalBytes(commitmentOf(made, 42, holders), made.commitment)
      // T and more can: the independence of agents is what the claim rests on, and `spec/recovery.md` says so.
      expect(fits).toBe(holders.length >= 3)
    }
  })

  it('the same element again is no second guess, and another element is', () => {
    const { element } = blindInput(access(1), random)
    const counted = [element]
    expect(judgeGuess({ guesses: 1 }, counted, element)).toBe('repeated')
    expect(judgeGuess({ guesses: 1 }, counted, blindInput(access(1), random).element)).toBe('locked')
    expect(judgeGuess({ guesses: 2 }, counted, blindInput(access(1), random).element)).toBe('counted')
  })
})
