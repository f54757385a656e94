/** Rule 22 as people meet it: a credential of one device presented by another, which may; each command a process of its own. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Person } from '../../../scripts/story/person.ts'
import { acquaint, linkDevice } from '../../../scripts/testing/people.ts'
import { openTown, type Town } from '../../../scripts/testing/town.ts'

let town: Town
let alice: Person
let phone: Person
let tablet: Person
let acme: Person
let desk: Person
let bob: Person

beforeAll(async () => {
  town = await openTown('credential-devices')
  ;[alice, phone, tablet] = [town.person('alice'), town.person('phone'), town.person('tablet')]
  ;[acme, desk, bob] = [town.person('acme'), town.person('desk'), town.person('bob')]
  await acquaint(alice, acme, bob)
  await issue('MemberCard')
  await linkDevice(alice, phone, 'prove,authenticate')
  await linkDevice(alice, tablet, 'prove')
  await linkDevice(acme, desk, 'prove,assert')
  await sync(alice, phone, tablet, alice, bob, acme, desk, acme, phone, tablet, alice, bob, desk)
}, 600_000)

afterAll(async () => {
  await town?.end()
})

const sync = async (...people: Person[]): Promise<void> => {
  for (const person of people) await person.run(['sync'], 0, 75)
}

async function issue(type: string): Promise<void> {
  await acme.run(['issue', 'alice', type, 'level=gold'])
  await alice.run(['sync'])
  await alice.run(['approve'])
  await sync(acme, alice)
}

/** Bob asks to see it; the id of what he asked. */
async function ask(device: Person): Promise<string> {
  const { data } = await bob.run(['ask', 'alice', 'MemberCard'])
  await sync(device)
  return data.id
}

const codes = (data: { checks: { outcome: string; code: string }[] }): string[] =>
  data.checks.filter(({ outcome }) => outcome !== 'valid').map(({ code }) => code)

describe('a credential that the first device obtained', { timeout: 600_000 }, () => {
  it('is presented by the second one, linked since, with its own key', async () => {
    const held = (await phone.run(['credentials'])).data.credentials
    expect(held).toEqual((await alice.run(['credentials'])).data.credentials)
    const id = await ask(phone)
    const first = await phone.run(['approve', id], 0, 75)
    if (first.error !== undefined) {
      // A device that joins is put there over a day, or as soon as its owner waits for it.
      expect(first.error).toBe('KEY_NOT_THERE_YET')
      await sync(alice)
      await phone.run(['approve', id])
    }
    expect((await bob.run(['check', id])).data).toMatchObject({ outcome: 'valid' })
  })

  it('is not by one that was not given AUTHENTICATE', async () => {
    const id = await ask(tablet)
    expect((await tablet.run(['approve', id], 65)).error).toBe('NOT_ALLOWED_NOW')
    await phone.run(['approve', id])
    expect((await bob.run(['check', id])).data).toMatchObject({ outcome: 'valid' })
  })

  it('V12: is refused when it comes from a device that was revoked meanwhile, which cannot present it any more', async () => {
    const id = await ask(phone)
    await phone.run(['approve', id])
    const thief = phone.stolen('thief')
    const next = await ask(thief)
    await alice.run(['device', 'revoke', 'phone'], 0, 75)
    await sync(alice)
    const { data } = await bob.run(['check', id], 1)
    expect(data.outcome).toBe('invalid')
    expect(codes(data)).toEqual(['HOLDER_KEY_REVOKED'])
    expect((await thief.run(['approve', next], 77)).error).toBe('DEVICE_REVOKED')
    await sync(alice)
    await alice.run(['approve', next])
    expect((await bob.run(['check', next])).data).toMatchObject({ outcome: 'valid' })
  })
})

describe('a credential that the issuer’s second device issues', { timeout: 600_000 }, () => {
  it('is signed with its own key, and holds when that device is revoked', async () => {
    const file = alice.file('badge.json')
    const { data: offered } = await desk.run(['issue', 'alice', 'Badge', 'floor=3'])
    await alice.run(['sync'])
    await alice.run(['approve', offered.id])
    await sync(acme, desk, alice)
    await alice.run(['credentials', '--out', file])
    expect((await bob.run(['check', file])).data).toMatchObject({ outcome: 'valid' })
    const { data } = await acme.run(['issued'])
    const badge = data.issued.find(({ type }: { type: string }) => type === 'Badge')
    expect((await acme.run(['revoke', badge.id], 65)).error).toBe('NOT_ALLOWED_NOW')
    await acme.run(['device', 'revoke', 'desk'], 0, 75)
    await sync(acme)
    expect((await bob.run(['check', file])).data).toMatchObject({ outcome: 'valid' })
    await acme.run(['revoke', badge.id])
    expect((await bob.run(['check', file], 1)).data).toMatchObject({ outcome: 'invalid' })
  })
})
