/** What the devices of one wallet share (SYNC-13), as people meet it: each command a process of its own. */
import { writeFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Person } from '../../../scripts/story/person.ts'
import type { PartName } from '../../../scripts/system.ts'
import { acquaint, linkDevice } from '../../../scripts/testing/people.ts'
import { openTown, type Town } from '../../../scripts/testing/town.ts'

const AGENCIES: readonly PartName[] = ['agency', 'agency2', 'agency3']
let town: Town
let alice: Person
let phone: Person
let bob: Person
let carol: Person
let kit: string
let pin: string

beforeAll(async () => {
  town = await openTown('shared-log', AGENCIES)
  ;[alice, phone] = [town.person('alice'), town.person('phone')]
  ;[bob, carol] = [town.person('bob'), town.person('carol')]
  ;[kit, pin] = [alice.file('kit.html'), alice.file('pin')]
  await acquaint(alice, bob, carol)
  await alice.run(['message', 'bob', 'before there was a phone'])
  await linkDevice(alice, phone, 'prove,suspend')
  await sync(phone, alice, phone)
}, 600_000)

afterAll(async () => {
  await town?.end()
})

async function texts(person: Person): Promise<string[]> {
  const { data } = await person.run(['messages', 'bob'])
  return data.messages.map(({ text }: { text: string }) => text)
}

const sync = async (...people: Person[]): Promise<void> => {
  for (const person of people) await person.run(['sync'], 0, 75)
}

describe('devices of one wallet', { timeout: 900_000 }, () => {
  it('V6: have what was there before, and what either sends or is sent, once and in order', async () => {
    await phone.run(['message', 'bob', 'from the phone'])
    await sync(bob)
    await bob.run(['message', 'alice', 'to both'])
    await sync(alice)
    await alice.run(['message', 'bob', 'from the first'])
    await sync(phone)
    const all = ['before there was a phone', 'from the phone', 'to both', 'from the first']
    for (const person of [alice, phone]) expect(await texts(person)).toEqual(all)
  })

  it('V6: have what one was given, and ask for no decision that was made on the other', async () => {
    await bob.run(['issue', 'alice', 'Member', 'since=2020'])
    await sync(alice, phone)
    expect((await phone.run(['requests'])).data.requests).toHaveLength(1)
    await alice.run(['approve'])
    await sync(bob, alice, phone)
    const held = await Promise.all([alice, phone].map(async (person) => (await person.run(['credentials'])).data))
    expect(held[0].credentials).toHaveLength(1)
    expect(held[1].credentials.map(({ id }: { id: string }) => id)).toEqual(
      held[0].credentials.map(({ id }: { id: string }) => id),
    )
    expect((await phone.run(['requests'])).data.requests).toEqual([])
  })

  it('V11: are rid of whom one of them removed, and refuse whom one of them blocked', async () => {
    await phone.run(['contacts', 'remove', 'carol', '--block'], 0, 75)
    await sync(phone, alice, alice)
    const labels = (await alice.run(['contacts'])).data.contacts.map(({ label }: { label: string }) => label)
    expect(labels).toEqual(['bob'])
    const blocked = await Promise.all([alice, phone].map(async (one) => (await one.run(['contacts', 'blocked'])).data))
    expect(blocked[0]).toEqual(blocked[1])
    expect(JSON.stringify(blocked[0])).toContain('carol')
  })

  it('V13: have a recovery that one of them set up, and go on writing to the log that it opens', async () => {
    writeFileSync(pin, '739164\n')
    const escrow = ['--escrow', ...AGENCIES.map((name) => town.system.url(name))]
    expect((await phone.run(['recovery', 'setup', '--kit', kit, '--pin-file', pin, ...escrow], 65)).error).toBe(
      'NOT_ALLOWED_NOW',
    )
    await alice.run(['recovery', 'setup', '--kit', kit, '--pin-file', pin, ...escrow])
    await phone.run(['message', 'bob', 'the phone, as before'])
    await sync(phone)
    await phone.run(['message', 'bob', 'the phone, since'])
    await alice.run(['message', 'bob', 'the first, since'])
    await sync(alice)
    expect(await texts(alice)).toContain('the phone, since')
  })

  it('V12: one that was revoked reads nothing that is written from then on, nor is anything of it read', async () => {
    const thief = phone.stolen('thief')
    const { data } = await alice.run(['device', 'revoke', 'phone'], 0, 75)
    expect(data.left).toMatchObject({ agency: false, log: false })
    await alice.run(['message', 'bob', 'only for one device'])
    await thief.run(['message', 'bob', 'from a thief'], 0, 75)
    await sync(thief, alice)
    expect(await texts(thief)).not.toContain('only for one device')
    expect(await texts(alice)).not.toContain('from a thief')
  })

  it('N5: come back as one wallet on a third machine, with what either of them wrote', async () => {
    const all = await texts(alice)
    await alice.run(['backup', 'now'])
    alice.destroy()
    const third = town.person('third')
    const { data } = await third.run(['recover', '--kit', kit, '--pin-file', pin], 0, 75)
    expect(data).toMatchObject({ recovered: true, devices: 2, lacks: [] })
    expect(all).toEqual(expect.arrayContaining(['from the phone', 'the phone, as before', 'the phone, since']))
    expect(await texts(third)).toEqual(all)
    expect((await third.run(['credentials'])).data.credentials).toHaveLength(1)
  })
})
