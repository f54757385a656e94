/**
 * What waits in CometBFT's mempool, tried on top of the committed state (ENGINE-5). A new envelope is judged in full. After
 * each block CometBFT asks again for all that is left: then an operation stands as long as its DID's state is the one it
 * was tried on, and nothing is judged, decoded or verified again.
 */
import { equalBytes, isKeysteadError } from '@keystead/core'
import { isNetworkSubmission, type NetworkSubmission, type Submission, stateKey } from '@keystead/did-dkms'
import type { AdmissionPolicy } from '../../admission.ts'
import { indexOf, putIndex } from '../../state/entries.ts'
import type { Execution } from '../../state/execute.ts'
import { Batch, type LedgerStore } from '../../state/store.ts'
import type { Submissions } from './submissions.ts'
import { ALREADY_WAITING, type RefusedOperation, type Verdict, verdictOf, verdictOfError } from './verdict.ts'

export interface MempoolPorts {
  readonly store: LedgerStore
  readonly submissions: Submissions
  /** NET-32: this node's own policy, for what its peers send too; no part of consensus, so a block may carry it all the same. */
  readonly admission: AdmissionPolicy
  /** Tries operations at a time, on top of a batch. */
  trial(time: number, batch: Batch): Execution
}

/** States of an operation's DID around it, when it was tried; undefined: there is none yet. */
interface Tried {
  readonly before: Uint8Array | undefined
  readonly after: Uint8Array
}

export interface Rechecked {
  /** Any of the envelope can still enter a block. */
  readonly stays: boolean
  readonly verdicts: readonly Verdict[]
  /** Those of it that cannot, unless they are in the log. */
  readonly refused: readonly RefusedOperation[]
}

export class Mempool {
  readonly #ports: MempoolPorts
  /** States after all that waits. */
  #waiting: Batch
  readonly #tried = new WeakMap<Submission, Tried>()
  /** Left out by a proposal of ours although their state is as it was: time has made them wrong. */
  readonly #doubted = new Set<string>()

  constructor(ports: MempoolPorts) {
    this.#ports = ports
    this.#waiting = new Batch(ports.store)
  }

  /** A block is on disk: what waits is tried on the state after it. */
  committed(): void {
    this.#waiting = new Batch(this.#ports.store)
  }

  /** A proposal could not take the operation: the next `recheck` looks at it in full. */
  doubt(hash: string): void {
    this.#doubted.add(hash)
  }

  /** Verdicts on a new envelope, which enters if there is nothing against any of it; none if it is no envelope. */
  check(tx: Uint8Array, time: number): Verdict[] {
    const { store, submissions } = this.#ports
    const batch = new Batch(this.#waiting)
    const execution = this.#ports.trial(time, batch)
    const verdicts = submissions.envelope(execution.rules, tx).map((parsed): Verdict => {
      if (!parsed.ok) return { code: parsed.code, message: parsed.message }
      const { hash } = parsed.submission
      const inLog = indexOf(store, hash) !== undefined
      if (indexOf(batch, hash) !== undefined && !inLog)
        return { code: ALREADY_WAITING, message: 'this operation waits in the mempool already' }
      const unwelcome = inLog ? null : this.#admit(parsed.submission)
      if (unwelcome) return unwelcome
      return this.#run(execution, batch, parsed.submission)
    })
    if (verdicts.length > 0 && verdicts.every((verdict) => verdict === null)) this.#keep(batch)
    return verdicts
  }

  /** An envelope that waits, after a block. */
  recheck(tx: Uint8Array, time: number): Rechecked {
    const batch = new Batch(this.#waiting)
    const execution = this.#ports.trial(time, batch)
    const refused: RefusedOperation[] = []
    const verdicts = this.#ports.submissions.envelope(execution.rules, tx).map((parsed): Verdict => {
      if (!parsed.ok) return { code: parsed.code, message: parsed.message }
      const { submission } = parsed
      if (this.#stands(batch, submission, time)) return null
      const verdict = this.#run(execution, batch, submission)
      if (verdict && indexOf(batch, submission.hash) === undefined) refused.push({ hash: submission.hash, ...verdict })
      return verdict
    })
    const stays = verdicts.some((verdict) => verdict === null)
    if (stays) this.#keep(batch)
    return { stays, verdicts, refused }
  }

  #admit(submission: Submission | NetworkSubmission): Verdict {
    if (isNetworkSubmission(submission)) return null
    try {
      this.#ports.admission.check(submission)
      return null
    } catch (error) {
      if (!isKeysteadError(error)) throw error
      return verdictOfError(error)
    }
  }

  #stands(batch: Batch, submission: Submission | NetworkSubmission, time: number): boolean {
    if (isNetworkSubmission(submission) || this.#doubted.delete(submission.hash)) return false
    const { operation, hash } = submission
    const tried = this.#tried.get(submission)
    if (!tried || operation.notAfter < time) return false
    const key = stateKey(operation.did)
    const now = batch.get('s', key)
    if (now ? !tried.before || !equalBytes(now, tried.before) : tried.before) return false
    batch.put('s', key, tried.after)
    putIndex(batch, hash, 0)
    return true
  }

  #run(execution: Execution, batch: Batch, submission: Submission | NetworkSubmission): Verdict {
    if (isNetworkSubmission(submission)) return verdictOf(execution.run(submission))
    const key = stateKey(submission.operation.did)
    const before = batch.get('s', key)
    const verdict = verdictOf(execution.run(submission))
    if (!verdict) this.#tried.set(submission, { before, after: batch.get('s', key) as Uint8Array })
    return verdict
  }

  #keep(batch: Batch): void {
    for (const [name, value] of batch.changes) this.#waiting.changes.set(name, value)
  }
}
