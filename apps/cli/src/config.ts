/** What a wallet's folder says in the open: which network, which ledger node, and what confirms its word. */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Fields, KeysteadError, parseJson } from '@keystead/core'
import { type NetworkGenesis, parseNetworkGenesis } from '@keystead/did-dkms'
import { parseReaderSettings, type ReaderSettings, readerSettingsToJson } from '@keystead/light-client'

export interface Config {
  readonly ledger: string
  readonly genesis: NetworkGenesis
  readonly trust: ReaderSettings
}

export const DEFAULT_LEDGER = process.env['KEYSTEAD_LEDGER_URL'] ?? 'http://127.0.0.1:7710'
export const DEFAULT_AGENCY = process.env['KEYSTEAD_AGENCY_URL'] ?? 'http://127.0.0.1:7720'

/** An agency's address as somebody typed it. Throws `BAD_FIELD`. */
export function agencyAddress(typed: string): string {
  if (/^https?:$/.test(URL.parse(typed)?.protocol ?? '')) return typed.replace(/\/+$/, '')
  throw new KeysteadError('BAD_FIELD', `"${typed}" is no address of an agency: one begins with https:// or http://`)
}

const file = (folder: string): string => join(folder, 'config.json')

/** Throws `NO_WALLET`. */
export function readConfig(folder: string): Config {
  if (!existsSync(file(folder)))
    throw new KeysteadError('NO_WALLET', `there is no wallet in ${folder}; "keystead init" makes one`)
  const f = new Fields(parseJson(new Uint8Array(readFileSync(file(folder))), 64 * 1024), 'config')
  return {
    ledger: f.string('ledger', { max: 300 }),
    genesis: parseNetworkGenesis(f.any('genesis')),
    trust: f.optional('trust', () => parseReaderSettings(f.any('trust'))) ?? {},
  }
}

export function writeConfig(folder: string, { ledger, genesis, trust }: Config): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const json = { ledger, genesis, trust: readerSettingsToJson(trust) }
  writeFileSync(`${file(folder)}.new`, JSON.stringify(json, null, 2), { mode: 0o600, flush: true })
  renameSync(`${file(folder)}.new`, file(folder))
}
