/** What the supervisor says of processes that end. The programs are short ones of this test: no CometBFT is needed. */
import { generateKeyPairSync } from 'node:crypto'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { developmentParameters } from '@keystead/did-dkms'
import { afterAll, expect, it } from 'vitest'
import { foundNetwork, initValidator, joinNetwork } from './home.ts'
import { Supervisor } from './supervisor.ts'

const folder = mkdtempSync(join(tmpdir(), 'ks-supervisor-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Of a key pair of nobody's: what an application must not repeat has the form of one. */
const KEY = generateKeyPairSync('ed25519')
  .publicKey.export({ format: 'der', type: 'spki' })
  .subarray(12)
  .toString('base64')

/** A program that has a validator's keys, and does this as a node. */
function program(node: string): string {
  const file = join(folder, 'cometbft')
  writeFileSync(
    file,
    `#!/bin/sh
case "$1" in
  show-validator) echo '{"value":"${KEY}"}' ;;
  show-node-id) echo 0123456789abcdef0123456789abcdef01234567 ;;
  node) ${node} ;;
esac
`,
  )
  chmodSync(file, 0o755)
  return file
}

it('a node that cannot start is told with the last it said, and with nothing that may be its key', async () => {
  const cometbft = program(
    `echo "I started"; echo "ERROR: listen tcp 127.0.0.1:26656: bind: address already in use (${KEY})" >&2; exit 1`,
  )
  const home = join(folder, 'home')
  const address = '127.0.0.1:26656'
  const card = initValidator({ home, name: 'one', listen: address, address, cometbft })
  joinNetwork(home, foundNetwork([card], { chainId: 'test', time: 1_800_000_000, parameters: developmentParameters }))
  const application = join(folder, 'application.mjs')
  writeFileSync(application, "process.on('disconnect', () => process.exit()); process.send({ kind: 'ready' })")
  const options = { home, cometbft, application, onMessage: () => {}, onRestart: () => {}, log: () => {} }
  const failed = await Supervisor.start(options).catch((error: unknown) => error)
  expect(failed).toMatchObject({ code: 'COMETBFT_FAILED' })
  expect((failed as Error).message).toMatch(/^cometbft ended \(exit 1\): .*address already in use \(\[\.\.\.\]\)/)
  expect((failed as Error).message).not.toContain(KEY)
})
