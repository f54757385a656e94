/** Several devices of one owner: linked, in every relationship, at odds with each other, stolen, revoked (`spec/devices.md`). */
import { base64url, systemRandom } from '@keystead/core'
import { decodeMultikey } from '@keystead/crypto'
import type { Capability } from '@keystead/did-dkms'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { refusal } from '../../agent/src/cloud/agent.ts'
import { ask } from '../../agent/src/edge/agency-link.ts'
import { queue } from '../../agent/src/edge/context.ts'
import { digestOf, keySetsOf } from '../../agent/src/edge/device-keys.ts'
import { tellDevices, toldOf } from '../../agent/src/edge/own-devices/list.ts'
import { rotateRelationship } from '../../agent/src/edge/own-log.ts'
import type { Linking, OwnDevices } from '../../agent/src/edge/records.ts'
import { put, remove } from '../../agent/src/edge/store.ts'
import { MAX_DEVICES_PER_ACCOUNT } from '../../agent/src/limits.ts'
import { DEVICE_ADD } from '../../agent/src/protocols/account-devices/messages.ts'
import { LINK_WELCOME } from '../../agent/src/protocols/device-link/messages.ts'
import { sealWelcome } from '../../agent/src/protocols/device-link/welcome.ts'
import { KEY_SETS, OWN_DEVICES, OWN_RECORDS } from '../../agent/src/protocols/own-devices/messages.ts'
import { AGENCY, Network } from './network.ts'
import type { Person } from './person.ts'

const PAGE = 'https://wallet.test/'
const GRANT = { capabilities: ['PROVE', 'SUSPEND'], seconds: 86_400 } as const

let network: Network
let alice: Person
let bob: Person

beforeEach(async () => {
  network = await Network.open()
  alice = await network.person('alice')
  bob = await network.person('bob')
  await network.connect(alice, bob)
})

afterEach(() => network.close())

const code = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => 'done',
    (error: { code?: string }) => error.code ?? error,
  )

const fresh = (name: string): Promise<Person> => network.unlinked(name)
const untilCode = (device: Person, approver: Person) => network.untilCode(device, approver)
const link = (name: string, approver: Person, can?: readonly Capability[]): Promise<Person> =>
  network.link(name, approver, can)

const towards = (of: Person, whom: Person) => of.agent.contact(whom.name)
const said = async (whom: Person) => (await whom.agent.texts()).map(({ text }) => text)

/** Entries beside the one of the device that asks. */
const granted = async ({ agent }: Person) => (await agent.devices.list()).devices.filter(({ self }) => !self)

describe('V6: another device', () => {
  it('shows the same code as the approving one, and is in every relationship with keys of its own', async () => {
    const phone = await fresh('phone')
    const { shown, seen } = await untilCode(phone, alice)
    expect(shown.code).toMatch(/^[0-9]{8}$/)
    expect(seen.code).toBe(shown.code)
    await alice.agent.devices.approveLink(shown.code ?? '', GRANT)
    await network.settle(alice, phone, bob)
    const [one, other] = [await towards(alice, bob), await towards(phone, bob)]
    expect(other.mine.state.now).toEqual(one.mine.state.now)
    expect(one.mine.state.now.keys).toHaveLength(2)
    expect((await towards(bob, alice)).peer?.state.now).toMatchObject({ head: one.mine.state.now.head })
    expect(other.joining).toBeUndefined()
    const [mine, theirs] = await Promise.all([alice, phone].map(({ vault }) => vault.keys()))
    const ids = new Set(mine?.map(({ publicKey }) => publicKey.bytes.join()))
    expect(theirs?.filter(({ publicKey }) => ids.has(publicKey.bytes.join()))).toEqual([])
    expect((await phone.agent.profile()).label).toBe('alice')
    expect(await granted(alice)).toMatchObject([{ name: 'phone', linked: true }])
  })

  it('hears what is sent to the owner, speaks for them, and each sees what the other sent', async () => {
    const phone = await link('phone', alice)
    await network.settle(alice, phone, bob)
    await bob.agent.sendText('alice', 'to both')
    await phone.agent.sendText('bob', 'from the phone')
    await alice.agent.sendText('bob', 'from the first')
    await network.settle(alice, phone, bob)
    for (const device of [alice, phone])
      expect((await said(device)).sort()).toEqual(['from the first', 'from the phone', 'to both'])
    expect((await said(bob)).sort()).toEqual(['from the first', 'from the phone', 'to both'])
    expect((await towards(bob, alice)).verified?.kids).toHaveLength(3)
  })

  it('S3: answers for its own keys, and whoever asked waits for the device that holds the public DID', async () => {
    const phone = await link('phone', alice)
    await network.settle(alice, phone, bob)
    const asked = bob.agent.verify('alice')
    for (let round = 0; round < 3; round++) {
      await phone.agent.sync()
      await bob.agent.sync()
    }
    await alice.agent.sync()
    expect(await asked).toMatchObject({ result: 'proven' })
  })

  it('is let into what any device begins later, and follows when any rotates', async () => {
    const phone = await link('phone', alice)
    await network.settle(alice, phone, bob)
    const [carol, dave] = [await network.person('carol'), await network.person('dave')]
    await network.connect(alice, carol)
    const { url } = await phone.agent.invite(PAGE)
    await dave.agent.accept(url)
    await network.settle(alice, phone, bob, carol, dave)
    for (const other of [carol, dave]) {
      const states = await Promise.all([alice, phone].map((device) => towards(device, other)))
      expect(states.map(({ mine }) => mine.state.now.keys.length)).toEqual([2, 2])
      expect(states[0]?.mine.state.now).toEqual(states[1]?.mine.state.now)
    }
    await phone.agent.rotateAll()
    await network.settle(alice, phone, bob, carol, dave)
    await alice.agent.rotateAll()
    await network.settle(alice, phone, bob, carol, dave)
    for (const other of [bob, carol, dave]) {
      const heads = await Promise.all([alice, phone].map(async (d) => (await towards(d, other)).mine.state.now.head))
      expect(heads[0]).toBe(heads[1])
      expect((await other.agent.contacts())[0]?.peer?.state.now.head).toBe(heads[0])
    }
  })
})

describe('DEVICE-10: a device that is in a relationship', () => {
  it('and has changed its keys before the one that let it in looked again is not put in once more with those of before', async () => {
    const phone = await fresh('phone')
    const { shown } = await untilCode(phone, alice)
    await alice.agent.devices.approveLink(shown.code ?? '', GRANT)
    const keys = async (): Promise<number> => (await towards(alice, bob)).mine.state.now.keys.length
    for (let round = 0; round < 8 && (await keys()) < 2; round++)
      for (const { agent } of [phone, alice]) await agent.sync()
    await phone.agent.sync()
    expect(await alice.agent.edge.records.all('key-offer')).toHaveLength(1)
    await phone.agent.rotateAll()
    await network.settle(alice, phone, bob)
    for (const { agent } of [alice, phone]) await agent.rotateAll()
    await network.settle(alice, phone, bob)
    const [one, other] = [await towards(alice, bob), await towards(phone, bob)]
    expect(one.mine.state.now.keys).toHaveLength(2)
    expect(other.mine.state.now).toEqual(one.mine.state.now)
    expect((await towards(bob, alice)).peer?.state.now.head).toBe(one.mine.state.now.head)
  })
})

/** The wallet of a device in the hands of a thief whose software asks nobody. */
async function stolen(device: Person): Promise<Person> {
  const thief = await device.stolen('thief')
  await thief.agent.edge.records.commit([remove('own-devices', 'self')])
  return thief
}

const account = async ({ agent }: Person): Promise<string> => (await agent.profile()).agency?.account ?? ''

describe('DEVICE-1 to DEVICE-5: whoever is between, or asks for a device by a link', () => {
  it('MUST NOT be given anything for a link alone', async () => {
    const phone = await fresh('phone')
    const { url = '' } = await phone.agent.devices.link('phone', PAGE)
    await alice.agent.devices.greet(url)
    await network.settle(alice, phone)
    expect(await granted(alice)).toEqual([])
    expect(await alice.agent.devices.own()).toEqual([])
    expect(await network.agency.options.store.members(await account(alice))).toHaveLength(1)
    expect((await phone.agent.contacts()).length + (await phone.agent.identities()).length).toBe(0)
  })

  it('the agency that keeps what a link says, and the server of the page that it opens, learn nothing of it', async () => {
    const phone = await fresh('phone')
    const { url = '' } = await phone.agent.devices.link('phone', PAGE)
    // A QR code of version 8: 49 modules a side.
    expect(url).toMatch(/^https:\/\/wallet\.test\/#_link=[\w-]{43}@http:\/\/agency\.test\/i\?_oobid=[0-9a-f]{32}$/)
    expect(url.length).toBeLessThanOrEqual(192)
    const kept = await network.agency.options.store.invitation(url.slice(-32), 0)
    const text = new TextDecoder().decode(kept?.bytes)
    for (const secret of ['phone', 'did:peer', 'device-link']) expect(text).not.toContain(secret)
    expect(kept?.expires).toBe((await phone.agent.devices.linking())?.expires)
  })

  it('a link MUST NOT lead to a device that the agency has put in its place', async () => {
    const [phone, mallory] = [await fresh('phone'), await fresh('mallory')]
    const { url = '' } = await phone.agent.devices.link('phone', PAGE)
    const { url: other = '' } = await mallory.agent.devices.link('mallory', PAGE)
    const invitation = await bob.agent.shorten((await bob.agent.invite(PAGE)).url)
    const theirs = await network.agency.options.store.invitation(other.slice(-32), 0)
    network.wires.tamper(({ url: asked }) => (asked.includes('_oobid') ? theirs?.bytes : undefined))
    expect(await code(alice.agent.devices.greet(url))).toBe('BAD_INVITATION')
    network.wires.tamper(undefined)
    // What waits there is something else, an invitation say.
    const [address, key] = invitation.split('#')
    const bent = `${PAGE}#_link=${key}@${address}`
    expect(await code(alice.agent.devices.greet(bent))).toBe('BAD_INVITATION')
    expect(await alice.agent.devices.linking()).toBeUndefined()
  })

  it.each([
    '',
    'nonsense',
    `${PAGE}?_link=x`,
    `${PAGE}#_link=x@http://agency.test/i?_oobid=1`,
    'javascript:alert(1)#_link=',
  ])('a link MUST be whole: %s is refused', async (link) =>
    expect(await code(alice.agent.devices.greet(link))).toBe('BAD_INVITATION'),
  )

  it('in the middle with devices of their own MUST NOT come to the code that the other device shows', async () => {
    const phone = await fresh('phone')
    const [relay, mallory] = [await fresh('relay'), await network.person('mallory')]
    const [towardsPhone, towardsAlice] = [await untilCode(phone, mallory), await untilCode(relay, alice)]
    expect(towardsAlice.seen.code).not.toBe(towardsPhone.shown.code)
    const typed = towardsPhone.shown.code ?? ''
    expect(await code(alice.agent.devices.approveLink(typed, GRANT))).toBe('CODE_MISMATCH')
    expect(await code(alice.agent.devices.approveLink(typed, GRANT))).toBe('CODE_MISMATCH')
    expect(await code(alice.agent.devices.approveLink(typed, GRANT))).toBe('CEREMONY_REFUSED')
    expect(await code(alice.agent.devices.approveLink(towardsAlice.shown.code ?? '', GRANT))).toBe('UNKNOWN_REQUEST')
    await network.settle(alice, relay)
    expect(await granted(alice)).toEqual([])
    expect((await relay.agent.devices.linking())?.state).toBe('refused')
  })

  it('that reveals something else than it committed to MUST NOT come to a code: nobody searches for one that fits', async () => {
    const device = await fresh('phone')
    const { url = '' } = await device.agent.devices.link('phone', PAGE)
    await alice.agent.devices.greet(url)
    await device.agent.sync()
    const { records } = device.agent.edge
    const [{ name = '', value } = {}] = await records.all('linking')
    await records.commit([put('linking', name, { ...(value as Linking), nonce: base64url.encode(systemRandom(32)) })])
    await alice.agent.sync()
    await device.agent.sync()
    await alice.agent.sync()
    expect(alice.heard('link-refused', /not the one that began/)).toBe(true)
    expect(alice.heard('link-code')).toBe(false)
    expect(await alice.agent.devices.linking()).toMatchObject({ state: 'refused' })
  })

  it('a welcome for another device, or of another network, is refused, and the right one still taken', async () => {
    const [phone, other] = [await fresh('phone'), await fresh('other')]
    const { shown } = await untilCode(phone, alice)
    const [{ value: linking } = {}] = await alice.agent.edge.records.all('linking')
    const { own = '', peer = '', session = '', device } = (linking ?? {}) as Linking
    const [mine, theirs] = [await account(alice), await account(other)]
    const welcome = async (network: string, account: string) => {
      const { edge } = alice.agent
      const devices = [
        { account: mine, name: 'first device', admin: true },
        { account, name: 'phone', admin: false },
      ]
      const agency = { did: 'did:web:agency.test', url: AGENCY, services: [] }
      const list = { account: mine, devices, secret: base64url.encode(systemRandom(32)) }
      const key = { suite: 'x-wing' as const, bytes: decodeMultikey(device?.kem ?? '').bytes }
      const json = { sealed: base64url.encode(sealWelcome({ label: 'x', network, agency, list }, key, session)) }
      const attachments = [{ id: 'welcome', mediaType: 'application/json', json }]
      await edge.records.commit([
        queue(edge, { from: own, to: peer, type: LINK_WELCOME, body: { session }, attachments }),
      ])
      await alice.agent.sync()
      await phone.agent.sync()
      return (await phone.agent.devices.linking())?.state
    }
    const { net } = alice.agent.edge.ports.ledger
    expect(await welcome(net, theirs)).toBe('revealed')
    expect(phone.heard('message-refused', /not for this device/)).toBe(true)
    expect(await welcome(`Qm${'a'.repeat(44)}`, await account(phone))).toBe('revealed')
    expect(phone.heard('message-refused', /on another network/)).toBe(true)
    await alice.agent.devices.approveLink(shown.code ?? '', GRANT)
    await network.settle(alice, phone)
    expect((await phone.agent.devices.linking())?.state).toBe('linked')
  })

  it('a link serves once, and not after its time', async () => {
    const phone = await fresh('phone')
    const { url = '' } = await phone.agent.devices.link('phone', PAGE)
    const { shown } = await untilCode(phone, alice)
    await alice.agent.devices.approveLink(shown.code ?? '', GRANT)
    const mallory = await network.person('mallory')
    await mallory.agent.devices.greet(url)
    await network.settle(alice, phone, mallory)
    expect((await mallory.agent.devices.linking())?.state).toBe('greeted')
    expect((await phone.agent.devices.linking())?.state).toBe('linked')
    expect((await alice.agent.devices.greet(url)).state).toBe('linked')
    const late = await fresh('late')
    const shownLate = await late.agent.devices.link('late', PAGE)
    network.advance(901)
    expect(await code(alice.agent.devices.greet(shownLate.url ?? ''))).toBe('INVITATION_EXPIRED')
  })

  it('hears what its welcome came together with, in its turn', async () => {
    const phone = await fresh('phone')
    const { shown } = await untilCode(phone, alice)
    await alice.agent.devices.approveLink(shown.code ?? '', GRANT)
    await alice.agent.sync()
    await alice.agent.rotateAll()
    await alice.agent.sync()
    await network.settle(phone)
    expect(phone.heard('message-refused')).toBe(false)
    await network.settle(alice, phone, bob)
    expect(phone.heard('message-refused')).toBe(false)
    expect((await towards(phone, bob)).mine.state.now).toEqual((await towards(alice, bob)).mine.state.now)
  })

  it('goes on where either was killed', async () => {
    const phone = await fresh('phone')
    const { shown } = await untilCode(phone, alice)
    network.wires.cut('http://ledger.test')
    await alice.agent.devices.approveLink(shown.code ?? '', GRANT)
    await alice.agent.sync()
    await alice.restart()
    await phone.restart()
    network.wires.mend('http://ledger.test')
    await network.settle(alice, phone, bob)
    await alice.restart()
    await network.settle(alice, phone, bob)
    expect((await towards(phone, bob)).joining).toBeUndefined()
    expect(await granted(alice)).toHaveLength(1)
  })

  it('a wallet that is in use MUST NOT become somebody’s device', async () => {
    expect(await code(bob.agent.devices.link('bob', PAGE))).toBe('NOT_ALLOWED_NOW')
  })
})

describe('DEVICE-6: a device that would do more than it was granted', () => {
  it('is refused by the ledger, by the agency, and by the owner’s other devices', async () => {
    const phone = await link('phone', alice)
    await network.settle(alice, phone, bob)
    const { edge } = phone.agent
    const other = await fresh('other')
    const { url = '' } = await (await fresh('third')).agent.devices.link('third', PAGE)
    expect(await code(phone.agent.devices.greet(url))).toBe('NOT_ALLOWED_NOW')
    const request = await other.agent.devices.request('other')
    expect(await code(phone.agent.devices.grant(request, ['SUSPEND'], 60))).toMatch(/^(CAPABILITY|KEY|AGENT|NOT)_/)
    const asked = ask(edge, network.agency.options.did, await account(phone), {
      type: DEVICE_ADD,
      body: { device: await account(other), admin: true },
    })
    expect(await code(asked)).toBe('NOT_GRANTED')
    const list = await edge.records.get('own-devices', 'self')
    const { secretBefore: _, ...told } = list ?? ({} as never)
    const devices = told.devices.map((device) => ({ ...device, admin: true }))
    await edge.records.commit(await tellDevices(edge, OWN_DEVICES, { ...told, devices } as never))
    await network.settle(alice, phone)
    expect(alice.heard('message-refused', /may not say which devices/)).toBe(true)
    expect((await alice.agent.devices.own()).map(({ admin }) => admin)).toEqual([true, false])
    expect(await code(phone.agent.devices.rename('first device', 'x'))).toBe('NOT_ALLOWED_NOW')
    expect(await code(phone.agent.devices.revoke('first device'))).toBe('NOT_ALLOWED_NOW')
  })
})

describe('DEVICE-4: a device that may let others in, and has not the authority', () => {
  it('lets one in for what it holds itself, and for no longer', async () => {
    const phone = await link('phone', alice, ['ADMIN', 'PROVE'])
    await network.settle(alice, phone, bob)
    const until = (await granted(alice))[0]?.until
    expect(await phone.agent.devices.mayGrant()).toEqual({ capabilities: ['ADMIN', 'PROVE'], until })
    network.advance(60)
    const tablet = await fresh('tablet')
    const { shown } = await untilCode(tablet, phone)
    const grant = { capabilities: ['PROVE'], seconds: 365 * 86_400 } as const
    const more = { ...grant, capabilities: ['PROVE', 'SUSPEND'] } as const
    expect(await code(phone.agent.devices.approveLink(shown.code ?? '', more))).toBe('NOT_ALLOWED_NOW')
    await phone.agent.devices.approveLink(shown.code ?? '', grant)
    await network.settle(alice, phone, tablet, bob)
    const { devices } = await alice.agent.devices.list()
    expect(devices.find(({ name }) => name === 'tablet')).toMatchObject({ capabilities: ['PROVE'], until })
  })
})

describe('DEVICE-7: what devices tell each other', () => {
  it('is read before it is kept: one that was stolen stops no other by it, and says nothing of who the owner is', async () => {
    const phone = await link('phone', alice)
    const tablet = await link('tablet', alice, ['PROVE', 'ADMIN'])
    await network.settle(alice, phone, tablet, bob)
    const tell = async (from: Person, category: string, name: string, value: object) => {
      const records = [{ category, name, value }]
      await from.agent.edge.records.commit(
        await tellDevices(from.agent.edge, OWN_RECORDS, { records, removed: [] } as never),
      )
      await network.settle(from, alice)
      return (await alice.agent.edge.records.get(category as 'text', name)) !== undefined
    }
    // What the log carries is told by the log alone.
    const line = { contact: 'x'.repeat(32), from: 'me', text: 'hello', at: 1 }
    for (const [category, value] of [
      ['identity', {}],
      ['identity', { ...(await alice.agent.publicIdentity()), body: {} }],
      ['text', line],
      ['setup', {}],
    ] as const)
      expect(await tell(tablet, category, 'did:dkms:forged', value)).toBe(false)
    // Whole, and of another name than its own.
    const own = JSON.parse(JSON.stringify(await alice.agent.publicIdentity()))
    expect(await tell(tablet, 'identity', 'did:dkms:forged', own)).toBe(false)
    await tell(phone, 'identity', own.did, own)
    const { id, label, status, mine } = JSON.parse(JSON.stringify(await towards(alice, bob)))
    expect(await tell(phone, 'relationship', 'f'.repeat(32), { id, label, status, mine })).toBe(false)
    expect(alice.heard('message-refused', /another name than its record/)).toBe(true)
    const forged = { ...mine, state: { ...mine.state, now: { ...mine.state.now, doc: 'did:peer:4of:the:thief' } } }
    for (const [name, log] of [
      ['e'.repeat(32), forged],
      ['d'.repeat(32), { ...mine, state: { ...mine.state, now: {} } }],
    ])
      expect(await tell(phone, 'relationship', name, { id: name, label, status, mine: log })).toBe(false)
    expect(alice.heard('message-refused', /may not say who the owner is/)).toBe(true)
    await expect(alice.agent.sync()).resolves.toMatchObject({ waiting: 0 })
    expect(await tablet.agent.identities()).toEqual(await alice.agent.identities())
  })
})

describe('DEVICE-9: devices at odds', () => {
  it('that rotate at once take turns, and nobody sees a conflict', async () => {
    const phone = await link('phone', alice)
    await network.settle(alice, phone, bob)
    await Promise.all([alice, phone].map((device) => device.agent.rotateAll()))
    await network.settle(alice, phone, bob)
    const [one, other] = [await towards(alice, bob), await towards(phone, bob)]
    expect(other.mine.state.now).toEqual(one.mine.state.now)
    expect((await towards(bob, alice)).peer?.state).toMatchObject({
      status: 'active',
      now: { seq: one.mine.state.now.seq },
    })
    expect(bob.heard('frozen')).toBe(false)
  })

  it('never put an entry that their own log refuses where the others find it', async () => {
    const phone = await link('phone', alice)
    await network.settle(alice, phone, bob)
    const relationship = await towards(alice, bob)
    const [set] = keySetsOf((await towards(bob, alice)).mine.state.now)
    const [seen = ''] = relationship.mine.state.now.keys
    const add = [{ relationship: relationship.id, k: set?.k ?? '', agree: set?.agree ?? '', next: digestOf(seen) }]
    await expect(rotateRelationship(alice.agent.edge, relationship, { add })).rejects.toThrow('KEY_ALREADY_EXPOSED')
    for (const { agent } of [phone, alice]) await agent.rotateAll()
    await network.settle(alice, phone, bob)
    expect((await towards(bob, alice)).peer?.state.now.head).toBe((await towards(phone, bob)).mine.state.now.head)
  })

  it('one of which removes a contact says its last word in its turn, and the contact is gone on all', async () => {
    const phone = await link('phone', alice)
    await network.settle(alice, phone, bob)
    await phone.agent.rotateAll()
    const { seq } = (await towards(phone, bob)).mine.state.now
    expect((await towards(alice, bob)).mine.state.now.seq).toBeLessThan(seq)
    expect(await alice.agent.removeContact('bob')).toBe(true)
    await network.settle(bob, alice, phone)
    expect(bob.heard('peer-closed')).toBe(true)
    expect(bob.heard('frozen')).toBe(false)
    const [{ peer } = {}] = await bob.agent.contacts()
    expect(peer?.state).toMatchObject({ status: 'closed', now: { seq: seq + 1 } })
    await network.settle(alice, phone)
    for (const device of [alice, phone]) expect(await device.agent.contacts()).toEqual([])
    expect(phone.heard('contact-removed')).toBe(true)
  })

  it('one of which removes a contact while the agency is away does so when it is back', async () => {
    const phone = await link('phone', alice)
    await network.settle(alice, phone, bob)
    network.wires.cut(AGENCY)
    expect(await alice.agent.removeContact('bob')).toBe(false)
    network.wires.mend(AGENCY)
    await network.settle(alice, bob)
    expect(bob.heard('peer-closed')).toBe(true)
    expect(await alice.agent.contacts()).toEqual([])
    // The other device finds the last word where it would have said its own.
    expect(await rotateRelationship(phone.agent.edge, await towards(phone, bob))).toMatchObject({ status: 'closing' })
    expect(phone.heard('contact-removed')).toBe(true)
    await network.settle(phone, alice, phone)
    expect(await phone.agent.contacts()).toEqual([])
  })

  it('one of which removes a contact and loses its turn says its last word anew, without being asked again', async () => {
    const phone = await link('phone', alice)
    await network.settle(alice, phone, bob)
    network.wires.cut(AGENCY)
    expect(await alice.agent.removeContact('bob')).toBe(false)
    network.wires.mend(AGENCY)
    await phone.agent.rotateAll()
    const { seq } = (await towards(phone, bob)).mine.state.now
    await alice.restart()
    await network.settle(alice, bob)
    const [{ peer } = {}] = await bob.agent.contacts()
    expect(peer?.state).toMatchObject({ status: 'closed', now: { seq: seq + 1 } })
    expect(bob.heard('frozen')).toBe(false)
    await network.settle(alice, phone, alice)
    for (const device of [alice, phone]) expect(await device.agent.contacts()).toEqual([])
  })

  it('that an agency shows different orders freeze the relationship, prove it, and settle it by one rotation', async () => {
    const phone = await link('phone', alice)
    await network.settle(alice, phone, bob)
    const { store } = network.agency.options
    const honest = store.swapSlot
    store.swapSlot = async (_account, _device, { seq }, value) => ({ seq, value })
    await rotateRelationship(alice.agent.edge, await towards(alice, bob))
    await rotateRelationship(phone.agent.edge, await towards(phone, bob))
    await network.settle(alice, phone, bob)
    store.swapSlot = honest
    for (const device of [alice, phone]) {
      expect((await towards(device, bob)).mine.state.status).toBe('frozen')
      expect((await device.agent.evidence())[0]).toMatchObject({ kind: 'relationship-fork' })
    }
    expect((await towards(bob, alice)).peer?.state.status).toBe('frozen')
    expect(await code(bob.agent.sendText('alice', 'x'))).toBe('CONTACT_BLOCKED')
    await alice.agent.rotateAll()
    await network.settle(alice, phone, bob)
    await network.settle(alice, phone, bob)
    const [one, other] = [await towards(alice, bob), await towards(phone, bob)]
    expect(other.mine.state.now).toEqual(one.mine.state.now)
    expect((await towards(bob, alice)).peer?.state).toMatchObject({
      status: 'active',
      now: { head: one.mine.state.now.head },
    })
    await phone.agent.sendText('bob', 'settled')
    await bob.agent.sendText('alice', 'so it is')
    await network.settle(alice, phone, bob)
    expect(await said(bob)).toContain('settled')
    for (const device of [alice, phone]) expect(await said(device)).toContain('so it is')
  })
})

describe('V12: a device that is revoked', () => {
  it('is off the ledger, cut off at the agency and out of every relationship, also where the peer was away', async () => {
    const phone = await link('phone', alice)
    await network.settle(alice, phone, bob)
    const before = (await towards(alice, bob)).mine.state.now
    await alice.agent.devices.revoke('phone')
    await network.settle(alice)
    expect(await granted(alice)).toEqual([])
    expect(
      await code(
        phone.agent.edge.ports.vault &&
          ask(phone.agent.edge, network.agency.options.did, await account(phone), {
            type: 'https://didcomm.org/messagepickup/3.0/status-request',
            body: {},
          }),
      ),
    ).toBe('DEVICE_REMOVED')
    await network.settle(alice, bob)
    const after = await towards(bob, alice)
    expect(after.peer?.state.now.keys).toHaveLength(1)
    expect(after.peer?.state.now.seq).toBe(before.seq + 2)
    const [, gone] = await alice.agent.devices.own()
    expect(gone).toMatchObject({ name: 'phone', left: { contacts: [], agency: false } })
    await bob.agent.sendText('alice', 'only you')
    await network.settle(alice, bob)
    expect(await said(alice)).toContain('only you')
  })

  it('is so everywhere though another one’s link is refused by the agency; that one is told, and leaves the ledger', async () => {
    const phone = await link('phone', alice)
    await network.settle(alice, phone, bob)
    const own = await account(alice)
    const { store } = network.agency.options
    for (let n = 2; n < MAX_DEVICES_PER_ACCOUNT; n++) await store.inviteDevice(own, `did:peer:2.${n}`, false)
    const tablet = await link('tablet', alice)
    await alice.agent.devices.revoke('phone')
    await alice.agent.sync()
    await network.settle(alice, tablet, bob)
    expect(alice.heard('link-refused', /tablet was not made a device of yours/)).toBe(true)
    expect(tablet.heard('link-refused')).toBe(true)
    const links = (await alice.agent.edge.records.all('linking')).map(({ value }) => [value.name, value.state])
    expect(Object.fromEntries(links)).toEqual({ phone: 'linked', tablet: 'refused' })
    expect(await granted(alice)).toEqual([])
    expect((await alice.agent.devices.own())[1]).toMatchObject({ name: 'phone', left: { contacts: [], agency: false } })
  })

  it('is stale for good (RELATIONSHIP-5), also where the first of the two entries waited for the agency', async () => {
    const phone = await link('phone', alice)
    const tablet = await link('tablet', alice, ['PROVE', 'ADMIN'])
    const settle = () => network.settle(alice, tablet, bob)
    await network.settle(alice, phone, tablet, bob)
    await network.settle(alice, phone, tablet, bob)
    const { seq } = (await towards(alice, bob)).mine.state.now
    network.wires.cut(AGENCY)
    await alice.agent.devices.revoke('phone').catch(() => {})
    await alice.agent.sync().catch(() => {})
    expect(await alice.agent.edge.records.all('pending-entry')).toHaveLength(1)
    network.wires.mend(AGENCY)
    for (let round = 0; round < 3; round++) await settle()
    const { now } = (await towards(bob, alice)).peer?.state ?? {}
    expect(now?.keys).toHaveLength(2)
    expect(now?.seq).toBe(seq + 2)
  })

  it('is so, too, where the device that revoked it is gone after the first entry: another one that may makes the second', async () => {
    const phone = await link('phone', alice)
    const tablet = await link('tablet', alice, ['PROVE', 'ADMIN'])
    await network.settle(alice, phone, tablet, bob)
    await network.settle(alice, phone, tablet, bob)
    const { seq } = (await towards(alice, bob)).mine.state.now
    const { store } = network.agency.options
    const swap = store.swapSlot
    let swaps = 0
    store.swapSlot = async (...parts) => {
      if (swaps++ > 0) throw refusal('BACKUP_FULL', 'not today')
      return swap.apply(store, parts)
    }
    await alice.agent.devices.revoke('phone')
    await alice.agent.sync()
    expect((await towards(alice, bob)).mine.state.now.seq).toBe(seq + 1)
    store.swapSlot = swap
    for (let round = 0; round < 3; round++) await network.settle(tablet, bob)
    const { now } = (await towards(bob, alice)).peer?.state ?? {}
    expect(now?.keys).toHaveLength(2)
    expect(now?.seq).toBe(seq + 2)
  })

  it('is so everywhere though something else of the devices is refused again and again', async () => {
    const phone = await link('phone', alice)
    await network.settle(alice, phone, bob)
    await link('tablet', alice)
    network.agency.options.store.inviteDevice = async () => {
      throw refusal('BACKUP_FULL', 'not today')
    }
    await alice.agent.devices.revoke('phone')
    await network.settle(alice, bob)
    expect(alice.heard('waiting', /not today/)).toBe(true)
    expect((await alice.agent.devices.own())[1]).toMatchObject({ name: 'phone', left: { contacts: [], agency: false } })
    expect((await towards(bob, alice)).peer?.state.now.keys).toHaveLength(1)
  })

  it('and made the wallet is out all the same, by one command on another; its DID stands still until it is recovered', async () => {
    const phone = await link('phone', alice, ['ADMIN', 'SUSPEND'])
    await network.settle(alice, phone, bob)
    await phone.agent.devices.revoke('first device')
    await network.settle(phone, bob)
    const [first] = await phone.agent.devices.own()
    expect(first).toMatchObject({ left: { contacts: [], agency: false, ledger: true, authority: true } })
    expect((await phone.agent.devices.list()).suspended).toBe(true)
    const { seq } = (await towards(phone, bob)).mine.state.now
    await network.settle(phone, bob)
    expect((await towards(phone, bob)).mine.state.now.seq).toBe(seq)
    expect(phone.heard('suspended')).toBe(true)
    await alice.agent.sendText('bob', 'still me')
    await alice.agent.sync()
    await bob.agent.sendText('alice', 'only you')
    await network.settle(bob, phone, bob)
    expect(await said(bob)).toEqual(['only you'])
    expect(await said(phone)).toEqual(['only you'])
    expect((await towards(bob, alice)).peer?.state.now.keys).toHaveLength(1)
    // Once, and for as long as the network lets it.
    network.advance(7 * 86_400)
    phone.events.length = 0
    await phone.agent.sync()
    expect(phone.heard('suspended')).toBe(false)
    expect((await phone.agent.devices.own())[0]?.left).toMatchObject({ ledger: false, authority: true })
  })

  it('stays so, whatever a device says that has not heard of it, and the secret it knew does not come back', async () => {
    const phone = await link('phone', alice)
    const tablet = await link('tablet', alice, ['PROVE', 'ADMIN'])
    await network.settle(alice, phone, tablet, bob)
    const listOf = async ({ agent }: Person) => (await agent.edge.records.get('own-devices', 'self')) as OwnDevices
    const before = await listOf(tablet)
    await alice.agent.devices.revoke('phone')
    await tablet.agent.devices.rename('tablet', 'slate')
    await network.settle(tablet, alice, tablet)
    for (const device of [alice, tablet]) {
      const { devices, secret, secretBefore } = await listOf(device)
      expect(devices.find(({ name }) => name === 'phone')?.revoked).toBeGreaterThan(0)
      expect(secret).not.toBe(before.secret)
      expect(secretBefore).toBe(before.secret)
    }
    // What it said late was heard.
    expect((await listOf(alice)).devices.some(({ name }) => name === 'slate')).toBe(true)
    const { cut: _, dropped: _d, secretBefore: _s, waiting: _w, ...told } = await listOf(alice)
    const other = { ...told, account: await account(bob) }
    await tablet.agent.edge.records.commit(await tellDevices(tablet.agent.edge, OWN_DEVICES, other as never))
    await network.settle(tablet, alice)
    expect(alice.heard('message-refused', /of another account/)).toBe(true)
    expect((await listOf(alice)).account).toBe(before.account)
  })

  it('leaves the ledger with the entry that it was granted, whatever it said that its entry is', async () => {
    const [laptop, phone] = [await link('laptop', alice, ['PROVE', 'ADMIN']), await link('phone', alice)]
    await network.settle(alice, laptop, phone, bob)
    const { edge } = laptop.agent
    const list = (await edge.records.get('own-devices', 'self')) as OwnDevices
    const hOf = (whose: string) => list.devices.find(({ name }) => name === whose)?.h
    const devices = list.devices.map((device) => (device.name === 'laptop' ? { ...device, h: hOf('phone') } : device))
    await edge.records.commit(await tellDevices(edge, OWN_DEVICES, { ...toldOf(list), devices } as never))
    await network.settle(laptop, alice, phone)
    await alice.agent.devices.revoke('laptop')
    await network.settle(alice, phone, bob)
    const there = (await alice.agent.devices.list()).devices.map(({ h }) => h)
    expect(there).not.toContain(hOf('laptop'))
    expect(there).toContain(hOf('phone'))
  })

  it('and goes on sending is refused by peers and by the owner’s devices', async () => {
    const phone = await link('phone', alice)
    await network.settle(alice, phone, bob)
    const thief = await stolen(phone)
    await alice.agent.devices.revoke('phone')
    await network.settle(alice, bob)
    await thief.agent.sendText('bob', 'still me')
    const list = await phone.agent.edge.records.get('own-devices', 'self')
    await thief.agent.edge.records.commit([put('own-devices', 'self', list as never)])
    const sets = [{ relationship: (await towards(alice, bob)).id, k: 'x', agree: 'x', next: 'x' }]
    await thief.agent.edge.records.commit(await tellDevices(thief.agent.edge, KEY_SETS, { sets } as never))
    await thief.agent.sync()
    await network.settle(alice, bob)
    expect(await said(bob)).toEqual([])
    expect(alice.heard('message-refused', /was revoked/)).toBe(true)
    expect((await towards(alice, bob)).mine.state.now.keys).toHaveLength(1)
    await thief.close()
  })

  it('and signs for the place it knew changes nothing, and leaves evidence with the peer', async () => {
    const phone = await link('phone', alice)
    await network.settle(alice, phone, bob)
    const thief = await stolen(phone)
    await alice.agent.devices.revoke('phone')
    await network.settle(alice, bob)
    const standing = (await towards(bob, alice)).peer?.state.now
    await rotateRelationship(thief.agent.edge, await towards(thief, bob))
    await thief.agent.sync()
    await network.settle(alice, bob)
    expect((await towards(bob, alice)).peer?.state).toMatchObject({ status: 'active', now: standing })
    expect((await bob.agent.evidence())[0]).toMatchObject({ kind: 'relationship-fork', contact: 'alice' })
    await thief.close()
  })

  it('and rotated against the owner before gains nothing: the log freezes, and no message is taken', async () => {
    const phone = await link('phone', alice)
    await network.settle(alice, phone, bob)
    const thief = await stolen(phone)
    const { mine } = await towards(alice, bob)
    await rotateRelationship(thief.agent.edge, await towards(thief, bob), { drop: [mine.state.now.keys[0] ?? ''] })
    await thief.agent.sync()
    await bob.agent.sync()
    await alice.agent.sync()
    expect(alice.heard('strange-entry')).toBe(true)
    await alice.agent.devices.revoke('phone')
    await network.settle(alice, bob)
    expect((await towards(bob, alice)).peer?.state.status).not.toBe('closed')
    await thief.agent.sendText('bob', 'it is me, alice').catch(() => {})
    await thief.agent.sync()
    await bob.agent.sync()
    expect(await said(bob)).toEqual([])
    await thief.close()
  })
})
