/** Invitations: short links, several people, strangers, and those who would read, exchange or flood them. */
import { base64url } from '@keystead/core'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { queue } from '../../agent/src/edge/context.ts'
import { STRANGERS_AN_HOUR } from '../../agent/src/limits.ts'
import { CONNECT_RESPONSE } from '../../agent/src/protocols/connect/messages.ts'
import { AGENCY, Network } from './network.ts'
import type { Person } from './person.ts'

let network: Network
let alice: Person
let bob: Person

beforeEach(async () => {
  network = await Network.open()
  alice = await network.person('alice')
  bob = await network.person('bob')
})

afterEach(() => network.close())

const code = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => 'done',
    (error: { code?: string }) => error.code ?? error,
  )

async function short(seconds = 3600): Promise<string> {
  const { url } = await alice.agent.invite('https://wallet.test/', { seconds })
  return alice.agent.shorten(url)
}

const page = (link: string) => network.wires.browse(link.split('#')[0] ?? '', 'text/html')
const statusOf = async (person: Person, id: string) => (await person.agent.relationship(id))?.status

describe('AGENCY-17: a short link', () => {
  it('fits a QR code that a phone reads from a screen, and connects', async () => {
    const link = await short()
    expect(link).toMatch(/^http:\/\/agency\.test\/i\?_oobid=[0-9a-f]{32}#[\w-]{43}$/)
    expect((await bob.agent.readInvitation(link)).label).toBe('alice')
    const { id } = await bob.agent.accept(link)
    await network.settle(alice, bob)
    expect(await statusOf(bob, id)).toBe('connected')
  })

  it('says nothing of the inviter to the agency that keeps it', async () => {
    const link = await short()
    const kept = await network.agency.options.store.invitation(new URL(link).searchParams.get('_oobid') ?? '', 0)
    const text = new TextDecoder().decode(kept?.bytes)
    for (const secret of ['alice', 'did:peer', 'invitation']) expect(text).not.toContain(secret)
  })

  it('MUST NOT lead to an invitation that the agency has put in its place', async () => {
    const link = await short()
    const mallory = await network.person('mallory')
    const { url } = await mallory.agent.invite('https://wallet.test/')
    const other = new URL(await mallory.agent.shorten(url))
    // Another sealed invitation, and a plain one.
    const { store } = network.agency.options
    const theirs = await store.invitation(other.searchParams.get('_oobid') ?? '', 0)
    const plain = base64url.decode(new URL(url).searchParams.get('_oob') ?? '')
    for (const bytes of [theirs?.bytes, plain]) {
      network.wires.tamper(({ url: asked }) => (asked.includes('_oobid') ? bytes : undefined))
      expect(await code(bob.agent.accept(link))).toBe('BAD_INVITATION')
    }
  })

  it('to the wallet’s page has everything behind the "#", connects, and MUST NOT lead to what was put in its place', async () => {
    const make = async (person: Person) => {
      const { relationship, url } = await person.agent.invite('https://wallet.test/app')
      return { id: relationship.id, link: await person.agent.shortenForPage(url) }
    }
    const { id, link } = await make(alice)
    expect(link).toMatch(/^https:\/\/wallet\.test\/app#_oob=[\w-]{43}@http:\/\/agency\.test\/i\?_oobid=[0-9a-f]{32}$/)
    const mallory = await network.person('mallory')
    const theirs = await network.agency.options.store.invitation((await make(mallory)).link.slice(-32), 0)
    network.wires.tamper(({ url: asked }) => (asked.includes('_oobid') ? theirs?.bytes : undefined))
    expect(await code(bob.agent.accept(link))).toBe('BAD_INVITATION')
    network.wires.tamper(undefined)
    // A link of another kind is no invitation, and an invitation no other kind.
    expect(await code(bob.agent.accept(link.replace('#_oob=', '#_link=')))).toBe('BAD_INVITATION')
    expect(await code(bob.agent.devices.greet(link))).toBe('BAD_INVITATION')
    await bob.agent.accept(link)
    await network.settle(alice, bob)
    expect(await statusOf(alice, id)).toBe('connected')
  })

  it('waits for its time, over a restart of the reader, and no longer', async () => {
    const link = await short(3600)
    network.advance(3000)
    expect((await bob.agent.readInvitation(link)).label).toBe('alice')
    network.advance(700)
    expect(await code(bob.agent.accept(link))).toBe('INVITATION_EXPIRED')
    expect((await page(link)).status).toBe(404)
  })

  it('of another account is neither overwritten nor withdrawn', async () => {
    const link = await short()
    const id = new URL(link).searchParams.get('_oobid') ?? ''
    const { store } = network.agency.options
    const mine = { id, expires: 9e9, form: 'plain' as const, bytes: new Uint8Array(3) }
    expect(await code(store.putInvitation('did:peer:2.stranger', mine, 0))).toBe('INVITATION_NOT_YOURS')
    await store.removeInvitation('did:peer:2.stranger', id)
    expect((await bob.agent.readInvitation(link)).label).toBe('alice')
  })

  it('is not kept beyond what an account may have', async () => {
    const { store } = network.agency.options
    const make = (n: number) => ({
      id: String(n).padStart(32, '0'),
      expires: 9e9,
      form: 'plain' as const,
      bytes: new Uint8Array(3),
    })
    for (let n = 0; n < 256; n++) await store.putInvitation('did:peer:2.busy', make(n), 0)
    expect(await code(store.putInvitation('did:peer:2.busy', make(256), 0))).toBe('MAILBOX_FULL')
  })

  it('for software of others is plain, as Out-of-Band 2.0 has it', async () => {
    const { url } = await alice.agent.invitePlainly('https://wallet.test/')
    const link = await alice.agent.shorten(url, 'plain')
    const answer = await network.wires.browse(link, 'application/json')
    expect(answer.headers.get('content-type')).toContain('application/didcomm-plain+json')
    const message = (await answer.json()) as { type: string }
    expect(message.type).toBe('https://didcomm.org/out-of-band/2.0/invitation')
    expect((await bob.agent.readInvitation(link)).plain).toBe(true)
  })

  it('MUST NOT make the reader take more than an invitation may have', async () => {
    const link = await short()
    network.wires.tamper(({ url: asked }) => (asked.includes('_oobid') ? new Uint8Array(1_000_000) : undefined))
    expect(await code(bob.agent.accept(link))).toMatch(/TOO_LARGE|BAD_INVITATION|AGENCY_UNREACHABLE/)
  })

  it.each(['', 'nonsense', 'javascript:alert(1)', 'file:///etc/passwd?_oobid=1', 'https://agency.test/i?_oobid='])(
    'MUST be a link: %s is refused',
    async (link) => {
      expect(await code(bob.agent.readInvitation(link))).toMatch(/BAD_INVITATION|INVITATION_EXPIRED|AGENCY_UNREACHABLE/)
    },
  )
})

describe('AGENCY-18: the page for somebody without a wallet', () => {
  it('says what it is and until when it waits, without script, and agrees to nothing', async () => {
    const link = await short()
    const answer = await page(link)
    const text = await answer.text()
    expect(answer.status).toBe(200)
    expect(answer.headers.get('content-security-policy')).toContain("default-src 'none'")
    expect(text).toContain('Who it is nobody has checked')
    expect(text).toMatch(/waits for you here until <strong>2026-01-01 01:00 UTC/)
    expect(text).not.toMatch(/<script|alice|did:peer/)
    // The one who had no wallet comes back with one.
    const carol = await network.person('carol')
    const { id } = await carol.agent.accept(link)
    await network.settle(alice, carol)
    expect(await statusOf(carol, id)).toBe('connected')
  })
})

describe('RELATIONSHIP-28: an invitation for several', () => {
  it('connects as many as it is for, each under DIDs of its own, and then ends', async () => {
    const { url, did } = await alice.agent.inviteMany('https://wallet.test/', { uses: 2 })
    const link = await alice.agent.shorten(url)
    const carol = await network.person('carol')
    const dave = await network.person('dave')
    for (const person of [bob, carol]) {
      const { id } = await person.agent.accept(link)
      await network.settle(alice, person)
      expect(await statusOf(person, id)).toBe('connected')
    }
    expect(await code(dave.agent.accept(link))).toBe('INVITATION_EXPIRED')
    // Whoever kept what was behind the link comes too late all the same.
    const { id } = await dave.agent.accept(url)
    await network.settle(alice, dave)
    expect(await statusOf(dave, id)).toBe('requested')
    const [one, other] = [await alice.agent.contact('bob'), await alice.agent.contact('carol')]
    expect(one.mine.state.now.did).not.toBe(other.mine.state.now.did)
    expect([one.mine.state.now.did, other.mine.state.now.did]).not.toContain(did)
    expect((await bob.agent.contact('alice')).verified?.kids).toHaveLength(1)
    expect(await alice.agent.invitations()).toEqual([])
    expect(await network.agency.options.store.accountOf(did)).toBeUndefined()
  })

  it('ends with its time, or when its maker says so', async () => {
    const first = await alice.agent.inviteMany('https://wallet.test/', { uses: 5, seconds: 60 })
    const second = await alice.agent.inviteMany('https://wallet.test/', { uses: 5 })
    await alice.agent.endInvitation(second.id)
    network.advance(61)
    bob.skew = -120
    const ids = [(await bob.agent.accept(first.url)).id, (await bob.agent.accept(second.url)).id]
    await network.settle(alice, bob)
    for (const id of ids) expect(await statusOf(bob, id)).toBe('requested')
    expect(await alice.agent.contacts()).toEqual([])
  })

  it('answers from the DID that invited, and from no other', async () => {
    const { url } = await alice.agent.inviteMany('https://wallet.test/', { uses: 5 })
    const asked = await bob.agent.accept(url)
    const mallory = await network.person('mallory')
    const { edge } = mallory.agent
    const { relationship } = await mallory.agent.invite('https://wallet.test/')
    const [entry] = relationship.mine.entries
    const from = relationship.mine.state.now.doc
    const body = { entry: entry as never, label: 'alice' }
    const to = asked.mine.state.now.doc
    await edge.records.commit([queue(edge, { from, to, type: CONNECT_RESPONSE, thid: 'any', body })])
    await network.settle(mallory, bob)
    expect(bob.heard('message-refused', /not from whoever was asked/)).toBe(true)
    expect(await statusOf(bob, asked.id)).toBe('requested')
    await network.settle(alice, bob)
    expect(await statusOf(bob, asked.id)).toBe('connected')
  })

  it('asks about each who comes, where that was wanted', async () => {
    const { url } = await alice.agent.inviteMany('https://wallet.test/', { uses: 5, ask: true })
    const { id } = await bob.agent.accept(url)
    await network.settle(alice, bob)
    const [request] = await alice.agent.requests()
    expect(request?.summary).toBe(
      'somebody who calls themselves "bob" (nobody has checked that) wants to connect with you, by your invitation for many',
    )
    expect(await statusOf(bob, id)).toBe('requested')
    await alice.agent.approve()
    await network.settle(alice, bob)
    expect(await statusOf(bob, id)).toBe('connected')
  })
})

describe('RELATIONSHIP-29: strangers at a public DID', () => {
  it('are asked about: the one who is declined stays outside', async () => {
    await alice.agent.setStrangers('ask')
    const { id } = await bob.agent.connect(await alice.did())
    await network.settle(alice, bob)
    await alice.agent.decline()
    await network.settle(alice, bob)
    expect(await statusOf(bob, id)).toBe('requested')
    expect(await alice.agent.contacts()).toEqual([])
    await bob.agent.connect(await alice.did(), { alias: 'again' })
    await network.settle(alice, bob)
    await alice.agent.approve()
    await network.settle(alice, bob)
    expect((await bob.agent.contact('again')).peer?.publicDid).toBe(await alice.did())
  })

  it('are refused where none is wanted, and invitations go on', async () => {
    await alice.agent.setStrangers('closed')
    const { id } = await bob.agent.connect(await alice.did())
    await network.settle(alice, bob)
    expect(await statusOf(bob, id)).toBe('requested')
    const invited = await bob.agent.accept(await short())
    await network.settle(alice, bob)
    expect(await statusOf(bob, invited.id)).toBe('connected')
  })

  it('are heard so many an hour and no more', async () => {
    const hour = Math.floor(network.clock.now() / 3_600_000)
    await alice.agent.edge.records.commit([
      { category: 'strangers', name: 'self', value: { hour, count: STRANGERS_AN_HOUR } },
    ])
    const { id } = await bob.agent.connect(await alice.did())
    await network.settle(alice, bob)
    expect(alice.heard('message-refused', /more strangers come/)).toBe(true)
    expect(await statusOf(bob, id)).toBe('requested')
    network.advance(3600)
    const again = await bob.agent.connect(await alice.did())
    await network.settle(alice, bob)
    expect(await statusOf(bob, again.id)).toBe('connected')
  })
})

it('an agency that is away makes no short link, and says so', async () => {
  const { url } = await alice.agent.invite('https://wallet.test/')
  network.wires.cut(AGENCY)
  expect(await code(alice.agent.shorten(url))).toBe('AGENCY_UNREACHABLE')
})
