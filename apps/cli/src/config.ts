/** What a wallet's folder says in the open: which network, which ledger node, which agency by default. */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Fields, KeysteadError, parseJson } from '@keystead/core'
import { type NetworkGenesis, parseNetworkGenesis } from '@keystead/did-dkms'

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
