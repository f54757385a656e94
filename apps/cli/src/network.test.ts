/** `keystead network` as the operators of a node type it, against a running node. */
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { FakeClock, hexadecimal, systemClock, systemRandom } from '@keystead/core'
import { encodeMultikey } from '@keystead/crypto'
import { nodeKeyProvider } from '@keystead/crypto/node'
import { developmentParameters } from '@keystead/did-dkms'
import { GovernanceKey, governanceOf, type LedgerNode, serveLedger } from '@keystead/ledger'
import { afterAll, beforeAll, expect, test } from 'vitest'

const home = mkdtempSync(join(tmpdir(), 'keystead-governing-'))
const cli = fileURLToPath(new URL('main.ts', import.meta.url))
const keys = nodeKeyProvider()
const file = (name: string): string => join(home, name)
// The node's clock is ahead of nobody's and moved by the test: delays end when it says so.
const clock = new FakeClock(systemClock.now())
let node: LedgerNode
let running = true

beforeAll(async () => {
  const cards = await Promise.all(['a', 'b'].map((name) => GovernanceKey.make(file(name), keys).card()))
  node = await serveLedger({
    data: file('data'),
    signerFolder: file('signer'),
    host: '127.0.0.1',
    port: 0,
    network: {
      chainId: `keystead-test-${hexadecimal.encode(systemRandom(4))}`,
      // A delay that the node's clock passes within the drift that readers allow (rule 11).
      parameters: { ...developmentParameters, governanceDelay: 1 },
      governance: governanceOf(cards, 2),
    },
    freshSeconds: 0,
    clock,
    keys,
    log: () => {},
    witnesses: [],
  })
})

afterAll(async () => {
  if (running) await node.close()
  rmSync(home, { recursive: true, force: true })
})

async function pass(): Promise<void> {
  clock.advance(Math.max(0, systemClock.now() - clock.now()) + 1500)
  await node.ledger.refresh(0)
}

function network(...args: string[]): Promise<{ status: number | null; json: Record<string, never>; text: string }> {
  const child = spawn(process.execPath, ['--conditions=@keystead/source', cli, '--json', 'network', ...args], {
    env: { ...process.env, KEYSTEAD_LEDGER_URL: node.url, KEYSTEAD_HOME: home },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let text = ''
  child.stdout.on('data', (data: Buffer) => {
    text += data.toString()
  })
  child.stderr.on('data', (data: Buffer) => {
    text += data.toString()
  })
  return new Promise((resolve) =>
    child.on('close', (status) => {
      const line = text.trim().split('\n').at(-1) ?? ''
      resolve({ status, text, json: line.startsWith('{') ? JSON.parse(line) : {} })
    }),
  )
}

test('members sign a change one after the other; it waits, and then is in force', async () => {
  expect((await network('show')).json).toMatchObject({ protocol: { version: 1 }, governance: { seq: 0 } })
  const alone = await network('parameters', 'vetoes=3', '--key', file('a'))
  expect(alone).toMatchObject({ status: 65, json: { error: 'THRESHOLD_NOT_MET' } })
  const first = await network('parameters', 'vetoes=3', '--key', file('a'), '--out', file('proposal'))
  expect(first).toMatchObject({ status: 75, json: { weight: 1, threshold: 2 } })
  expect((await network('sign', file('proposal'), '--key', file('a'))).status).toBe(75)
  const second = await network('sign', file('proposal'), '--key', file('b'))
  expect(second).toMatchObject({ status: 0, json: { seq: 1 } })
  expect((await network('show')).json).toMatchObject({ parameters: { now: { vetoes: 2 }, pending: { seq: 1 } } })
  await pass()
  expect((await network('show')).json).toMatchObject({ parameters: { now: { vetoes: 3 } } })
  expect((await network('cancel', '1', '--key', file('a'), file('b'))).json).toMatchObject({ error: 'NOTHING_PENDING' })
}, 300_000)

test('governance rotates to the keys that were committed to', async () => {
  for (const name of ['a', 'b']) {
    const { text } = await network('card', file(name), '--rotate')
    writeFileSync(file(`${name}.card`), text)
  }
  const cards = [file('a.card'), file('b.card')]
  const rotated = await network('rotate', ...cards, '--threshold', '2', '--key', file('a'), file('b'))
  expect(rotated).toMatchObject({ status: 0, json: { seq: 2 } })
  expect((await network('parameters', 'vetoes=2', '--key', file('a'), file('b'))).json).toMatchObject({ seq: 3 })
}, 300_000)

test('rule 18: hands the chain over to others, writes the document, and destroys the key', async () => {
  const heirs = await Promise.all([1, 2, 3, 4].map(() => keys.ephemeral({ kind: 'signing', suite: 'ed25519' })))
  const changes = heirs.map((key) => `${encodeMultikey(key.publicKey)}=10`)
  const both = ['--key', file('a'), file('b')]
  expect((await network('validators', ...changes, ...both)).json).toMatchObject({ error: 'HANDOVER_REQUIRED' })
  expect(await network('validators', ...changes, '--handover', ...both)).toMatchObject({ status: 0 })
  const place = ['--data', file('data'), '--signer', file('signer'), '--out', file('handover.json')]
  expect((await network('handover', ...place)).json).toMatchObject({ error: 'LEDGER_IN_USE' })
  await pass()
  running = false
  await node.close()
  expect(await network('handover', ...place)).toMatchObject({ status: 0, json: { validators: 4 } })
  expect(existsSync(join(file('signer'), 'validator-key.json'))).toBe(false)
  expect((await network('handover', ...place)).json).toMatchObject({ error: 'VALIDATOR_KEY_DESTROYED' })
}, 300_000)
