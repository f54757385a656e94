/**
 * Which PINs are taken. People choose alike: dates, repeats, sequences, shapes on the keypad. An attacker has a handful of
 * guesses, so what counts is how much of all people's choice the likeliest PINs cover; a block-list of about a tenth of the
 * space is what helps (Markert et al., "This PIN Can Be Easily Guessed", IEEE S&P 2020). Ours is made by rules alone, so
 * that it fits any length and ships no list of anybody's.
 */
import type { Random } from '@keystead/core'
import { refuse } from '../errors.ts'
import { MAX_PIN_DIGITS, MIN_PIN_DIGITS } from '../limits.ts'

export type PinWeakness =
  | 'not digits'
  | 'too short'
  | 'too long'
  | 'few digits'
  | 'repeats itself'
  | 'goes up or down'
  | 'mirrored'
  | 'a date'
  | 'a year'
  | 'a shape on the keypad'
  | 'well known'

/** Throws `WEAK_PIN` with the reason in words, and in `details.why`. */
export function checkPin(pin: string): void {
  const why = pinWeakness(pin)
  if (why) refuse('WEAK_PIN', `this PIN is ${SENTENCES[why]}`, { why })
}

/** The first reason not to take it. */
export function pinWeakness(pin: string): PinWeakness | undefined {
  if (!/^[0-9]*$/.test(pin)) return 'not digits'
  if (pin.length < MIN_PIN_DIGITS) return 'too short'
  if (pin.length > MAX_PIN_DIGITS) return 'too long'
  return RULES.find(([, matches]) => matches(pin))?.[0]
}

/** A PIN that was chosen by chance, so that nobody's habits help to guess it. */
export function generatePin(random: Random): string {
  for (;;) {
    const digits = [...random(64)].filter((byte) => byte < 250).map((byte) => byte % 10)
    const pin = digits.slice(0, MIN_PIN_DIGITS).join('')
    if (pinWeakness(pin) === undefined) return pin
  }
}

const SENTENCES: Readonly<Record<PinWeakness, string>> = {
  'not digits': 'not made of digits',
  'too short': `too short: it needs ${MIN_PIN_DIGITS} digits`,
  'too long': `too long: at most ${MAX_PIN_DIGITS} digits`,
  'few digits': 'easily guessed: it uses too few different digits',
  'repeats itself': 'easily guessed: it repeats itself',
  'goes up or down': 'easily guessed: it counts up or down',
  mirrored: 'easily guessed: it reads the same backwards',
  'a date': 'easily guessed: it can be read as a date',
  'a year': 'easily guessed: it has a year and little else',
  'a shape on the keypad': 'easily guessed: it is a shape on the keypad',
  'well known': 'one of those that many people choose',
}

const RULES: readonly (readonly [PinWeakness, (pin: string) => boolean])[] = [
  ['few digits', (pin) => new Set(pin).size <= 2],
  ['repeats itself', repeats],
  ['goes up or down', counts],
  ['mirrored', (pin) => [...pin].reverse().join('') === pin],
  ['a shape on the keypad', walksKeypad],
  ['a date', isDate],
  ['a year', hasYear],
  ['well known', (pin) => WELL_KNOWN.has(pin)],
]

/** 123123, 121212, and 112233 read in pairs: units of one to half the length; runs of equal digits throughout. */
function repeats(pin: string): boolean {
  for (let unit = 1; unit <= pin.length / 2; unit++)
    if (pin.length % unit === 0 && pin.slice(0, unit).repeat(pin.length / unit) === pin) return true
  return /^(?:(\d)\1+)+$/.test(pin) || /(\d)\1{3}/.test(pin)
}

/**
 * One step throughout, round past nine too: 123456, 890123, 246802. Halves that each count: 123789, 135246. Every other digit
 * with one step: 142536, 192837, 784512. Digits in rising or falling order, zero first or last: 134679, 135790. All but one
 * of them in a row: 123457. A row from zero or one in another order: 123465, 132456. Pairs in a row: 181920.
 */
function counts(pin: string): boolean {
  const half = Math.ceil(pin.length / 2)
  const every = (from: number): string => [...pin].filter((_, i) => i % 2 === from).join('')
  if (step(pin) !== undefined || (step(every(0)) !== undefined && step(every(1)) !== undefined)) return true
  const small = (text: string): boolean => [0, 1, 2, 8, 9].includes(step(text) ?? -1)
  return (
    (small(pin.slice(0, half)) && small(pin.slice(half))) ||
    sorted(pin) ||
    nearlyInARow(pin) ||
    reordered(pin) ||
    pairs(pin)
  )
}

/** The step between all neighbours, if it is one. */
function step(text: string): number | undefined {
  const steps = differences(text)
  return new Set(steps).size <= 1 ? steps[0] : undefined
}

function sorted(pin: string): boolean {
  const rises = (digits: readonly number[]): boolean =>
    digits.every((digit, i) => i === 0 || digit > (digits[i - 1] ?? 0))
  const digits = [...pin].map(Number)
  const tens = digits.map((digit) => (digit === 0 ? 10 : digit))
  return [digits, tens].some((list) => rises(list) || rises(list.toReversed()))
}

function nearlyInARow(pin: string): boolean {
  return [pin.slice(1), pin.slice(0, -1)].some((part) => [1, 9].includes(step(part) ?? -1))
}

function reordered(pin: string): boolean {
  const digits = [...pin].sort().join('')
  return step(digits) === 1 && digits <= '2'
}

function pairs(pin: string): boolean {
  const numbers = pin.match(/../g)?.map(Number) ?? []
  const steps = new Set(numbers.slice(1).map((number, i) => number - (numbers[i] ?? 0)))
  return pin.length % 2 === 0 && steps.size === 1 && [1, -1].includes([...steps][0] ?? 0)
}

function differences(pin: string): number[] {
  return [...pin].slice(1).map((digit, i) => (Number(digit) - Number(pin[i]) + 10) % 10)
}

/** Places of the digits on a telephone's keypad. */
const PLACE: Readonly<Record<string, readonly [number, number]>> = Object.fromEntries(
  ['123', '456', '789', ' 0 '].flatMap((row, y) => [...row].map((digit, x) => [digit, [x, y] as const])),
)

/** Every step goes to a key beside the last one, or stays on it: straight, round a corner, there and back. */
function walksKeypad(pin: string): boolean {
  const walks = [...pin].slice(1).every((digit, i) => near(pin[i] ?? '', digit))
  return walks || TWO_LINES.has(pin)
}

function near(one: string, other: string): boolean {
  const [a, b] = [PLACE[one], PLACE[other]]
  return a !== undefined && b !== undefined && Math.abs(a[0] - b[0]) + Math.abs(a[1] - b[1]) <= 1
}

/** Two lines of the keypad one after the other, each either way: 147258, 963741, 159753. */
const TWO_LINES: ReadonlySet<string> = ((lines) => new Set(lines.flatMap((one) => lines.map((other) => one + other))))(
  ['123', '456', '789', '147', '258', '369', '159', '357'].flatMap((line) => [line, [...line].reverse().join('')]),
)

const DAYS = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]

/** DDMMYY, MMDDYY, YYMMDD, of any year; of eight digits DDMMYYYY, MMDDYYYY, YYYYMMDD. */
function isDate(pin: string): boolean {
  const n = (from: number, length: number): number => Number(pin.slice(from, from + length))
  const day = (d: number, m: number): boolean => m >= 1 && m <= 12 && d >= 1 && d <= (DAYS[m - 1] ?? 0)
  if (pin.length === 6) return day(n(0, 2), n(2, 2)) || day(n(2, 2), n(0, 2)) || day(n(4, 2), n(2, 2))
  if (pin.length !== 8) return false
  return (
    (isYear(n(4, 4)) && (day(n(0, 2), n(2, 2)) || day(n(2, 2), n(0, 2)))) || (isYear(n(0, 4)) && day(n(6, 2), n(4, 2)))
  )
}

function isYear(year: number): boolean {
  return year >= 1900 && year <= 2099
}

/** A year with a month, twice, or with two more digits that only fill; one that somebody was born in, or may be, also with a day. */
function hasYear(pin: string): boolean {
  if (pin.length !== 6) return false
  const [head, tail] = [pin.slice(0, 4), pin.slice(2)]
  const fills = (text: string, year: number): boolean =>
    text[0] === text[1] || (Number(text) >= 1 && Number(text) <= (year >= 1930 && year < 2030 ? 31 : 12))
  return [
    [head, pin.slice(4)],
    [tail, pin.slice(0, 2)],
  ].some(([year = '', rest = '']) => isYear(Number(year)) && fills(rest, Number(year)))
}

/**
 * What no rule above has and many know: pi and e, formulas, lines of songs, emergency numbers in a row. In the second line what
 * is left of the thousand likeliest six digits in the RockYou leak, as Markert et al. publish them; in the third, of Burnett's
 * ten million passwords (`pin.test.ts` says what that leaves).
 */
const WELL_KNOWN: ReadonlySet<string> = new Set(
  [
    '246810 314159 271828 141421 161803 525600 867530 147896 235711 142857 159357 357159 131452 520131 100200',
    '212224 143444 159632 143637 143445 159263 317537 420247 159874 906090 303677 678910 246800 123700 123412 362436',
    '315475 141627',
  ]
    .join(' ')
    .split(' '),
)
