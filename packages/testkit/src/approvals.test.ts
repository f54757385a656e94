/** Changes that need two devices of their owner (DEVICE-13 to DEVICE-16): asked, approved, declined, stolen, lost. */
import { isKeysteadError } from '@keystead/core'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { tellDevices } from '../../agent/src/edge/own-devices/list.ts'
import { rotateRelationship } from '../../agent/src/edge/own-log.ts'
import type { Approval, OwnDevices, Proposal } from '../../agent/src/edge/records.ts'
import { put, remove } from '../../agent/src/edge/store.ts'
import { COSIGN, LOWER, PROPOSE, WITHDRAW } from '../../agent/src/protocols/own-devices/approvals.ts'
import { OWN_DEVICES } from '../../agent/src/protocols/own-devices/messages.ts'
import { linkDevice } from './linking.ts'
import { AGENCY, Network } from './network.ts'
import type { Person } from './person.ts'

let network: Network
let alice: Person
let phone: Person
let tablet: Person
let bob: Person

beforeEach(async () => {
  network = await Network.open()
  alice = await network.person('alice')
  bob = await network.person('bob')
  await network.connect(alice, bob)
  phone = await linkDevice(network, alice, 'phone', { others: [bob] })
  tablet = await linkDevice(network, alice, 'tablet', { others: [phone, bob] })
  await alice.agent.devices.setApprovals(2)
  await network.settle(alice, phone, tablet, bob)
})

afterEach(() => network.close())

const code = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => 'done',
    (error: { code?: string }) => error.code ?? error,
  )

const own = async (of: Person) => (await of.agent.contact('bob')).mine.state
const seen = async () => (await bob.agent.contact('alice')).peer?.state
const asked = async (of: Person) => (await of.agent.requests()).filter(({ kind }) => kind === 'device-approval')

/** Its only request, by the beginning of its id as a person types it. */
async function only(of: Person): Promise<string> {
  const requests = await asked(of)
  expect(requests).toHaveLength(1)
  return requests[0]?.id.slice(0, 8) ?? ''
}

/** On whichever device the request is: any of them may be the first that can ask. */
async function approved(summary: RegExp, ...devices: readonly Person[]): Promise<void> {
  for (const device of devices)
    for (const request of await asked(device))
      if (summary.test(request.summary)) {
        await device.agent.approve(request.id.slice(0, 8))
        return network.settle(...devices, bob)
      }
  throw new Error('nobody is asked')
}

/** All devices and the peer stand at the same entry. */
async function agreed(...devices: readonly Person[]): Promise<number> {
  await network.settle(...devices, bob)
  const { now, status } = (await seen()) ?? {}
  expect(status).toBe('active')
  for (const device of devices) expect((await own(device)).now).toEqual(now)
  return now?.seq ?? -1
}

describe('DEVICE-13: how many devices a change needs', () => {
  it('is said on one device, reaches every relationship with an entry of its own, and those that begin later', async () => {
    expect((await seen())?.now).toMatchObject({ threshold: 1, nextThreshold: 2 })
    expect(await agreed(alice, phone, tablet)).toBe(3)
    const carol = await network.person('carol')
    await network.connect(phone, carol)
    await network.settle(alice, phone, tablet, carol)
    // The first device that came in made it two, so that those two let in the third.
    expect((await carol.agent.contact('alice')).peer?.state.now).toMatchObject({ nextThreshold: 2 })
    await approved(/wants to let in "(first device|tablet)", towards carol/, alice, phone, tablet)
    await network.settle(carol, alice, phone, tablet, carol)
    expect((await carol.agent.contact('alice')).peer?.state.now.keys).toHaveLength(3)
    for (const device of [alice, phone, tablet])
      expect(await device.agent.devices.approvals()).toMatchObject({ needed: 2, devices: 3, alone: [], waiting: [] })
  })

  it('MUST NOT be two with one device, nor with two and no recovery for the one that is lost, nor by one without ADMIN', async () => {
    const carol = await network.person('carol')
    const dave = await network.person('dave')
    await network.connect(carol, dave)
    expect(await code(carol.agent.devices.setApprovals(2))).toBe('NOT_ALLOWED_NOW')
    const other = await linkDevice(network, carol, 'other', { others: [dave] })
    await expect(carol.agent.devices.setApprovals(2)).rejects.toThrow(/dave knows of none of yours/)
    expect(await code(other.agent.devices.setApprovals(2))).toBe('NOT_ALLOWED_NOW')
    await linkDevice(network, carol, 'third', { others: [other, dave] })
    await expect(other.agent.devices.setApprovals(2)).rejects.toThrow(/not given ADMIN/)
    expect(await code(carol.agent.devices.setApprovals(2))).toBe('done')
  })

  it('MUST NOT be lowered by one device, whatever it says and however often; by two it is', async () => {
    const listOf = async ({ agent }: Person) => (await agent.edge.records.get('own-devices', 'self')) as OwnDevices
    const { cut: _, dropped: _d, secretBefore: _s, waiting: _w, ...told } = await listOf(alice)
    const { edge } = alice.agent
    const by = told.account
    for (const approvals of [undefined, { needed: 1, epoch: 2, by }]) {
      const { approvals: _a, ...rest } = told
      const said = JSON.parse(JSON.stringify({ ...rest, ...(approvals ? { approvals } : {}) }))
      await edge.records.commit(await tellDevices(edge, OWN_DEVICES, said))
    }
    for (const id of ['1', '2'])
      await edge.records.commit(
        await tellDevices(edge, LOWER, {
          id: id.repeat(32),
          expires: Math.floor(network.clock.now() / 1000) + 60,
          epoch: 1,
        }),
      )
    await network.settle(alice, phone, tablet)
    for (const device of [phone, tablet])
      expect((await listOf(device)).approvals).toMatchObject({ needed: 2, epoch: 1 })
    expect(await alice.agent.devices.setApprovals(1)).toBe(false)
    await network.settle(alice, phone, tablet)
    expect((await asked(tablet))[0]?.summary).toMatch(/"first device" wants to let one device alone be enough/)
    await tablet.agent.approve(await only(tablet))
    await network.settle(alice, phone, tablet)
    for (const device of [alice, phone, tablet]) {
      expect((await listOf(device)).approvals).toMatchObject({ needed: 1, epoch: 2 })
      expect(await asked(device)).toEqual([])
    }
    // What stands still needs two, for the entry that lets one be enough.
    await phone.agent.rotateAll()
    await network.settle(phone, alice)
    expect((await asked(alice))[0]?.summary).toMatch(/let one device be enough from then on, towards bob/)
    await alice.agent.approve(await only(alice))
    await agreed(phone, alice, tablet)
    expect((await seen())?.now).toMatchObject({ threshold: 2, nextThreshold: 1 })
    const { seq } = (await own(tablet)).now
    await tablet.agent.rotateAll()
    expect(await agreed(alice, phone, tablet)).toBe(seq + 1)
  })

  it('MUST NOT be lowered by what was said of an earlier time, nor with the voice of a device that was revoked since', async () => {
    const needed = async ({ agent }: Person) => (await agent.devices.approvals()).needed
    const expires = Math.floor(network.clock.now() / 1000) + 600
    const { edge } = alice.agent
    for (const epoch of [0, 2])
      await edge.records.commit(await tellDevices(edge, LOWER, { id: `${epoch}`.repeat(32), expires, epoch }))
    await network.settle(alice, phone, tablet)
    expect([...(await asked(phone)), ...(await asked(tablet))]).toEqual([])
    await phone.agent.devices.setApprovals(1)
    await network.settle(phone, alice, tablet)
    expect(await asked(tablet)).toHaveLength(1)
    await alice.agent.devices.revoke('phone')
    await network.settle(alice, tablet)
    expect(await tablet.agent.devices.setApprovals(1)).toBe(false)
    await network.settle(tablet, alice)
    for (const device of [alice, tablet]) expect(await needed(device)).toBe(2)
  })

  it('MUST NOT be lowered with a voice that was given before it was raised last', async () => {
    const { account = '' } = (await phone.agent.profile()).agency ?? {}
    const expires = Math.floor(network.clock.now() / 1000) + 600
    const votes = [{ account, id: '0'.repeat(32), expires, epoch: 0 }]
    await alice.agent.edge.records.commit([put('lower-votes', 'self', { votes })])
    expect(await alice.agent.devices.setApprovals(1)).toBe(false)
  })

  it('is two again where whoever wanted one takes it back', async () => {
    await alice.agent.devices.setApprovals(1)
    await network.settle(alice, phone)
    await alice.agent.devices.setApprovals(2)
    await network.settle(alice, phone, tablet)
    expect([...(await asked(phone)), ...(await asked(tablet))]).toEqual([])
    await phone.agent.devices.setApprovals(1)
    await network.settle(phone, tablet, alice)
    expect((await phone.agent.devices.approvals()).needed).toBe(2)
  })
})

describe('DEVICE-14: what one device plans and another approves', () => {
  it('waits, is shown in words, and stands once the other has signed; both have new keys, and the peer follows', async () => {
    const before = (await seen())?.now
    await alice.agent.rotateAll()
    expect(await alice.agent.sync()).toMatchObject({ approvals: 1 })
    await network.settle(alice, phone, tablet, bob)
    expect((await seen())?.now).toEqual(before)
    expect((await asked(phone))[0]?.summary).toBe('your device "first device" wants to make new keys, towards bob')
    expect((await alice.agent.devices.approvals()).waiting).toMatchObject([
      { text: 'make new keys, towards bob', declined: [] },
    ])
    await phone.agent.approve(await only(phone))
    expect(await agreed(alice, phone, tablet)).toBe((before?.seq ?? 0) + 1)
    const after = (await seen())?.now
    expect(before?.keys.filter((k) => after?.keys.includes(k))).toHaveLength(1)
    expect(after).toMatchObject({ threshold: 2, nextThreshold: 2 })
    expect(await asked(tablet)).toEqual([])
    expect(await alice.agent.sync()).toMatchObject({ approvals: 0 })
    for (const device of [alice, phone, tablet]) {
      await device.agent.sendText('bob', `from ${device.name}`)
      await bob.agent.sendText('alice', `to ${device.name}`)
    }
    await network.settle(alice, phone, tablet, bob)
    expect((await bob.agent.texts()).map(({ text }) => text)).toContain('from phone')
    for (const device of [alice, phone, tablet])
      expect((await device.agent.texts()).filter(({ from }) => from === 'them')).toHaveLength(3)
  })

  it('outlasts the end of each process at each step, an agency that is away, and an answer that is lost', async () => {
    const all = [alice, phone, bob]
    const restart = async (): Promise<void> => {
      for (const person of all) await person.restart()
    }
    const { seq } = (await own(alice)).now
    network.wires.cut(AGENCY)
    await alice.agent.rotateAll()
    await restart()
    await alice.agent.rotateAll()
    network.wires.mend(AGENCY)
    await alice.agent.sync()
    await restart()
    await phone.agent.sync()
    await restart()
    network.wires.cut(AGENCY)
    await phone.agent.approve(await only(phone))
    await restart()
    expect(await asked(phone)).toEqual([])
    network.wires.mend(AGENCY)
    await phone.agent.sync()
    // The slot takes it, and the answer does not arrive: it is brought again, and is the same.
    const { store } = network.agency.options
    const honest = store.swapSlot
    store.swapSlot = async (...parts) => {
      await honest.apply(store, parts)
      throw new Error('the process ended')
    }
    await alice.agent.sync()
    store.swapSlot = honest
    expect((await own(alice)).now.seq).toBe(seq)
    await restart()
    expect(await agreed(alice, phone)).toBe(seq + 1)
    await restart()
    expect(await agreed(alice, phone, tablet)).toBe(seq + 1)
    expect((await bob.agent.contact('alice')).peer?.entries?.filter((entry) => entry.seq === seq + 1)).toHaveLength(1)
  })

  it('is made once, whoever else approves too, and whoever else asks for the same', async () => {
    const { seq } = (await own(alice)).now
    await alice.agent.rotateAll()
    await network.settle(alice, phone, tablet)
    await tablet.agent.rotateAll()
    expect(tablet.heard('approval-asked', /asks for the same/)).toBe(true)
    for (const device of [phone, tablet]) await device.agent.approve(await only(device))
    expect(await agreed(alice, phone, tablet)).toBe(seq + 1)
    for (const device of [alice, phone, tablet]) expect(await asked(device)).toEqual([])
  })

  it('is asked once, however often it is wanted; what comes by itself also where a person said no', async () => {
    await alice.agent.rotateAll()
    await network.settle(alice, phone, tablet)
    const id = await only(phone)
    await alice.agent.rotateAll()
    await network.settle(alice, phone, tablet)
    expect(await only(phone)).toBe(id)
    await phone.agent.approve(id)
    await agreed(alice, phone, tablet)
    await alice.agent.devices.revoke('tablet')
    await network.settle(alice, phone)
    await phone.agent.decline(await only(phone))
    for (let round = 0; round < 2; round++) await network.settle(alice, phone)
    expect(await asked(phone)).toEqual([])
    expect((await alice.agent.devices.approvals()).waiting).toMatchObject([{ declined: ['phone'] }])
  })

  it('and two at once take turns', async () => {
    const { seq } = (await own(alice)).now
    await alice.agent.rotateAll()
    await phone.agent.removeContact('bob')
    await network.settle(alice, phone)
    await phone.agent.approve(await only(phone))
    await network.settle(alice, phone, tablet, bob)
    expect((await seen())?.now.seq).toBe(seq + 1)
    // The end of the contact is planned anew upon it, and asked anew.
    expect((await asked(alice))[0]?.summary).toMatch(/end the contact, towards bob/)
    await alice.agent.approve(await only(alice))
    await network.settle(alice, phone, tablet, bob)
    expect(bob.heard('peer-closed')).toBe(true)
    for (const device of [alice, phone, tablet]) expect(await device.agent.contacts()).toEqual([])
  })

  it('is over when it is withdrawn, when nobody approves it for a week, and when all others have declined it', async () => {
    const { seq } = (await own(alice)).now
    const ask = async (): Promise<void> => {
      await alice.agent.rotateAll()
      await network.settle(alice, phone, tablet)
    }
    await ask()
    await alice.agent.devices.withdraw((await alice.agent.devices.approvals()).waiting[0]?.id ?? '')
    await network.settle(alice, phone, tablet)
    expect(await asked(phone)).toEqual([])
    await ask()
    network.advance(7 * 86_400 + 1)
    await network.settle(alice, phone, tablet)
    expect(alice.heard('approval-expired')).toBe(true)
    expect(await asked(phone)).toEqual([])
    await ask()
    await phone.agent.decline(await only(phone))
    await network.settle(alice, phone, tablet)
    expect((await alice.agent.devices.approvals()).waiting).toMatchObject([{ declined: ['phone'] }])
    await tablet.agent.decline(await only(tablet))
    await network.settle(alice, phone, tablet)
    expect((await alice.agent.devices.approvals()).waiting).toEqual([])
    await ask()
    await phone.agent.decline(await only(phone))
    await tablet.agent.approve(await only(tablet))
    expect(await agreed(alice, phone, tablet)).toBe(seq + 1)
  })

  it('also lets in the next device, and takes out one that is lost', async () => {
    const fourth = await linkDevice(network, alice, 'fourth', { others: [phone, tablet] })
    expect((await fourth.agent.contact('bob')).joining).toBe(true)
    await approved(/wants to let in "fourth", towards bob/, alice, phone, tablet, fourth)
    await agreed(alice, phone, tablet, fourth)
    expect((await seen())?.now.keys).toHaveLength(4)
    await alice.agent.devices.revoke('tablet')
    await network.settle(alice, phone, fourth)
    expect((await asked(fourth))[0]?.summary).toMatch(/take out "tablet" \(revoked\), towards bob/)
    await fourth.agent.approve(await only(fourth))
    await agreed(alice, phone, fourth)
    expect((await seen())?.now).toMatchObject({ nextThreshold: 2 })
    expect((await seen())?.now.keys).toHaveLength(3)
    // Whatever it still signs is one voice of two: nobody is asked for a second entry.
    for (const device of [alice, phone, fourth]) expect(await asked(device)).toEqual([])
    expect((await alice.agent.devices.own()).find(({ name }) => name === 'tablet')?.left?.contacts).toEqual([])
    await bob.agent.sendText('alice', 'who is left')
    await network.settle(bob, alice, phone, fourth)
    for (const device of [alice, phone, fourth])
      expect((await device.agent.texts()).map(({ text }) => text)).toContain('who is left')
  })
})

describe('DEVICE-15: a stolen device', () => {
  /** The phone in the hands of a thief, whose software says what it likes. */
  const thief = (): Promise<Person> => phone.stolen('thief')

  it('MUST NOT change anything by its own signature', async () => {
    const stolen = await thief()
    const { edge } = stolen.agent
    const relationship = await stolen.agent.contact('bob')
    const { mine } = relationship
    const before = mine.state.now
    await edge.records.commit([remove('own-devices', 'self')])
    const one = { ...mine, state: { ...mine.state, now: { ...before, nextThreshold: 1 } } }
    await rotateRelationship(edge, { ...relationship, mine: one }).catch((error) => {
      if (!isKeysteadError(error)) throw error
    })
    await stolen.agent.sync()
    await network.settle(bob, alice)
    expect((await seen())?.now).toEqual(before)
    await stolen.close()
  })

  it('MUST NOT get a signature for keys of nobody’s device, for less than two, for another’s key, or without a word', async () => {
    await phone.agent.rotateAll()
    const { records } = phone.agent.edge
    const [{ name, value }] = (await records.all('proposal')) as [{ name: string; value: Proposal }]
    const foreign = (await bob.agent.contact('alice')).peer?.state.now.keys[0] ?? ''
    const agree = value.set.agree
    const add = [{ relationship: name, k: foreign, agree, next: value.set.next }]
    const item = { relationship: name, prev: value.prev, planned: value.planned, set: value.set }
    const expires = Math.floor(network.clock.now() / 1000) + 600
    const propose = async (id: string, changed: object): Promise<void> => {
      const body = { id, expires, items: [{ ...item, ...changed }] }
      await records.commit(await tellDevices(phone.agent.edge, PROPOSE, JSON.parse(JSON.stringify(body))))
      await network.settle(phone, alice)
    }
    await records.commit([remove('proposal', name)])
    await records.commit(
      await tellDevices(
        phone.agent.edge,
        PROPOSE,
        JSON.parse(JSON.stringify({ id: '9'.repeat(32), expires: 1, items: [item] })),
      ),
    )
    await network.settle(phone, alice)
    expect(alice.heard('approval-asked', /approve 99999999/)).toBe(false)
    await propose('a'.repeat(32), { planned: { ...value.planned, add } })
    expect((await asked(alice))[0]?.summary).toMatch(/let in a device that this one does not know/)
    await expect(alice.agent.approve('aaaaaaaa')).rejects.toThrow(/no device of yours has offered/)
    await propose('b'.repeat(32), { planned: { ...value.planned, needed: 1 } })
    await expect(alice.agent.approve('bbbbbbbb')).rejects.toThrow(/one device be enough/)
    await propose('c'.repeat(32), { set: { ...value.set, k: foreign } })
    await expect(alice.agent.approve('cccccccc')).rejects.toThrow(/a key of its own/)
    const mine = (await own(alice)).now.keys
    const holders = (await alice.agent.contact('bob')).holders ?? {}
    const account = (await alice.agent.profile()).agency?.account
    const drop = mine.filter((k) => holders[k] === account)
    await propose('d'.repeat(32), { planned: { ...value.planned, drop } })
    expect((await asked(alice))[0]?.summary).toMatch(/take out "first device"/)
    await expect(alice.agent.approve('dddddddd')).rejects.toThrow(/take out this very device/)
    await propose('e'.repeat(32), { planned: { ...value.planned, vetoes: value.prev } })
    await expect(alice.agent.approve('eeeeeeee')).rejects.toThrow(/no such recovery/)
    await propose('f'.repeat(32), { planned: { ...value.planned, mediator: 'did:peer:2.of.the.thief' } })
    expect((await asked(alice))[0]?.summary).toMatch(/have your mail brought to another agency/)
    expect(await code(alice.agent.approve())).toBe('UNKNOWN_REQUEST')
  })

  it('MUST NOT get a signature for a place that is not the newest; nobody is shown such any longer', async () => {
    await phone.agent.rotateAll()
    await network.settle(phone, alice)
    const { records } = alice.agent.edge
    const [{ name, value }] = (await records.all('approval')) as unknown as [{ name: string; value: Approval }]
    const items = (value.items ?? []).map((item) => ({ ...item, prev: (item.set as { k: string }).k }))
    await records.commit([put('approval', name, { ...value, items })])
    await expect(alice.agent.approve(name.slice(0, 8))).rejects.toThrow(/were changed meanwhile/)
    await alice.agent.sync()
    expect(await records.get('approval', name)).toBeUndefined()
  })

  it('MUST NOT exchange what a person has read for something else, nor take back what another device asks', async () => {
    await phone.agent.rotateAll()
    await network.settle(phone, alice, tablet)
    const { records } = alice.agent.edge
    const [{ value: before }] = (await records.all('approval')) as unknown as [{ value: Approval }]
    const [first] = before.items ?? []
    const planned = { ...first?.planned, type: 'close' }
    const items = [{ ...first, planned }]
    const expires = before.expires
    for (const from of [phone, tablet]) {
      const body = JSON.parse(JSON.stringify({ id: before.id, expires, items }))
      await from.agent.edge.records.commit(await tellDevices(from.agent.edge, PROPOSE, body))
    }
    await tablet.agent.edge.records.commit(await tellDevices(tablet.agent.edge, WITHDRAW, { id: before.id }))
    await network.settle(phone, tablet, alice)
    expect(alice.heard('message-refused', /has this id already/)).toBe(true)
    expect(await records.get('approval', before.id)).toEqual(before)
  })

  it('MUST NOT complete what it was not asked for, with no key of its own, or by a signature of something else', async () => {
    const { seq } = (await own(alice)).now
    await alice.agent.rotateAll()
    await network.settle(alice, phone, tablet)
    const { edge } = tablet.agent
    const [{ value }] = (await edge.records.all('approval')) as unknown as [{ value: Approval }]
    const [item] = value.items ?? []
    const foreign = { ...item?.set, k: (await own(phone)).now.keys[0] ?? '' }
    const s = (await alice.agent.contact('bob')).mine.entries.at(-1)?.sigs[0]?.s ?? ''
    const { id: relationship } = await tablet.agent.contact('bob')
    const say = async (id: string, set: unknown): Promise<void> => {
      const body = JSON.parse(JSON.stringify({ id, items: [{ relationship, set, s }] }))
      await edge.records.commit(await tellDevices(edge, COSIGN, body))
    }
    await say(value.id, foreign)
    await say(value.id, item?.set)
    await say('0'.repeat(32), item?.set)
    network.wires.cut(AGENCY)
    await tablet.agent.approve(await only(tablet))
    for (const { name, value: sent } of await edge.records.all('outbox')) {
      if (sent.kind !== 'message' || !Array.isArray(sent.message.body['items'])) continue
      const [one] = sent.message.body['items'] as unknown as { set: object }[]
      const body = { ...sent.message.body, items: [{ ...one, s }] }
      await edge.records.commit([put('outbox', name, { ...sent, message: { ...sent.message, body: body as never } })])
    }
    network.wires.mend(AGENCY)
    await tablet.agent.sync()
    await alice.agent.sync()
    expect(alice.heard('message-refused', /no key that was committed to/)).toBe(true)
    expect(alice.heard('message-refused', /signed something else/)).toBe(true)
    expect((await own(alice)).now.seq).toBe(seq)
    await phone.agent.approve(await only(phone))
    expect(await agreed(alice, phone, tablet)).toBe(seq + 1)
  })

  it('MUST NOT complete one request by what was signed for another', async () => {
    const { seq } = (await own(alice)).now
    await alice.agent.rotateAll()
    await network.settle(alice, phone, tablet)
    const { edge } = tablet.agent
    network.wires.cut(AGENCY)
    await tablet.agent.approve(await only(tablet))
    for (const { name, value: sent } of await edge.records.all('outbox')) {
      if (sent.kind !== 'message' || !Array.isArray(sent.message.body['items'])) continue
      const body = { ...sent.message.body, id: '0'.repeat(32) }
      await edge.records.commit([put('outbox', name, { ...sent, message: { ...sent.message, body } })])
    }
    network.wires.mend(AGENCY)
    await tablet.agent.sync()
    await network.settle(alice, tablet)
    expect((await own(alice)).now.seq).toBe(seq)
    await phone.agent.approve(await only(phone))
    expect(await agreed(alice, phone, tablet)).toBe(seq + 1)
  })

  it('that was revoked neither asks nor approves any more', async () => {
    await phone.agent.rotateAll()
    await alice.agent.rotateAll()
    await network.settle(phone, alice, tablet)
    await alice.agent.devices.revoke('phone')
    await phone.agent.approve((await asked(phone))[0]?.id.slice(0, 8) ?? '')
    await network.settle(alice, tablet)
    expect(
      (await asked(alice)).concat(await asked(tablet)).filter(({ summary }) => /"phone" wants/.test(summary)),
    ).toEqual([])
    expect((await asked(tablet))[0]?.summary).toMatch(/take out "phone" \(revoked\)/)
    await tablet.agent.approve(await only(tablet))
    await agreed(alice, tablet)
    expect((await seen())?.now.keys).toHaveLength(2)
  })
})
