/**
 * The recovery policy: who must come together, and after what delay authority passes on (rules 2, 3, 25).
 *
 *   groups: S = a threshold of contacts, P = the printed kit, E = agents that keep a share behind a PIN
 *           M = what those contacts give in person alone: with E or P it overrules a veto (rule 27)
 *   paths:  pairs of groups, ids in alphabetical order
 *
 * E has at least three agents and needs more than half of them; that they are of different operators is judged by their
 * descriptors (escrow/descriptor.ts) when the deal is made.
 */
import { Fields, type JsonObject } from '@keystead/core'
import { refuse, under } from './errors.ts'
import {
  MAX_CONTACTS,
  MAX_DELAY_SECONDS,
  MAX_EPOCH,
  MAX_ESCROW_AGENTS,
  MAX_GUESSES,
  MIN_CONTACT_THRESHOLD,
  MIN_ESCROW_AGENTS,
} from './limits.ts'

export const PATH_IDS = ['E+M', 'E+P', 'E+S', 'M+P', 'P+S'] as const
export type PathId = (typeof PATH_IDS)[number]
export type GroupId = 'E' | 'M' | 'P' | 'S'

export interface RecoveryPolicy {
  readonly v: 1
  /** Counts exchanges of the recovery set; the same number stands on the ledger (rule 5). */
  readonly epoch: number
  readonly groups: {
    readonly P?: Readonly<Record<string, never>>
    readonly S?: { readonly threshold: number; readonly count: number }
    /** By the same contacts and threshold as S. */
    readonly M?: Readonly<Record<string, never>>
    /** `guesses`: at each agent. */
    readonly E?: { readonly threshold: number; readonly count: number; readonly guesses: number }
  }
  readonly paths: readonly { readonly id: PathId; readonly delay: number }[]
}

/** Rule 3, in seconds; a network states its own floors. What overrules a veto waits as long as what was vetoed. */
export const DEFAULT_DELAYS: Readonly<Record<PathId, number>> = {
  'E+M': 86_400,
  'E+P': 3600,
  'E+S': 86_400,
  'M+P': 259_200,
  'P+S': 259_200,
}

/** Paths that overrule a veto; they open no backup, for who has M has S. */
export function isFirm(path: PathId): boolean {
  return path === 'E+M' || path === 'M+P'
}

/** The two groups of a path, in the order in which their secrets are taken. */
export function groupsOf(path: PathId): readonly [GroupId, GroupId] {
  switch (path) {
    case 'E+M':
      return ['E', 'M']
    case 'M+P':
      return ['M', 'P']
    case 'E+P':
      return ['E', 'P']
    case 'E+S':
      return ['E', 'S']
    case 'P+S':
      return ['P', 'S']
  }
}

/** Throws `BAD_POLICY`. */
export function parsePolicy(value: unknown): RecoveryPolicy {
  return under('BAD_POLICY', 'this is not a recovery policy', () => readPolicy(value), ['BAD_POLICY'])
}

function readPolicy(value: unknown): RecoveryPolicy {
  const fields = new Fields(value, 'policy')
  const v = fields.literal('v', 1)
  const epoch = fields.integer('epoch', { min: 0, max: MAX_EPOCH })
  const groups = readGroups(fields.object('groups'))
  const paths = fields.array('paths', { min: 1, max: PATH_IDS.length }, (item, path) => {
    const entry = new Fields(item, path)
    const id = entry.literal('id', ...PATH_IDS)
    const delay = entry.integer('delay', { min: 0, max: MAX_DELAY_SECONDS })
    entry.end()
    return { id, delay }
  })
  fields.end()
  const used = new Set<GroupId>()
  for (const [index, { id }] of paths.entries()) {
    const before = paths[index - 1]
    if (before && before.id >= id) refuse('BAD_POLICY', 'paths are listed once each, in alphabetical order')
    for (const group of groupsOf(id)) {
      if (groups[group] === undefined) refuse('BAD_POLICY', `path ${id} needs group ${group}, which the policy lacks`)
      used.add(group)
    }
  }
  for (const group of Object.keys(groups) as GroupId[])
    if (!used.has(group)) refuse('BAD_POLICY', `group ${group} opens no path`)
  if (groups.M && !groups.S) refuse('BAD_POLICY', 'what contacts give in person needs contacts')
  if (paths.every(({ id }) => isFirm(id))) refuse('BAD_POLICY', 'a path that only overrules a veto is never the first')
  return { v, epoch, groups, paths }
}

function readGroups(fields: Fields): RecoveryPolicy['groups'] {
  const groups: { -readonly [G in keyof RecoveryPolicy['groups']]: RecoveryPolicy['groups'][G] } = {}
  if (fields.has('P')) {
    fields.object('P').end()
    groups.P = {}
  }
  if (fields.has('M')) {
    fields.object('M').end()
    groups.M = {}
  }
  if (fields.has('S')) {
    const contacts = fields.object('S')
    const threshold = contacts.integer('threshold', { min: MIN_CONTACT_THRESHOLD, max: MAX_CONTACTS })
    const count = contacts.integer('count', { min: threshold, max: MAX_CONTACTS })
    contacts.end()
    groups.S = { threshold, count }
  }
  if (fields.has('E')) {
    const agents = fields.object('E')
    const count = agents.integer('count', { min: MIN_ESCROW_AGENTS, max: MAX_ESCROW_AGENTS })
    const threshold = agents.integer('threshold', { min: 2, max: count })
    const guesses = agents.integer('guesses', { min: 1, max: MAX_GUESSES })
    agents.end()
    if (2 * threshold <= count) refuse('BAD_POLICY', 'a PIN needs more than half of its agents')
    groups.E = { threshold, count, guesses }
  }
  fields.end()
  return groups
}

/** As JSON, for canonical bytes. */
export function policyToJson(policy: RecoveryPolicy): JsonObject {
  return {
    v: policy.v,
    epoch: policy.epoch,
    groups: {
      ...(policy.groups.E && { E: { ...policy.groups.E } }),
      ...(policy.groups.M && { M: {} }),
      ...(policy.groups.P && { P: {} }),
      ...(policy.groups.S && { S: { threshold: policy.groups.S.threshold, count: policy.groups.S.count } }),
    },
    paths: policy.paths.map(({ id, delay }) => ({ id, delay })),
  }
}
