/** A veto by a thief's device, overruled by contacts who have the owner before them (rule 27, RECOVERY-27), and who misuses that. */
import { base64url, systemRandom } from '@keystead/core'
import { decodeMultikey } from '@keystead/crypto'
import { type Kit, makeSharePackets, parseSharePacket, sealSharePacket } from '@keystead/recovery'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { queue } from '../../agent/src/edge/context.ts'
import { HELP_HANDED, SHARE } from '../../agent/src/protocols/recovery/messages.ts'
import { dealTo, threeContacts } from './dealing.ts'
import { AGENCY, Network } from './network.ts'
import type { Person } from './person.ts'

const DELAY = 600
let network: Network
let alice: Person
/** Alice's device, unlocked, in other hands; she has none any more. */
let thief: Person
let contacts: Person[]
let kit: Kit

beforeEach(async () => {
  network = await Network.open()
  alice = await network.person('alice')
  contacts = await threeContacts(network, alice)
})

afterEach(() => network.close())

const code = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => 'done',
    (error: { code?: string }) => error.code ?? error,
  )

const statuses = async ({ agent }: Person) => (await agent.identities()).map(({ status }) => status)

async function setUp(overrule: boolean): Promise<void> {
  kit = await dealTo(network, alice, contacts, { overrule, delay: DELAY })
  thief = await alice.stolen('thief')
}

/** A recovery in a new wallet, by two contacts. */
async function recover(name: string, inPerson: readonly boolean[]): Promise<Person> {
  const device = await network.newDevice(kit, name)
  for (const [index, met] of inPerson.entries())
    await network.help(device, contacts[index] as Person, { inPerson: met })
  await device.agent.recovery.finish()
  await network.settle(device, ...contacts)
  return device
}

async function veto(): Promise<unknown> {
  network.advance(30)
  await thief.agent.sync()
  return code(thief.agent.recovery.veto())
}

describe('a veto by a thief’s device', () => {
  it('is overruled by contacts whom the owner met: no other veto stops that, and authority returns when its delay is over', async () => {
    await setUp(true)
    const first = await recover('first', [false, false])
    expect(await veto()).toBe('done')
    network.advance(30)
    await network.settle(first, ...contacts)
    expect(await statuses(first)).toEqual(['lost'])
    expect(first.heard('identity-lost', /contacts who meet you overrule it/)).toBe(true)

    const second = await recover('second', [true, true])
    expect(await statuses(second)).toEqual(['recovering'])
    expect(await veto()).toBe('VETOES_SPENT')
    network.advance(DELAY + 60)
    await network.settle(second, ...contacts)
    expect(await statuses(second)).toEqual(['active'])
    const { did } = await second.agent.publicIdentity()
    const { state } = await second.agent.edge.ports.ledger.resolve(did)
    expect(state?.auth.keys).toEqual((await second.agent.publicIdentity()).auth.keys)
    // The thief's device holds nothing any more.
    network.advance(30)
    await thief.agent.sync()
    expect(await statuses(thief)).toEqual(['lost'])
  })

  it('is not overruled by contacts who were only called, nor by fewer than the threshold', async () => {
    await setUp(true)
    await recover('first', [false, false])
    await veto()
    network.advance(DELAY + 60)
    // One of the two was met: an ordinary recovery, which the thief can veto as before.
    const second = await recover('second', [true, false])
    // The thief's device goes on vetoing by itself (RECOVERY-19).
    network.advance(30)
    await thief.agent.sync()
    network.advance(30)
    await network.settle(second)
    expect(await statuses(second)).toEqual(['lost'])
  })

  it('cannot be overruled before there is one: contacts, or whoever deceived them, begin as everybody does', async () => {
    await setUp(true)
    await recover('deceiver', [true, true])
    expect(await veto()).toBe('done')
  })

  it('is overruled where the owner set that up, and contacts who were given nothing for it say so', async () => {
    await setUp(false)
    const device = await network.newDevice(kit, 'first')
    const [bob] = contacts as [Person]
    expect(await code(network.help(device, bob, { inPerson: true }))).toBe('NOT_ALLOWED_NOW')
    expect((await device.agent.recovery.progress())?.have).toBe(0)
  })

  it('is not overruled by contacts alone: what they give in person is no group beside their shares', async () => {
    await setUp(true)
    const device = await network.newDevice(undefined, 'first')
    for (const contact of contacts.slice(0, 2)) await network.help(device, contact, { owner: 'alice', inPerson: true })
    expect((await device.agent.recovery.progress())?.ready).toBe(false)
    expect(await code(device.agent.recovery.finish())).toBe('TOO_FEW_SHARES')
  })

  it('is not overruled with the kit and what one contact gave: neither opens the other’s part', async () => {
    await setUp(true)
    const device = await network.newDevice(kit, 'first')
    await network.help(device, contacts[0] as Person, { inPerson: true })
    expect(await code(device.agent.recovery.finish())).toBe('TOO_FEW_SHARES')
  })
})

/** Packets that nobody's deal has. */
const strangePackets = (epoch = 1): Uint8Array[] =>
  makeSharePackets({
    secret: new Uint8Array(32).fill(9),
    policy: { threshold: 2, count: 3 },
    epoch,
    locator: kit.locator,
    owner: 'alice',
    agencies: [AGENCY],
    random: systemRandom,
  })

/** The contact keeps something else in the place of what is given in person. */
async function exchange(contact: Person, meeting: string): Promise<void> {
  const [share] = await contact.vault.list('share')
  const value = { ...share?.value, meeting }
  await contact.vault.put({ segment: 'authority', category: 'share', name: share?.name ?? '', value })
}

describe('contacts who cheat', () => {
  it('with something else in person, to the threshold: the recovery goes on by their shares, and can be vetoed as before', async () => {
    await setUp(true)
    const first = await recover('first', [false, false])
    expect(await veto()).toBe('done')
    network.advance(DELAY + 60)
    await network.settle(first)
    for (const [index, packet] of strangePackets().slice(0, 2).entries())
      await exchange(contacts[index] as Person, base64url.encode(packet))
    const second = await recover('second', [true, true])
    expect(second.heard('recovery-refused')).toBe(false)
    const did = await thief.did()
    const { state } = await second.agent.edge.ports.ledger.resolve(did)
    expect(state?.recovery.pending).toMatchObject({ seq: expect.any(Number) })
    expect(state?.recovery.pending?.firm).toBeUndefined()
  })

  it('with what is no packet: it is refused, and the others’ help is enough', async () => {
    await setUp(true)
    const [bob] = contacts as [Person]
    const device = await network.newDevice(kit, 'first')
    const { url } = (await device.agent.recovery.progress())?.rescue ?? { url: '' }
    const { session, did, peer, packet } = await bob.agent.recovery.help(url)
    await network.settle(device, bob)
    const helping = await bob.agent.recovery.helping(session)
    const keys = (helping?.ceremony as { keys?: { kem: string } } | undefined)?.keys
    const to = { suite: 'x-wing' as const, bytes: decodeMultikey(keys?.kem ?? '').bytes }
    const sealed = base64url.encode(sealSharePacket(base64url.decode(packet), to, session))
    await bob.agent.edge.records.commit([
      queue(bob.agent.edge, { from: did, to: peer, type: HELP_HANDED, body: { session, sealed, meeting: 'AAAA' } }),
    ])
    await network.settle(device, bob)
    expect(device.heard('message-refused')).toBe(true)
    expect((await device.agent.recovery.progress())?.have).toBe(0)
    for (const contact of contacts.slice(1)) await network.help(device, contact, { inPerson: true })
    expect((await device.agent.recovery.progress())?.ready).toBe(true)
  })
})

describe('what contacts give in person', () => {
  it('MUST be of the deal, the contact and the threshold of the share it comes with', async () => {
    await setUp(true)
    const [bob] = contacts as [Person]
    const shares = strangePackets()
    const offer = async (packet: Uint8Array, meeting: Uint8Array): Promise<void> => {
      const { mine, peer } = await alice.agent.contact('bob')
      const attachment = (id: string, bytes: Uint8Array) => ({
        id,
        mediaType: 'application/json',
        json: { packet: base64url.encode(bytes) },
      })
      const { set } = parseSharePacket(packet)
      await alice.agent.edge.records.commit([
        queue(alice.agent.edge, {
          from: mine.state.now.did,
          to: peer?.state.now.did ?? '',
          type: SHARE,
          body: { set, epoch: 1, threshold: 2, count: 3, keep: 60 },
          attachments: [attachment('packet', packet), attachment('meeting', meeting)],
        }),
      ])
      await network.settle(alice, bob)
    }
    const [first, second] = shares as [Uint8Array, Uint8Array]
    const three = makeSharePackets({
      secret: new Uint8Array(32).fill(8),
      policy: { threshold: 3, count: 3 },
      epoch: 1,
      locator: kit.locator,
      owner: 'alice',
      agencies: [AGENCY],
      random: systemRandom,
    })
    const bad = [first, second, strangePackets()[1], strangePackets(2)[0], three[0]]
    for (const meeting of bad) await offer(first, meeting as Uint8Array)
    expect(bob.events.filter(({ text }) => /given in person/.test(text))).toHaveLength(bad.length)
    await offer(first, strangePackets()[0] as Uint8Array)
    expect(await bob.agent.requests()).toHaveLength(1)
  })

  it('opens no backup: the log knows readers for the other paths alone', async () => {
    await setUp(true)
    const [setup] = (await alice.vault.list('setup')).map(({ value }) => value) as { paths: object[] }[]
    expect(setup?.paths).toHaveLength(2)
    const [holder] = (await alice.vault.list('holder')).map(({ value }) => value) as { readers: string[] }[]
    expect(holder?.readers).toHaveLength(1)
  })

  it('comes with the share, is of the same deal, and stays when the deal is changed', async () => {
    await setUp(true)
    const [bob] = contacts as [Person]
    const [share] = (await bob.vault.list('share')).map(({ value }) => value)
    expect(share).toMatchObject({ packet: expect.any(String), meeting: expect.any(String) })
    expect(String(share?.['meeting']).length).toBe(String(share?.['packet']).length)
    await alice.agent.recovery.change({ contacts: { remove: ['dave'] } })
    await network.settle(alice, ...contacts)
    expect((await alice.agent.recovery.status()).change?.epoch).toBe(2)
    const { policy } = (await alice.vault.list('setup')).map(({ value }) => value)[1] as { policy: { groups: object } }
    expect(Object.keys(policy.groups)).toEqual(['M', 'P', 'S'])
  })
})
