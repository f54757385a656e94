/** A mailbox at an agency that does not do what it is told: reading it comes to an end (AGENCY-4). And one that is full. */
import { utf8 } from '@keystead/core'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { tellDevices } from '../../agent/src/edge/own-devices/list.ts'
import { MAIL_DAYS, MAX_MESSAGES_PER_ACCOUNT } from '../../agent/src/limits.ts'
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

/** The mailbox of another device of alice's has room for nothing more. */
async function phoneThatIsFull() {
  const phone = await network.link('phone', alice)
  await network.settle(alice, phone, bob)
  const { store } = network.agency.options
  const account = (await alice.agent.profile()).agency?.account ?? ''
  const box = (await phone.agent.profile()).agency?.account ?? ''
  const setRoom = (messages: number) => store.setRoom(account, { messages, bytes: 1_000_000 })
  await setRoom(20)
  for (let n = 0; n < 20; n++) {
    const item = { id: `filler ${n}`, recipient: box, bytes: utf8('{}'), received: network.clock.now() }
    await store.addMail(account, item, box)
  }
  const { edge } = alice.agent
  return {
    phone,
    setRoom,
    outbox: async () => (await edge.records.all('outbox')).map(({ name }) => name),
    told: async (agency: string) => edge.records.commit(await tellDevices(edge, AGENCY_LEFT, { agency })),
  }
}

it('of one device that is full holds up what goes to that device, in its order, and nothing else', async () => {
  const { phone, setRoom, outbox, told } = await phoneThatIsFull()
  for (const agency of ['did:web:one.test', 'did:web:two.test']) await told(agency)
  const waiting = await outbox()
  await alice.agent.sendText('bob', 'hello')
  await network.settle(alice, bob)
  expect((await bob.agent.texts()).map(({ text }) => text)).toEqual(['hello'])
  expect(await outbox()).toEqual(waiting)
  await setRoom(21)
  await alice.agent.sync()
  expect(await outbox()).toEqual(waiting.slice(1))
  await network.settle(phone, alice)
  expect(await outbox()).toEqual([])
})

it('DEVICE-6: of a device that stays full is owed no more than a mailbox would have kept', async () => {
  const { outbox, told } = await phoneThatIsFull()
  await told('did:web:one.test')
  await alice.agent.sync()
  network.advance(MAIL_DAYS * 86_400 - 60)
  await told('did:web:two.test')
  const [first, second] = await outbox()
  await alice.agent.sync()
  expect(await outbox()).toEqual(expect.arrayContaining([first, second]))
  network.advance(120)
  await alice.agent.sync()
  expect(await outbox()).toContain(second)
  expect(await outbox()).not.toContain(first)
})
