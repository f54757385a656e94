/** A whole agent that others wrote, unmodified, as client of our agency and as somebody our wallet knows. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Agency, serveAgency } from '@keystead/agent/cloud'
import { type AgentEvent, EdgeAgent } from '@keystead/agent/edge'
import { systemClock, systemRandom } from '@keystead/core'
import { developmentParameters } from '@keystead/did-dkms'
import { LedgerClient, memoryPins } from '@keystead/light-client'
import { createVault, memoryVaultStore } from '@keystead/wallet'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { freePort } from '../../../scripts/free-port.ts'
import { type IdentusAgent, SDK, startIdentus } from './identus.ts'
import { LEDGER, Network } from './network.ts'

const PAGE = 'https://wallet.test/'
const BASIC_MESSAGE = 'https://didcomm.org/basicmessage/2.0/message'
const SECONDS = 1000

let folder: string
let network: Network
let agency: Agency
let wallet: EdgeAgent
let identus: IdentusAgent
const events: AgentEvent[] = []
const received: InstanceType<typeof SDK.Domain.Message>[] = []

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'keystead-identus-'))
  network = await Network.open(developmentParameters, systemClock.now())
  const common = { keys: network.keys, clock: systemClock, random: systemRandom }
  agency = await serveAgency({ data: folder, host: '127.0.0.1', port: await freePort(), log: () => {}, ...common })
  wallet = await newWallet()
  await wallet.setLabel('Alice')
  await wallet.addCloudAgent(agency)
  identus = await startIdentus(agency.did)
  identus.addListener(SDK.ListenerKey.MESSAGE, (messages) => void received.push(...messages))
}, 60 * SECONDS)

afterAll(async () => {
  await identus.stop()
  await agency.close()
  await network.close()
  rmSync(folder, { recursive: true, force: true })
})

async function newWallet(): Promise<EdgeAgent> {
  const { keys, wires, ledger } = network
  const common = { keys, clock: systemClock, random: systemRandom }
  const vault = await createVault({ store: memoryVaultStore(), ...common }, { kind: 'raw', key: new Uint8Array(32) })
  const client = new LedgerClient({
    url: LEDGER,
    genesis: ledger.genesis,
    fetch: wires.fetch,
    pins: memoryPins(),
    clock: systemClock,
  })
  const onEvent = (event: AgentEvent): void => void events.push(event)
  return new EdgeAgent({ vault, ledger: client, fetch, onEvent, ...common })
}

/** Turns of ours until it holds; the SDK fetches by itself. */
async function until<T>(look: () => T | undefined | Promise<T | undefined>): Promise<T> {
  for (let turn = 0; turn < 300; turn++) {
    network.clock.advance(Math.max(0, systemClock.now() - network.clock.now()))
    await wallet.sync()
    const found = await look()
    if (found !== undefined) return found
    await systemClock.sleep(100)
  }
  throw new Error(
    `it did not come about: ${events
      .slice(-20)
      .map(({ text }) => text)
      .join('; ')}`,
  )
}

const contact = async () => (await wallet.correspondents()).find(({ status }) => status === 'connected')
const texts = () => received.filter(({ piuri }) => piuri === BASIC_MESSAGE)

async function say(text: string): Promise<void> {
  const { own, peer = '' } = (await contact()) as { own: string; peer?: string }
  const [from, to] = [SDK.Domain.DID.from(peer), SDK.Domain.DID.from(own)]
  await identus.sendMessage(new SDK.Domain.Message({ content: text }, undefined, BASIC_MESSAGE, from, to))
}

describe(
  'the Identus SDK',
  () => {
    it('obtains mediation from our agency', () => {
      expect(identus.currentMediatorDID?.toString()).toBe(agency.did)
    })

    it('accepts an invitation of our wallet, and each is then connected', async () => {
      const { url } = await wallet.invitePlainly(PAGE, { alias: 'identus' })
      const invitation = await identus.parseOOBInvitation(new URL(url))
      await identus.acceptDIDCommInvitation(invitation)
      await identus.startFetchingMessages(1)
      expect((await until(contact)).label).toBe('identus')
    })

    it('picks up what our wallet writes, and is read by it', async () => {
      await wallet.sendText('identus', 'from Alice')
      await until(() => (texts().length > 0 ? true : undefined))
      expect(texts()[0]?.body).toMatchObject({ content: 'from Alice' })
      await say('from Identus')
      const heard = await until(async () => (await wallet.texts('identus')).find(({ from }) => from === 'them'))
      expect(heard.text).toBe('from Identus')
    })

    it('is told when it sends what our wallet does not know', async () => {
      const { own, peer = '' } = (await contact()) as { own: string; peer?: string }
      const type = 'https://example.org/tictactoe/1.0/move'
      const [from, to] = [SDK.Domain.DID.from(peer), SDK.Domain.DID.from(own)]
      await identus.sendMessage(new SDK.Domain.Message({}, undefined, type, from, to))
      const report = await until(() => received.find(({ piuri }) => piuri.endsWith('/problem-report')))
      expect(report.body).toMatchObject({ code: 'e.m.msg.unsupported', args: [type] })
    })

    it('DEVICE-17: goes on with a wallet of two devices, whichever of the DIDs it writes to', async () => {
      const { own: known = '', peer = '' } = (await contact()) ?? {}
      await wallet.createIdentity()
      const phone = await newWallet()
      await phone.addCloudAgent(agency)
      const { url = '' } = await phone.devices.link('phone', PAGE)
      await wallet.devices.greet(url)
      const code = await until(async () => {
        await phone.sync()
        return (await wallet.devices.linking())?.code
      })
      await wallet.devices.approveLink(code, { capabilities: ['PROVE'], seconds: 600 })
      const onPhone = (look: () => unknown) =>
        until(async () => {
          await phone.sync()
          return (await look()) || undefined
        })
      await onPhone(async () => (await phone.correspondents()).some(({ joining }) => !joining))
      await phone.sendText('identus', 'from the phone')
      await onPhone(() => texts().some(({ body }) => body['content'] === 'from the phone'))
      const heard = (text: string) => async () => (await phone.texts()).some((line) => line.text === text)
      await say('to the newest')
      await onPhone(heard('to the newest'))
      // It follows no `from_prior` by itself: what it writes to the DID before, the device that is in it reads for all.
      const [from, to] = [SDK.Domain.DID.from(peer), SDK.Domain.DID.from(known)]
      await identus.sendMessage(new SDK.Domain.Message({ content: 'before' }, undefined, BASIC_MESSAGE, from, to))
      await onPhone(heard('before'))
    })
  },
  120 * SECONDS,
)
