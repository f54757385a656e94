/** An agency: configuration from the environment, wiring, nothing else. */
import { serveAgency } from '@keystead/agent/cloud'
import { systemClock, systemRandom } from '@keystead/core'
import { nodeKeyProvider } from '@keystead/crypto/node'
import { type DidResolver, unresolved } from '@keystead/did'
import { networkHash } from '@keystead/did-dkms'
import { fetchGenesis, LedgerClient, type PinStore, type TrustSource } from '@keystead/light-client'
import { filePins } from './pins.ts'

const env = process.env
const ledger = env['KEYSTEAD_LEDGER_URL']

const data = env['KEYSTEAD_AGENCY_DATA'] ?? '.keystead/agency'
const network = knownNetwork(ledger, env['KEYSTEAD_NETWORK'])
const pins = filePins(data)

try {
  const agency = await serveAgency({
    data,
    host: env['KEYSTEAD_AGENCY_HOST'] ?? '127.0.0.1',
    port: Number(env['KEYSTEAD_AGENCY_PORT'] ?? 7720),
    ...(env['KEYSTEAD_AGENCY_PUBLIC_URL'] ? { url: env['KEYSTEAD_AGENCY_PUBLIC_URL'] } : {}),
    ...(env['KEYSTEAD_AGENCY_OPERATOR'] ? { operator: env['KEYSTEAD_AGENCY_OPERATOR'] } : {}),
    demonstration: env['KEYSTEAD_AGENCY_DEMONSTRATION'] === '1',
    ...(env['KEYSTEAD_AGENCY_WITNESS'] ? { witness: env['KEYSTEAD_AGENCY_WITNESS'] } : {}),
    ...(env['DATABASE_URL'] ? { database: env['DATABASE_URL'] } : {}),
    wakeUps: env['KEYSTEAD_AGENCY_WAKE_UPS'] !== 'off',
    network,
    checkpoint: () => pins.load(),
    ...(ledger ? { dkms: ledgerResolver(ledger, network, pins) } : {}),
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

/** Resolution by proofs of our own checking. The ledger may be away when we start, and later: then a DID is not known yet. */
function ledgerResolver(url: string, network: () => Promise<string | undefined>, store: PinStore): DidResolver {
  let client: LedgerClient | undefined
  const sources = configuredCheckpoint(env['KEYSTEAD_CHECKPOINT'])
  return {
    resolve: async (did) => {
      try {
        client ??= new LedgerClient({
          url,
          genesis: await fetchGenesis(fetch, url, await network()),
          fetch,
          pins: store,
          sources,
          clock: systemClock,
        })
      } catch (error) {
        return unresolved('INTERNAL_ERROR', error instanceof Error ? error.message : 'the ledger is away')
      }
      return client.resolver().resolve(did)
    },
  }
}

/**
 * The network named in the configuration, or the one that the ledger node beside us serves: a second source of its name for
 * our clients. Asked again until it is known, and then kept.
 */
function knownNetwork(url: string | undefined, named: string | undefined): () => Promise<string | undefined> {
  let known = named
  return async () => {
    if (known !== undefined || !url) return known
    try {
      known = networkHash(await fetchGenesis(fetch, url))
    } catch {
      // not yet: the ledger node is away
    }
    return known
  }
}

/** `height:hash` of a block that the operator knows from elsewhere, for an agency that was long away (rule 19). */
function configuredCheckpoint(text: string | undefined): TrustSource[] {
  const [, height, hash] = /^(\d{1,15}):([A-Za-z0-9_-]{43})$/.exec(text ?? '') ?? []
  if (height === undefined || hash === undefined) return []
  return [{ name: 'KEYSTEAD_CHECKPOINT', point: async () => ({ height: Number(height), hash }) }]
}
