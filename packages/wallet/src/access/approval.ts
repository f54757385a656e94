/**
 * What approvers sign: a request for so many uses of one function, for a time, of one wallet under one version of its policy
 * (VAULT-13). Requests and approvals are files; nothing of them is secret.
 */
import { base64url, canonicalJson, concatBytes, Fields, type JsonObject, utf8 } from '@keystead/core'
import { decodeMultikey, encodeMultikey, type SigningKey, sha256, verifySignature } from '@keystead/crypto'
import { refuse } from '../errors.ts'
import { KEY_PURPOSE_NAMES } from '../key-purposes.ts'
import { MAX_ACCESS_REASON, MAX_GRANT_TIME, MAX_GRANT_USES } from '../limits.ts'
import { KEY_FUNCTION_NAMES } from './functions.ts'
import { type AccessPolicy, type AccessRequest, parsePolicy, policyJson } from './policy.ts'

export interface ApprovalRequest extends AccessRequest {
  readonly v: 1
  readonly kind: 'keystead approval request'
  readonly id: string
  readonly wallet: string
  /** Version of the policy it is asked under: a change of policy ends it. */
  readonly policy: number
  /** How often. */
  readonly uses: number
  /** Milliseconds since 1970. */
  readonly until: number
  /** For people, from whoever asks. */
  readonly reason: string
  /** Of `change policy`: what it shall be. */
  readonly change?: AccessPolicy
}

export interface Approval {
  readonly v: 1
  readonly kind: 'keystead approval'
  /** SHA-256 of the request's canonical JSON. */
  readonly request: string
  /** Multikey of the approver. */
  readonly key: string
  readonly signature: string
}

const DOMAIN = utf8('keystead/approval/v1|')

export function requestJson(request: ApprovalRequest): JsonObject {
  const { change, ...rest } = request
  return { ...rest, ...(change ? { change: policyJson(change) } : {}) }
}

const requestBytes = (request: ApprovalRequest) => canonicalJson(requestJson(request))

export const requestHash = (request: ApprovalRequest): string => base64url.encode(sha256(requestBytes(request)))

export async function approve(request: ApprovalRequest, key: SigningKey): Promise<Approval> {
  const signature = await key.sign(concatBytes(DOMAIN, requestBytes(request)))
  return {
    v: 1,
    kind: 'keystead approval',
    request: requestHash(request),
    key: encodeMultikey(key.publicKey),
    signature: base64url.encode(signature),
  }
}

/** Names of the approvers who signed this very request; each once. Whatever else is among `approvals` counts for nothing. */
export function approversOf(policy: AccessPolicy, request: ApprovalRequest, approvals: readonly Approval[]): string[] {
  const signed = concatBytes(DOMAIN, requestBytes(request))
  const hash = requestHash(request)
  const holds = ({ request: of, key, signature }: Approval): boolean => {
    const { suite, bytes } = decodeMultikey(key)
    return of === hash && suite === 'ed25519' && verifySignature({ suite, bytes }, signed, base64url.decode(signature))
  }
  return policy.approvers
    .filter((approver) => approvals.some((one) => one.key === approver.key && holds(one)))
    .map(({ name }) => name)
}

/** Throws `BAD_APPROVAL`. */
export function parseRequest(value: unknown): ApprovalRequest {
  return parsing('request', () => {
    const f = new Fields(value, 'request')
    const purpose = f.optional('purpose', (g, one) => g.literal(one, ...KEY_PURPOSE_NAMES))
    const change = f.optional('change', (g, one) => parsePolicy(g.any(one)))
    const request: ApprovalRequest = {
      v: f.literal('v', 1),
      kind: f.literal('kind', 'keystead approval request'),
      id: f.string('id', { min: 22, max: 22 }),
      wallet: f.string('wallet', { min: 22, max: 22 }),
      policy: f.integer('policy', { min: 0, max: Number.MAX_SAFE_INTEGER }),
      function: f.literal('function', ...KEY_FUNCTION_NAMES),
      uses: f.integer('uses', { min: 1, max: MAX_GRANT_USES }),
      until: f.integer('until', { min: 0, max: Number.MAX_SAFE_INTEGER }),
      reason: f.string('reason', { max: MAX_ACCESS_REASON }),
      ...(purpose === undefined ? {} : { purpose }),
      ...(change === undefined ? {} : { change }),
    }
    f.end()
    if ((request.function === 'change policy') !== (change !== undefined)) throw new Error('a change says what to')
    return request
  })
}

/** Throws `BAD_APPROVAL`. */
export function parseApproval(value: unknown): Approval {
  return parsing('approval', () => {
    const f = new Fields(value, 'approval')
    const approval: Approval = {
      v: f.literal('v', 1),
      kind: f.literal('kind', 'keystead approval'),
      request: f.string('request', { min: 43, max: 43 }),
      key: f.string('key', { min: 1, max: 128 }),
      signature: f.string('signature', { min: 86, max: 86 }),
    }
    f.end()
    decodeMultikey(approval.key)
    base64url.decode(approval.signature)
    return approval
  })
}

/** Throws `BAD_APPROVAL` for a time that is over or too far away. */
export function checkTime({ until }: Pick<ApprovalRequest, 'until'>, now: number): void {
  if (until <= now || until > now + MAX_GRANT_TIME)
    refuse(
      'BAD_APPROVAL',
      `an approval holds for at most ${MAX_GRANT_TIME / 86_400_000} days, and this one does not hold now`,
    )
}

function parsing<T>(what: string, read: () => T): T {
  try {
    return read()
  } catch (cause) {
    return refuse('BAD_APPROVAL', `this is not an approval ${what} that we know`, { cause })
  }
}
