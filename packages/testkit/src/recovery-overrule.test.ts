/** A veto by a thief's device, overruled by contacts who have the owner before them (rule 27, RECOVERY-27), and who misuses that. */
import type { Kit } from '@keystead/recovery'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Network } from './network.ts'
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
  contacts = []
  for (const name of ['bob', 'carol', 'dave']) {
    const contact = await network.person(name)
    await network.connect(alice, contact)
    contacts.push(contact)
  }
})

afterEach(() => network.close())

const code = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => 'done',
    (error: { code?: string }) => error.code ?? error,
  )

const statuses = async ({ agent }: Person) => (await agent.identities()).map(({ status }) => status)

async function setUp(overrule: boolean): Promise<void> {
  kit = await alice.agent.recovery.setUp({
    contacts: ['bob', 'carol', 'dave'],
    threshold: 2,
    overrule,
    delay: DELAY,
  })
  await network.settle(alice, ...contacts)
  for (const contact of contacts) await contact.agent.approve()
  await network.settle(alice, ...contacts)
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

  it('is not overruled with the kit and what one contact gave: neither opens the other’s part', async () => {
    await setUp(true)
    const device = await network.newDevice(kit, 'first')
    await network.help(device, contacts[0] as Person, { inPerson: true })
    expect(await code(device.agent.recovery.finish())).toBe('TOO_FEW_SHARES')
  })
})

describe('what contacts give in person', () => {
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
