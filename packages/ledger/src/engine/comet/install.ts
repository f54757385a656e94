/**
 * Installs CometBFT with Go where it is not here: the one release that everything is tested with, its modules checked against Go's
 * checksum database, and the release itself against the sum below. Building runs no code of theirs.
 */
import { execFileSync, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { KeysteadError } from '@keystead/core'
import type { LedgerErrorCode } from '../../errors.ts'
import {
  binFolder,
  COMETBFT_PACKAGE,
  COMETBFT_VERSION,
  findCometbft,
  missing,
  pathFolders,
  programIn,
  requireCometbft,
} from './binary.ts'
import { LastLines } from './last-lines.ts'

/** https://sum.golang.org/lookup/github.com/cometbft/cometbft@v0.38.25 */
export const COMETBFT_SUM = 'h1:jtGSyssudmkjED2fk9wFGfd/fNyPKvLIinW62ELxZH4='

/** Where Go's own installer puts it, which is often not on the PATH. */
const USUAL_GOROOT = '/usr/local/go'
/** A slow machine compiles for some minutes; what takes longer does not come to an end. */
const LONGEST_MS = 30 * 60_000
/** How often whoever waits is told how far it is. */
const TELL_MS = 10_000
/** A folder that an installation left when it was killed; none works as long. */
const STALE_MS = 2 * LONGEST_MS
/** Go names the package three times in the line that says why. */
const LINE_CHARACTERS = 500
const UNFINISHED = '.installing-'

export interface ProvideOptions {
  /** Told what is done, for a person. */
  readonly say: (line: string) => void
  readonly signal?: AbortSignal
  readonly env?: NodeJS.ProcessEnv
}

/**
 * Path of the program: where it is, or where it was installed now. Rejects with `COMETBFT_MISSING` where there is no Go either,
 * with `COMETBFT_INSTALL_FAILED` where Go cannot get or build it.
 */
export async function provideCometbft({ say, signal, env = process.env }: ProvideOptions): Promise<string> {
  // Whoever names a program wants that one.
  if (env['KEYSTEAD_COMETBFT'] || findCometbft(env)) return requireCometbft(env)
  const go = findGo(env)
  if (!go) throw missing('CometBFT is not installed here, and Go, which would build it, is not either')
  const folder = binFolder(env)
  say(
    `CometBFT is not here: ${go} builds ${COMETBFT_VERSION} from its sources into ${folder}, once. It takes some minutes.`,
  )
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  removeStale(folder)
  const unfinished = mkdtempSync(join(folder, UNFINISHED))
  try {
    await build(go, unfinished, { say, env, ...(signal ? { signal } : {}) })
    const built = join(unfinished, 'cometbft')
    checkSum(go, built, env)
    renameSync(built, join(folder, 'cometbft'))
  } finally {
    rmSync(unfinished, { recursive: true, force: true })
  }
  say('CometBFT is installed.')
  return requireCometbft(env)
}

export function findGo(env: NodeJS.ProcessEnv = process.env): string | undefined {
  return programIn([...pathFolders(env), join(env['GOROOT'] || USUAL_GOROOT, 'bin')], 'go')
}

/** What could turn the checks off is left out, wherever it was set; the proxy, which cannot, stays. */
function goEnvironment(go: string, env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const { GOFLAGS, GONOSUMDB, GOPRIVATE, GOINSECURE, GOSUMDB, GONOPROXY, ...rest } = env
  const proxy = ask(go, ['env', 'GOPROXY'], env).trim()
  return { ...rest, GOENV: 'off', GOSUMDB: 'sum.golang.org', ...(proxy ? { GOPROXY: proxy } : {}) }
}

function ask(go: string, words: readonly string[], env: NodeJS.ProcessEnv): string {
  try {
    return execFileSync(go, words, { env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
  } catch (error) {
    throw failedWith(`Go itself does not run (${(error as Error).message.slice(0, LINE_CHARACTERS)})`)
  }
}

async function build(go: string, folder: string, { say, signal, env = {} }: ProvideOptions): Promise<void> {
  const ends = AbortSignal.any([...(signal ? [signal] : []), AbortSignal.timeout(LONGEST_MS)])
  const child = spawn(go, ['install', '-v', `${COMETBFT_PACKAGE}@${COMETBFT_VERSION}`], {
    env: { ...goEnvironment(go, env), GOBIN: folder },
    stdio: ['ignore', 'ignore', 'pipe'],
    signal: ends,
  })
  const last = new LastLines(LINE_CHARACTERS)
  const done = { downloaded: 0, compiled: 0 }
  createInterface({ input: child.stderr }).on('line', (line) => {
    last.add(line)
    if (line.startsWith('go: downloading')) done.downloaded++
    else if (!line.startsWith('go:')) done.compiled++
  })
  const telling = setInterval(
    () => say(`  ${done.downloaded} modules fetched, ${done.compiled} packages compiled ...`),
    TELL_MS,
  )
  const failed = await new Promise<string | undefined>((resolve) => {
    // One that was started ends by itself, also when it is stopped: until then it may write.
    child.on('error', (error) => child.pid === undefined && resolve(error.message))
    child.once('close', (code, stopped) => resolve(code === 0 ? undefined : `exit ${code ?? stopped}`))
  }).finally(() => clearInterval(telling))
  signal?.throwIfAborted()
  if (failed !== undefined) throw failedWith(`Go could not build CometBFT (${failed})${last}`)
}

/** Go writes into a program which modules it is of, and their sums. */
function checkSum(go: string, built: string, env: NodeJS.ProcessEnv): void {
  const lines = ask(go, ['version', '-m', built], env).split('\n')
  const module = lines.map((line) => line.trim().split('\t')).find(([what]) => what === 'mod')
  if (module?.[2] !== COMETBFT_VERSION || module[3] !== COMETBFT_SUM)
    throw failedWith(`what Go built is not CometBFT ${COMETBFT_VERSION} as released: its checksum is another`)
}

function removeStale(folder: string): void {
  for (const name of readdirSync(folder)) {
    if (!name.startsWith(UNFINISHED)) continue
    const path = join(folder, name)
    // Another installation removes its own when it is done, at any moment.
    const since = statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Date.now()
    if (Date.now() - since > STALE_MS) rmSync(path, { recursive: true, force: true })
  }
}

function failedWith(message: string): KeysteadError<LedgerErrorCode> {
  return new KeysteadError<LedgerErrorCode>(
    'COMETBFT_INSTALL_FAILED',
    `${message}; without CometBFT "npm start" runs a ledger of one node`,
  )
}
