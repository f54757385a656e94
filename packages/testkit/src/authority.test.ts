/** DEVICE-19: where two devices have to agree, they hold the authority of the public DID together. */
import { systemRandom } from '@keystead/core'
import { encodeMultikey } from '@keystead/crypto'
import { keyDigestOf, operationAfter, type Rotate, signOperation, spareDigest } from '@keystead/did-dkms'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { authorityAfter, together } from '../../agent/src/edge/authority/together.ts'
import { performByAuthority } from '../../agent/src/edge/identity-operations.ts'
import { takeUp } from '../../agent/src/edge/key-life.ts'
import { authorityOf } from '../../agent/src/edge/key-set.ts'
import { tellDevices } from '../../agent/src/edge/own-devices/list.ts'
import { AUTHORITY_ASK } from '../../agent/src/protocols/own-devices/authority.ts'
import { dealTo, threeContacts } from './dealing.ts'
import { Network } from './network.ts'
import type { Person } from './person.ts'

let network: Network
let alice: Person
let phone: Person
let tablet: Person

beforeEach(async () => {
  network = await Network.open()
  alice = await network.person('alice')
  phone = await network.link('phone', alice, ['ADMIN', 'SUSPEND'])
  tablet = await network.link('tablet', alice, ['ADMIN', 'SUSPEND'])
  await settle()
  await alice.agent.devices.setApprovals(2)
  await settle()
})

afterEach(() => network.close())

const code = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => 'done',
    (error: { code?: string }) => error.code ?? error,
  )

/** Everybody looks at the ledger anew, as often as it takes. */
async function settle(...people: Person[]): Promise<void> {
  for (let round = 0; round < 3; round++) {
    network.advance(11)
    await network.settle(...(people.length > 0 ? people : [alice, phone, tablet].filter(Boolean)))
  }
}

const stateOf = async (person: Person) => {
  const { state } = await person.agent.edge.ports.ledger.resolve(await person.did())
  if (!state) throw new Error('no such DID')
  return state
}
const requests = async ({ agent }: Person) =>
  (await agent.requests()).filter(({ kind }) => kind === 'device-approval').map(({ summary }) => summary)

/** A person says yes to all that the device shows. */
async function approve({ agent }: Person): Promise<void> {
  for (const { id } of await agent.requests()) await agent.approve(id)
}

describe('the authority of a DID', () => {
  it('is held by every device with ADMIN once two have to agree, and two of them change it', async () => {
    const { auth } = await stateOf(alice)
    expect(auth).toMatchObject({ threshold: 2, nextThreshold: 2 })
    expect([auth.keys.length, auth.next.length]).toEqual([3, 3])
    expect((await alice.agent.devices.approvals()).holders).toBe(3)
    await alice.agent.rotateAll()
    await settle()
    expect((await stateOf(alice)).auth).toEqual(auth)
    expect(await requests(phone)).toEqual([
      expect.stringMatching(
        /"first device" wants to make new keys for your DID .* held together by "first device", "tablet", "phone"/,
      ),
    ])
    expect((await alice.agent.devices.approvals()).waiting).toHaveLength(1)
    await approve(phone)
    await settle()
    const after = (await stateOf(alice)).auth
    expect(after).toMatchObject({ threshold: 2, nextThreshold: 2 })
    expect(after.keys.filter(({ k }) => auth.keys.some((key) => key.k === k))).toEqual([])
    expect(await alice.agent.publicIdentity()).toMatchObject({ status: 'active', auth: after })
    expect(await requests(tablet)).toEqual([])
  })

  it('is changed by one that was away for a change, too: its keys are carried forward', async () => {
    await alice.agent.rotateAll()
    await settle(alice, phone)
    await approve(phone)
    await settle(alice, phone)
    await alice.agent.rotateAll()
    await settle(alice, phone)
    await approve(phone)
    await settle(alice, phone)
    expect((await stateOf(alice)).auth.keys).toHaveLength(3)
    await settle()
    await alice.agent.rotateAll()
    await settle(alice, tablet)
    await approve(tablet)
    await settle()
    expect(await alice.agent.publicIdentity()).toMatchObject({ status: 'active', auth: (await stateOf(alice)).auth })
  })

  it('goes on signing, vouching and answering while a change waits', async () => {
    const contacts = await threeContacts(network, alice)
    await alice.agent.rotateAll()
    await settle(alice, phone, tablet)
    await alice.agent.offer('bob', 'Card', { a: '1' })
    await network.settle(alice, ...contacts)
    await contacts[0]?.agent.approve()
    await network.settle(alice, ...contacts)
    expect(await contacts[0]?.agent.credentials()).toHaveLength(1)
  })
})

describe('a first device that was stolen', () => {
  it('is shut out by the two others, without a recovery, and one of them has the DID from then on', async () => {
    const thief = await alice.stolen('thief')
    await phone.agent.devices.revoke('first device')
    await network.settle(phone, tablet)
    expect((await stateOf(phone)).suspension).toBeDefined()
    const [asker, other] = (await requests(phone)).length > 0 ? [tablet, phone] : [phone, tablet]
    expect(await requests(other)).toEqual([expect.stringMatching(/make new keys/)])
    await approve(other)
    await settle(phone, tablet)
    const state = await stateOf(phone)
    expect(state.auth).toMatchObject({ threshold: 2, nextThreshold: 2 })
    expect(state.auth.keys).toHaveLength(2)
    expect(state.suspension).toBeUndefined()
    expect(state.agents).toHaveLength(2)
    for (const device of [phone, tablet])
      expect((await device.agent.devices.own()).find(({ name }) => name === 'first device')?.left).toMatchObject({
        ledger: false,
        authority: false,
      })
    for (const device of [phone, tablet])
      expect((await device.agent.devices.own()).filter(({ authority }) => authority).map(({ name }) => name)).toEqual([
        asker.name,
      ])
    expect(await code(thief.agent.rotateAll())).not.toBe('done')
    await thief.agent.sync()
    expect((await stateOf(phone)).auth).toEqual(state.auth)
    // What is sent to the DID is read, and its keys are proven, by the one that took the place.
    const bob = await network.person('bob')
    await bob.agent.connect(await phone.did(), { tell: await bob.did() })
    await settle(asker, bob)
    expect((await asker.agent.contacts()).map(({ label }) => label)).toEqual(['bob'])
    await asker.agent.rotateAll()
    await settle(phone, tablet)
    await approve(other)
    await settle(phone, tablet)
    expect((await stateOf(phone)).seq).toBe(state.seq + 1)
  })

  it('MUST NOT rotate, change the registry beyond a lone ADMIN, resume or end the DID alone', async () => {
    const thief = await alice.stolen('thief')
    const before = await stateOf(alice)
    await thief.agent.rotateAll()
    await thief.agent.sync()
    expect((await stateOf(alice)).auth).toEqual(before.auth)
    const { agent } = thief
    expect(await code(agent.devices.resume())).toBe('NOT_ALLOWED_NOW')
    expect(await code(agent.retire())).toBe('NOT_ALLOWED_NOW')
    const h = before.agents.find((entry) => entry.h !== before.agents[0]?.h)?.h ?? ''
    const drop = performByAuthority(agent.edge, before, { type: 'agents', drop: [h] })
    expect(await code(drop)).not.toBe('done')
    expect((await stateOf(alice)).agents).toEqual(before.agents)
  })
})

describe('a second device that was stolen', () => {
  it('gains nothing, and is shut out by the two others', async () => {
    await phone.stolen('thief')
    await alice.agent.devices.revoke('phone')
    await settle(alice, tablet)
    expect(await requests(tablet)).toEqual([expect.stringMatching(/held together by "first device", "tablet"/)])
    await approve(tablet)
    await settle(alice, tablet)
    const { auth, agents } = await stateOf(alice)
    expect([auth.keys.length, auth.nextThreshold, agents.length]).toEqual([2, 2, 2])
  })
})

describe('one device again', () => {
  it('is enough when two have said so, and one more has approved that it holds the authority', async () => {
    await alice.agent.devices.setApprovals(1)
    await settle()
    await approve(phone)
    await settle()
    expect(await requests(phone)).toEqual([expect.stringMatching(/authority held by "first device" alone/)])
    await approve(phone)
    await settle()
    await settle()
    const { auth, agents } = await stateOf(alice)
    expect(auth).toMatchObject({ threshold: 1, nextThreshold: 1 })
    expect(auth.keys.filter(({ w }) => w > 0)).toHaveLength(1)
    expect(agents).toHaveLength(3)
    await alice.agent.rotateAll()
    await settle()
    expect((await stateOf(alice)).auth.keys).toHaveLength(1)
    for (const { agent } of [phone, tablet]) expect(await agent.edge.records.all('authority-share')).toEqual([])
  })
})

describe('of two devices', () => {
  /** Before anything is set up: alice has a phone, which may decide, and no tablet any more. */
  async function two(): Promise<void> {
    await network.close()
    network = await Network.open()
    alice = await network.person('alice')
    phone = await network.link('phone', alice, ['ADMIN', 'SUSPEND'])
    await settle(alice, phone)
  }

  it('both hold it once there is a recovery, and neither alone changes it; the recovery takes it from both', async () => {
    await two()
    await alice.agent.devices.setApprovals(2)
    await settle(alice, phone)
    expect((await stateOf(alice)).auth.nextThreshold).toBe(1)
    const contacts = await threeContacts(network, alice)
    const kit = await dealTo(network, alice, contacts, { delay: 600 })
    await settle(alice, phone, ...contacts)
    await approve(phone)
    await settle(alice, phone, ...contacts)
    expect((await stateOf(alice)).auth).toMatchObject({ threshold: 2, nextThreshold: 2 })
    const thief = await alice.stolen('thief')
    expect(await code(phone.agent.devices.revoke('first device'))).toBe('NEEDS_RECOVERY')
    await phone.agent.devices.revoke('first device', { anyway: true })
    await settle(phone)
    expect((await phone.agent.devices.own())[0]).toMatchObject({ left: { authority: true, together: true } })
    const { auth } = await stateOf(phone)
    await thief.agent.rotateAll().catch(() => {})
    const device = await network.newDevice(kit)
    for (const contact of contacts.slice(0, 2)) await network.help(device, contact, { owner: 'alice' })
    await device.agent.recovery.finish()
    await thief.agent.sync()
    // A veto takes both, too.
    await thief.agent.recovery.veto().catch(() => {})
    expect((await stateOf(phone)).recovery.pending).toBeDefined()
    network.advance(700)
    await settle(device, ...contacts)
    const after = await stateOf(device)
    expect(after.auth).toMatchObject({ threshold: 1, nextThreshold: 1 })
    expect(after.auth.keys).not.toEqual(auth.keys)
    expect((await device.agent.publicIdentity()).status).toBe('active')
  })
})

describe('what needs two', () => {
  it('is the recovery set, and a veto of a recovery that is not the owner’s', async () => {
    const contacts = await threeContacts(network, alice)
    await settle(alice, phone, tablet, ...contacts)
    const kit = await dealTo(network, alice, contacts, { delay: 3600 })
    await settle()
    expect((await stateOf(alice)).recovery.entries).toEqual([])
    await approve(tablet)
    await settle(alice, phone, tablet, ...contacts)
    expect((await stateOf(alice)).recovery.entries).toHaveLength(1)
    const thief = await network.newDevice(kit)
    for (const contact of contacts.slice(0, 2)) await network.help(thief, contact, { owner: 'alice' })
    await thief.agent.recovery.finish()
    await settle(alice, phone, tablet, ...contacts)
    expect((await stateOf(alice)).recovery.pending).toBeDefined()
    await alice.agent.recovery.veto()
    await settle(alice, phone, tablet)
    expect((await requests(phone)).join()).toMatch(/stop the recovery of your DID that is under way/)
    await approve(phone)
    await settle(alice, phone, tablet)
    const { recovery, auth } = await stateOf(alice)
    expect([recovery.pending, auth.nextThreshold]).toEqual([undefined, 2])
    expect(await alice.agent.publicIdentity()).toMatchObject({ status: 'active', auth })
  })
})

describe('a device that was stolen asks another one of its owner’s', () => {
  /** What the thief's own software makes of an operation that it asks for. */
  async function asks(change: (operation: Rotate) => Partial<Rotate>, from = alice): Promise<unknown> {
    const { agent } = from
    const { records, ports } = agent.edge
    const identity = await agent.publicIdentity()
    const others = await together(agent.edge, identity)
    if (!others) throw new Error('not held together')
    const keys = await records.get('identity-keys', identity.did)
    const share = await records.get('authority-share', 'self')
    const next = await takeUp(agent.edge, keys?.next ?? share?.next.keyId ?? '')
    const auth = authorityAfter(authorityOf(next, await fresh()), others)
    const operation = operationAfter(others.state, ports.ledger.net, network.clock.now() / 1000 + 600, {
      type: 'rotate',
      auth,
    })
    const changed = { ...operation, ...change(operation as Rotate) }
    const signed = await signOperation(changed, [next])
    const ask = { id: hex(), expires: network.clock.now() / 1000 + 600 }
    const body = { ...ask, submission: { op: signed } }
    await records.commit(
      await tellDevices(agent.edge, AUTHORITY_ASK, body as never, (await tablet.agent.profile()).agency?.account),
    )
    await network.settle(from, tablet)
    const before = await stateOf(tablet)
    const found = (await tablet.agent.requests()).find(({ id }) => id === ask.id)
    const outcome = await code(tablet.agent.approve(found?.id))
    expect(await stateOf(tablet)).toEqual(outcome === 'done' ? expect.anything() : before)
    return outcome
  }
  const hex = (): string => Array.from(systemRandom(16), (byte) => byte.toString(16).padStart(2, '0')).join('')
  const fresh = () => network.keys.ephemeral({ kind: 'signing', suite: 'ed25519' })
  const strange = async () => encodeMultikey((await fresh()).publicKey)

  it('to let keys of its own in beside it, or in the place of another', async () => {
    const k = await strange()
    const h = keyDigestOf(await strange())
    const beside = ({ auth }: Rotate) => ({ auth: { ...auth, keys: [...auth.keys, { k, w: 1 }] } })
    const instead = ({ auth }: Rotate) => ({ auth: { ...auth, keys: [...auth.keys.slice(0, -1), { k, w: 1 }] } })
    const committed = ({ auth }: Rotate) => ({ auth: { ...auth, next: [...auth.next, { h, w: 1 }] } })
    const heavier = ({ auth }: Rotate) => ({ auth: { ...auth, keys: auth.keys.map((key) => ({ ...key, w: 2 })) } })
    for (const change of [beside, instead, committed, heavier]) expect(await asks(change)).toBe('NOT_ALLOWED_NOW')
    expect(await asks(() => ({}))).toBe('done')
  })

  it('to let one device be enough, or to take out another that was not revoked', async () => {
    const alone = ({ auth }: Rotate) => ({ auth: { ...auth, nextThreshold: 1 } })
    const weaker = ({ auth }: Rotate) => ({ auth: { ...auth, threshold: 1 } })
    const account = (await phone.agent.profile()).agency?.account ?? ''
    const phones = await alice.agent.edge.records.get('authority-offer', account)
    const without = ({ auth }: Rotate) => ({
      auth: {
        ...auth,
        keys: auth.keys.filter(({ k }) => k !== phones?.k),
        next: auth.next.filter(({ h }) => h !== phones?.next),
      },
    })
    for (const change of [alone, weaker, without]) expect(await asks(change)).toBe('NOT_ALLOWED_NOW')
  })

  it('to take the first device’s place, which nobody has revoked', async () => {
    expect(await asks(() => ({}), phone)).toBe('NOT_ALLOWED_NOW')
  })

  it('to let somebody act for the DID, or a device that is there do more, or less', async () => {
    const { agents } = await stateOf(alice)
    const h = spareDigest(systemRandom(16))
    const stranger = () => ({ agents: [...agents, { h, caps: 1, exp: agents[0]?.exp ?? 0 }] })
    const more = () => ({ agents: agents.map((entry) => ({ ...entry, caps: 2047 })) })
    const fewer = () => ({ agents: agents.slice(0, 1) })
    const held = () => ({ agents, quorums: { ADMIN: 16 } })
    for (const change of [stranger, more, fewer, held]) expect(await asks(change)).toBe('NOT_ALLOWED_NOW')
  })
})
