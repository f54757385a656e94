/** Ending contacts: with or without telling, and blocking. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { AGENCY, Network } from './network.ts'
import type { Person } from './person.ts'

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

const usable = async ({ vault }: Person) =>
  (await vault.keys()).filter(({ state, purpose }) => state !== 'destroyed' && /relationship|pairwise/.test(purpose))

/** Alice's DID towards Bob, and whether the agency still takes mail for it. */
async function towardsBob() {
  const { did } = (await alice.agent.contact('bob')).mine.state.now
  return { did, received: async () => (await network.agency.options.store.accountOf(did)) !== undefined }
}

describe('RELATIONSHIP-25: a contact that is removed', () => {
  it('is told by the last entry of the log; both sides’ keys are destroyed and the agency forgets both DIDs', async () => {
    const { received } = await towardsBob()
    await alice.agent.sendText('bob', 'hello')
    await network.settle(alice, bob)
    expect(await alice.agent.removeContact('bob')).toBe(true)
    await network.settle(bob, alice)
    expect(bob.heard('peer-closed', /alice ended the connection/)).toBe(true)
    expect((await bob.agent.contacts()).map(({ status }) => status)).toEqual(['closed'])
    expect(await alice.agent.contacts()).toEqual([])
    expect(await alice.agent.texts()).toEqual([])
    expect(await usable(alice)).toEqual([])
    expect(await usable(bob)).toEqual([])
    expect(await received()).toBe(false)
    await expect(bob.agent.sendText('alice', 'still there?')).rejects.toMatchObject({ code: 'UNKNOWN_CONTACT' })
    expect(await bob.agent.removeContact('alice')).toBe(true)
    expect(await bob.agent.contacts()).toEqual([])
  })

  it('silently: finds nobody when they write', async () => {
    expect(await alice.agent.removeContact('bob', { silently: true })).toBe(true)
    expect(await usable(alice)).toEqual([])
    await bob.agent.sendText('alice', 'are you there?')
    await network.settle(bob, alice)
    // Who is not there may have moved: it waits for word of them (DROP-6), and comes back in the end.
    expect(bob.heard('waiting', /nobody here receives for this DID/)).toBe(true)
    network.advance(31 * 86_400)
    await network.settle(bob)
    expect(bob.heard('undeliverable', /nobody here receives for this DID/)).toBe(true)
    expect(bob.heard('peer-closed')).toBe(false)
  })

  it('is told later when the agency is away, across a restart, and until then nothing of theirs is taken', async () => {
    network.wires.cut(AGENCY)
    expect(await alice.agent.removeContact('bob')).toBe(false)
    await alice.restart()
    network.wires.mend(AGENCY)
    await bob.agent.sendText('alice', 'before you go')
    await network.settle(alice, bob, alice)
    expect(await alice.agent.texts()).toEqual([])
    expect(bob.heard('peer-closed')).toBe(true)
    expect(await alice.agent.contacts()).toEqual([])
    expect(await usable(alice)).toEqual([])
  })

  it('goes after a week even if the peer could never be told', async () => {
    network.wires.cut(AGENCY)
    expect(await alice.agent.removeContact('bob')).toBe(false)
    network.advance(8 * 86_400)
    await alice.agent.sync()
    expect(await alice.agent.contacts()).toEqual([])
    expect(await usable(alice)).toEqual([])
  })

  it('RELATIONSHIP-26: what already lay in the mailbox is refused for its own reason', async () => {
    await bob.agent.sendText('alice', 'you will not read this')
    await alice.agent.removeContact('bob', { silently: true })
    await alice.agent.sync()
    expect(alice.heard('message-refused', /it is for a contact that was removed/)).toBe(true)
    expect(await alice.agent.texts()).toEqual([])
  })

  it('keeps no share of our recovery any more, and the meter says so', async () => {
    const carol = await network.person('carol')
    await network.connect(alice, carol)
    await alice.agent.recovery.setUp({ contacts: ['bob', 'carol'], threshold: 2 })
    await network.settle(alice, bob, carol)
    for (const { agent } of [bob, carol]) await agent.approve()
    await network.settle(bob, carol, alice)
    expect((await alice.agent.recovery.status()).contacts.map(({ answer }) => answer)).toEqual(['kept', 'kept'])
    await bob.agent.removeContact('alice')
    await network.settle(alice, bob)
    expect((await alice.agent.recovery.status()).contacts.map(({ answer }) => answer)).toEqual(['declined', 'kept'])
  })
})

describe('RELATIONSHIP-27: who is blocked', () => {
  it('writes to nobody, and is refused under the same public DID until unblocked', async () => {
    await alice.agent.removeContact('bob', { block: true })
    await bob.agent.sendText('alice', 'you cannot do that')
    const tell = { tell: await bob.did() }
    const { id } = await bob.agent.connect(await alice.did(), tell)
    await network.settle(bob, alice)
    expect(alice.heard('message-refused', /somebody you blocked/)).toBe(true)
    expect((await bob.agent.relationship(id))?.status).toBe('requested')
    expect(await alice.agent.contacts()).toEqual([])
    expect(await alice.agent.blocked()).toContainEqual(expect.objectContaining({ label: 'bob', did: await bob.did() }))
    await alice.agent.unblock('bob')
    const again = await bob.agent.connect(await alice.did(), tell)
    await network.settle(bob, alice)
    expect((await bob.agent.relationship(again.id))?.status).toBe('connected')
  })
})
