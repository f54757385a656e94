/** Recovery by PIN: five agencies of five operators, the kit or contacts beside it, and whoever tries it uninvited. */
import type { CloudAgent } from '@keystead/agent/cloud'
import type { EscrowProgress } from '@keystead/agent/edge'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { spendEscrow } from '../../agent/src/edge/recovery/escrow-deal.ts'
import { remove } from '../../agent/src/edge/store.ts'
import { dealTo, threeContacts } from './dealing.ts'
import { AGENCY, Network } from './network.ts'
import type { Person } from './person.ts'

const PIN = '739164'
const NAMES = ['north', 'east', 'south', 'west', 'centre']
const AGENTS = NAMES.map((name) => `http://${name}.test`)
let network: Network
let alice: Person
let contacts: Person[]
let agencies: CloudAgent[]

beforeEach(async () => {
  network = await Network.open()
  agencies = []
  for (const name of NAMES) agencies.push(await network.addAgency(name))
  alice = await network.person('alice')
  contacts = []
})

afterEach(() => network.close())

const code = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => 'done',
    (error: { code?: string }) => error.code ?? error,
  )

const escrow = { pin: PIN, agencies: AGENTS }

const setUp = (options: { delay?: number } = {}) => dealTo(network, alice, contacts, { escrow, ...options })

const statuses = async ({ agent }: Person) => (await agent.identities()).map(({ status }) => status)
const lacks = async ({ agent }: Person) => (await agent.recovery.status()).missing.map((lack) => lack.code)

describe('setting up', () => {
  it('five operators confirm; the meter counts them, and the locator record is with two', async () => {
    await setUp()
    const status = await alice.agent.recovery.status()
    expect(status.agents.map(({ operator, answer }) => `${operator} ${answer}`)).toEqual(
      NAMES.map((name) => `${name} kept`),
    )
    expect(status.policy?.paths).toEqual([{ id: 'E+P', delay: alice.agent.recovery.defaultDelay('E+P') }])
    expect(await lacks(alice)).toEqual(['KIT_NOT_CHECKED'])
  })

  it('the owner’s own agency may be one of the agents, under another name than the owner’s account', async () => {
    const agencies = [AGENCY, ...AGENTS.slice(0, 2)]
    const kit = await alice.agent.recovery.setUp({ contacts: [], threshold: 2, escrow: { pin: PIN, agencies } })
    await network.settle(alice)
    expect(await lacks(alice)).toEqual(['KIT_NOT_CHECKED'])
    const device = await network.newDevice(kit)
    await device.agent.recovery.enterPin(PIN)
    expect((await device.agent.recovery.progress())?.ready).toBe(true)
  })

  it('an agent that is away gets its share later, and the meter says so until then', async () => {
    network.wires.cut(AGENTS[3] as string)
    expect(await code(alice.agent.recovery.setUp({ contacts: [], threshold: 2, escrow }))).toBe('AGENCY_UNREACHABLE')
    network.wires.mend(AGENTS[3] as string)
    await alice.agent.recovery.setUp({ contacts: [], threshold: 2, escrow })
    network.wires.cut(AGENTS[3] as string)
    await network.settle(alice)
    expect(await lacks(alice)).toContain('PIN_AGENTS_MISSING')
    network.wires.mend(AGENTS[3] as string)
    await network.settle(alice)
    expect(await lacks(alice)).not.toContain('PIN_AGENTS_MISSING')
  })

  it('fewer than three agents, two of one operator, or a weak PIN are refused before anything is made (rule 25)', async () => {
    const refused = (choice: object) =>
      code(alice.agent.recovery.setUp({ contacts: [], threshold: 2, escrow: { ...escrow, ...choice } }))
    await network.addAgency('twin', { operator: 'NORTH' })
    expect(await refused({ agencies: AGENTS.slice(0, 1) })).toBe('NOT_INDEPENDENT')
    expect(await refused({ agencies: [...AGENTS.slice(0, 2), AGENTS[0]] })).toBe('NOT_INDEPENDENT')
    expect(await refused({ agencies: [...AGENTS.slice(0, 2), 'http://twin.test'] })).toBe('NOT_INDEPENDENT')
    expect(await refused({ threshold: 2 })).toBe('NOT_INDEPENDENT')
    expect(await refused({ pin: '123456' })).toBe('WEAK_PIN')
    expect(await code(alice.agent.recovery.setUp({ contacts: [], threshold: 2 }))).toBe('BAD_POLICY')
    expect(await lacks(alice)).toContain('NO_POLICY')
  })

  it('an agency that shows another’s descriptor, or changes its own, is refused', async () => {
    const urls = ['http://fake.test', ...AGENTS.slice(1, 3)]
    const attempt = (descriptor: object) => {
      network.wires.connect('http://fake.test', () => Response.json(descriptor))
      return code(alice.agent.recovery.setUp({ contacts: [], threshold: 2, escrow: { ...escrow, agencies: urls } }))
    }
    const real = agencies[0]?.options.escrow?.descriptor ?? {}
    expect(await attempt(real)).toBe('BAD_ESCROW')
    expect(await attempt({ ...real, endpoint: 'http://fake.test' })).toBe('BAD_ESCROW')
    expect(await attempt({ ...real, more: 1 })).toBe('BAD_ESCROW')
    expect(await attempt([])).toBe('BAD_ESCROW')
  })

  it('an agent says until when it keeps its part, and goes by who was last there, the owner’s device or a recovery (ESCROW-14)', async () => {
    const kit = await setUp()
    const { store } = (agencies[0] as CloudAgent).options
    const day = 86_400
    const days = (count: number): void => network.advance(count * day)
    const gone = async (count: number): Promise<number> => store.expireEscrows(network.clock.now() - count * day * 1000)
    await alice.agent.recovery.lookAtPin()
    const [shown] = (await alice.agent.recovery.status()).agents
    expect(shown?.kept).toBe(Math.floor(network.clock.now() / 1000) + 730 * day)
    // Nobody came for two days: a limit of three keeps it.
    days(2)
    expect(await gone(3)).toBe(0)
    await alice.agent.recovery.lookAtPin()
    days(2)
    expect(await gone(3)).toBe(0)
    // A new device with the kit, too.
    const device = await network.newDevice(kit)
    await device.agent.recovery.enterPin(PIN)
    days(2)
    expect(await gone(3)).toBe(0)
    days(2)
    expect(await gone(3)).toBe(1)
    expect(await gone(3)).toBe(0)
    await alice.agent.recovery.lookAtPin()
    expect((await alice.agent.recovery.status()).agents.map(({ answer }) => answer)).toEqual([
      'lost',
      ...NAMES.slice(1).map(() => 'kept'),
    ])
  })

  it('demonstration agents are labelled, and the meter is never good with them', async () => {
    for (const name of ['demo1', 'demo2', 'demo3']) await network.addAgency(name, { demonstration: true })
    const agencies = ['demo1', 'demo2', 'demo3'].map((name) => `http://${name}.test`)
    await alice.agent.recovery.setUp({ contacts: [], threshold: 2, escrow: { pin: PIN, agencies } })
    await network.settle(alice)
    expect((await alice.agent.recovery.status()).agents.every(({ demonstration }) => demonstration)).toBe(true)
    expect(await lacks(alice)).toContain('PIN_DEMONSTRATION')
    expect((await alice.agent.recovery.status()).level).toBe('weak')
  })

  it('neither the PIN nor group secret E nor an agent’s share stays on the device once all have confirmed', async () => {
    await setUp()
    const [progress] = await alice.vault.list('escrow')
    expect(JSON.stringify(progress?.value)).not.toMatch(/registration|739164/)
    expect(JSON.stringify(await alice.vault.exportRecords())).not.toContain(PIN)
  })

  it('a registration that is used up goes at its agent, and with it the keys by which that one knew the device', async () => {
    await setUp()
    const { edge } = alice.agent
    const [deal] = await edge.records.all('escrow')
    await edge.records.commit([remove('escrow', deal?.name ?? ''), ...spendEscrow(deal?.value)])
    const senders = (deal?.value.agents ?? []).map(({ sender }) => sender)
    const own = await Promise.all(senders.map((did) => edge.records.get('own-did', did)))
    const keys = new Set(own.flatMap((one) => (one ? [one.authentication.keyId, one.keyAgreement.keyId] : [])))
    expect(keys.size).toBe(2 * AGENTS.length)
    await alice.agent.sync()
    expect(await edge.records.all('escrow-spent')).toEqual([])
    const states = (await alice.vault.keys()).filter(({ keyId }) => keys.has(keyId)).map(({ state }) => state)
    expect(new Set(states)).toEqual(new Set(['destroyed']))
  })
})

describe('an owner who lost the phone and knows the PIN', () => {
  it('has the data at once with the kit, and authority after the path’s delay; the recovery set is dealt anew', async () => {
    contacts = await threeContacts(network, alice)
    const kit = await setUp()
    const device = await network.newDevice(kit)
    await device.agent.recovery.enterPin(PIN)
    const { records, relationships, path } = await device.agent.recovery.finish()
    expect(path).toBe('E+P')
    expect(records).toBeGreaterThan(5)
    expect(relationships).toBe(3)
    expect((await device.agent.contacts()).map(({ label }) => label).sort()).toEqual(['bob', 'carol', 'dave'])
    expect(await statuses(device)).toEqual(['recovering'])
    await network.settle(device, ...contacts)
    const delay = device.agent.recovery.defaultDelay('E+P')
    network.advance(delay + 90)
    await network.settle(device, ...contacts)
    await network.settle(device, ...contacts)
    expect(await statuses(device)).toEqual(['active'])
    expect(await lacks(device)).toContain('NO_POLICY')
    // The old shares are gone from every agent, and the PIN opens nothing any more.
    const stray = await network.newDevice(kit, 'stray')
    expect(await code(stray.agent.recovery.enterPin(PIN))).toBe('TOO_FEW_AGENTS')
    alice = device
    const again = await setUp()
    const next = await network.newDevice(again, 'next')
    await next.agent.recovery.enterPin(PIN)
    await next.agent.recovery.finish()
    expect(await statuses(next)).toEqual(['recovering'])
  })

  it('without the kit: two contacts, who are told the name, and the PIN', async () => {
    contacts = await threeContacts(network, alice)
    await setUp()
    const device = await network.newDevice()
    expect(await code(device.agent.recovery.enterPin(PIN))).toBe('NOT_ALLOWED_NOW')
    const [bob, carol] = contacts as [Person, Person]
    const { url } = (await device.agent.recovery.progress())?.rescue ?? { url: '' }
    expect(await code(bob.agent.recovery.help(url))).toBe('OWNER_UNKNOWN')
    expect(await code(bob.agent.recovery.help(url, 'carol'))).toBe('UNKNOWN_CONTACT')
    await network.help(device, bob, { owner: 'alice' })
    await device.agent.recovery.enterPin(PIN)
    expect((await device.agent.recovery.progress())?.ready).toBe(false)
    expect(await code(device.agent.recovery.finish())).toBe('TOO_FEW_SHARES')
    await network.help(device, carol, { owner: 'alice' })
    const { path, relationships } = await device.agent.recovery.finish()
    expect(path).toBe('E+S')
    expect(relationships).toBe(3)
  })

  it('each path has its own delay and its own keys (rules 2, 3)', async () => {
    contacts = await threeContacts(network, alice)
    const kit = await setUp()
    const { state } = await alice.agent.edge.ports.ledger.resolve(await alice.did())
    const delays = state?.recovery.entries.map(({ delay }) => delay)
    const { recovery } = alice.agent
    expect(delays).toEqual((['E+P', 'E+S', 'P+S'] as const).map((path) => recovery.defaultDelay(path)))
    expect(new Set(state?.recovery.entries.map(({ h }) => h)).size).toBe(3)
    const device = await network.newDevice(kit)
    for (const contact of contacts.slice(0, 2)) await network.help(device, contact)
    expect((await device.agent.recovery.finish()).path).toBe('P+S')
  })

  it('two of the five agents are dead: nothing is lost (row S11)', async () => {
    const kit = await setUp()
    for (const url of AGENTS.slice(1, 3)) network.wires.cut(url)
    const device = await network.newDevice(kit)
    await device.agent.recovery.enterPin(PIN)
    expect((await device.agent.recovery.progress())?.ready).toBe(true)
  })

  it('an agent that evaluates with another key is named, and stops nobody', async () => {
    const kit = await setUp()
    const { store } = (agencies[0] as CloudAgent).options
    const honest = store.escrow.bind(store)
    store.escrow = async (account) => {
      const found = await honest(account)
      if (!found) return undefined
      const share = Uint8Array.from(found.record.share)
      share[0] = (share[0] ?? 0) ^ 1
      return { ...found, record: { ...found.record, share } }
    }
    const device = await network.newDevice(kit)
    for (const url of AGENTS.slice(3)) network.wires.cut(url)
    expect(await code(device.agent.recovery.enterPin(PIN))).toBe('TOO_FEW_AGENTS')
    expect(device.events.filter(({ kind }) => kind === 'agent-lied').map(({ text }) => text)).toEqual([
      'north gave a false answer',
    ])
    network.wires.mend(AGENTS[3] as string)
    await device.agent.recovery.enterPin(PIN)
    expect((await device.agent.recovery.progress())?.ready).toBe(true)
  })

  it('a wrong PIN is told from the right one, with the guesses that are left, and is tried on with the right one', async () => {
    const kit = await setUp()
    const device = await network.newDevice(kit)
    await expect(device.agent.recovery.enterPin('508273')).rejects.toMatchObject({
      code: 'WRONG_PIN',
      message: 'this is not the PIN; 4 guess(es) are left',
    })
    await device.restart()
    await device.agent.recovery.enterPin(PIN)
    await device.restart()
    expect((await device.agent.recovery.progress())?.pin).toBe(true)
    await device.agent.recovery.finish()
    expect(await statuses(device)).toEqual(['recovering'])
  })
})

describe('a thief', () => {
  it('with the kit has five guesses, then never another; the owner’s device is told (rule 24)', async () => {
    const kit = await setUp()
    const thief = await network.newDevice(kit, 'thief')
    for (const pin of ['508273', '508274', '508276', '508279'])
      expect(await code(thief.agent.recovery.enterPin(pin))).toBe('WRONG_PIN')
    await expect(thief.agent.recovery.enterPin('508287')).rejects.toMatchObject({
      message: 'this is not the PIN, and no guess is left',
    })
    for (const pin of ['508293', PIN]) expect(await code(thief.agent.recovery.enterPin(pin))).toBe('ESCROW_LOCKED')
    await alice.agent.recovery.lookAtPin()
    expect(alice.heard('pin-tried', /5 of 5/)).toBe(true)
    expect(await lacks(alice)).toContain('PIN_LOCKED')
    expect((await alice.agent.recovery.status()).level).toBe('none')
    // The living device deals anew, and is safe again.
    await setUp()
    expect(await lacks(alice)).not.toContain('PIN_LOCKED')
  })

  it('with the PIN alone gets nothing: no locator, no account', async () => {
    await setUp()
    const thief = await network.newDevice(undefined, 'thief')
    expect(await code(thief.agent.recovery.enterPin(PIN))).toBe('NOT_ALLOWED_NOW')
    expect(await code(thief.agent.recovery.finish())).toBe('TOO_FEW_SHARES')
  })

  it('with kit and PIN is seen on the living device within the delay, vetoed there, and holds nothing', async () => {
    const kit = await setUp({ delay: 600 })
    const thief = await network.newDevice(kit, 'thief')
    await thief.agent.recovery.enterPin(PIN)
    await thief.agent.recovery.finish()
    network.advance(60)
    await alice.agent.recovery.lookAtPin()
    await alice.agent.sync()
    expect(alice.heard('pin-known')).toBe(true)
    expect(alice.heard('recovery-alert')).toBe(true)
    await alice.agent.recovery.veto()
    network.advance(700)
    await network.settle(thief, alice)
    expect(await statuses(thief)).toEqual(['lost'])
    expect(await statuses(alice)).toEqual(['active'])
  })

  it('who replays a recorded request, or changes it, burns no guess (rule 24)', async () => {
    const kit = await setUp()
    const device = await network.newDevice(kit)
    const recorded: { url: string; body: Uint8Array }[] = []
    network.wires.tamper(({ url, body }) => {
      if (body.length > 0) recorded.push({ url, body: Uint8Array.from(body) })
      return undefined
    })
    expect(await code(device.agent.recovery.enterPin('508273'))).toBe('WRONG_PIN')
    network.wires.tamper(undefined)
    for (const { url, body } of recorded) {
      const changed = Uint8Array.from(body)
      const at = changed.length >> 1
      changed[at] = (changed[at] ?? 0) ^ 1
      for (const sent of [body, changed, body])
        await network.wires.fetch(url, { method: 'POST', body: Uint8Array.from(sent) })
    }
    expect(await usedGuesses()).toEqual([1, 1, 1, 1, 1])
  })

  it('finds no name that two agents have in common: account and sender differ at each (ESCROW-2)', async () => {
    const kit = await setUp()
    const device = await network.newDevice(kit)
    await device.agent.recovery.enterPin(PIN)
    const rescue = (await device.agent.recovery.progress())?.rescue
    expect(new Set(rescue?.escrow?.senders.map(({ sender }) => sender)).size).toBe(5)
    const [own] = (await alice.vault.list('escrow')).map(({ value }) => value as unknown as EscrowProgress)
    const agents = own?.agents ?? []
    expect(new Set(agents.map(({ sender }) => sender)).size).toBe(5)
    expect(new Set(agents.map(({ account }) => account)).size).toBe(5)
  })
})

/** Guesses counted at each agent, as the owner's device sees them. */
async function usedGuesses(): Promise<number[]> {
  await alice.agent.recovery.lookAtPin()
  return (await alice.agent.recovery.status()).agents.map(({ guessesUsed }) => guessesUsed)
}
