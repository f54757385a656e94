/** A thief with the owner's device vetoes; contacts who meet the owner overrule it (rule 27). Every command a process of its own. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Person } from './story/person.ts'
import { openTown, type Town } from './testing/town.ts'

let town: Town
let alice: Person
let bob: Person
let carol: Person

beforeAll(async () => {
  town = await openTown('overrule')
  alice = town.person('alice')
  bob = town.person('bob')
  carol = town.person('carol')
  for (const one of [alice, bob, carol]) await one.run(['init'])
  for (const peer of [bob, carol]) {
    const { data } = await alice.run(['invite'])
    await alice.listening(() => peer.run(['accept', data.url, '--wait', '30']))
  }
}, 180_000)

afterAll(async () => {
  await town?.end()
})

/** On a new machine, with the kit and both contacts. */
async function recover(name: string, kit: string, ...how: string[]): Promise<Person> {
  const device = town.person(name)
  const recovering = device.background(['recover', '--kit', kit, '--seconds', '180'])
  const link = String((await recovering.event('link'))['url'])
  for (const contact of [bob, carol]) {
    await contact.run(['help-recover', link, '--seconds', '60'])
    const { code } = await recovering.event('code', (line) => line['label'] === contact.name)
    await contact.run(['help-recover', '--code', String(code), ...how])
  }
  const { status, notes } = await recovering.done
  expect([status, notes]).toEqual([0, expect.any(String)])
  return device
}

const standing = async (person: Person): Promise<string[]> => {
  await person.sync()
  const { identities } = (await person.run(['show'])).data
  return identities.map(({ status }: { status: string }) => status)
}

describe('a veto by a thief’s device', { timeout: 900_000 }, () => {
  it('stops a recovery that contacts helped with on a call, and not one with contacts who met the owner', async () => {
    const kit = alice.file('kit.html')
    await alice.run(['recovery', 'setup', 'bob', 'carol', '--kit', kit, '--overrule', '--delay', '45'])
    for (const contact of [bob, carol]) {
      await contact.sync()
      await contact.run(['approve'])
    }
    await alice.sync()
    await alice.run(['backup'])
    // The phone is taken while it is open: what the thief has is this wallet and what opens it.
    const thief = alice

    const first = await recover('first', kit)
    await thief.run(['veto'])
    expect(await standing(first)).toEqual(['lost'])

    const second = await recover('second', kit, '--in-person')
    expect((await thief.run(['veto'], 77)).error).toBe('VETOES_SPENT')
    for (let left = 90; left > 0 && !(await standing(second)).includes('active'); left -= 3)
      await new Promise((resolve) => setTimeout(resolve, 3000))
    expect(await standing(second)).toEqual(['active'])
    expect(await standing(thief)).toEqual(['lost'])
  })
})
