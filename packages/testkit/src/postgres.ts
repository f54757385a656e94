/** A PostgreSQL server of a test's own: a new cluster in a temporary folder, on a free port of the loopback. */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '@keystead/core'
import { freePort } from '../../../scripts/free-port.ts'

export interface PostgresServer {
  readonly url: string
  /** Ends it as a power cut would, and starts it again. */
  crash(): Promise<void>
  stop(): Promise<void>
}

/** Where Debian keeps the server's programs; undefined where there are none. */
export function postgresPrograms(): string | undefined {
  const root = '/usr/lib/postgresql'
  const versions = existsSync(root) ? readdirSync(root).sort((a, b) => Number(b) - Number(a)) : []
  return versions.map((version) => join(root, version, 'bin')).find((bin) => existsSync(join(bin, 'initdb')))
}

/** The server refuses to run as root; Debian's package brings a user for it. */
const asUser = process.getuid?.() === 0 ? ['runuser', '-u', 'postgres', '--'] : []

export async function startPostgres(): Promise<PostgresServer> {
  const bin = postgresPrograms()
  if (!bin) throw new Error('no PostgreSQL server here')
  const folder = mkdtempSync(join(tmpdir(), 'keystead-postgres-'))
  if (asUser.length > 0) execFileSync('chown', ['postgres', folder])
  const run = (program: string, ...args: string[]): void => {
    const [command = '', ...rest] = [...asUser, join(bin, program), ...args]
    execFileSync(command, rest, { cwd: folder, stdio: 'ignore' })
  }
  const data = join(folder, 'data')
  run('initdb', '--pgdata', data, '--auth', 'trust', '--username', 'keystead', '--encoding', 'UTF8')
  const port = await freePort()
  const options = `-c listen_addresses=127.0.0.1 -c port=${port} -c unix_socket_directories=${folder} -c max_connections=60`
  const start = (): void =>
    run('pg_ctl', 'start', '--wait', '--pgdata', data, '--options', options, '--log', join(folder, 'log'))
  const stop = (mode: string): void => run('pg_ctl', 'stop', '--wait', '--pgdata', data, '--mode', mode)
  start()
  return {
    url: `postgres://keystead@127.0.0.1:${port}/postgres`,
    crash: async () => {
      stop('immediate')
      await systemClock.sleep(200)
      start()
    },
    stop: async () => {
      stop('immediate')
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
