/** What an owner's policy says, and the one decision that follows from it: pure, and a refusal unless something allows (VAULT-12). */
import { Fields, type JsonObject } from '@keystead/core'
import { decodeMultikey } from '@keystead/crypto'
import { refuse } from '../errors.ts'
import { KEY_PURPOSE_NAMES, type KeyPurpose } from '../key-purposes.ts'
import { MAX_ACCESS_RULES, MAX_APPROVER_NAME, MAX_APPROVERS } from '../limits.ts'
import { KEY_FUNCTION_NAMES, KEY_FUNCTIONS, type KeyFunction, type KeyFunctionRules } from './functions.ts'

export interface Approver {
  readonly name: string
  /** Multikey, Ed25519. */
  readonly key: string
}

export interface AccessRule {
  readonly function: KeyFunction
  /** Absent: whatever the key is for. */
  readonly purpose?: KeyPurpose
  /** How many of the approvers must agree. */
  readonly approvals: number
}

export interface AccessPolicy {
  readonly approvers: readonly Approver[]
  readonly rules: readonly AccessRule[]
}

export const NO_POLICY: AccessPolicy = { approvers: [], rules: [] }

/** What is about to be done. */
export interface AccessRequest {
  readonly function: KeyFunction
  readonly purpose?: KeyPurpose
}

export type AccessDecision =
  | { readonly verdict: 'allow' }
  | { readonly verdict: 'approvals'; readonly approvals: number }
  | { readonly verdict: 'deny'; readonly why: string }

/** The decision point: every function of a wallet's keys passes it, and nothing else decides. */
export function decideAccess(policy: AccessPolicy, { function: name, purpose }: AccessRequest): AccessDecision {
  if (!Object.hasOwn(KEY_FUNCTIONS, name)) return { verdict: 'deny', why: 'no such function' }
  const { mayRequire, ofKey }: KeyFunctionRules = KEY_FUNCTIONS[name]
  if (ofKey !== (purpose !== undefined)) return { verdict: 'deny', why: 'a function of a key is done to a key' }
  if (purpose !== undefined && !KEY_PURPOSE_NAMES.includes(purpose)) return { verdict: 'deny', why: 'no such purpose' }
  const approvals = name === 'change policy' ? strictest(policy.rules) : mayRequire ? ruled(policy, name, purpose) : 0
  return approvals === 0 ? { verdict: 'allow' } : { verdict: 'approvals', approvals }
}

function ruled({ rules }: AccessPolicy, name: KeyFunction, purpose: KeyPurpose | undefined): number {
  return strictest(rules.filter((rule) => rule.function === name && (rule.purpose ?? purpose) === purpose))
}

const strictest = (rules: readonly AccessRule[]): number => Math.max(0, ...rules.map(({ approvals }) => approvals))

/** Throws `BAD_POLICY`. */
export function parsePolicy(value: unknown): AccessPolicy {
  try {
    return readPolicy(new Fields(value, 'policy'))
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : ''
    return refuse('BAD_POLICY', `this policy cannot be kept: ${why}`, { cause })
  }
}

function readPolicy(fields: Fields): AccessPolicy {
  const approvers = fields.array('approvers', { max: MAX_APPROVERS }, (item, path) => {
    const f = new Fields(item, path)
    const approver = {
      name: f.string('name', { min: 1, max: MAX_APPROVER_NAME }),
      key: f.string('key', { min: 1, max: 128 }),
    }
    f.end()
    if (decodeMultikey(approver.key).suite !== 'ed25519') throw new Error('an approver signs with Ed25519')
    return approver
  })
  for (const what of ['name', 'key'] as const)
    if (new Set(approvers.map((one) => one[what])).size < approvers.length)
      throw new Error(`two approvers share a ${what}`)
  const rules = fields.array('rules', { max: MAX_ACCESS_RULES }, (item, path) => readRule(item, path, approvers.length))
  fields.end()
  return { approvers, rules }
}

function readRule(item: unknown, path: string, approvers: number): AccessRule {
  const f = new Fields(item, path)
  const name = f.literal('function', ...KEY_FUNCTION_NAMES)
  const purpose = f.optional('purpose', (g, one) => g.literal(one, ...KEY_PURPOSE_NAMES))
  const approvals = f.integer('approvals', { min: 1, max: MAX_APPROVERS })
  f.end()
  const { mayRequire, ofKey }: KeyFunctionRules = KEY_FUNCTIONS[name]
  if (!mayRequire) throw new Error(`"${name}" waits for nobody`)
  if (purpose !== undefined && !ofKey) throw new Error(`"${name}" is not done to a key`)
  // Else it would be denied for ever, and the rule with it.
  if (approvals > approvers) throw new Error(`${approvals} approvals of ${approvers} approvers`)
  return { function: name, ...(purpose === undefined ? {} : { purpose }), approvals }
}

export const policyJson = ({ approvers, rules }: AccessPolicy): JsonObject => ({
  approvers: approvers.map(({ name, key }) => ({ name, key })),
  rules: rules.map((rule) => ({ ...rule })),
})
