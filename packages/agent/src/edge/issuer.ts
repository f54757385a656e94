/**
 * With which key this device issues for its owner (CREDENTIAL-24): on the one that holds the authority the key of the document, on any
 * other its own agent's key, where that may ASSERT. What it issues is anchored by the same key.
 */
import { isKeysteadError } from '@keystead/core'
import type { SigningKey } from '@keystead/crypto'
import { CAPABILITY, capabilitiesOf, keyUrl } from '@keystead/did-dkms'
import { signAsAgent } from './agent-operations.ts'
import { type Edge, fault } from './context.ts'
import { identitySigner, publicIdentity } from './identities.ts'
import { anchorRoot } from './identity-operations.ts'
import { ED25519 } from './key-types.ts'
import { isAway } from './operations.ts'
import type { AgentKey } from './records.ts'

export interface Issuer {
  readonly did: string
  readonly kid: string
  readonly key: SigningKey
  /** Absent on the device that holds the authority. */
  readonly agent?: AgentKey
}

/** Throws `NOT_ALLOWED_NOW` on a device that may not, and `NO_IDENTITY`. */
export async function issuerHere(edge: Edge): Promise<Issuer> {
  const { did } = await publicIdentity(edge)
  if (await edge.records.get('identity-keys', did)) return { did, ...(await identitySigner(edge, did)) }
  const { state, at } = await edge.ports.ledger.resolve(did)
  const keys = (await edge.records.all('agent-key')).map(({ value }) => value)
  const agent = keys.find((key) => state && (capabilitiesOf(state, key, at.time) & CAPABILITY.ASSERT) !== 0)
  if (!agent)
    throw fault('NOT_ALLOWED_NOW', 'this device was not given ASSERT: issue and revoke on another one of yours')
  return { did, kid: keyUrl(did, agent.k), key: await edge.ports.vault.key(agent.keyId, ED25519), agent }
}

/** How often an anchor that another device came before is tried again. */
const TRIES = 3

/** Rejects with `OPERATION_PENDING` while the ledger does not show it. Resolves to the number of the operation. */
export async function anchorAs(edge: Edge, { did, agent }: Issuer, root: string): Promise<number> {
  if (!agent) return anchorRoot(edge, did, root)
  const { ledger } = edge.ports
  for (let tried = 1; ; tried++) {
    const { state } = await ledger.resolve(did)
    if (!state) throw fault('UNKNOWN_DID', 'the ledger proves that this DID does not exist')
    try {
      await signAsAgent(edge, state, agent, { type: 'anchor', root })
      break
    } catch (error) {
      if (isAway(error)) throw fault('OPERATION_PENDING', 'the anchor has not reached the ledger yet', error)
      if (tried === TRIES || !(isKeysteadError(error, 'SEQ_MISMATCH') || isKeysteadError(error, 'PREV_MISMATCH')))
        throw error
    }
  }
  const found = (await ledger.history(did)).history.anchors.find((anchor) => anchor.root === root)
  if (!found) throw fault('OPERATION_PENDING', 'the anchor has not reached the ledger yet')
  return found.seq
}

/** A verifier knows an agent by what it signed on the ledger: nothing else shows whose key a list is signed with. */
export async function showOnLedger(edge: Edge, issuer: Issuer, root: string): Promise<void> {
  const { did, agent } = issuer
  if (!agent) return
  const { history } = await edge.ports.ledger.history(did)
  if (!history.openings.some(({ k, salt }) => k === agent.k && salt === agent.salt)) await anchorAs(edge, issuer, root)
}
