/** Share health and the rehearsal: a recovery that would fail is noticed before it is needed (row N6). */
import type { CloudAgent } from '@keystead/agent/cloud'
import { type Kit, parseKit, renderKit } from '@keystead/recovery'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { dealTo, threeContacts } from './dealing.ts'
import { Network } from './network.ts'
import type { Person } from './person.ts'

const DAY = 86_400
const PIN = '739164'
const NAMES = ['north', 'east', 'south']
let network: Network
let alice: Person
let bob: Person
let carol: Person
let dave: Person
let agencies: CloudAgent[]
let kit: Kit

beforeEach(async () => {
  network = await Network.open()
  agencies = []
  for (const name of NAMES) agencies.push(await network.addAgency(name))
  alice = await network.person('alice')
  const contacts = await threeContacts(network, alice)
  ;[bob, carol, dave] = contacts as [Person, Person, Person]
  const escrow = { pin: PIN, agencies: NAMES.map((name) => `http://${name}.test`) }
  kit = await dealTo(network, alice, contacts, { escrow })
})

afterEach(() => network.close())

const everybody = () => [alice, bob, carol, dave]
const lacks = async () => (await alice.agent.recovery.status()).missing.map(({ code }) => code)
const seconds = () => Math.floor(network.clock.now() / 1000)
const code = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => 'done',
    (error: { code?: string }) => error.code ?? error,
  )
/** Alice's rehearsal, while the people named have their wallets on. */
async function rehearse(people: readonly Person[], read?: Kit) {
  const agent = alice.agent
  let over = false
  const answering = (async () => {
    while (!over) {
      for (const { agent: other } of people) await other.sync()
      await new Promise((resolve) => setTimeout(resolve, 1))
    }
  })()
  const options = { until: seconds() + 5, ...(read ? { kit: parseKit(renderKit(read)) } : {}) }
  const found = await agent.recovery.rehearse(options).finally(() => {
    over = true
  })
  await answering
  return found
}

describe('a contact’s share', () => {
  it('is asked for each month, and shown without a person', async () => {
    const before = (await alice.agent.recovery.status()).contacts.map(({ proven }) => proven ?? 0)
    network.advance(29 * DAY)
    await network.settle(...everybody())
    expect((await alice.agent.recovery.status()).contacts.map(({ proven }) => proven)).toEqual(before)
    network.advance(2 * DAY)
    await network.settle(...everybody())
    for (const { proven, answer } of (await alice.agent.recovery.status()).contacts) {
      expect(answer).toBe('kept')
      expect(proven).toBeGreaterThan((before[0] ?? 0) + 30 * DAY)
    }
    expect(await carol.agent.requests()).toEqual([])
  })

  it('that is silent for 40 days does not count, and the owner is told by whom and for how long', async () => {
    network.advance(30 * DAY)
    await network.settle(alice, bob, dave)
    network.advance(10 * DAY)
    await network.settle(alice, bob, dave)
    const { missing, contacts } = await alice.agent.recovery.status()
    expect(missing.find((lack) => lack.code === 'CONTACT_SILENT')?.text).toContain('carol did not answer for 40 days')
    expect(contacts.map(({ answer }) => answer)).toEqual(['kept', 'silent', 'kept'])
    expect(alice.heard('recovery-reminder', /carol did not answer for 40 days/)).toBe(true)
    // Once a week, not with every synchronization.
    const told = () => alice.events.filter(({ kind }) => kind === 'recovery-reminder').length
    const once = told()
    await network.settle(alice)
    expect(told()).toBe(once)
    await network.settle(...everybody())
    expect(await lacks()).not.toContain('CONTACT_SILENT')
  })

  it('that is gone or damaged is told at the next question, and does not count', async () => {
    const [share] = await carol.agent.edge.records.all('share')
    await carol.agent.edge.records.commit([{ category: 'share', name: share?.name ?? '' }])
    const [other] = await dave.agent.edge.records.all('share')
    const packet = other?.value.packet ?? ''
    const damaged = packet.slice(0, 200) + (packet[200] === 'A' ? 'B' : 'A') + packet.slice(201)
    const value = { ...(other?.value as NonNullable<typeof other>['value']), packet: damaged }
    await dave.agent.edge.records.commit([{ category: 'share', name: other?.name ?? '', value }])
    network.advance(31 * DAY)
    await network.settle(...everybody())
    const { contacts } = await alice.agent.recovery.status()
    expect(contacts.map(({ answer }) => answer)).toEqual(['kept', 'lost', 'lost'])
    expect(await lacks()).toEqual(expect.arrayContaining(['SHARE_LOST', 'CONTACTS_MISSING']))
    expect(alice.heard('share-lost', /carol/)).toBe(true)
  })

  it('is shown to its owner alone: others learn what they would learn of none, and nobody proves for another', async () => {
    await network.connect(bob, carol)
    const [share] = await carol.agent.edge.records.all('share')
    const set = share?.name ?? ''
    // Bob, who keeps a share of the same set, asks Carol for hers.
    const { toPeer } = await import('../../agent/src/edge/context.ts')
    const nonce = 'A'.repeat(43)
    const type = 'https://keystead.dev/recovery-contact/1.0/health'
    const towardsCarol = await bob.agent.contact('carol')
    await bob.agent.edge.records.commit([toPeer(bob.agent.edge, towardsCarol, { type, body: { set, nonce } })])
    await network.settle(bob, carol)
    expect(bob.heard('message-refused', /not asked for a share/)).toBe(true)
    // And answers in Carol's place with the proof of his own.
    network.advance(30 * DAY)
    await network.settle(alice, bob)
    const asked = await alice.agent.edge.records.get('share-health', '1')
    expect(asked?.contacts.map((contact) => contact.nonce !== undefined)).toEqual([false, true, true])
    const answer = { set, nonce: asked?.contacts[1]?.nonce ?? '', proof: 'A'.repeat(43) }
    const towardsAlice = await bob.agent.contact('alice')
    const body = { type: 'https://keystead.dev/recovery-contact/1.0/health-answer', body: answer }
    await bob.agent.edge.records.commit([toPeer(bob.agent.edge, towardsAlice, body)])
    await network.settle(alice, bob)
    const after = await alice.agent.edge.records.get('share-health', '1')
    expect(after?.contacts[1]).toEqual(asked?.contacts[1])
    expect(after?.contacts[0]?.lost).toBeUndefined()
  })
})

describe('an agent’s part of the PIN', () => {
  it('is shown hourly; one that lost it, or does not answer, does not count', async () => {
    const [north] = agencies
    const [row] = (await alice.agent.edge.records.get('escrow', '1'))?.agents ?? []
    await north?.options.store.removeEscrow(row?.account ?? '')
    network.wires.cut('http://east.test')
    network.advance(3700)
    await network.settle(alice)
    expect(await lacks()).toContain('PIN_SHARE_LOST')
    expect(await lacks()).not.toContain('PIN_AGENT_SILENT')
    network.advance(4 * DAY)
    await network.settle(alice)
    const { missing, agents } = await alice.agent.recovery.status()
    expect(agents.map(({ answer }) => answer)).toEqual(['lost', 'silent', 'kept'])
    expect(missing.find((lack) => lack.code === 'PIN_AGENT_SILENT')?.text).toContain('for 4 days')
    network.wires.mend('http://east.test')
    network.advance(3700)
    await network.settle(alice)
    expect((await alice.agent.recovery.status()).agents.map(({ answer }) => answer)).toEqual(['lost', 'kept', 'kept'])
  })

  it('that another puts in its place is found out', async () => {
    const [north] = agencies
    const [row] = (await alice.agent.edge.records.get('escrow', '1'))?.agents ?? []
    const kept = await north?.options.store.escrow(row?.account ?? '')
    await north?.options.store.removeEscrow(row?.account ?? '')
    const record = { ...(kept?.record as NonNullable<typeof kept>['record']) }
    record.share = Uint8Array.from(record.share).fill(1, 0, 1)
    await north?.options.store.putEscrow(row?.sender ?? '', record, network.clock.now())
    await alice.agent.recovery.lookAtPin()
    expect((await alice.agent.recovery.status()).agents[0]?.answer).toBe('lost')
  })
})

describe('a rehearsal', () => {
  it('shows that all is there, and touches nothing (RECOVERY-22)', async () => {
    const guesses = async () => {
      const escrow = (await alice.agent.edge.records.get('escrow', '1'))?.agents ?? []
      return Promise.all(escrow.map(async ({ account }, i) => (await agencies[i]?.options.store.escrow(account))?.used))
    }
    const height = async () => (await alice.agent.edge.ports.ledger.resolve(await alice.did())).state?.seq
    const shares = () => Promise.all([bob, carol, dave].map((person) => person.vault.list('share')))
    const before = { guesses: await guesses(), height: await height(), shares: await shares() }
    const found = await rehearse([bob, carol, dave], kit)
    expect(found).toMatchObject({ ready: true, kit: 'read' })
    expect(found.contacts.map(({ result }) => result)).toEqual(['proven', 'proven', 'proven'])
    expect(found.agents.map(({ result, guessesUsed }) => `${result} ${guessesUsed}`)).toEqual(Array(3).fill('proven 0'))
    expect(found.agencies.map(({ result }) => result)).toEqual(['good', 'good'])
    expect(found.identities).toEqual([{ label: 'public', result: 'good' }])
    expect(found.paths.map(({ id, open }) => [id, open])).toEqual([
      ['E+P', true],
      ['E+S', true],
      ['P+S', true],
    ])
    expect({ guesses: await guesses(), height: await height(), shares: await shares() }).toEqual(before)
    // The kit was read back, and nothing of it stays.
    expect(await lacks()).not.toContain('KIT_NOT_CHECKED')
    expect(JSON.stringify(await alice.vault.exportRecords())).not.toContain(kit.words.slice(0, 40))
    expect(await bob.agent.recovery.openHelping()).toEqual([])
  })

  it('says which ways are closed, and by whom', async () => {
    network.wires.cut('http://north.test')
    network.wires.cut('http://east.test')
    const found = await rehearse([bob])
    expect(found.contacts.map(({ label, result }) => `${label} ${result}`)).toEqual([
      'bob proven',
      'carol no-answer',
      'dave no-answer',
    ])
    expect(found.agents.map(({ result }) => result)).toEqual(['away', 'away', 'proven'])
    expect(found.kit).toBe('never-read')
    expect(found).toMatchObject({ ready: false })
    expect(found.paths.every(({ open }) => !open)).toBe(true)
  })

  it('with another kit is BAD_KIT, without a set-up RECOVERY_NOT_SET_UP', async () => {
    const other = await bob.agent.recovery.setUp({ contacts: ['alice'], threshold: 2 }).catch((error) => error.code)
    expect(other).toBe('BAD_POLICY')
    await network.connect(bob, carol)
    const bobs = await bob.agent.recovery.setUp({ contacts: ['alice', 'carol'], threshold: 2 })
    expect(await code(rehearse([], bobs))).toBe('BAD_KIT')
    expect(await code(dave.agent.recovery.rehearse({ until: 0 }))).toBe('RECOVERY_NOT_SET_UP')
  })

  it('is reminded of after half a year', async () => {
    await rehearse([bob, carol, dave])
    network.advance(181 * DAY)
    await network.settle(...everybody())
    expect((await alice.agent.recovery.status()).missing.map(({ text }) => text)).toContainEqual(
      expect.stringContaining('You have not rehearsed your recovery for 181 days'),
    )
    expect(alice.heard('recovery-reminder', /rehearsed/)).toBe(true)
  })

  it('takes less than the guesses: however often its agents are asked, no guess is counted', async () => {
    for (let i = 0; i < 20; i++) await alice.agent.recovery.lookAtPin()
    const [row] = (await alice.agent.edge.records.get('escrow', '1'))?.agents ?? []
    expect((await agencies[0]?.options.store.escrow(row?.account ?? ''))?.used).toBe(0)
    const device = await network.newDevice(kit)
    await device.agent.recovery.enterPin(PIN)
    expect((await device.agent.recovery.progress())?.ready).toBe(true)
  })
})
