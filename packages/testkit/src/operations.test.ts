/** What becomes of an operation whose answer says nothing: it may have entered, and the new keys stand in its record alone. */
import { ledgerHttp } from '@keystead/ledger'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { commitRecoverySets } from '../../agent/src/edge/recovery/setup.ts'
import { LEDGER, Network } from './network.ts'
import type { Person } from './person.ts'

let network: Network
let alice: Person

beforeEach(async () => {
  network = await Network.open()
  alice = await network.person('alice')
})
afterEach(() => network.close())

/** The operation enters the ledger; its sender is told nonsense from then on. */
async function rotateUnder(lie: (url: string) => Uint8Array | undefined): Promise<void> {
  let sent = false
  network.wires.tamper(({ url, body }) => {
    sent ||= url.endsWith('/v1/operations') && body.length > 0
    return sent ? lie(url) : undefined
  })
  await alice.agent.rotateAll().catch(() => {})
  network.wires.tamper(undefined)
  network.advance(30)
  await alice.agent.sync()
}

it('an operation that entered is known to have entered, whatever the node says of it', async () => {
  const honest = ledgerHttp(network.ledger, { freshSeconds: 1, log: () => {} })
  network.wires.connect(LEDGER, async (request) => {
    const answer = await honest.fetch(request)
    return request.method === 'POST' ? Response.json({ code: 'SEQ_MISMATCH', detail: 'no' }, { status: 409 }) : answer
  })
  await alice.agent.rotateAll()
  const { did, head } = await alice.agent.publicIdentity()
  expect((await alice.agent.edge.ports.ledger.resolve(did)).state?.head).toBe(head)
  await alice.agent.sync()
  expect(alice.heard('identity-lost')).toBe(false)
})

describe('an operation that entered MUST NOT be forgotten', () => {
  it.each([
    ['the proof afterwards is worthless', /v1\/proofs/],
    ['the receipt is none', /v1\/operations/],
  ])('when %s', async (_, where) => {
    await rotateUnder((url) => (where.test(url) ? new Uint8Array([1, 2, 3]) : undefined))
    expect(alice.heard('identity-lost')).toBe(false)
    expect((await alice.agent.publicIdentity()).status).toBe('active')
    await alice.agent.rotateAll()
    await alice.agent.sync()
    const { did, head } = await alice.agent.publicIdentity()
    const { state } = await alice.agent.edge.ports.ledger.resolve(did)
    expect(state?.head).toBe(head)
    // Each rotation is followed by the device's new entry.
    expect(state?.seq).toBe(4)
  })
})

describe('an operation that a node refuses may still enter until its time is over', () => {
  /** What the node was sent, refused and kept. */
  async function refusing<T>(code: string, act: () => Promise<T>): Promise<Uint8Array<ArrayBuffer>> {
    let kept: Uint8Array<ArrayBuffer> | undefined
    const honest = ledgerHttp(network.ledger, { freshSeconds: 1, log: () => {} })
    network.wires.connect(LEDGER, async (request) => {
      if (request.method !== 'POST') return honest.fetch(request)
      kept = new Uint8Array(await request.arrayBuffer())
      return Response.json({ code, detail: 'no' }, { status: 400 })
    })
    await expect(act()).rejects.toMatchObject({ code })
    network.wires.connect(LEDGER, (request) => honest.fetch(request))
    if (!kept) throw new Error('nothing was sent')
    return kept
  }
  const refused = () => alice.agent.edge.records.all('refused-operation')
  const syncLater = async (seconds = 30) => {
    network.advance(seconds)
    await alice.agent.sync()
  }
  const head = async () => {
    const { did } = await alice.agent.publicIdentity()
    return (await alice.agent.edge.ports.ledger.resolve(did)).state?.head
  }

  it('it is known again when it does, with the keys that it put into force', async () => {
    const bytes = await refusing('RATE_LIMITED', () => alice.agent.rotateAll())
    const before = await alice.agent.publicIdentity()
    expect(before.seq).toBe(0)
    await network.ledger.submit(bytes)
    await syncLater()
    expect(alice.heard('operation-entered')).toBe(true)
    expect(alice.heard('identity-lost') || alice.heard('strange-entry')).toBe(false)
    expect((await alice.agent.publicIdentity()).head).toBe(await head())
    expect(await refused()).toEqual([])
    await alice.agent.rotateAll()
    expect(await alice.agent.publicIdentity()).toMatchObject({ seq: 4, head: await head() })
  })

  it('it does not stop the next one, whichever of the two then enters', async () => {
    const { did } = await alice.agent.publicIdentity()
    const bytes = await refusing('RATE_LIMITED', () => alice.agent.rotateAll())
    const honest = ledgerHttp(network.ledger, { freshSeconds: 1, log: () => {} })
    network.wires.connect(LEDGER, async (request) => {
      if (request.method === 'POST') await network.ledger.submit(bytes).catch(() => {})
      return honest.fetch(request)
    })
    await expect(alice.agent.rotateAll()).rejects.toMatchObject({ code: 'SEQ_MISMATCH' })
    await syncLater()
    expect(await alice.agent.publicIdentity()).toMatchObject({ seq: 2, head: await head() })
    expect(await refused()).toEqual([])
    const bob = await network.person('bob')
    await network.connect(alice, bob)
    await bob.agent.connect(did)
    await network.settle(alice, bob)
    expect(alice.heard('message-refused')).toBe(false)
  })

  it('another that entered instead ends it', async () => {
    await refusing('RATE_LIMITED', () => alice.agent.rotateAll())
    await alice.agent.rotateAll()
    expect(await refused()).toHaveLength(1)
    await syncLater()
    expect(await refused()).toEqual([])
    expect(await alice.agent.publicIdentity()).toMatchObject({ seq: 2, head: await head() })
  })

  it('so does the end of its time, proven', async () => {
    await refusing('RATE_LIMITED', () => alice.agent.rotateAll())
    await syncLater(86_400)
    expect(await refused()).toHaveLength(1)
    await syncLater(7 * 86_400)
    expect(await refused()).toEqual([])
    expect(alice.heard('operation-entered')).toBe(false)
  })

  describe('and with it a recovery set', () => {
    const isSet = async (): Promise<boolean> =>
      (await alice.agent.recovery.status()).missing.every(({ code }) => code !== 'SET_NOT_ON_LEDGER')
    const committed = async (): Promise<number> => {
      const { did } = await alice.agent.publicIdentity()
      return (await alice.agent.edge.ports.ledger.resolve(did)).state?.recovery.entries.length ?? 0
    }
    const sealed = async (): Promise<number> => {
      const { did } = await alice.agent.publicIdentity()
      return (await alice.agent.edge.records.get('recovery-key', did))?.keys.length ?? 0
    }
    /** The ledger refuses what brings the set; everything else of the deal is done. */
    async function setUpRefused(): Promise<Uint8Array<ArrayBuffer>> {
      const contacts = [await network.person('bob'), await network.person('carol')]
      for (const contact of contacts) await network.connect(alice, contact)
      const answered = async (): Promise<void> => {
        await alice.agent.recovery.setUp({ contacts: ['bob', 'carol'], threshold: 2, delay: 600 })
        await network.settle(alice, ...contacts)
        for (const contact of contacts) await contact.agent.approve()
        await network.settle(alice, ...contacts)
        await commitRecoverySets(alice.agent.edge)
      }
      const bytes = await refusing('RATE_LIMITED', answered)
      expect(await refused()).toHaveLength(1)
      return bytes
    }

    it('it does not count as set up, and the same is brought again until it is taken', async () => {
      await setUpRefused()
      expect([await isSet(), await committed()]).toEqual([false, 0])
      await syncLater()
      expect([await isSet(), (await committed()) > 0]).toEqual([true, true])
      expect(await refused()).toEqual([])
      // The relationship did not wait for it.
      expect((await alice.agent.contact('bob')).mine.state.recovery.entries.length).toBeGreaterThan(0)
    })

    it('one DID that the ledger refuses keeps the set from no other, whichever comes first', async () => {
      const dids = [(await alice.agent.publicIdentity()).did]
      for (const name of ['issuer one', 'issuer two', 'issuer three'])
        dids.push((await alice.agent.createIdentity(name, 'subject')).did)
      const contacts = [await network.person('bob'), await network.person('carol')]
      for (const contact of contacts) await network.connect(alice, contact)
      const honest = ledgerHttp(network.ledger, { freshSeconds: 1, log: () => {} })
      const [first] = (await alice.agent.edge.records.all('identity')).map(({ name }) => name)
      network.wires.connect(LEDGER, async (request) => {
        const text = request.method === 'POST' ? await request.clone().text() : ''
        if (text.includes(first ?? '')) return Response.json({ code: 'RATE_LIMITED', detail: 'no' }, { status: 400 })
        return honest.fetch(request)
      })
      await alice.agent.recovery.setUp({ contacts: ['bob', 'carol'], threshold: 2, delay: 600 })
      await network.settle(alice, ...contacts)
      for (const contact of contacts) await contact.agent.approve()
      await network.settle(alice, ...contacts)
      const sets = await Promise.all(
        dids.map(async (did) => [
          did,
          ((await alice.agent.edge.ports.ledger.resolve(did)).state?.recovery.entries.length ?? 0) > 0,
        ]),
      )
      expect(sets).toEqual(dids.map((did) => [did, did !== first]))
      expect((await alice.agent.contact('bob')).mine.state.recovery.entries.length).toBeGreaterThan(0)
    })

    it('it is not brought beside another operation that waits', async () => {
      await setUpRefused()
      network.wires.cut(LEDGER)
      await alice.agent.rotateAll()
      await alice.agent.sync()
      expect(await alice.agent.edge.records.all('operation')).toHaveLength(1)
      expect(await refused()).toHaveLength(1)
    })

    it('its keys are kept while it may enter, and made anew when it never does', async () => {
      const bytes = await setUpRefused()
      const before = await sealed()
      expect(before).toBeGreaterThan(0)
      await alice.agent.rotateAll()
      await syncLater()
      expect([await isSet(), await sealed(), (await committed()) > 0]).toEqual([true, before, true])
      await expect(network.ledger.submit(bytes)).rejects.toMatchObject({ code: 'SEQ_MISMATCH' })
    })
  })

  it('none is forgotten for another one’s sake', async () => {
    for (let i = 0; i < 64; i++) await refusing('RATE_LIMITED', () => alice.agent.rotateAll())
    await expect(alice.agent.rotateAll()).rejects.toMatchObject({ code: 'TOO_MANY_REFUSED' })
    expect(await refused()).toHaveLength(64)
  })
})
