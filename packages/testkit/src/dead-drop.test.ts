/** Two parties find each other again after both moved, or after one lost everything (row V18); and who would use that. */
import type { CloudAgent } from '@keystead/agent/cloud'
import { base64url } from '@keystead/core'
import { encodeMultikey, sha256 } from '@keystead/crypto'
import type { Kit } from '@keystead/recovery'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { askAsNobody } from '../../agent/src/edge/agency-link.ts'
import {
  DROP_BOX_BYTES,
  dropAddress,
  dropKeys,
  dropSecret,
  sealDrop,
} from '../../agent/src/protocols/dead-drop/drop.ts'
import { DROP_PUT, putTranscript } from '../../agent/src/protocols/dead-drop/messages.ts'
import { Network } from './network.ts'
import type { Person } from './person.ts'

const DELAY = 600
let network: Network
let alice: Person
let bob: Person
let north: CloudAgent
let south: CloudAgent

beforeEach(async () => {
  network = await Network.open()
  north = await network.addAgency('north')
  south = await network.addAgency('south')
  alice = await network.person('alice')
  bob = await network.person('bob')
  await network.connect(alice, bob)
  await network.settle(alice, bob)
})

afterEach(() => network.close())

const code = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => 'done',
    (error: { code?: string }) => error.code ?? error,
  )
const at = (agency: CloudAgent) => ({ did: agency.options.did, url: agency.options.url })
const drops = async (agency: CloudAgent) => {
  const found: { address: string; box: Uint8Array }[] = []
  for (const person of [alice, bob]) {
    const drop = (await person.agent.edge.records.all('drop'))[0]?.value
    const relationship = (await person.agent.contacts())[0]
    if (!drop || !relationship) continue
    const secret = dropSecret(
      base64url.decode(drop.half),
      base64url.decode(drop.theirs ?? ''),
      relationship.mine.state.rel,
    )
    const { seed } = dropKeys(secret, agency.options.did, drop.half)
    const key = await network.keys.fromSecret({ kind: 'signing', suite: 'ed25519' }, seed)
    const address = dropAddress({ suite: 'ed25519', bytes: key.publicKey.bytes })
    const kept = await agency.options.store.drop(address, Math.floor(network.clock.now() / 1000))
    if (kept) found.push({ address, box: kept.box })
  }
  return found
}

/** Moves to other agencies; the one before passes nothing on, and then forgets them, with the mail that waits there. */
async function moveAway(...moves: readonly (readonly [Person, CloudAgent])[]): Promise<void> {
  await network.agency.options.forwarding?.stop()
  for (const [person, agency] of moves) await person.agent.moveTo(at(agency))
  for (const [person] of moves) {
    const { former } = await person.agent.profile()
    expect(former?.step).toBe('forwards')
    await network.agency.options.store.forget(former?.account ?? '')
  }
}

async function talk(): Promise<void> {
  await alice.agent.sendText('bob', 'are you there?')
  await network.settle(alice, bob)
  expect((await bob.agent.texts('alice')).map(({ text }) => text)).toContain('are you there?')
  await bob.agent.sendText('alice', 'here I am')
  await network.settle(alice, bob)
  expect((await alice.agent.texts('bob')).map(({ text }) => text)).toContain('here I am')
}

/** Both move at once: neither hears of the other's move, for nobody is where the message goes. */
async function bothMove(): Promise<void> {
  await moveAway([alice, north], [bob, south])
}

describe('two who both moved', () => {
  it('find each other again by what they left each other, with what waited (row V18)', async () => {
    await bothMove()
    await alice.agent.sendText('bob', 'sent into the void')
    expect((await alice.agent.sync()).waiting).toBeGreaterThan(0)
    network.advance(700)
    await network.settle(alice, bob)
    network.advance(700)
    await network.settle(alice, bob)
    expect(alice.heard('found-again', /bob/) || bob.heard('found-again', /alice/)).toBe(true)
    expect((await bob.agent.texts('alice')).map(({ text }) => text)).toContain('sent into the void')
    await talk()
    for (const [one, other] of [
      [alice, bob],
      [bob, alice],
    ] as const)
      expect((await one.agent.contact(other.name)).peer?.state.now.did).toBe(
        (await other.agent.contact(one.name)).mine.state.now.did,
      )
  })

  it('use no drop while messages find their way', async () => {
    await alice.agent.rotateAll()
    await network.settle(alice, bob)
    await alice.agent.moveTo(at(north))
    await network.settle(alice, bob)
    await talk()
    expect(await drops(network.agency)).toEqual([])
    expect(alice.heard('found-again') || bob.heard('found-again')).toBe(false)
    // Where the drops are from now on was told on the way.
    expect((await bob.agent.edge.records.all('drop'))[0]?.value.peers[0]).toBe(north.options.did)
  })

  it('a rotation that nobody answers to for a day is left too, though its message was brought', async () => {
    await alice.agent.rotateAll()
    await alice.agent.sync()
    expect(await drops(network.agency)).toEqual([])
    network.advance(90_000)
    await alice.agent.sync()
    expect(await drops(network.agency)).toHaveLength(1)
    await network.settle(alice, bob)
    await talk()
  })
})

describe('one who lost everything, and the other moved meanwhile', () => {
  it('the halves come back with the records, and lead to the other (row V18)', async () => {
    const carol = await network.person('carol')
    const dave = await network.person('dave')
    for (const contact of [carol, dave]) await network.connect(alice, contact)
    const kit: Kit = await alice.agent.recovery.setUp({ contacts: ['carol', 'dave'], threshold: 2, delay: DELAY })
    await network.settle(alice, carol, dave)
    for (const contact of [carol, dave]) await contact.agent.approve()
    await network.settle(alice, bob, carol, dave)
    // Alice’s device is gone; Bob moves, his old agency forgets him, and nobody acknowledges his rotation.
    await moveAway([bob, south])
    await bob.agent.sync()
    network.advance(90_000)
    await bob.agent.sync()
    const device = await network.newDevice(kit)
    for (const contact of [carol, dave]) await network.help(device, contact)
    await device.agent.recovery.finish()
    await network.settle(device, bob, carol, dave)
    expect(device.heard('found-again', /bob/)).toBe(true)
    network.advance(DELAY + 60)
    for (let i = 0; i < 3; i++) await network.settle(device, bob, carol, dave)
    alice = device
    await talk()
  })
})

describe('who would use a drop', () => {
  it('an agency finds nothing in it that two drops, two agencies or a wire have in common (DROP-2, DROP-3)', async () => {
    await bothMove()
    network.advance(700)
    await network.settle(alice, bob)
    const all = [...(await drops(network.agency)), ...(await drops(north)), ...(await drops(south))]
    expect(all.length).toBeGreaterThan(1)
    expect(new Set(all.map(({ address }) => address)).size).toBe(all.length)
    expect(new Set(all.map(({ box }) => box.length)).size).toBe(1)
    for (const { box } of all) expect(Buffer.from(box).toString('latin1')).not.toMatch(/did:peer|entries/)
  })

  it('a stranger fills no drop, an older box displaces none, and nobody shuts it with a number out of reach (DROP-4)', async () => {
    const { edge } = alice.agent
    const agency = network.agency.options.did
    const make = async (seedByte: number, change: object = {}, seq = Math.floor(network.clock.now() / 1000)) => {
      const seed = new Uint8Array(32).fill(seedByte)
      const key = await network.keys.fromSecret({ kind: 'signing', suite: 'ed25519' }, seed)
      const publicKey = { suite: 'ed25519', bytes: key.publicKey.bytes } as const
      const place = { address: dropAddress(publicKey), seq }
      const box = sealDrop(new Uint8Array(32), place, [{ seq: 1 }], edge.ports.random)
      const hash = base64url.encode(sha256(box))
      const signature = base64url.encode(await key.sign(putTranscript({ agency, ...place, hash })))
      const body = { ...place, key: encodeMultikey(publicKey), signature, ...change }
      return { type: DROP_PUT, body, attachment: box, address: place.address }
    }
    const sent = async (...parts: Parameters<typeof make>) => code(askAsNobody(edge, agency, await make(...parts)))
    expect(await sent(5)).toBe('done')
    const { address } = await make(5)
    const other = await make(6)
    expect(await sent(6, { address })).toBe('DROP_REFUSED')
    expect(await code(askAsNobody(edge, agency, { ...other, attachment: other.attachment.subarray(1) }))).toBe(
      'DROP_REFUSED',
    )
    expect(await sent(5)).toBe('DROP_REFUSED')
    expect(await sent(5, {}, Math.floor(network.clock.now() / 1000) - 10)).toBe('DROP_REFUSED')
    expect(await sent(5, {}, Math.floor(network.clock.now() / 1000) + 100_000)).toBe('DROP_REFUSED')
    network.advance(1)
    expect(await sent(5)).toBe('done')
    network.advance(181 * 86_400)
    expect(await network.agency.options.store.drop(address, Math.floor(network.clock.now() / 1000))).toBeUndefined()
  })

  it('a key fills its own drop, of this agency, with the box it signed, which has the one size; each alone is refused (DROP-4)', async () => {
    const { edge } = alice.agent
    const agency = network.agency.options.did
    const seq = Math.floor(network.clock.now() / 1000)
    const keyOf = (byte: number) =>
      network.keys.fromSecret({ kind: 'signing', suite: 'ed25519' }, new Uint8Array(32).fill(byte))
    const addressOf = async (byte: number) =>
      dropAddress({ suite: 'ed25519', bytes: (await keyOf(byte)).publicKey.bytes as Uint8Array<ArrayBuffer> })
    const put = async ({ address = '', signedFor = agency, length = DROP_BOX_BYTES, sent = 0 } = {}) => {
      const key = await keyOf(7)
      const [box, other] = [new Uint8Array(length), new Uint8Array(length).fill(sent)]
      const place = { address: address || (await addressOf(7)), seq }
      const hash = base64url.encode(sha256(box))
      const signature = base64url.encode(await key.sign(putTranscript({ agency: signedFor, ...place, hash })))
      const body = { ...place, key: encodeMultikey(key.publicKey), signature }
      return code(askAsNobody(edge, agency, { type: DROP_PUT, body, attachment: other }))
    }
    expect(await put({ address: await addressOf(8) })).toBe('DROP_REFUSED')
    expect(await put({ signedFor: north.options.did })).toBe('DROP_REFUSED')
    expect(await put({ sent: 1 })).toBe('DROP_REFUSED')
    for (const length of [DROP_BOX_BYTES - 1, DROP_BOX_BYTES + 1]) expect(await put({ length })).toBe('DROP_REFUSED')
    expect(await put()).toBe('done')
  })

  it('who has the secret, and not the keys, makes nobody follow (DROP-6)', async () => {
    await bothMove()
    network.advance(700)
    await bob.agent.sync()
    // The thief has Bob’s records, halves among them, and leaves entries of their own making in his name.
    const thief = await network.person('thief')
    await network.connect(thief, await network.person('somebody'))
    const forged = (await thief.agent.contacts())[0]?.mine.entries ?? []
    const drop = (await bob.agent.edge.records.all('drop'))[0]?.value
    const { mine } = await bob.agent.contact('alice')
    const secret = dropSecret(base64url.decode(drop?.half ?? ''), base64url.decode(drop?.theirs ?? ''), mine.state.rel)
    for (const agency of [network.agency.options.did, north.options.did, south.options.did]) {
      const { seed, box: boxKey } = dropKeys(secret, agency, drop?.half ?? '')
      const key = await network.keys.fromSecret({ kind: 'signing', suite: 'ed25519' }, seed)
      const publicKey = { suite: 'ed25519', bytes: key.publicKey.bytes } as const
      const place = { address: dropAddress(publicKey), seq: Math.floor(network.clock.now() / 1000) + 5 }
      const box = sealDrop(boxKey, place, forged as never, thief.agent.edge.ports.random)
      const hash = base64url.encode(sha256(box))
      const signature = base64url.encode(await key.sign(putTranscript({ agency, ...place, hash })))
      const body = { ...place, key: encodeMultikey(publicKey), signature }
      await askAsNobody(thief.agent.edge, agency, { type: DROP_PUT, body, attachment: box })
    }
    const before = (await alice.agent.contact('bob')).peer?.state
    await alice.agent.sendText('bob', 'hello?')
    network.advance(700)
    await alice.agent.sync()
    expect((await alice.agent.contact('bob')).peer?.state).toEqual(before)
    expect(alice.heard('found-again')).toBe(false)
    expect(alice.heard('drop-refused')).toBe(true)
    expect(await thief.agent.sync()).toMatchObject({ handled: 0 })
  })
})
