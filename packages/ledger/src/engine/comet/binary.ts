/** Finds the CometBFT program: `KEYSTEAD_COMETBFT`, then `.keystead/bin` of the working folder, then the PATH. */
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { delimiter, join, resolve } from 'node:path'
import { KeysteadError } from '@keystead/core'
import type { LedgerErrorCode } from '../../errors.ts'

/** The release everything is tested with. */
export const COMETBFT_VERSION = 'v0.38.25'
export const INSTALL_COMETBFT = `GOBIN="$PWD/.keystead/bin" go install github.com/cometbft/cometbft/cmd/cometbft@${COMETBFT_VERSION}`

/** Lines that speak ABCI 2.0 as we do. */
const SUPPORTED = /^v?0\.(38|39|40)\./

export function findCometbft(env: NodeJS.ProcessEnv = process.env): string | undefined {
  const named = env['KEYSTEAD_COMETBFT']
  if (named) return existsSync(named) ? resolve(named) : undefined
  const folders = [join('.keystead', 'bin'), ...(env['PATH'] ?? '').split(delimiter)]
  const found = folders.map((folder) => join(folder, 'cometbft')).find((path) => existsSync(path))
  return found && resolve(found)
}

/** Throws `COMETBFT_MISSING`, with the command that brings it, or for a version that cannot work. */
export function requireCometbft(env: NodeJS.ProcessEnv = process.env): string {
  const path = findCometbft(env)
  if (!path)
    throw new KeysteadError<LedgerErrorCode>(
      'COMETBFT_MISSING',
      `CometBFT is not installed here. With Go 1.22 or newer: ${INSTALL_COMETBFT}; without it "npm start" runs a ledger of one node`,
    )
  const version = execFileSync(path, ['version'], { encoding: 'utf8' }).trim()
  if (!SUPPORTED.test(version))
    throw new KeysteadError<LedgerErrorCode>(
      'COMETBFT_MISSING',
      `${path} is CometBFT ${version}; v0.38 to v0.40 are supported. ${INSTALL_COMETBFT}`,
    )
  return path
}
