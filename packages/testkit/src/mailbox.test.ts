/** A mailbox at an agency that does not do what it is told: reading it comes to an end (AGENCY-4). And one that is full. */
import { utf8 } from '@keystead/core'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { tellDevices } from '../../agent/src/edge/own-devices/list.ts'
import { MAX_MESSAGES_PER_ACCOUNT } from '../../agent/src/limits.ts'
import { AGENCY_LEFT } from '../../agent/src/protocols/own-devices/messages.ts'
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

it('of one device that is full holds up what goes to that device, in its order, and nothing else', async () => {
  const phone = await network.link('phone', alice)
  await network.settle(alice, phone, bob)
  const { store } = network.agency.options
  const account = (await alice.agent.profile()).agency?.account ?? ''
  const box = (await phone.agent.profile()).agency?.account ?? ''
  await store.setRoom(account, { messages: 20, bytes: 1_000_000 })
  for (let n = 0; n < 20; n++) {
    const item = { id: `filler ${n}`, recipient: box, bytes: utf8('{}'), received: network.clock.now() }
    await store.addMail(account, item, box)
  }
  const { edge } = alice.agent
  const outbox = async () => (await edge.records.all('outbox')).map(({ name }) => name)
  for (const agency of ['did:web:one.test', 'did:web:two.test'])
    await edge.records.commit(await tellDevices(edge, AGENCY_LEFT, { agency }))
  const waiting = await outbox()
  await alice.agent.sendText('bob', 'hello')
  await network.settle(alice, bob)
  expect((await bob.agent.texts()).map(({ text }) => text)).toEqual(['hello'])
  expect(await outbox()).toEqual(waiting)
  await store.setRoom(account, { messages: 21, bytes: 1_000_000 })
  await alice.agent.sync()
  expect(await outbox()).toEqual(waiting.slice(1))
  await network.settle(phone, alice)
  expect(await outbox()).toEqual([])
})
