/** The newest accepted head lies in the vault: an attacker who can write files cannot turn it back (rule 17). */
import { base64url, type Clock, canonicalJson, type JsonObject } from '@keystead/core'
import { sha256 } from '@keystead/crypto'
import { type PinStore, pinFromJson, pinToJson } from '@keystead/light-client'
import type { Vault } from '@keystead/wallet'

export function vaultPins(vault: Vault, clock: Clock): PinStore {
  return {
    load: async () => {
      const stored = await vault.get('pin', 'ledger')
      return stored && pinFromJson(stored)
    },
    save: (pin) => vault.put({ segment: 'cache', category: 'pin', name: 'ledger', value: pinToJson(pin) }),
    // Named by its content: the same contradiction, met again, is the same evidence.
    keepEvidence: async (evidence: JsonObject) => {
      const name = `ledger-${base64url.encode(sha256(canonicalJson(evidence)))}`
      await vault.put({ segment: 'messages', category: 'evidence', name, value: { ...evidence, at: clock.now() } })
    },
  }
}
