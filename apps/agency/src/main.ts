/** An agency: configuration from the environment, wiring, nothing else. */
import { serveAgency } from '@keystead/agent/cloud'
import { systemClock, systemRandom } from '@keystead/core'
import { nodeKeyProvider } from '@keystead/crypto/node'

const env = process.env
const ledger = env['KEYSTEAD_LEDGER_URL']

try {
  const network = env['KEYSTEAD_NETWORK'] ?? (await knownNetwork(ledger))
  const agency = await serveAgency({
    data: env['KEYSTEAD_AGENCY_DATA'] ?? '.keystead/agency',
    host: env['KEYSTEAD_AGENCY_HOST'] ?? '127.0.0.1',
    port: Number(env['KEYSTEAD_AGENCY_PORT'] ?? 7720),
    ...(env['KEYSTEAD_AGENCY_PUBLIC_URL'] ? { url: env['KEYSTEAD_AGENCY_PUBLIC_URL'] } : {}),
    ...(network ? { network } : {}),
    keys: nodeKeyProvider(),
    clock: systemClock,
    random: systemRandom,
    log: (line) => console.log(line),
  })
  console.log(`agency ready ${agency.url} did ${agency.did}`)
  const stop = async (): Promise<void> => {
    await agency.close()
    process.exit(0)
  }
  process.once('SIGTERM', stop)
  process.once('SIGINT', stop)
} catch (error) {
  const code = (error as { code?: string }).code ?? 'INTERNAL_ERROR'
  console.error(`agency error ${code}: ${error instanceof Error ? error.message : String(error)}`)
  process.exit(1)
}

/** The network a ledger node beside us serves, so that our clients have a second source for its name. */
async function knownNetwork(url: string | undefined): Promise<string | undefined> {
  if (!url) return undefined
  try {
    const health = (await (await fetch(`${url}/health`, { signal: AbortSignal.timeout(5000) })).json()) as {
      genesis?: string
    }
    return health.genesis
  } catch {
    return undefined
  }
}
