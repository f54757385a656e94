/**
 * Operations on their way to the ledger: on disk before they leave, resumed until the ledger has answered, believed only
 * when the light client has seen them in the state.
 */
import { isKeysteadError, type Json, type JsonObject, type KeysteadError, parseJson, utf8 } from '@keystead/core'
import { type DidState, type Operation, parseSubmissionJson, type Submission } from '@keystead/did-dkms'
import { parseReceipt, provesCensorship } from '@keystead/light-client'
import { APPROVAL_SECONDS } from '../limits.ts'
import { AUTHORITY_ASK } from '../protocols/own-devices/authority.ts'
import { type Edge, fault, nowSeconds, queueRecipient, randomId, tell } from './context.ts'
import { giveUp } from './key-life.ts'
import { tellDevices } from './own-devices/list.ts'
import type { PendingOperation } from './records.ts'
import { withoutKeysOf } from './recovery/recovery-set.ts'
import { fate, inForce, refuseAfterManyRefusals } from './refused.ts'
import { withReplacedKeys } from './replaced.ts'
import { type Change, put, remove } from './store.ts'

/** Bytes of a receipt: three hashes, a key and a signature. */
const MAX_RECEIPT_BYTES = 1024

/**
 * Codes with which a ledger is away, not refusing; also those of an answer that says nothing, for the operation may have entered
 * all the same, and with it the keys that stand in this record alone.
 */
const AWAY: ReadonlySet<string> = new Set([
  'LEDGER_UNREACHABLE',
  'HEADER_STALE',
  'CLOCK_WRONG',
  'LEDGER_STOPPING',
  'LEDGER_WAITING',
  'LEDGER_DISK_FULL',
  'TOO_MANY_OPERATIONS',
  'INTERNAL_ERROR',
  'LEDGER_REFUSED',
  'LEDGER_STALLED',
  'COMETBFT_FAILED',
  'RECEIPT_INVALID',
  'TOO_LARGE',
  'BAD_ENCODING',
  'BAD_FIELD',
])

/** What the ledger may take all the same. */
export function isAway(error: unknown): boolean {
  return isKeysteadError(error) && AWAY.has(error.code)
}

export interface NewOperation extends Omit<PendingOperation, 'submission' | 'ownDidBefore'> {
  readonly submission: Submission
  /** More changes to commit together with the operation. */
  readonly also?: readonly Change[]
}

/** Throws `OPERATION_PENDING`: one operation of a DID at a time, for each names the one before. */
export async function refuseWhilePending(edge: Edge, did: string): Promise<void> {
  for (const { value } of await edge.records.all('operation')) {
    if (value.did !== did) continue
    if (value.asked)
      throw fault(
        'OPERATION_PENDING',
        'a change of this DID waits for another device of yours: "keystead requests" there',
      )
    throw fault('OPERATION_PENDING', 'an earlier operation of this DID has not reached the ledger yet')
  }
}

/** True when the ledger has it, false when it waits. Rejects with the code of a refusal. */
export async function perform(edge: Edge, { submission, also = [], ...rest }: NewOperation): Promise<boolean> {
  const { operation, body, hash } = submission
  const { did, ownDid } = rest
  await refuseAfterManyRefusals(edge, did)
  const json = {
    op: operation as unknown as JsonObject,
    ...(body ? { body: body as unknown as JsonObject } : {}),
  }
  const own: Change[] = ownDid ? [put('own-did', did, await withReplacedKeys(edge, ownDid))] : []
  const ownDidBefore = ownDid && (await edge.records.get('own-did', did))
  const pending: PendingOperation = { ...rest, ...(ownDidBefore ? { ownDidBefore } : {}), submission: json }
  await edge.records.commit([put('operation', hash, pending), ...own, ...also])
  return resume(edge, hash)
}

/**
 * The same operation once more where a node refused it and it still follows the newest one: what is tried again and again until it is
 * taken, as a recovery, a veto or a new recovery set, is one operation and not many. Undefined where there is none; else as `perform`.
 */
export async function performAgain(
  edge: Edge,
  { did, head }: Pick<DidState, 'did' | 'head'>,
  wanted: (operation: Operation) => boolean,
  also: (pending: PendingOperation) => readonly Change[] = () => [],
): Promise<boolean | undefined> {
  for (const { name, value } of await edge.records.all('refused-operation')) {
    const { operation } = parseSubmissionJson(value.submission as unknown as Json)
    const { prev, notAfter } = operation
    if (value.did !== did || value.asked || !wanted(operation) || prev !== head || notAfter < nowSeconds(edge)) continue
    const own: Change[] = value.ownDid ? [put('own-did', did, await withReplacedKeys(edge, value.ownDid))] : []
    await edge.records.commit([
      put('operation', name, value),
      remove('refused-operation', name),
      ...own,
      ...also(value),
    ])
    return resume(edge, name)
  }
  return undefined
}

/** Brings every waiting operation. Refusals are told, not thrown. */
export async function resumeOperations(edge: Edge): Promise<void> {
  for (const { name } of await edge.records.all('operation')) {
    try {
      await resume(edge, name)
    } catch (error) {
      if (!isKeysteadError(error)) throw error
      tell(edge, { kind: 'operation-refused', text: `the ledger refused an operation: ${error.message}` })
    }
  }
}

/** Rule 15: keeps the node's first receipt, and says so when a proven state shows that its promise was broken. */
async function judgeWaiting(
  edge: Edge,
  hash: string,
  pending: PendingOperation,
  submission: Submission,
  error: KeysteadError,
): Promise<string> {
  const { receipt } = pending
  if (receipt === undefined) {
    const { receipt: first } = error.details
    if (typeof first === 'string') await edge.records.commit([put('operation', hash, { ...pending, receipt: first })])
    return ''
  }
  try {
    const { ledger } = edge.ports
    const signed = parseReceipt(parseJson(utf8(receipt), MAX_RECEIPT_BYTES))
    const broken = provesCensorship(signed, submission, await ledger.resolve(pending.did), ledger)
    return broken
      ? `; the node promised it for ${new Date(signed.includeBy * 1000).toISOString()} and broke its word`
      : ''
  } catch (cause) {
    // Without a verified state there is nothing to judge by yet.
    if (isKeysteadError(cause)) return ''
    throw cause
  }
}

/** Whether the proven state has the operation, whatever a node says of it; undefined while nothing is proven. */
async function hasEntered(edge: Edge, did: string, hash: string): Promise<boolean | undefined> {
  try {
    return (await edge.ports.ledger.resolve(did)).state?.head === hash
  } catch (error) {
    if (isKeysteadError(error)) return undefined
    throw error
  }
}

/** Our agent answers by the old keys again, unless an operation that entered has given it others meanwhile. */
async function answersAsBefore(edge: Edge, { did, ownDid, ownDidBefore }: PendingOperation): Promise<Change[]> {
  const now = await edge.records.get('own-did', did)
  return ownDidBefore && now?.keyAgreement.keyId === ownDid?.keyAgreement.keyId
    ? [put('own-did', did, ownDidBefore)]
    : []
}

/**
 * DEVICE-19: one that another device has to sign, too, and brings to the ledger. The DID answers by its keys as before until it is
 * proven there.
 */
export async function performWith(
  edge: Edge,
  { submission, also = [], ...rest }: NewOperation,
  to: readonly string[],
): Promise<false> {
  const { operation, body, hash } = submission
  await refuseAfterManyRefusals(edge, rest.did)
  const json = { op: operation, ...(body ? { body } : {}) } as unknown as PendingOperation['submission']
  const id = randomId(edge)
  const expires = nowSeconds(edge) + APPROVAL_SECONDS
  const asked: Change[] = []
  for (const account of to)
    asked.push(...(await tellDevices(edge, AUTHORITY_ASK, { id, expires, submission: json }, account)))
  const pending: PendingOperation = { ...rest, submission: json, asked: { id, expires, declined: [] } }
  await edge.records.commit([put('operation', hash, pending), ...also, ...asked])
  tell(edge, { kind: 'approval-wanted', text: 'a change of your DID waits for another device of yours to approve it' })
  return false
}

/** The proven ledger alone says what became of it. */
async function resumeAsked(edge: Edge, hash: string, pending: PendingOperation): Promise<boolean> {
  const { did, ownDid } = pending
  let became: Awaited<ReturnType<typeof fate>>
  try {
    became = await fate(edge, hash, pending)
  } catch (error) {
    if (isKeysteadError(error)) return false
    throw error
  }
  if (became === 'open') return false
  if (became === 'never') {
    await edge.records.commit([remove('operation', hash), ...(await withoutKeysOf(edge, pending))])
    await giveUp(edge, madeWith(pending))
    tell(edge, {
      kind: 'approval-expired',
      text: `a change of "${pending.identity.label}" (${pending.kind}) is over: nobody approved it in time, or another came first`,
    })
    return true
  }
  const own = ownDid ? [put('own-did', did, await withReplacedKeys(edge, ownDid))] : []
  // Status lists are signed anew with the new key.
  const issuers = await edge.records.all('issuer')
  const lists = issuers.map(({ name, value }) => put('issuer', name, { ...value, published: false }))
  // A device that has taken another's place is to get what is sent to the DID.
  const taken = ownDid && !(await edge.records.get('identity-keys', did))
  const receive = taken ? [queueRecipient(edge, did, 'add')] : []
  await edge.records.commit([...inForce(pending), ...own, ...lists, ...receive, remove('operation', hash)])
  await giveUp(edge, pending.retire)
  tell(edge, { kind: 'approved', text: `another device of yours approved a change of "${pending.identity.label}"` })
  return true
}

/** Keys that nobody will see in force. */
const madeWith = ({ ownDid }: PendingOperation): string[] =>
  ownDid ? [ownDid.authentication.keyId, ownDid.keyAgreement.keyId] : []

async function resume(edge: Edge, hash: string): Promise<boolean> {
  const pending = await edge.records.get('operation', hash)
  if (!pending) return true
  if (pending.asked) return resumeAsked(edge, hash, pending)
  const { ledger } = edge.ports
  const submission = parseSubmissionJson(pending.submission as unknown as Json)
  let taken = false
  try {
    await ledger.submit(submission)
    taken = true
    const { state } = await ledger.resolve(pending.did)
    const { seq = -1, head } = state ?? {}
    // Another operation has its number for good.
    if (seq === submission.operation.seq && head !== hash) taken = false
    if (head !== hash && seq <= submission.operation.seq)
      throw fault('NOT_ALLOWED_NOW', 'the ledger answered "done" but its state does not show the operation')
  } catch (error) {
    if (!isKeysteadError(error)) throw error
    // Once a node has taken it, only a proven state tells what became of it.
    if (taken || isAway(error)) {
      const blame = await judgeWaiting(edge, hash, pending, submission, error)
      tell(edge, { kind: 'waiting', text: `a ledger operation (${pending.kind}) waits: ${error.message}${blame}` })
      return false
    }
    const entered = await hasEntered(edge, pending.did, hash)
    if (entered === undefined) {
      tell(edge, { kind: 'waiting', text: `a ledger operation (${pending.kind}) was refused without proof; it waits` })
      return false
    }
    if (!entered) {
      const changes = [
        remove('operation', hash),
        put('refused-operation', hash, pending),
        ...(await answersAsBefore(edge, pending)),
      ]
      await edge.records.commit(changes)
      throw error
    }
  }
  await edge.records.commit([...inForce(pending), remove('operation', hash)])
  await giveUp(edge, pending.retire)
  return true
}
