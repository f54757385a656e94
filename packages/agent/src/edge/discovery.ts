/** What a new wallet asks before it has anything: an agency's descriptor, and which network this is (rule 19). */
import { Fields, KeysteadError, parseJson } from '@keystead/core'
import { type NetworkGenesis, networkHash } from '@keystead/did-dkms'
import { type FetchPort, fetchGenesis } from '@keystead/light-client'

export interface AgencyDescriptor {
  readonly did: string
  readonly url: string
  /** Hash of the network the agency knows. */
  readonly network?: string
}

/** Rejects with `AGENCY_UNREACHABLE`. */
export async function agencyDescriptor(fetch: FetchPort, url: string): Promise<AgencyDescriptor> {
  try {
    const answer = await fetch(`${url}/v1/agency`, { signal: AbortSignal.timeout(10_000) })
    const f = new Fields(parseJson(new Uint8Array(await answer.arrayBuffer()), 16 * 1024), 'agency')
    const network = f.optional('network', (fields, name) => fields.string(name, { max: 46 }))
    return {
      did: f.string('did', { max: 4096, pattern: /^did:/ }),
      url: f.string('url', { max: 300 }),
      ...(network === undefined ? {} : { network }),
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
