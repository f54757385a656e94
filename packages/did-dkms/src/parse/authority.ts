/** Authority and recovery set (DKMS-10, DKMS-22). All throw errors of `Fields`. */
import type { Fields } from '@keystead/core'
import { MAX_AUTH_KEYS, MAX_RECOVERY_PATHS, MAX_WEIGHT } from '../limits.ts'
import type { Authority, RecoveryEntry } from '../types.ts'
import { closed, readDigest, readSigner, unique } from './read.ts'

/** Ten years: longer than any delay an owner could mean. */
const MAX_DELAY = 10 * 365 * 86_400

export function parseAuthority(f: Fields): Authority {
  const rule = { min: 1, max: MAX_AUTH_KEYS }
  const weight = (item: Fields): number => item.integer('w', { min: 0, max: MAX_WEIGHT })
  const keys = f.array('keys', rule, (item, path) =>
    closed(item, path, (entry) => ({ k: readSigner(entry, 'k'), w: weight(entry) })),
  )
  const next = f.array('next', rule, (item, path) =>
    closed(item, path, (entry) => ({ h: readDigest(entry, 'h'), w: weight(entry) })),
  )
  const authority = {
    keys,
    threshold: threshold(f, 'threshold', keys),
    next,
    nextThreshold: threshold(f, 'nextThreshold', next),
  }
  unique(f, 'keys', keys, (entry) => entry.k)
  unique(f, 'next', next, (entry) => entry.h)
  f.end()
  return authority
}

/** A threshold that the weights can reach: anything else locks the owner out. */
function threshold(f: Fields, name: string, entries: readonly { w: number }[]): number {
  return f.integer(name, { min: 1, max: entries.reduce((sum, entry) => sum + entry.w, 0) })
}

export function parseRecovery(f: Fields, name = 'recovery'): RecoveryEntry[] {
  const entries = f.array(name, { max: MAX_RECOVERY_PATHS }, (item, path) =>
    closed(item, path, (entry) => ({
      h: readDigest(entry, 'h'),
      delay: entry.integer('delay', { min: 0, max: MAX_DELAY }),
      ...(entry.has('firm') ? { firm: entry.literal('firm', true) } : {}),
    })),
  )
  return unique(f, name, entries, (entry) => entry.h)
}
