/** How every command runs: global options, one open wallet, errors with code and exit status, Ctrl-C at any moment. */
import type { AgentEvent } from '@keystead/agent/edge'
import { isKeysteadError, systemClock } from '@keystead/core'
import type { Unlock } from '@keystead/wallet'
import type { Command } from 'commander'
import { EXIT, exitStatus } from './exit.ts'
import { makeOutput, type Output } from './output.ts'
import { type PassphraseSource, readUnlock } from './passphrase.ts'
import { Door, takeTurn } from './turns.ts'
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

/** Opens the wallet for one command, and locks it afterwards whatever happens. Whoever listens with it steps aside meanwhile. */
export async function withWallet<T>(run: Run, work: (wallet: OpenWallet) => Promise<T>): Promise<T> {
  let unlock: Unlock | undefined
  const open = async (): Promise<OpenWallet> => {
    unlock ??= await readUnlock(run.options, run.folder)
    return openWallet(run.folder, unlock, telling(run.out))
  }
  const { wallet, endTurn } = await openInTurn(run, open)
  try {
    return await work(wallet)
  } finally {
    await wallet.close()
    endTurn()
  }
}

/** How often a wallet is tried again that somebody has who did not knock, having found it free; and for how long it is in a turn. */
const AGAIN_MS = 100
const TRIES_IN_TURN = 50

async function openInTurn(
  { folder, signal }: Run,
  open: () => Promise<OpenWallet>,
): Promise<{ wallet: OpenWallet; endTurn: () => void }> {
  try {
    return { wallet: await open(), endTurn: () => {} }
  } catch (error) {
    if (!isInUse(error)) throw error
    const endTurn = await takeTurn(folder, signal)
    if (!endTurn) throw error
    try {
      for (let tries = 1; tries < TRIES_IN_TURN && !signal.aborted; tries++) {
        const wallet = await unlessInUse(open, signal)
        if (wallet) return { wallet, endTurn }
      }
      return { wallet: await open(), endTurn }
    } catch (again) {
      endTurn()
      throw again
    }
  }
}

/**
 * Does `work` with the wallet open until Ctrl-C. Its signal aborts as well when another command wants the wallet: that is closed
 * then, and `work` begins again when it is free.
 */
export async function keepingWallet(
  run: Run,
  work: (wallet: OpenWallet, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const unlock = await readUnlock(run.options, run.folder)
  const door = new Door(run.folder)
  const open = (): Promise<OpenWallet> => openWallet(run.folder, unlock, telling(run.out))
  let wallet: OpenWallet | undefined = await open()
  try {
    while (wallet) {
      await door.open()
      await work(wallet, AbortSignal.any([run.signal, door.knock]))
      await wallet.close()
      wallet = undefined
      await door.giveTurns(run.signal)
      while (!wallet && !run.signal.aborted) wallet = await unlessInUse(open, run.signal)
    }
  } finally {
    await wallet?.close()
    door.close()
  }
}

/** Undefined after a while where somebody has it. */
async function unlessInUse(open: () => Promise<OpenWallet>, signal: AbortSignal): Promise<OpenWallet | undefined> {
  try {
    return await open()
  } catch (error) {
    if (!isInUse(error)) throw error
    await systemClock.sleep(AGAIN_MS, signal).catch(() => {})
    return undefined
  }
}

const isInUse = (error: unknown): boolean => isKeysteadError(error) && error.code === 'WALLET_IN_USE'

function telling(out: Output): (event: AgentEvent) => void {
  const quiet = new Set(['challenge-answered'])
  return (event) => {
    if (event.data) out.event(event.kind, event.text, event.data)
    else if (!quiet.has(event.kind)) out.note(event.text)
  }
}
