/** An agency: configuration from the environment, wiring, nothing else. */
import { jsonLog, serveAgency } from '@keystead/agent/cloud'
import { systemClock, systemRandom } from '@keystead/core'
import { nodeKeyProvider } from '@keystead/crypto/node'
import { filePins } from '@keystead/light-client/node'
import { readConfig } from './config.ts'
import { knownLedger, knownNetwork, resolutionFor } from './ledger.ts'

const ports = { clock: systemClock, random: systemRandom }
const log = jsonLog((line) => console.error(line), ports)

try {
  const { ledger: url, network: named, checkpoints, resolves, ...config } = readConfig(process.env)
  const pins = filePins(config.data, (file) => log('error', 'ledger-contradicts-itself', { evidence: file }))
  const network = knownNetwork(url, named)
  const ledger = url === undefined ? undefined : knownLedger(url, network, pins, checkpoints)
  const agency = await serveAgency({
    ...config,
    network,
    checkpoint: () => pins.load(),
    ...(ledger ? { dkms: ledger.resolver, ledgerRead: ledger.read } : {}),
    ...(ledger && resolves !== 'off' ? { resolution: resolutionFor(resolves, ledger) } : {}),
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
