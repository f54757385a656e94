/** Operations of a DID that was made for an issuer, by the authority of the device that made it. */
import { type AgentEntry, type Body, type DidState, operationAfter, signOperation } from '@keystead/did-dkms'
import { type Edge, nowSeconds } from '../context.ts'
import { usableIdentity } from '../identities.ts'
import { NOT_AFTER_SECONDS, submissionOf } from '../key-set.ts'
import { ED25519 } from '../key-types.ts'
import { perform, performAgain } from '../operations.ts'
import { quietly } from '../quietly.ts'
import type { Change } from '../store.ts'

/** Of one DID: the owner's own operations, a veto above all, need room among those that may still enter. */
const MOST_REFUSED = 8
const ours: ReadonlySet<string> = new Set(['agents', 'update'])

export type MakerOperation =
  | { readonly type: 'agents'; readonly put?: readonly AgentEntry[]; readonly drop?: readonly string[] }
  | { readonly type: 'update'; readonly body: string }

/**
 * On disk before it leaves: what is not brought now is resumed, and what a node refused, for the rate of operations above all, is brought
 * again before another one is made. True if something was done.
 */
export async function signAsMaker(
  edge: Edge,
  state: DidState,
  members: MakerOperation,
  body?: Body,
  also: readonly Change[] = [],
): Promise<boolean> {
  const { ledger, vault } = edge.ports
  const { did } = state
  const again = await quietly(edge, () => performAgain(edge, state, ({ type }) => ours.has(type)), undefined)
  if (again !== undefined) return again
  const refused = (await edge.records.all('refused-operation')).filter(({ value }) => value.did === did)
  if (refused.length >= MOST_REFUSED) return false
  const { identity, keys } = await usableIdentity(edge, did)
  const operation = operationAfter(state, ledger.net, nowSeconds(edge) + NOT_AFTER_SECONDS, members)
  const submission = submissionOf(await signOperation(operation, [await vault.key(keys.authority, ED25519)]), body)
  const after = { ...identity, seq: operation.seq, head: submission.hash }
  return perform(edge, { did, kind: members.type, submission, identity: after, keys, retire: [], also })
}
