/** `npm run network`, as its reader runs it: four validators that come back when killed, and go on from their data. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { findCometbft } from '@keystead/ledger'
import { afterAll, describe, expect, it } from 'vitest'
import { freePort } from './free-port.ts'

const home = mkdtempSync(join(tmpdir(), 'ks-run-'))
const script = fileURLToPath(new URL('network.ts', import.meta.url))
const running = new Set<ChildProcess>()
afterAll(() => {
  for (const child of running) child.kill('SIGKILL')
  rmSync(home, { recursive: true, force: true })
})

interface Running {
  readonly child: ChildProcess
  readonly text: () => string
}

/** Resolves when it says that the network runs; rejects when it ends before. */
async function start(args: readonly string[], env: NodeJS.ProcessEnv = {}, cwd = process.cwd()): Promise<Running> {
  const child = spawn(process.execPath, ['--conditions=@keystead/source', script, ...args], {
    env: { ...process.env, ...env },
    cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  running.add(child)
  let text = ''
  const told = new Promise<void>((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (data: Buffer) => {
        text += data.toString()
        if (text.includes('Ctrl-C stops everything')) resolve()
      })
    child.once('close', (status) => reject(new Error(`ended with ${status}: ${text}`)))
  })
  await told
  return { child, text: () => text }
}

async function stop({ child }: Running): Promise<number | null> {
  const ended = once(child, 'close')
  child.kill('SIGINT')
  const [status] = (await ended) as [number | null]
  running.delete(child)
  return status
}

/** CometBFT processes of this network, by what they were started with (proc(5)). */
function engines(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const words = readFileSync(`/proc/${name}/cmdline`, 'utf8').split('\0')
        return words[1] === 'node' && words.some((word) => word.startsWith(home)) ? [Number(name)] : []
      } catch {
        return []
      }
    })
}

async function heights(port: number): Promise<number[]> {
  const asked = [0, 1, 2, 3].map(async (place) => {
    const { height } = (await (await fetch(`http://127.0.0.1:${port + place}/health`)).json()) as { height: number }
    return height
  })
  return Promise.all(asked)
}

async function until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  for (let tries = 0; !(await condition()); tries++) {
    if (tries > 600) throw new Error(`${what}: not within a minute`)
    await sleep(100)
  }
}

describe('npm run network', () => {
  it('without CometBFT says how to install it, and what runs without', async () => {
    const nowhere = { KEYSTEAD_COMETBFT: join(home, 'nowhere') }
    await expect(start(['--home', join(home, 'x')], nowhere)).rejects.toThrow(/go install .*cometbft.*npm start/s)
  })

  it('where Go cannot fetch CometBFT, says what it tried, what Go said, and what runs without', async () => {
    const programs = join(home, 'programs')
    mkdirSync(programs)
    writeFileSync(
      join(programs, 'go'),
      '#!/bin/sh\n[ $1 = env ] || { echo "dial tcp: connection refused" >&2; exit 1; }\n',
    )
    chmodSync(join(programs, 'go'), 0o755)
    const env = { KEYSTEAD_COMETBFT: undefined, KEYSTEAD_HOME: join(home, 'y'), PATH: `${programs}:/usr/bin:/bin` }
    await expect(start([], env, home)).rejects.toThrow(
      /go builds v0\.38.*connection refused.*npm start.*COMETBFT_INSTALL_FAILED/s,
    )
  })

  it.skipIf(!findCometbft())(
    'four validators run, one that is killed comes back, and the next run goes on from the data',
    async () => {
      const http = await freePort()
      const args = ['--home', join(home, 'n'), '--port', String(http), '--p2p-port', String(http + 4)]
      const first = await start(args)
      const name = /named (\S+)\.$/m.exec(first.text())?.[1]
      expect(name).toMatch(/^Qm/)
      expect(engines()).toHaveLength(4)
      const [killed = 0] = engines()
      process.kill(killed, 'SIGKILL')
      await until('it comes back', () => engines().length === 4 && !engines().includes(killed))
      const before = Math.max(...(await heights(http)))
      await until('all go on', async () => (await heights(http)).every((height) => height > before))
      expect(await stop(first)).toBe(0)
      expect(engines()).toEqual([])
      const again = await start(args)
      expect(again.text()).toContain(`named ${name}.`)
      expect(again.text()).not.toContain('Making')
      for (const height of await heights(http)) expect(height).toBeGreaterThanOrEqual(before)
      expect(await stop(again)).toBe(0)
    },
    240_000,
  )
})
