import { readFileSync } from 'node:fs'
import { seededRandom } from '@keystead/core'
import { describe, expect, it } from 'vitest'
import { checkPin, generatePin, pinWeakness } from './pin.ts'

const SPACE = 1_000_000

/** Words of a file of `testing/pins`, past its comments. */
function published(name: string): string[] {
  const text = readFileSync(new URL(`../testing/pins/${name}`, import.meta.url), 'utf8')
  return text.replaceAll(/^#.*$/gm, '').split(/\s+/).filter(Boolean)
}

describe('a PIN', () => {
  it.each([
    ['12345', 'too short'],
    ['1234567890123', 'too long'],
    ['12345a', 'not digits'],
    ['', 'too short'],
    ['700707', 'few digits'],
    ['111111', 'few digits'],
    ['482482', 'repeats itself'],
    ['334488', 'repeats itself'],
    ['123456', 'goes up or down'],
    ['987654', 'goes up or down'],
    ['246802', 'goes up or down'],
    ['123789', 'goes up or down'],
    ['142536', 'goes up or down'],
    ['784512', 'goes up or down'],
    ['134679', 'goes up or down'],
    ['135790', 'goes up or down'],
    ['123457', 'goes up or down'],
    ['123465', 'goes up or down'],
    ['181920', 'goes up or down'],
    ['141993', 'a year'],
    ['471174', 'mirrored'],
    ['258085', 'a shape on the keypad'],
    ['147852', 'a shape on the keypad'],
    ['741963', 'a shape on the keypad'],
    ['311299', 'a date'],
    ['123199', 'a date'],
    ['991231', 'a date'],
    ['24121987', 'a date'],
    ['19871224', 'a date'],
    ['198766', 'a year'],
    ['662013', 'a year'],
    ['314159', 'well known'],
    ['12345678', 'goes up or down'],
    ['48214821', 'repeats itself'],
  ])('%s is refused: %s', (pin, why) => {
    expect(pinWeakness(pin)).toBe(why)
    expect(() => checkPin(pin)).toThrow(expect.objectContaining({ code: 'WEAK_PIN', details: { why } }))
  })

  it.each(['739164', '508273', '61839204', '918273645018'])('%s is taken', (pin) =>
    expect(pinWeakness(pin)).toBeUndefined(),
  )

  it('the error does not repeat the PIN', () => {
    const message = (() => {
      try {
        checkPin('123456')
      } catch (error) {
        return String((error as Error).message)
      }
      return ''
    })()
    expect(message).not.toContain('123456')
  })

  it('the block-list has about a tenth of the space of six digits (ESCROW-11)', () => {
    let refused = 0
    for (let pin = 0; pin < SPACE; pin++) if (pinWeakness(String(pin).padStart(6, '0'))) refused++
    expect(refused / SPACE).toBeGreaterThan(0.09)
    expect(refused / SPACE).toBeLessThan(0.12)
  })

  it('whatever twelve or more people of one published leak (phpBB, 2009) had as six digits is refused', () => {
    const common =
      '123456 111111 123123 000000 123321 654321 666666 112233 159753 123654 121212 888888 101010 555555 131313 999999 222222 ' +
      '789456 159357 696969 345444 333333 147258 777777 987654 102030 147852 142536 753951 321321 444444 252525 134679 123789'
    for (const pin of common.split(' ')) expect([pin, pinWeakness(pin)]).not.toEqual([pin, undefined])
  })

  it('the eight likeliest that are taken cover at most 1 % of 2.7 million in the RockYou leak (ESCROW-11)', () => {
    const order = published('rockyou-order.txt')
    const taken = order.flatMap((pin, place) => (pinWeakness(pin) === undefined ? [place + 1] : [])).slice(0, 8)
    expect(taken).toHaveLength(8)
    // The order alone is published: at place r are at most 1/r of all, for r PINs have at least as many.
    expect(taken.reduce((sum, place) => sum + 1 / place, 0)).toBeLessThan(0.01)
  })

  it('and at most 1 % of those in ten million passwords (Burnett, 2015)', () => {
    const counts = published('burnett-counts.txt').map((cell) => cell.split(':') as [string, string])
    const all = counts.reduce((sum, [, count]) => sum + Number(count), 0)
    expect(all).toBe(119_830)
    const taken = counts.filter(([pin]) => pinWeakness(pin) === undefined).map(([, count]) => Number(count))
    const eight = taken.sort((a, b) => b - a).slice(0, 8)
    // What fewer than eleven had is not counted, so the true share is smaller.
    expect(eight.reduce((sum, count) => sum + count, 0) / all).toBeLessThan(0.01)
  })

  it('that is generated passes, and is not always the same', () => {
    const pins = Array.from({ length: 200 }, (_, seed) => generatePin(seededRandom(seed)))
    for (const pin of pins) expect(pinWeakness(pin)).toBeUndefined()
    expect(new Set(pins).size).toBeGreaterThan(195)
  })
})
