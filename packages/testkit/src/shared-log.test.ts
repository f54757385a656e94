/** SYNC-6, SYNC-13: the devices of one owner write one log, and an agency, a thief or a power cut in the way of it. */
import { base64url, type JsonObject } from '@keystead/core'
import type { Capability } from '@keystead/did-dkms'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { CloudStore } from '../../agent/src/cloud/store/port.ts'
import { nowSeconds, queue } from '../../agent/src/edge/context.ts'
import { admitToLog, endInLog } from '../../agent/src/edge/log/admit.ts'
import { currentEntry, nextEntry, ownLog, requireLog } from '../../agent/src/edge/log/authority.ts'
import { backUp } from '../../agent/src/edge/log/backup.ts'
import { listedAs, offerOf, ownCandidate } from '../../agent/src/edge/log/candidate.ts'
import { followDevices } from '../../agent/src/edge/log/follow.ts'
import { claimEntry } from '../../agent/src/edge/log/holder-link.ts'
import { isWhole, SHARED } from '../../agent/src/edge/log/shared-records.ts'
import { tellDevices } from '../../agent/src/edge/own-devices/list.ts'
import type { Category, OwnDevices, PendingRequest } from '../../agent/src/edge/records.ts'
import { put, remove } from '../../agent/src/edge/store.ts'
import { SHARE_HEALTH_SECONDS } from '../../agent/src/limits.ts'
import { BASIC_MESSAGE } from '../../agent/src/protocols/basic-message/messages.ts'
import { candidateBody, LOG_CANDIDATE, LOG_INVITATION } from '../../agent/src/protocols/own-devices/log-membership.ts'
import { AGENCY, Network } from './network.ts'
import type { Person } from './person.ts'

const ADMIN: readonly Capability[] = ['PROVE', 'ADMIN']

let network: Network
let phone: Person
let laptop: Person

beforeEach(async () => {
  network = await Network.open()
  phone = await network.person('alice')
  laptop = await linked('laptop')
})

afterEach(() => network.close())

/** Another device of the phone's owner, which shares the log. */
async function linked(name: string, can?: readonly Capability[]): Promise<Person> {
  const device = await network.link(name, phone, can)
  await network.settle(phone, device)
  expect((await logOf(device)).log).toBe((await logOf(phone)).log)
  return device
}

const code = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => 'done',
    (error: { code?: string }) => error.code ?? error,
  )

async function logOf({ agent }: Person) {
  const own = await ownLog(agent.edge)
  if (!own) throw new Error('no log')
  return own
}

const entryOf = async (of: Person) => currentEntry(of.agent.edge, await logOf(of))
const chainOf = async (of: Person) => (await logOf(of)).chain
const listed = async (of: Person, by = phone) => {
  const own = await chainOf(of)
  return (await entryOf(by)).devices.find(({ chain }) => chain === own)
}

/** One that was linked and has not asked to be let into the log. */
async function silent(name: string): Promise<Person> {
  const device = await network.link(name, phone)
  const { edge } = device.agent
  const made = await ownCandidate(edge)
  await edge.records.commit([put('log-candidate', 'self', { ...made, offered: nowSeconds(edge) })])
  await network.settle(phone, device)
  return device
}

const tell = async ({ agent: { edge } }: Person, type: string, body: JsonObject): Promise<void> =>
  edge.records.commit(await tellDevices(edge, type, body))

const text = (id: string, value: string) =>
  put('text', id, { contact: 'bob', from: 'me', text: value, at: value.length })
const write = ({ agent }: Person, id: string, value: string) => agent.edge.records.commit([text(id, value)])
const read = async ({ agent }: Person, id: string) => (await agent.edge.records.get('text', id))?.text
const said = async ({ agent }: Person) => (await agent.texts()).map((line) => line.text)
const syncAll = async (...people: Person[]): Promise<void> => {
  for (const { agent } of people) await agent.sync()
}

/** What the agency shows from now on; false leaves a batch out. */
function showing(change: (chain: string, seq: number) => boolean): () => void {
  const { store } = network.agency.options
  const honest: CloudStore['log'] = store.log
  store.log = async (vault, wanted, options) => {
    const page = await honest(vault, wanted, options)
    const seen = new Map<string, number>()
    const shown = page.shown.filter(({ chain }) => {
      const from = wanted.from.find((one) => one.chain === chain)?.seq ?? 0
      const seq = seen.get(chain) ?? from
      seen.set(chain, seq + 1)
      return chain === 'authority' || change(chain, seq)
    })
    return { ...page, shown }
  }
  return () => {
    store.log = honest
  }
}

describe('two devices', () => {
  it('see what the other changes and removes, in both directions, also what was there before', async () => {
    await write(phone, 'a', 'from the phone')
    await write(laptop, 'b', 'from the laptop')
    await syncAll(phone, laptop, phone)
    expect([await read(laptop, 'a'), await read(phone, 'b')]).toEqual(['from the phone', 'from the laptop'])
    await laptop.agent.edge.records.commit([{ category: 'text', name: 'a' }])
    await syncAll(laptop, phone)
    expect(await read(phone, 'a')).toBeUndefined()
    const tablet = await linked('tablet')
    await syncAll(tablet)
    expect([await read(tablet, 'a'), await read(tablet, 'b')]).toEqual([undefined, 'from the laptop'])
  })

  it('agree on what both changed apart, whatever their clocks say', async () => {
    laptop.skew = -120
    await write(phone, 'a', 'first')
    await syncAll(phone, laptop)
    // It follows the phone's, though by its clock it is two minutes older.
    await write(laptop, 'a', 'second')
    await syncAll(laptop, phone)
    expect(await read(phone, 'a')).toBe('second')
    network.advance(1)
    await write(laptop, 'b', 'laptop')
    network.advance(300)
    await write(phone, 'b', 'phone')
    await syncAll(phone, laptop, phone)
    expect([await read(phone, 'b'), await read(laptop, 'b')]).toEqual(['phone', 'phone'])
  })

  it('what is dated ahead waits, and comes when its time has come', async () => {
    laptop.skew = 3600
    await write(laptop, 'a', 'from tomorrow')
    await syncAll(laptop, phone)
    expect(await read(phone, 'a')).toBeUndefined()
    expect(phone.heard('waiting', /dated in the future/)).toBe(true)
    network.advance(3600)
    await syncAll(phone)
    expect(await read(phone, 'a')).toBe('from tomorrow')
  })

  it('each goes on after a restart at any moment', async () => {
    await write(phone, 'a', 'one')
    await phone.restart()
    await syncAll(phone)
    await laptop.restart()
    await syncAll(laptop)
    await write(laptop, 'a', 'two')
    await laptop.restart()
    await syncAll(laptop, phone)
    expect(await read(phone, 'a')).toBe('two')
  })

  it('have each text once, in the order in which it was said, whether it came to both or was sent by one', async () => {
    const bob = await network.person('bob')
    await network.connect(phone, bob)
    await network.settle(phone, laptop, bob)
    const lines = [
      [bob, 'one'],
      [phone, 'two'],
      [bob, 'three'],
      [bob, 'three'],
      [phone, 'five'],
    ] as const
    for (const [person, line] of lines) {
      await person.agent.sendText(person === bob ? 'alice' : 'bob', line)
      network.advance(1)
      await network.settle(bob, phone)
    }
    // The laptop is brought the same only now, and hears of the rest by the log.
    await network.settle(laptop, phone, bob)
    await network.settle(laptop, phone)
    for (const device of [phone, laptop]) expect(await said(device)).toEqual(lines.map(([, line]) => line))
  })

  it('keep a text as it was first, though its message comes again when that was forgotten', async () => {
    const bob = await network.person('bob')
    await network.connect(phone, bob)
    const { mine, peer } = await phone.agent.contact('bob')
    const message = { id: 'once', from: mine.state.now.did, to: peer?.state.now.did ?? '', type: BASIC_MESSAGE }
    const { edge } = phone.agent
    const send = () => edge.records.commit([queue(edge, { ...message, body: { content: 'hello' } })])
    await send()
    await network.settle(phone, bob)
    const before = await bob.agent.texts()
    network.advance(31 * 86_400)
    await syncAll(bob)
    await send()
    await network.settle(phone, bob)
    expect(before).toHaveLength(1)
    expect(await bob.agent.texts()).toEqual(before)
  })

  it('share what a contact gave, asked for and was told, and whom the owner blocked', async () => {
    const [acme, carol] = [await network.person('acme'), await network.person('carol')]
    for (const other of [acme, carol]) await network.connect(phone, other)
    const everybody = [phone, laptop, acme, carol]
    await network.settle(...everybody)
    await acme.agent.offer('alice', 'Member', { since: 2020 })
    await network.settle(...everybody)
    for (const device of [phone, laptop]) expect(await device.agent.requests()).toHaveLength(1)
    await phone.agent.approve()
    await network.settle(...everybody)
    await syncAll(laptop)
    expect(await laptop.agent.requests()).toEqual([])
    const [held] = await phone.agent.credentials()
    expect(await laptop.agent.credentials()).toEqual([held])
    await phone.agent.recovery.setUp({ contacts: ['acme', 'carol'], threshold: 2 })
    await network.settle(...everybody)
    for (const contact of [acme, carol]) await contact.agent.approve()
    await network.settle(...everybody)
    await laptop.agent.askFor('acme', { type: 'Member', domain: 'alice.example' })
    await laptop.agent.removeContact('carol', { block: true })
    await network.settle(...everybody)
    await syncAll(phone)
    expect(await phone.agent.presentations()).toEqual(await laptop.agent.presentations())
    expect(await phone.agent.blocked()).toEqual(await laptop.agent.blocked())
    expect(await phone.agent.blocked()).not.toEqual([])
    // What this release writes, it takes in.
    await acme.agent.offer('alice', 'Member', { since: 2021 })
    await acme.agent.sendText('alice', 'hello')
    await network.settle(acme, phone)
    const seen = new Set<string>()
    for (const { vault } of everybody)
      for (const { category, name, value } of await vault.exportRecords())
        if (SHARED.has(category)) {
          expect([category, name, isWhole(category, value)]).toEqual([category, name, true])
          seen.add(category)
        }
    expect([...seen].sort()).toEqual([...SHARED].sort())
    for (const device of [phone, laptop]) expect(device.heard('message-refused')).toBe(false)
  })

  it('prove a share that one of them took, and none says that it is lost', async () => {
    const [bob, carol] = [await network.person('bob'), await network.person('carol')]
    for (const other of [phone, carol]) await network.connect(bob, other)
    await network.settle(phone, laptop, bob, carol)
    await bob.agent.recovery.setUp({ contacts: ['alice', 'carol'], threshold: 2 })
    await network.settle(bob, laptop, phone)
    await laptop.agent.approve()
    await network.settle(bob, laptop)
    const health = async () => {
      const { contacts } = await bob.agent.recovery.status()
      return contacts.find(({ label }) => label === 'alice')
    }
    network.advance(SHARE_HEALTH_SECONDS)
    const asked = network.clock.now() / 1000
    await syncAll(bob)
    // It has not heard of the share yet, and leaves it to the laptop.
    await syncAll(phone, bob)
    expect((await health())?.answer).toBe('kept')
    await syncAll(laptop, bob)
    expect((await health())?.proven).toBeGreaterThanOrEqual(asked)
    for (const device of [phone, laptop]) expect(device.heard('message-refused')).toBe(false)
  })

  it('what one issues, another shows, and neither issues nor revokes without the keys', async () => {
    const bob = await network.person('bob')
    await network.connect(phone, bob)
    await network.settle(phone, laptop, bob)
    await phone.agent.offer('bob', 'Guest', { night: 1 })
    await syncAll(phone, laptop, bob)
    await bob.agent.approve()
    // The laptop has the offer when the answer comes, and leaves it to the phone.
    await syncAll(laptop, phone, laptop, bob)
    const [issued] = await phone.agent.issued()
    expect(issued?.credential).toBeDefined()
    expect(await laptop.agent.issued()).toEqual([issued])
    expect(await code(laptop.agent.offer('bob', 'Guest', {}))).toBe('NOT_ALLOWED_NOW')
    expect(await code(laptop.agent.revoke(issued?.id ?? ''))).toBe('NOT_ALLOWED_NOW')
    expect(await laptop.agent.edge.records.all('issuer')).toEqual([])
    expect((await laptop.agent.issued())[0]?.revokedAt).toBeUndefined()
    await laptop.agent.askFor('bob', { type: 'Guest', domain: 'alice.example' })
    await network.settle(laptop, bob)
    await bob.agent.approve()
    await network.settle(bob, phone, laptop, phone)
    await network.settle(laptop, phone)
    const [shown] = await laptop.agent.presentations()
    expect(shown?.verdict).toBeDefined()
    expect(await phone.agent.presentations()).toEqual([shown])
    expect(isWhole('presentation', shown as never)).toBe(true)
    for (const device of [phone, laptop]) expect(device.heard('message-refused')).toBe(false)
  })
})

describe('a device that comes in', () => {
  it('decides about the log only where it was given ADMIN', async () => {
    const desk = await linked('desk', ADMIN)
    const limited = await Promise.all([phone, laptop, desk].map(async (of) => (await listed(of))?.limited))
    expect(limited).toEqual([undefined, true, undefined])
    expect(await code(endInLog(laptop.agent.edge, await chainOf(phone)))).toBe('NOT_ALLOWED_NOW')
  })

  it('is let in once by two that may at the same moment', async () => {
    const desk = await linked('desk', ADMIN)
    const tablet = await network.link('tablet', phone)
    await syncAll(phone, tablet, desk, tablet)
    await Promise.all([phone, desk].map(({ agent }) => agent.sync()))
    await network.settle(phone, desk, laptop, tablet)
    for (const one of [phone, desk, laptop, tablet]) {
      expect((await entryOf(one)).hash).toBe((await entryOf(phone)).hash)
      expect(await listed(tablet, one)).toBeDefined()
    }
    expect((await entryOf(phone)).devices).toHaveLength(4)
  })

  it('asks again after a day where nobody has answered', async () => {
    const tablet = await silent('tablet')
    expect(await ownLog(tablet.agent.edge)).toBeUndefined()
    network.advance(86_400)
    await network.settle(tablet, phone)
    expect((await logOf(tablet)).log).toBe((await logOf(phone)).log)
  })

  it('that claims the chain of another, or a second one, MUST NOT be listed', async () => {
    const tablet = await silent('tablet')
    const [theirs, before] = [await listed(laptop), await entryOf(phone)]
    if (!theirs) throw new Error('not listed')
    const { edge } = tablet.agent
    const made = await ownCandidate(edge)
    const account = (await tablet.agent.profile()).agency?.account ?? ''
    const signed = await offerOf(edge, { ...made, chain: theirs.chain }, account)
    const offers: JsonObject[] = [
      // Its own key on the chain of another; the keys of another, as another signed them, and as it signs them itself.
      signed,
      await offerOf(laptop.agent.edge, await logOf(laptop), (await laptop.agent.profile()).agency?.account ?? ''),
      candidateBody(theirs, base64url.decode(String(signed['sig']))),
    ]
    for (const body of offers) {
      await tell(tablet, LOG_CANDIDATE, body)
      await network.settle(tablet, phone)
    }
    expect(phone.heard('waiting', /chain that tablet offers is another’s/)).toBe(true)
    expect((await entryOf(phone)).hash).toBe(before.hash)
    await tell(tablet, LOG_CANDIDATE, await offerOf(edge, made, account))
    await network.settle(tablet, phone)
    expect((await logOf(tablet)).chain).toBe(made.chain)
    const second = await ownCandidate(edge)
    await tell(tablet, LOG_CANDIDATE, await offerOf(edge, second, account))
    await network.settle(tablet, phone)
    expect(phone.heard('waiting', /tablet has a chain of this log already/)).toBe(true)
    // Nor by one that has not heard of the first: the log itself says whose each chain is.
    const device = { account, name: 'tablet', admin: false }
    expect(await code(admitToLog(phone.agent.edge, device, await listedAs(edge, second)))).toBe('BAD_DEVICE')
    expect((await entryOf(phone)).devices).toHaveLength(3)
  })

  it('MUST NOT join a log at the word of a device without ADMIN, nor one that does not list it', async () => {
    const desk = await linked('desk', ADMIN)
    const { log, authority } = await logOf(phone)
    const vault = (await phone.agent.edge.records.get('holder', 'own'))?.vault ?? ''
    const invitation = { log, vault, ...authority }
    const mallory = await network.person('mallory')
    await requireLog(mallory.agent.edge)
    const other = await logOf(mallory)
    const another = { ...invitation, log: other.log, ...other.authority }
    const wrong = [
      [laptop, invitation, 'message-refused', /may not say which log/],
      [desk, invitation, 'waiting', /does not list it/],
      [desk, another, 'waiting', /does not show what it had/],
      [desk, { ...invitation, hash: base64url.encode(new Uint8Array(32)) }, 'waiting', /does not show what it had/],
    ] as const
    for (const [n, [from, body, kind, text]] of wrong.entries()) {
      const tablet = await silent(`tablet${n}`)
      await syncAll(from)
      await tell(from, LOG_INVITATION, body)
      await syncAll(from, tablet)
      expect(tablet.heard(kind, text)).toBe(true)
      // It asks anew, and is let in; then no word brings it into another log.
      network.advance(86_400)
      await network.settle(tablet, phone)
      expect((await logOf(tablet)).log).toBe(log)
      await ownCandidate(tablet.agent.edge)
      tablet.events.length = 0
      await tell(desk, LOG_INVITATION, another)
      await network.settle(desk, tablet)
      expect((await logOf(tablet)).log).toBe(log)
      expect(tablet.heard('waiting')).toBe(false)
    }
  })

  it('is in, whichever write of which device was the last before a power cut', { timeout: 300_000 }, async () => {
    for (const victim of ['old', 'new'] as const) {
      for (let writes = 0, cut = true; cut; writes++) {
        const name = `${victim}${writes}`
        const old = await network.person(name)
        const fresh = await network.link('second', old)
        await syncAll(old, fresh)
        const hit = victim === 'old' ? old : fresh
        hit.powerCutAfter(writes)
        for (const { agent } of [fresh, old, fresh, old]) await agent.sync().catch(() => {})
        cut = hit.powerGone
        await hit.restart()
        await network.settle(fresh, old)
        const [one, other] = [await logOf(old), await logOf(fresh)]
        expect([name, other.log]).toEqual([name, one.log])
        expect((await entryOf(old)).devices).toHaveLength(2)
        await write(old, 'a', 'after')
        await syncAll(old, fresh)
        expect(await read(fresh, 'a')).toBe('after')
      }
    }
  })
})

describe('a device that was taken out', () => {
  it('reads nothing new and writes nothing that counts', async () => {
    await write(laptop, 'a', 'while it belonged')
    await syncAll(laptop, phone)
    const thief = await laptop.stolen('thief')
    await phone.agent.devices.revoke('laptop')
    await syncAll(phone)
    expect((await phone.agent.devices.own())[1]?.left).toMatchObject({ agency: false, log: false })
    await write(phone, 'b', 'after')
    await write(laptop, 'a', 'and on')
    // Also where the agency goes on serving it.
    const { store } = network.agency.options
    const standing = await store.standing((await phone.agent.profile()).agency?.account ?? '')
    store.standing = async () => ({ ...standing, admin: false })
    await syncAll(phone, laptop, thief, phone)
    expect([await read(phone, 'a'), await read(laptop, 'b')]).toEqual(['while it belonged', undefined])
    expect((await entryOf(phone)).epoch).toBe(1)
  })

  it('cannot keep itself in by a chain that does not fit', async () => {
    await write(laptop, 'a', 'one')
    await syncAll(laptop)
    const { chain, seq } = await logOf(laptop)
    showing((one, at) => one !== chain || at !== seq - 1)
    await write(laptop, 'a', 'two')
    await syncAll(laptop, phone)
    expect(phone.heard('waiting', /leaves out changes/)).toBe(true)
    await phone.agent.devices.revoke('laptop')
    await syncAll(phone)
    expect((await listed(laptop))?.end).toMatchObject({ seq: seq - 2 })
  })

  it('is out, whichever write was the last before a power cut', { timeout: 300_000 }, async () => {
    for (let writes = 0, cut = true; cut; writes++) {
      const old = await network.person(`old${writes}`)
      const gone = await network.link('second', old)
      await network.settle(old, gone)
      await old.agent.devices.revoke('second')
      old.powerCutAfter(writes)
      await old.agent.sync().catch(() => {})
      cut = old.powerGone
      await old.restart()
      await network.settle(old)
      expect((await listed(gone, old))?.end).toBeDefined()
      expect((await old.agent.devices.own())[1]?.left).toEqual({
        contacts: [],
        agency: false,
        authority: false,
        ledger: false,
        log: false,
      })
    }
  })

  it('is out by what the log says of its account, where the devices were not told its chain', async () => {
    const list = (await phone.agent.edge.records.get('own-devices', 'self')) as OwnDevices
    const devices = list.devices.map(({ chain: _, ...device }) => device)
    await phone.agent.edge.records.commit([put('own-devices', 'self', { ...list, devices })])
    await phone.agent.devices.revoke('laptop')
    await syncAll(phone)
    expect((await listed(laptop))?.end).toBeDefined()
    expect((await listed(phone))?.end).toBeUndefined()
  })

  it('is out after another device had its turn first, and after an outage', async () => {
    const desk = await linked('desk', ADMIN)
    await syncAll(desk, phone)
    const { store } = network.agency.options
    const honest = store.putEntry
    store.putEntry = async (...given) => {
      store.putEntry = honest
      // The other device decides something while this one's word is under way.
      const { edge } = desk.agent
      const { entry, changes } = await nextEntry(edge, await logOf(desk), { freshKey: true })
      await claimEntry(edge, entry)
      await edge.records.commit(changes)
      return honest(...given)
    }
    await phone.agent.devices.revoke('laptop')
    await syncAll(phone)
    expect((await phone.agent.devices.own()).find(({ name }) => name === 'laptop')?.left?.log).toBe(true)
    network.wires.cut(AGENCY)
    await syncAll(phone)
    network.wires.mend(AGENCY)
    await network.settle(phone, desk)
    for (const one of [phone, desk]) expect((await listed(laptop, one))?.end).toBeDefined()
  })
})

describe('a device that was stolen', () => {
  it('writes into no other what would stop it, nor what a device keeps about itself', async () => {
    const line = { contact: 'bob', from: 'them', text: 'hello', at: 1 }
    const wrong: [Category, object][] = [
      ['text', { ...line, at: 'now' }],
      ['text', { ...line, more: 1 }],
      ['credential', { credential: {}, receipt: {}, subject: 'did:x:yyyyy', relationship: 'r', received: 1 }],
      ['presentation', {}],
      ['issued', { id: 'x' }],
      ['blocked', {}],
      ['share', { relationship: 'r', packet: 'AAAA', received: 1, keep: 1 }],
      ['request', { id: 'x', kind: 'connection', relationship: '', summary: '', received: 1, thid: 'x', body: {} }],
      ['identity', { ...(await phone.agent.publicIdentity()), seq: 9, status: 'lost' }],
      ['profile', { label: 'mallory' }],
    ]
    const changes = wrong.map(([category, value], n) => put(category, `forged${n}`, value as never))
    const asked: PendingRequest = {
      ...{ id: 'asked', thid: 'asked', kind: 'device-approval', relationship: '', summary: '', received: 1, body: {} },
    }
    await phone.agent.edge.records.commit([put('request', 'asked', asked)])
    const gone = [put('request', 'asked', { ...asked, kind: 'credential-offer' }), remove('request', 'asked')]
    await laptop.agent.edge.records.commit([...changes, put('text', 'sound', line as never)])
    await backUp(laptop.agent.edge)
    for (const change of gone) {
      await laptop.agent.edge.records.commit([change])
      await backUp(laptop.agent.edge)
    }
    await syncAll(phone)
    expect(await read(phone, 'sound')).toBe('hello')
    expect(await phone.agent.edge.records.get('request', 'asked')).toEqual(asked)
    for (const [n, [category]] of wrong.entries())
      expect([category, await phone.agent.edge.records.get(category, `forged${n}`)]).toEqual([category, undefined])
    await expect(phone.agent.sync()).resolves.toMatchObject({ waiting: 0 })
  })
})

describe('an agency', () => {
  it('that leaves out a change in the middle is BATCH_MISSING, and nothing after it is taken in', async () => {
    await syncAll(phone, laptop)
    const { chain, seq: next } = await logOf(phone)
    for (const value of ['one', 'two', 'three']) {
      await write(phone, 'a', value)
      await syncAll(phone)
    }
    const stop = showing((one, seq) => one !== chain || seq !== next)
    expect(await code(followDevices(laptop.agent.edge))).toBe('BATCH_MISSING')
    expect(await read(laptop, 'a')).toBeUndefined()
    stop()
    expect(await code(followDevices(laptop.agent.edge))).toBe('done')
    expect(await read(laptop, 'a')).toBe('three')
  })

  it('that hides one device’s newest changes is found out by what another has seen', async () => {
    const tablet = await linked('tablet')
    await syncAll(phone, laptop, tablet, phone, laptop)
    await write(phone, 'a', 'hidden')
    await syncAll(phone, tablet)
    await write(tablet, 'b', 'seen')
    await syncAll(tablet)
    const chain = await chainOf(phone)
    showing((one) => one !== chain)
    expect(await code(followDevices(laptop.agent.edge))).toBe('BATCH_MISSING')
  })

  it('that shows what is no part of a log is BATCH_TAMPERED', async () => {
    await write(phone, 'a', 'one')
    await syncAll(phone)
    const { store } = network.agency.options
    const honest = store.log
    store.log = async (...args) => {
      const page = await honest(...args)
      return { ...page, shown: [...page.shown, { chain: 'x', bytes: new Uint8Array(400) }] }
    }
    expect(await code(followDevices(laptop.agent.edge))).toBe('BATCH_TAMPERED')
  })

  it('that was set back is LOG_ROLLED_BACK', async () => {
    for (const value of ['one', 'two']) {
      await write(phone, 'a', value)
      await syncAll(phone, laptop)
    }
    const { store } = network.agency.options
    const honest = store.log
    store.log = async (...args) => {
      const page = await honest(...args)
      return { ...page, heads: page.heads.map((head) => ({ ...head, seq: 0 })), shown: [] }
    }
    expect(await code(followDevices(laptop.agent.edge))).toBe('LOG_ROLLED_BACK')
  })
})
