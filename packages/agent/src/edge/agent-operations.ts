/** Operations that this device signs as an agent of a DID, as far as its entry lets it (DKMS-9). */
import {
  type AgentEntry,
  type Body,
  type DidState,
  type HalfChange,
  operationAfter,
  signOperation,
} from '@keystead/did-dkms'
import { type Edge, nowSeconds } from './context.ts'
import { NOT_AFTER_SECONDS, submissionOf } from './key-set.ts'
import { ED25519 } from './key-types.ts'
import type { AgentKey } from './records.ts'

export type AgentOperation =
  | { readonly type: 'agents'; readonly put?: readonly AgentEntry[]; readonly drop?: readonly string[] }
  | { readonly type: 'update'; readonly body: string; readonly change?: HalfChange }
  | { readonly type: 'anchor'; readonly root: string }
  | { readonly type: 'suspend' }

/** After the newest operation. Nothing of it is kept: a look at the ledger shows whether it is there. */
export async function signAsAgent(
  edge: Edge,
  state: DidState,
  { k, salt, keyId }: AgentKey,
  members: AgentOperation,
  body?: Body,
): Promise<void> {
  const { ledger, vault } = edge.ports
  const notAfter = nowSeconds(edge) + NOT_AFTER_SECONDS
  const operation = operationAfter(state, ledger.net, notAfter, { ...members, open: [{ k, salt }] })
  await ledger.submit(submissionOf(await signOperation(operation, [await vault.key(keyId, ED25519)]), body))
}
