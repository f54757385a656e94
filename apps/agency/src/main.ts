/** An agency: configuration from the environment, wiring, nothing else. */
import { jsonLog, serveAgency } from '@keystead/agent/cloud'
import { systemClock, systemRandom } from '@keystead/core'
import { nodeKeyProvider } from '@keystead/crypto/node'
import { filePins } from '@keystead/light-client/node'
import { readConfig } from './config.ts'
import { knownNetwork, ledgerResolver } from './ledger.ts'

const ports = { clock: systemClock, random: systemRandom }
const log = jsonLog((line) => console.error(line), ports)

try {
  const { ledger, network: named, checkpoints, ...config } = readConfig(process.env)
  const pins = filePins(config.data, (file) => log('error', 'ledger-contradicts-itself', { evidence: file }))
  const network = knownNetwork(ledger, named)
  const agency = await serveAgency({
    ...config,
    network,
    checkpoint: () => pins.load(),
    ...(ledger ? { dkms: ledgerResolver(ledger, network, pins, checkpoints) } : {}),
    keys: nodeKeyProvider(),
    ...ports,
    log,
  })
  console.log(`agency ready ${agency.url} did ${agency.did}`)
  const stop = async (): Promise<void> => {
    log('info', 'draining')
    await agency.close()
    log('info', 'stopped')
    process.exit(0)
  }
  process.once('SIGTERM', stop)
  process.once('SIGINT', stop)
} catch (error) {
  const code = (error as { code?: string }).code ?? 'INTERNAL_ERROR'
  console.error(`agency error ${code}: ${error instanceof Error ? error.message : String(error)}`)
  process.exit(1)
}
