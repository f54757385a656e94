/** RESOLVE-10: what an agency keeps of histories that are being read, for how long and how much. */
import { FakeClock, systemRandom } from '@keystead/core'
import { expect, it } from 'vitest'
import { HISTORY_HELD_SECONDS, HISTORY_PART_BYTES, MAX_HISTORIES_HELD_BYTES } from '../limits.ts'
import { HeldHistories } from './held-histories.ts'

const code = (work: () => unknown): unknown => {
  try {
    return work()
  } catch (error) {
    return (error as { code?: string }).code
  }
}

it('keeps none that fits into one answer', () => {
  const held = new HeldHistories({ clock: new FakeClock(0), random: systemRandom })
  expect(held.begin(new Uint8Array(HISTORY_PART_BYTES))).toMatchObject({ part: 0, parts: 1 })
  expect(held.begin(new Uint8Array(0))).toEqual({ part: 0, parts: 1, bytes: new Uint8Array(0) })
  expect(held.begin(new Uint8Array(HISTORY_PART_BYTES)).handle).toBeUndefined()
})

it('gives what it was given, in parts, for a minute', () => {
  const clock = new FakeClock(0)
  const held = new HeldHistories({ clock, random: systemRandom })
  const bytes = systemRandom(HISTORY_PART_BYTES * 2 + 1)
  const { handle = '', ...first } = held.begin(bytes)
  const all = [first, held.goOn(handle, 1), held.goOn(handle, 2)]
  expect(Buffer.concat(all.map((part) => part.bytes)).equals(bytes)).toBe(true)
  expect(code(() => held.goOn(handle, 3))).toBe('RESULT_GONE')
  clock.advance(HISTORY_HELD_SECONDS * 1000)
  expect(code(() => held.goOn(handle, 1))).toBe('RESULT_GONE')
})

it('keeps no more than its bound: the oldest go first', () => {
  const held = new HeldHistories({ clock: new FakeClock(0), random: systemRandom })
  const bytes = new Uint8Array(held.maxBytes)
  const fit = Math.floor(MAX_HISTORIES_HELD_BYTES / bytes.length)
  const handles = Array.from({ length: fit + 1 }, () => held.begin(bytes).handle ?? '')
  expect(code(() => held.goOn(handles[0] ?? '', 1))).toBe('RESULT_GONE')
  for (const handle of handles.slice(1)) expect(held.goOn(handle, 1).part).toBe(1)
})
