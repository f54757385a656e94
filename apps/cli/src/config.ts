/** What a wallet's folder says in the open: which network, which ledger node, which agency by default. */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Fields, type Json, KeysteadError, parseJson } from '@keystead/core'
import { type NetworkGenesis, networkHash, parseNetworkGenesis } from '@keystead/did-dkms'
import { fetchGenesis } from '@keystead/light-client'

export interface Config {
  readonly ledger: string
  readonly genesis: NetworkGenesis
}

export const DEFAULT_LEDGER = process.env['KEYSTEAD_LEDGER_URL'] ?? 'http://127.0.0.1:7710'
export const DEFAULT_AGENCY = process.env['KEYSTEAD_AGENCY_URL'] ?? 'http://127.0.0.1:7720'

const file = (folder: string): string => join(folder, 'config.json')

/** Throws `NO_WALLET`. */
export function readConfig(folder: string): Config {
  if (!existsSync(file(folder)))
    throw new KeysteadError('NO_WALLET', `there is no wallet in ${folder}; "keystead init" makes one`)
  const f = new Fields(parseJson(new Uint8Array(readFileSync(file(folder))), 64 * 1024), 'config')
  return { ledger: f.string('ledger', { max: 300 }), genesis: parseNetworkGenesis(f.any('genesis')) }
}

export function writeConfig(folder: string, config: Config): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  writeFileSync(`${file(folder)}.new`, JSON.stringify(config, null, 2), { mode: 0o600, flush: true })
  renameSync(`${file(folder)}.new`, file(folder))
}

/** An agency's descriptor. Throws `AGENCY_UNREACHABLE`. */
export async function agencyDescriptor(url: string): Promise<{ did: string; url: string; network?: string }> {
  try {
    const answer = await fetch(`${url}/v1/agency`, { signal: AbortSignal.timeout(10_000) })
    const f = new Fields((await answer.json()) as Json, 'agency')
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
 * Which network this is (rule 19): named by the caller, or by two independent sources that agree, the ledger node and the
 * agency. With one source only it is not taken.
 */
export async function findNetwork(ledger: string, agency: string, named: string | undefined): Promise<NetworkGenesis> {
  if (named !== undefined) return fetchGenesis(fetch, ledger, named)
  const genesis = await fetchGenesis(fetch, ledger)
  const { network } = await agencyDescriptor(agency)
  if (network === networkHash(genesis)) return genesis
  throw new KeysteadError(
    'WRONG_NETWORK',
    network === undefined
      ? 'the agency does not say which network it knows: name it with --network'
      : 'ledger node and agency are of different networks: name the right one with --network',
    { details: { ledger: networkHash(genesis), agency: network ?? '' } },
  )
}
