/** A person of the story: a wallet folder, and every command an operating-system process of its own. */
import { type ChildProcess, spawn } from 'node:child_process'
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const cli = fileURLToPath(new URL('../../apps/cli/src/main.ts', import.meta.url))

type Json = { readonly [name: string]: unknown }

export interface Answer {
  readonly status: number
  /** The command's last line on standard output. */
  // biome-ignore lint/suspicious/noExplicitAny: a story reads what commands print
  readonly data: any
  readonly lines: readonly Json[]
  /** Code of the error, when there was one. */
  readonly error?: string
  readonly notes: string
}

/** A command that goes on while others run. */
export interface Background {
  /** Resolves with the first line of this event from now on that fits; rejects when the command ends before. */
  event(kind: string, fits?: (line: Json) => boolean): Promise<Json>
  readonly done: Promise<Answer>
  /** Ctrl-C, then the answer. */
  stop(): Promise<Answer>
  kill(): Promise<Answer>
}

export class Person {
  readonly name: string
  readonly folder: string
  readonly #home: string
  readonly #environment: NodeJS.ProcessEnv

  constructor(name: string, home: string, environment: NodeJS.ProcessEnv, folder = join(home, 'wallets', name)) {
    this.name = name
    this.folder = folder
    this.#home = home
    this.#environment = environment
    mkdirSync(join(home, 'wallets'), { recursive: true })
    writeFileSync(this.#passphrase, `passphrase of ${name}\n`, { mode: 0o600 })
  }

  get #passphrase(): string {
    return join(this.#home, `${this.name}.passphrase`)
  }

  file(name: string): string {
    return join(this.#home, `${this.name}-${name}`)
  }

  /** Runs a command; rejects unless it ends with one of `expected` (0 when nothing is said). */
  async run(args: readonly string[], ...expected: number[]): Promise<Answer> {
    const answer = await this.background(args).done
    if (!(expected.length === 0 ? [0] : expected).includes(answer.status))
      throw new Error(
        `${this.name}: keystead ${args.join(' ').slice(0, 200)}\n  ended with ${answer.status}${answer.error ? ` (${answer.error})` : ''}\n${answer.notes}`,
      )
    return answer
  }

  background(args: readonly string[]): Background {
    const child = spawn(
      process.execPath,
      [...process.execArgv, cli, '--json', '-w', this.folder, '--passphrase-file', this.#passphrase, ...args],
      { env: { ...process.env, ...this.#environment }, stdio: ['ignore', 'pipe', 'pipe'] },
    )
    return background(child)
  }

  /** Everything that waits in both directions. */
  sync(): Promise<Answer> {
    return this.run(['sync'])
  }

  /** Runs `work` while this wallet listens and answers. */
  async listening<T>(work: () => Promise<T>): Promise<T> {
    const listener = this.background(['listen'])
    try {
      await listener.event('listening')
      return await work()
    } catch (error) {
      const { notes } = await listener.stop()
      throw new Error(`${(error as Error).message}\nmeanwhile ${this.name} heard:\n${notes}`)
    } finally {
      await listener.stop()
    }
  }

  /** A copy of the wallet as a thief has it who took the device and knows the passphrase. */
  stolen(as: string): Person {
    const thief = new Person(`${this.name}-${as}`, this.#home, this.#environment)
    cpSync(this.folder, thief.folder, { recursive: true })
    cpSync(this.#passphrase, thief.#passphrase)
    return thief
  }

  /** Cuts the wallet off from the ledger, or brings it back: what it signs meanwhile waits. */
  offline(away: boolean): void {
    const file = join(this.folder, 'config.json')
    const config = JSON.parse(readFileSync(file, 'utf8')) as { ledger: string }
    const ledger = away ? 'http://127.0.0.1:9' : this.#environment['KEYSTEAD_LEDGER_URL']
    writeFileSync(file, JSON.stringify({ ...config, ledger: ledger ?? process.env['KEYSTEAD_LEDGER_URL'] }))
  }

  /** The device is gone, with everything on it. */
  destroy(): void {
    rmSync(this.folder, { recursive: true, force: true })
  }
}

function background(child: ChildProcess): Background {
  const lines: Json[] = []
  const waiting = new Set<() => void>()
  let notes = ''
  let ended = false
  const wake = (): void => {
    for (const look of [...waiting]) look()
  }
  if (child.stdout)
    createInterface({ input: child.stdout }).on('line', (line) => {
      lines.push(JSON.parse(line) as Json)
      wake()
    })
  child.stderr?.on('data', (data: Buffer) => {
    notes += data.toString()
  })
  const done = new Promise<Answer>((resolve) => {
    child.on('close', (code, signal) => {
      ended = true
      wake()
      const error = /"error":"([A-Z_]+)"/.exec(notes)?.[1]
      resolve({
        status: code ?? (signal === null ? -1 : 128),
        data: lines.at(-1) ?? {},
        lines,
        notes,
        ...(error === undefined ? {} : { error }),
      })
    })
  })
  const isEvent = (line: Json, kind: string): boolean => line['event'] === kind || line[kind] === true
  return {
    done,
    event: (kind, fits = () => true) =>
      new Promise((resolve, reject) => {
        let from = 0
        const look = (): void => {
          const found = lines.slice(from).find((line) => isEvent(line, kind) && fits(line))
          from = lines.length
          if (!found && !ended) return
          waiting.delete(look)
          if (found) resolve(found)
          else reject(new Error(`the command ended before "${kind}":\n${notes}`))
        }
        waiting.add(look)
        look()
      }),
    stop: () => {
      child.kill('SIGINT')
      return done
    },
    kill: () => {
      child.kill('SIGKILL')
      return done
    },
  }
}
