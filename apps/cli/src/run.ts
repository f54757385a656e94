/** How every command runs: global options, one open wallet, errors with code and exit status, Ctrl-C at any moment. */
import { isKeysteadError } from '@keystead/core'
import type { Command } from 'commander'
import { EXIT, exitStatus } from './exit.ts'
import { makeOutput, type Output } from './output.ts'
import { type PassphraseSource, readUnlock } from './passphrase.ts'
import { type OpenWallet, openWallet, walletFolder } from './wallet.ts'

export interface GlobalOptions extends PassphraseSource {
  readonly wallet: string
  readonly json?: boolean
}

export interface Run {
  readonly options: GlobalOptions
  readonly folder: string
  readonly out: Output
  /** Aborted by Ctrl-C and SIGTERM. */
  readonly signal: AbortSignal
}

/** Wraps a command's work. What it returns is the exit status; nothing means success. */
export function action<A extends unknown[]>(
  program: Command,
  work: (run: Run, ...args: A) => Promise<unknown>,
): (...args: A) => Promise<void> {
  return async (...args) => {
    const options = program.opts<GlobalOptions>()
    const out = makeOutput(options.json === true)
    const abort = new AbortController()
    const stop = (): void => abort.abort(new Error('interrupted'))
    process.once('SIGINT', stop)
    process.once('SIGTERM', stop)
    try {
      const run = { options, folder: walletFolder(options.wallet), out, signal: abort.signal }
      const status = await work(run, ...args)
      process.exitCode = typeof status === 'number' ? status : EXIT.ok
    } catch (error) {
      process.exitCode = report(out, error, abort.signal)
    } finally {
      process.off('SIGINT', stop)
      process.off('SIGTERM', stop)
    }
  }
}

function report(out: Output, error: unknown, signal: AbortSignal): number {
  if (signal.aborted) {
    out.note('Interrupted. Nothing is lost: the wallet goes on where it was.')
    return 130
  }
  const known = isKeysteadError(error)
  const code = known ? error.code : undefined
  const message = error instanceof Error ? error.message : String(error)
  if (out.json) process.stderr.write(`${JSON.stringify({ error: code ?? 'INTERNAL_ERROR', message })}\n`)
  else out.note(`${known ? '' : 'Unexpected: '}${message}\n(${code ?? 'INTERNAL_ERROR'})`)
  if (!known && process.env['KEYSTEAD_DEBUG']) console.error(error)
  return exitStatus(code)
}

/** Opens the wallet for one command, and locks it afterwards whatever happens. */
export async function withWallet<T>(run: Run, work: (wallet: OpenWallet) => Promise<T>): Promise<T> {
  const quiet = new Set(['challenge-answered'])
  const wallet = await openWallet(run.folder, await readUnlock(run.options, run.folder), (event) => {
    if (event.data) run.out.event(event.kind, event.text, event.data)
    else if (!quiet.has(event.kind)) run.out.note(event.text)
  })
  try {
    return await work(wallet)
  } finally {
    await wallet.close()
  }
}
