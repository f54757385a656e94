/** Flows V6 and V12 as people type them: two devices of one wallet, each command a process of its own. */
import { writeFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Person } from '../../../scripts/story/person.ts'
import { openTown, type Town } from '../../../scripts/testing/town.ts'

let town: Town
let alice: Person
let phone: Person
let bob: Person
/** Somebody with other software, as far as Alice knows. */
let carol: Person
/** A copy of the first device, taken before there was a second. */
let copy: Person

beforeAll(async () => {
  town = await openTown('link')
  alice = town.person('alice')
  phone = town.person('phone')
  bob = town.person('bob')
  carol = town.person('carol')
  for (const person of [alice, bob, carol]) await person.run(['init', '--label', person.name])
  const { data } = await alice.run(['invite', '--tell'])
  await alice.listening(() => bob.run(['accept', data.url, '--tell', '--wait', '60']))
  const { data: plain } = await alice.run(['invite', '--plain', '--as', 'carol'])
  await alice.listening(() => carol.run(['accept', plain.url, '--wait', '60']))
  copy = alice.stolen('copy')
}, 300_000)

afterAll(async () => {
  await town?.end()
})

type Contact = { label: string; did: string; seq: number; rel: string; peer: string }
const contact = async (person: Person): Promise<Contact> => (await person.run(['show'])).data.contacts[0]
const texts = async (person: Person): Promise<string[]> => {
  await person.run(['sync'], 0, 75)
  const { data } = await person.run(['messages'])
  return data.messages.map(({ text }: { text: string }) => text).sort()
}

// Some forty processes, each deriving a key from its passphrase: minutes on a busy machine.
describe('device link', { timeout: 600_000 }, () => {
  it('V6: a link alone gives nothing; both devices show one code, and the one who typed it lets the new one in', async () => {
    const linking = phone.background(['device', 'link', '--seconds', '500'])
    const { url } = (await linking.event('link')) as { url: string }
    const { data: asked } = await alice.run(['device', 'approve', url, '--seconds', '120'], 75)
    const shown = (await linking.event('link-code')) as { code: string }
    expect(asked).toMatchObject({ state: 'revealed', name: 'phone', code: shown.code })
    expect((await alice.run(['device'])).data).toMatchObject({ devices: [{ self: true }], own: [] })
    const wrong = ['device', 'approve', '--code', '0000 0000', '--can', 'prove,suspend']
    expect((await alice.run(wrong, 77)).error).toBe('CODE_MISMATCH')
    const typed = `${shown.code.slice(0, 4)} ${shown.code.slice(4)}`
    const approved = await alice.run([
      'device',
      'approve',
      '--code',
      typed,
      '--can',
      'prove,suspend',
      '--days',
      '30',
      '--seconds',
      '120',
    ])
    expect(approved.data).toMatchObject({ approved: true, joined: true, missing: [] })
    const linked = await linking.done
    expect([linked.status, linked.error]).toEqual([0, undefined])
    expect(linked.data).toMatchObject({ linked: true, label: 'alice', contacts: 2, joining: [] })
    const [one, other] = [await contact(alice), await contact(phone)]
    expect(other).toMatchObject({ rel: one.rel, did: one.did, seq: one.seq })
    const { data } = await alice.run(['device'])
    const [first, second] = data.devices
    expect(first).toMatchObject({ name: 'first device', linked: true, self: true })
    expect(second).toMatchObject({ name: 'phone', capabilities: ['PROVE', 'SUSPEND'], linked: true })
    expect((await phone.run(['device'])).data.own).toMatchObject([
      { self: false, admin: true, authority: true, h: first.h },
      { self: true, admin: false, h: second.h },
    ])
  })

  it('V6: what is sent to the owner reaches each device, and each sees what the other sent', async () => {
    await bob.run(['sync'])
    await bob.run(['message', 'alice', 'to both'])
    await phone.run(['message', 'bob', 'from the phone'])
    await alice.run(['message', 'bob', 'from the first'])
    for (const person of [alice, phone, bob])
      expect(await texts(person)).toEqual(['from the first', 'from the phone', 'to both'])
  })

  it('V10: either device rotates, the other and the peer follow', async () => {
    await phone.run(['rotate'])
    await alice.run(['sync'])
    await alice.run(['rotate'])
    await bob.run(['sync'])
    await phone.run(['sync'])
    const [one, other, seen] = [await contact(alice), await contact(phone), await contact(bob)]
    expect(other).toMatchObject({ did: one.did, seq: one.seq })
    expect(seen.peer).toBe(one.did)
  })

  it('DEVICE-17: somebody with other software is a contact on each device, and hears and reaches both', async () => {
    const known = (await phone.run(['contacts'])).data.others
    expect(known).toEqual((await alice.run(['contacts'])).data.others)
    expect(known).toMatchObject([{ label: 'carol', status: 'connected' }])
    await carol.run(['sync'])
    await phone.run(['message', 'carol', 'hello from the phone'])
    await alice.run(['message', 'carol', 'hello from the first'])
    expect(await texts(carol)).toEqual(['hello from the first', 'hello from the phone'])
    await carol.run(['message', 'alice', 'hello to both'])
    for (const person of [alice, phone]) expect(await texts(person)).toContain('hello to both')
  })

  it('V12: revoked by one command, with the ledger away and the peer’s wallet shut, it is out everywhere', async () => {
    await alice.run(['device', 'rename', 'phone', 'old phone'])
    const thief = phone.stolen('thief')
    alice.offline(true)
    const { data: waits } = await alice.run(['device', 'revoke', 'old phone'], 75)
    expect(waits.left).toMatchObject({ contacts: [], agency: false, ledger: true })
    alice.offline(false)
    await alice.run(['sync'], 0, 75)
    const { data } = await alice.run(['device'])
    expect(data.devices).toMatchObject([{ self: true }])
    expect(data.own).toMatchObject([
      { self: true },
      { name: 'old phone', left: { contacts: [], agency: false, ledger: false } },
    ])
    expect((await phone.run(['sync'], 0, 75)).notes).toContain('was taken out of its account')
    await thief.run(['message', 'bob', 'it is me, alice'], 0, 75)
    await bob.run(['sync'])
    await bob.run(['message', 'alice', 'only you'])
    expect(await texts(alice)).toContain('only you')
    await thief.run(['message', 'carol', 'it is me, alice'], 0, 65, 75)
    await carol.run(['sync'])
    await carol.run(['message', 'alice', 'you alone'])
    expect(await texts(alice)).toContain('you alone')
    expect(await texts(carol)).not.toContain('it is me, alice')
    expect(await texts(bob)).not.toContain('it is me, alice')
    expect((await contact(bob)).peer).toBe((await contact(alice)).did)
  })

  it('N10: what a stolen copy signs for an old place changes nothing, and is evidence that anybody checks', async () => {
    await copy.run(['contacts', 'remove', 'bob'], 0, 75)
    await bob.run(['sync'])
    const { data } = await bob.run(['evidence'], 1)
    expect(data.evidence).toMatchObject([{ kind: 'relationship-fork', contact: 'alice' }])
    expect((await contact(bob)).peer).toBe((await contact(alice)).did)
    const file = bob.file('evidence.json')
    writeFileSync(file, JSON.stringify(data))
    const { data: checked } = await alice.run(['evidence', '--check', file])
    expect(checked.checked).toEqual([{ kind: 'relationship-fork', proves: true }])
    const [{ entries }] = data.evidence
    const bent = { evidence: [{ ...data.evidence[0], entries: [entries[0], entries[0]] }] }
    writeFileSync(file, JSON.stringify(bent))
    expect((await alice.run(['evidence', '--check', file], 1)).data.checked).toMatchObject([{ proves: false }])
  })

  it('says what is wrong', async () => {
    expect((await alice.run(['device', 'approve', 'https://example.com/?_link=x'], 65)).error).toBe('BAD_INVITATION')
    expect((await alice.run(['device', 'approve', '--code', '1', '--can', 'prove'], 65)).error).toBe('UNKNOWN_REQUEST')
    expect((await bob.run(['device', 'link'], 65)).error).toBe('NOT_ALLOWED_NOW')
    expect((await alice.run(['device', 'rename', 'nobody', 'x'], 65)).error).toBe('UNKNOWN_DEVICE')
  })
})
