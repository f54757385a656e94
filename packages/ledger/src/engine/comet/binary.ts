/** Finds the CometBFT program: `KEYSTEAD_COMETBFT`, then `bin` of the data folder, then the PATH. */
import { execFileSync } from 'node:child_process'
import { existsSync, statSync } from 'node:fs'
import { delimiter, join, resolve } from 'node:path'
import { KeysteadError } from '@keystead/core'
import type { LedgerErrorCode } from '../../errors.ts'

/** The release everything is tested with. */
export const COMETBFT_VERSION = 'v0.38.25'
export const COMETBFT_PACKAGE = 'github.com/cometbft/cometbft/cmd/cometbft'
export const INSTALL_COMETBFT = `GOBIN="$PWD/.keystead/bin" go install ${COMETBFT_PACKAGE}@${COMETBFT_VERSION}`

/** Lines that speak ABCI 2.0 as we do. */
const SUPPORTED = /^v?0\.(38|39|40)\./

/** Where `provideCometbft` puts it. */
export function binFolder(env: NodeJS.ProcessEnv = process.env): string {
  return resolve(env['KEYSTEAD_HOME'] || '.keystead', 'bin')
}

export function findCometbft(env: NodeJS.ProcessEnv = process.env): string | undefined {
  const named = env['KEYSTEAD_COMETBFT']
  if (named) return existsSync(named) ? resolve(named) : undefined
  const found = programIn([binFolder(env), join('.keystead', 'bin'), ...pathFolders(env)], 'cometbft')
  return found && resolve(found)
}

export function programIn(folders: readonly string[], name: string): string | undefined {
  const paths = folders.map((folder) => join(folder, name))
  return paths.find((path) => statSync(path, { throwIfNoEntry: false })?.isFile())
}

/** Never the working folder, which an empty entry would mean. */
export function pathFolders(env: NodeJS.ProcessEnv): string[] {
  return (env['PATH'] ?? '').split(delimiter).filter(Boolean)
}

/** Throws `COMETBFT_MISSING`, with the command that brings it, or for a version that cannot work. */
export function requireCometbft(env: NodeJS.ProcessEnv = process.env): string {
  const path = findCometbft(env)
  if (!path)
    throw missing(env['KEYSTEAD_COMETBFT'] ? 'KEYSTEAD_COMETBFT names no file' : 'CometBFT is not installed here')
  const version = versionOf(path)
  if (!SUPPORTED.test(version))
    throw new KeysteadError<LedgerErrorCode>(
      'COMETBFT_MISSING',
      `${path} is CometBFT ${version}; v0.38 to v0.40 are supported. With Go 1.22 or newer: ${INSTALL_COMETBFT}`,
    )
  return path
}

function versionOf(path: string): string {
  try {
    return execFileSync(path, ['version'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim()
  } catch {
    throw missing(`${path} does not run`)
  }
}

export function missing(why: string): KeysteadError<LedgerErrorCode> {
  return new KeysteadError<LedgerErrorCode>(
    'COMETBFT_MISSING',
    `${why}. With Go 1.22 or newer: ${INSTALL_COMETBFT}; without it "npm start" runs a ledger of one node`,
  )
}
