/** What a wallet demands of a ledger, through real processes: a node, two witnesses, a second node that tells another history. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { systemClock } from '@keystead/core'
import { nodeKeyProvider } from '@keystead/crypto/node'
import { networkHash } from '@keystead/did-dkms'
import { fetchGenesis, LedgerClient, memoryPins } from '@keystead/light-client'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Owner } from '../../../packages/did-dkms/src/testing/owner.ts'
import { freePort } from '../../../scripts/free-port.ts'
import { Person } from '../../../scripts/story/person.ts'

const home = mkdtempSync(join(tmpdir(), 'keystead-trust-'))
const program = (path: string): string => fileURLToPath(new URL(path, import.meta.url))
const children = new Set<ChildProcess>()
const [one, two] = [join(home, 'one'), join(home, 'two')] as const
const verifiers: string[] = []
let ports: { readonly one: number; readonly two: number }
let alice: Person
let did: string

/** Starts a program; resolves with the line that says it is ready. */
async function start(
  path: string,
  args: string[],
  env: NodeJS.ProcessEnv = {},
): Promise<{ stop(): Promise<void>; ready: string }> {
  const child = spawn(process.execPath, [...process.execArgv, program(path), ...args], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  children.add(child)
  const stop = async (): Promise<void> => {
    children.delete(child)
    child.kill('SIGTERM')
    await once(child, 'exit')
  }
  for await (const line of createInterface({ input: child.stdout }))
    if (line.includes(' ready ')) {
      child.stdout.resume()
      return { stop, ready: line }
    }
  throw new Error(`${path} ended`)
}

const startNode = (data: string, port: number, env: NodeJS.ProcessEnv = {}) =>
  start('../../ledger-node/src/main.ts', [], {
    KEYSTEAD_LEDGER_DATA: data,
    KEYSTEAD_LEDGER_PORT: String(port),
    KEYSTEAD_LEDGER_PROFILE: 'development',
    ...env,
  })

const url = (port: number): string => `http://127.0.0.1:${port}`

async function register(port: number): Promise<void> {
  const genesis = await fetchGenesis(fetch, url(port))
  const client = new LedgerClient({ url: url(port), genesis, fetch, pins: memoryPins(), clock: systemClock })
  const notAfter = Math.floor(Date.now() / 1000) + 3600
  await client.submit(await new Owner(nodeKeyProvider(), networkHash(genesis), notAfter).genesis())
}

/** One ledger with two witnesses, and a copy of it with its key, which goes on to tell a history of its own. */
beforeAll(async () => {
  ports = { one: await freePort(), two: await freePort() }
  const first = await startNode(one, ports.one)
  const { key, origin } = (await (await fetch(`${url(ports.one)}/v1/checkpoint-key`)).json()) as Record<string, string>
  const addresses: { key: string; url: string }[] = []
  for (const name of ['w1', 'w2']) {
    const port = await freePort()
    const file = join(home, `${name}.json`)
    const logs = [{ origin, keys: [key] }]
    writeFileSync(file, JSON.stringify({ name: `witness.test/${name}`, port, data: join(home, name), logs }))
    const { ready } = await start('../../ledger-witness/src/main.ts', [file])
    const verifier = / key (.*)$/.exec(ready)?.[1] as string
    verifiers.push(verifier)
    addresses.push({ key: verifier, url: url(port) })
  }
  await register(ports.one)
  await first.stop()
  for (const part of ['', '-signer']) cpSync(`${one}${part}`, `${two}${part}`, { recursive: true })
  const witnesses = join(home, 'witnesses.json')
  writeFileSync(witnesses, JSON.stringify(addresses))
  await startNode(one, ports.one, { KEYSTEAD_LEDGER_WITNESSES: witnesses })
  alice = new Person('alice', home, { KEYSTEAD_LEDGER_URL: url(ports.one), KEYSTEAD_HOME: home })
})
afterAll(async () => {
  for (const child of children) {
    child.kill('SIGTERM')
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  }
  rmSync(home, { recursive: true, force: true })
})

describe('a wallet says whom it believes', () => {
  test('WITNESS-4: init names witnesses; one validator’s word stays operator-signed, with those that vouch beside it', async () => {
    const network = networkHash(await fetchGenesis(fetch, url(ports.one)))
    const made = await alice.run(['init', '--no-agent', '--network', network, '--witness', ...verifiers])
    did = made.data.did
    for (;;) {
      const { data } = await alice.run(['resolve', did])
      expect(data.didResolutionMetadata.proofLevel).toBe('operator-signed')
      if (data.didResolutionMetadata.witnesses.length === 2) break
      await systemClock.sleep(500)
    }
    const { data } = await alice.run(['show'])
    expect(data.ledger).toMatchObject({ level: 'operator-signed', witnesses: ['witness.test/w1', 'witness.test/w2'] })
  })

  test('PROOF-13: network trust changes it, and refuses what cannot be', async () => {
    expect((await alice.run(['network', 'trust'])).data.witnesses).toMatchObject({ threshold: 2, maxAge: 600 })
    const changed = await alice.run([
      'network',
      'trust',
      '--threshold',
      '1',
      '--other-ledger',
      `http://localhost:${ports.one}`,
    ])
    expect(changed.data).toMatchObject({ otherNodes: [`http://localhost:${ports.one}`], witnesses: { threshold: 1 } })
    expect((await alice.run(['resolve', did])).data.didDocument).toMatchObject({ id: did })
    expect((await alice.run(['network', 'trust', '--threshold', '3'], 65)).error).toBe('BAD_FIELD')
    expect((await alice.run(['network', 'trust', '--other-ledger', 'two'], 65)).error).toBe('BAD_FIELD')
    const third = await freePort()
    const stranger = await startNode(join(home, 'stranger'), third)
    expect((await alice.run(['network', 'trust', '--other-ledger', url(third)], 76)).error).toBe('WRONG_NETWORK')
    await stranger.stop()
  })

  test('row N10: a second node that shows another history, signed with the same key, is LEDGER_FORKED with evidence', async () => {
    await startNode(two, ports.two)
    const { data } = await alice.run(['show'])
    for (let grown = 0; grown < 40; grown++) await register(ports.two)
    await alice.run(['network', 'trust', '--other-ledger', url(ports.two)])
    expect(data.ledger.error).toBeUndefined()
    await register(ports.one)
    const shown = await alice.run(['show'])
    expect(shown.data.ledger).toMatchObject({ error: 'LEDGER_FORKED' })
    const { data: kept } = await alice.run(['evidence'], 1)
    expect(kept.evidence).toMatchObject([{ kind: 'attack' }])
  })
})
