/** Keeping a ledger from the command line: real processes, a node that runs, and a witness. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { systemClock } from '@keystead/core'
import { nodeKeyProvider } from '@keystead/crypto/node'
import { networkHash } from '@keystead/did-dkms'
import { fetchGenesis, LedgerClient, memoryPins, parseCheckpoint, parseNote } from '@keystead/light-client'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Owner } from '../../../packages/did-dkms/src/testing/owner.ts'
import { freePort } from '../../../scripts/free-port.ts'

const home = mkdtempSync(join(tmpdir(), 'keystead-keeping-'))
const data = join(home, 'ledger')
const program = (path: string): string => fileURLToPath(new URL(path, import.meta.url))
const children: ChildProcess[] = []
let url: string
let port: number

/** Starts a program and waits for the line that says it is ready. */
async function start(
  path: string,
  args: string[],
  env: NodeJS.ProcessEnv,
): Promise<{ child: ChildProcess; ready: string }> {
  const child = spawn(process.execPath, [...process.execArgv, program(path), ...args], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  children.push(child)
  for await (const line of createInterface({ input: child.stdout as NodeJS.ReadableStream }))
    if (line.includes(' ready ')) {
      child.stdout?.resume()
      return { child, ready: line }
    }
  throw new Error(`${path} ended`)
}

const startNode = (env: NodeJS.ProcessEnv = {}) =>
  start('../../ledger-node/src/main.ts', [], {
    KEYSTEAD_LEDGER_DATA: data,
    KEYSTEAD_LEDGER_PORT: String(port),
    KEYSTEAD_LEDGER_PROFILE: 'development',
    ...env,
  })

async function stop(child: ChildProcess): Promise<void> {
  child.kill('SIGTERM')
  await once(child, 'exit')
}

/** A command's status and what it printed, one object a line. */
async function keystead(
  ...args: string[]
): Promise<{ status: number | null; lines: Record<string, unknown>[]; error: string }> {
  const child = spawn(process.execPath, [...process.execArgv, program('main.ts'), '--json', 'ledger', ...args])
  const [stdout, error] = await Promise.all([text(child.stdout), text(child.stderr)])
  if (child.exitCode === null) await once(child, 'exit')
  const lines = stdout.split('\n').filter(Boolean)
  return { status: child.exitCode, lines: lines.map((line) => JSON.parse(line)), error }
}

async function grow(count: number): Promise<void> {
  const genesis = await fetchGenesis(fetch, url)
  const client = new LedgerClient({ url, genesis, fetch, pins: memoryPins(), clock: systemClock })
  for (let i = 0; i < count; i++)
    await client.submit(
      await new Owner(nodeKeyProvider(), networkHash(genesis), Math.floor(Date.now() / 1000) + 3600).genesis(),
    )
}

beforeAll(async () => {
  port = await freePort()
  url = `http://127.0.0.1:${port}`
  await startNode()
  await grow(3)
})
afterAll(async () => {
  for (const child of children) if (child.exitCode === null && child.signalCode === null) await stop(child)
  rmSync(home, { recursive: true, force: true })
})

describe('keystead ledger', () => {
  test('fsck and backup beside a running node, export, and a mirror that verifies it', async () => {
    expect(await keystead('fsck', '--data', data)).toMatchObject({ status: 0, lines: [{ faults: 0 }] })
    expect(await keystead('backup', join(home, 'b1'), '--data', data)).toMatchObject({
      status: 0,
      lines: [{ logSize: 3 }],
    })
    expect(await keystead('backup', join(home, 'b1'), '--data', data)).toMatchObject({
      status: 73,
      error: /BACKUP_EXISTS/,
    })
    const { lines } = await keystead('export', '--data', data, '--after', '1')
    expect(lines.map((line) => Object.keys(line)[0])).toEqual(['body', 'body', 'consistency'])
    const mirrored = await keystead('mirror', join(home, 'mirror'), '--url', url)
    expect(mirrored).toMatchObject({ status: 0 })
    expect(mirrored.lines.at(-1)).toMatchObject({ logSize: 3 })
  })

  test('restore behind the signer is refused with its own status, and a new checkpoint is the explicit way', async () => {
    await grow(2)
    const [node] = children as [ChildProcess]
    expect(await keystead('fsck', '--data', data, '--repair')).toMatchObject({ status: 75, error: /LEDGER_IN_USE/ })
    await stop(node)
    const restored = join(home, 'restored')
    const args = ['restore', join(home, 'b1'), '--data', restored, '--signer', `${data}-signer`]
    expect(await keystead(...args)).toMatchObject({ status: 77, error: /LEDGER_BEHIND_SIGNER/ })
    const done = await keystead(...args, '--new-checkpoint')
    expect(done).toMatchObject({ status: 0, lines: [{ logSize: 3, abandonedHeight: expect.any(Number) }] })
    expect(await keystead('fsck', '--data', restored)).toMatchObject({ status: 0 })
    await startNode({ KEYSTEAD_LEDGER_DATA: restored, KEYSTEAD_LEDGER_SIGNER: `${data}-signer` })
    // Nobody had mirrored what was given up: the mirror goes on, and grows with the new history.
    await grow(1)
    const mirrored = await keystead('mirror', join(home, 'mirror'), '--url', url)
    expect(mirrored.lines.at(-1)).toMatchObject({ logSize: 4 })
  })

  test('a node asks its witness, and serves the checkpoint that it cosigned', async () => {
    const { key, origin } = (await (await fetch(`${url}/v1/checkpoint-key`)).json()) as { key: string; origin: string }
    const config = join(home, 'witness.json')
    const witnessPort = await freePort()
    const log = { origin, keys: [key], url }
    const described = {
      name: 'witness.test/w1',
      port: witnessPort,
      data: join(home, 'witness'),
      followSeconds: 1,
      logs: [log],
    }
    writeFileSync(config, JSON.stringify(described))
    const { ready } = await start('../../ledger-witness/src/main.ts', [config], {})
    const verifier = / key (.*)$/.exec(ready)?.[1] as string
    const witnesses = join(home, 'witnesses.json')
    writeFileSync(witnesses, JSON.stringify([{ key: verifier, url: `http://127.0.0.1:${witnessPort}` }]))
    await stop(children.at(-2) as ChildProcess)
    await startNode({
      KEYSTEAD_LEDGER_DATA: join(home, 'restored'),
      KEYSTEAD_LEDGER_SIGNER: `${data}-signer`,
      KEYSTEAD_LEDGER_WITNESSES: witnesses,
    })
    const witnessed = await until(async () => {
      const answer = await fetch(`${url}/v1/witnessed`)
      return answer.status === 200 ? answer.text() : undefined
    })
    const note = parseNote(witnessed)
    expect(parseCheckpoint(note.text)).toMatchObject({ origin, size: 4 })
    expect(note.signatures.map(({ name }) => name)).toEqual([origin, 'witness.test/w1'])
    const health = (await (await fetch(`http://127.0.0.1:${witnessPort}/health`)).json()) as { logs: unknown }
    expect(health.logs).toEqual([{ origin, size: 4, evidence: 0 }])
  })
})

async function until<T>(ask: () => Promise<T | undefined>): Promise<T> {
  for (;;) {
    const answer = await ask().catch(() => undefined)
    if (answer !== undefined) return answer
    await systemClock.sleep(200)
  }
}
