/** Changing who helps (flow V15): a new deal that takes effect with a quorum, the old one served as long as rule 5 says. */
import type { Kit } from '@keystead/recovery'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { put } from '../../agent/src/edge/store.ts'
import { MAX_RECOVER_TOLD, RECOVER_AGAIN_SECONDS } from '../../agent/src/limits.ts'
import { AGENCY, Network } from './network.ts'
import type { Person } from './person.ts'

const DELAY = 600
const PIN = '739164'
const AGENTS = ['north', 'east', 'south'].map((name) => `http://${name}.test`)
let network: Network
let alice: Person
let people: Map<string, Person>
let kit: Kit

beforeEach(async () => {
  network = await Network.open()
  alice = await network.person('alice')
  people = new Map()
  for (const name of ['bob', 'carol', 'dave', 'erin']) {
    const contact = await network.person(name)
    await network.connect(alice, contact)
    people.set(name, contact)
  }
  kit = await alice.agent.recovery.setUp({ contacts: ['bob', 'carol', 'dave'], threshold: 2, delay: DELAY })
  await answer('bob', 'carol', 'dave')
})

afterEach(() => network.close())

const who = (...names: string[]): Person[] => names.map((name) => people.get(name) as Person)
const code = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => 'done',
    (error: { code?: string }) => error.code ?? error,
  )
const status = () => alice.agent.recovery.status()

/** These agree to keep a share; the wallets of others are off. */
async function answer(...names: string[]): Promise<void> {
  await network.settle(alice, ...who(...names))
  for (const contact of who(...names)) await contact.agent.approve()
  await network.settle(alice, ...who(...names))
}

async function hold(): Promise<number> {
  const { state, at } = await alice.agent.edge.ports.ledger.resolve(await alice.did())
  const held = state?.recovery.held
  return held ? held.start + held.delay - at.time : 0
}

/** In steps, for time in which the ledger stands still does not count (rule 11). */
async function untilHoldIsOver(): Promise<void> {
  for (let waited = 0; waited < 2 * DELAY + 600; waited += 240) {
    network.advance(240)
    await alice.agent.sync()
  }
}

async function help(device: Person, ...names: string[]): Promise<void> {
  for (const contact of who(...names)) await network.help(device, contact)
}

const accountOf = async ({ agent }: Person) => (await agent.profile()).agency?.account ?? ''
const statuses = async ({ agent }: Person) => (await agent.identities()).map((identity) => identity.status)

describe('a change of contacts', () => {
  it('waits until one more than is needed has confirmed; until then the set-up before counts', async () => {
    const next = await alice.agent.recovery.change({ contacts: { add: ['erin'], remove: ['carol'] } })
    await network.settle(alice)
    const { change, policy, missing, contacts } = await status()
    expect(policy?.epoch).toBe(1)
    expect(contacts.map(({ label }) => label)).toEqual(['bob', 'carol', 'dave'])
    expect(change).toMatchObject({ epoch: 2, needs: { contacts: 3 } })
    expect(change?.contacts.map(({ label }) => label)).toEqual(['bob', 'dave', 'erin'])
    expect(missing.map((lack) => lack.code)).toContain('CHANGE_WAITING')
    expect(await hold()).toBe(0)
    await answer('bob', 'dave')
    expect((await status()).change?.needs).toEqual({ contacts: 1, agents: 0 })
    expect(await hold()).toBe(0)
    await answer('erin')
    const after = await status()
    expect(after.policy?.epoch).toBe(2)
    expect(after.change).toBeUndefined()
    expect(after.contacts.map(({ label, answer: said }) => `${label} ${said}`)).toEqual([
      'bob kept',
      'dave kept',
      'erin kept',
    ])
    expect(await hold()).toBeGreaterThan(0)
    expect(after.earlierUntil).toBeGreaterThan(0)
    expect(alice.heard('recovery-changed')).toBe(true)
    expect(next.words).not.toBe(kit.words)
  })

  it('is not blocked by a dead phone: with carol’s gone for good, the others carry it', async () => {
    await alice.agent.recovery.change({ contacts: { add: ['erin'] } })
    await answer('bob', 'dave')
    expect((await status()).change?.needs.contacts).toBe(1)
    await answer('erin')
    const { policy, contacts, change } = await status()
    expect(policy?.epoch).toBe(2)
    expect(change).toBeUndefined()
    expect(contacts.find(({ label }) => label === 'carol')?.answer).toBe('waiting')
  })

  it('keeps the old deal while the ledger holds the new one, and then the new alone opens (rule 5)', async () => {
    const next = await alice.agent.recovery.change({ contacts: { add: ['erin'], remove: ['carol'] } })
    await answer('bob', 'dave', 'erin')
    await network.settle(alice, ...people.values())
    const early = await network.newDevice(next, 'early')
    await help(early, 'dave', 'erin')
    expect(await code(early.agent.recovery.finish())).toBe('ANOTHER_SET_COUNTS')
    expect(await statuses(early)).toEqual(['active'])
    // Carol is no contact any more, and still keeps what the ledger may call for.
    const old = await network.newDevice(kit, 'old')
    await help(old, 'bob', 'carol')
    await old.agent.recovery.finish()
    expect(await statuses(old)).toEqual(['recovering'])
    await network.settle(alice, ...people.values())
    network.advance(30)
    await alice.agent.sync()
    await alice.agent.recovery.veto()
    await network.settle(alice, ...people.values())
  })

  it('after the hold the new kit and shares open, and the old ones claim nothing', async () => {
    const next = await alice.agent.recovery.change({ contacts: { add: ['erin'], remove: ['carol'] } })
    await answer('bob', 'dave', 'erin')
    await network.settle(alice, ...people.values())
    await untilHoldIsOver()
    await network.settle(alice, ...people.values())
    expect((await status()).earlierUntil).toBeUndefined()
    const old = await network.newDevice(kit, 'old')
    await help(old, 'bob', 'carol')
    expect(await code(old.agent.recovery.finish())).toBe('ANOTHER_SET_COUNTS')
    const device = await network.newDevice(next)
    await help(device, 'dave', 'erin')
    await device.agent.recovery.finish()
    expect(await statuses(device)).toEqual(['recovering'])
  })

  it('a contact who hears late of it refuses the new kit, and takes it by itself when their hold is over (RELATIONSHIP-36)', async () => {
    const [bob, ...others] = who('bob', 'carol', 'dave', 'erin') as [Person, ...Person[]]
    const next = await alice.agent.recovery.change({ contacts: { add: ['erin'], remove: ['bob'] } })
    await answer('carol', 'dave', 'erin')
    await untilHoldIsOver()
    await network.settle(alice, ...others)
    const device = await network.newDevice(next)
    await help(device, 'dave', 'erin')
    await device.agent.recovery.finish()
    await network.settle(device, bob)
    expect(bob.heard('message-refused', /RECOVERY_KEY_UNKNOWN/)).toBe(true)
    const towardsBob = async () => (await device.agent.contact('bob')).recovering
    expect(await towardsBob()).toMatchObject({ times: 1 })
    // Not a second time for each sync, and nothing that a person would have to do.
    await network.settle(device, bob)
    expect(await towardsBob()).toMatchObject({ times: 1 })
    network.advance(RECOVER_AGAIN_SECONDS + 1)
    await network.settle(device, bob, device)
    expect((await towardsBob())?.until).toBeGreaterThan(0)
    network.advance(DELAY + 60)
    await network.settle(bob, device, bob)
    expect(await towardsBob()).toBeUndefined()
    const { mine } = await device.agent.contact('bob')
    expect((await bob.agent.contact('alice')).peer?.state.now.did).toBe(mine.state.now.did)
  })

  it('a contact who never answers is told of a recovery so often and no more (RELATIONSHIP-36)', async () => {
    const [bob] = who('bob') as [Person]
    const device = await network.newDevice(kit)
    await help(device, 'carol', 'dave')
    await device.agent.recovery.finish()
    const relationship = await device.agent.contact('bob')
    const worn = { ...relationship, recovering: { told: 0, times: MAX_RECOVER_TOLD } }
    await network.settle(device)
    await device.agent.edge.records.commit([put('relationship', relationship.id, worn)])
    const waiting = async () => (await network.agency.options.store.mailStatus(await accountOf(bob))).count
    const before = await waiting()
    await network.settle(device)
    expect(await waiting()).toBe(before)
    await device.agent.edge.records.commit([
      put('relationship', relationship.id, { ...worn, recovering: { told: 0, times: MAX_RECOVER_TOLD - 1 } }),
    ])
    await network.settle(device)
    expect(await waiting()).toBe(before + 1)
  })

  it('a contact who was taken out forgets the share when its time is over, whoever holds the owner’s wallet', async () => {
    await alice.agent.recovery.change({ contacts: { add: ['erin'], remove: ['carol'] } })
    await answer('bob', 'dave', 'erin')
    const [carol] = who('carol') as [Person]
    await network.settle(alice, carol)
    const [share] = (await carol.agent.edge.records.all('share')).map(({ value }) => value)
    expect(share?.supersededAt).toBeDefined()
    // What the owner said at the deal counts, not what somebody says with the wallet later.
    network.advance((share?.keep ?? 0) - 60)
    await network.settle(carol)
    expect(await carol.agent.edge.records.all('share')).toHaveLength(1)
    network.advance(120)
    await network.settle(carol)
    expect(await carol.agent.edge.records.all('share')).toEqual([])
  })

  it('that another contact names is not touched: a share is superseded by its owner alone', async () => {
    const [bob, carol] = who('bob', 'carol') as [Person, Person]
    await network.connect(bob, carol)
    const { toPeer } = await import('../../agent/src/edge/context.ts')
    const [share] = await carol.agent.edge.records.all('share')
    const message = {
      type: 'https://keystead.dev/recovery-contact/1.0/superseded',
      body: { set: share?.name ?? '' },
    }
    const towardsCarol = await bob.agent.contact('carol')
    await bob.agent.edge.records.commit([toPeer(bob.agent.edge, towardsCarol, message)])
    await network.settle(bob, carol)
    expect((await carol.agent.edge.records.all('share'))[0]?.value.supersededAt).toBeUndefined()
  })

  it('that is given up is forgotten by all, and the set-up before never stopped counting', async () => {
    await alice.agent.recovery.change({ contacts: { add: ['erin'] } })
    await answer('erin')
    await network.settle(alice, ...who('bob'))
    await alice.agent.recovery.cancelChange()
    await network.settle(alice, ...people.values())
    expect(await code(alice.agent.recovery.cancelChange())).toBe('NOT_ALLOWED_NOW')
    expect(await people.get('bob')?.agent.requests()).toEqual([])
    const [erin] = who('erin') as [Person]
    expect((await erin.agent.edge.records.all('share'))[0]?.value.supersededAt).toBeDefined()
    expect((await status()).contacts.map(({ answer: said }) => said)).toEqual(['kept', 'kept', 'kept'])
    const device = await network.newDevice(kit)
    await help(device, 'bob', 'carol')
    await device.agent.recovery.finish()
    expect(await statuses(device)).toEqual(['recovering'])
  })

  it('goes on after restarts, and a second change takes the place of one that waits', async () => {
    await alice.agent.recovery.change({ contacts: { add: ['erin'] } })
    await network.settle(alice, ...people.values())
    await alice.restart()
    await alice.agent.recovery.change({ contacts: { add: ['erin'], remove: ['dave'] } })
    await alice.restart()
    await network.settle(alice, ...people.values())
    for (const contact of who('bob', 'carol', 'erin')) expect(await contact.agent.requests()).toHaveLength(1)
    expect(await people.get('dave')?.agent.requests()).toEqual([])
    await answer('bob', 'carol', 'erin')
    expect((await status()).policy?.epoch).toBe(3)
    expect((await alice.agent.edge.records.all('setup')).map(({ name }) => name)).toEqual(['1', '3'])
  })

  it('needs names that fit: a stranger, somebody twice, too few, or no set-up are refused', async () => {
    const change = (contacts: object) => code(alice.agent.recovery.change({ contacts }))
    expect(await change({ add: ['mallory'] })).toBe('UNKNOWN_CONTACT')
    expect(await change({ remove: ['erin'] })).toBe('UNKNOWN_CONTACT')
    expect(await change({ add: ['bob'] })).toBe('AMBIGUOUS_CONTACT')
    expect(await change({ remove: ['bob', 'carol'] })).toBe('BAD_POLICY')
    expect(await code((people.get('bob') as Person).agent.recovery.change({}))).toBe('RECOVERY_NOT_SET_UP')
  })

  it('takes nobody for another of the same name: which of them is to go is said by the id', async () => {
    const carol = await alice.agent.contact('carol')
    await alice.agent.edge.records.commit([put('relationship', carol.id, { ...carol, label: 'Bob' })])
    const change = (name: string) => alice.agent.recovery.change({ contacts: { add: ['erin'], remove: [name] } })
    expect(await code(change('bob'))).toBe('AMBIGUOUS_CONTACT')
    await change(carol.id)
    const after = (await status()).change?.contacts.map(({ id }) => id)
    expect(after).toHaveLength(3)
    expect(after).not.toContain(carol.id)
  })
})

describe('a change of the PIN’s agents', () => {
  it('needs the PIN; a dead agency is taken out, another put in, and the old shares go when their time is over', async () => {
    for (const name of ['north', 'east', 'south', 'west']) await network.addAgency(name)
    const escrow = { pin: PIN, agencies: AGENTS }
    const options = { contacts: ['bob', 'carol', 'dave'], threshold: 2, delay: DELAY, escrow }
    await alice.agent.recovery.setUp(options)
    await answer('bob', 'carol', 'dave')
    expect((await status()).policy?.epoch).toBe(2)
    network.wires.cut('http://south.test')
    const agents = { add: ['http://west.test'], remove: ['http://south.test'] }
    expect(await code(alice.agent.recovery.change({ agents }))).toBe('PIN_NEEDED')
    expect(await code(alice.agent.recovery.change({ agents: { add: ['http://west.test'] }, pin: PIN }))).toBe(
      'AGENCY_UNREACHABLE',
    )
    const next = await alice.agent.recovery.change({ agents, pin: PIN })
    await answer('bob', 'carol', 'dave')
    const { policy, agents: now } = await status()
    expect(policy?.epoch).toBe(3)
    expect(now.map(({ operator, answer: said }) => `${operator} ${said}`)).toEqual([
      'north kept',
      'east kept',
      'west kept',
    ])
    await untilHoldIsOver()
    await network.settle(alice, ...people.values())
    const device = await network.newDevice(next)
    await device.agent.recovery.enterPin(PIN)
    await device.agent.recovery.finish()
    expect(await statuses(device)).toEqual(['recovering'])
  })
})

describe('V19: an agent of the PIN that the wallet leaves', () => {
  it('counts until the new agency has a share of its own, by a deal for which the PIN is asked, and then deletes its own', async () => {
    const [north] = await Promise.all(['north', 'east', 'south'].map((name) => network.addAgency(name)))
    const escrow = { pin: PIN, agencies: [AGENCY, ...AGENTS.slice(1)] }
    await alice.agent.recovery.setUp({ contacts: ['bob', 'carol', 'dave'], threshold: 2, delay: DELAY, escrow })
    await answer('bob', 'carol', 'dave')
    await untilHoldIsOver()
    const before = await alice.agent.edge.records.get('escrow', String((await status()).policy?.epoch))
    const [{ account = '' } = {}] = (before?.agents ?? []).filter(({ endpoint }) => endpoint === AGENCY)
    const { store } = network.agency.options
    expect(await store.escrow(account)).toBeDefined()
    expect((await status()).leftBehind).toBeUndefined()

    await alice.agent.moveTo({ did: north?.options.did ?? '', url: AGENTS[0] ?? '' })
    await network.settle(alice, ...people.values())
    const left = { from: AGENCY, to: AGENTS[0] }
    expect((await status()).leftBehind).toEqual(left)
    expect((await status()).agents.map(({ endpoint }) => endpoint)).toContain(AGENCY)
    const agents = { remove: [left.from], add: [left.to ?? ''] }
    expect(await code(alice.agent.recovery.change({ agents }))).toBe('PIN_NEEDED')
    await alice.agent.recovery.change({ agents, pin: PIN })
    await network.settle(alice)
    expect((await status()).leftBehind).toEqual({ ...left, changing: true })
    expect((await status()).agents.map(({ endpoint }) => endpoint)).toContain(AGENCY)
    await answer('bob', 'carol', 'dave')
    const { leftBehind, agents: now } = await status()
    expect(leftBehind).toBeUndefined()
    expect(now.map(({ endpoint, answer }) => [endpoint, answer])).toEqual(
      ['east', 'south', 'north'].map((name) => [`http://${name}.test`, 'kept']),
    )
    // The ledger still holds the deal before: its share stays, also when the agency forgets everything else.
    expect(await store.escrow(account)).toBeDefined()
    expect(await code(alice.agent.stopForwarding())).toBe('done')
    expect(await store.escrow(account)).toBeDefined()
    network.advance(30 * 86_400)
    await network.settle(alice)
    expect(await store.escrow(account)).toBeUndefined()
  })
})
