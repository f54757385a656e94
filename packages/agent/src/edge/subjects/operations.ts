/** Operations of a DID that was made for an issuer, by the authority of the device that made it. */
import { type AgentEntry, type Body, type DidState, operationAfter, signOperation } from '@keystead/did-dkms'
import { type Edge, nowSeconds } from '../context.ts'
import { usableIdentity } from '../identities.ts'
import { NOT_AFTER_SECONDS, submissionOf } from '../key-set.ts'
import { ED25519 } from '../key-types.ts'
import { perform } from '../operations.ts'
import type { Change } from '../store.ts'

export type MakerOperation =
  | { readonly type: 'agents'; readonly put?: readonly AgentEntry[]; readonly drop?: readonly string[] }
  | { readonly type: 'update'; readonly body: string }

/** On disk before it leaves: what is not brought now is resumed. */
export async function signAsMaker(
  edge: Edge,
  state: DidState,
  members: MakerOperation,
  body?: Body,
  also: readonly Change[] = [],
): Promise<void> {
  const { ledger, vault } = edge.ports
  const { did } = state
  const { identity, keys } = await usableIdentity(edge, did)
  const operation = operationAfter(state, ledger.net, nowSeconds(edge) + NOT_AFTER_SECONDS, members)
  const submission = submissionOf(await signOperation(operation, [await vault.key(keys.authority, ED25519)]), body)
  const after = { ...identity, seq: operation.seq, head: submission.hash }
  await perform(edge, { did, kind: members.type, submission, identity: after, keys, retire: [], also })
}
