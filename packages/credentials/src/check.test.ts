import { describe, expect, test } from 'vitest'
import { type Check, combine, type Outcome, weakestLevel } from './check.ts'

const check = (outcome: Outcome): Check => ({ name: 'proof', outcome, code: 'X', text: 'x' })

describe('CREDENTIAL-6: a verdict has three outcomes', () => {
  test.each<[Outcome[], Outcome]>([
    [['valid', 'valid'], 'valid'],
    [['valid', 'undetermined'], 'undetermined'],
    [['undetermined', 'invalid', 'valid'], 'invalid'],
    [['invalid'], 'invalid'],
  ])('%j is %s', (outcomes, expected) => {
    expect(combine(outcomes.map(check)).outcome).toBe(expected)
  })
})

describe('CREDENTIAL-18: a verdict is as strong as the weakest proof it rests on', () => {
  test.each<[(string | undefined)[], string | undefined]>([
    [[], undefined],
    [[undefined], undefined],
    [['bft', undefined], 'bft'],
    [['bft+witnessed', 'bft', 'operator-signed'], 'operator-signed'],
    [['operator-signed', 'bft+witnessed'], 'operator-signed'],
    [['operator-signed', 'unverified'], 'unverified'],
    [['unverified', 'some level of tomorrow'], 'some level of tomorrow'],
  ])('%j is %s', (levels, expected) => expect(weakestLevel(levels)).toBe(expected))
})
