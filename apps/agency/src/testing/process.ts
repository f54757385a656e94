/** One agency as a process of a test's own. */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const MAIN = fileURLToPath(new URL('../main.ts', import.meta.url))
const CLI = fileURLToPath(new URL('../../../cli/src/main.ts', import.meta.url))
const NODE = ['--conditions=@keystead/source', '--disable-warning=ExperimentalWarning']

/** How the unit and the container start it; the operator's guide says why. */
export const DEPLOYED = ['--max-semi-space-size=8', '--heap-growing-percent=50']

export class AgencyProcess {
  readonly #environment: NodeJS.ProcessEnv
  readonly #flags: readonly string[]
  #child: ChildProcess | undefined
  /** What it logged since it was made. */
  readonly log: string[] = []

  /** What Node itself said besides, where `flags` ask for it. */
  readonly said: string[] = []

  constructor(environment: NodeJS.ProcessEnv, flags: readonly string[] = []) {
    this.#flags = flags
    this.#environment = { ...process.env, NODE_OPTIONS: '', ...environment }
  }

  get pid(): number {
    return this.#child?.pid ?? 0
  }

  /** Resolves when it is ready. */
  start(): Promise<void> {
    const child = spawn(process.execPath, [...this.#flags, ...NODE, MAIN], {
      env: this.#environment,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.#child = child
    createInterface({ input: child.stderr }).on('line', (line) => this.log.push(line))
    return new Promise((resolve, reject) => {
      createInterface({ input: child.stdout }).on('line', (line) => {
        if (line.startsWith('agency ready')) resolve()
        else this.said.push(line)
      })
      child.once('exit', (code) => reject(new Error(`the agency ended (${code}): ${this.log.join('\n')}`)))
    })
  }

  /** Its exit status, null after SIGKILL. */
  async stop(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<number | null> {
    const child = this.#child
    this.#child = undefined
    if (!child) return null
    const gone = new Promise<number | null>((resolve) => child.once('exit', resolve))
    child.kill(signal)
    return gone
  }
}

/** `keystead --json ...`; rejects with what it wrote to standard error. */
export async function keystead(...args: string[]): Promise<Record<string, unknown>> {
  const { stdout } = await promisify(execFile)(process.execPath, [...NODE, CLI, '--json', ...args], {
    env: { ...process.env, NODE_OPTIONS: '' },
    maxBuffer: 64 * 1024 * 1024,
  })
  return JSON.parse(stdout) as Record<string, unknown>
}
