/**
 * What holds of a log's authority (SYNC-4), out of the entries that somebody shows. Nothing in it is decided by time: two entries
 * at one place freeze it at the one before, until an entry that names both, or a recovery path's, decides.
 */
import { encodeMultikey, type PublicKey } from '@keystead/crypto'
import { refuse } from '../errors.ts'
import { type AuthorityEntry, decides, signersOf } from './authority-entry.ts'
import type { Head } from './heads.ts'

export interface Authority {
  /** The entry that holds. */
  readonly entry: AuthorityEntry
  /** Entries before it that were shown, newest first: their data keys open what is older. */
  readonly before: readonly AuthorityEntry[]
  /** Rivals at the next place, while it is not decided. */
  readonly rivals: readonly AuthorityEntry[]
  /** Entries that nobody was entitled to; only where they are passed over. */
  readonly strange: readonly AuthorityEntry[]
}

/**
 * What holds, from an entry that the caller trusts: the one it took in last, or the one a recovery path vouched for. Throws
 * `AUTHORITY_MISSING` when that one is not shown, `AUTHORITY_TAMPERED` for an entry that nobody was entitled to, unless `strange`
 * are passed over: a holder who invents one must not deny a recovery.
 */
export function readAuthority(
  log: string,
  entries: readonly AuthorityEntry[],
  trusted: Head,
  { strange: onStrange = 'refuse' }: { strange?: 'refuse' | 'pass' } = {},
): Authority {
  const byHash = new Map(entries.filter((entry) => entry.log === log).map((entry) => [entry.hash, entry]))
  const start = byHash.get(trusted.hash)
  if (start?.seq !== trusted.seq) return refuse('AUTHORITY_MISSING', 'the holder does not show what it had')
  const before: AuthorityEntry[] = []
  for (let prev = byHash.get(start.prev); prev; prev = byHash.get(prev.prev)) before.push(prev)
  const strange: AuthorityEntry[] = []
  let entry = start
  for (;;) {
    const next = [...byHash.values()].filter((candidate) => {
      if (candidate.seq !== entry.seq + 1 || candidate.prev !== entry.hash) return false
      if (isSuccessor(entry, candidate)) return true
      if (onStrange === 'refuse')
        refuse('AUTHORITY_TAMPERED', 'nobody was entitled to this entry of the log’s authority')
      strange.push(candidate)
      return false
    })
    const chosen = next.length > 1 ? decide(entry, next, [...byHash.values()]) : next[0]
    if (!chosen) return { entry, before, rivals: next, strange }
    before.unshift(entry)
    entry = chosen
  }
}

/** Of two at one place the recovery path's stands; else the one whose follower names all the others. */
function decide(
  before: AuthorityEntry,
  rivals: readonly AuthorityEntry[],
  all: readonly AuthorityEntry[],
): AuthorityEntry | undefined {
  const byPath = rivals.filter((rival) => isByPath(before, rival))
  if (byPath.length > 0) return byPath.length === 1 ? byPath[0] : undefined
  const decided = rivals.filter((rival) => {
    const others = rivals.filter((other) => other !== rival).map(({ hash }) => hash)
    return all.some(
      (entry) =>
        entry.prev === rival.hash && others.every((other) => entry.also.includes(other)) && isEntitled(before, entry),
    )
  })
  return decided.length === 1 ? decided[0] : undefined
}

/** Whether the entry before entitled somebody to this one: also for a holder, which can open neither. */
export function isSuccessor(before: AuthorityEntry, entry: AuthorityEntry): boolean {
  if (entry.log !== before.log || entry.seq !== before.seq + 1 || entry.prev !== before.hash) return false
  const ended = before.devices.filter(({ end }) => end !== undefined)
  const kept = before.devices.every(({ chain, key, end }) => {
    const now = entry.devices.find((device) => device.chain === chain)
    return (
      now !== undefined && same(now.key, key) && (end === undefined || JSON.stringify(now.end) === JSON.stringify(end))
    )
  })
  const removes = entry.devices.filter(({ end }) => end !== undefined).length > ended.length
  const fresh = entry.epoch === before.epoch + 1
  return kept && (fresh || (entry.epoch === before.epoch && !removes)) && isEntitled(before, entry)
}

function isEntitled(before: AuthorityEntry, entry: AuthorityEntry): boolean {
  const signers = signersOf(entry)
  const voices = before.devices.filter((device) => decides(device) && signers.some((by) => same(by, device.key)))
  return voices.length >= before.threshold || isByPath(before, entry)
}

function isByPath(before: AuthorityEntry, entry: AuthorityEntry): boolean {
  const signers = signersOf(entry)
  return before.paths.some(({ reader }) => signers.some((by) => same(by, reader)))
}

function same(a: PublicKey, b: PublicKey): boolean {
  return encodeMultikey(a) === encodeMultikey(b)
}
