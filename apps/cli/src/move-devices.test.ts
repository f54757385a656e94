/** Row V19 as people type it: a wallet of two devices, one of them shut, goes to another agency by one command. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Answer, Person } from '../../../scripts/story/person.ts'
import { acquaint, linkDevice } from '../../../scripts/testing/people.ts'
import { openTown, type Town } from '../../../scripts/testing/town.ts'

let town: Town
let alice: Person
let phone: Person
let bob: Person
let carol: Person
let moved: Answer['data']

beforeAll(async () => {
  town = await openTown('move', ['agency', 'agency2'])
  alice = town.person('alice')
  phone = town.person('phone')
  ;[bob, carol] = [town.person('bob'), town.person('carol')]
  await acquaint(alice, bob, carol)
  await linkDevice(alice, phone, 'admin,prove')
  await bob.run(['sync'])
  await alice.run(['recovery', 'setup', 'bob', 'carol', '--kit', alice.file('kit')], 0, 75)
  await phone.run(['sync'], 0, 75)
}, 600_000)

afterAll(async () => {
  await town?.end()
})

const texts = async (person: Person): Promise<string[]> => {
  await person.run(['sync'], 0, 75)
  const { data } = await person.run(['messages'])
  return data.messages.map(({ text }: { text: string }) => text).sort()
}

describe('agent move', { timeout: 600_000 }, () => {
  it('V19: by one command on either device; the other follows with its next, and nothing is lost or there twice', async () => {
    await bob.run(['message', 'alice', 'before'])
    moved = (await phone.run(['agent', 'move', town.system.url('agency2')])).data
    expect(moved).toMatchObject({ url: town.system.url('agency2'), behind: ['first device'], share: null })
    await bob.run(['message', 'alice', 'meanwhile'])
    await town.system.killAndRestart('agency')
    await bob.run(['sync'])
    await bob.run(['message', 'alice', 'by the new way'])
    expect((await phone.run(['agent', 'move', '--stop'], 65)).error).toBe('NOT_ALLOWED_NOW')
    const all = ['before', 'by the new way', 'meanwhile']
    expect(await texts(phone)).toEqual(all)
    expect(await texts(alice)).toEqual(all)
    expect((await alice.run(['agent', 'show'])).data).toMatchObject({ url: town.system.url('agency2') })
    await alice.run(['message', 'bob', 'from the first'])
    await phone.run(['message', 'bob', 'from the phone'])
    expect(await texts(bob)).toEqual([...all, 'from the first', 'from the phone'].sort())
  })

  it('V19: the agency before forgets all of them when it is told to, and none needs it', async () => {
    await phone.run(['sync'], 0, 75)
    const { data } = await phone.run(['agent', 'move', '--stop'])
    expect(data).toMatchObject({ messages: 0, recipients: 0, services: 0, files: 0 })
    await alice.run(['sync'], 0, 75)
    expect((await alice.run(['agent', 'show'])).data.moving).toBeNull()
    await bob.run(['message', 'alice', 'to both'])
    for (const device of [alice, phone]) expect(await texts(device)).toContain('to both')
  })
  it('V19: that recovery is to be set up anew is said where it was set up, on whichever device, and to nobody else', async () => {
    expect(moved.recoverySetUp).toBe(true)
    const { data } = await bob.run(['agent', 'move', town.system.url('agency2')], 0, 75)
    expect(data.recoverySetUp).toBe(false)
  })
  it('DEVICE-10: a new device that changes keys before the first one has heard of it leaves both able to change them', async () => {
    for (const device of [alice, phone, alice]) await device.run(['rotate'], 0, 75)
    await phone.run(['agent', 'move', town.system.url('agency')])
  })
})
