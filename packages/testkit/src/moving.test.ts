/** V19 with several devices: one command on one of them moves the wallet, the others follow, and nothing is lost or seen twice. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ask } from '../../agent/src/edge/agency-link.ts'
import { RECIPIENT_QUERY } from '../../agent/src/protocols/mediation/messages.ts'
import { MOVE_FORWARD, MOVE_STOP } from '../../agent/src/protocols/move/messages.ts'
import { AGENCY, Network } from './network.ts'
import type { Person } from './person.ts'

const PAGE = 'https://wallet.test/'
const ADMIN = { capabilities: ['ADMIN', 'PROVE', 'SUSPEND'], seconds: 365 * 86_400 } as const
const PLAIN = { ...ADMIN, capabilities: ['PROVE'] } as const

let network: Network
let alice: Person
let phone: Person
let tablet: Person
let bob: Person
let elsewhere: { did: string; url: string }

beforeEach(async () => {
  network = await Network.open()
  alice = await network.person('alice')
  bob = await network.person('bob')
  await network.connect(alice, bob)
  phone = await link('phone', ADMIN)
  tablet = await link('tablet', PLAIN)
  await settle()
  elsewhere = { did: (await network.addAgency('elsewhere')).options.did, url: 'http://elsewhere.test' }
})
afterEach(() => network.close())

async function link(name: string, grant: Parameters<Person['agent']['devices']['approveLink']>[1]): Promise<Person> {
  const device = await network.newcomer(name)
  await device.agent.addCloudAgent({ did: network.agency.options.did, url: AGENCY })
  const { url = '' } = await device.agent.devices.link(name, PAGE)
  await alice.agent.devices.greet(url)
  await network.settle(device, alice)
  await alice.agent.devices.approveLink((await device.agent.devices.linking())?.code ?? '', grant)
  await network.settle(device, alice)
  return device
}

const devices = () => [alice, phone, tablet]
const settle = () => network.settle(alice, phone, tablet, bob)
const towards = (of: Person) => of.agent.contact('bob')
const said = async (whom: Person) => (await whom.agent.texts()).map(({ text }) => text).sort()
const agencyOf = async ({ agent }: Person) => (await agent.profile()).agency?.did
const account = async ({ agent }: Person): Promise<string> => (await agent.profile()).agency?.account ?? ''
const code = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => 'done',
    (error: { code?: string }) => error.code ?? error,
  )

async function expectMoved(): Promise<void> {
  const heads = await Promise.all(devices().map(async (device) => (await towards(device)).mine.state.now.head))
  expect(new Set(heads).size).toBe(1)
  const [peer] = await bob.agent.contacts()
  expect(peer?.peer?.state).toMatchObject({ status: 'active', now: { head: heads[0] } })
  expect((await towards(alice)).mine.state.now.keys).toHaveLength(3)
  for (const device of devices()) expect([device.name, await agencyOf(device)]).toEqual([device.name, elsewhere.did])
  for (const device of [...devices(), bob]) expect(device.heard('frozen') || device.heard('own-conflict')).toBe(false)
}

async function expectOnLedger(): Promise<void> {
  const { didDocument } = await bob.agent.edge.resolver.resolve(await alice.did())
  expect(JSON.stringify(didDocument)).toContain(elsewhere.did)
}

describe('a wallet of several devices', () => {
  it.each([
    ['the first device', () => alice],
    ['another one that may', () => phone],
  ])(
    'moves by one command on %s, and what is sent before, during and after reaches every device once',
    async (_, of) => {
      const mover = of()
      const other = mover === alice ? phone : alice
      await bob.agent.sendText('alice', 'before')
      await bob.agent.sync()
      await mover.agent.moveTo(elsewhere)
      await bob.agent.sendText('alice', 'to the old way')
      await bob.agent.sync()
      await mover.agent.sync()
      await network.settle(mover, bob)
      await bob.agent.sendText('alice', 'to the new way')
      await mover.agent.sendText('bob', 'from the mover')
      await network.settle(mover, bob)
      await other.agent.sendText('bob', 'from another')
      await tablet.agent.sendText('bob', 'from the tablet')
      await settle()
      await settle()
      await bob.agent.sendText('alice', 'after')
      await settle()
      await expectMoved()
      await expectOnLedger()
      const all = [
        'before',
        'to the old way',
        'to the new way',
        'from the mover',
        'from another',
        'from the tablet',
        'after',
      ]
      for (const device of [...devices(), bob])
        expect([device.name, await said(device)]).toEqual([device.name, all.sort()])
      expect(await code(mover.agent.stopForwarding())).toBe('done')
      await settle()
      for (const device of devices()) {
        expect((await device.agent.profile()).former).toBeUndefined()
        const asked = ask(device.agent.edge, network.agency.options.did, await account(device), {
          type: RECIPIENT_QUERY,
          body: {},
        })
        expect(await code(asked)).toBe('NOT_GRANTED')
      }
      await bob.agent.sendText('alice', 'at last')
      await settle()
      for (const device of devices()) expect(await said(device)).toContain('at last')
      await tablet.agent.rotateAll()
      await settle()
      await expectMoved()
    },
  )

  it('that may not, moves nothing, here or there, and has nothing forgotten', async () => {
    expect(await code(tablet.agent.moveTo(elsewhere))).toBe('NOT_ALLOWED_NOW')
    const { edge } = tablet.agent
    const forward = { type: MOVE_FORWARD, body: { to: elsewhere.did } }
    for (const request of [forward, { type: MOVE_STOP, body: {} }])
      expect(await code(ask(edge, network.agency.options.did, await account(tablet), request))).toBe('NOT_GRANTED')
    expect((await tablet.agent.profile()).next).toBeUndefined()
  })
})

describe('a device that was off', () => {
  /** The first device moves, the second follows; the tablet is in a drawer. */
  async function moveWithoutTablet(): Promise<void> {
    await alice.agent.moveTo(elsewhere)
    for (let round = 0; round < 3; round++) await network.settle(alice, phone, bob)
    await bob.agent.sendText('alice', 'while it was off')
    await network.settle(alice, phone, bob)
  }

  /** Agencies that keep mail for a week, and a device that was off for ten days: what it knows of the ledger is still to be trusted. */
  async function forgetMail(): Promise<void> {
    network.advance(10 * 86_400)
    for (const agency of network.agencies) await agency.options.store.expireMail(network.clock.now() - 7 * 86_400_000)
  }

  it('for weeks finds word and mail at the agency before, which waits for it', async () => {
    await bob.agent.sendText('alice', 'before')
    await bob.agent.sync()
    await moveWithoutTablet()
    expect(await code(alice.agent.stopForwarding())).toBe('NOT_ALLOWED_NOW')
    expect(await code(alice.agent.stopForwarding({ anyway: true }))).toBe('MOVE_UNFINISHED')
    network.advance(20 * 86_400)
    await network.settle(tablet)
    expect(await agencyOf(tablet)).toBe(elsewhere.did)
    await settle()
    expect(await said(tablet)).toEqual(['before', 'while it was off'])
    await expectMoved()
    expect(await code(alice.agent.stopForwarding())).toBe('done')
  })

  it('for longer than any word waits learns where to from its public DID', async () => {
    await moveWithoutTablet()
    await forgetMail()
    await network.settle(tablet)
    expect(await agencyOf(tablet)).toBe(elsewhere.did)
    await network.settle(alice, tablet)
    await bob.agent.sendText('alice', 'later')
    await settle()
    expect(await said(tablet)).toEqual(['later', 'while it was off'])
    await expectMoved()
  })

  it('until the agency before has forgotten all finds its way, too', async () => {
    await moveWithoutTablet()
    await forgetMail()
    await alice.agent.sync()
    expect(await code(alice.agent.stopForwarding({ anyway: true }))).toBe('done')
    await network.settle(tablet)
    expect(await agencyOf(tablet)).toBe(elsewhere.did)
    expect((await tablet.agent.profile()).former?.untold).toBeUndefined()
    await network.settle(alice, tablet)
    await bob.agent.sendText('alice', 'later')
    await settle()
    expect(await said(tablet)).toEqual(['later', 'while it was off'])
    await expectMoved()
  })

  it('goes nowhere on the word of an agency alone', async () => {
    network.agency.options.store.forwardTo = async () => elsewhere.did
    await network.settle(tablet)
    expect(await agencyOf(tablet)).toBe(network.agency.options.did)
    expect((await tablet.agent.profile()).next).toBeUndefined()
    network.agency.options.store.grants = async () => []
    await network.settle(tablet)
    expect(await agencyOf(tablet)).toBe(network.agency.options.did)
  })
})

describe('devices at odds', () => {
  it('that move at once to two agencies end up at one, and the other knows that it does not', async () => {
    const third = { did: (await network.addAgency('third')).options.did, url: 'http://third.test' }
    const both = [alice.agent.moveTo(elsewhere), phone.agent.moveTo(third)]
    const results = await Promise.all(both.map(code))
    expect(results.sort()).toEqual(['NOT_ALLOWED_NOW', 'done'])
    for (let round = 0; round < 4; round++) await settle()
    const [at] = new Set(await Promise.all(devices().map(agencyOf)))
    expect(await Promise.all(devices().map(agencyOf))).toEqual([at, at, at])
    await bob.agent.sendText('alice', 'to wherever')
    await settle()
    for (const device of devices()) expect(await said(device)).toEqual(['to wherever'])
  })

  it('one of which changes keys at the agency before, while another leaves it, take turns all the same', async () => {
    await phone.agent.rotateAll()
    const { seq } = (await towards(phone)).mine.state.now
    expect((await towards(alice)).mine.state.now.seq).toBeLessThan(seq)
    await alice.agent.moveTo(elsewhere)
    await tablet.agent.rotateAll()
    for (let round = 0; round < 3; round++) await settle()
    await expectMoved()
    expect((await towards(alice)).mine.state.now.seq).toBeGreaterThan(seq)
  })

  it('one of which lets a new device in at the agency before, while another leaves it, all end up at the new one', async () => {
    const watch = await network.newcomer('watch')
    await watch.agent.addCloudAgent({ did: network.agency.options.did, url: AGENCY })
    const { url = '' } = await watch.agent.devices.link('watch', PAGE)
    await phone.agent.devices.greet(url)
    await network.settle(watch, phone)
    await phone.agent.devices.approveLink((await watch.agent.devices.linking())?.code ?? '', PLAIN)
    await phone.agent.sync()
    // The watch was let in at the agency before, and has not joined it.
    await alice.agent.moveTo(elsewhere)
    for (let round = 0; round < 4; round++) await network.settle(alice, watch, phone, tablet, bob)
    expect(await agencyOf(watch)).toBe(elsewhere.did)
    await bob.agent.sendText('alice', 'to all four')
    await network.settle(bob, alice, watch, phone, tablet)
    for (const device of [...devices(), watch]) expect(await said(device)).toEqual(['to all four'])
    expect((await towards(alice)).mine.state.now.keys).toHaveLength(4)
  })
})

describe('a device that is revoked while the wallet moves', () => {
  it.each(['before it has followed', 'after'])(
    '%s, is out at both agencies and of every relationship',
    async (when) => {
      await alice.agent.moveTo(elsewhere)
      if (when === 'after') await settle()
      await alice.agent.devices.revoke('tablet')
      for (let round = 0; round < 3; round++) await network.settle(alice, phone, bob)
      for (const agency of network.agencies) {
        const asked = ask(tablet.agent.edge, agency.options.did, await account(tablet), {
          type: RECIPIENT_QUERY,
          body: {},
        })
        expect(await code(asked)).toMatch(/^(DEVICE_REMOVED|NOT_GRANTED)$/)
      }
      const own = (await alice.agent.devices.own()).find(({ name }) => name === 'tablet')
      expect(own?.left).toMatchObject({ contacts: [], agency: false })
      await network.settle(tablet)
      await bob.agent.sendText('alice', 'only two')
      await network.settle(bob, alice, phone, tablet)
      expect(await said(tablet)).toEqual([])
      for (const device of [alice, phone]) expect(await said(device)).toEqual(['only two'])
    },
  )

  it('before the move, and not cut off yet, gets no place at the new agency', async () => {
    network.wires.cut(AGENCY)
    await alice.agent.devices.revoke('tablet')
    network.wires.mend(AGENCY)
    await alice.agent.moveTo(elsewhere)
    for (let round = 0; round < 3; round++) await network.settle(alice, phone, bob, tablet)
    expect(await agencyOf(tablet)).toBe(network.agency.options.did)
    const own = (await alice.agent.devices.own()).find(({ name }) => name === 'tablet')
    expect(own?.left).toMatchObject({ contacts: [], agency: false })
  })
})
