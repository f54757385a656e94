/**
 * The system as a process tree: ledger node, agency and, where asked for, further agencies that keep shares behind PINs (for
 * demonstration: this one supervisor runs them all) and the page of the web wallet, each its own
 * operating-system process with its data in its own folder. A part that dies is started again, a few times.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))

type Kind = 'ledger' | 'agency' | 'web'
/** `agency2` and on are demonstration agencies. */
export type PartName = Kind | `agency${number}`

export interface SystemOptions {
  /** Folder that holds each part's data. */
  readonly home: string
  readonly ports: Readonly<Partial<Record<PartName, number>>>
  readonly parts: readonly PartName[]
  /** Delays of the network: seconds on `development`, hours and days on `production`. */
  readonly profile: 'development' | 'production'
  /** Called with each line a part writes, and with what the supervisor does. */
  readonly log: (part: PartName, line: string) => void
}

/** Restarts a part may need within `RESTART_WINDOW_MS` before we say that something is wrong. */
const MAX_RESTARTS = 5
const RESTART_WINDOW_MS = 60_000
/** How long a part may take to say that it is ready, and to stop when asked to. */
const READY_WITHIN_MS = 30_000
const STOP_WITHIN_MS = 10_000

interface Part {
  child: ChildProcess
  ready: string
  restarts: number[]
}

const MAIN: Readonly<Record<Kind, string>> = {
  ledger: join(root, 'apps', 'ledger-node', 'src', 'main.ts'),
  agency: join(root, 'apps', 'agency', 'src', 'main.ts'),
  web: join(root, 'apps', 'wallet-web', 'serve.ts'),
}

export class System {
  readonly #options: SystemOptions
  readonly #parts = new Map<PartName, Part>()
  #stopping = false
  /** Rejects when a part cannot be kept alive. */
  readonly failed: Promise<never>
  #fail: (error: Error) => void = () => {}

  private constructor(options: SystemOptions) {
    this.#options = options
    this.failed = new Promise((_, reject) => {
      this.#fail = reject
    })
    this.failed.catch(() => {})
  }

  /** Starts the parts in order; resolves when all are ready, rejects with the reason otherwise. */
  static async start(options: SystemOptions): Promise<System> {
    const system = new System(options)
    try {
      for (const name of options.parts) system.#parts.set(name, await system.#launch(name, []))
    } catch (error) {
      await system.stop()
      throw error
    }
    return system
  }

  url(name: PartName): string {
    return `http://127.0.0.1:${this.#options.ports[name]}`
  }

  /** The line with which the part said it was ready. */
  readyLine(name: PartName): string {
    return this.#parts.get(name)?.ready ?? ''
  }

  pid(name: PartName): number | undefined {
    return this.#parts.get(name)?.child.pid
  }

  /** Kills a part as a power cut would and waits until it is ready again. */
  async killAndRestart(name: PartName): Promise<void> {
    const part = this.#parts.get(name)
    if (!part) return
    this.#parts.delete(name)
    await stopped(part.child, 'SIGKILL')
    this.#parts.set(name, await this.#launch(name, []))
  }

  /** Kills a part as a power cut would, for good. */
  async kill(name: PartName): Promise<void> {
    const part = this.#parts.get(name)
    this.#parts.delete(name)
    if (part) await stopped(part.child, 'SIGKILL')
  }

  /** Starts a part that was killed; resolves when it is ready. */
  async relaunch(name: PartName): Promise<void> {
    this.#parts.set(name, await this.#launch(name, []))
  }

  async stop(): Promise<void> {
    this.#stopping = true
    await Promise.all([...this.#parts.values()].map((part) => stopped(part.child, 'SIGTERM')))
    this.#parts.clear()
  }

  get #agencies(): PartName[] {
    return this.#options.parts.filter((part) => kindOf(part) === 'agency')
  }

  #environment(name: PartName): NodeJS.ProcessEnv {
    const { home, ports, profile } = this.#options
    const data = join(home, name)
    mkdirSync(data, { recursive: true, mode: 0o700 })
    const prefix = `KEYSTEAD_${kindOf(name).toUpperCase()}`
    const many = this.#agencies.length > 1
    return {
      ...process.env,
      [`${prefix}_DATA`]: data,
      [`${prefix}_HOST`]: '127.0.0.1',
      [`${prefix}_PORT`]: String(ports[name]),
      ...(many && kindOf(name) === 'agency'
        ? {
            KEYSTEAD_AGENCY_DEMONSTRATION: '1',
            KEYSTEAD_AGENCY_OPERATOR: `Demonstration ${name.slice('agency'.length) || '1'}`,
          }
        : {}),
      ...(many ? { KEYSTEAD_WEB_ESCROW: this.#agencies.map((part) => this.url(part)).join(' ') } : {}),
      KEYSTEAD_LEDGER_PROFILE: profile,
      KEYSTEAD_LEDGER_URL: this.url('ledger'),
      KEYSTEAD_AGENCY_URL: this.url('agency'),
    }
  }

  async #launch(name: PartName, restarts: number[]): Promise<Part> {
    // Its own process group, so that Ctrl-C reaches the supervisor alone, which then stops the parts in good order.
    const child = spawn(process.execPath, [...process.execArgv, MAIN[kindOf(name)]], {
      env: this.#environment(name),
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    })
    const ready = await this.#untilReady(name, child)
    child.once('exit', (code, signal) => this.#restart(name, child, restarts, signal ?? `exit ${code}`))
    return { child, ready, restarts }
  }

  #untilReady(name: PartName, child: ChildProcess): Promise<string> {
    return new Promise((resolve, reject) => {
      const recent: string[] = []
      const timer = setTimeout(
        () => reject(new Error(`${name} did not get ready within ${READY_WITHIN_MS / 1000} s`)),
        READY_WITHIN_MS,
      )
      const settle = (): void => clearTimeout(timer)
      for (const stream of [child.stdout, child.stderr]) {
        if (!stream) continue
        createInterface({ input: stream }).on('line', (line) => {
          recent.push(line)
          if (recent.length > 20) recent.shift()
          this.#options.log(name, line)
          if (line.startsWith(`${kindOf(name)} ready`)) {
            settle()
            resolve(line)
          }
        })
      }
      child.once('error', reject)
      child.once('exit', (code, signal) => {
        settle()
        reject(new Error(`${name} stopped (${signal ?? `exit ${code}`}) before it was ready:\n${recent.join('\n')}`))
      })
    })
  }

  async #restart(name: PartName, child: ChildProcess, before: number[], why: string): Promise<void> {
    if (this.#stopping || this.#parts.get(name)?.child !== child) return
    const restarts = [...before.filter((at) => at > Date.now() - RESTART_WINDOW_MS), Date.now()]
    if (restarts.length > MAX_RESTARTS) return this.#fail(new Error(`${name} keeps stopping (${why})`))
    this.#options.log(name, `stopped (${why}); starting it again`)
    try {
      this.#parts.set(name, await this.#launch(name, restarts))
    } catch (error) {
      this.#fail(error as Error)
    }
  }
}

function kindOf(name: PartName): Kind {
  return name === 'ledger' || name === 'web' ? name : 'agency'
}

function stopped(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve()
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_WITHIN_MS)
    child.once('exit', () => {
      clearTimeout(timer)
      resolve()
    })
    child.kill(signal)
  })
}
