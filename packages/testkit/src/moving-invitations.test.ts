/** V19 for those who are no contacts yet: whoever was invited, or asked, before a move still comes by the agency before. */
import { afterEach, beforeEach, expect, it } from 'vitest'
import { Network } from './network.ts'
import type { Person } from './person.ts'

const PAGE = 'https://wallet.test/'

let network: Network
let alice: Person
let bob: Person
let elsewhere: { did: string; url: string }

beforeEach(async () => {
  network = await Network.open()
  alice = await network.person('alice')
  bob = await network.person('bob')
  elsewhere = { did: (await network.addAgency('elsewhere')).options.did, url: 'http://elsewhere.test' }
})
afterEach(() => network.close())

async function move(): Promise<void> {
  await alice.agent.moveTo(elsewhere)
  await network.settle(alice)
}
const stop = () =>
  alice.agent.stopForwarding().then(
    () => 'done',
    (error: Error) => error.message,
  )

it('holds back the end of the agency before, by name, until they came, and is led to the new one by itself', async () => {
  const { url } = await alice.agent.invite(PAGE, { alias: 'bob' })
  await move()
  expect(alice.heard('agency-changed', /at http:\/\/elsewhere.test now/)).toBe(true)
  expect(await stop()).toMatch(/invited or asked before the move.*: bob$/)
  await bob.agent.accept(url)
  await network.settle(bob, alice)
  await network.settle(bob, alice)
  expect(await stop()).toBe('done')
  await bob.agent.sendText('alice', 'hello')
  await network.settle(bob, alice)
  expect((await alice.agent.texts()).map(({ text }) => text)).toEqual(['hello'])
})

it('holds it back no longer than an invitation is good', async () => {
  await alice.agent.invite(PAGE, { seconds: 3600 })
  await alice.agent.inviteMany(PAGE, { uses: 5, seconds: 3600 })
  await alice.agent.invitePlainly(PAGE, { alias: 'carol', seconds: 3600 })
  await move()
  const [many] = await alice.agent.invitations()
  expect(await stop()).toMatch(new RegExp(`: [0-9a-f]{32}, carol, the invitation ${many?.id}$`))
  network.advance(3601)
  await alice.agent.sync()
  expect(await stop()).toBe('done')
})

it('is somebody who was asked and has not answered: they answer to where they were asked from', async () => {
  const { url } = await bob.agent.invite(PAGE)
  await alice.agent.accept(url, { alias: 'bob' })
  await move()
  expect(await stop()).toMatch(/: bob$/)
  await network.settle(bob, alice)
  await network.settle(bob, alice)
  expect(await stop()).toBe('done')
  expect((await alice.agent.contact('bob')).status).toBe('connected')
})
