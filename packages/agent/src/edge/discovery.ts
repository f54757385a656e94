/** What a new wallet asks before it has anything: an agency's descriptor, and which network this is (rule 19). */
import { Fields, isKeysteadError, KeysteadError, parseJson } from '@keystead/core'
import { type NetworkGenesis, networkHash } from '@keystead/did-dkms'
import {
  type FetchPort,
  fetchGenesis,
  type NamedPoint,
  parseTrustPoint,
  readAnswer,
  type TrustPoint,
  type TrustSource,
} from '@keystead/light-client'
import type { Vault } from '@keystead/wallet'
import { RecordStore } from './store.ts'

const MAX_DESCRIPTOR_BYTES = 16 * 1024

export interface AgencyDescriptor {
  readonly did: string
  readonly url: string
  /** Hash of the network the agency knows. */
  readonly network?: string
  /** A recent block as the agency knows it. */
  readonly checkpoint?: TrustPoint
}

/** Rejects with `AGENCY_UNREACHABLE`. */
export async function agencyDescriptor(fetch: FetchPort, url: string): Promise<AgencyDescriptor> {
  try {
    const answer = await fetch(`${url}/v1/agency`, { signal: AbortSignal.timeout(10_000) })
    const f = new Fields(parseJson(await readAnswer(answer, MAX_DESCRIPTOR_BYTES), MAX_DESCRIPTOR_BYTES), 'agency')
    const network = f.optional('network', (fields, name) => fields.string(name, { max: 46 }))
    const checkpoint = f.optional('checkpoint', () => parseTrustPoint(f.any('checkpoint'), 'agency.checkpoint'))
    return {
      did: f.string('did', { max: 4096, pattern: /^did:/ }),
      url: f.string('url', { max: 300 }),
      ...(network === undefined ? {} : { network }),
      ...(checkpoint ? { checkpoint } : {}),
    }
  } catch (cause) {
    throw new KeysteadError('AGENCY_UNREACHABLE', `no agency answers at ${url}`, { cause })
  }
}

/**
 * The network: named by the caller, or by two independent sources that agree, the ledger node and the agency. With one
 * source only it is not taken. Rejects with `WRONG_NETWORK`.
 */
export async function findNetwork(
  fetch: FetchPort,
  { ledger, agency, named }: { ledger: string; agency: string; named?: string | undefined },
): Promise<NetworkGenesis> {
  if (named !== undefined) return fetchGenesis(fetch, ledger, named)
  const genesis = await fetchGenesis(fetch, ledger)
  const { network } = await agencyDescriptor(fetch, agency)
  if (network === networkHash(genesis)) return genesis
  throw new KeysteadError(
    'WRONG_NETWORK',
    network === undefined
      ? 'the agency does not say which network it knows: name it'
      : 'ledger node and agency are of different networks: name the right one',
    { details: { ledger: networkHash(genesis), agency: network ?? '' } },
  )
}

/**
 * Whom a wallet asks where the network stands, when it is new on an old network or was away for longer than the trusting period
 * (rule 19): its agency, and what a kit, a locator's record or contacts have told it.
 */
export function walletSource(vault: Vault, fetch: FetchPort): TrustSource {
  const records = new RecordStore(vault)
  return {
    points: async () => [...(await agencyPoints(records, fetch)), ...(await toldPoints(records))],
  }
}

async function agencyPoints(records: RecordStore, fetch: FetchPort): Promise<NamedPoint[]> {
  const url = (await records.get('profile', 'self'))?.agency?.url
  if (url === undefined) return []
  try {
    const { checkpoint } = await agencyDescriptor(fetch, url)
    return checkpoint ? [{ name: 'your agency', ...checkpoint }] : []
  } catch (error) {
    if (isKeysteadError(error, 'AGENCY_UNREACHABLE')) return []
    throw error
  }
}

async function toldPoints(records: RecordStore): Promise<NamedPoint[]> {
  return (await records.all('trust-point')).map(({ value }) => ({ ...value }))
}
