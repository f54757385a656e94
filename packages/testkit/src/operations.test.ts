/** What becomes of an operation whose answer says nothing: it may have entered, and the new keys stand in its record alone. */
import { ledgerHttp } from '@keystead/ledger'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
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
    expect(state?.seq).toBe(2)
  })
})
