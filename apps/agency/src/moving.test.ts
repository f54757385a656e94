/** Row V19, with real processes: a wallet goes to another agency; what is sent before, during and after arrives once. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { agencyDescriptor, EdgeAgent, vaultPins } from '@keystead/agent/edge'
import { base64url, systemClock, systemRandom, utf8 } from '@keystead/core'
import { nodeKeyProvider } from '@keystead/crypto/node'
import { wrapForward } from '@keystead/didcomm'
import { fetchGenesis, LedgerClient } from '@keystead/light-client'
import { createVault, memoryVaultStore } from '@keystead/wallet'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ask, askAgency, post } from '../../../packages/agent/src/edge/agency-link.ts'
import { RECIPIENT_QUERY } from '../../../packages/agent/src/protocols/mediation/messages.ts'
import { PUBLISH } from '../../../packages/agent/src/protocols/publish/messages.ts'
import { freePort } from '../../../scripts/free-port.ts'
import { System } from '../../../scripts/system.ts'

const home = mkdtempSync(join(tmpdir(), 'ks-move-'))
let system: System
let alice: EdgeAgent
let bob: EdgeAgent
let sent = 0

async function wallet(label: string): Promise<EdgeAgent> {
  const common = { keys: nodeKeyProvider(), clock: systemClock, random: systemRandom }
  const vault = await createVault({ store: memoryVaultStore(), ...common }, { kind: 'raw', key: systemRandom(32) })
  const url = system.url('ledger')
  const genesis = await fetchGenesis(fetch, url)
  const ledger = new LedgerClient({ url, genesis, fetch, pins: vaultPins(vault, systemClock), clock: systemClock })
  const agent = new EdgeAgent({ vault, ledger, fetch, ...common })
  await agent.setLabel(label)
  await agent.addCloudAgent(await agencyDescriptor(fetch, system.url('agency')))
  await agent.createIdentity()
  return agent
}

beforeAll(async () => {
  system = await System.start({
    home,
    ports: { ledger: await freePort(), agency: await freePort(), agency2: await freePort(), web: 0 },
    parts: ['ledger', 'agency', 'agency2'],
    profile: 'development',
    log: () => {},
  })
  alice = await wallet('alice')
  bob = await wallet('bob')
  const { url } = await alice.invite('https://wallet.test/', { alias: 'bob' })
  await bob.accept(url, { alias: 'alice' })
  const plain = await alice.invitePlainly('https://wallet.test/', { alias: 'bob, plainly' })
  await bob.acceptPlainly(plain.url, { alias: 'alice, plainly' })
  await until(async () => {
    await alice.sync()
    await bob.sync()
    const [contact] = await bob.contacts()
    const [correspondent] = await bob.correspondents()
    return contact?.status === 'connected' && correspondent?.status === 'connected'
  })
}, 180_000)
afterAll(async () => {
  await system?.stop()
  rmSync(home, { recursive: true, force: true })
}, 60_000)

async function until(holds: () => Promise<boolean>): Promise<void> {
  for (let turn = 0; turn < 300; turn++) {
    if (await holds()) return
    await systemClock.sleep(100)
  }
  throw new Error('it did not come about')
}

async function say(count: number): Promise<void> {
  for (let n = 0; n < count; n++) await bob.sendText('alice, plainly', `line ${sent++}`)
  await bob.sync()
}
/** Sorted: what the old agency passes on may come after what was sent to the new one (RELATIONSHIP-33). */
const heard = async () => (await alice.texts()).flatMap(({ from, text }) => (from === 'them' ? [text] : [])).sort()
const everything = () => Array.from({ length: sent }, (_, n) => `line ${n}`).sort()
const gotEverything = async (): Promise<boolean> => {
  await bob.sync()
  await alice.sync()
  return (await heard()).length >= sent
}

describe('a wallet that moves to another agency', () => {
  it('gets what was sent before, during and after, once each, though the old agency is killed meanwhile', async () => {
    await say(4)
    const moving = alice.moveTo(await agencyDescriptor(fetch, system.url('agency2')))
    await say(4)
    await moving
    await system.killAndRestart('agency')
    await say(4)
    await until(gotEverything)
    expect(await heard()).toEqual(everything())
    expect((await alice.profile()).agency?.url).toBe(system.url('agency2'))
    expect((await alice.profile()).former).toMatchObject({ url: system.url('agency'), step: 'forwards' })
  }, 120_000)

  it('is sent to what it published', async () => {
    const name = base64url.encode(systemRandom(16))
    const file = { type: PUBLISH, body: { name, mediaType: 'application/json' }, attachment: utf8('{"new":true}') }
    const { did = '', account = '' } = (await alice.profile()).former ?? {}
    await ask(alice.edge, did, account, { ...file, attachment: utf8('{"old":true}') })
    await askAgency(alice.edge, file)
    const answer = await fetch(`${system.url('agency')}/v1/files/${name}`)
    expect(await answer.json()).toEqual({ new: true })
  })

  it('keeps every relationship: keys are proven and its public DID leads to the new agency', async () => {
    const listening = new AbortController()
    const answering = (async () => {
      while (!listening.signal.aborted) {
        await alice.sync()
        await systemClock.sleep(200)
      }
    })()
    expect(await bob.verify('alice', { seconds: 60 })).toMatchObject({ result: 'proven' })
    listening.abort()
    await answering
    const { did } = await alice.publicIdentity()
    const { didDocument } = await bob.edge.resolver.resolve(did)
    expect(JSON.stringify(didDocument)).toContain((await alice.profile()).agency?.did)
  }, 120_000)

  it('has the old agency forget, which shows that it did; peers need it no more', async () => {
    const before = (await alice.profile()).former
    const [own] = (await alice.edge.records.all('own-did')).filter(({ name }) => name.startsWith('did:peer:4'))
    expect(await alice.stopForwarding()).toEqual({
      messages: 0,
      recipients: 0,
      services: 0,
      files: 0,
      attachments: 0,
      backups: 0,
    })
    await expect(
      ask(alice.edge, before?.did ?? '', before?.account ?? '', { type: RECIPIENT_QUERY, body: {} }),
    ).rejects.toThrow()
    const { resolver, ports } = bob.edge
    const options = { mediator: before?.did ?? '', resolver, random: systemRandom, ephemerals: ports.keys }
    const forward = await wrapForward(utf8('{}'), { next: own?.name ?? '', ...options })
    await expect(post(bob.edge, system.url('agency'), forward)).rejects.toMatchObject({ code: 'UNKNOWN_RECIPIENT' })
    await say(3)
    await until(gotEverything)
    expect(await heard()).toEqual(everything())
    await expect(alice.stopForwarding()).rejects.toMatchObject({ code: 'NOT_ALLOWED_NOW' })
  }, 120_000)
})
