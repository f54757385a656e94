/** Whoever has no device is not silent (rule 27): the kit's veto code, and each contact's objection; and who would misuse them. */
import type { CloudAgent } from '@keystead/agent/cloud'
import type { Kit } from '@keystead/recovery'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Network } from './network.ts'
import type { Person } from './person.ts'

const PIN = '739164'
const NAMES = ['north', 'east', 'south']
let network: Network
let alice: Person
let bob: Person
let carol: Person
let agencies: CloudAgent[]
let kit: Kit

beforeEach(async () => {
  network = await Network.open()
  agencies = []
  for (const name of NAMES) agencies.push(await network.addAgency(name))
  alice = await network.person('alice')
  bob = await network.person('bob')
  carol = await network.person('carol')
  for (const contact of [bob, carol]) await network.connect(alice, contact)
  const escrow = { pin: PIN, agencies: NAMES.map((name) => `http://${name}.test`) }
  kit = await alice.agent.recovery.setUp({ contacts: ['bob', 'carol'], threshold: 2, escrow })
  await network.settle(alice, bob, carol)
  for (const contact of [bob, carol]) await contact.agent.approve()
  await network.settle(alice, bob, carol)
})

afterEach(() => network.close())

const code = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => 'done',
    (error: { code?: string }) => error.code ?? error,
  )
const seconds = () => Math.floor(network.clock.now() / 1000)

const newDevice = (name = 'new', with_: Kit | undefined = kit) => network.newDevice(with_, name)

const used = async () => {
  const escrow = (await alice.agent.edge.records.get('escrow', '1'))?.agents ?? []
  return Promise.all(escrow.map(async ({ account }, i) => (await agencies[i]?.options.store.escrow(account))?.used))
}

describe('the veto code of the kit', () => {
  it('guards everything of the deal as soon as it lies there', async () => {
    expect(await alice.agent.edge.records.all('guard')).toEqual([])
  })

  it('from any wallet stops record, log and PIN for a time, before a guess is counted; then it goes on', async () => {
    const thief = await newDevice('thief')
    await network.help(thief, bob)
    await network.help(thief, carol)
    const stranger = await network.person('stranger')
    const { until, agencies: reached } = await stranger.agent.recovery.vetoWithKit(kit)
    expect(reached).toBeGreaterThan(5)
    expect(until).toBeGreaterThan(seconds())
    expect(await code(thief.agent.recovery.finish())).toBe('RELEASE_STAYED')
    expect(await code(thief.agent.recovery.enterPin(PIN))).toBe('RELEASE_STAYED')
    expect(await used()).toEqual([0, 0, 0])
    // What the veto came from is told to nobody, and the living device needs none of it.
    expect(JSON.stringify(await stranger.vault.exportRecords())).not.toContain(kit.veto)
    expect((await alice.agent.sync()).waiting).toBe(0)
    network.advance(until - seconds() + 5)
    await thief.agent.recovery.finish()
  })

  it('also stops who fetched the record before, and has the PIN: no guess is evaluated, no log is shown', async () => {
    const thief = await newDevice('thief')
    const record = await (await import('../../agent/src/edge/recovery/rescue.ts')).locatorRecord(thief.agent.edge, kit)
    await alice.agent.recovery.vetoWithKit(kit)
    const { escrowSenders, enterPin } = await import('../../agent/src/edge/recovery/enter-pin.ts')
    const rescue = (await thief.agent.recovery.progress())?.rescue
    if (!rescue) throw new Error('no rescue')
    const { senders, changes } = await escrowSenders(thief.agent.edge, rescue, record)
    await thief.agent.edge.records.commit(changes)
    await expect(enterPin(thief.agent.edge, PIN, { locator: kit.locator, record, senders })).rejects.toMatchObject({
      code: 'TOO_FEW_AGENTS',
      message: expect.stringContaining('RELEASE_STAYED'),
    })
    expect(await used()).toEqual([0, 0, 0])
  })

  it('counts twice in a deal: who found the kit cannot hold its owner up for ever', async () => {
    const first = await bob.agent.recovery.vetoWithKit(kit)
    const second = await bob.agent.recovery.vetoWithKit(kit)
    expect(second.until).toBeGreaterThan(first.until)
    // The second reaches every part, though the record is stayed by the first.
    expect(second.agencies).toBe(first.agencies)
    expect(await code(bob.agent.recovery.vetoWithKit(kit))).toBe('STAY_SPENT')
    network.advance(second.until - seconds() + 5)
    const owner = await newDevice()
    await owner.agent.recovery.enterPin(PIN)
    await owner.agent.recovery.finish()
  })

  it('of another kit stops nothing, and whoever has the owner’s wallet cannot take a guard away', async () => {
    const forged = { ...kit, veto: 'abcdefghijklmnop' }
    expect(await code(bob.agent.recovery.vetoWithKit(forged))).toBe('STAY_REFUSED')
    const { ask } = await import('../../agent/src/edge/agency-link.ts')
    const { GUARD_SET } = await import('../../agent/src/protocols/recovery-guard/messages.ts')
    const [agent] = (await alice.agent.edge.records.get('escrow', '1'))?.agents ?? []
    const body = {
      subject: `escrow|${agent?.account}`,
      seconds: 1,
      veto: 'A'.repeat(43),
      objections: Array(16).fill('A'.repeat(43)),
    }
    const set = (sender: string) => code(ask(alice.agent.edge, agent?.id ?? '', sender, { type: GUARD_SET, body }))
    expect(await set(agent?.sender ?? '')).toBe('GUARD_REFUSED')
    const { account } = (await alice.agent.profile()).agency ?? { account: '' }
    expect(await set(account)).toBe('GUARD_REFUSED')
  })
})

describe('a contact’s objection', () => {
  it('counts once a deal, adds to the time, and makes the contact themself wait longer', async () => {
    const thief = await newDevice('thief')
    await network.help(thief, bob)
    await network.help(thief, carol)
    await thief.agent.recovery.finish()
    await network.settle(thief, carol)
    const before = (await carol.agent.contact('alice')).peer?.state.recovery.pending?.until ?? 0
    expect(before).toBeGreaterThan(0)
    const { until } = await carol.agent.recovery.objectTo('alice')
    const after = (await carol.agent.contact('alice')).peer?.state.recovery.pending?.until ?? 0
    expect(after).toBeGreaterThan(before)
    expect(until).toBeGreaterThanOrEqual(after)
    await network.settle(carol, thief)
    expect((await thief.agent.contact('carol')).recovering?.until).toBe(after)
    expect(await code(carol.agent.recovery.objectTo('alice'))).toBe('STAY_SPENT')
    expect((await carol.agent.contact('alice')).peer?.state.recovery.pending?.until).toBe(after)
    // Bob has an objection of his own.
    expect((await bob.agent.recovery.objectTo('alice')).agencies).toBeGreaterThan(0)
    network.advance(before - seconds() + 60)
    await network.settle(thief, carol)
    expect((await carol.agent.contact('alice')).peer?.state.recovery.pending).toBeDefined()
    network.advance(after - seconds() + 60)
    await network.settle(thief, carol)
    expect((await carol.agent.contact('alice')).peer?.state.recovery.pending).toBeUndefined()
  })

  it('is for contacts who keep a share: anybody else has none', async () => {
    const mallory = await network.person('mallory')
    await network.connect(alice, mallory)
    expect(await code(mallory.agent.recovery.objectTo('alice'))).toBe('NO_SHARE')
  })
})
