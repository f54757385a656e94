/** Guardianship (flow V20): every command a process of its own, on a real ledger and agency. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Person } from '../../../scripts/story/person.ts'
import { openTown, type Town } from '../../../scripts/testing/town.ts'

let town: Town
let alice: Person
let erin: Person
let bob: Person
let carol: Person

beforeAll(async () => {
  town = await openTown('guardian')
  ;[alice, erin, bob, carol] = ['alice', 'erin', 'bob', 'carol'].map((name) => town.person(name)) as [
    Person,
    Person,
    Person,
    Person,
  ]
  for (const one of [alice, erin, bob, carol]) await one.run(['init'])
  for (const peer of [erin, bob, carol]) {
    const { data } = await alice.run(['invite', '--tell'])
    await alice.listening(() => peer.run(['accept', data.url, '--tell', '--wait', '30']))
  }
}, 240_000)

afterAll(async () => {
  await town?.end()
})

const standings = async (person: Person): Promise<string[]> => {
  const { guardians, wards } = (await person.run(['guardian'])).data
  return [...guardians, ...wards].map(({ standing }: { standing: string }) => standing)
}

// Some forty processes, each deriving a key from its passphrase: minutes on a busy machine.
describe('guardian', { timeout: 600_000 }, () => {
  it('V20: is asked, agrees, stands on the ledger, and does what was granted and no more', async () => {
    expect((await alice.run(['guardian', 'add', 'erin', '--may', 'rotate'], 77)).error).toBe('ABUSABLE_GRANT')
    expect((await alice.run(['guardian', 'add', 'erin', '--may', 'admin'], 65)).error).toBe('BAD_CAPABILITY')
    const { data } = await alice.run(['guardian', 'add', 'erin', '--may', 'recover,suspend', '--days', '30'])
    expect(data.gives.join(' ')).toMatch(/stop your DID/)
    expect(await standings(alice)).toEqual(['asked'])
    await erin.sync()
    await erin.run(['approve'])
    await alice.sync()
    expect(await standings(alice)).toEqual(['active'])
    expect(await standings(erin)).toEqual(['active'])
    await erin.run(['guardian', 'suspend', 'alice'])
    expect((await alice.run(['device'])).data.suspended).toBe(true)
    await alice.run(['device', 'resume'])
    const url = town.system.url('agency')
    expect((await erin.run(['guardian', 'mail', 'alice', url], 77)).error).toBe('NO_GUARDIAN')
    expect((await bob.run(['guardian', 'suspend', 'alice'], 77)).error).toBe('NO_GUARDIAN')
  })

  it('V20: recovers the ward’s wallet on a device held for them, with the ward’s contacts and kit, never alone', async () => {
    const kit = alice.file('kit.html')
    await alice.run(['recovery', 'setup', 'bob', 'carol', '--kit', kit, '--delay', '4'])
    for (const contact of [bob, carol]) {
      await contact.sync()
      await contact.run(['approve'])
    }
    await alice.sync()
    await alice.run(['backup'])
    // The ward can do nothing any more. The device is the guardian's to hold; the wallet in it is the ward's.
    alice.destroy()
    const device = town.person('held-for-alice')
    const recovering = device.background(['recover', '--kit', kit, '--seconds', '180'])
    const link = String((await recovering.event('link'))['url'])
    const { data: vouched } = await erin.run(['guardian', 'recover', 'alice', link])
    const stranger = town.person('stranger')
    await stranger.run(['init'])
    expect((await stranger.run(['guardian', 'recover', 'alice', link], 65)).error).toBe('UNKNOWN_CONTACT')
    for (const contact of [bob, carol]) {
      const opened = await contact.run(['help-recover', vouched.url, '--seconds', '30'])
      expect(opened.data.guardian).toBe('erin')
      const { code } = await recovering.event('code', (line) => line['label'] === contact.name)
      await contact.run(['help-recover', '--code', String(code)])
    }
    const { data: recovered, status, notes } = await recovering.done
    expect([status, notes]).toEqual([0, expect.any(String)])
    expect(recovered).toMatchObject({ recovered: true, path: 'P+S' })
    await new Promise((resolve) => setTimeout(resolve, 6000))
    for (const one of [bob, carol, device]) await one.sync()
    const { data: shown } = await device.run(['show'])
    expect(shown.identities.map(({ status: state }: { status: string }) => state)).toEqual(['active'])
    // The recovery ended the guardianship, as it ends every other entry.
    expect((await erin.run(['guardian', 'suspend', 'alice'], 77)).error).toBe('NO_GUARDIAN')
  })
})
