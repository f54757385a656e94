import { CAPABILITIES } from '@keystead/did-dkms'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Person } from '../../../scripts/story/person.ts'
import { openTown, type Town } from '../../../scripts/testing/town.ts'

let town: Town
let alice: Person
let laptop: Person
let did: string

beforeAll(async () => {
  town = await openTown('device')
  alice = town.person('alice')
  laptop = town.person('laptop')
  did = (await alice.run(['init'])).data.did
  await laptop.run(['init'])
}, 120_000)

afterAll(async () => {
  await town?.end()
})

const refused = async (person: Person, args: string[]): Promise<string | undefined> =>
  (await person.run(args, 64, 65, 75, 77)).error

/** Entries beside the one of her own device. */
const granted = async () =>
  (await alice.run(['device', 'list'])).data.devices.filter(({ self }: { self?: true }) => !self)

// Some twenty processes, each deriving a key from its passphrase: minutes on a busy machine.
describe('device', { timeout: 300_000 }, () => {
  it('V3: the first is in the registry from the genesis operation on; a stranger sees by proof who may do what', async () => {
    const { policy, level } = (await town.person('nobody').run(['policy', did])).data
    expect(level).toBe('operator-signed')
    expect(policy).toMatchObject({
      did,
      version: 0,
      authority: { threshold: 1, nextThreshold: 1 },
      recovery: { paths: [] },
    })
    expect(policy.agents).toMatchObject([{ standing: 'active' }])
    expect(policy.agents[0].capabilities).toEqual(CAPABILITIES.filter((name) => name !== 'GUARDIAN'))
    const [own] = (await alice.run(['device', 'list'])).data.devices
    expect(own).toMatchObject({ h: policy.agents[0].h, name: 'first device', self: true })
    expect(await refused(alice, ['device', 'revoke', 'first device'])).toBe('NOT_ALLOWED_NOW')
  })

  it('V3: its entry is another one after a rotation, and the former is gone', async () => {
    const before = (await alice.run(['policy'])).data.policy.agents
    await alice.run(['rotate'])
    const after = (await alice.run(['policy'])).data.policy.agents
    expect(after).toMatchObject([{ capabilities: before[0].capabilities, standing: 'active' }])
    expect(after[0].h).not.toBe(before[0].h)
  })

  it('V4: is granted, shown from the ledger, changed and revoked', async () => {
    expect(await granted()).toEqual([])
    const { request } = (await laptop.run(['device', 'request', 'laptop'])).data
    await alice.run(['device', 'grant', request, '--can', 'prove,suspend', '--days', '30'])
    const [laptops] = await granted()
    expect(laptops).toMatchObject({ name: 'laptop', capabilities: ['PROVE', 'SUSPEND'], standing: 'active' })
    await alice.run(['device', 'permit', 'laptop', '--can', 'suspend'])
    const [permitted] = await granted()
    expect(permitted).toMatchObject({ h: laptops.h, capabilities: ['SUSPEND'], until: laptops.until })
  })

  it('V12: a device stops the DID by itself; rotation goes on and resume lifts it', async () => {
    await laptop.run(['device', 'suspend', did])
    expect((await alice.run(['device'])).data.suspended).toBe(true)
    await alice.run(['device', 'resume'])
    expect((await alice.run(['device'])).data.suspended).toBe(false)
    expect(await refused(laptop, ['device', 'suspend', did])).toBe('SUSPENSION_SPENT')
    await alice.run(['rotate'])
    await laptop.run(['device', 'suspend', did])
    await alice.run(['rotate'])
    expect((await alice.run(['device'])).data.suspended).toBe(false)
  })

  it('V12: once revoked it can do nothing', async () => {
    await alice.run(['device', 'revoke', 'laptop'])
    expect(await granted()).toEqual([])
    expect(await refused(laptop, ['device', 'suspend', did])).toBe('UNKNOWN_DEVICE')
  })

  it('says what is wrong', async () => {
    expect(await refused(alice, ['device', 'grant', 'nonsense', '--can', 'prove'])).toBe('BAD_DEVICE')
    expect(await refused(alice, ['device', 'permit', 'nobody', '--can', 'prove'])).toBe('UNKNOWN_DEVICE')
    const { request } = (await laptop.run(['device', 'request'])).data
    expect(await refused(alice, ['device', 'grant', request, '--can', 'everything'])).toBe('BAD_CAPABILITY')
    expect(await refused(alice, ['device', 'resume'])).toBe('NOT_SUSPENDED')
  })
})
