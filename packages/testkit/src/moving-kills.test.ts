/**
 * V19: a wallet of several devices is killed at every request of its move, with the request lost or its answer, and goes on. To and fro
 * between two agencies, so that what one move left behind meets the next.
 */
import fc from 'fast-check'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { REPLACED_SECONDS } from '../../agent/src/limits.ts'
import { AGENCY, Network } from './network.ts'
import type { Person } from './person.ts'

/** Of the requests of a move, about a hundred, every so many; all of them with 1. */
const EVERY = Number(process.env['KEYSTEAD_MOVE_EVERY'] ?? 11)
const GRANT = { capabilities: ['ADMIN', 'PROVE', 'SUSPEND'], seconds: 3650 * 86_400 } as const

let network: Network
let alice: Person
let phone: Person
let bob: Person
let places: { did: string; url: string }[]
let sent: string[]

beforeEach(async () => {
  network = await Network.open()
  alice = await network.person('alice')
  bob = await network.person('bob')
  await network.connect(alice, bob)
  phone = await network.newcomer('phone')
  await phone.agent.addCloudAgent({ did: network.agency.options.did, url: AGENCY })
  const { url = '' } = await phone.agent.devices.link('phone', 'https://wallet.test/')
  await alice.agent.devices.greet(url)
  await network.settle(phone, alice)
  await alice.agent.devices.approveLink((await phone.agent.devices.linking())?.code ?? '', GRANT)
  await network.settle(phone, alice, bob)
  const elsewhere = await network.addAgency('elsewhere')
  places = [
    { did: network.agency.options.did, url: AGENCY },
    { did: elsewhere.options.did, url: 'http://elsewhere.test' },
  ]
  sent = []
})
afterEach(() => network.close())

const devices = () => [alice, phone]
const settle = async (times = 3) => {
  for (let round = 0; round < times; round++) await network.settle(alice, phone, bob)
}
const at = async ({ agent }: Person) => (await agent.profile()).agency?.did
const said = async (whom: Person) => (await whom.agent.texts()).map(({ text }) => text).sort()

async function say(from: Person): Promise<void> {
  const text = `line ${sent.length} of ${from.name}`
  sent.push(text)
  await from.agent.sendText(from === bob ? 'alice' : 'bob', text)
}

async function expectWhole(where: string | undefined): Promise<void> {
  for (const device of devices()) expect([device.name, await at(device)]).toEqual([device.name, where])
  const heads = await Promise.all(
    devices().map(async (device) => (await device.agent.contact('bob')).mine.state.now.head),
  )
  const [peer] = await bob.agent.contacts()
  expect(peer?.peer?.state).toMatchObject({ status: 'active', now: { head: heads[0] } })
  expect(new Set(heads).size).toBe(1)
  for (const person of [...devices(), bob]) {
    expect([person.name, await said(person)]).toEqual([person.name, [...sent].sort()])
    expect(person.heard('frozen') || person.heard('own-conflict')).toBe(false)
  }
}

const next = async () => places.find(({ did }) => did !== undefined && did !== current) as (typeof places)[number]
let current: string | undefined

it('killed at any request, it goes on where it was, and every line is heard once by everybody', async () => {
  for (const lost of ['request', 'answer'] as const) {
    let broke = true
    for (let step = 0; broke; step += EVERY) {
      current = await at(alice)
      const target = await next()
      const mover = sent.length % 2 === 0 ? alice : phone
      await say(bob)
      await bob.agent.sync()
      network.wires.breakAfter(step, lost)
      await mover.agent.moveTo(target).catch(() => {})
      broke = network.wires.breakAfter(undefined)
      await mover.restart()
      await say(bob)
      await bob.agent.sync()
      await say(mover)
      await settle()
      const begun = (await at(mover)) === target.did
      if (!begun) await mover.agent.moveTo(target)
      await settle()
      await say(mover === alice ? phone : alice)
      await say(bob)
      await settle()
      await expectWhole(target.did)
      await mover.agent.stopForwarding()
      // What was replaced is forgotten after its day, as between the moves of a lifetime: else all of it piles up.
      network.advance(REPLACED_SECONDS + 60)
      await settle(1)
      if (step > 200) throw new Error('a move that never ends')
    }
  }
}, 600_000)

it('whatever the devices do meanwhile, in whatever order, they end up together with every line heard once', async () => {
  const acts = fc.constantFrom(
    'bob says',
    'alice says',
    'phone says',
    'bob syncs',
    'alice syncs',
    'phone syncs',
    'passed on',
    'alice rotates',
    'phone rotates',
    'alice moves',
    'phone moves',
    'alice is killed',
    'phone is killed',
    'break',
  )
  await fc.assert(
    fc.asyncProperty(fc.array(acts, { minLength: 4, maxLength: 14 }), fc.nat(30), async (script, when) => {
      for (const act of script) {
        const person = act.startsWith('alice') ? alice : act.startsWith('phone') ? phone : bob
        if (act.endsWith('says')) await say(person)
        else if (act.endsWith('syncs')) await person.agent.sync()
        else if (act.endsWith('rotates')) await person.agent.rotateAll().catch(() => {})
        else if (act.endsWith('killed')) await person.restart()
        else if (act === 'passed on') await network.passOn()
        else if (act === 'break') network.wires.breakAfter(when, when % 2 === 0 ? 'request' : 'answer')
        else if (act.endsWith('moves')) {
          current = await at(person)
          await person.agent.moveTo(await next()).catch(() => {})
        }
      }
      network.wires.breakAfter(undefined)
      for (const device of devices()) await device.restart()
      await settle(4)
      await expectWhole(await at(alice))
      for (const device of devices())
        if ((await device.agent.profile()).former) await device.agent.stopForwarding().catch(() => {})
      await settle(1)
    }),
    { numRuns: Number(process.env['KEYSTEAD_MOVES'] ?? 6) },
  )
}, 900_000)
