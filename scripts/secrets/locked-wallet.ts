/** A process that opened a wallet, used its keys and locked it, and lives on: for whoever looks through its memory. */
import { readFileSync } from 'node:fs'
import { isKeysteadError, systemClock, systemRandom } from '@keystead/core'
import { nodeKeyProvider } from '@keystead/crypto/node'
import { openVault } from '@keystead/wallet'
import { sqliteVaultStore } from '@keystead/wallet/node'

const [folder = '', passphraseFile = ''] = process.argv.slice(2)

async function openUseAndLock(): Promise<void> {
  const options = {
    store: sqliteVaultStore(folder),
    keys: nodeKeyProvider(),
    clock: systemClock,
    random: systemRandom,
  }
  const passphrase = readFileSync(passphraseFile, 'utf8').trimEnd()
  const vault = await openVault(options, { kind: 'passphrase', passphrase })
  for (const { keyId, type } of await vault.keys()) {
    if (type.kind !== 'signing') continue
    try {
      await (await vault.key(keyId, type)).sign(new Uint8Array(32))
    } catch (error) {
      if (!isKeysteadError(error)) throw error
    }
  }
  await vault.lock()
}

await openUseAndLock()
console.log('locked')
process.stdin.resume()
