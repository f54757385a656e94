/** A ledger node on the embedded engine: configuration from the environment, wiring, nothing else. */
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Fields, hexadecimal, parseJson, systemClock, systemRandom } from '@keystead/core'
import { nodeKeyProvider } from '@keystead/crypto/node'
import {
  type Authority,
  developmentParameters,
  networkHash,
  parseAuthority,
  productionParameters,
} from '@keystead/did-dkms'
import { GovernanceKey, governanceOf, parseAdmissionPolicy, parseWitnesses, serveLedger } from '@keystead/ledger'

const env = process.env
const data = env['KEYSTEAD_LEDGER_DATA'] ?? '.keystead/ledger'
/** File of the witnesses to ask, `[{ key, url }]`. */
const witnesses = env['KEYSTEAD_LEDGER_WITNESSES']
const development = env['KEYSTEAD_LEDGER_PROFILE'] === 'development'

const signerFolder = env['KEYSTEAD_LEDGER_SIGNER'] ?? `${data}-signer`

/**
 * Who governs a network that begins now: those of the file, or this node's operator alone, with keys that are made here so
 * that the node can become a network later. An existing network keeps its own.
 */
async function governance(): Promise<Authority | undefined> {
  const file = env['KEYSTEAD_LEDGER_GOVERNANCE']
  if (file) return parseAuthority(new Fields(parseJson(new Uint8Array(readFileSync(file)), 64 * 1024), 'governance'))
  if (existsSync(data)) return undefined
  const own = join(signerFolder, 'governance-key.json')
  mkdirSync(signerFolder, { recursive: true, mode: 0o700 })
  const key = existsSync(own) ? GovernanceKey.open(own, nodeKeyProvider()) : GovernanceKey.make(own, nodeKeyProvider())
  return governanceOf([await key.card()], 1)
}

try {
  const node = await serveLedger({
    data,
    signerFolder,
    host: env['KEYSTEAD_LEDGER_HOST'] ?? '127.0.0.1',
    port: Number(env['KEYSTEAD_LEDGER_PORT'] ?? 7710),
    network: {
      chainId: `keystead-${development ? 'dev' : 'net'}-${hexadecimal.encode(systemRandom(4))}`,
      parameters: development ? developmentParameters : productionParameters,
      governance: await governance(),
    },
    admission: parseAdmissionPolicy(env['KEYSTEAD_LEDGER_ADMISSION'] ?? 'open', systemClock),
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
