/** A ledger node on the embedded engine: configuration from the environment, wiring, nothing else. */
import { readFileSync } from 'node:fs'
import { hexadecimal, parseJson, systemClock, systemRandom } from '@keystead/core'
import { nodeKeyProvider } from '@keystead/crypto/node'
import { developmentParameters, networkHash, productionParameters } from '@keystead/did-dkms'
import { parseWitnesses, serveLedger } from '@keystead/ledger'

const env = process.env
const data = env['KEYSTEAD_LEDGER_DATA'] ?? '.keystead/ledger'
/** File of the witnesses to ask, `[{ key, url }]`. */
const witnesses = env['KEYSTEAD_LEDGER_WITNESSES']
const development = env['KEYSTEAD_LEDGER_PROFILE'] === 'development'

try {
  const node = await serveLedger({
    data,
    signerFolder: env['KEYSTEAD_LEDGER_SIGNER'] ?? `${data}-signer`,
    host: env['KEYSTEAD_LEDGER_HOST'] ?? '127.0.0.1',
    port: Number(env['KEYSTEAD_LEDGER_PORT'] ?? 7710),
    network: {
      chainId: `keystead-${development ? 'dev' : 'net'}-${hexadecimal.encode(systemRandom(4))}`,
      parameters: development ? developmentParameters : productionParameters,
    },
    freshSeconds: development ? 1 : 30,
    clock: systemClock,
    keys: nodeKeyProvider(),
    log: (line) => console.log(line),
    witnesses: witnesses ? parseWitnesses(parseJson(new Uint8Array(readFileSync(witnesses)), 64 * 1024)) : [],
  })
  console.log(`ledger ready ${node.url} genesis ${networkHash(node.ledger.genesis)}`)
  const stop = async (): Promise<void> => {
    await node.close()
    process.exit(0)
  }
  process.once('SIGTERM', stop)
  process.once('SIGINT', stop)
} catch (error) {
  const code = (error as { code?: string }).code ?? 'INTERNAL_ERROR'
  console.error(`ledger error ${code}: ${error instanceof Error ? error.message : String(error)}`)
  process.exit(1)
}
