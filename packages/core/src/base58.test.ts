/** Ours against the published test vectors of the Internet-Draft and against `@scure/base`, on every length that we write. */
import { base58 } from '@scure/base'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodeBase58, encodeBase58 } from './base58.ts'
import { utf8 } from './bytes.ts'

describe('base58', () => {
  test.each([
    ['Hello World!', '2NEpo7TZRRrLZSi2U'],
    ['The quick brown fox jumps over the lazy dog.', 'USm3fpXnKG5EUBx2ndxBDMPVciP5hGey2Jh4NDv6gmeo1LkMeiKrLJUUBk6Z'],
  ])('draft-msporny-base58-03, section 5: %s', (text, encoded) => {
    expect(encodeBase58(utf8(text))).toBe(encoded)
    expect(decodeBase58(encoded)).toEqual(utf8(text))
  })

  test('the same, with zeros before', () => {
    expect(encodeBase58(Uint8Array.of(0, 0, 0x28, 0x7f, 0xb4, 0xcd))).toBe('11233QC4')
    expect(decodeBase58('11233QC4')).toEqual(Uint8Array.of(0, 0, 0x28, 0x7f, 0xb4, 0xcd))
  })

  const bytes = fc
    .tuple(fc.nat(3), fc.uint8Array({ maxLength: 200 }))
    .map(([zeros, rest]) => Uint8Array.from([...new Uint8Array(zeros), ...rest]))

  test('is what the library writes, and read again', () => {
    fc.assert(
      fc.property(bytes, (value) => {
        const text = encodeBase58(value)
        expect(text).toBe(base58.encode(value))
        expect(decodeBase58(text)).toEqual(value)
      }),
      { numRuns: 2000 },
    )
  })

  test('the least and the greatest of every length', () => {
    for (let length = 0; length <= 100; length++)
      for (const fill of [0, 255])
        for (const first of [0, 1, 255]) {
          const value = new Uint8Array(length).fill(fill)
          value.set([first].slice(0, length))
          expect(encodeBase58(value)).toBe(base58.encode(value))
          expect(decodeBase58(encodeBase58(value))).toEqual(value)
        }
  })

  test('reads of any text what the library reads, and refuses the rest', () => {
    const text = fc.string({
      unit: fc.constantFrom(...'123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz', '0', 'é', '𝟙'),
      maxLength: 60,
    })
    const read = (decode: (text: string) => Uint8Array, of: string): Uint8Array | undefined => {
      try {
        return Uint8Array.from(decode(of))
      } catch {
        return undefined
      }
    }
    fc.assert(
      fc.property(text, (of) => {
        expect(read(decodeBase58, of)).toEqual(read(base58.decode, of))
      }),
      { numRuns: 2000 },
    )
    for (const of of ['0', 'O', 'I', 'l', ' ', '1 ', 'zz+', '\u0100']) expect(read(decodeBase58, of)).toBeUndefined()
  })
})
