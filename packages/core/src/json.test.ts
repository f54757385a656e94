import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import canonicalize from 'canonicalize'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { utf8, utf8Decode, utf8Into } from './bytes.ts'
import { isKeysteadError } from './errors.ts'
import { Fields } from './fields.ts'
import { canonicalJson, canonicalText, type Json, parseCanonicalJson, parseJson, parseJsonText } from './json.ts'
import { readVector, vectorsDir } from './testing/vectors.ts'

const vectors = vectorsDir()

describe.skipIf(!vectors)('vectors: jcs (RFC 8785)', () => {
  const names = vectors ? readdirSync(join(vectors, 'jcs', 'input')) : []
  test.each(names)('%s canonicalizes to the published bytes', (name) => {
    const input = JSON.parse(readVector('jcs', 'input', name)) as Json
    expect(utf8Decode(canonicalJson(input))).toBe(readVector('jcs', 'output', name).trimEnd())
  })
})

describe('the strict wire rule', () => {
  const refused = [
    '{"a":1,"a":2}',
    '{"b":1,"a":2}',
    '{ "a":1}',
    '{"a":1e0}',
    '{"a":9007199254740993}',
    '{"a":-0}',
    '{"a":"\\u0061"}',
    '{"a":"\\ud800"}',
    '\ufeff{"a":1}',
    '{"a":1}\n',
    '[1.0]',
  ]
  test.each(refused)('%j MUST be refused', (text) => {
    expect(() => parseCanonicalJson(utf8(text), 1024)).toThrow()
  })

  test('canonical bytes of any JSON value are accepted and mean the same', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const bytes = canonicalJson(value)
        expect(canonicalJson(parseCanonicalJson(bytes, 1 << 20))).toEqual(bytes)
      }),
    )
  })

  test.each([
    '{"10":1,"2":2}',
    '{"a":{"10":1,"2":2},"\u20ac":1,"\ud83d\ude00":2,"\ufb33":3}',
    '"\u007f\u2028"',
    '[1e+21,0.000001]',
  ])('%j is canonical', (text) => {
    expect(canonicalJson(parseCanonicalJson(utf8(text), 1024))).toEqual(utf8(text))
  })

  test('the quick way gives what the library gives, and bytes are accepted exactly when they are that', () => {
    const name = fc.constantFrom('1', '10', '2', 'a', 'b', '\u20ac', '\ud83d\ude00', '\ufb33', '__proto__', 'B', '')
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof(fc.constantFrom(0, -1, 1.5, 1e21, 'x', '\u2028', '"', null, true), tie('list'), tie('record')),
      list: fc.array(tie('value'), { maxLength: 3 }),
      record: fc.array(fc.tuple(name, tie('value')), { maxLength: 4 }).map((members) => ({ members })),
    }))
    // Written down with members in any order, and twice.
    const write = (item: unknown): string => {
      if (Array.isArray(item)) return `[${item.map(write).join()}]`
      if (typeof item !== 'object' || item === null) return JSON.stringify(item)
      const { members } = item as { members: [string, unknown][] }
      return `{${members.map(([key, member]) => `${JSON.stringify(key)}:${write(member)}`).join()}}`
    }
    fc.assert(
      fc.property(value.map(write), (text) => {
        const canonical = canonicalize(JSON.parse(text)) as string
        expect(canonicalText(JSON.parse(text))).toBe(canonical)
        const accepted = (() => {
          try {
            parseCanonicalJson(utf8(text), 10_000)
            return true
          } catch {
            return false
          }
        })()
        expect(accepted).toBe(canonical === text)
      }),
      { numRuns: 500 },
    )
  })

  test('random bytes never do more than throw an error of ours', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          parseCanonicalJson(bytes, 200)
        } catch (error) {
          expect(isKeysteadError(error)).toBe(true)
        }
      }),
    )
  })

  test('text that is no UTF-8 MUST be refused, by a code (RFC 3629)', () => {
    for (const bytes of [[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xe2, 0x82]])
      expect(() => utf8Decode(Uint8Array.from(bytes))).toThrow(expect.objectContaining({ code: 'BAD_ENCODING' }))
    expect(utf8Decode(Uint8Array.of(0xef, 0xbb, 0xbf))).toBe('\ufeff')
  })

  test('text written into a room is its UTF-8 whole, also where the room is too small for it', () => {
    const room = new Uint8Array(30)
    for (const text of ['', 'x'.repeat(10), 'x'.repeat(11), '\u20ac'.repeat(10), '\u20ac'.repeat(11)])
      expect(Uint8Array.from(utf8Into(room, text))).toEqual(utf8(text))
  })

  test('input over the bound, or nested too deeply, MUST be refused', () => {
    expect(() => parseJson(utf8('[1,2,3]'), 6)).toThrow(/at most 6/)
    expect(() => parseJson(utf8('['.repeat(100) + ']'.repeat(100)), 1000)).toThrow(/deeply/)
    expect(() => parseJsonText('[1,2,3]', 6)).toThrow(/at most 6/)
    expect(() => parseJsonText('['.repeat(100) + ']'.repeat(100), 1000)).toThrow(/deeply/)
    expect(() => parseJsonText('{', 6)).toThrow(expect.objectContaining({ code: 'BAD_ENCODING' }))
    expect(parseJsonText('[1,2,3]', 7)).toEqual([1, 2, 3])
  })
})

describe('closed schemas', () => {
  test('a member nobody reads MUST be refused', () => {
    const fields = new Fields({ a: 1, b: 2 })
    fields.integer('a', { min: 0, max: 9 })
    expect(() => fields.end()).toThrow(/unknown member "b"/)
  })

  test('__proto__ is a member like any other', () => {
    const fields = new Fields(JSON.parse('{"__proto__":1}'))
    expect(() => fields.end()).toThrow(/unknown member/)
  })

  test('fractions, null and wrong types MUST be refused', () => {
    const fields = new Fields({ fraction: 1.5, nothing: null, list: 'x' })
    expect(() => fields.integer('fraction', { min: 0, max: 9 })).toThrow(/integer/)
    expect(() => fields.string('nothing', { max: 9 })).toThrow(/string/)
    expect(() => fields.array('list', { max: 9 }, (item) => item)).toThrow(/array/)
  })
})
