/**
 * The model's world: a DID of one authority key whose state is the real one, changed by the real `apply` and `settle`. Keys are
 * names whose first letter says who knows them: O the owner, T the thief, B both (it was stolen), L nobody any more (it was
 * lost). What a name can sign, whoever knows it can; no signature is made, so states by the hundred thousand are affordable.
 */
import { multihash } from '@keystead/core'
import { digestOfOpening } from '../../agents.ts'
import { applyWith } from '../../apply/apply.ts'
import { capabilitySet } from '../../capabilities.ts'
import { keyDigestOf } from '../../identifier.ts'
import { type NetworkParameters, productionParameters } from '../../network/parameters.ts'
import { settle } from '../../settle.ts'
import type { DidState } from '../../state.ts'
import { endOf, type Wait } from '../../time.ts'
import type { AgentEntry, Authority, Operation } from '../../types.ts'

/** Half a day: every delay of the model is a few of them, and a vetoed path rests for two, the bound of `MAX_PATH_REST`. */
export const TICK = 43_200
const START = 1_800_000_000 - (1_800_000_000 % TICK)
const HASH = multihash.encode(new Uint8Array(32))
const DID = `did:dkms:aaaaaaaaaaaaaaaa:${HASH}`
const SALT = 'A'.repeat(22)
const MANY = 1_000_000

/** Recovery 2 ticks, holds 4, suspension 2, removal of an agent 1; no rates, which bound speed and not what is possible. */
export const PARAMETERS: NetworkParameters = {
  ...productionParameters,
  minRecoveryDelay: 0,
  recoveryHold: 0,
  suspension: 2 * TICK,
  agentRemoval: TICK,
  notAfterMax: 400 * TICK,
  perHour: MANY,
  perDay: MANY,
  perWeek: MANY,
  urgentPerDay: MANY,
}
export const RECOVERY_DELAY = 2 * TICK
export const ADMIN = capabilitySet(['ADMIN', 'SUSPEND'])
export const PLAIN = capabilitySet(['SUSPEND'])

export type Actor = 'O' | 'T'

export function knows(actor: Actor, name: string): boolean {
  return name.startsWith(actor) || name.startsWith('B')
}

/** Everything a name stands for, and back. */
const nameOfDigest = new Map<string, string>()

export function digest(name: string): string {
  const h = keyDigestOf(name)
  nameOfDigest.set(h, name)
  return h
}

export function agentDigest(name: string): string {
  const h = digestOfOpening(opening(name))
  nameOfDigest.set(h, name)
  return h
}

export function opening(name: string): { k: string; salt: string } {
  digest(name)
  return { k: name, salt: SALT }
}

export function nameOf(h: string): string {
  return nameOfDigest.get(h) ?? '?'
}

export function authority(key: string, next: string): Authority {
  digest(key)
  return { keys: [{ k: key, w: 1 }], threshold: 1, next: [{ h: digest(next), w: 1 }], nextThreshold: 1 }
}

export function agent(name: string, caps = ADMIN): AgentEntry {
  return { h: agentDigest(name), caps, exp: START + 10_000 * TICK }
}

export function path(name: string): { h: string; delay: number } {
  return { h: digest(name), delay: RECOVERY_DELAY }
}

export interface Position {
  readonly state: DidState
  readonly now: number
}

export interface Beginning {
  readonly key: string
  readonly next: string
  readonly agents: readonly string[]
  readonly paths: readonly string[]
}

export function begin({ key, next, agents, paths }: Beginning): Position {
  const operation = {
    v: 1,
    net: HASH,
    did: DID,
    seq: 0,
    prev: '',
    notAfter: START + TICK,
    type: 'genesis',
    auth: authority(key, next),
    recovery: paths.map(path),
    agents: agents.map((name) => agent(name)),
    body: HASH,
    proof: proofs([key]),
  } as unknown as Operation
  const result = applyWith(() => true, undefined, { operation, hash: HASH }, contextAt(START))
  if (!result.ok) throw new Error(result.code)
  return { state: result.state, now: START }
}

/** The position after an operation, or nothing when the rules refuse it. */
export function act({ state, now }: Position, members: object, signers: readonly string[]): Position | undefined {
  const envelope = { v: 1, net: HASH, did: DID, seq: state.seq + 1, prev: HASH, notAfter: now + TICK }
  const operation = { ...envelope, ...members, proof: proofs(signers) } as unknown as Operation
  const result = applyWith(() => true, state, { operation, hash: HASH }, contextAt(now))
  return result.ok ? { state: result.state, now } : undefined
}

export function wait({ state, now }: Position): Position {
  const time = now + TICK
  const { settled: _, ...after } = settle(state, { time, lost: 0 }, PARAMETERS)
  return { state: after, now: time }
}

function contextAt(time: number) {
  return { net: HASH, parameters: PARAMETERS, time, lost: 0, logIndex: 0 }
}

function proofs(signers: readonly string[]) {
  return signers.map((name) => ({ verificationMethod: `${DID}#${keyDigestOf(name)}` }))
}

/** A position without what no rule compares: numbers, hashes and absolute times. Equal texts have equal futures. */
export function describePosition({ state, now }: Position): string {
  const left = (delay: Wait): number => (endOf(delay, 0) - now) / TICK
  const agents = (entries: readonly AgentEntry[]) => entries.map(({ h, caps }) => `${nameOf(h)}:${caps}`).sort()
  const auth = ({ keys, next }: Authority) => [keys.map(({ k }) => k), next.map(({ h }) => nameOf(h))]
  const paths = (entries: readonly { h: string }[]) => entries.map(({ h }) => nameOf(h)).sort()
  const { pending, held } = state.recovery
  const text = JSON.stringify([
    state.status,
    auth(state.auth),
    agents(state.agents),
    state.removals?.map((r) => [nameOf(r.h), nameOf(r.by), r.contested ? 'contested' : left(r)]).sort(),
    state.suspension && left(state.suspension),
    state.suspenders?.map(nameOf).sort(),
    paths(state.recovery.entries),
    state.recovery.vetoesLeft,
    held && [paths(held.entries), left(held)],
    state.recovery.resting?.map((r) => [nameOf(r.h), left(r)]).sort(),
    pending && [
      nameOf(pending.path),
      auth(pending.auth),
      agents(pending.agents),
      paths(pending.recovery),
      left(pending),
    ],
    state.deactivation && left(state.deactivation),
  ])
  return renamed(text)
}

/** Numbered names in the order in which they appear: which fresh key it is makes no difference. */
function renamed(text: string): string {
  const given = new Map<string, string>()
  const counts: Record<string, number> = {}
  return text.replace(/\b([OTBL])\d+/g, (name, owner: string) => {
    const known = given.get(name)
    if (known) return known
    const count = counts[owner] ?? 0
    counts[owner] = count + 1
    given.set(name, `${owner}${count}`)
    return `${owner}${count}`
  })
}

/** Names of keys that a position still knows anything about. */
export function namesIn({ state }: Position): Set<string> {
  const { pending, held, entries } = state.recovery
  const auths = [state.auth, ...(pending ? [pending.auth] : [])]
  const digests = [
    ...auths.flatMap(({ next }) => next),
    ...[...entries, ...(held?.entries ?? []), ...(pending?.recovery ?? [])],
    ...[...state.agents, ...(pending?.agents ?? [])],
  ]
  return new Set([...auths.flatMap(({ keys }) => keys.map(({ k }) => k)), ...digests.map(({ h }) => nameOf(h))])
}
