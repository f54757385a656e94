/** RECOVERY-12: the link by which a new device asks for help, and those who would read, exchange or stop it. */
import type { Kit } from '@keystead/recovery'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { dealTo, threeContacts } from './dealing.ts'
import { Network } from './network.ts'
import type { Person } from './person.ts'

let network: Network
let alice: Person
let bob: Person
let kit: Kit

beforeEach(async () => {
  network = await Network.open()
  alice = await network.person('alice')
  const contacts = await threeContacts(network, alice)
  bob = contacts[0] as Person
  kit = await dealTo(network, alice, contacts)
})

afterEach(() => network.close())

const code = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => 'done',
    (error: { code?: string }) => error.code ?? error,
  )

const linkOf = async ({ agent }: Person): Promise<string> => (await agent.recovery.progress())?.rescue.url ?? ''
const keptOf = (link: string) => network.agency.options.store.invitation(link.slice(-32), 0)

describe('RECOVERY-12: the link for contacts', () => {
  it('fits a QR code that a phone reads from a screen, says nothing to the agency that keeps it, and finds the share', async () => {
    const link = await linkOf(await network.newDevice(kit))
    expect(link).toMatch(/^https:\/\/wallet\.test\/#_help=[\w-]{43}@http:\/\/agency\.test\/i\?_oobid=[0-9a-f]{32}$/)
    expect(link.length).toBeLessThanOrEqual(192)
    const kept = new TextDecoder().decode((await keptOf(link))?.bytes)
    for (const secret of ['did:peer', 'recovery-help', 'for']) expect(kept).not.toContain(`"${secret}`)
    const { relationship } = await bob.agent.recovery.help(link)
    expect(relationship).toBe((await bob.agent.contact('alice')).id)
  })

  it('MUST NOT lead to another new device that the agency has put in its place', async () => {
    const link = await linkOf(await network.newDevice(kit))
    const theirs = await keptOf(await linkOf(await network.newDevice(kit, 'mallory')))
    network.wires.tamper(({ url }) => (url.includes('_oobid') ? theirs?.bytes : undefined))
    expect(await code(bob.agent.recovery.help(link))).toBe('BAD_INVITATION')
  })

  it('is no link of another kind, and no other kind is one', async () => {
    const link = await linkOf(await network.newDevice(kit))
    expect(await code(bob.agent.accept(link))).toBe('BAD_INVITATION')
    expect(await code(bob.agent.devices.greet(link))).toBe('BAD_INVITATION')
    const { url } = await alice.agent.invite('https://wallet.test/')
    expect(await code(bob.agent.recovery.help(await alice.agent.shortenForPage(url)))).toBe('BAD_INVITATION')
  })

  it('is over with its time', async () => {
    const link = await linkOf(await network.newDevice(kit))
    network.advance(86_500)
    expect(await code(bob.agent.recovery.help(link))).toBe('INVITATION_EXPIRED')
  })

  it('has everything in it where the agency keeps none for it, and serves as well', async () => {
    const { store } = network.agency.options
    const keep = store.putInvitation
    store.putInvitation = () => Promise.reject(new Error('full'))
    const link = await linkOf(await network.newDevice(kit))
    store.putInvitation = keep
    expect(link).toContain('?_help=')
    expect((await bob.agent.recovery.help(link)).relationship).toBe((await bob.agent.contact('alice')).id)
  })
})
