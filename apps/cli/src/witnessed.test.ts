/** `bft+witnessed` as people get it: four validators, two witnesses and a wallet, each a program of its own. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { systemClock } from '@keystead/core'
import { findCometbft } from '@keystead/ledger'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { freePort } from '../../../scripts/free-port.ts'
import { Person } from '../../../scripts/story/person.ts'

const home = mkdtempSync(join(tmpdir(), 'ks-wit-'))
const program = (path: string): string => fileURLToPath(new URL(path, import.meta.url))
const node = ['--conditions=@keystead/source']
const validators = ['v0', 'v1', 'v2', 'v3'].map((name) => join(home, name))
const running = new Set<ChildProcess>()
const verifiers: string[] = []
let ports: number[]
let network: string
let alice: Person

const url = (place: number): string => `http://127.0.0.1:${ports[place]}`

function keystead(...args: string[]): Record<string, string> {
  const output = execFileSync(process.execPath, [...node, program('main.ts'), '--json', 'ledger', ...args])
  return JSON.parse(output.toString().trim().split('\n').at(-1) ?? '{}')
}

/** Starts a program; resolves with the line that says it is ready. */
async function start(path: string, args: string[], ready: RegExp): Promise<{ child: ChildProcess; line: string }> {
  const child = spawn(process.execPath, [...node, program(path), ...args], { stdio: ['ignore', 'pipe', 'ignore'] })
  running.add(child)
  for await (const line of createInterface({ input: child.stdout }))
    if (ready.test(line)) {
      child.stdout.resume()
      return { child, line }
    }
  throw new Error(`${path} ${args.join(' ')} ended`)
}

async function stop(child: ChildProcess): Promise<void> {
  running.delete(child)
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  await ended
}

const validator = (place: number, ...more: string[]) =>
  start(
    'main.ts',
    [
      '--json',
      'ledger',
      'start',
      '--home',
      validators[place] as string,
      '--port',
      String(ports[place]),
      '--fresh',
      '1',
      ...more,
    ],
    /"ready"/,
  )

describe.skipIf(!findCometbft())('a witnessed network', { timeout: 240_000 }, () => {
  const witnesses: ChildProcess[] = []

  beforeAll(async () => {
    ports = await Promise.all(validators.map(() => freePort()))
    for (const [place, folder] of validators.entries()) {
      const address = `127.0.0.1:${await freePort()}`
      const at = ['--home', folder, '--name', `v${place}`, '--listen', address, '--address', address]
      keystead('init', ...at, '--heartbeat', '1')
    }
    const [own = '', ...others] = validators
    const cards = others.map((folder) => join(folder, 'validator.json'))
    const founded = keystead('found', ...cards, '--home', own, '--profile', 'development')
    network = founded['network'] as string
    for (const folder of others) keystead('join', founded['file'] as string, '--home', folder)
    const nodes = await Promise.all(validators.map((_, place) => validator(place)))
    const asked = await Promise.all(validators.map((_, place) => fetch(`${url(place)}/v1/checkpoint-key`)))
    const logs = (await Promise.all(asked.map((answer) => answer.json()))) as { key: string; origin: string }[]
    const addresses: { key: string; url: string }[] = []
    for (const name of ['w1', 'w2']) {
      const port = await freePort()
      const file = join(home, `${name}.json`)
      const log = { origin: logs[0]?.origin, keys: logs.map(({ key }) => key) }
      const described = { name: `witness.test/${name}`, port, data: join(home, name), logs: [log] }
      writeFileSync(file, JSON.stringify(described))
      const { child, line } = await start('../../ledger-witness/src/main.ts', [file], / ready /)
      witnesses.push(child)
      verifiers.push(/ key (.*)$/.exec(line)?.[1] as string)
      addresses.push({ key: verifiers.at(-1) as string, url: `http://127.0.0.1:${port}` })
    }
    const file = join(home, 'witnesses.json')
    writeFileSync(file, JSON.stringify(addresses))
    await stop(nodes[0]?.child as ChildProcess)
    await validator(0, '--witnesses', file)
    alice = new Person('alice', home, { KEYSTEAD_LEDGER_URL: url(0), KEYSTEAD_HOME: home })
  }, 180_000)
  afterAll(async () => {
    await Promise.all([...running].map(stop))
    rmSync(home, { recursive: true, force: true })
  })

  test('rule 16: a wallet that names its witnesses reads bft+witnessed, and bft once they say nothing', async () => {
    const demands = ['--witness', ...verifiers, '--threshold', '2', '--witness-age', '20']
    const { data } = await alice.run(['init', '--no-agent', '--network', network, ...demands])
    const reads = async (level: string) => {
      for (;;) {
        const { didResolutionMetadata: read } = (await alice.run(['resolve', data.did])).data
        if (read.proofLevel === level) return read
        await systemClock.sleep(500)
      }
    }
    expect((await reads('bft+witnessed')).witnesses).toEqual(['witness.test/w1', 'witness.test/w2'])
    expect((await alice.run(['show'])).data.ledger).toMatchObject({ level: 'bft+witnessed' })
    await Promise.all(witnesses.map(stop))
    expect((await reads('bft')).witnesses).toEqual([])
  })
})
