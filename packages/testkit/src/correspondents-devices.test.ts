/** Contacts whose software is not ours, on every device of their owner's (DEVICE-17). */
import { canonicalJson } from '@keystead/core'
import { seal } from '@keystead/crypto'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ask } from '../../agent/src/edge/agency-link.ts'
import { rotateCorrespondent } from '../../agent/src/edge/correspondents.ts'
import { aad, slotKey, swap } from '../../agent/src/edge/own-devices/claims.ts'
import { tellDevices } from '../../agent/src/edge/own-devices/list.ts'
import { plainSets } from '../../agent/src/edge/own-devices/plain-sets.ts'
import type { Correspondent, OwnDevices } from '../../agent/src/edge/records.ts'
import { remove } from '../../agent/src/edge/store.ts'
import { CORRESPONDENTS, PLAIN_KEYS } from '../../agent/src/protocols/own-devices/correspondents.ts'
import { linkDevice } from './linking.ts'
import { AGENCY, Network } from './network.ts'
import type { Person } from './person.ts'

const PAGE = 'https://wallet.test/'
let network: Network
let alice: Person
let phone: Person
/** The correspondent: a wallet of ours that speaks on plain terms. */
let bob: Person

beforeEach(async () => {
  network = await Network.open()
  alice = await network.person('alice')
  bob = await network.person('bob')
  await meet(alice)
  phone = await linkDevice(network, alice, 'phone', { others: [bob] })
  await network.settle(alice, phone, bob)
})

afterEach(() => network.close())

async function meet(device: Person): Promise<void> {
  const { url } = await device.agent.invitePlainly(PAGE, { alias: 'bob' })
  await bob.agent.acceptPlainly(url, { alias: device.name })
  await network.settle(device, bob)
}

async function towards({ agent }: Person): Promise<Correspondent> {
  const [found] = await agent.correspondents()
  if (!found) throw new Error('nobody')
  return found
}

const code = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => 'done',
    (error: { code?: string }) => error.code ?? error,
  )

const heard = async ({ agent }: Person) =>
  (await agent.texts()).flatMap(({ from, text }) => (from === 'them' ? [text] : [])).sort()

/** All devices and the correspondent stand at the same DIDs, each device with keys of its own in ours. */
async function agreed(...devices: readonly Person[]): Promise<string> {
  await network.settle(...devices, bob)
  await network.settle(...devices, bob)
  const { peer = '', own: theirs } = await towards(bob)
  const kept = new Set<string>()
  for (const device of devices) {
    const { own, peer: whom, joining, rotation } = await towards(device)
    expect([own, whom, joining, rotation]).toEqual([peer, theirs, undefined, undefined])
    kept.add((await device.agent.edge.records.get('own-did', own))?.keyAgreement.fragment ?? '')
  }
  expect(kept.size).toBe(devices.length)
  expect(await plainSets(devices[0]?.agent.edge as never, peer)).toHaveLength(devices.length)
  return peer
}

describe('DEVICE-17: a correspondence on several devices', () => {
  it('moves with the wallet (V19), by one command on one of them', async () => {
    await agreed(alice, phone)
    const elsewhere = { did: (await network.addAgency('elsewhere')).options.did, url: 'http://elsewhere.test' }
    await alice.agent.moveTo(elsewhere)
    await network.settle(alice, phone)
    await network.settle(alice, phone)
    // The agency before forwards until the correspondent has written to the new DID.
    await expect(alice.agent.stopForwarding()).rejects.toThrow(/bob does not know the new way/)
    const own = await agreed(alice, phone)
    expect(await code(alice.agent.stopForwarding())).toBe('done')
    const { didDocument } = await bob.agent.edge.resolver.resolve(own)
    expect(JSON.stringify(didDocument?.service)).toContain(elsewhere.did)
    await bob.agent.sendText((await towards(bob)).label, 'after the move')
    await network.settle(alice, phone, bob)
    for (const device of [alice, phone]) expect(await heard(device)).toContain('after the move')
  })

  it('is on the new one with keys of its own, reaches each, and each speaks in it', async () => {
    await agreed(alice, phone)
    for (const device of [alice, phone]) await device.agent.sendText('bob', `from ${device.name}`)
    await bob.agent.sendText('alice', 'to both')
    await network.settle(alice, phone, bob)
    expect(await heard(bob)).toEqual(['from alice', 'from phone'])
    for (const device of [alice, phone]) expect(await heard(device)).toContain('to both')
    const [mine, theirs] = await Promise.all([alice, phone].map(({ vault }) => vault.keys()))
    const ids = new Set(mine?.map(({ publicKey }) => publicKey.bytes.join()))
    expect(theirs?.filter(({ publicKey }) => ids.has(publicKey.bytes.join()))).toEqual([])
  })

  it('is so too where any device begins it later, and where the correspondent changes its DID', async () => {
    const carol = bob
    bob = await network.person('dave')
    await meet(phone)
    await network.settle(alice, phone, bob)
    await network.settle(alice, phone, bob)
    const all = (await alice.agent.correspondents()).filter(({ status, joining }) => status === 'connected' && !joining)
    expect(all).toHaveLength(2)
    bob = carol
    const before = (await towards(bob)).own
    network.advance(5)
    await bob.agent.rotateAll()
    await network.settle(bob, alice, phone)
    for (const device of [alice, phone]) {
      const known = (await device.agent.correspondents()).map(({ peer }) => peer)
      expect(known).toContain((await towards(bob)).own)
      expect(known).not.toContain(before)
    }
  })

  it('either may rotate; at once they take turns, and the correspondent follows both in order', async () => {
    await agreed(alice, phone)
    const first = await towards(alice)
    await phone.agent.rotateAll()
    expect(await agreed(alice, phone)).not.toBe(first.own)
    const { turn = 0 } = await towards(alice)
    await Promise.all([alice, phone].map((device) => device.agent.rotateAll()))
    await agreed(alice, phone)
    expect((await towards(phone)).turn).toBe(turn + 2)
    // Away while one and then the other rotated, of whom the first is never there again.
    await phone.agent.rotateAll()
    await alice.agent.sync()
    await alice.agent.rotateAll()
    await bob.agent.sync()
    await bob.agent.sendText('alice', 'still here')
    await agreed(alice, phone)
    expect(await heard(phone)).toContain('still here')
  })

  it('one who was away for two rotations is told of both, also by a device that made only the second', async () => {
    await agreed(alice, phone)
    await rotateCorrespondent(phone.agent.edge, await towards(phone))
    // The phone told its owner's other device, and ended before it told anybody else.
    const { records } = phone.agent.edge
    const { account = '' } = (await alice.agent.profile()).agency ?? {}
    for (const { name, value } of await records.all('outbox'))
      if (value.kind === 'message' && value.message.to !== account) await records.commit([remove('outbox', name)])
    await phone.agent.sync()
    await alice.agent.sync()
    await alice.agent.rotateAll()
    await network.settle(alice, bob)
    await bob.agent.sendText('alice', 'and to the newest')
    await network.settle(bob, alice)
    expect(await heard(alice)).toContain('and to the newest')
    expect((await towards(bob)).peer).toBe((await towards(alice)).own)
  })

  it('outlasts the end of each process at each step, and an agency that is away', async () => {
    await agreed(alice, phone)
    const { turn = 0 } = await towards(alice)
    network.wires.cut(AGENCY)
    await alice.agent.rotateAll()
    await alice.restart()
    await phone.restart()
    expect((await towards(alice)).turn).toBe(turn)
    network.wires.mend(AGENCY)
    const { store } = network.agency.options
    const honest = store.swapSlot
    store.swapSlot = async (...parts) => {
      await honest.apply(store, parts)
      throw new Error('the process ended')
    }
    await alice.agent.sync()
    store.swapSlot = honest
    await alice.restart()
    await bob.restart()
    await agreed(alice, phone)
    expect((await towards(phone)).turn).toBe(turn + 1)
  })

  it('ends on all devices when one removes it', async () => {
    await agreed(alice, phone)
    await phone.agent.removeContact('bob')
    await network.settle(phone, alice, phone)
    for (const device of [alice, phone]) expect(await device.agent.correspondents()).toEqual([])
    expect(alice.heard('contact-removed')).toBe(true)
    await bob.agent.sendText('alice', 'anybody?')
    await network.settle(bob, alice, phone)
    for (const device of [alice, phone]) expect(await heard(device)).not.toContain('anybody?')
  })
})

describe('DEVICE-17: a device that was revoked, or is none', () => {
  it('is out of it, hears nothing that comes later, and is not heard', async () => {
    await agreed(alice, phone)
    const before = await towards(phone)
    const thief = await phone.stolen('thief')
    await thief.agent.edge.records.commit([remove('own-devices', 'self')])
    await alice.agent.devices.revoke('phone')
    await agreed(alice)
    expect((await alice.agent.devices.own()).find(({ name }) => name === 'phone')?.left?.contacts).toEqual([])
    await thief.agent.sendText('bob', 'it is me, alice')
    await thief.agent.sync()
    await bob.agent.sendText('alice', 'only you')
    await network.settle(bob, alice)
    expect(await heard(bob)).toEqual([])
    expect(bob.heard('message-refused', /not the contact’s current DID/)).toBe(true)
    expect(await heard(alice)).toContain('only you')
    expect((await towards(alice)).own).not.toBe(before.own)
    await thief.close()
  })

  it('MUST NOT come in by an offer, nor lead the others back by what it tells', async () => {
    await agreed(alice, phone)
    const before = await towards(alice)
    const { edge } = phone.agent
    const sets = [{ correspondent: before.id, auth: 'x', agree: 'x' }]
    await edge.records.commit(await tellDevices(edge, PLAIN_KEYS, { sets } as never))
    const { status: _, ...told } = await towards(phone)
    const back = { ...told, turn: 0, own: (await towards(bob)).own, holders: {}, peer: 'did:peer:2.of.the.thief' }
    for (const known of [back, { ...back, turn: 'x' }, {}])
      await edge.records.commit(
        await tellDevices(edge, CORRESPONDENTS, JSON.parse(JSON.stringify({ known: [known], removed: [] }))),
      )
    await alice.agent.devices.revoke('phone')
    await phone.agent.sync()
    await network.settle(alice)
    expect(alice.heard('message-refused', /was revoked/)).toBe(true)
    const { own, peer } = await towards(alice)
    expect(peer).toBe(before.peer)
    expect((await plainSets(alice.agent.edge, own)).length).toBe(1)
  })

  it('while it stands, MUST NOT replace a later DID by an earlier one, nor lead what is said elsewhere, and what is no correspondence is refused', async () => {
    await agreed(alice, phone)
    const early = await towards(phone)
    await alice.agent.rotateAll()
    const own = await agreed(alice, phone)
    const { edge } = phone.agent
    const { status: _, rotation: _r, ...told } = early
    const elsewhere = {
      ...told,
      own,
      turn: 9,
      holders: told.holders ?? {},
      peer: 'did:peer:2.of.the.thief',
      rotated: 9,
    }
    for (const known of [
      { ...told, holders: told.holders ?? {} },
      { ...elsewhere, turn: (await towards(alice)).turn },
      { ...told, turn: -1 },
      {},
    ])
      await edge.records.commit(
        await tellDevices(edge, CORRESPONDENTS, JSON.parse(JSON.stringify({ known: [known], removed: [] }))),
      )
    await network.settle(phone, alice)
    expect(await towards(alice)).toMatchObject({ own, peer: early.peer })
    expect(alice.heard('message-refused')).toBe(true)
  })

  it('leaves no turn behind that waited when it was revoked: the one made since stands', async () => {
    await agreed(alice, phone)
    network.wires.cut(AGENCY)
    await alice.agent.rotateAll()
    expect(await alice.agent.edge.records.all('pending-turn')).toHaveLength(1)
    await alice.agent.devices.revoke('phone').catch(() => {})
    await alice.agent.sync()
    network.wires.mend(AGENCY)
    await agreed(alice)
    expect(await alice.agent.edge.records.all('pending-turn')).toEqual([])
    await bob.agent.sendText('alice', 'still here')
    await network.settle(bob, alice)
    expect(await heard(alice)).toContain('still here')
  })

  it('MUST NOT use up the numbers of turns, by what it tells or by what it puts into the slot', async () => {
    await agreed(alice, phone)
    const { status: _, holders = {}, turn = 0, ...told } = await towards(phone)
    const { edge } = phone.agent
    const far = 2 ** 31
    const known = [{ ...told, holders, turn: far }]
    await edge.records.commit(
      await tellDevices(edge, CORRESPONDENTS, JSON.parse(JSON.stringify({ known, removed: [] }))),
    )
    const { secret } = (await edge.records.get('own-devices', 'self')) as OwnDevices
    const made = { did: told.own, jwt: 'x', holders }
    await swap(edge, told.id, turn, far, seal(slotKey(secret), canonicalJson(made), aad(told.id, far)))
    await network.settle(phone, alice)
    expect(alice.heard('message-refused', /more turns than there can be/)).toBe(true)
    await alice.agent.rotateAll().catch(() => {})
    expect((await towards(alice)).turn).toBe(turn)
    await alice.agent.devices.revoke('phone')
    for (let round = 0; round < 3; round++) await network.settle(alice, bob)
    await agreed(alice)
    await alice.agent.rotateAll()
    expect((await towards(alice)).turn).toBeLessThan(turn + 5)
    expect((await towards(alice)).own).not.toBe(told.own)
  })

  it('says nothing in it before it is in', async () => {
    const tablet = await network.newcomer('tablet')
    expect(await code(tablet.agent.sendText('bob', 'x'))).toBe('UNKNOWN_CONTACT')
    const joining = { ...(await towards(phone)), joining: true as const }
    await phone.agent.edge.records.commit([{ category: 'correspondent', name: joining.id, value: joining }])
    expect(await code(phone.agent.sendText('bob', 'x'))).toBe('NOT_ALLOWED_NOW')
  })

  it('MUST NOT rotate past the agency once it was taken out of the account', async () => {
    await agreed(alice, phone)
    await alice.agent.devices.revoke('phone')
    await network.settle(alice)
    await phone.agent.rotateAll().catch(() => {})
    const { account = '' } = (await phone.agent.profile()).agency ?? {}
    const status = { type: 'https://didcomm.org/messagepickup/3.0/status-request', body: {} }
    expect(await code(ask(phone.agent.edge, network.agency.options.did, account, status))).toBe('DEVICE_REMOVED')
    await agreed(alice)
  })
})
