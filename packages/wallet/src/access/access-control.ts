/**
 * The wallet's access control (VAULT-12, VAULT-13): asks the decision point before a function, and counts down what was
 * approved in the same write as what is done with it. Policy and grants are one sealed record that nothing else writes.
 */
import { base64url, type Clock, canonicalJson, Fields, parseJson, type Random } from '@keystead/core'
import type { AuditEvent } from '../audit.ts'
import type { AuditLog } from '../audit-log.ts'
import { corrupt, refuse } from '../errors.ts'
import { KEY_PURPOSE_NAMES } from '../key-purposes.ts'
import { MAX_GRANTS } from '../limits.ts'
import type { NewRecord } from '../store.ts'
import type { VaultKeys } from '../vault-keys.ts'
import type { Writer } from '../writer.ts'
import {
  type Approval,
  type ApprovalRequest,
  approversOf,
  checkTime,
  parseApproval,
  parseRequest,
  requestJson,
} from './approval.ts'
import { KEY_FUNCTION_NAMES } from './functions.ts'
import { type AccessPolicy, type AccessRequest, decideAccess, NO_POLICY, parsePolicy, policyJson } from './policy.ts'

/** What was approved and is not used up; one that is stays until its time is over, so that no request is granted twice. */
export interface Grant extends AccessRequest {
  readonly id: string
  readonly left: number
  readonly until: number
  readonly approvers: readonly string[]
}

export interface AccessState {
  /** Version: 0 until there is a policy. */
  readonly version: number
  readonly policy: AccessPolicy
  readonly grants: readonly Grant[]
  /** How often this was written. */
  readonly seq: number
}

/** Put `put` into the write that does what was asked for, and call `written` when it is on disk. */
export interface Admission {
  readonly put: readonly NewRecord[]
  readonly events: readonly AuditEvent[]
  /** For the head of the audit log. */
  readonly access?: number
  readonly written: () => void
}

const NOTHING: Admission = { put: [], events: [], written: () => {} }
const MAX_STATE_BYTES = 262_144

export class AccessControl {
  readonly #clock: Clock
  readonly #random: Random
  readonly #keys: VaultKeys
  readonly #writer: Writer
  readonly #audit: AuditLog
  #state: AccessState | undefined

  constructor({ clock, random }: { clock: Clock; random: Random }, keys: VaultKeys, writer: Writer, audit: AuditLog) {
    this.#clock = clock
    this.#random = random
    this.#keys = keys
    this.#writer = writer
    this.#audit = audit
  }

  async state(): Promise<AccessState> {
    if (this.#state) return this.#state
    const read = await this.#read()
    // Whoever wrote meanwhile knows better.
    this.#state ??= read
    return this.#state
  }

  /** Throws `NOT_ALLOWED` and `APPROVAL_NEEDED`; true when each use is to be admitted by itself. */
  async check(request: AccessRequest): Promise<boolean> {
    const state = await this.state()
    return this.#grantFor(state, request) !== undefined
  }

  /** Only inside `Writer.write`: admits one use, or throws as `check` does. */
  async admit(request: AccessRequest, generation: number): Promise<Admission> {
    const state = await this.state()
    const grant = this.#grantFor(state, request)
    if (!grant) return NOTHING
    const grants = state.grants.map((one) => (one === grant ? { ...one, left: one.left - 1 } : one))
    return this.#next({ ...state, grants }, [{ event: 'access used', request: grant.id }], generation)
  }

  /** A request for approvers to sign. */
  async ask(
    what: AccessRequest & Pick<ApprovalRequest, 'uses' | 'until' | 'reason' | 'change'>,
  ): Promise<ApprovalRequest> {
    const { version, policy } = await this.state()
    const { function: name, purpose, uses, until, reason, change } = what
    checkTime(what, this.#clock.now())
    if (decideAccess(policy, what).verdict !== 'approvals')
      return refuse('BAD_APPROVAL', 'nobody’s approval is needed for this, or nobody’s helps')
    const request: ApprovalRequest = {
      v: 1,
      kind: 'keystead approval request',
      id: base64url.encode(this.#random(16)),
      wallet: this.#keys.walletId,
      policy: version,
      function: name,
      ...(purpose === undefined ? {} : { purpose }),
      uses,
      until,
      reason,
      ...(change === undefined ? {} : { change }),
    }
    return parseRequest(requestJson(request))
  }

  /** Only inside `Writer.write`: takes a request with enough approvals. Throws `BAD_APPROVAL` and `APPROVAL_NEEDED`. */
  async grant(asked: ApprovalRequest, signed: readonly Approval[], generation: number): Promise<Admission> {
    const request = parseRequest(requestJson(asked))
    const approvals = signed.map(parseApproval)
    const state = await this.state()
    const { id, wallet, policy: version, function: name, purpose, uses, until, change } = request
    if (wallet !== this.#keys.walletId || version !== state.version)
      return refuse('BAD_APPROVAL', 'this was asked for by another wallet, or under another policy')
    checkTime(request, this.#clock.now())
    if (state.grants.some((one) => one.id === id)) return refuse('BAD_APPROVAL', 'this request was granted already')
    const decision = decideAccess(state.policy, request)
    if (decision.verdict !== 'approvals') return refuse('BAD_APPROVAL', 'nobody’s approval is needed for this')
    const approvers = approversOf(state.policy, request, approvals)
    if (approvers.length < decision.approvals) return needed(request, decision.approvals, approvers.length)
    const event: AuditEvent = {
      event: 'access granted',
      request: id,
      function: name,
      uses,
      approvals: approvers.length,
    }
    if (change) return this.#changed(state, change, [event], generation)
    const grants = state.grants.filter((one) => one.until > this.#clock.now())
    if (grants.length >= MAX_GRANTS) return refuse('BAD_APPROVAL', `at most ${MAX_GRANTS} grants stand at a time`)
    const grant = { id, function: name, ...(purpose === undefined ? {} : { purpose }), left: uses, until, approvers }
    return this.#next({ ...state, grants: [...grants, grant] }, [event], generation)
  }

  /** Only inside `Writer.write`: a policy that needs nobody's approval, which is the first one. Throws as `check` does. */
  async setPolicy(policy: AccessPolicy, generation: number): Promise<Admission> {
    const state = await this.state()
    this.#grantFor(state, { function: 'change policy' })
    return this.#changed(state, parsePolicy(policyJson(policy)), [], generation)
  }

  /** Where a policy changes, what was approved under the one before ends. */
  #changed(state: AccessState, policy: AccessPolicy, before: readonly AuditEvent[], generation: number): Admission {
    const version = state.version + 1
    return this.#next(
      { ...state, version, policy, grants: [] },
      [...before, { event: 'policy changed', version }],
      generation,
    )
  }

  /** The grant that covers it; undefined where none is needed. */
  #grantFor(state: AccessState, request: AccessRequest): Grant | undefined {
    const decision = decideAccess(state.policy, request)
    if (decision.verdict === 'allow') return undefined
    if (decision.verdict === 'deny') return refuse('NOT_ALLOWED', `this is not allowed: ${decision.why}`)
    const { function: name, purpose } = request
    const now = this.#clock.now()
    const grant = state.grants.find(
      (one) => one.function === name && one.purpose === purpose && one.left > 0 && one.until > now,
    )
    return grant ?? needed(request, decision.approvals, 0)
  }

  #next(before: AccessState, events: readonly AuditEvent[], generation: number): Admission {
    const state = { ...before, seq: before.seq + 1 }
    const { version, policy, grants, seq } = state
    const content = canonicalJson({
      seq,
      version,
      policy: policyJson(policy),
      grants: grants.map((one) => ({ ...one, approvers: [...one.approvers] })),
    })
    const id = this.#keys.token('access')
    const put = [this.#keys.seal({ id, segment: 'keys', generation, tokens: [] }, content)]
    const written = (): void => {
      this.#state = state
    }
    return { put, events, access: seq, written }
  }

  async #read(): Promise<AccessState> {
    const stored = await this.#writer.read(this.#keys.token('access'))
    const seq = await this.#audit.access()
    if (!stored && seq === 0) return { version: 0, policy: NO_POLICY, grants: [], seq }
    try {
      if (!stored) throw new Error('it is missing')
      const f = new Fields(parseJson(this.#keys.open(stored), MAX_STATE_BYTES))
      const state = {
        version: f.integer('version', { min: 1, max: Number.MAX_SAFE_INTEGER }),
        policy: parsePolicy(f.any('policy')),
        grants: f.array('grants', { max: MAX_GRANTS }, readGrant),
        seq: f.integer('seq', { min: 1, max: Number.MAX_SAFE_INTEGER }),
      }
      f.end()
      if (state.seq !== seq) throw new Error('it is an older one')
      return state
    } catch (cause) {
      return corrupt('its access policy does not open', cause)
    }
  }
}

function readGrant(item: unknown, path: string): Grant {
  const f = new Fields(item, path)
  const purpose = f.optional('purpose', (g, one) => g.literal(one, ...KEY_PURPOSE_NAMES))
  const grant = {
    id: f.string('id', { min: 22, max: 22 }),
    function: f.literal('function', ...KEY_FUNCTION_NAMES),
    ...(purpose === undefined ? {} : { purpose }),
    left: f.integer('left', { min: 0, max: Number.MAX_SAFE_INTEGER }),
    until: f.integer('until', { min: 0, max: Number.MAX_SAFE_INTEGER }),
    approvers: f.array('approvers', { max: 64 }, (one) => String(one)),
  }
  f.end()
  return grant
}

function needed({ function: name, purpose }: AccessRequest, approvals: number, have: number): never {
  const what = purpose === undefined ? name : `${name} (${purpose})`
  return refuse('APPROVAL_NEEDED', `${what}: ${approvals} approvals are needed, and ${have} are there`, {
    details: { function: name, ...(purpose === undefined ? {} : { purpose }), approvals },
  })
}
