/** Agent entries, quorums and openings (DKMS-13 to DKMS-15). All throw errors of `Fields`. */
import { type Fields, fail, type Json, type JsonObject } from '@keystead/core'
import { MAX_AGENTS, MAX_CAPABILITIES } from '../limits.ts'
import type { AgentEntry, Opening, Quorums } from '../types.ts'
import { checkDigest, checkSalt, closed, readDigest, readSalt, readSigner, TIME, unique } from './read.ts'

const AT_LEAST_ONE = { min: 1, max: MAX_AGENTS }

export function parseAgents(
  f: Fields,
  name = 'agents',
  rule: { min?: number; max: number } = { max: MAX_AGENTS },
): AgentEntry[] {
  const entries = f.array(name, rule, (item, path) =>
    closed(item, path, (entry) => ({
      h: readDigest(entry, 'h'),
      caps: entry.integer('caps', { min: 0, max: MAX_CAPABILITIES }),
      exp: entry.integer('exp', TIME),
    })),
  )
  return unique(f, name, entries, (entry) => entry.h)
}

export function parseQuorums(f: Fields): Quorums {
  return closed(f.any('quorums'), `${f.path}.quorums`, (q) => {
    const count = (name: string): JsonObject =>
      q.has(name) ? { [name]: q.integer(name, { min: 2, max: MAX_AGENTS }) } : {}
    return { ...count('ADMIN'), ...count('ROTATE'), ...count('UPDATE_SERVICE'), ...count('ASSERT') }
  })
}

/** What an agent shows of its entry. */
export function parseOpening(value: Json, path = 'opening'): Opening {
  return closed(value, path, (entry) => ({ k: readSigner(entry, 'k'), salt: readSalt(entry, 'salt') }))
}

/** `open`, where agents sign. */
export function parseOpenings(f: Fields): { open?: Opening[] } {
  if (!f.has('open')) return {}
  const open = f.array('open', AT_LEAST_ONE, parseOpening)
  return { open: unique(f, 'open', open, (entry) => entry.k) }
}

export function parseAgentChanges(f: Fields): JsonObject {
  const members = ['put', 'drop', 'spare', 'quorums', 'contest'].filter((name) => f.has(name))
  if (members.length === 0) fail(f.path, 'must change something')
  if (f.has('contest') && members.length > 1) fail(f.path, 'contests, and changes nothing else')
  const digests = (name: string, check: (value: Json, path: string) => string): string[] =>
    unique(f, name, f.array(name, AT_LEAST_ONE, check), (text) => text)
  return {
    ...(f.has('put') ? { put: parseAgents(f, 'put', AT_LEAST_ONE) as unknown as Json } : {}),
    ...(f.has('drop') ? { drop: digests('drop', checkDigest) } : {}),
    ...(f.has('spare') ? { spare: digests('spare', checkSalt) } : {}),
    ...(f.has('quorums') ? { quorums: parseQuorums(f) as unknown as Json } : {}),
    ...(f.has('contest') ? { contest: f.literal('contest', true) } : {}),
    ...(parseOpenings(f) as JsonObject),
  }
}
