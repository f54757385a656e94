/** V19 away from an agency that is gone: it helps with nothing, and nothing is asked of it. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { MAIL_DAYS } from '../../agent/src/limits.ts'
import { linkDevice } from './linking.ts'
import { AGENCY, LEDGER, Network } from './network.ts'
import type { Person } from './person.ts'

let network: Network
let alice: Person
/** At an agency of his own. */
let bob: Person
let elsewhere: { did: string; url: string }

beforeEach(async () => {
  network = await Network.open()
  alice = await network.person('alice')
  bob = await network.newcomer('bob')
  await bob.agent.setLabel('bob')
  await bob.agent.addCloudAgent(await agency('bobs'))
  await bob.agent.createIdentity()
  await network.connect(alice, bob)
  elsewhere = await agency('elsewhere')
})
afterEach(() => network.close())

const agency = async (name: string) => ({
  did: (await network.addAgency(name)).options.did,
  url: `http://${name}.test`,
})
const texts = async ({ agent }: Person) => (await agent.texts()).map(({ text }) => text).sort()
const code = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => 'done',
    (error: { code?: string }) => error.code ?? error,
  )

describe('an agency that is gone', () => {
  it('is left without its help: contacts hear of the new one, and what they had for us waits with them until then', async () => {
    await alice.agent.invitePlainly('https://wallet.test/', { alias: 'carol' })
    network.wires.cut(AGENCY)
    await bob.agent.sendText('alice', 'while it is gone')
    await bob.agent.sync()
    expect(await code(alice.agent.moveTo(elsewhere))).toBe('AGENCY_UNREACHABLE')
    await alice.agent.moveTo(elsewhere, { gone: true })
    await network.settle(alice, bob)
    await network.settle(alice, bob)
    await alice.agent.sendText('bob', 'from the new one')
    await bob.agent.sendText('alice', 'to the new one')
    await network.settle(alice, bob)
    expect(await texts(alice)).toEqual(['from the new one', 'to the new one', 'while it is gone'])
    expect(await texts(bob)).toEqual(['from the new one', 'to the new one', 'while it is gone'])
    const { didDocument } = await bob.agent.edge.resolver.resolve(await alice.did())
    expect(JSON.stringify(didDocument)).toContain(elsewhere.did)
    const profile = await alice.agent.profile()
    expect([profile.agency?.did, profile.former, profile.next]).toEqual([elsewhere.did, undefined, undefined])
    expect(alice.heard('agency-changed', /at http:\/\/elsewhere.test now/)).toBe(true)
    expect(await alice.agent.sync()).toMatchObject({ waiting: 0 })
    // It is as free to go on as any other.
    await alice.agent.moveTo(await agency('third'))
  })

  it('is not given up while it answers', async () => {
    await expect(alice.agent.moveTo(elsewhere, { gone: true })).rejects.toThrow(/the agency before answers/)
    expect((await alice.agent.profile()).next).toBeUndefined()
  })

  it('also where it went in the middle of a move, or while it forwarded', async () => {
    network.wires.cut(AGENCY)
    await alice.agent.moveTo(elsewhere).catch(() => {})
    await alice.restart()
    network.wires.cut(LEDGER)
    await alice.agent.moveTo(elsewhere, { gone: true }).catch(() => {})
    expect(await alice.agent.moving()).toMatchObject({ from: AGENCY, gone: true })
    network.wires.mend(LEDGER)
    await network.settle(alice, bob)
    await network.settle(alice, bob)
    expect((await alice.agent.profile()).former).toBeUndefined()
    const third = await agency('third')
    await alice.agent.moveTo(third)
    await network.settle(alice, bob)
    network.wires.cut(elsewhere.url)
    expect(await code(alice.agent.stopForwarding())).toBe('AGENCY_UNREACHABLE')
    await alice.agent.giveUpFormer()
    expect((await alice.agent.profile()).former).toBeUndefined()
    await bob.agent.sendText('alice', 'to the third')
    await network.settle(bob, alice)
    expect(await texts(alice)).toEqual(['to the third'])
  })

  it('is left by the owner’s other devices as well, which learn of it by the public DID and forget the rest in time', async () => {
    const phone = await linkDevice(network, alice, 'phone', { can: ['ADMIN', 'PROVE'], others: [bob] })
    network.wires.cut(AGENCY)
    await expect(phone.agent.moveTo(elsewhere, { gone: true })).rejects.toThrow(/move on the device that has its keys/)
    // While nobody has moved, an agency that is away leads nowhere.
    await phone.agent.sync()
    expect((await phone.agent.profile()).agency?.did).toBe(network.agency.options.did)
    await alice.agent.moveTo(elsewhere, { gone: true })
    for (let round = 0; round < 4; round++) await network.settle(alice, phone, bob)
    expect((await phone.agent.profile()).agency?.did).toBe(elsewhere.did)
    await bob.agent.sendText('alice', 'to both')
    await phone.agent.sendText('bob', 'from the phone')
    for (let round = 0; round < 2; round++) await network.settle(alice, phone, bob)
    for (const device of [alice, phone]) expect(await texts(device)).toContain('to both')
    expect(await texts(bob)).toContain('from the phone')
    expect((await phone.agent.profile()).former?.untold).toBe(true)
    network.advance(MAIL_DAYS * 86_400 + 60)
    await network.settle(alice, phone)
    expect((await phone.agent.profile()).former).toBeUndefined()
  })
})
