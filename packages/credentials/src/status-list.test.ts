import { gunzipSync, gzipSync } from 'node:zlib'
import { base64url, isKeysteadError, seededRandom } from '@keystead/core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { MAX_STATUS_LIST_BYTES, STATUS_LIST_ENTRIES } from './limits.ts'
import { decodeStatusList, emptyStatusList, encodeStatusList, statusAt, withStatus } from './status-list.ts'

const zipped = (bytes: Uint8Array): string => `u${base64url.encode(gzipSync(bytes))}`
const badList = expect.objectContaining({ code: 'BAD_STATUS_LIST' })

describe('CREDENTIAL-11: status lists are bits, one a credential', () => {
  test('an empty list has 131,072 entries, none set', () => {
    expect(emptyStatusList()).toEqual(new Uint8Array(16_384))
    expect(statusAt(emptyStatusList(), 131_071)).toBe(false)
  })

  test('bit 0 is the leftmost of the first byte (Bitstring Status List 1.0, section 3.2)', () => {
    expect(withStatus(emptyStatusList(), 0)[0]).toBe(0x80)
    expect(withStatus(emptyStatusList(), 7)[0]).toBe(0x01)
    expect(withStatus(emptyStatusList(), 8)[1]).toBe(0x80)
    expect(withStatus(emptyStatusList(), 131_071)[16_383]).toBe(0x01)
  })

  test('the bits that were set are set after the wire, and no other', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(fc.nat(STATUS_LIST_ENTRIES - 1), { maxLength: 40 }), async (indices) => {
        const list = indices.reduce<Uint8Array<ArrayBuffer>>(withStatus, emptyStatusList())
        const decoded = await decodeStatusList(await encodeStatusList(list))
        expect(decoded).toEqual(list)
        let count = 0
        for (const byte of decoded) for (let bits = byte; bits > 0; bits &= bits - 1) count++
        expect(count).toBe(indices.length)
        expect(indices.every((index) => statusAt(decoded, index))).toBe(true)
      }),
      { numRuns: 30 },
    )
  })

  test('setting a bit leaves the given list as it was', () => {
    const list = emptyStatusList()
    withStatus(list, 5)
    expect(statusAt(list, 5)).toBe(false)
  })

  test('encoded lists are multibase base64url of GZIP that others read, and theirs we read', async () => {
    const list = withStatus(emptyStatusList(), 94_567)
    const encoded = await encodeStatusList(list)
    expect(encoded).toMatch(/^uH4sI/)
    expect(new Uint8Array(gunzipSync(base64url.decode(encoded.slice(1))))).toEqual(list)
    expect(await decodeStatusList(zipped(list))).toEqual(list)
  })

  test.each([-1, 131_072, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53])('index %d is out of range', (index) => {
    const outOfRange = expect.objectContaining({ code: 'STATUS_INDEX_OUT_OF_RANGE' })
    expect(() => statusAt(emptyStatusList(), index)).toThrow(outOfRange)
    expect(() => withStatus(emptyStatusList(), index)).toThrow(outOfRange)
  })

  test('the largest list is read; a bomb one byte larger, or a thousand times, is refused', async () => {
    const full = seededRandom(1)(MAX_STATUS_LIST_BYTES)
    expect(await decodeStatusList(zipped(full))).toEqual(full)
    await expect(decodeStatusList(zipped(new Uint8Array(MAX_STATUS_LIST_BYTES + 1)))).rejects.toEqual(badList)
    const bomb = zipped(new Uint8Array(128 * 1024 * 1024))
    expect(bomb.length).toBeLessThan(MAX_STATUS_LIST_BYTES * 2)
    const before = performance.now()
    await expect(decodeStatusList(bomb)).rejects.toEqual(badList)
    expect(performance.now() - before).toBeLessThan(1000)
  })

  test('a list smaller than the herd is refused', async () => {
    await expect(decodeStatusList(zipped(new Uint8Array(16_383)))).rejects.toEqual(badList)
  })

  test.each<[string, (encoded: string) => string]>([
    ['empty', () => ''],
    ['another multibase', (encoded) => `z${encoded.slice(1)}`],
    ['no multibase', (encoded) => encoded.slice(1)],
    ['padding', (encoded) => `${encoded}=`],
    ['cut off', (encoded) => encoded.slice(0, -8)],
    [
      'bytes after the end',
      (encoded) => `u${base64url.encode(Uint8Array.from([...base64url.decode(encoded.slice(1)), 0]))}`,
    ],
    ['not compressed', () => `u${base64url.encode(new Uint8Array(16_384))}`],
    ['too long a text', () => `u${'A'.repeat(MAX_STATUS_LIST_BYTES * 2)}`],
  ])('%s is refused as BAD_STATUS_LIST', async (_, change) => {
    const encoded = await encodeStatusList(withStatus(emptyStatusList(), 9))
    await expect(decodeStatusList(change(encoded))).rejects.toEqual(badList)
  })

  test('any text is a list or BAD_STATUS_LIST', async () => {
    const random = fc.uint8Array({ maxLength: 60 }).map((bytes) => `u${base64url.encode(bytes)}`)
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.string(), random), async (text) => {
        const error = await decodeStatusList(text).catch((reason: unknown) => reason)
        expect(isKeysteadError(error, 'BAD_STATUS_LIST')).toBe(true)
      }),
      { numRuns: 200 },
    )
  })
})
