/** Evidence of a fork that anybody can check (RELATIONSHIP-35): two entries that both follow one, signed as it demands. */
import { Fields, fail, type Json } from '@keystead/core'
import { followsByRight, standing } from './apply.ts'
import { type Entry, entryHash, parseEntry } from './entry.ts'

export interface Fork {
  /** The entry that both follow. */
  readonly base: Entry
  readonly entries: readonly [Entry, Entry]
}

/** Throws `BAD_ENTRY` or `BAD_FIELD` for what has not the form of evidence. */
export function parseFork(value: unknown): Fork {
  const f = new Fields(value, 'fork')
  const base = parseEntry(f.any('base'))
  const [one, other] = f.array('entries', { min: 2, max: 2 }, (item) => parseEntry(item as Json))
  f.end()
  if (!one || !other) return fail('fork.entries', 'must be two')
  return { base, entries: [one, other] }
}

/** True when the keys that `base` committed to have signed two different entries for one place. */
export function provesFork({ base, entries }: Fork): boolean {
  const [one, other] = entries
  const head = entryHash(base)
  return (
    entryHash(one) !== entryHash(other) &&
    one.seq === other.seq &&
    one.rel === other.rel &&
    (base.rel === '' || base.rel === one.rel) &&
    entries.every((entry) => entry.prev === head && entry.seq > base.seq && followsByRight(standing(base), entry))
  )
}

/** The fork between what is known and an entry that came late, where what is known reaches back so far. */
export function forkAmong(known: readonly Entry[], late: Entry): Fork | undefined {
  const base = known.find((entry) => entryHash(entry) === late.prev)
  const other = known.find((entry) => entry.seq === late.seq && entry.prev === late.prev)
  if (!base || !other) return undefined
  const sorted = [other, late].sort((a, b) => (entryHash(a) < entryHash(b) ? -1 : 1)) as [Entry, Entry]
  const fork = { base, entries: sorted } as const
  return provesFork(fork) ? fork : undefined
}
