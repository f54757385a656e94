/** KEYVERIFY-12: one test a row. */
import type { Effect, Standing } from '@keystead/microledger'
import { describe, expect, it } from 'vitest'
import { CONTINUITY, type ContinuityEvent, continuityOf } from './continuity.ts'

const standing = (...keys: string[]): Standing => ({
  seq: 0,
  head: 'h',
  did: 'd',
  doc: 'd',
  keys,
  threshold: 1,
  next: [],
  nextThreshold: 1,
})

const of = (effect: Effect, before: string[], after: string[]) =>
  continuityOf(effect, standing(...before), standing(...after))

describe('the event that an entry is', () => {
  it.each<[ContinuityEvent | undefined, Effect, string[], string[]]>([
    ['device-added', 'rotated', ['a'], ['a', 'b']],
    ['device-revoked', 'rotated', ['a', 'b'], ['b']],
    ['rotated', 'rotated', ['a'], ['b']],
    ['rotated', 'rotated', ['a', 'b'], ['a', 'c']],
    ['rotated', 'vetoed', ['a'], ['b']],
    ['forked', 'frozen', ['a'], ['a']],
    ['resolved', 'resolved', ['a'], ['b']],
    [undefined, 'known', ['a'], ['a']],
    [undefined, 'pending', ['a'], ['a']],
  ])('%s', (event, effect, before, after) => expect(of(effect, before, after)).toBe(event))
})

describe('what an event makes of the trust', () => {
  it.each<[ContinuityEvent, string, string]>([
    ['device-added', 'stays', 'go on'],
    ['device-revoked', 'stays', 'go on'],
    ['rotated', 'stays', 'go on'],
    ['recovered', 'ends', 'go on'],
    ['forked', 'stays', 'block'],
    ['resolved', 'stays', 'go on'],
    ['rolled-back', 'stays', 'block'],
    ['stale-rotation', 'stays', 'as before'],
  ])('%s: verified %s, talk: %s', (event, verified, talk) => {
    expect(CONTINUITY[event]).toMatchObject({ verified, talk })
  })

  it('new keys are challenged at once, those of a recovery only by people', () => {
    const challenged = Object.entries(CONTINUITY).flatMap(([event, { challenge }]) => (challenge ? [event] : []))
    expect(challenged.sort()).toEqual(['device-added', 'resolved', 'rotated'])
  })

  it('an alarm is for what breaks continuity, and for nothing else', () => {
    const alarms = Object.entries(CONTINUITY).flatMap(([event, { notice }]) => (notice === 'alarm' ? [event] : []))
    expect(alarms.sort()).toEqual(['forked', 'recovered', 'rolled-back'])
  })
})
