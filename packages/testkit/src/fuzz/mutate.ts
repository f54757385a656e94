/** JSON made strange along its structure: members lost, doubled, exchanged, of other types, too long, too deep. */
import type { Json } from '@keystead/core'

/** An integer below `below`. */
export type Draw = (below: number) => number

/** Repeatable numbers (mulberry32); for tests alone. */
export function numbersFrom(seed: number): Draw {
  let state = seed >>> 0
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) % below
  }
}

const LONG = 'x'.repeat(70_000)
const VALUES: readonly Json[] = [
  null,
  true,
  false,
  0,
  -1,
  1.5,
  2 ** 53,
  1e308,
  '',
  '\u0000',
  '\ud800',
  '\u202e',
  LONG,
  [],
  {},
  [null],
  { toString: 1 },
  'did:peer:4zQmX',
  'did:',
  '%',
  'https://didcomm.org/empty/1.0/empty',
]
const NAMES = ['', 'id', 'type', 'from', 'to', 'body', 'alg', 'kid', 'constructor', 'toString', '__proto__', 'x']

const MOST_TO_GROW = 500_000

type Holder = Record<string, Json> | Json[]

/** A copy with one thing changed, now and then several. */
export function mutated(value: Json, draw: Draw): Json {
  let copy = structuredClone(value) as Json
  do copy = once(copy, draw)
  while (
    // What has grown is not grown again, or a case would be hundreds of megabytes.
    draw(3) === 0 &&
    JSON.stringify(copy).length < MOST_TO_GROW
  )
  return copy
}

/** A copy, so that what is put into it stays there. */
const odd = (draw: Draw): Json => structuredClone(VALUES[draw(VALUES.length)]) as Json

function once(whole: Json, draw: Draw): Json {
  const holders = [...holdersIn(whole)]
  const holder = holders[draw(holders.length + 1)]
  if (!holder) return strange(whole, draw)
  const names = Object.keys(holder)
  const name = names[draw(names.length + 1)]
  const way = draw(10)
  if (name === undefined) set(holder, NAMES[draw(NAMES.length)] as string, odd(draw))
  else if (way < 2) remove(holder, name)
  else if (way < 4) exchange(holder, name, names[draw(names.length)] as string)
  else set(holder, name, strange((holder as Record<string, Json>)[name] as Json, draw))
  return whole
}

function strange(value: Json, draw: Draw): Json {
  switch (draw(6)) {
    case 0:
      return odd(draw)
    case 1:
      return [value, value]
    case 2:
      return nested(value, 1 + draw(120))
    case 3:
      return typeof value === 'string' ? otherText(value, draw) : JSON.stringify(value).slice(0, 100)
    case 4:
      return typeof value === 'number' ? value + draw(3) - 1 : { value }
    default:
      return Array.isArray(value) ? repeated((value as readonly Json[])[0] ?? null, draw) : [value]
  }
}

/** Many small things; of large ones few. */
function repeated(item: Json, draw: Draw): Json[] {
  const many = JSON.stringify(item).length < 1000 ? 300 : 3
  return Array.from({ length: 1 + draw(many) }, () => item)
}

function otherText(text: string, draw: Draw): string {
  const at = draw(text.length + 1)
  const cut = draw(4)
  if (cut === 0) return text.slice(0, at)
  if (cut === 1) return text.slice(0, at) + text
  return text.slice(0, at) + String.fromCharCode(draw(draw(2) === 0 ? 128 : 0x10000)) + text.slice(at + 1)
}

function nested(value: Json, depth: number): Json {
  let whole = value
  for (let i = 0; i < depth; i++) whole = [whole]
  return whole
}

function* holdersIn(value: Json): Generator<Holder> {
  if (typeof value !== 'object' || value === null) return
  yield value as Holder
  for (const member of Object.values(value)) yield* holdersIn(member as Json)
}

/** Own members only, `__proto__` too. */
function set(holder: Holder, name: string, value: Json): void {
  if (Array.isArray(holder)) holder.push(value)
  else Object.defineProperty(holder, name, { value, enumerable: true, configurable: true, writable: true })
}

function remove(holder: Holder, name: string): void {
  if (Array.isArray(holder)) holder.splice(Number(name), 1)
  else delete holder[name]
}

function exchange(holder: Holder, one: string, other: string): void {
  const members = holder as Record<string, Json>
  const [a, b] = [members[one], members[other]] as [Json, Json]
  members[one] = b
  members[other] = a
}
