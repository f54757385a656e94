/** RELATIONSHIP-33: what was under way to a DID or key of ours when it was replaced. */

import { peerShortForm } from '@keystead/did'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { queue } from '../../agent/src/edge/context.ts'
import { rotateCorrespondent } from '../../agent/src/edge/correspondents.ts'
import { rotateIdentity } from '../../agent/src/edge/identity-operations.ts'
import { put } from '../../agent/src/edge/store.ts'
import { MAIL_DAYS, REPLACED_SECONDS } from '../../agent/src/limits.ts'
import { BASIC_MESSAGE } from '../../agent/src/protocols/basic-message/messages.ts'
import { PING } from '../../agent/src/protocols/trust-ping/messages.ts'
import { Network } from './network.ts'
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

const texts = async (): Promise<string[]> => (await alice.agent.texts()).map(({ text }) => text)
const refusals = () => alice.events.filter(({ kind }) => kind === 'message-refused').map(({ text }) => text)

/** A line of Bob's that was sent to a DID of Alice's and took long. */
async function late(from: string, to: string, text: string): Promise<void> {
  const { edge } = bob.agent
  await edge.records.commit([queue(edge, { type: BASIC_MESSAGE, from, to, body: { content: text } })])
  await network.settle(bob, alice)
}

describe('a DID of a relationship that was replaced', () => {
  let before: string
  let mine: string

  beforeEach(async () => {
    await network.connect(alice, bob)
    before = (await alice.agent.contact('bob')).mine.state.now.did
    mine = (await bob.agent.contact('alice')).mine.state.now.did
    await alice.agent.rotateAll()
    await network.settle(alice, bob, alice)
    expect((await bob.agent.contact('alice')).peer?.state.now.did).not.toBe(before)
  })

  const longForm = async () => (await alice.agent.edge.records.get('own-did', before))?.longForm ?? before

  it('is read for a day after the peer turned to the next', async () => {
    await late(mine, await longForm(), 'sent before')
    expect(await texts()).toEqual(['sent before'])
    expect(refusals()).toEqual([])
  })

  it('is answered from the DID in force', async () => {
    const { edge } = bob.agent
    const to = await longForm()
    await edge.records.commit([queue(edge, { type: PING, from: mine, to, body: { response_requested: true } })])
    await network.settle(bob, alice, bob)
    expect(bob.heard('ping-answered')).toBe(true)
  })

  it('signs and sends nothing any more, and MUST be forgotten with its keys after the day', async () => {
    const { edge } = alice.agent
    const own = await edge.records.get('own-did', before)
    const state = async (keyId = '') => (await alice.vault.keys()).find((key) => key.keyId === keyId)?.events.at(-1)?.to
    expect(await state(own?.keyAgreement.keyId)).toBe('deactivated')
    expect(await state(own?.authentication.keyId)).toBe('destroyed')
    const to = await longForm()
    network.advance(REPLACED_SECONDS + 60)
    await network.settle(alice)
    expect(await edge.records.get('own-did', before)).toBeUndefined()
    expect(await state(own?.keyAgreement.keyId)).toBe('destroyed')
    await network.settle(alice)
    // Bob knows the next DID by now: what he has for the old one goes there (DROP-6).
    await late(mine, to, 'sent too late')
    expect(await texts()).toEqual(['sent too late'])
    expect(await edge.records.get('own-did', before)).toBeUndefined()
  })

  it('is read as long as the agency before passes on what it kept', async () => {
    const { edge } = alice.agent
    const profile = await alice.agent.profile()
    const former = { did: 'did:web:before.test', url: 'http://before.test', account: before, services: [] }
    const moved = { ...profile, former: { ...former, step: 'forwards' as const, since: network.clock.now() } }
    await edge.records.commit([put('profile', 'self', moved)])
    network.advance(REPLACED_SECONDS + 60)
    await network.settle(alice)
    await late(mine, await longForm(), 'passed on')
    expect(await texts()).toEqual(['passed on'])
    network.advance(MAIL_DAYS * 86_400)
    await network.settle(alice)
    expect(await edge.records.get('own-did', before)).toBeUndefined()
  })

  it('opens nothing when its key is compromised: whoever has it could write as anybody', async () => {
    const own = await alice.agent.edge.records.get('own-did', before)
    await alice.vault.setKeyState(own?.keyAgreement.keyId ?? '', 'compromised', 'key compromise')
    await late(mine, await longForm(), 'as if from bob')
    expect(await texts()).toEqual([])
    expect(refusals()).toHaveLength(1)
  })
})

describe('a public DID whose keys were replaced', () => {
  it('reads what was sent to the key before', async () => {
    const { did } = await alice.agent.publicIdentity()
    const { id } = await bob.agent.connect(did)
    await bob.agent.sync()
    await rotateIdentity(alice.agent.edge, did)
    await network.settle(alice, bob)
    expect(refusals()).toEqual([])
    expect(await bob.agent.relationship(id)).toMatchObject({ status: 'connected' })
  })

  it('reads it for a day: then the key MUST be destroyed, and that of a later rotation stays its own day', async () => {
    const { did } = await alice.agent.publicIdentity()
    const { edge } = alice.agent
    const own = async () => edge.records.get('own-did', did)
    const state = async (keyId = '') => (await alice.vault.keys()).find((key) => key.keyId === keyId)?.events.at(-1)?.to
    const first = (await own())?.keyAgreement.keyId
    await rotateIdentity(edge, did)
    network.advance(REPLACED_SECONDS / 2)
    const second = (await own())?.keyAgreement.keyId
    await rotateIdentity(edge, did)
    await alice.agent.sync()
    expect((await own())?.replacedKeys?.map(({ keyId }) => keyId)).toEqual([first, second])
    network.advance(REPLACED_SECONDS / 2 + 60)
    await alice.agent.sync()
    expect((await own())?.replacedKeys?.map(({ keyId }) => keyId)).toEqual([second])
    expect([await state(first), await state(second)]).toEqual(['destroyed', 'deactivated'])
    network.advance(REPLACED_SECONDS)
    await alice.agent.sync()
    expect((await own())?.replacedKeys).toBeUndefined()
    expect(await state(second)).toBe('destroyed')
    expect(await state((await own())?.keyAgreement.keyId)).toBe('active')
  })
})

describe('a correspondent', () => {
  const known = async (person: Person) => {
    const [first] = await person.agent.correspondents()
    if (!first) throw new Error('there is nobody')
    return first
  }

  beforeEach(async () => {
    const { url } = await alice.agent.invitePlainly('https://wallet.test/', { alias: 'bob' })
    await bob.agent.acceptPlainly(url, { alias: 'alice' })
    await network.settle(bob, alice)
  })

  it('is read at the DID before, for a day', async () => {
    const before = (await known(alice)).own
    await alice.agent.rotateAll()
    await network.settle(alice, bob, alice)
    await late((await known(bob)).own, before, 'sent before')
    expect(await texts()).toEqual(['sent before'])
    network.advance(REPLACED_SECONDS + 60)
    await network.settle(alice)
    expect((await alice.agent.edge.records.all('own-did')).some(({ name }) => name === before)).toBe(false)
  })

  it('follows two rotations that were made while they were away', async () => {
    const { edge } = alice.agent
    const before = await known(alice)
    await rotateCorrespondent(edge, await rotateCorrespondent(edge, before))
    await bob.agent.sendText('alice', 'hello')
    await network.settle(alice, bob, alice)
    const after = await known(alice)
    expect((await known(bob)).peer).toBe(after.own)
    expect(after.rotation).toBeUndefined()
    expect(await texts()).toEqual(['hello'])
    expect(peerShortForm(after.own)).not.toBe(before.own)
  })
})
