/**
 * Owns the two processes of a validator: our application and CometBFT. CometBFT never reconnects to an application and the
 * application is useless without it, so when either ends the other is ended too and both start again. If the supervisor
 * itself is killed, the application sees its channel close and ends, and CometBFT ends with the application.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { KeysteadError } from '@keystead/core'
import type { LedgerErrorCode } from '../../errors.ts'
import type { Tuning } from './config.ts'
import { APP_SOCKET, configure, RPC_SOCKET } from './home.ts'
import { LastLines } from './last-lines.ts'
import type { AppMessage } from './process.ts'

export interface SupervisorOptions {
  readonly home: string
  readonly cometbft: string
  readonly tuning?: Partial<Tuning>
  /** Another application program, for tests of what a cheater does. */
  readonly application?: string
  /** Environment of both processes beside our own, asked for at every start. */
  readonly env?: () => NodeJS.ProcessEnv
  /** Words before the CometBFT command, such as `ip netns exec`. */
  readonly prefix?: readonly string[]
  readonly onMessage: (message: AppMessage) => void
  /** Both have started anew: whatever waited in the mempool is gone. */
  readonly onRestart: () => void
  readonly log: (line: string) => void
}

export type ProcessName = 'application' | 'cometbft'

/** A pair that does not stay up is started ever more slowly, but never given up: a validator must come back by itself. */
const FIRST_PAUSE_MS = 200
const LONGEST_PAUSE_MS = 30_000
/** After this long without a failure the pauses begin anew. */
const STEADY_MS = 60_000
const STOP_WITHIN_MS = 10_000
const READY_WITHIN_MS = 30_000
const LAST_WORDS_MS = 500

/** `ended` says which process ended first, and how. */
interface Running {
  readonly ended: Promise<string>
}

export class Supervisor {
  readonly #options: SupervisorOptions
  readonly #processes = new Map<ProcessName, ChildProcess>()
  #running: Promise<void> = Promise.resolve()
  #stopping = new AbortController()

  private constructor(options: SupervisorOptions) {
    this.#options = options
  }

  /** Resolves when both processes run; rejects with `COMETBFT_FAILED` if they cannot be started at all. */
  static async start(options: SupervisorOptions): Promise<Supervisor> {
    const supervisor = new Supervisor(options)
    try {
      supervisor.#running = supervisor.#keepRunning(await supervisor.#launch())
    } catch (error) {
      await supervisor.stop()
      throw error
    }
    return supervisor
  }

  pid(name: ProcessName): number | undefined {
    return this.#processes.get(name)?.pid
  }

  /** CometBFT first, so that it does not miss its application; nothing is left running. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#end('cometbft')
    await this.#end('application')
    await this.#running
  }

  async #keepRunning(first: Running): Promise<void> {
    let { ended } = first
    let pause = FIRST_PAUSE_MS
    for (;;) {
      const began = Date.now()
      const why = await ended
      if (this.#stopping.signal.aborted) return
      await this.#end('cometbft', 'SIGKILL')
      await this.#end('application', 'SIGKILL')
      pause = Date.now() - began > STEADY_MS ? FIRST_PAUSE_MS : Math.min(pause * 2, LONGEST_PAUSE_MS)
      this.#options.log(`${why}; starting both again in ${pause / 1000} s`)
      await sleep(pause, undefined, { signal: this.#stopping.signal }).catch(() => {})
      if (this.#stopping.signal.aborted) return
      try {
        ended = (await this.#launch()).ended
        this.#options.onRestart()
      } catch (error) {
        ended = Promise.resolve((error as Error).message)
      }
    }
  }

  async #launch(): Promise<Running> {
    const { home, cometbft, env, tuning, application = defaultApplication(), prefix = [] } = this.#options
    configure(home, tuning)
    for (const socket of [APP_SOCKET, RPC_SOCKET]) rmSync(join(home, socket), { force: true })
    // Groups of their own: Ctrl-C reaches the supervisor alone, which then stops them in good order.
    const common = { cwd: home, env: { ...process.env, ...env?.() }, detached: true }
    const app = spawn(process.execPath, [...process.execArgv, application], {
      ...common,
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    })
    const appEnded = this.#watch('application', app)
    await this.#untilReady(app, appEnded)
    const [program, ...words] = [...prefix, cometbft, 'node', '--home', home] as unknown as [string, ...string[]]
    const engine = spawn(program, words, { ...common, stdio: ['ignore', 'pipe', 'pipe'] })
    const engineEnded = this.#watch('cometbft', engine)
    await this.#untilServing(engineEnded)
    return { ended: Promise.race([appEnded, engineEnded]) }
  }

  #watch(name: ProcessName, child: ChildProcess): Promise<string> {
    this.#processes.set(name, child)
    const last = new LastLines()
    for (const stream of [child.stdout, child.stderr])
      if (stream)
        createInterface({ input: stream }).on('line', (line) => {
          last.add(line)
          // What peers say of a connection that closes on purpose is of no interest.
          if (!this.#stopping.signal.aborted) this.#options.log(`${name}: ${line}`)
        })
    return new Promise((resolve) => {
      child.once('error', (error) => resolve(`${name} could not be started (${error.message})`))
      child.once('exit', (code, signal) => {
        const how = signal ?? `exit ${code}`
        // What it said last is read when its streams close; a child of its own may hold them open.
        const said = (): void => resolve(`${name} ended (${how})${last}`)
        child.once('close', said)
        setTimeout(said, LAST_WORDS_MS).unref()
      })
    })
  }

  async #untilReady(app: ChildProcess, ended: Promise<string>): Promise<void> {
    const ready = new Promise<true>((resolve) => {
      app.on('message', (message: AppMessage) => {
        if (message.kind === 'ready') resolve(true)
        else this.#options.onMessage(message)
      })
    })
    const first = await Promise.race([ready, ended])
    if (first !== true) throw new KeysteadError<LedgerErrorCode>('COMETBFT_FAILED', first)
  }

  /** CometBFT opens its RPC when the handshake with the application is done. */
  async #untilServing(ended: Promise<string>): Promise<void> {
    const socket = join(this.#options.home, RPC_SOCKET)
    const deadline = Date.now() + READY_WITHIN_MS
    let why: string | undefined
    void ended.then((reason) => {
      why = reason
    })
    while (!existsSync(socket)) {
      await sleep(50)
      if (why !== undefined) throw new KeysteadError<LedgerErrorCode>('COMETBFT_FAILED', why)
      if (this.#stopping.signal.aborted || Date.now() > deadline) return
    }
  }

  async #end(name: ProcessName, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    const child = this.#processes.get(name)
    if (!child || child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
    const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()))
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_WITHIN_MS)
    child.kill(signal)
    await gone
    clearTimeout(timer)
  }
}

/** The program beside this file, in source form or built. */
function defaultApplication(): string {
  return fileURLToPath(new URL(import.meta.url.endsWith('.ts') ? './main.ts' : './main.js', import.meta.url))
}
