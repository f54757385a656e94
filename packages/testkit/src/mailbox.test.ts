/** A mailbox at an agency that does not do what it is told: reading it comes to an end (AGENCY-4). */
import { utf8 } from '@keystead/core'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { MAX_MESSAGES_PER_ACCOUNT } from '../../agent/src/limits.ts'
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

it('an agency that forgets nothing is asked no further than it has something new, and what it has is read once', async () => {
  network.agency.options.store.removeMail = async () => {}
  await bob.agent.sendText('alice', 'once')
  await alice.agent.sync()
  await alice.agent.sync()
  expect((await alice.agent.texts()).map(({ text }) => text)).toEqual(['once'])
  expect(alice.heard('waiting', /again and again/)).toBe(true)
})

it('an agency that makes up mail for ever is asked for no more than a mailbox holds', async () => {
  let made = 0
  network.agency.options.store.mail = async () =>
    Array.from({ length: 20 }, () => {
      const [id, bytes] = [String(made++), utf8('{}')]
      return { n: made, id, recipient: 'did:peer:2.x', bytes, received: 0 }
    })
  await alice.agent.sync()
  expect(made).toBeLessThan(MAX_MESSAGES_PER_ACCOUNT + 100)
}, 120_000)
