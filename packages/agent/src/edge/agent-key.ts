/** A key with which this device acts for a DID whose owner puts its entry on the ledger (rule 8, DKMS-13). */
import { base64url } from '@keystead/core'
import { encodeMultikey } from '@keystead/crypto'
import { agentDigest, openingOf } from '@keystead/did-dkms'
import type { Edge } from './context.ts'
import { ED25519 } from './key-types.ts'
import type { AgentKey } from './records.ts'
import { put } from './store.ts'

export async function makeAgentKey(edge: Edge, name: string): Promise<AgentKey> {
  const made = await newAgentKey(edge, name)
  await edge.records.commit([put('agent-key', made.h, made)])
  return made
}

/** The record is the caller's to keep. */
export async function newAgentKey(edge: Edge, name: string): Promise<AgentKey> {
  const { vault, random } = edge.ports
  const { keyId, key } = await vault.createKey(ED25519, 'agent entry')
  const k = encodeMultikey(key.publicKey)
  const { salt } = openingOf(k, random(16))
  return { h: agentDigest(base64url.decode(salt), k), name, k, salt, keyId }
}
