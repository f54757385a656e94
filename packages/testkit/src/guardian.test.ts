/** Managing keys for another owner, as far as they said (flow V20, spec/guardianship.md), and those who claim they may. */
import type { GuardianCapability } from '@keystead/agent/edge'
import { KeysteadError, multihash, utf8 } from '@keystead/core'
import { sha256 } from '@keystead/crypto'
import { developmentParameters } from '@keystead/did-dkms'
import type { Kit } from '@keystead/recovery'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { queue } from '../../agent/src/edge/context.ts'
import { readHelpLink } from '../../agent/src/edge/recovery/help-link.ts'
import { put } from '../../agent/src/edge/store.ts'
import { GUARDIAN_ACCEPT, GUARDIAN_ACTED, GUARDIAN_APPOINT } from '../../agent/src/protocols/guardian/messages.ts'
import { helpUrl } from '../../agent/src/protocols/recovery/messages.ts'
import { dealTo, threeContacts } from './dealing.ts'
import { AGENCY, LEDGER, Network } from './network.ts'
import type { Person } from './person.ts'

const DELAY = 600
const HOLD = developmentParameters.recoveryHold
const YEAR = 365 * 86_400
let network: Network
/** The ward; erin is her guardian. */
let alice: Person
let erin: Person
let contacts: Person[]
let kit: Kit

beforeEach(async () => {
  network = await Network.open()
  alice = await network.person('alice')
  erin = await network.person('erin')
  await network.connect(alice, erin)
  contacts = await threeContacts(network, alice)
})

afterEach(() => network.close())

const code = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => 'done',
    (error: { code?: string }) => error.code ?? error,
  )

async function appointed(...can: GuardianCapability[]): Promise<void> {
  await alice.agent.guardians.add('erin', { can, seconds: YEAR, anyway: true })
  await network.settle(alice, erin)
  await erin.agent.approve()
  await network.settle(erin, alice)
}

async function setUp(): Promise<void> {
  kit = await dealTo(network, alice, contacts, { delay: DELAY })
}

/** Until a guardian who was named now counts for the ward's contacts. */
const held = (): void => network.clock.advance((HOLD + 1) * 1000)

/** What a link says, whoever keeps it. */
const said = async (link: string) => (await readHelpLink(erin.agent.edge, link)).invitation
const linkOf = async ({ agent }: Person): Promise<string> => (await agent.recovery.progress())?.rescue.url ?? ''

/** A message as somebody's own software would not send it. */
async function send(from: Person, to: Person, type: string, body: object, thid?: string): Promise<void> {
  const { mine, peer } = await from.agent.contact(to.name)
  const parts = { from: mine.state.now.did, to: peer?.state.now.did ?? '', ...(thid ? { thid } : {}) }
  await from.agent.edge.records.commit([queue(from.agent.edge, { ...parts, type, body: body as never })])
  await network.settle(from, to)
}

/** Beside the one of her device. */
async function entriesOf({ agent }: Person) {
  return (await agent.devices.list()).devices.filter(({ self }) => !self)
}

describe('a guardian', () => {
  it('is on the ledger once they agree, with what the owner chose and until when, and is shown to both (GUARDIAN-1)', async () => {
    const gives = await alice.agent.guardians.add('erin', { can: ['SUSPEND', 'UPDATE_SERVICE'], seconds: YEAR })
    expect(gives.join(' ')).toMatch(/stop your DID.*where your mail goes/)
    expect((await alice.agent.guardians.list()).map(({ standing }) => standing)).toEqual(['asked'])
    await network.settle(alice, erin)
    expect((await erin.agent.requests())[0]?.summary).toMatch(/guardian until 2027-01-01: to stop their DID/)
    expect(await entriesOf(alice)).toEqual([])
    await erin.agent.approve()
    await network.settle(erin, alice)
    const until = network.clock.now() / 1000 + YEAR
    for (const list of [await alice.agent.guardians.list(), await erin.agent.guardians.wards()])
      expect(list).toMatchObject([{ can: ['SUSPEND', 'UPDATE_SERVICE'], standing: 'active' }])
    expect((await alice.agent.guardians.list())[0]?.until).toBeCloseTo(until, -2)
    expect((await entriesOf(alice)).map(({ name }) => name)).toEqual(['erin (guardian)'])
  })

  it('who declines is none', async () => {
    await alice.agent.guardians.add('erin', { can: ['SUSPEND'], seconds: YEAR })
    await network.settle(alice, erin)
    await erin.agent.decline()
    await network.settle(erin, alice)
    expect((await alice.agent.guardians.list()).map(({ standing }) => standing)).toEqual(['declined'])
    expect(await entriesOf(alice)).toEqual([])
    await appointed('SUSPEND')
    expect((await alice.agent.guardians.list()).map(({ standing }) => standing)).toEqual(['active'])
  })

  it('is put on the ledger when that is back, once, and not again after the owner took them off (GUARDIAN-2)', async () => {
    await alice.agent.guardians.add('erin', { can: ['SUSPEND'], seconds: YEAR })
    await network.settle(alice, erin)
    network.wires.cut(LEDGER)
    await erin.agent.approve()
    await erin.agent.sync()
    await alice.agent.sync()
    await alice.restart()
    network.wires.mend(LEDGER)
    expect((await alice.agent.guardians.list()).map(({ standing }) => standing)).toEqual(['agreed'])
    await network.settle(alice, erin)
    expect((await alice.agent.guardians.list()).map(({ standing }) => standing)).toEqual(['active'])
    await alice.agent.devices.revoke('erin (guardian)')
    await network.settle(alice, erin)
    expect((await alice.agent.guardians.list()).map(({ standing }) => standing)).toEqual(['gone'])
    expect(await entriesOf(alice)).toEqual([])
  })

  it('is none from the moment the owner says so, also while the ledger was away, and when the contact is removed (GUARDIAN-3)', async () => {
    await appointed('SUSPEND')
    network.wires.cut(LEDGER)
    expect(await code(alice.agent.guardians.remove('erin'))).toBe('LEDGER_UNREACHABLE')
    network.wires.mend(LEDGER)
    await network.settle(alice, erin)
    expect(await entriesOf(alice)).toEqual([])
    expect(await alice.agent.guardians.list()).toEqual([])
    expect(erin.heard('guardian-withdrawn')).toBe(true)
    expect((await erin.agent.guardians.wards()).map(({ standing }) => standing)).toEqual(['gone'])
    expect(await code(erin.agent.guardians.suspend('alice'))).toBe('NO_GUARDIAN')
    await appointed('SUSPEND')
    expect(await entriesOf(alice)).toHaveLength(1)
    await alice.agent.removeContact('erin')
    await network.settle(alice, erin)
    expect(await entriesOf(alice)).toEqual([])
  })

  it('who has the name of another is withdrawn by the id, and nobody in their place', async () => {
    for (const name of ['erin', 'bob']) await alice.agent.guardians.add(name, { can: ['SUSPEND'], seconds: YEAR })
    const bob = await alice.agent.contact('bob')
    await alice.agent.edge.records.commit([put('relationship', bob.id, { ...bob, label: 'Erin' })])
    expect(await code(alice.agent.guardians.remove('erin'))).toBe('UNKNOWN_GUARDIAN')
    await alice.agent.guardians.remove(bob.id)
    expect((await alice.agent.guardians.list()).map(({ label }) => label)).toEqual(['erin'])
  })

  it('leaves the ledger also while another cannot be put there', async () => {
    await appointed('SUSPEND')
    const [bob] = contacts as [Person]
    await alice.agent.guardians.add('bob', { can: ['SUSPEND'], seconds: YEAR })
    const { records } = alice.agent.edge
    const of = async (name: string) => (await alice.agent.contact(name)).id
    const ids = [await of('bob'), await of('erin')].sort()
    await network.settle(alice, bob)
    // Records come in the order of their names: the one that is refused is to be the first.
    const [first, last] = ids as [string, string]
    const refused = { ...(await records.get('guardian', await of('bob'))), relationship: first, until: 9e15 }
    const leaving = { ...(await records.get('guardian', await of('erin'))), relationship: last }
    const opening = { k: 'z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK', salt: 'A'.repeat(22) }
    await records.commit([
      put('guardian', first, { ...refused, opening } as never),
      put('guardian', last, { ...leaving, ended: true } as never),
    ])
    await code(alice.agent.sync())
    expect(await entriesOf(alice)).toEqual([])
    expect((await alice.agent.guardians.list()).map(({ standing }) => standing)).toEqual(['agreed'])
  })

  it('who was asked and is withdrawn before they answer has nothing to agree to', async () => {
    await alice.agent.guardians.add('erin', { can: ['SUSPEND'], seconds: YEAR })
    await network.settle(alice, erin)
    await alice.agent.guardians.remove('erin')
    await network.settle(alice, erin)
    expect(await erin.agent.requests()).toEqual([])
    expect(await alice.agent.guardians.list()).toEqual([])
  })

  it('is none after their time', async () => {
    await alice.agent.guardians.add('erin', { can: ['SUSPEND'], seconds: 3600 })
    await network.settle(alice, erin)
    await erin.agent.approve()
    await network.settle(erin, alice)
    network.clock.advance(3601 * 1000)
    await network.settle(alice, erin)
    expect((await alice.agent.guardians.list()).map(({ standing }) => standing)).toEqual(['expired'])
    expect(await code(erin.agent.guardians.suspend('alice'))).toBe('NO_GUARDIAN')
    // Until the owner asks again.
    await appointed('SUSPEND')
    expect((await alice.agent.guardians.list()).map(({ standing }) => standing)).toEqual(['active'])
    expect(await entriesOf(alice)).toHaveLength(1)
  })

  it('with "rotate" can pass for the owner, so the owner has to know; one that is asked is not asked again', async () => {
    const add = (can: GuardianCapability[], anyway = false) =>
      alice.agent.guardians.add('erin', { can, seconds: YEAR, anyway })
    expect(await code(add(['ROTATE']))).toBe('ABUSABLE_GRANT')
    expect((await add(['ROTATE'], true)).join(' ')).toMatch(/pass for you until you rotate/)
    expect(await code(add(['SUSPEND']))).toBe('NOT_ALLOWED_NOW')
  })

  it('who is to recover is said in plain words what it takes, and never to do it alone', async () => {
    const add = () => alice.agent.guardians.add('erin', { can: ['GUARDIAN'], seconds: YEAR })
    expect((await add()).join(' ')).toMatch(/No contacts keep shares/)
    await alice.agent.guardians.remove('erin')
    await setUp()
    expect((await add()).join(' ')).toMatch(/never alone: it takes 2 of your contacts, and your kit or your PIN/)
    const bob = await alice.agent.guardians.add('bob', { can: ['GUARDIAN'], seconds: YEAR })
    expect(bob.join(' ')).toMatch(/it takes 1 other of your contacts/)
  })
})

describe('a guardian acts', () => {
  it('by what they were granted, and the ward is told (GUARDIAN-4)', async () => {
    await appointed('SUSPEND', 'UPDATE_SERVICE', 'ROTATE')
    await network.addAgency('other')
    await erin.agent.guardians.moveMail('alice', 'http://other.test')
    const { body } = await erin.agent.edge.ports.ledger.resolve(await alice.did())
    expect(JSON.stringify(body?.services)).not.toContain(network.agency.options.did)
    const { fragment } = await alice.agent.publicIdentity()
    expect(await code(erin.agent.guardians.removeKey('alice', 'QmNone'))).toBe('UNKNOWN_KEY')
    await erin.agent.guardians.removeKey('alice', fragment)
    await erin.agent.guardians.suspend('alice')
    await network.settle(alice, erin)
    const after = await erin.agent.edge.ports.ledger.resolve(await alice.did())
    expect(after.body?.keys).toHaveLength(1)
    expect(after.state?.suspension).toBeDefined()
    const heard = alice.events.filter(({ kind }) => kind === 'guardian-acted').map(({ data }) => data?.['what'])
    expect(heard).toEqual(['services', 'keys', 'suspended'])
    // Whose it was is seen by the key, also where they tell nothing: it raises no alarm.
    network.clock.advance(11_000)
    await alice.agent.sync()
    expect(alice.heard('agent-acted', /erin, your guardian, acted for .* on the ledger \(operation/)).toBe(true)
    expect(alice.heard('strange-entry')).toBe(false)
    expect((await alice.agent.publicIdentity()).seq).toBe(after.state?.seq)
    // The owner has the last word.
    await alice.agent.devices.resume()
    await alice.agent.rotateAll()
    const rotated = await erin.agent.edge.ports.ledger.resolve(await alice.did())
    expect(rotated.body?.keys).toHaveLength(2)
    expect(JSON.stringify(rotated.body?.services)).toContain(network.agency.options.did)
  })

  it('MUST NOT cover what is done with the owner’s own keys beside it, nor what a ledger does not show', async () => {
    await appointed('SUSPEND', 'UPDATE_SERVICE')
    await network.addAgency('other')
    const alarms = () => alice.events.filter(({ kind }) => kind === 'strange-entry').length
    const history = alice.agent.edge.ports.ledger.history
    alice.agent.edge.ports.ledger.history = () => Promise.reject(new KeysteadError('LEDGER_UNREACHABLE', 'not today'))
    await erin.agent.guardians.moveMail('alice', 'http://other.test')
    network.clock.advance(11_000)
    await alice.agent.sync()
    expect(alarms()).toBe(1)
    alice.agent.edge.ports.ledger.history = history
    const thief = await alice.stolen('thief')
    await thief.agent.anchor(multihash.encode(sha256(utf8('by a thief'))))
    await erin.agent.guardians.suspend('alice')
    network.clock.advance(11_000)
    await alice.agent.sync()
    expect(alarms()).toBe(2)
    await thief.close()
  })

  it('also for a ward whose keys are in doubt: nothing is said to them then', async () => {
    await appointed('SUSPEND')
    const ward = await erin.agent.contact('alice')
    const blocked = { why: 'forked', at: network.clock.now() } as const
    await erin.agent.edge.records.commit([put('relationship', ward.id, { ...ward, blocked })])
    await erin.agent.guardians.suspend('alice')
    await network.settle(erin, alice)
    expect((await erin.agent.edge.ports.ledger.resolve(await alice.did())).state?.suspension).toBeDefined()
    expect(alice.heard('guardian-acted')).toBe(false)
  })

  it('MUST NOT do what they were not granted: the wallet says so, and the ledger refuses', async () => {
    await appointed('SUSPEND')
    for (const act of [
      erin.agent.guardians.moveMail('alice', AGENCY),
      erin.agent.guardians.removeKey('alice', (await alice.agent.publicIdentity()).fragment),
      erin.agent.guardians.recover('alice', helpUrl('https://x.test/', { from: 'did:peer:4zQm', expires: 9e9 })),
    ])
      expect(await code(act)).toBe('NO_GUARDIAN')
    expect(await code(contacts[0]?.agent.guardians.suspend('alice') as Promise<void>)).toBe('NO_GUARDIAN')
  })

  it('a contact who is none is not believed to have acted, nor to have agreed; nor does who was asked agree twice', async () => {
    await appointed('SUSPEND')
    const [bob] = contacts as [Person]
    await send(bob, alice, GUARDIAN_ACTED, { what: 'suspended' })
    const unbelieved = () => alice.events.filter(({ text }) => /no guardian of yours/.test(text)).length
    expect(unbelieved()).toBe(1)
    await alice.agent.guardians.remove('erin')
    await alice.agent.guardians.add('erin', { can: ['SUSPEND'], seconds: YEAR })
    // Asked, and not agreed.
    await send(erin, alice, GUARDIAN_ACTED, { what: 'suspended' })
    expect(unbelieved()).toBe(2)
    const thid = String((await alice.vault.list('guardian'))[0]?.value['thid'])
    const key = { k: 'z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK', salt: 'A'.repeat(22) }
    const refused = () => alice.events.filter(({ text }) => /asked of this contact/.test(text)).length
    await send(bob, alice, GUARDIAN_ACCEPT, key, thid)
    await send(erin, alice, GUARDIAN_ACCEPT, key, 'another')
    expect(refused()).toBe(2)
    expect(await entriesOf(alice)).toEqual([])
    await erin.agent.approve()
    await network.settle(erin, alice)
    await send(erin, alice, GUARDIAN_ACCEPT, key, thid)
    expect(refused()).toBe(3)
    expect(await entriesOf(alice)).toHaveLength(1)
  })

  it('who declined, or answers when the time is over, agrees to nothing any more', async () => {
    const key = { k: 'z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK', salt: 'A'.repeat(22) }
    const asked = async (seconds: number): Promise<string> => {
      await alice.agent.guardians.add('erin', { can: ['SUSPEND'], seconds })
      await network.settle(alice, erin)
      return String((await alice.vault.list('guardian'))[0]?.value['thid'])
    }
    const declined = await asked(YEAR)
    await erin.agent.decline()
    await network.settle(erin, alice)
    await send(erin, alice, GUARDIAN_ACCEPT, key, declined)
    expect(alice.heard('message-refused', /asked of this contact/)).toBe(true)
    const late = await asked(60)
    network.clock.advance(61_000)
    await send(erin, alice, GUARDIAN_ACCEPT, key, late)
    expect(alice.heard('message-refused', /time of this appointment/)).toBe(true)
  })

  it('is not asked by who has not told them their DID, nor for a time that is over', async () => {
    const zoe = await network.person('zoe')
    await zoe.agent.accept((await alice.agent.invite('https://wallet.test/')).url)
    await network.settle(alice, zoe)
    const add = alice.agent.guardians.add('zoe', { can: ['SUSPEND'], seconds: YEAR })
    expect(await code(add)).toBe('NOT_ALLOWED_NOW')
    await send(alice, erin, GUARDIAN_APPOINT, { did: await alice.did(), can: ['SUSPEND'], until: 5 })
    expect(await erin.agent.requests()).toEqual([])
  })

  it('an owner who names a DID that is not theirs is refused: somebody else would grant what is taken for theirs', async () => {
    const [bob] = contacts as [Person]
    await network.connect(bob, erin)
    const until = Math.floor(network.clock.now() / 1000) + YEAR
    await send(bob, erin, GUARDIAN_APPOINT, { did: await alice.did(), can: ['SUSPEND'], until })
    expect(await erin.agent.requests()).toEqual([])
    expect(erin.heard('message-refused', /not for the DID/)).toBe(true)
  })
})

describe('a guardian recovers', () => {
  beforeEach(setUp)

  it('a ward’s wallet onto a device held for them, with the ward’s contacts, announced as guardianship; the ward can veto (GUARDIAN-5)', async () => {
    await appointed('GUARDIAN')
    held()
    const device = await network.newDevice(kit, 'held')
    const url = await erin.agent.guardians.recover('alice', await linkOf(device))
    await network.settle(erin, alice)
    expect(alice.heard('guardian-acted', /erin, your guardian, recovers your wallet/)).toBe(true)
    for (const contact of contacts.slice(0, 2)) {
      const { session, vouched } = await contact.agent.recovery.help(url)
      expect(vouched?.name).toBe('erin')
      await network.settle(device, contact)
      const shown = device.events.findLast(({ kind, data }) => kind === 'code' && data?.['session'] === session)
      await contact.agent.recovery.typeCode(session, String(shown?.data?.['code']))
      await network.settle(device, contact, alice)
    }
    expect(alice.heard('share-handed', /a new device, of erin as your guardian/)).toBe(true)
    await device.agent.recovery.finish()
    await network.settle(device, ...contacts, alice)
    // Under the ward's policy: the delay runs, and the ward's device may stop it.
    expect((await device.agent.identities()).map(({ status }) => status)).toEqual(['recovering'])
    expect(alice.heard('recovery-alert')).toBe(true)
    network.clock.advance((DELAY + 1) * 1000)
    await network.settle(device, ...contacts)
    expect((await device.agent.identities()).map(({ status }) => status)).toEqual(['active'])
    expect(await device.did()).toBe(await alice.did())
    // The recovery leaves no agents: the ward, or whoever holds the device for them, names a guardian anew.
    expect((await erin.agent.guardians.wards()).map(({ standing }) => standing)).toEqual(['absent'])
  })

  it('without a kit the link says whose wallet it is', async () => {
    await appointed('GUARDIAN')
    held()
    const device = await network.newDevice(undefined, 'held')
    const url = await erin.agent.guardians.recover('alice', await linkOf(device))
    const [bob] = contacts as [Person]
    const { relationship } = await bob.agent.recovery.help(url)
    expect(relationship).toBe((await bob.agent.contact('alice')).id)
    const stranger = await network.person('stranger')
    expect(await code(stranger.agent.recovery.help(url))).toBe('NO_SHARE')
  })

  it('alone gets nothing: neither with the kit, nor with a word that nobody asked for', async () => {
    await appointed('GUARDIAN')
    held()
    const device = await network.newDevice(kit, 'held')
    await erin.agent.guardians.recover('alice', await linkOf(device))
    expect(await code(device.agent.recovery.finish())).toBe('TOO_FEW_SHARES')
  })

  it('nobody passes for a guardian: not without an entry, not without the capability, not for another device', async () => {
    await appointed('SUSPEND', 'GUARDIAN')
    held()
    const [bob, carol] = contacts as [Person, Person]
    const mallory = await network.newDevice(kit, 'mallory')
    const device = await network.newDevice(kit, 'held')
    const word = await said(await erin.agent.guardians.recover('alice', await linkOf(device)))
    const link = await said(await linkOf(mallory))
    const guardian = word.guardian as NonNullable<typeof word.guardian>
    const claims = [
      { ...link, guardian },
      { ...word, expires: word.expires + 1 },
      { ...word, guardian: { ...guardian, name: 'the bank' } },
      { ...word, guardian: { ...guardian, did: await bob.did() } },
      { ...word, guardian: { ...guardian, opening: { ...guardian.opening, salt: `${'B'.repeat(21)}A` } } },
    ]
    for (const claim of claims)
      expect(await code(bob.agent.recovery.help(helpUrl('https://x.test/', claim)))).toBe('GUARDIAN_REFUSED')
    await alice.agent.devices.permit('erin (guardian)', ['SUSPEND'])
    const url = helpUrl('https://x.test/', word)
    expect(await code(carol.agent.recovery.help(url))).toBe('GUARDIAN_REFUSED')
    await alice.agent.devices.permit('erin (guardian)', ['SUSPEND', 'GUARDIAN'])
    // Given again: it counts from then.
    expect(await code(carol.agent.recovery.help(url))).toBe('GUARDIAN_REFUSED')
  })

  it('a guardian of somebody else is none of the ward, and says their word once, for a link that is good', async () => {
    const [bob, carol] = contacts as [Person, Person]
    await network.connect(bob, erin)
    await bob.agent.guardians.add('erin', { can: ['GUARDIAN'], seconds: YEAR })
    await network.settle(bob, erin)
    await erin.agent.approve()
    await network.settle(erin, bob)
    held()
    const device = await network.newDevice(kit, 'held')
    const link = await linkOf(device)
    const url = await erin.agent.guardians.recover('bob', link)
    expect(await code(carol.agent.recovery.help(url))).toBe('GUARDIAN_REFUSED')
    expect(await code(erin.agent.guardians.recover('bob', url))).toBe('BAD_INVITATION')
    network.clock.advance(2 * 86_400_000)
    expect(await code(erin.agent.guardians.recover('bob', link))).toBe('INVITATION_EXPIRED')
  })

  it('not before they were one for as long as a change of the recovery set is held: a thief’s own guardian is of no use at once', async () => {
    await appointed('GUARDIAN')
    const device = await network.newDevice(kit, 'held')
    const url = await erin.agent.guardians.recover('alice', await linkOf(device))
    const [bob] = contacts as [Person]
    expect(await code(bob.agent.recovery.help(url))).toBe('GUARDIAN_REFUSED')
    held()
    expect(await code(bob.agent.recovery.help(url))).toBe('done')
  })

  it('not when the owner has withdrawn it since the link was opened', async () => {
    await appointed('GUARDIAN')
    held()
    const device = await network.newDevice(kit, 'held')
    const url = await erin.agent.guardians.recover('alice', await linkOf(device))
    const [bob] = contacts as [Person]
    const { session } = await bob.agent.recovery.help(url)
    await network.settle(device, bob)
    const shown = device.events.findLast(({ kind, data }) => kind === 'code' && data?.['session'] === session)
    await alice.agent.guardians.remove('erin')
    expect(await code(bob.agent.recovery.typeCode(session, String(shown?.data?.['code'])))).toBe('GUARDIAN_REFUSED')
    expect((await device.agent.recovery.progress())?.have).toBe(0)
  })
})
