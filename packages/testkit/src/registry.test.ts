/** DEVICE-18: the device that holds the authority of a DID has an entry in its registry, which anybody sees by proof. */
import { systemRandom } from '@keystead/core'
import { type Capability, spareDigest } from '@keystead/did-dkms'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { performByAuthority } from '../../agent/src/edge/identity-operations.ts'
import { put } from '../../agent/src/edge/store.ts'
import { dealTo, threeContacts } from './dealing.ts'
import { AGENCY, LEDGER, Network } from './network.ts'
import type { Person } from './person.ts'

const DAY = 86_400
let network: Network
let alice: Person

beforeEach(async () => {
  network = await Network.open()
  alice = await network.person('alice')
})

afterEach(() => network.close())

const policyOf = async ({ agent }: Person, did?: string) => {
  const { policy } = await agent.edge.ports.ledger.policy(did ?? (await agent.publicIdentity()).did)
  if (!policy) throw new Error('no such DID')
  return policy
}
const hOf = async (person: Person) => (await policyOf(person)).agents.map(({ h }) => h)
const ownKeys = async ({ agent }: Person) =>
  (await agent.edge.records.all('agent-key')).flatMap(({ value }) => (value.own ? [value] : []))

describe('the entry of the first device', () => {
  it('is in the genesis operation, and in no registry of another DID of the owner', async () => {
    const subject = await alice.agent.createIdentity('second', 'subject')
    expect(await policyOf(alice)).toMatchObject({ version: 0, agents: [{ standing: 'active' }] })
    const own = (await ownKeys(alice)).map(({ h }) => h)
    expect((await policyOf(alice, subject.did)).agents.filter(({ h }) => own.includes(h))).toEqual([])
  })

  it('is another one with other authority, also where the ledger was away between the two operations', async () => {
    const [before] = await hOf(alice)
    network.wires.cut(LEDGER)
    await alice.agent.rotateAll()
    network.wires.mend(LEDGER)
    await alice.agent.sync()
    await alice.agent.sync()
    const after = await hOf(alice)
    expect(after).toHaveLength(1)
    expect(after).not.toContain(before)
    expect((await ownKeys(alice)).map(({ h }) => h)).toEqual(after)
    const { seq } = await alice.agent.publicIdentity()
    await alice.agent.sync()
    expect((await alice.agent.publicIdentity()).seq).toBe(seq)
  })

  it('is one, whenever the power goes while it is exchanged', async () => {
    for (let writes = 0; ; writes++) {
      alice.powerCutAfter(writes)
      await alice.agent.rotateAll().catch(() => {})
      const done = !alice.powerGone
      await alice.restart()
      await alice.agent.sync()
      await alice.agent.sync()
      expect(await hOf(alice)).toEqual((await ownKeys(alice)).map(({ h }) => h))
      expect(await hOf(alice)).toHaveLength(1)
      if (done) break
    }
  })

  it('is renewed a month before it ends', async () => {
    const [entry] = (await policyOf(alice)).agents
    const weeks = async (count: number) => {
      for (let week = 0; week < count; week++) {
        network.advance(7 * DAY)
        await alice.agent.sync()
      }
    }
    await weeks(47)
    expect((await policyOf(alice)).agents).toEqual([entry])
    await weeks(1)
    const [renewed, ...more] = (await policyOf(alice)).agents
    expect(more).toEqual([])
    expect(Date.parse(renewed?.until ?? '')).toBeGreaterThan(Date.parse(entry?.until ?? ''))
  })

  it('is put there by a wallet that was made before there was one, and its other devices know it', async () => {
    const old = await network.newcomer('old')
    await old.agent.addCloudAgent({ did: network.agency.options.did, url: AGENCY })
    const { did } = await old.agent.createIdentity('public', 'subject')
    const { records } = old.agent.edge
    const identity = await records.get('identity', did)
    await records.commit([put('identity', did, { ...identity, use: 'public' } as never)])
    const padding = await hOf(old)
    const phone = await network.link('phone', old)
    await network.settle(old, phone)
    const [first, ...more] = (await policyOf(old)).agents.filter(({ h }) => !padding.includes(h))
    expect(more).toHaveLength(1)
    for (const device of [old, phone])
      expect(await device.agent.devices.own()).toMatchObject([
        { name: 'first device', authority: true, h: (await ownKeys(old))[0]?.h },
        { name: 'phone' },
      ])
    expect(first?.standing).toBe('active')
  })

  it('is said without its entry by a list of before, and holds the authority all the same', async () => {
    const phone = await network.link('phone', alice, ['ADMIN', 'SUSPEND'])
    await network.settle(alice, phone)
    const { records } = phone.agent.edge
    const list = await records.get('own-devices', 'self')
    const devices = list?.devices.map(({ h, authority, ...rest }) => (authority ? rest : { ...rest, h }))
    await records.commit([put('own-devices', 'self', { ...list, devices } as never)])
    await phone.agent.devices.revoke('first device')
    await network.settle(phone)
    expect((await phone.agent.devices.own())[0]).toMatchObject({ left: { authority: true } })
  })

  it('leaves the others there as they are, also where the registry is full', async () => {
    const did = await alice.did()
    const { state } = await alice.agent.edge.ports.ledger.resolve(did)
    const others = Array.from({ length: 15 }, () => ({ h: spareDigest(systemRandom(16)), caps: 2, exp: 1 }))
    if (state) await performByAuthority(alice.agent.edge, state, { type: 'agents', put: others })
    await alice.agent.rotateAll()
    const after = await hOf(alice)
    expect(after.slice(0, 15).sort()).toEqual(others.map(({ h }) => h).sort())
    expect(after).toHaveLength(16)
  })

  it('is replaced alone where its key alone is compromised', async () => {
    const phone = await network.link('phone', alice, ['PROVE'] satisfies Capability[])
    await network.settle(alice, phone)
    const [own] = await ownKeys(alice)
    const [before, kept] = await hOf(alice)
    expect(before).toBe(own?.h)
    const { steps } = await alice.agent.replaceCompromised(own?.keyId ?? '')
    expect(steps).toMatchObject([{ kind: 'own entry', outcome: 'done' }])
    const after = await hOf(alice)
    expect(after).toContain(kept)
    expect(after).not.toContain(before)
    expect(after).toHaveLength(2)
    const key = (await alice.vault.keys()).find(({ keyId }) => keyId === own?.keyId)
    expect(key?.events.map(({ to }) => to)).toContain('compromised')
  })

  it('is the whole registry after a rotation for compromise, and after a recovery, of the device that has the authority then', async () => {
    const contacts = await threeContacts(network, alice)
    const kit = await dealTo(network, alice, contacts, { delay: 600 })
    await network.link('phone', alice)
    await network.settle(alice, ...contacts)
    const keys = await alice.agent.edge.records.get('identity-keys', await alice.did())
    const before = await hOf(alice)
    await alice.agent.replaceCompromised(keys?.authority ?? '')
    const [own, ...more] = await hOf(alice)
    expect([before.includes(own ?? ''), more]).toEqual([false, []])
    await network.settle(alice, ...contacts)
    const device = await network.newDevice(kit)
    for (const contact of contacts.slice(0, 2)) await network.help(device, contact, { owner: 'alice' })
    await device.agent.recovery.finish()
    network.advance(700)
    await network.settle(device, ...contacts)
    expect(await hOf(device)).toEqual((await ownKeys(device)).map(({ h }) => h))
    expect(await hOf(device)).not.toContain(own)
    const [entry] = (await device.agent.devices.list()).devices
    expect(entry).toMatchObject({ self: true, name: 'first device', standing: 'active' })
  })
})
