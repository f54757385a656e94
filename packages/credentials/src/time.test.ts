import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { MAX_TIME } from './limits.ts'
import { iso, secondsOf } from './time.ts'

describe('CREDENTIAL-1: times', () => {
  test('every second of the calendar is written and read back', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: MAX_TIME }), (time) => {
        expect(secondsOf(iso(time))).toBe(time)
      }),
    )
  })

  test.each<[string, number | undefined]>([
    ['1970-01-01T00:00:01Z', 1],
    ['1970-01-01T02:00:01+02:00', 1],
    ['1970-01-01T00:00:01.5Z', 1.5],
    ['2024-02-29T00:00:00Z', 1_709_164_800],
    ['2023-02-29T00:00:00Z', undefined],
    ['2023-04-31T00:00:00Z', undefined],
    ['2023-13-01T00:00:00Z', undefined],
    ['2023-01-00T00:00:00Z', undefined],
    ['2023-01-01T25:00:00Z', undefined],
    ['2023-01-01T00:00:00+99:00', undefined],
    ['2023-01-01T00:00:00', undefined],
    ['2023-01-01', undefined],
    ['2023-01-01T00:00:00Z ', undefined],
    ['1 January 2023', undefined],
    ['', undefined],
  ])('"%s" is %s', (text, expected) => expect(secondsOf(text)).toBe(expected))
})
