/** Contacts on plain terms: DIDComm as everybody speaks it, without a relationship log. */
import { base64url } from '@keystead/core'
import { type DidResolver, unresolved } from '@keystead/did'
import { createFromPrior, pack, wrapForward } from '@keystead/didcomm'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { post } from '../../agent/src/edge/agency-link.ts'
import { queue } from '../../agent/src/edge/context.ts'
import { heardFrom } from '../../agent/src/edge/correspondents.ts'
import { emptyMailbox, handleDelivery } from '../../agent/src/edge/inbox.ts'
import { X25519 } from '../../agent/src/edge/key-types.ts'
import { senderOf, signerOf } from '../../agent/src/edge/own-dids.ts'
import type { Correspondent, Outgoing, OwnDid } from '../../agent/src/edge/records.ts'
import { BASIC_MESSAGE } from '../../agent/src/protocols/basic-message/messages.ts'
import { QUERIES } from '../../agent/src/protocols/discover-features/messages.ts'
import { EMPTY } from '../../agent/src/protocols/empty/messages.ts'
import { DELIVERY } from '../../agent/src/protocols/pickup/messages.ts'
import { PING } from '../../agent/src/protocols/trust-ping/messages.ts'
import { AGENCY, Network } from './network.ts'
import type { Person } from './person.ts'

const PAGE = 'https://wallet.test/'

let network: Network
let alice: Person
let bob: Person

beforeAll(async () => {
  network = await Network.open()
})
afterAll(() => network.close())

beforeEach(async () => {
  alice = await network.person('Alice')
  bob = await network.person('Bob')
  const { url } = await alice.agent.invitePlainly(PAGE, { alias: 'bob' })
  await bob.agent.acceptPlainly(url, { alias: 'alice' })
  await network.settle(alice, bob)
})

async function correspondent({ agent }: Person): Promise<Correspondent> {
  const [found] = await agent.correspondents()
  if (!found) throw new Error('nobody')
  return found
}

/** A message from Bob to Alice as it leaves him, whatever it is. */
async function send(message: Partial<Outgoing> & Pick<Outgoing, 'type'>): Promise<void> {
  const { own: from, peer: to = '' } = await correspondent(bob)
  const { edge } = bob.agent
  await edge.records.commit([queue(edge, { from, to, body: {}, ...message })])
  await network.settle(bob, alice)
}

const heardOf = (person: Person, kind: string): string[] =>
  person.events.filter((event) => event.kind === kind).map(({ text }) => text)

describe('a correspondence', () => {
  it('begins with an invitation and the first message that names it', async () => {
    expect((await correspondent(alice)).status).toBe('connected')
    expect((await correspondent(bob)).status).toBe('connected')
    expect(heardOf(alice, 'connected')).toEqual(['connected with bob'])
  })

  it('MUST NOT begin with a message that names another invitation, nor after the time', async () => {
    const carol = await network.person('Carol')
    const { url } = await alice.agent.invitePlainly(PAGE, { seconds: 60 })
    const { url: other } = await alice.agent.invitePlainly(PAGE)
    const asked = await carol.agent.acceptPlainly(url)
    const invited = (await alice.agent.correspondents()).filter(({ status }) => status === 'invited')
    network.advance(120)
    await network.settle(carol, alice)
    expect(heardOf(alice, 'message-refused').join()).toContain('expired')
    const { edge } = carol.agent
    const strange = { from: asked.own, type: PING, body: {} }
    for (const { own, invitation } of invited.filter(({ invitation }) => invitation.url === other))
      await edge.records.commit([queue(edge, { ...strange, to: own, pthid: `${invitation.id}x` })])
    await network.settle(carol, alice)
    expect(heardOf(alice, 'message-refused').join()).toContain('does not answer the invitation')
  })

  it('carries text both ways, and keeps it', async () => {
    await alice.agent.sendText('bob', 'how are you?')
    await network.settle(alice, bob)
    await bob.agent.sendText('alice', 'fine')
    await network.settle(bob, alice)
    const said = ({ from, text }: { from: string; text: string }) => `${from}: ${text}`
    expect((await alice.agent.texts('bob')).map(said)).toEqual(['me: how are you?', 'them: fine'])
    expect((await bob.agent.texts()).map(said)).toEqual(['them: how are you?', 'me: fine'])
  })

  it('AGENT-6: a message whose acceptance was not heard is sent again, and shown once', async () => {
    await bob.agent.sendText('alice', 'only once')
    const before = (await alice.agent.texts()).length
    network.wires.tamper(({ url }) => {
      if (url.startsWith(AGENCY)) throw new TypeError('fetch failed')
      return undefined
    })
    await bob.agent.sendText('alice', 'and this')
    await bob.agent.sync()
    network.wires.tamper(undefined)
    await network.settle(bob, alice)
    expect((await alice.agent.texts()).slice(before).map(({ text }) => text)).toEqual(['only once', 'and this'])
  })

  it('goes on under new DIDs after either rotated, and both did', async () => {
    const before = await correspondent(alice)
    await alice.agent.rotateAll()
    await network.settle(alice, bob, alice)
    const after = await correspondent(alice)
    expect(after.own).not.toBe(before.own)
    expect(after.rotation).toBeUndefined()
    expect((await correspondent(bob)).peer).toBe(after.own)
    await bob.agent.rotateAll()
    await bob.agent.sendText('alice', 'new keys')
    await network.settle(bob, alice)
    expect((await alice.agent.texts('bob')).at(-1)?.text).toBe('new keys')
  })

  it('MUST NOT take a message from the DID before after a rotation, nor an old rotation again', async () => {
    const { edge } = bob.agent
    const { resolver, ports } = edge
    const common = { resolver, random: ports.random, ephemerals: ports.keys }
    const { own: first, peer = '' } = await correspondent(bob)
    network.advance(10)
    await bob.agent.rotateAll()
    const { own: second, rotation } = await correspondent(bob)
    // As new as the last rotation will be, so no replay by its time, and still not of the DID that the correspondence has.
    const clock = { now: () => network.clock.now() + 10_000 }
    const jwt = await createFromPrior({ issuer: await signerOf(edge, first), sub: second, clock })
    await network.settle(bob, alice, bob)
    network.advance(10)
    await bob.agent.rotateAll()
    await network.settle(bob, alice, bob)
    const { own: third } = await correspondent(bob)

    // The wallet itself sends nothing with them any more; whoever stole them would.
    const stolenKey = async (did: string) => {
      const { fragment = '', keyId = '' } = (await edge.records.get('own-did', did))?.keyAgreement ?? {}
      return { kid: `${did}#${fragment}`, key: await ports.vault.key(keyId, X25519, 'process') }
    }
    const message = (from: string) => ({ type: BASIC_MESSAGE, from, to: [peer], body: { content: 'still me' } })
    const replayed = { id: 'replayed', ...message(second), from_prior: rotation?.jwt ?? '' }
    const madeAnew = { id: 'anew', ...message(second), from_prior: jwt }
    const late = [
      await pack(madeAnew, { to: peer, from: await stolenKey(second), ...common }),
      await pack({ id: 'late', ...message(first) }, { to: peer, from: await stolenKey(first), ...common }),
      await pack(replayed, { to: peer, from: await stolenKey(second), ...common }),
    ]
    for (const bytes of late) {
      const forward = { next: peer, mediator: network.agency.options.did, ...common }
      await post(edge, AGENCY, await wrapForward(bytes, forward))
      await network.settle(alice)
      expect(heardOf(alice, 'message-refused').at(-1)).toContain('not the contact’s current DID')
    }
    expect(heardOf(alice, 'message-refused')).toHaveLength(3)
    expect((await correspondent(alice)).peer).toBe(third)
    expect(await alice.agent.texts('bob')).toEqual([])
  })

  it('MUST NOT take an old rotation again from a DID that came back: the key it led to may be stolen since', async () => {
    const { edge } = alice.agent
    const before = await correspondent(alice)
    const { peer: iss = '' } = before
    const own = (await edge.records.get('own-did', before.own)) as OwnDid
    const [now, sub] = [Math.floor(network.clock.now() / 1000), 'did:web:first.example']
    const message = { id: 'm', type: PING, from: sub, to: [before.own], body: {} }
    const rotatedSince = { ...before, rotated: now }
    const heard = (iat: number) => heardFrom(edge, rotatedSince, message, own, { iss, sub, iat, kid: '' })
    await expect(heard(now - 1)).rejects.toThrow(/not the contact’s current DID/)
    expect((await heard(now)).after).toMatchObject({ peer: sub, rotated: now })
  })

  it('MUST NOT wait for the host of a stranger, or a few such messages would hide all others', async () => {
    const { edge } = alice.agent
    const { own: to } = await correspondent(alice)
    const sender = 'did:web:away.example'
    const away: DidResolver = {
      resolve: async (did, options) =>
        did === sender ? unresolved('INTERNAL_ERROR', 'the host is away') : edge.resolver.resolve(did, options),
    }
    const key = await edge.ports.keys.ephemeral({ kind: 'agreement', suite: 'x25519' })
    const { random, keys } = edge.ports
    const packed = await pack(
      { id: 'stranger', type: PING, from: sender, to: [to], body: {} },
      { to, from: { kid: `${sender}#k`, key }, resolver: away, random, ephemerals: keys },
    )
    const attachments = [{ id: '1', data: { base64: base64url.encode(packed) } }]
    const delivery = { id: 'd', type: DELIVERY, body: {}, attachments }
    expect(await handleDelivery({ ...edge, resolver: away }, delivery)).toEqual(['1'])
    expect(heardOf(alice, 'message-refused').join()).toContain('the host is away')
  })

  it('a request for an acknowledgement is honoured by a message of its own', async () => {
    const { edge } = bob.agent
    const { own: from, peer: to = '' } = await correspondent(bob)
    const common = { resolver: edge.resolver, random: edge.ports.random, ephemerals: edge.ports.keys }
    const message = { id: 'm1', type: BASIC_MESSAGE, from, to: [to], please_ack: [''], body: { content: 'read?' } }
    const packed = await pack(message, { to, from: await senderOf(edge, from), ...common })
    const forward = { next: to, mediator: network.agency.options.did, ...common }
    await post(edge, AGENCY, await wrapForward(packed, forward))
    await alice.agent.edge.alone(() => emptyMailbox(alice.agent.edge))
    const waiting = (await alice.agent.edge.records.all('outbox')).map(({ value }) => value)
    expect(waiting).toMatchObject([{ message: { type: EMPTY, thid: 'm1', ack: ['m1'], body: {} } }])
  })
})

describe('the standard protocols', () => {
  it('a ping is answered unless it asks for no answer', async () => {
    await send({ type: PING, body: { response_requested: true } })
    await network.settle(alice, bob)
    expect(heardOf(bob, 'ping-answered').at(-1)).toBe('alice is there')
    const answers = heardOf(bob, 'ping-answered').length
    await send({ type: PING, body: { response_requested: false } })
    await network.settle(alice, bob)
    expect(heardOf(bob, 'ping-answered')).toHaveLength(answers)
  })

  it('discloses the protocols asked for, by prefix or in full, and ignores other features', async () => {
    const asked = async (...queries: object[]) => {
      await send({ type: QUERIES, body: { queries: queries as never } })
      await network.settle(alice, bob)
      return bob.events.filter(({ kind }) => kind === 'features').at(-1)?.data?.['protocols']
    }
    const protocol = (match: string) => ({ 'feature-type': 'protocol', match })
    expect(await asked(protocol('https://didcomm.org/trust-ping/2.*'))).toEqual(['https://didcomm.org/trust-ping/2.0'])
    expect(await asked(protocol('https://didcomm.org/trust-ping/3.0'))).toEqual([])
    expect(await asked(protocol('*/relationship/*'), protocol('*basic*'))).toEqual([
      'https://didcomm.org/basicmessage/2.0',
      'https://keystead.dev/relationship/1.0',
    ])
    expect(await asked({ 'feature-type': 'goal-code', match: '*' })).toEqual([])
  })

  it('a type nobody knows here is reported to its sender, a report never', async () => {
    await send({ type: 'https://example.org/chess/1.0/move' })
    await network.settle(alice, bob)
    expect(heardOf(bob, 'problem').at(-1)).toContain('e.m.msg.unsupported')
    const before = heardOf(bob, 'problem').length
    await send({ type: 'https://example.org/chess/1.0/problem-report' })
    await network.settle(alice, bob)
    expect(heardOf(bob, 'problem')).toHaveLength(before)
  })

  it('what belongs to relationships MUST NOT be taken from a correspondent', async () => {
    await send({ type: 'https://keystead.dev/relationship/1.0/entry', body: { entries: [{}] } })
    expect(heardOf(alice, 'message-refused').at(-1)).toContain('not known here')
  })
})
