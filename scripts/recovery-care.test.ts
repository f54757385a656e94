/** Looking after a recovery as a person does it: every command a process of its own, agencies and ledger processes too. */
import { readFileSync, writeFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Person } from './story/person.ts'
import { openTown, type Town } from './testing/town.ts'

let town: Town
let alice: Person
let bob: Person
let carol: Person
let dave: Person

beforeAll(async () => {
  town = await openTown('care')
  alice = town.person('alice')
  bob = town.person('bob')
  carol = town.person('carol')
  dave = town.person('dave')
  for (const one of [alice, bob, carol, dave]) await one.run(['init'])
  for (const peer of [bob, carol, dave]) {
    const { data } = await alice.run(['invite'])
    await alice.listening(() => peer.run(['accept', data.url, '--wait', '30']))
  }
}, 180_000)

afterAll(async () => {
  await town?.end()
})

async function agree(...contacts: Person[]): Promise<void> {
  for (const contact of contacts) {
    await contact.sync()
    await contact.run(['approve'])
  }
  await alice.sync()
}

describe('recovery, looked after', () => {
  it('is rehearsed without touching anything; a contact who is away closes a way, and it opens again (row N6)', async () => {
    const kit = alice.file('kit.html')
    await alice.run(['recovery', 'setup', 'bob', 'carol', '--kit', kit, '--delay', '4'])
    await agree(bob, carol)
    const shares = readFileSync(kit, 'utf8')
    const drill = ['recovery', 'drill', '--kit', kit, '--seconds']
    const half = await bob.listening(() => alice.run([...drill, '3'], 1))
    expect(half.data).toMatchObject({ ready: false, kit: 'read' })
    expect(half.data.contacts).toEqual([
      { label: 'bob', result: 'proven' },
      { label: 'carol', result: 'no-answer' },
    ])
    const whole = await bob.listening(() => carol.listening(() => alice.run([...drill, '30'])))
    expect(whole.data).toMatchObject({ ready: true, paths: [{ id: 'P+S', open: true }] })
    expect(whole.data.identities.map(({ result }: { result: string }) => result)).toEqual(['good'])
    expect(whole.data.agencies.map(({ result }: { result: string }) => result)).toEqual(['good'])
    expect(readFileSync(kit, 'utf8')).toBe(shares)
    const { data: status } = await alice.run(['recovery', 'status'])
    expect(status.kitChecked).toBe(true)
    expect(status.rehearsed).toBeGreaterThan(0)
    writeFileSync(alice.file('other'), 'no kit at all')
    expect((await alice.run(['recovery', 'drill', '--kit', alice.file('other')], 65)).error).toBe('BAD_KIT')
    expect((await dave.run(['recovery', 'drill'], 65)).error).toBe('RECOVERY_NOT_SET_UP')
  }, 600_000)

  it('changes who helps, past a dead phone: the old kit counts until the new deal is in force, then the new one alone (row V15)', async () => {
    const kit = alice.file('kit2.html')
    expect((await alice.run(['recovery', 'contact', 'remove', 'dave', '--kit', kit], 65)).error).toBe('UNKNOWN_CONTACT')
    expect((await alice.run(['recovery', 'contact', 'remove', 'carol', '--kit', kit], 65)).error).toBe('BAD_POLICY')
    // Carol's phone is dead, and never answers again.
    const change = ['recovery', 'contact', 'remove', 'carol', '--add', 'dave', '--kit', kit]
    const { data } = await alice.run(change)
    expect(data.change).toMatchObject({ epoch: 2, needs: { contacts: 2, agents: 0 } })
    expect(data.contacts).toEqual(['bob', 'carol'])
    expect((await alice.run(change, 73)).error).toBe('FILE_EXISTS')
    await agree(bob, dave)
    const { data: changed } = await alice.run(['recovery', 'status'])
    expect(changed.change).toBeUndefined()
    expect(
      changed.contacts.map(({ label, answer }: { label: string; answer: string }) => `${label} ${answer}`),
    ).toEqual(['bob kept', 'dave kept'])
    await alice.run(['recovery', 'check', '--kit', kit])
    for (let held = true; held; ) {
      await new Promise((resolve) => setTimeout(resolve, 1000))
      held = (await alice.run(['recovery', 'status'])).data.earlierUntil !== undefined
    }
    for (const one of [bob, dave, alice]) await one.sync()
    const device = town.person('new-device')
    const recovering = device.background(['recover', '--kit', kit, '--seconds', '120'])
    const link = String((await recovering.event('link'))['url'])
    for (const contact of [bob, dave]) {
      const opened = contact.run(['help-recover', link, '--seconds', '30'])
      const { code } = await recovering.event('code', (line) => line['label'] === contact.name)
      await opened
      await contact.run(['help-recover', '--code', String(code)])
    }
    const { data: recovered, status, notes } = await recovering.done
    expect([status, notes]).toEqual([0, expect.any(String)])
    expect(recovered).toMatchObject({ recovered: true, path: 'P+S' })
    const { data: shown } = await device.run(['show'])
    expect(shown.identities.map(({ status: state }: { status: string }) => state)).toEqual(['recovering'])
  }, 600_000)

  it('is stopped for a time by the kit from anybody’s wallet, and by a contact, each no more often than it may (rule 27)', async () => {
    const kit = alice.file('kit2.html')
    const { data: vetoed } = await carol.run(['veto', '--kit', kit])
    expect(vetoed.agencies).toBeGreaterThan(0)
    const thief = town.person('thief')
    expect((await thief.run(['recover', '--kit', kit, '--seconds', '1'], 75)).error).toBe('RELEASE_STAYED')
    await carol.run(['veto', '--kit', kit])
    expect((await carol.run(['veto', '--kit', kit], 77)).error).toBe('STAY_SPENT')
    const { data: objected } = await dave.run(['object', 'alice'])
    expect(objected.until).toBeGreaterThan(vetoed.until)
    expect((await dave.run(['object', 'alice'], 77)).error).toBe('STAY_SPENT')
    const { data: key } = await dave.run(['wallet', 'add-key', dave.file('key')])
    expect(key).toBeDefined()
    expect((await dave.run(['--key-file', dave.file('key'), 'veto'], 77)).error).toBe('PERSON_NEEDED')
  }, 600_000)
})
