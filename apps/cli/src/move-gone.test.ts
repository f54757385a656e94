/** Row V19 where the agency is gone, as people type it: it is killed, and by one command the wallet is at another. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Person } from '../../../scripts/story/person.ts'
import { acquaint, linkDevice } from '../../../scripts/testing/people.ts'
import { openTown, type Town } from '../../../scripts/testing/town.ts'

let town: Town
let alice: Person
let phone: Person
let bob: Person

beforeAll(async () => {
  town = await openTown('gone', ['agency', 'agency2', 'agency3'])
  alice = town.person('alice')
  phone = town.person('phone')
  bob = town.person('bob', 'agency2')
  await acquaint(alice, bob)
  await linkDevice(alice, phone, 'prove')
  await bob.run(['sync'])
}, 600_000)

afterAll(async () => {
  await town?.end()
})

const texts = async (person: Person): Promise<string[]> => {
  await person.run(['sync'], 0, 75)
  const { data } = await person.run(['messages'])
  return data.messages.map(({ text }: { text: string }) => text).sort()
}

it('V19: without the old agency, both devices and the contact go on, and what the contact had sent waits with them', async () => {
  const url = town.system.url('agency3')
  expect((await alice.run(['agent', 'move', url, '--old-is-gone'], 65)).error).toBe('NOT_ALLOWED_NOW')
  await town.system.kill('agency')
  await bob.run(['message', 'alice', 'while it is gone'], 0, 75)
  await alice.run(['agent', 'move', url, '--old-is-gone'])
  expect((await alice.run(['agent', 'show'])).data).toMatchObject({ url, moving: null })
  await bob.run(['sync'], 0, 75)
  const all = ['from the first', 'from the phone', 'while it is gone']
  await alice.run(['message', 'bob', 'from the first'])
  await phone.run(['sync'], 0, 75)
  await alice.run(['sync'], 0, 75)
  await phone.run(['message', 'bob', 'from the phone'])
  expect(await texts(bob)).toEqual(all)
  expect(await texts(alice)).toEqual(expect.arrayContaining(['from the first', 'while it is gone']))
  expect(await texts(phone)).toEqual(expect.arrayContaining(['from the phone', 'while it is gone']))
  await bob.run(['message', 'alice', 'to both'])
  for (const device of [alice, phone]) expect(await texts(device)).toContain('to both')
}, 600_000)
