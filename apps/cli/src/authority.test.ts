/** Three devices hold the authority of one DID: the first is stolen, and the two others shut it out, each command a process. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Person } from '../../../scripts/story/person.ts'
import { linkDevice } from '../../../scripts/testing/people.ts'
import { openTown, type Town } from '../../../scripts/testing/town.ts'

let town: Town
let alice: Person
let phone: Person
let tablet: Person

beforeAll(async () => {
  town = await openTown('authority')
  alice = town.person('alice')
  phone = town.person('phone')
  tablet = town.person('tablet')
  await alice.run(['init'])
  await linkDevice(alice, phone, 'admin,suspend')
  await linkDevice(alice, tablet, 'admin,suspend')
}, 600_000)

afterAll(async () => {
  await town?.end()
})

const policy = async (person: Person) => (await person.run(['policy'])).data.policy
const sync = (person: Person) => person.run(['sync'], 0, 75)
const asked = async (person: Person): Promise<{ id: string; summary: string }[]> => {
  await sync(person)
  const { requests } = (await person.run(['requests'])).data
  return requests.filter(({ kind }: { kind: string }) => kind === 'device-approval')
}

describe('the authority of a DID on three devices', { timeout: 600_000 }, () => {
  it('DEVICE-19: "device approvals 2" has two of them hold it together, as anybody sees by proof', async () => {
    await alice.run(['device', 'approvals', '2'])
    for (const person of [phone, tablet, alice, phone, tablet, alice, tablet, alice]) await sync(person)
    const { authority } = await policy(alice)
    expect(authority).toMatchObject({ threshold: 2, nextThreshold: 2 })
    expect([authority.keys.length, authority.next.length]).toEqual([3, 3])
    expect((await alice.run(['device', 'approvals'])).data).toMatchObject({ needed: 2, holders: 3 })
  })

  it('a rotation waits for another device, says so, and is done when that approves it', async () => {
    const before = await policy(alice)
    await alice.run(['rotate'], 0, 75)
    const [request] = await asked(phone)
    expect(request?.summary).toMatch(/"first device" wants to make new keys for your DID/)
    await phone.run(['approve', request?.id ?? ''])
    await sync(alice)
    const after = await policy(alice)
    expect(after.version).toBe(before.version + 1)
    expect(after.authority.keys).not.toEqual(before.authority.keys)
  })

  it('V12: the first one, stolen, is shut out by the two others without a recovery', async () => {
    await sync(phone)
    await sync(tablet)
    const thief = alice.stolen('thief')
    const revoked = await phone.run(['device', 'revoke', 'first device'], 75)
    expect(revoked.data.left).toMatchObject({ authority: true, together: true })
    let done = false
    for (const person of [tablet, phone, tablet, phone]) {
      const [request] = await asked(person)
      if (!request) continue
      await person.run(['approve', request.id])
      done = true
      break
    }
    expect(done).toBe(true)
    for (const person of [phone, tablet, phone]) await sync(person)
    const after = await policy(phone)
    expect(after.authority).toMatchObject({ threshold: 2, nextThreshold: 2 })
    expect([after.authority.keys.length, after.agents.length, after.suspendedUntil]).toEqual([2, 2, undefined])
    await thief.run(['rotate'], 0, 65, 69, 70, 75, 76, 77)
    expect((await policy(phone)).authority).toEqual(after.authority)
    const own = (await phone.run(['device'])).data.own
    expect(own.find(({ name }: { name: string }) => name === 'first device').left).toMatchObject({ authority: false })
  })
})
