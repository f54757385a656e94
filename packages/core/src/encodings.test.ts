import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { compareBytes, equalBytes, uint32, uint64 } from './bytes.ts'
import { base32, base58btc, base64url, hexadecimal, multibase, multihash } from './encodings.ts'
import { FakeClock } from './ports.ts'

const coders = { base32, base58btc, base64url, hexadecimal, multibase }

describe.each(Object.entries(coders))('%s', (_, coder) => {
  test('decodes what it encoded', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => equalBytes(coder.decode(coder.encode(bytes)), bytes)),
    )
  })

  test('accepts a text only if it is the one canonical text of its bytes', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 24 }), (text) => {
        try {
          const bytes = coder.decode(text)
          // A multibase text names its own base.
          const again = coder === multibase ? multibase.encode(bytes, text[0] as 'z' | 'u') : coder.encode(bytes)
          expect(again).toBe(text)
        } catch (error) {
          expect(error).toMatchObject({ code: 'BAD_ENCODING' })
        }
      }),
    )
  })
})

test('a multihash is 46 characters beginning with Qm and nothing else is one', () => {
  const text = multihash.encode(new Uint8Array(32))
  expect(text).toMatch(/^Qm.{44}$/)
  expect(() => multihash.decode(text.slice(0, -1))).toThrow()
  expect(() => multihash.encode(new Uint8Array(31))).toThrow()
})

test('multihash.is takes exactly what multihash.decode takes', () => {
  const decodes = (text: string): boolean => {
    try {
      return multihash.decode(text).length === 32
    } catch {
      return false
    }
  }
  const neighbour = (text: string, step: bigint): string => {
    const value = BigInt(`0x${hexadecimal.encode(base58btc.decode(text))}`) + step
    return base58btc.encode(hexadecimal.decode(value.toString(16).padStart(68, '0')))
  }
  const least = multihash.encode(new Uint8Array(32))
  const greatest = multihash.encode(new Uint8Array(32).fill(255))
  for (const text of [least, greatest, neighbour(least, -1n), neighbour(greatest, 1n), `1${least}`, `${least}\n`, ''])
    expect([text, multihash.is(text)]).toEqual([text, decodes(text)])
  expect([neighbour(least, -1n), neighbour(greatest, 1n)].map(multihash.is)).toEqual([false, false])
  const digest = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => multihash.encode(bytes))
  const digits = fc.string({
    unit: fc.constantFrom(...'123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz0OIl+ '),
    minLength: 43,
    maxLength: 44,
  })
  fc.assert(fc.property(digest, (text) => multihash.is(text)))
  for (const begin of ['Qm', 'Qn', 'Qk', 'Ql'])
    fc.assert(fc.property(digits, (rest) => multihash.is(begin + rest) === decodes(begin + rest)))
})

test('byte order and integers are big-endian', () => {
  expect(uint64(258)).toEqual(Uint8Array.of(0, 0, 0, 0, 0, 0, 1, 2))
  expect(uint32(258)).toEqual(Uint8Array.of(0, 0, 1, 2))
  expect(compareBytes(Uint8Array.of(1), Uint8Array.of(1, 0))).toBeLessThan(0)
})

test('a fake clock wakes sleepers in order and lets them be interrupted', async () => {
  const clock = new FakeClock(0)
  const woken: number[] = []
  const stop = new AbortController()
  const never = clock.sleep(50, stop.signal)
  const sleepers = [30, 10, 20].map((ms) => clock.sleep(ms).then(() => woken.push(ms)))
  clock.advance(30)
  await Promise.all(sleepers)
  expect(woken).toEqual([10, 20, 30])
  stop.abort(new Error('stopped'))
  await expect(never).rejects.toThrow('stopped')
})
