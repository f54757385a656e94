/** What waits for a person's decision is what they were shown, and takes nothing from anybody else. */
import { afterEach, beforeEach, expect, it } from 'vitest'
import { toPeer } from '../../agent/src/edge/context.ts'
import type { PendingRequest } from '../../agent/src/edge/records.ts'
import { answerShare } from '../../agent/src/edge/recovery/contacts.ts'
import { put } from '../../agent/src/edge/store.ts'
import { REQUEST_PRESENTATION } from '../../agent/src/protocols/credential/messages.ts'
import { Network } from './network.ts'
import type { Person } from './person.ts'

let network: Network
let alice: Person
let bob: Person

beforeEach(async () => {
  network = await Network.open()
  alice = await network.person('alice')
  bob = await network.person('bob')
  await network.connect(alice, bob)
})
afterEach(() => network.close())

async function ask(credentialType: string): Promise<void> {
  const { edge } = bob.agent
  const relationship = (await edge.records.all('relationship'))[0]?.value
  if (!relationship) throw new Error('nobody')
  const challenge = Buffer.alloc(32).toString('base64url')
  const body = { credentialType, issuers: [], challenge, domain: 'bob.example' }
  await edge.records.commit([toPeer(edge, relationship, { type: REQUEST_PRESENTATION, thid: 'one', body })])
  await network.settle(bob, alice)
}

it('a request is not exchanged while a person looks at it', async () => {
  await ask('ClubCard')
  await ask('Passport')
  const waiting = await alice.agent.requests()
  expect(waiting.map(({ body }) => body['credentialType'])).toEqual(['ClubCard'])
  expect(alice.heard('message-refused', /waits already/)).toBe(true)
})

it('a contact MUST NOT put a share of theirs in the place of somebody else’s', async () => {
  const { edge } = alice.agent
  const relationship = (await edge.records.all('relationship'))[0]?.value
  if (!relationship) throw new Error('nobody')
  const share = { relationship: 'carol', packet: 'hers', received: 1, keep: 0 }
  await edge.records.commit([put('share', 'set', share)])
  const pending = { id: 'r', body: { set: 'set', packet: 'his' } } as unknown as PendingRequest
  await expect(answerShare(edge, pending, relationship, true)).rejects.toMatchObject({ code: 'BAD_MESSAGE' })
  expect(await edge.records.get('share', 'set')).toEqual(share)
})
