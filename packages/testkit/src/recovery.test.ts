/** Losing everything, coming back, and those who try the same with somebody else's wallet. */
import { base64url, systemRandom } from '@keystead/core'
import { type Kit, makeSharePackets, renderKit } from '@keystead/recovery'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { dealTo, threeContacts } from './dealing.ts'
import { AGENCY, LEDGER, Network } from './network.ts'
import type { Person } from './person.ts'

const DELAY = 600
let network: Network
let alice: Person
let contacts: Person[]
let kit: Kit

beforeEach(async () => {
  network = await Network.open()
  alice = await network.person('alice')
  contacts = await threeContacts(network, alice)
  kit = await setUp()
})

afterEach(() => network.close())

const code = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => 'done',
    (error: { code?: string }) => error.code ?? error,
  )

const setUp = () => dealTo(network, alice, contacts, { delay: DELAY })

/** A device that has nothing but the kit. */
const newDevice = (name = 'new') => network.newDevice(kit, name)

async function recovered(): Promise<Person> {
  const device = await newDevice()
  for (const contact of contacts.slice(0, 2)) await network.help(device, contact)
  await device.agent.recovery.finish()
  await network.settle(device, ...contacts)
  return device
}

const statuses = async ({ agent }: Person) => (await agent.identities()).map(({ status }) => status)
const towardsAlice = async (contact: Person) => (await contact.agent.contact('alice')).peer?.state.now.did

describe('setting up', () => {
  it('the meter counts what was confirmed, and names what is missing', async () => {
    const status = await alice.agent.recovery.status()
    expect(status.contacts.map(({ answer }) => answer)).toEqual(['kept', 'kept', 'kept'])
    expect(status.level).toBe('weak')
    expect(status.missing.map(({ code }) => code)).toEqual([
      'KIT_NOT_CHECKED',
      'ONE_LOCATOR_OPERATOR',
      'ONE_COPY',
      'PIN_OFF',
    ])
    await alice.agent.recovery.checkKit(renderKit(kit))
    expect((await alice.agent.recovery.status()).kitChecked).toBe(true)
  })

  it('no recovery value repeats across DIDs and relationships (rule 2)', async () => {
    await alice.agent.createIdentity('second', 'subject')
    const digests: string[] = []
    for (const { did } of await alice.agent.identities()) {
      const { state } = await alice.agent.edge.ports.ledger.resolve(did)
      digests.push(...(state?.recovery.entries ?? []).map(({ h }) => h))
    }
    for (const { mine } of await alice.agent.contacts()) digests.push(...mine.state.recovery.entries.map(({ h }) => h))
    expect(digests).toHaveLength(5)
    expect(new Set(digests).size).toBe(5)
  })

  it('nothing that opens a path stays on the device: neither kit nor shares nor private keys of paths', async () => {
    const text = JSON.stringify(await alice.vault.exportRecords())
    expect(text).not.toContain(kit.words.split(' ').slice(0, 6).join(' '))
    for (const category of ['setup', 'holder', 'log', 'recovery-key', 'outbox'])
      for (const { value } of await alice.vault.list(category)) expect(JSON.stringify(value)).not.toMatch(/words|seed/)
  })

  it('a contact who declines is shown as such', async () => {
    await alice.agent.recovery.setUp({ contacts: ['bob', 'carol'], threshold: 2, delay: DELAY })
    await network.settle(alice, ...contacts)
    await contacts[0]?.agent.decline()
    await network.settle(alice, ...contacts)
    const { contacts: shown, change, level } = await alice.agent.recovery.status()
    const [bob, carol] = await Promise.all(['bob', 'carol'].map((name) => alice.agent.contact(name)))
    expect(change?.contacts).toEqual([
      { id: bob?.id, label: 'bob', answer: 'declined' },
      { id: carol?.id, label: 'carol', answer: 'waiting' },
    ])
    // It takes nobody's place: the set-up before still counts (RECOVERY-23).
    expect(shown.map(({ answer }) => answer)).toEqual(['kept', 'kept', 'kept'])
    expect(shown.slice(0, 2).map(({ id }) => id)).toEqual([bob?.id, carol?.id])
    expect(level).toBe('weak')
  })

  it('goes on after an outage in the middle, and after a restart', async () => {
    network.wires.cut(AGENCY)
    network.wires.cut(LEDGER)
    expect(await code(alice.agent.recovery.setUp({ contacts: ['bob', 'carol'], threshold: 2 }))).toBe(
      'LEDGER_UNREACHABLE',
    )
    network.wires.mend(LEDGER)
    await alice.agent.recovery.setUp({ contacts: ['bob', 'carol'], threshold: 2, delay: DELAY })
    await alice.restart()
    network.wires.mend(AGENCY)
    await network.settle(alice, ...contacts)
    expect((await alice.agent.recovery.status()).missing.map(({ code }) => code)).not.toContain('NO_BACKUP')
  })

  it('backups are taken by themselves, and only when something changed', async () => {
    const first = (await alice.agent.recovery.status()).backup?.seq ?? -1
    await alice.agent.sync()
    expect((await alice.agent.recovery.status()).backup?.seq).toBe(first)
    await alice.agent.setLabel('alice the second')
    await alice.agent.sync()
    expect((await alice.agent.recovery.status()).backup?.seq).toBe(first + 1)
  })
})

describe('an owner who lost everything', () => {
  it('has the data at once, and authority after its delay', async () => {
    const device = await recovered()
    expect((await device.agent.profile()).label).toBe('alice')
    expect((await device.agent.contacts()).map(({ label }) => label).sort()).toEqual(['bob', 'carol', 'dave'])
    expect(await statuses(device)).toEqual(['recovering'])
    expect(await code(device.agent.offer('bob', 'X', {}))).toBe('RECOVERY_UNDER_WAY')
    network.advance(DELAY - 60)
    await network.settle(device, ...contacts)
    expect(await statuses(device)).toEqual(['recovering'])
    network.advance(120)
    await network.settle(device, ...contacts)
    await network.settle(device, ...contacts)
    expect(await statuses(device)).toEqual(['active'])
    for (const contact of contacts) {
      const own = (await device.agent.contact(contact.name)).mine.state.now.did
      expect(await towardsAlice(contact)).toBe(own)
      expect((await contact.agent.contact('alice')).verified).toBeUndefined()
    }
  })

  it('afterwards the dead device is refused by ledger and peers', async () => {
    const device = await recovered()
    network.advance(DELAY + 60)
    await network.settle(device, ...contacts)
    await network.settle(device, ...contacts)
    await alice.agent.sync()
    expect(await statuses(alice)).toEqual(['lost'])
    expect(await code(alice.agent.rotateAll())).toBe('NO_IDENTITY')
    const [bob] = contacts
    const before = bob && (await towardsAlice(bob))
    await code(alice.agent.offer('bob', 'Forgery', {}))
    await network.settle(alice, ...contacts)
    expect(await bob?.agent.requests()).toEqual([])
    expect(bob && (await towardsAlice(bob))).toBe(before)
  })

  it('can set recovery up anew, at once in force', async () => {
    const device = await recovered()
    network.advance(DELAY + 60)
    await network.settle(device, ...contacts)
    await network.settle(device, ...contacts)
    alice = device
    kit = await setUp()
    const { state } = await device.agent.edge.ports.ledger.resolve(await device.did())
    expect(state?.recovery.entries).toHaveLength(1)
    expect(state?.recovery.held).toBeUndefined()
    const again = await newDevice('again')
    for (const contact of contacts.slice(1)) await network.help(again, contact)
    await again.agent.recovery.finish()
    expect(await statuses(again)).toEqual(['recovering'])
  })

  it('goes on with a recovery that an outage or a restart interrupted', async () => {
    const device = await newDevice()
    await network.help(device, contacts[0] as Person)
    await device.restart()
    await network.help(device, contacts[1] as Person)
    network.wires.cut(LEDGER)
    expect(await code(device.agent.recovery.finish())).toBe('LEDGER_UNREACHABLE')
    await device.restart()
    network.wires.mend(LEDGER)
    await device.agent.recovery.finish()
    expect(await statuses(device)).toEqual(['recovering'])
  })
})

describe('a thief', () => {
  it('with the kit and one contact gets nothing', async () => {
    const thief = await newDevice('thief')
    await network.help(thief, contacts[0] as Person)
    expect(await code(thief.agent.recovery.finish())).toBe('TOO_FEW_SHARES')
    expect(await thief.agent.contacts()).toEqual([])
    expect(await thief.agent.identities()).toEqual([])
  })

  it('a code that was not told by the owner MUST NOT release a share, and three wrong ones end it', async () => {
    const [bob] = contacts as [Person]
    const thief = await newDevice('thief')
    const { session, shown } = await network.reveal(thief, bob)
    const wrong = shown.replace(/^./, (digit) => String((Number(digit) + 1) % 10))
    expect(await code(bob.agent.recovery.typeCode(session, wrong))).toBe('CODE_MISMATCH')
    expect(await code(bob.agent.recovery.typeCode(session, wrong))).toBe('CODE_MISMATCH')
    expect(await code(bob.agent.recovery.typeCode(session, wrong))).toBe('CEREMONY_REFUSED')
    expect(await code(bob.agent.recovery.typeCode(session, shown))).toBe('CEREMONY_REFUSED')
    await network.settle(thief, bob)
    expect((await thief.agent.recovery.progress())?.have).toBe(0)
  })

  it('a share is handed over once; the same ceremony never answers again', async () => {
    const [bob] = contacts as [Person]
    const device = await newDevice()
    const { session, shown } = await network.reveal(device, bob)
    await bob.agent.recovery.typeCode(session, shown)
    expect(await code(bob.agent.recovery.typeCode(session, shown))).toBe('CEREMONY_REFUSED')
  })

  it('without the kit finds no contact who keeps a share for them', async () => {
    const mallory = await network.person('mallory')
    await network.connect(mallory, contacts[0] as Person)
    const device = await newDevice()
    const { url } = (await device.agent.recovery.progress())?.rescue ?? { url: '' }
    expect(await code(mallory.agent.recovery.help(url))).toBe('NO_SHARE')
  })

  it('with the kit and two contacts is seen on the living device, vetoed there, and holds nothing', async () => {
    const [bob, carol, dave] = contacts as [Person, Person, Person]
    const thief = await newDevice('thief')
    await network.help(thief, bob)
    await network.help(thief, carol)
    await thief.agent.recovery.finish()
    await network.settle(thief, bob, carol)
    network.advance(30)
    await alice.agent.sync()
    expect(alice.heard('share-handed')).toBe(true)
    expect(alice.heard('recovery-alert', /somebody recovers your DID/)).toBe(true)
    expect(alice.heard('recovery-alert', /relationship with bob/)).toBe(true)
    await alice.agent.recovery.veto()
    // Dave was away: what he tells later is stopped without asking again.
    await network.settle(alice, bob, carol, dave, thief)
    await network.settle(alice, bob, carol, dave, thief)
    network.advance(DELAY + 60)
    await network.settle(thief, alice, bob, carol, dave)
    await network.settle(thief, alice, bob, carol, dave)
    expect(await statuses(thief)).toEqual(['lost'])
    expect(await statuses(alice)).toEqual(['active'])
    for (const contact of contacts)
      expect(await towardsAlice(contact)).toBe((await alice.agent.contact(contact.name)).mine.state.now.did)
    await thief.agent.offer('bob', 'Forgery', {}).catch(() => {})
    await network.settle(thief, bob)
    expect(await bob.agent.requests()).toEqual([])
  })

  it('a veto that lay in the mailbox in time counts, however late it is read', async () => {
    const [bob, carol] = contacts as [Person, Person]
    const thief = await newDevice('thief')
    await network.help(thief, bob)
    await network.help(thief, carol)
    await thief.agent.recovery.finish()
    await network.settle(thief, bob, alice)
    await alice.agent.recovery.veto()
    await alice.agent.sync()
    network.advance(DELAY * 3)
    await bob.agent.sync()
    expect(await towardsAlice(bob)).toBe((await alice.agent.contact('bob')).mine.state.now.did)
  })

  it('who steals the agency’s whole store reads no backup and finds no locator', async () => {
    const { store } = network.agency.options
    const vault = (await alice.agent.edge.records.get('holder', 'own'))?.vault ?? ''
    const { shown } = await store.log(vault, { from: [], entries: 0 }, { maxBytes: 1e7, trimmed: true })
    expect(shown.length).toBeGreaterThan(2)
    const bytes = Buffer.concat(shown.map((one) => one.bytes)).toString('latin1')
    expect(bytes).not.toMatch(/"bob"|carol|did:peer|did:dkms|relationship/)
  })
})

describe('an owner without any device, whom a thief was quicker than', () => {
  it('is refused while the thief’s recovery is pending, and keeps everything to try again', async () => {
    const thief = await newDevice('thief')
    const owner = await newDevice('owner')
    for (const contact of contacts.slice(0, 2)) await network.help(thief, contact)
    for (const contact of contacts.slice(1)) await network.help(owner, contact)
    await thief.agent.recovery.finish()
    expect(await code(owner.agent.recovery.finish())).toBe('RECOVERY_PENDING')
    expect((await owner.agent.contacts()).length).toBe(3)
    await network.settle(alice)
    network.advance(30)
    await alice.agent.sync()
    await alice.agent.recovery.veto()
    expect(await code(owner.agent.recovery.finish())).toBe('PATH_RESTING')
    network.advance(DELAY + 60)
    await owner.agent.recovery.finish()
    expect(await statuses(owner)).toEqual(['recovering'])
  })
})

describe('a contact who cheats', () => {
  it('with a share of another set stops nobody: the others’ shares open the path', async () => {
    const [bob, carol, dave] = contacts as [Person, Person, Person]
    const device = await newDevice()
    const [share] = await bob.vault.list('share')
    const packets = makeSharePackets({
      secret: new Uint8Array(32).fill(9),
      policy: { threshold: 2, count: 3 },
      epoch: 1,
      locator: kit.locator,
      owner: 'alice',
      agencies: [AGENCY],
      random: systemRandom,
    })
    const packet = base64url.encode(packets[0] as Uint8Array)
    await bob.vault.put({
      segment: 'authority',
      category: 'share',
      name: share?.name ?? '',
      value: { ...share?.value, packet },
    })
    await network.help(device, bob)
    await network.help(device, carol)
    expect((await device.agent.recovery.progress())?.have).toBe(1)
    expect(await code(device.agent.recovery.finish())).toBe('TOO_FEW_SHARES')
    await network.help(device, dave)
    await device.agent.recovery.finish()
    expect(await statuses(device)).toEqual(['recovering'])
  })
})

describe('a kit', () => {
  it('of another network, or of nobody, is refused', async () => {
    const device = await network.newcomer('stray')
    await device.agent.addCloudAgent({ did: network.agency.options.did, url: AGENCY })
    const stray = { ...kit, locator: new Uint8Array(16) }
    expect(await code(device.agent.recovery.begin(stray, 'https://wallet.test/'))).toBe('UNKNOWN_LOCATOR')
    expect(await code(alice.agent.recovery.begin(kit, 'https://wallet.test/'))).toBe('NOT_ALLOWED_NOW')
    const ahead = { ...kit, checkpoint: { ...kit.checkpoint, height: 1_000_000 } }
    expect(await code(device.agent.recovery.begin(ahead, 'https://wallet.test/'))).toBe('LEDGER_ROLLBACK')
  })
})
