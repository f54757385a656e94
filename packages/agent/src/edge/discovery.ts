/** What a new wallet asks before it has anything: an agency's descriptor, and which network this is (rule 19). */
import { Fields, isKeysteadError, KeysteadError, parseJson } from '@keystead/core'
import { type NetworkGenesis, networkHash } from '@keystead/did-dkms'
import { type FetchPort, fetchGenesis, readAnswer, type TrustPoint, type TrustSource } from '@keystead/light-client'
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
    const checkpoint = f.optional('checkpoint', () => {
      const c = f.object('checkpoint')
      return {
        height: c.integer('height', { min: 1, max: Number.MAX_SAFE_INTEGER }),
        hash: c.string('hash', { min: 43, max: 43 }),
      }
    })
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
 * The wallet's own agency as a second source beside the ledger node (rule 19), for a wallet that is new on an old network or was
 * away for longer than the trusting period.
 */
export function agencySource(vault: Vault, fetch: FetchPort): TrustSource {
  return {
    name: 'your agency',
    point: async () => {
      const url = (await new RecordStore(vault).get('profile', 'self'))?.agency?.url
      if (url === undefined) return undefined
      try {
        return (await agencyDescriptor(fetch, url)).checkpoint
      } catch (error) {
        if (isKeysteadError(error, 'AGENCY_UNREACHABLE')) return undefined
        throw error
      }
    },
  }
}
