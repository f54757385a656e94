/** ESCROW-9 and 10 under attack: processes that guess in parallel, an agency that is killed meanwhile, a database from a copy. */
import { type ChildProcess, spawn } from 'node:child_process'
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { base64url, systemRandom } from '@keystead/core'
import { xwingPublicKey } from '@keystead/crypto'
import { nodeKeyProvider } from '@keystead/crypto/node'
import { dealEscrow, escrowAuthSeed } from '@keystead/recovery'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ask } from '../../../packages/agent/src/edge/agency-link.ts'
import { escrowAgents } from '../../../packages/agent/src/edge/recovery/escrow-agents.ts'
import { GRANT } from '../../../packages/agent/src/protocols/cloud-agent/messages.ts'
import { ESCROW_REGISTER, ESCROW_STATUS_REQUEST } from '../../../packages/agent/src/protocols/escrow/messages.ts'
import { blindInput } from '../../../packages/recovery/src/escrow/oprf.ts'
import { freePort } from '../../../scripts/free-port.ts'
import { System } from '../../../scripts/system.ts'
import { edgeOf, type GuessTask, guess } from './testing/guesser.ts'

const GUESSES = 5
const PROCESSES = 4
const REQUESTS = 200
const ACCOUNTS = 8
const KILLS = 4
const script = fileURLToPath(new URL('testing/guesser.ts', import.meta.url))
const home = mkdtempSync(join(tmpdir(), 'keystead-guess-'))
const children: ChildProcess[] = []
let system: System
let owner: Awaited<ReturnType<typeof edgeOf>>
let task: GuessTask

beforeAll(async () => {
  system = await System.start({
    home,
    ports: { ledger: await freePort(), agency: await freePort() },
    parts: ['ledger', 'agency'],
    profile: 'development',
    log: () => {},
  })
  const ledger = system.url('ledger')
  owner = await edgeOf(ledger)
  const { edge, sender } = owner
  const [descriptor] = await escrowAgents(edge, [system.url('agency')])
  if (!descriptor) throw new Error('the agency shows no descriptor')
  const agent = descriptor.id
  await ask(edge, agent, sender, { type: GRANT, body: { services: ['escrow'] } })
  // Only the first agent of each deal is real: it alone is attacked.
  const others = ['did:example:b', 'did:example:c'].map((id) => ({ id, kem: xwingPublicKey(systemRandom(32)) }))
  const accounts: GuessTask['accounts'][number][] = []
  for (let n = 0; n < ACCOUNTS; n++) {
    const locator = systemRandom(16)
    const [registration] = await dealEscrow({
      secret: systemRandom(32),
      pin: '739164',
      locator,
      agents: [descriptor, ...others],
      threshold: 2,
      guesses: GUESSES,
      keys: nodeKeyProvider(),
      random: systemRandom,
    })
    const account = registration?.account ?? ''
    const attachment = registration?.sealed ?? new Uint8Array()
    await ask(edge, agent, sender, { type: ESCROW_REGISTER, body: { account }, attachment })
    accounts.push({ account, auth: base64url.encode(escrowAuthSeed(locator, agent)) })
  }
  task = { ledger, agent, accounts, requests: REQUESTS }
}, 120_000)

afterAll(async () => {
  for (const child of children) child.kill('SIGKILL')
  await owner?.close()
  await system?.stop()
  rmSync(home, { recursive: true, force: true })
})

/** Elements evaluated, by account. */
function guesser(found: Map<string, Set<string>>): Promise<void> {
  const child = spawn(process.execPath, ['--conditions=@keystead/source', script, JSON.stringify(task)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  children.push(child)
  createInterface({ input: child.stdout as NodeJS.ReadableStream }).on('line', (line) => {
    const [account, element] = JSON.parse(line) as [string, string]
    found.set(account, (found.get(account) ?? new Set()).add(element))
  })
  return new Promise((resolve, reject) =>
    child.on('close', (code) => (code === 0 ? resolve() : reject(new Error(`a guesser ended with ${code}`)))),
  )
}

async function statuses(): Promise<number[]> {
  const { edge, sender } = owner
  return Promise.all(
    task.accounts.map(async ({ account }) => {
      const status = await ask(edge, task.agent, sender, {
        type: ESCROW_STATUS_REQUEST,
        body: { account, nonce: 'A'.repeat(43) },
      })
      return Number(status.body['used'])
    }),
  )
}

const oneMore = (target: GuessTask['accounts'][number]): Promise<string> =>
  guess(owner.edge, owner.sender, {
    agent: task.agent,
    account: target.account,
    auth: base64url.decode(target.auth),
    element: blindInput(systemRandom(32), systemRandom).element,
  })

describe('an agency that is guessed at by four processes with 200 requests each, and killed meanwhile', () => {
  it(`evaluates never one more than ${GUESSES} elements of an account, and then none`, async () => {
    // A copy of the database from before any guess.
    await system.kill('agency')
    cpSync(join(home, 'agency'), join(home, 'copy'), { recursive: true })
    await system.relaunch('agency')

    const found = new Map<string, Set<string>>()
    let over = false
    const all = Promise.all(Array.from({ length: PROCESSES }, () => guesser(found))).finally(() => {
      over = true
    })
    for (let kills = 0; kills < KILLS && !over; kills++) {
      const before = total(found)
      // In the middle of it: as soon as more were evaluated than when it was killed last.
      for (let waits = 0; waits < 200 && total(found) <= before && !over; waits++)
        await new Promise((resolve) => setTimeout(resolve, 20))
      await system.killAndRestart('agency')
    }
    await all
    for (const { account } of task.accounts) expect(found.get(account)?.size ?? 0).toBeLessThanOrEqual(GUESSES)
    expect(total(found)).toBeGreaterThan(ACCOUNTS)
    expect(await statuses()).toEqual(task.accounts.map(() => GUESSES))
    for (const target of task.accounts) expect(await oneMore(target)).toBe('ESCROW_LOCKED')
  }, 300_000)

  it('restored from a copy, with its counters at zero, locks every share instead', async () => {
    await system.kill('agency')
    for (const name of ['agency.sqlite', 'agency.sqlite-wal', 'agency.sqlite-shm'])
      rmSync(join(home, 'agency', name), { force: true })
    cpSync(join(home, 'copy'), join(home, 'agency'), {
      recursive: true,
      filter: (source) => !source.endsWith('guess-witness'),
    })
    await system.relaunch('agency')
    for (const target of task.accounts) expect(await oneMore(target)).toBe('ESCROW_LOCKED')
  }, 120_000)
})

function total(found: ReadonlyMap<string, ReadonlySet<string>>): number {
  return [...found.values()].reduce((sum, { size }) => sum + size, 0)
}
