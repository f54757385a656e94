/** Flow V12 where the device that made the wallet is the one that was stolen: revoked from the second one, each command a process. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Person } from '../../../scripts/story/person.ts'
import { acquaint, linkDevice } from '../../../scripts/testing/people.ts'
import { openTown, type Town } from '../../../scripts/testing/town.ts'

let town: Town
let alice: Person
let phone: Person
let bob: Person

beforeAll(async () => {
  town = await openTown('revoke-first')
  alice = town.person('alice')
  phone = town.person('phone')
  bob = town.person('bob')
  await acquaint(alice, bob)
  await linkDevice(alice, phone, 'admin,suspend')
  await bob.run(['sync'])
}, 600_000)

afterAll(async () => {
  await town?.end()
})

type Contact = { did: string; peer: string }
const contact = async (person: Person): Promise<Contact> => (await person.run(['show'])).data.contacts[0]
const texts = async (person: Person): Promise<string[]> => {
  await person.run(['sync'], 0, 75)
  const { data } = await person.run(['messages'])
  return data.messages.map(({ text }: { text: string }) => text).sort()
}

describe('the first device, stolen', { timeout: 600_000 }, () => {
  it('V12: is out at the agency and of every relationship by one command on the second one, which says what it cannot do', async () => {
    const revoked = await phone.run(['device', 'revoke', 'first device'], 75)
    expect(revoked.data.left).toEqual({ contacts: [], agency: false, ledger: true, log: false, authority: true })
    expect((await phone.run(['device'])).data).toMatchObject({ suspended: true })
    expect((await alice.run(['sync'], 0, 75)).notes).toContain('was taken out of its account')
    await alice.run(['message', 'bob', 'it is me, alice'], 0, 75)
    await bob.run(['sync'])
    await bob.run(['message', 'alice', 'only you'])
    await phone.run(['message', 'bob', 'from the second'])
    expect(await texts(phone)).toEqual(['from the second', 'only you'])
    expect(await texts(bob)).toEqual(['from the second', 'only you'])
    expect((await contact(bob)).peer).toBe((await contact(phone)).did)
  })

  it('goes on without it: the second one rotates, and its contacts follow', async () => {
    await phone.run(['rotate'])
    await bob.run(['sync'])
    expect((await contact(bob)).peer).toBe((await contact(phone)).did)
  })
})
