/** Keys proven by machines, people sure of each other, and everybody who would deceive them (`spec/key-verify.md`). */

import { checkForkEvidence } from '@keystead/agent/edge'
import type { JsonObject } from '@keystead/core'
import { operationAfter, signOperation } from '@keystead/did-dkms'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { toPeer } from '../../agent/src/edge/context.ts'
import { rotateIdentity } from '../../agent/src/edge/identity-operations.ts'
import { submissionOf } from '../../agent/src/edge/key-set.ts'
import { answerChallenge } from '../../agent/src/edge/key-verify.ts'
import { rotateRelationship } from '../../agent/src/edge/own-log.ts'
import { KEY_CHALLENGE } from '../../agent/src/protocols/key-verify/messages.ts'
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

const json = (value: object): JsonObject => JSON.parse(JSON.stringify(value))
const ask = async (seconds = 60) => json(await bob.agent.challengeOf('alice', seconds))
const judged = async (answer: object) => bob.agent.judgeAnswer('alice', json(answer))
const seenByBob = () => bob.agent.contact('alice')

/** Both wallets bring and fetch until nothing moves, whatever else is under way. */
const settle = () => network.settle(alice, bob)

describe('KEYVERIFY-7: keys are challenged without a person', () => {
  it('after connecting, each side proves both of its DIDs to the other', async () => {
    expect((await seenByBob()).verified?.kids).toHaveLength(2)
    expect((await alice.agent.contact('bob')).verified?.kids).toHaveLength(2)
  })

  it('after a rotation, the new ones', async () => {
    const before = (await seenByBob()).verified
    await alice.agent.rotateAll()
    await settle()
    const after = (await seenByBob()).verified
    expect(after?.kids).toHaveLength(2)
    expect(after?.kids).not.toEqual(before?.kids)
    expect(bob.heard('peer-rotated')).toBe(true)
  })

  it('again when the answer came late, a few times and not for ever', async () => {
    await alice.agent.rotateAll()
    for (let i = 0; i < 8; i++) {
      await bob.agent.sync()
      network.advance(61)
      await alice.agent.sync()
    }
    const challenges = await bob.vault.list('challenge')
    expect(challenges.length).toBeGreaterThan(2)
    const tries = challenges.map(({ value }) => Number(value['tries'] ?? 0))
    expect(Math.max(...tries)).toBe(3)
  })
})

describe('an answer', () => {
  it('for another audience is not given, nor taken', async () => {
    const carol = await network.person('carol')
    await network.connect(alice, carol)
    const forCarol = json(await carol.agent.challengeOf('alice'))
    const answer = await alice.agent.answerTo(forCarol, 'carol')
    expect(await judged(answer)).toMatchObject({ reason: 'unknown-challenge' })
    const mine = await ask()
    expect(await judged({ ...answer, nonce: mine['nonce'] })).toMatchObject({ reason: 'wrong-audience' })
  })

  it('by a key of the public DID that was rotated out is revoked, whatever a cache would say', async () => {
    const did = await alice.did()
    await bob.agent.edge.resolver.resolve(did)
    const answer = await alice.agent.answerTo(await ask(), 'bob')
    await rotateIdentity(alice.agent.edge, did)
    const verdict = await judged(answer)
    expect(verdict).toMatchObject({ result: 'failed', reason: 'revoked' })
    expect(verdict.keys).toContainEqual(expect.objectContaining({ result: 'revoked' }))
  })

  it('by a pairwise key that was rotated out is revoked', async () => {
    const old = await alice.agent.answerTo(await ask(), 'bob')
    await alice.agent.rotateAll()
    await settle()
    const { head } = (await alice.agent.contact('bob')).mine.state.now
    expect(await judged({ ...old, head })).toMatchObject({ reason: 'revoked' })
  })

  it('by today’s keys for a head of yesterday: the wallet was turned back, and nothing is said to it', async () => {
    const before = await alice.agent.contact('bob')
    await alice.agent.rotateAll()
    await settle()
    const contact = await alice.agent.contact('bob')
    const { state } = contact.mine
    const turnedBack = { ...state, now: { ...state.now, head: before.mine.state.now.head } }
    const challenge = await bob.agent.challengeOf('alice')
    const mine = { ...contact.mine, state: turnedBack }
    expect(await judged(await answerChallenge(alice.agent.edge, { ...contact, mine }, challenge))).toMatchObject({
      reason: 'rolled-back',
    })
    expect((await seenByBob()).blocked?.why).toBe('rolled-back')
    await expect(bob.agent.sendText('alice', 'hello')).rejects.toMatchObject({ code: 'CONTACT_BLOCKED' })
  })

  it('to a challenge that a rotation overtakes counts, in whichever order they arrive', async () => {
    // The challenge first, then the rotation: the new keys answer.
    const early = await ask()
    await alice.agent.rotateAll()
    await settle()
    expect(await judged(await alice.agent.answerTo(early, 'bob'))).toMatchObject({ result: 'proven' })
    // The answer first, then the rotation. By message it also comes first, for order is kept.
    const answer = await alice.agent.answerTo(await ask(), 'bob')
    await alice.agent.rotateAll()
    await settle()
    // By hand it may come after: then it speaks of a state that is past, and is not taken for a lie.
    expect(await judged(answer)).toMatchObject({ reason: 'stale-state' })
    expect((await seenByBob()).blocked).toBeUndefined()
    expect((await seenByBob()).verified?.kids).toHaveLength(2)
  })

  it.each([600, -600])('of somebody whose clock is %i s wrong counts: the verifier’s alone judges', async (skew) => {
    alice.skew = skew
    const before = (await seenByBob()).verified?.at
    network.advance(5)
    const verified = bob.agent.verify('alice', { seconds: 60 })
    let done = false
    const verdict = verified.finally(() => {
      done = true
    })
    while (!done) {
      await alice.agent.sync()
      await new Promise((resolve) => setTimeout(resolve, 1))
    }
    expect(await verdict).toMatchObject({ result: 'proven' })
    expect((await seenByBob()).verified?.at).toBeGreaterThan(before ?? 0)
  })
})

/** An agency that stands between two people: it answers each with keys of its own. */
async function middle(): Promise<{ mallory: Person; carol: Person }> {
  const [mallory, carol] = [await network.person('mallory'), await network.person('carol')]
  await mallory.agent.setLabel('alice')
  const { url } = await mallory.agent.invite('https://wallet.test/', { alias: 'carol' })
  await carol.agent.accept(url)
  await network.settle(mallory, carol)
  await mallory.agent.setLabel('carol')
  const { url: other } = await alice.agent.invite('https://wallet.test/', { tell: await alice.did() })
  await mallory.agent.accept(other, { alias: 'alice' })
  await network.settle(alice, mallory)
  return { mallory, carol }
}

describe('an agency in the middle, with its own keys', () => {
  it('cannot pass a challenge on: the real one does not answer for another audience', async () => {
    const { mallory, carol } = await middle()
    const body = json(await carol.agent.challengeOf('alice'))
    const { edge } = mallory.agent
    await edge.records.commit([toPeer(edge, await mallory.agent.contact('alice'), { type: KEY_CHALLENGE, body })])
    await network.settle(mallory, alice)
    expect(alice.heard('message-refused', /made for somebody else/)).toBe(true)
    // Nor would what the real one signs be worth anything to Carol, who has other keys for her.
    const relayed = await alice.agent.answerTo(body, 'carol')
    expect(await carol.agent.judgeAnswer('alice', json(relayed))).toMatchObject({ reason: 'stale-state' })
  })

  it('cannot prove a public DID that is not its own: the ledger names other keys', async () => {
    const { mallory, carol } = await middle()
    const contact = await carol.agent.contact('alice')
    const did = await alice.did()
    await carol.agent.edge.records.commit([
      {
        category: 'relationship',
        name: contact.id,
        value: { ...contact, peer: { ...contact.peer, publicDid: did } as never },
      },
    ])
    const challenge = json(await carol.agent.challengeOf('alice'))
    const answer = await mallory.agent.answerTo(challenge, 'carol')
    expect(await carol.agent.judgeAnswer('alice', json(answer))).toMatchObject({ reason: 'no-proof' })
  })

  it('KEYVERIFY-8: is found out by people: the two see other codes', async () => {
    const { mallory, carol } = await middle()
    await alice.agent.meet('carol')
    await carol.agent.meet('alice')
    await mallory.agent.sync()
    for (const name of ['alice', 'carol']) await mallory.agent.meet(name).catch(() => {})
    await network.settle(alice, mallory, carol)
    await network.settle(alice, mallory, carol)
    const [one, other] = [await alice.agent.meeting('carol'), await carol.agent.meeting('alice')]
    expect([one?.state, other?.state]).toEqual(['ready', 'ready'])
    expect(await carol.agent.typeCode('alice', one?.read ?? '')).toBe(false)
    expect((await carol.agent.contact('alice')).person).toBeUndefined()
    expect(carol.heard('meeting-failed', /stand between you/)).toBe(true)
    // One try: the right digits come too late.
    await expect(carol.agent.typeCode('alice', '000000')).rejects.toMatchObject({ code: 'NOT_ALLOWED_NOW' })
  })

  it('KEYVERIFY-10: and by a scan', async () => {
    const { carol } = await middle()
    const shown = await alice.agent.showCode('carol')
    await expect(carol.agent.scanCode('alice', shown)).rejects.toMatchObject({ code: 'CODE_MISMATCH' })
  })
})

/** Both type what the other reads. */
async function inPerson(): Promise<void> {
  await alice.agent.meet('bob')
  await bob.agent.sync()
  await bob.agent.meet('alice')
  await settle()
  const [a, b] = [await alice.agent.meeting('bob'), await bob.agent.meeting('alice')]
  expect(await alice.agent.typeCode('bob', b?.read ?? '')).toBe(true)
  expect(await bob.agent.typeCode('alice', a?.read ?? '')).toBe(true)
  await settle()
}

describe('KEYVERIFY-8: people', () => {
  it('read half a code each, and both are sure; rotations keep it', async () => {
    await inPerson()
    expect((await seenByBob()).person?.how).toBe('code')
    await alice.agent.rotateAll()
    await settle()
    expect((await seenByBob()).person?.how).toBe('code')
    expect((await alice.agent.contact('bob')).person?.how).toBe('code')
  })

  it('who begin at the same moment meet all the same', async () => {
    await Promise.all([alice.agent.meet('bob'), bob.agent.meet('alice')])
    await settle()
    const [a, b] = [await alice.agent.meeting('bob'), await bob.agent.meeting('alice')]
    expect([a?.state, b?.state]).toEqual(['ready', 'ready'])
    expect(await alice.agent.typeCode('bob', b?.read ?? '')).toBe(true)
    expect(await bob.agent.typeCode('alice', a?.read ?? '')).toBe(true)
  })

  it('KEYVERIFY-10: one scan is enough, and proves it both ways', async () => {
    const shown = await alice.agent.showCode('bob')
    await bob.agent.scanCode('alice', shown)
    await settle()
    expect((await seenByBob()).person?.how).toBe('qr')
    expect((await alice.agent.contact('bob')).person?.how).toBe('qr')
  })

  it('one of whom finds another code leaves neither sure', async () => {
    await alice.agent.meet('bob')
    await bob.agent.sync()
    await bob.agent.meet('alice')
    await settle()
    const a = await alice.agent.meeting('bob')
    expect(await bob.agent.typeCode('alice', a?.read ?? '')).toBe(true)
    expect(await alice.agent.typeCode('bob', '123456')).toBe(false)
    await settle()
    expect((await seenByBob()).person).toBeUndefined()
    expect(bob.heard('meeting-failed')).toBe(true)
  })

  it('KEYVERIFY-9: a changed commitment ends it', async () => {
    await alice.agent.meet('bob')
    await bob.agent.sync()
    await bob.agent.meet('alice')
    const { id } = await seenByBob()
    const meeting = await bob.agent.edge.records.get('meeting', id)
    await bob.agent.edge.records.commit([
      { category: 'meeting', name: id, value: { ...meeting, commitment: 'A'.repeat(43) } as never },
    ])
    await settle()
    expect((await bob.agent.meeting('alice'))?.state).toBe('failed')
    expect(bob.heard('meeting-failed', /committed to/)).toBe(true)
    expect((await alice.agent.meeting('bob'))?.state).toBe('failed')
  })

  it('KEYVERIFY-9: nobody gets another try while a code may be known, nor after the time is over', async () => {
    await alice.agent.meet('bob')
    await bob.agent.sync()
    await bob.agent.meet('alice')
    await settle()
    const { id } = await alice.agent.contact('bob')
    const ready = await bob.agent.meeting('alice')
    // Whoever holds Alice's side begins anew without her person.
    await alice.agent.edge.records.commit([{ category: 'meeting', name: id }])
    await alice.agent.meet('bob')
    await settle()
    expect(await bob.agent.meeting('alice')).toEqual(ready)
    network.advance(601)
    expect((await bob.agent.meeting('alice'))?.state).toBe('failed')
    await expect(bob.agent.typeCode('alice', '000000')).rejects.toMatchObject({ code: 'NOT_ALLOWED_NOW' })
  })
})

describe('KEYVERIFY-13: an entry that no device of ours made', () => {
  it('on the ledger is told within a minute, shown, and gone after our next rotation', async () => {
    const thief = await alice.stolen('thief')
    const { edge } = thief.agent
    const { did, seq, head, auth } = await thief.agent.publicIdentity()
    const keys = await edge.records.get('identity-keys', did)
    const notAfter = Math.floor(network.clock.now() / 1000) + 600
    const operation = operationAfter({ did, seq, head, auth } as never, edge.ports.ledger.net, notAfter, {
      type: 'anchor',
      root: head,
    })
    const key = await thief.vault.key(keys?.authority ?? '', { kind: 'signing', suite: 'ed25519' })
    await edge.ports.ledger.submit(submissionOf(await signOperation(operation, [key])))
    network.advance(30)
    await alice.agent.sync()
    expect(alice.heard('strange-entry', /operation 1/)).toBe(true)
    expect((await alice.agent.publicIdentity()).strange?.seq).toBe(1)
    await alice.agent.rotateAll()
    await settle()
    expect((await alice.agent.publicIdentity()).strange).toBeUndefined()
    expect(alice.events.filter(({ kind }) => kind === 'strange-entry')).toHaveLength(1)
    await thief.close()
  })

  it('in a relationship is told by the peer; our own rotation freezes the log, and the thief with it', async () => {
    const thief = await alice.stolen('thief')
    await rotateRelationship(thief.agent.edge, await thief.agent.contact('bob'))
    await thief.agent.sync()
    await bob.agent.sync()
    expect((await seenByBob()).peer?.state.now.seq).toBe(1)
    await alice.agent.sync()
    expect(alice.heard('strange-entry', /bob has taken a change of your keys/)).toBe(true)
    expect((await alice.agent.contact('bob')).strange?.entry).toBeDefined()
    await alice.agent.rotateAll()
    await settle()
    const seen = await seenByBob()
    expect(seen.peer?.state.status).toBe('frozen')
    const [evidence] = await bob.agent.evidence()
    expect(evidence).toMatchObject({ kind: 'relationship-fork', contact: 'alice', rel: seen.mine.state.rel })
    expect(checkForkEvidence(JSON.parse(JSON.stringify(evidence)))).toBe(true)
    const { entries } = evidence as JsonObject
    const [one] = entries as [JsonObject]
    expect(checkForkEvidence({ ...evidence, entries: [one, one] })).toBe(false)
    expect(bob.heard('frozen')).toBe(true)
    await expect(bob.agent.sendText('alice', 'who are you?')).rejects.toMatchObject({ code: 'CONTACT_BLOCKED' })
    await thief.agent.sendText('bob', 'it is me, alice').catch(() => {})
    await thief.agent.sync()
    await bob.agent.sync()
    expect(await bob.agent.texts()).toEqual([])
    await thief.close()
  })

  it('our own rotations are no alarm', async () => {
    for (let i = 0; i < 3; i++) {
      await alice.agent.rotateAll()
      if (i !== 1) await settle()
    }
    await settle()
    network.advance(30)
    await settle()
    expect(alice.heard('strange-entry')).toBe(false)
    expect(bob.heard('strange-entry')).toBe(false)
  })
})
