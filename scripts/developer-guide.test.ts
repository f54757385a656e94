/** What the developer's guide tells to run runs, as it stands there. */
import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { fileSource, openAgent, saveAttachment } from '@keystead/sdk/node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { freePort } from './free-port.ts'
import { System } from './system.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const GUIDE = readFileSync(join(ROOT, 'docs/guides/developer.md'), 'utf8')
const home = mkdtempSync(join(tmpdir(), 'ks-guide-'))
let system: System

beforeAll(async () => {
  system = await System.start({
    home,
    ports: { ledger: await freePort(), agency: await freePort(), web: 0 },
    parts: ['ledger', 'agency'],
    profile: 'development',
    log: () => {},
  })
}, 120_000)
afterAll(async () => {
  await system?.stop()
  rmSync(home, { recursive: true, force: true })
}, 60_000)

describe('the developer’s guide', () => {
  it('leads from nothing to two agents that talk, in ten lines', async () => {
    const program = /```ts\n([\s\S]*?)```/.exec(GUIDE)?.[1] ?? ''
    expect(program.trim().split('\n')).toHaveLength(10)
    const here = program
      .replace('http://127.0.0.1:7710', system.url('ledger'))
      .replace('http://127.0.0.1:7720', system.url('agency'))
    const file = join(ROOT, `talk-${process.pid}.ts`)
    writeFileSync(file, here)
    try {
      const flags = ['--conditions=@keystead/source', '--disable-warning=ExperimentalWarning']
      const env = { ...process.env, NODE_OPTIONS: '' }
      const { stdout } = await promisify(execFile)(process.execPath, [...flags, file], { cwd: ROOT, env })
      expect(stdout).toMatch(/from: 'them',\s+text: 'hello'/)
    } finally {
      rmSync(file, { force: true })
    }
  }, 120_000)

  it('sends and saves a file', async () => {
    const network = { ledger: system.url('ledger'), agency: system.url('agency') }
    await using dora = await openAgent({ label: 'Dora', ...network })
    await using emil = await openAgent({ label: 'Emil', ...network })
    const { url } = await dora.invite('https://wallet.example/', { alias: 'emil' })
    await emil.accept(url, { alias: 'dora' })
    for (const agent of [dora, emil]) await agent.sync()
    const scan = join(home, 'scan.pdf')
    writeFileSync(scan, randomBytes(200_000))
    await emil.sendText('dora', 'look', { attach: [await fileSource(scan)] })
    await dora.sync()
    const [file] = (await dora.texts()).flatMap(({ attachments = [] }) => attachments)
    const saved = await saveAttachment(await dora.openAttachment(file?.id ?? ''), join(home, 'copy.pdf'))
    expect(readFileSync(saved)).toEqual(readFileSync(scan))
  }, 120_000)

  it('has a wallet that stays, and opens with its passphrase alone', async () => {
    const network = { ledger: system.url('ledger'), agency: system.url('agency') }
    const options = { label: 'Carol', ...network, wallet: { folder: join(home, 'carol'), passphrase: 'correct horse' } }
    const carol = await openAgent(options)
    const { did } = await carol.publicIdentity()
    await carol.close()
    const wrong = { ...options, wallet: { ...options.wallet, passphrase: 'another one' } }
    await expect(openAgent(wrong)).rejects.toMatchObject({ code: 'WRONG_PASSPHRASE' })
    await using again = await openAgent(options)
    expect((await again.publicIdentity()).did).toBe(did)
  }, 120_000)
})
