/** Changes that need two devices, as people type them (DEVICE-13 to DEVICE-16): each command a process of its own. */
import { setTimeout } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Person } from '../../../scripts/story/person.ts'
import { acquaint } from '../../../scripts/testing/people.ts'
import { openTown, type Town } from '../../../scripts/testing/town.ts'

let town: Town
let alice: Person
let phone: Person
let tablet: Person
let bob: Person

beforeAll(async () => {
  town = await openTown('approvals')
  alice = town.person('alice')
  phone = town.person('phone')
  tablet = town.person('tablet')
  bob = town.person('bob')
  await acquaint(alice, bob)
}, 300_000)

afterAll(async () => {
  await town?.end()
})

/** Becomes a device of Alice's; what needs another's approval is left for it. */
async function link(device: Person, status: number): Promise<void> {
  const linking = device.background(['device', 'link', '--seconds', '500'])
  const { url } = (await linking.event('link')) as { url: string }
  const approve = ['device', 'approve', '--can', 'prove,suspend', '--seconds', '60']
  const { data } = await alice.run([...approve, url], 75)
  await alice.run([...approve, '--code', data.code], status)
  if (status === 0) await linking.done
  else await linking.stop()
}

type Contact = { did: string; seq: number; peer: string }
const contact = async (person: Person): Promise<Contact> => (await person.run(['show'])).data.contacts[0]
const requests = async (person: Person): Promise<{ id: string; kind: string; summary: string }[]> =>
  (await person.run(['requests'])).data.requests

/** Everybody stands at the same entry of Alice's. */
async function agreed(...devices: readonly Person[]): Promise<number> {
  for (const person of [...devices, bob, ...devices]) await person.run(['sync'], 0, 75)
  const all = await Promise.all(devices.map(contact))
  const { peer } = await contact(bob)
  for (const { did } of all) expect(did).toBe(peer)
  return all[0]?.seq ?? -1
}

// Some eighty processes, each deriving a key from its passphrase: minutes on a busy machine.
describe('device approvals', { timeout: 900_000 }, () => {
  it('takes two devices, and with two a recovery: it says so, and nothing changes', async () => {
    const { data } = await bob.run(['device', 'approvals'])
    expect(data).toMatchObject({ needed: 1, devices: 1 })
    expect((await bob.run(['device', 'approvals', '2'], 65)).error).toBe('NOT_ALLOWED_NOW')
    expect((await bob.run(['device', 'approvals', '3'], 65)).error).toBe('BAD_OPTION')
    await link(phone, 0)
    const refused = await alice.run(['device', 'approvals', '2'], 65)
    expect([refused.error, refused.notes]).toEqual(['NOT_ALLOWED_NOW', expect.stringMatching(/bob knows of none/)])
  })

  it('is set on one device, and reaches the others and each contact', async () => {
    await link(tablet, 0)
    const { data } = await alice.run(['device', 'approvals', '2'])
    expect(data).toMatchObject({ needed: 2, devices: 3, alone: [], waiting: [] })
    await agreed(alice, phone, tablet)
    expect((await phone.run(['device', 'approvals'])).data).toMatchObject({ needed: 2, alone: [] })
  })

  it('V10: a rotation waits until a person approves it on another device, in words; killed at any moment, it is made once', async () => {
    const before = await contact(alice)
    const waits = await alice.run(['rotate'], 75)
    expect(waits.data).toMatchObject({ approvals: 1 })
    await bob.run(['sync'])
    expect((await contact(bob)).peer).toBe(before.did)
    const [request] = await requests(phone)
    expect(request).toMatchObject({
      kind: 'device-approval',
      summary: 'your device "first device" wants to make new keys, towards bob',
    })
    const id = request?.id.slice(0, 8) ?? ''
    for (const milliseconds of [400, 900, 1500]) {
      const approving = phone.background(['approve', id])
      await setTimeout(milliseconds)
      await approving.kill()
    }
    if ((await requests(phone)).length > 0) await phone.run(['approve', id], 0, 75)
    const completing = alice.background(['sync'])
    await setTimeout(900)
    await completing.kill()
    expect(await agreed(alice, phone, tablet)).toBe(before.seq + 1)
    expect(await requests(tablet)).toEqual([])
    expect((await alice.run(['device', 'approvals'])).data.waiting).toEqual([])
  })

  it('what is declined or withdrawn changes nothing', async () => {
    const before = await contact(alice)
    await alice.run(['rotate'], 75)
    const { data } = await alice.run(['device', 'approvals'])
    await alice.run(['device', 'approvals', '--withdraw', data.waiting[0].id])
    expect(await requests(phone)).toEqual([])
    await alice.run(['rotate'], 75)
    for (const device of [phone, tablet]) {
      const [request] = await requests(device)
      await device.run(['decline', request?.id ?? ''])
    }
    expect(await agreed(alice, phone, tablet)).toBe(before.seq)
    expect((await alice.run(['device', 'approvals'])).data.waiting).toEqual([])
  })

  it('V12: one of three that is lost goes with the approval of another; of two none goes, and the error says what does', async () => {
    const { data } = await alice.run(['device', 'revoke', 'tablet'], 75)
    expect(data.left).toMatchObject({ agency: false, ledger: false, contacts: ['bob'] })
    const [request] = await requests(phone)
    expect(request?.summary).toMatch(/take out "tablet" \(revoked\), towards bob/)
    await phone.run(['approve', request?.id ?? ''], 0, 75)
    await agreed(alice, phone)
    expect((await alice.run(['device'])).data.own).toMatchObject([{}, {}, { name: 'tablet', left: { contacts: [] } }])
    const refused = await alice.run(['device', 'revoke', 'phone'], 77)
    expect(refused.error).toBe('NEEDS_RECOVERY')
    expect(refused.notes).toMatch(/device approvals 1.*recover with your kit/s)
    expect((await alice.run(['device', 'approvals'])).data).toMatchObject({ needed: 2, devices: 2 })
  })

  it('is one again when both have said so, and then one device is enough', async () => {
    await alice.run(['device', 'approvals', '1'], 75)
    const [request] = await requests(phone)
    expect(request?.summary).toMatch(/let one device alone be enough/)
    await phone.run(['approve', request?.id ?? ''], 0, 75)
    expect((await alice.run(['device', 'approvals'])).data).toMatchObject({ needed: 1 })
    await phone.run(['rotate'], 75)
    const [last] = await requests(alice)
    await alice.run(['approve', last?.id ?? ''], 0, 75)
    const seq = await agreed(phone, alice)
    await alice.run(['rotate'])
    expect(await agreed(alice, phone)).toBe(seq + 1)
    await alice.run(['device', 'revoke', 'phone'])
    await bob.run(['sync'])
    expect((await contact(bob)).peer).toBe((await contact(alice)).did)
  })
})
