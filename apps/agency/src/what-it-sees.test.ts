/** spec/agency.md, "What an agency sees": held to recorded traffic and to the database, as an operator who looks would. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { connect, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { agencyDescriptor, EdgeAgent } from '@keystead/agent/edge'
import { systemClock, systemRandom } from '@keystead/core'
import { nodeKeyProvider } from '@keystead/crypto/node'
import { LedgerClient, memoryPins } from '@keystead/light-client'
import { createVault, memoryVaultStore } from '@keystead/wallet'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { LEDGER, Network } from '../../../packages/testkit/src/network.ts'
import { freePort } from '../../../scripts/free-port.ts'
import { AgencyProcess } from './testing/process.ts'

const home = mkdtempSync(join(tmpdir(), 'ks-sees-'))
const SECRETS = [
  'Alice Marker Kowalski',
  'Bob Marker Nowak',
  'meet me at the marker tower',
  'marker-plan.txt',
  'the marker lies under the tower',
]
let network: Network
let agency: AgencyProcess
let proxy: Server
let alice: EdgeAgent
let bob: EdgeAgent
let size = 0
const traffic: Buffer[] = []

async function wallet(label: string, url: string): Promise<EdgeAgent> {
  const common = { keys: nodeKeyProvider(), clock: systemClock, random: systemRandom }
  const vault = await createVault({ store: memoryVaultStore(), ...common }, { kind: 'raw', key: systemRandom(32) })
  const { wires, ledger } = network
  const { genesis } = ledger
  const client = new LedgerClient({ url: LEDGER, genesis, fetch: wires.fetch, pins: memoryPins(), clock: systemClock })
  const agent = new EdgeAgent({ vault, ledger: client, fetch, ...common })
  await agent.setLabel(label)
  await agent.addCloudAgent(await agencyDescriptor(fetch, url))
  return agent
}

beforeAll(async () => {
  network = await Network.open()
  const [door, port] = [await freePort(), await freePort()]
  const url = `http://127.0.0.1:${door}`
  agency = new AgencyProcess({
    KEYSTEAD_AGENCY_DATA: home,
    KEYSTEAD_AGENCY_PORT: String(port),
    KEYSTEAD_AGENCY_PUBLIC_URL: url,
    KEYSTEAD_LEDGER_URL: '',
  })
  await agency.start()
  proxy = createServer((client) => {
    const upstream = connect(port, '127.0.0.1')
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      from.on('data', (data: Buffer) => {
        traffic.push(data)
        to.write(data)
      })
      from.on('close', () => to.destroy())
      from.on('error', () => to.destroy())
    }
  })
  await new Promise<void>((resolve) => proxy.listen(door, '127.0.0.1', resolve))
  alice = await wallet(SECRETS[0] ?? '', url)
  bob = await wallet(SECRETS[1] ?? '', url)
  const invitation = await alice.invite('https://wallet.test/')
  await bob.accept(invitation.url)
  const plain = await alice.invitePlainly('https://wallet.test/', { alias: 'bob' })
  await bob.acceptPlainly(plain.url, { alias: 'alice' })
  for (let round = 0; round < 6; round++) {
    await alice.sync()
    await bob.sync()
  }
  const plan = new Blob([(SECRETS[4] ?? '').repeat(20_000)])
  const file = { name: SECRETS[3] ?? '', bytes: plan.size, stream: () => plan.stream() }
  await bob.sendText('alice', 'look', { attach: [file] })
  await bob.sync()
  await alice.sync()
  const [fetched] = (await alice.texts()).flatMap(({ attachments = [] }) => attachments)
  for await (const piece of (await alice.openAttachment(fetched?.id ?? '')).content) size += piece.length
  await bob.sendText('alice', SECRETS[2] ?? '')
  // What is on its way now lies in the database.
  await bob.sync()
}, 180_000)
afterAll(async () => {
  proxy?.close()
  await agency?.stop('SIGKILL')
  await network?.close()
  rmSync(home, { recursive: true, force: true })
})

/** Every DID of this wallet but its account, in all its forms. */
async function dids(agent: EdgeAgent): Promise<string[]> {
  const account = (await agent.profile()).agency?.account
  const all = (await agent.edge.records.all('own-did')).filter(({ name }) => name !== account)
  return all.flatMap(({ value }) => [...new Set([value.did, value.longForm])])
}

/** What a reader of envelopes finds: protected headers of JWEs, decoded again and again. */
function decoded(bytes: Buffer): string {
  let text = bytes.toString('latin1')
  let found = text
  for (let depth = 0; depth < 3; depth++) {
    const inner = found.match(/[A-Za-z0-9_-]{24,}/g) ?? []
    found = inner.map((part) => Buffer.from(part, 'base64url').toString('latin1')).join('\n')
    text += `\n${found}`
  }
  return text
}

describe('what an agency sees', () => {
  it('MUST NOT include contents, names, or who sends: neither on its wires nor anything decoded from them', async () => {
    expect((await bob.correspondents())[0]?.status).toBe('connected')
    const seen = decoded(Buffer.concat(traffic))
    for (const secret of SECRETS) expect(seen).not.toContain(secret)
    // On the wires not even receivers are named: forwards and requests are encrypted to the agency.
    for (const did of [...(await dids(alice)), ...(await dids(bob))]) expect(seen).not.toContain(did)
  })

  it('is in its database, and nothing more: accounts, their DIDs, and for each message receiver, size, time and ciphertext', async () => {
    await agency.stop()
    const names = readdirSync(home).filter((name) => name.startsWith('agency.sqlite'))
    const stored = decoded(Buffer.concat(names.map((name) => readFileSync(join(home, name)))))
    for (const secret of SECRETS) expect(stored).not.toContain(secret)
    const database = new DatabaseSync(join(home, 'agency.sqlite'), { readOnly: true })
    const mail = database.prepare('select * from mail').all()
    expect(mail.length).toBeGreaterThan(0)
    const columns = (table: string) =>
      database
        .prepare(`select name from pragma_table_info('${table}') order by name`)
        .all()
        .map(({ name }) => name)
    expect(columns('mail')).toEqual(['account', 'bytes', 'id', 'n', 'received', 'recipient', 'size'])
    expect(columns('recipients')).toEqual(['account', 'did', 'proven'])
    expect(columns('grants')).toEqual(['account', 'services'])
    // Of a file: who put it, its size and when; not for whom it is, nor who fetched it.
    expect(columns('attachments')).toEqual(['created', 'id', 'owner', 'parts', 'size'])
    expect(columns('attachment_parts')).toEqual(['bytes', 'id', 'n'])
    const files = database.prepare('select * from attachments').all()
    expect(files.map(({ owner }) => owner)).toEqual([(await bob.profile()).agency?.account])
    expect(size).toBe((SECRETS[4] ?? '').length * 20_000)
    const senders = await dids(bob)
    for (const { bytes, recipient } of mail) {
      const all = decoded(Buffer.from(bytes as Uint8Array))
      expect(all).toContain('ECDH-ES')
      expect(all).not.toContain('ECDH-1PU')
      for (const did of senders) if (did !== recipient) expect(all).not.toContain(did)
    }
    // Routes of one account name no route of another: who talks to whom is nowhere.
    const routes = database.prepare('select did, account from recipients').all()
    expect(new Set(routes.map(({ account }) => account)).size).toBe(2)
    database.close()
  })
})
