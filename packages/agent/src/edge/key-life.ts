/** When keys begin and end, in the terms of SP 800-57 (VAULT-5): committed ahead, taken up, given up. */
import { isKeysteadError } from '@keystead/core'
import type { SigningKey } from '@keystead/crypto'
import type { KeyPurpose, NewKey } from '@keystead/wallet'
import type { Edge } from './context.ts'
import { ED25519 } from './key-types.ts'

/** A key that is committed to by its digest and can do nothing yet (pre-activation). */
export function commitKey(edge: Edge, purpose: KeyPurpose): Promise<NewKey<typeof ED25519>> {
  return edge.ports.vault.createKey(ED25519, purpose, { state: 'pre-activation' })
}

/** The key committed to, now to be used; one that was taken up before in vain is as it was. */
export async function takeUp(edge: Edge, keyId: string): Promise<SigningKey> {
  const { vault } = edge.ports
  try {
    await vault.setKeyState(keyId, 'active', 'put to use')
  } catch (error) {
    if (!isKeysteadError(error, 'BAD_KEY_STATE')) throw error
  }
  return vault.key(keyId, ED25519)
}

/** Keys with which nothing is to be signed or read any more, agreement keys included. */
export async function destroyKeys(edge: Edge, keyIds: readonly string[]): Promise<void> {
  const { vault } = edge.ports
  for (const keyId of keyIds) {
    try {
      await vault.setKeyState(keyId, 'destroyed', 'owner decided')
    } catch (error) {
      if (!isKeysteadError(error, 'BAD_KEY_STATE')) throw error
    }
  }
}

/**
 * Keys that were replaced: a private signature key has nothing left to do and is destroyed (transition 5); an agreement key
 * still opens what was sent to it (transition 8). One that is compromised already stays so.
 */
export async function giveUp(edge: Edge, keyIds: readonly string[]): Promise<void> {
  const { vault } = edge.ports
  const kinds = new Map((await vault.keys()).map(({ keyId, type }) => [keyId, type.kind]))
  for (const keyId of keyIds) {
    try {
      await vault.setKeyState(keyId, kinds.get(keyId) === 'signing' ? 'destroyed' : 'deactivated', 'replaced')
    } catch (error) {
      if (!isKeysteadError(error, 'BAD_KEY_STATE')) throw error
    }
  }
}
