/** The newest accepted head lies in the vault: an attacker who can write files cannot turn it back (rule 17). */
import type { Clock, JsonObject } from '@keystead/core'
import { evidenceName, type PinStore, pinFromJson, pinToJson } from '@keystead/light-client'
import type { Vault } from '@keystead/wallet'

export function vaultPins(vault: Vault, clock: Clock): PinStore {
  return {
    load: async () => {
      const stored = await vault.get('pin', 'ledger')
      return stored && pinFromJson(stored)
    },
    save: (pin) => vault.put({ segment: 'cache', category: 'pin', name: 'ledger', value: pinToJson(pin) }),
    keepEvidence: async (evidence: JsonObject) => {
      const name = `ledger-${evidenceName(evidence)}`
      await vault.put({ segment: 'messages', category: 'evidence', name, value: { ...evidence, at: clock.now() } })
    },
  }
}
