/** An agency as its clients and strangers meet it: only what was granted, nothing lost, nothing taken from others. */
import { base64url, type JsonObject, systemRandom, utf8 } from '@keystead/core'
import { encodeMultikey, sha256 } from '@keystead/crypto'
import { attachmentBytes, pack, wrapForward } from '@keystead/didcomm'
import { type Batch, parseBatch, signEntry } from '@keystead/wallet'
import fc from 'fast-check'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { ask, open, packFor, post } from '../../agent/src/edge/agency-link.ts'
import { makeAccount, makePairwise, senderOf } from '../../agent/src/edge/own-dids.ts'
import { put } from '../../agent/src/edge/store.ts'
import { MAX_MAIL_BYTES } from '../../agent/src/limits.ts'
import * as devices from '../../agent/src/protocols/account-devices/messages.ts'
import { GRANT } from '../../agent/src/protocols/cloud-agent/messages.ts'
import { QUERIES } from '../../agent/src/protocols/discover-features/messages.ts'
import * as locator from '../../agent/src/protocols/locator/messages.ts'
import * as log from '../../agent/src/protocols/log/messages.ts'
import {
  MEDIATE_REQUEST,
  MEDIATE_REQUEST_V2,
  RECIPIENT_UPDATE,
  recipientTranscript,
} from '../../agent/src/protocols/mediation/messages.ts'
import * as pickup from '../../agent/src/protocols/pickup/messages.ts'
import { PUBLISH } from '../../agent/src/protocols/publish/messages.ts'
import { GUARD_SET, GUARD_STAY, readerName } from '../../agent/src/protocols/recovery-guard/messages.ts'
import { PROBLEM_REPORT, problemBody } from '../../agent/src/protocols/report-problem/messages.ts'
import { founding, TestDevice, testDevices } from '../../wallet/src/log/testing/device.ts'
import { AGENCY, Network } from './network.ts'
import type { Person } from './person.ts'

let network: Network
let client: Person
let agency: string

beforeAll(async () => {
  network = await Network.open()
  agency = network.agency.options.did
})
afterAll(() => network.close())
beforeEach(async () => {
  client = await network.newcomer(base64url.encode(systemRandom(6)))
})

/** An account with these services. */
async function account(...services: string[]): Promise<string> {
  const own = await makeAccount(client.agent.edge)
  await client.agent.edge.records.commit([put('own-did', own.did, own)])
  await ask(client.agent.edge, agency, own.did, { type: GRANT, body: { services } })
  return own.did
}

const asked = (from: string, type: string, body: JsonObject, attachment?: Uint8Array) =>
  ask(client.agent.edge, agency, from, { type, body, ...(attachment ? { attachment } : {}) })

const code = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => 'done',
    (error: { code?: string }) => error.code ?? error,
  )

async function forward(next: string, bytes: Uint8Array): Promise<void> {
  const { resolver, ports } = client.agent.edge
  const options = { next, mediator: agency, resolver, random: systemRandom, ephemerals: ports.keys }
  await post(client.agent.edge, AGENCY, await wrapForward(Uint8Array.from(bytes), options))
}

const id = (): string => base64url.encode(systemRandom(16))
const message = (text: string): Uint8Array => utf8(JSON.stringify({ ciphertext: text }))

describe('services', () => {
  it('MUST be refused to an account that did not grant them, and again after it withdrew them', async () => {
    const requests: [string, JsonObject, Uint8Array?][] = [
      [pickup.DELIVERY_REQUEST, { limit: 1 }],
      [pickup.STATUS_REQUEST, {}],
      [RECIPIENT_UPDATE, { updates: [{ recipient_did: 'did:peer:4abc', action: 'add' }] }],
      [log.LOG_READERS, { vault: id(), readers: [] }],
      [locator.LOCATOR_PUT, { account: base64url.encode(systemRandom(32)) }, new Uint8Array(8)],
      [PUBLISH, { name: id(), mediaType: 'application/vc' }, utf8('{}')],
    ]
    const none = await account()
    for (const [type, body, attachment] of requests)
      expect(await code(asked(none, type, body, attachment))).toBe('NOT_GRANTED')
    const all = await account('mailbox', 'backup', 'publish')
    for (const [type, body, attachment] of requests) expect(await code(asked(all, type, body, attachment))).toBe('done')
    await asked(all, GRANT, { services: [] })
    for (const [type, body, attachment] of requests)
      expect(await code(asked(all, type, body, attachment))).toBe('NOT_GRANTED')
  })

  it('unknown message types and malformed bodies get a problem report with a code', async () => {
    const own = await account('mailbox')
    expect(await code(asked(own, 'https://example.com/unknown/1.0/ask', {}))).toBe('UNKNOWN_MESSAGE_TYPE')
    expect(await code(asked(own, pickup.DELIVERY_REQUEST, { limit: 'many' }))).toMatch(/^BAD_/)
  })
})

describe('the mailbox', () => {
  it('keeps a message until it was acknowledged, and then no longer', async () => {
    const own = await account('mailbox')
    const did = `did:peer:4${id()}`
    await asked(own, RECIPIENT_UPDATE, { updates: [{ recipient_did: did, action: 'add' }] })
    await forward(did, message('one'))
    await forward(did, message('two'))
    const first = await asked(own, pickup.DELIVERY_REQUEST, { limit: 10 })
    const again = await asked(own, pickup.DELIVERY_REQUEST, { limit: 10 })
    const ids = (first.attachments ?? []).map((attachment) => String(attachment.id))
    expect(ids).toHaveLength(2)
    expect((again.attachments ?? []).map((attachment) => attachment.id)).toEqual(ids)
    await asked(own, pickup.MESSAGES_RECEIVED, { message_id_list: ids.slice(0, 1) })
    const left = await asked(own, pickup.DELIVERY_REQUEST, { limit: 10 })
    expect((left.attachments ?? []).map((attachment) => attachment.id)).toEqual(ids.slice(1))
  })

  it('AGENCY-8 refuses what does not fit, with its code, and others receive on', async () => {
    const [own, other] = [await account('mailbox'), await account('mailbox')]
    const [full, free] = [`did:peer:4${id()}`, `did:peer:4${id()}`]
    await asked(own, RECIPIENT_UPDATE, { updates: [{ recipient_did: full, action: 'add' }] })
    await asked(other, RECIPIENT_UPDATE, { updates: [{ recipient_did: free, action: 'add' }] })
    await network.agency.options.store.setRoom(own, { messages: 3, bytes: 1000 })
    for (let n = 0; n < 3; n++) await forward(full, message('x'))
    expect(await code(forward(full, message('one too many')))).toBe('MAILBOX_FULL')
    await forward(free, message('as ever'))
    const status = await asked(own, pickup.STATUS_REQUEST, {})
    expect(status.body).toMatchObject({ message_count: 3, kept_seconds: 30 * 86_400 })
    const { attachments = [] } = await asked(own, pickup.DELIVERY_REQUEST, { limit: 10 })
    await asked(own, pickup.MESSAGES_RECEIVED, { message_id_list: [String(attachments[0]?.id)] })
    await forward(full, message('room again'))
    expect((await asked(other, pickup.DELIVERY_REQUEST, { limit: 10 })).attachments).toHaveLength(1)
  })

  it('MUST NOT show or forget messages of another account', async () => {
    const [own, other] = [await account('mailbox'), await account('mailbox')]
    const did = `did:peer:4${id()}`
    await asked(own, RECIPIENT_UPDATE, { updates: [{ recipient_did: did, action: 'add' }] })
    const taken = await asked(other, RECIPIENT_UPDATE, { updates: [{ recipient_did: did, action: 'add' }] })
    expect(taken.body['updated']).toMatchObject([{ result: 'client_error' }])
    await forward(did, message('mine'))
    const mine = await asked(own, pickup.DELIVERY_REQUEST, { limit: 10 })
    const ids = (mine.attachments ?? []).map((attachment) => String(attachment.id))
    await asked(other, pickup.MESSAGES_RECEIVED, { message_id_list: ids })
    expect((await asked(other, pickup.DELIVERY_REQUEST, { limit: 10 })).type).toBe(pickup.STATUS)
    expect((await asked(own, pickup.DELIVERY_REQUEST, { limit: 10 })).attachments).toHaveLength(1)
  })

  it('a DID that everybody knows MUST NOT be taken without a proof by its key', async () => {
    const victim = await network.person('victim')
    const did = await victim.did()
    const thief = await account('mailbox')
    const claim = async (proof?: JsonObject) => {
      const updates = [{ recipient_did: did, action: 'add', ...(proof ? { proof } : {}) }]
      return (await asked(thief, RECIPIENT_UPDATE, { updates })).body['updated']
    }
    expect(await claim()).toMatchObject([{ result: 'client_error' }])
    const { fragment } = await victim.agent.publicIdentity()
    const signature = base64url.encode(systemRandom(64))
    expect(await claim({ kid: `${did}#${fragment}`, signature })).toMatchObject([{ result: 'client_error' }])
    expect(await network.agency.options.store.accountOf(did)).toBe((await victim.agent.profile()).agency?.account)
  })

  it('AGENCY-25: a registration that shows control goes before one that shows nothing, and no other before it', async () => {
    const [thief, owner, other] = [await account('mailbox'), await account('mailbox'), await account('mailbox')]
    const { edge } = client.agent
    const signing = await edge.ports.vault.createKey({ kind: 'signing', suite: 'ed25519' }, 'relationship')
    const own = await makePairwise(edge, { keyId: signing.keyId, publicKey: signing.key.publicKey }, agency)
    const register = async (from: string, by = from, to = own.did): Promise<unknown> => {
      const signed = recipientTranscript({ agency, account: by, recipient: to })
      const proof = {
        kid: `${own.did}#auth`,
        signature: base64url.encode(await signing.key.sign(signed)),
        long_form: own.longForm,
      }
      const updates = [{ recipient_did: to, action: 'add', ...(by === '' ? {} : { proof }) }]
      return (await asked(from, RECIPIENT_UPDATE, { updates })).body['updated']
    }
    const result = (word: string, did = own.did): unknown => [{ recipient_did: did, action: 'add', result: word }]
    expect(await register(thief, '')).toEqual(result('success'))
    // Somebody else's signature, or one for another DID, shows nothing.
    expect(await register(other, owner)).toEqual(result('client_error'))
    expect(await register(other, other, 'did:peer:4zQmOther')).toEqual(result('client_error', 'did:peer:4zQmOther'))
    // A key of the thief's own, shown by a document of their own, under the name of another.
    const forging = await edge.ports.vault.createKey({ kind: 'signing', suite: 'ed25519' }, 'relationship')
    const forged = await makePairwise(edge, { keyId: forging.keyId, publicKey: forging.key.publicKey }, agency)
    const signature = base64url.encode(
      await forging.key.sign(recipientTranscript({ agency, account: other, recipient: own.did })),
    )
    for (const proof of [
      { kid: `${own.did}#auth`, signature, long_form: forged.longForm },
      { kid: `${forged.did}#auth`, signature, long_form: forged.longForm },
      { kid: `${forged.did}#auth`, signature, long_form: own.longForm },
    ]) {
      const updates = [{ recipient_did: own.did, action: 'add', proof }]
      expect((await asked(other, RECIPIENT_UPDATE, { updates })).body['updated']).toEqual(result('client_error'))
    }
    expect(await register(owner)).toEqual(result('success'))
    expect(await register(owner)).toEqual(result('no_change'))
    expect(await register(thief, '')).toEqual(result('client_error'))
    expect(await register(other)).toEqual(result('client_error'))
    await forward(own.did, message('for the owner'))
    expect((await asked(owner, pickup.DELIVERY_REQUEST, { limit: 10 })).attachments).toHaveLength(1)
  })

  it('refuses what is too large, and mail for nobody, with their codes', async () => {
    expect(await code(forward(`did:peer:4${id()}`, message('nobody')))).toBe('UNKNOWN_RECIPIENT')
    const own = await account('mailbox')
    const did = `did:peer:4${id()}`
    await asked(own, RECIPIENT_UPDATE, { updates: [{ recipient_did: did, action: 'add' }] })
    expect(await code(forward(did, message('x'.repeat(MAX_MAIL_BYTES))))).toBe('MESSAGE_TOO_LARGE')
    expect(await code(post(client.agent.edge, AGENCY, new Uint8Array(2 * 1024 * 1024)))).toBe('MESSAGE_TOO_LARGE')
  })

  it('is picked up by message-pickup 4.0 too, kept until acknowledged, and empty deliveries say so', async () => {
    const own = await account('mailbox')
    const recipient = `did:peer:4${id()}`
    await asked(own, RECIPIENT_UPDATE, { updates: [{ recipient_did: recipient, action: 'add' }] })
    const empty = await asked(own, pickup.DELIVERY_REQUEST_V4, { message_count_limit: 5 })
    expect(empty).toMatchObject({ type: pickup.DELIVERY_V4 })
    expect(empty.attachments ?? []).toEqual([])
    await forward(recipient, message('for 4.0'))
    for (let turn = 0; turn < 2; turn++) {
      const delivery = await asked(own, pickup.DELIVERY_REQUEST_V4, { message_count_limit: 5 })
      expect(delivery.type).toBe(pickup.DELIVERY_V4)
      expect(delivery.attachments).toHaveLength(1)
    }
    const status = await asked(own, pickup.STATUS_REQUEST_V4, {})
    expect(status.body).toMatchObject({ message_count: 1, oldest_received_time: network.clock.now() })
    expect(status.body).not.toHaveProperty('longest_waited_seconds')
    const [{ id: held } = { id: '' }] = (await asked(own, pickup.DELIVERY_REQUEST_V4, { message_count_limit: 1 }))
      .attachments as readonly { id: string }[]
    await asked(own, pickup.MESSAGES_RECEIVED_V4, { message_id_list: [held] })
    expect((await asked(own, pickup.STATUS_REQUEST_V4, {})).body).toMatchObject({ message_count: 0 })
  })

  it('tells which protocols the agency speaks', async () => {
    const own = await account()
    const queries = [{ 'feature-type': 'protocol', match: 'https://didcomm.org/*pickup/*' }]
    const { body } = await asked(own, QUERIES, { queries })
    expect((body['disclosures'] as { id: string }[]).map((one) => one.id)).toEqual([
      'https://didcomm.org/message-pickup/4.0',
      'https://didcomm.org/messagepickup/3.0',
    ])
  })
})

describe('devices', () => {
  const answer = async (from: string, type: string, body: JsonObject) => (await asked(from, type, body)).body

  it('AGENCY-20 MUST NOT join an account that did not invite it, nor be joined to one against its will', async () => {
    const [alice, phone, mallory] = [await account('mailbox'), await account('mailbox'), await account('mailbox')]
    expect(await code(asked(mallory, devices.DEVICE_JOIN, { account: alice }))).toBe('DEVICE_REFUSED')
    await asked(mallory, devices.DEVICE_ADD, { device: phone, admin: false })
    await asked(phone, RECIPIENT_UPDATE, { updates: [{ recipient_did: `did:peer:4zQm${id()}`, action: 'add' }] })
    expect(await answer(phone, devices.DEVICE_LIST, {})).toMatchObject({ devices: [{ device: phone, admin: true }] })
  })

  it('AGENCY-20 MUST NOT shut out, cut off or empty the mailbox of a device that is not its account’s', async () => {
    const [alice, mallory] = [await account('mailbox'), await account('mailbox')]
    const recipient = `did:peer:4zQm${id()}`
    await asked(alice, RECIPIENT_UPDATE, { updates: [{ recipient_did: recipient, action: 'add' }] })
    await forward(recipient, message('for alice'))
    const session = { push: () => {} }
    await network.agency.live.begin(alice, session, pickup.DELIVERY)
    await asked(mallory, devices.DEVICE_REMOVE, { device: alice })
    await asked(mallory, devices.DEVICE_ADD, { device: alice, admin: false })
    await asked(mallory, devices.DEVICE_REMOVE, { device: alice })
    expect(network.agency.live.isOnFor(alice)).toBe(true)
    network.agency.live.end(session)
    expect(await answer(alice, pickup.STATUS_REQUEST, {})).toMatchObject({ message_count: 1 })
    expect(await answer(alice, devices.DEVICE_LIST, {})).toMatchObject({ devices: [{ device: alice, admin: true }] })
  })

  it('AGENCY-20: speaks for the account, but adds, removes and grants nothing unless it may', async () => {
    const [alice, phone, other] = [await account('mailbox'), await account(), await account()]
    await asked(alice, devices.DEVICE_ADD, { device: phone, admin: false })
    await asked(phone, devices.DEVICE_JOIN, { account: alice })
    const recipient = `did:peer:4zQm${id()}`
    await asked(phone, RECIPIENT_UPDATE, { updates: [{ recipient_did: recipient, action: 'add' }] })
    await forward(recipient, message('to both'))
    for (const device of [alice, phone])
      expect(await answer(device, pickup.STATUS_REQUEST, {})).toMatchObject({ message_count: 1 })
    await forward(phone, message('to the phone alone'))
    expect(await answer(phone, pickup.STATUS_REQUEST, {})).toMatchObject({ message_count: 2 })
    expect(await answer(alice, pickup.STATUS_REQUEST, {})).toMatchObject({ message_count: 1 })
    for (const [type, body] of [
      [devices.DEVICE_ADD, { device: other, admin: true }],
      [devices.DEVICE_REMOVE, { device: alice }],
      [GRANT, { services: [] }],
    ] as const)
      expect(await code(asked(phone, type, body))).toBe('NOT_GRANTED')
  })

  it('AGENCY-20: asks for mediation without granting it, unless it may', async () => {
    const [alice, phone] = [await account('mailbox'), await account()]
    await asked(alice, devices.DEVICE_ADD, { device: phone, admin: false })
    await asked(phone, devices.DEVICE_JOIN, { account: alice })
    for (const type of [MEDIATE_REQUEST, MEDIATE_REQUEST_V2]) {
      expect(await code(asked(phone, type, {}))).toBe('done')
      await asked(alice, GRANT, { services: [] })
      expect(await code(asked(phone, type, {}))).toBe('NOT_GRANTED')
      expect(await network.agency.options.store.grants(alice)).toEqual([])
      expect(await code(asked(alice, type, {}))).toBe('done')
      expect(await network.agency.options.store.grants(alice)).toEqual(['mailbox'])
    }
  })

  it('AGENCY-20: once removed MUST NOT be served, whatever it asks', async () => {
    const [alice, phone] = [await account('mailbox'), await account()]
    await asked(alice, devices.DEVICE_ADD, { device: phone, admin: true })
    await asked(phone, devices.DEVICE_JOIN, { account: alice })
    const session = { push: () => {} }
    await network.agency.live.begin(phone, session, pickup.DELIVERY)
    await asked(alice, devices.DEVICE_REMOVE, { device: phone })
    expect(network.agency.live.isOnFor(phone)).toBe(false)
    for (const [type, body] of [
      [pickup.DELIVERY_REQUEST, { limit: 10 }],
      [GRANT, { services: ['mailbox'] }],
      [devices.DEVICE_JOIN, { account: alice }],
      [devices.DEVICE_REMOVE, { device: alice }],
    ] as const)
      expect(await code(asked(phone, type, body))).toBe('DEVICE_REMOVED')
    expect(await code(forward(phone, message('too late')))).toBe('UNKNOWN_RECIPIENT')
  })

  it('AGENCY-21: who asks for a number that is taken is told what stands there', async () => {
    const [alice, phone] = [await account('mailbox'), await account()]
    await asked(alice, devices.DEVICE_ADD, { device: phone, admin: false })
    await asked(phone, devices.DEVICE_JOIN, { account: alice })
    const swap = async (from: string, text: string) => {
      const held = await asked(from, devices.SLOT_SWAP, { slot: 'abc', after: 0, seq: 1 }, utf8(text))
      return [held.body['seq'], attachmentBytes(held.attachments?.[0] as never)]
    }
    expect(await swap(phone, 'phone')).toEqual([1, utf8('phone')])
    expect(await swap(alice, 'alice')).toEqual([1, utf8('phone')])
    expect(await code(asked(alice, devices.SLOT_SWAP, { slot: 'abc', after: 1, seq: 2 }, new Uint8Array(40_000)))).toBe(
      'MESSAGE_TOO_LARGE',
    )
  })
})

describe('backups', () => {
  const save = (from: string, vault: string, device: TestDevice, batches: readonly Batch[]) =>
    ask(client.agent.edge, agency, from, {
      type: log.LOG_PUT,
      body: { vault, log: device.log, key: encodeMultikey(device.signer.publicKey) },
      attachments: batches.map(({ bytes }) => bytes),
    })
  const written = async (device: TestDevice, text: string): Promise<Batch> => {
    device.write(text, { text })
    return device.seal()
  }

  it('extend their own chain only, signed by its device; the same put again is no conflict', async () => {
    const [own, other] = [await account('backup'), await account('backup')]
    const [device, twin] = (await testDevices(2)) as [TestDevice, TestDevice]
    const vault = id()
    const [zero, one, two] = [await written(device, 'a'), await written(device, 'b'), await written(device, 'c')]
    expect(await code(save(own, vault, device, [one]))).toBe('BACKUP_CONFLICT')
    const held = log.parseHeld((await save(own, vault, device, [zero, one])).body)
    expect(held.heads).toEqual([{ chain: device.chain, seq: 1, hash: one.hash }])
    await save(own, vault, device, [zero, one])
    const fork = new TestDevice(device.log, device.dataKey, device.signer, device.kem)
    Object.assign(fork, { chain: device.chain })
    expect(await code(save(own, vault, device, [await written(fork, 'x')]))).toBe('BACKUP_CONFLICT')
    expect(await code(save(other, vault, device, [two]))).toBe('BACKUP_NOT_YOURS')
    const everything = { vault, from: [], entries: 0 }
    expect(await code(asked(other, log.LOG_FETCH, everything))).toBe('BACKUP_NOT_YOURS')
    expect((await asked(own, log.LOG_FETCH, everything)).attachments).toHaveLength(2)
    // Somebody else's signature under this chain, and another key for it.
    const forged = new TestDevice(device.log, device.dataKey, twin.signer, twin.kem)
    Object.assign(forged, { chain: device.chain })
    await written(forged, 'x')
    await written(forged, 'x')
    const third = await written(forged, 'x')
    expect(await code(save(own, vault, device, [third]))).toBe('BACKUP_CONFLICT')
    expect(await code(save(own, vault, twin, [third]))).toBe('BACKUP_NOT_YOURS')
    const changed = parseBatch(Uint8Array.from(two.bytes, (byte, at) => (at === 100 ? byte ^ 1 : byte)))
    expect(await code(save(own, vault, device, [changed]))).toBe('BACKUP_CONFLICT')
    await save(own, vault, device, [two])
  })

  it('a snapshot may jump ahead, and nothing else may', async () => {
    const own = await account('backup')
    const [device] = (await testDevices(1)) as [TestDevice]
    const vault = id()
    await save(own, vault, device, [await written(device, 'a')])
    await written(device, 'lost')
    expect(await code(save(own, vault, device, [await written(device, 'b')]))).toBe('BACKUP_CONFLICT')
    await save(own, vault, device, [await device.seal('snapshot', [...device.state.values()])])
  })

  it('authority changes by compare and swap: of two that would follow, the first there', async () => {
    const own = await account('backup')
    const [phone, laptop] = (await testDevices(2)) as [TestDevice, TestDevice]
    Object.assign(laptop, { log: phone.log })
    const vault = id()
    const entry = (bytes: Uint8Array) =>
      ask(client.agent.edge, agency, own, { type: log.LOG_PUT_ENTRY, body: { vault }, attachment: bytes })
    const first = await founding([phone, laptop])
    const next = (signer: typeof phone.signer) =>
      signEntry({ ...first, seq: 1, prev: first.hash, also: [], threshold: 1 }, [signer])
    const [one, other] = [await next(phone.signer), await next(laptop.signer)]
    await entry(first.bytes)
    const results = await Promise.all([code(entry(one.bytes)), code(entry(other.bytes))])
    expect(results.sort()).toEqual(['BACKUP_CONFLICT', 'done'])
    await entry(first.bytes)
  })

  it('a change of authority that nobody was entitled to MUST NOT take the place of the next', async () => {
    const own = await account('backup')
    const [phone, laptop, thief] = (await testDevices(3)) as [TestDevice, TestDevice, TestDevice]
    const vault = id()
    const entry = (bytes: Uint8Array) =>
      ask(client.agent.edge, agency, own, { type: log.LOG_PUT_ENTRY, body: { vault }, attachment: bytes })
    const devices = [phone.listed, { ...laptop.listed, limited: true as const }]
    const first = await founding([phone], { devices })
    await entry(first.bytes)
    for (const { signer } of [laptop, thief]) {
      const next = await signEntry({ ...first, seq: 1, prev: first.hash, also: [] }, [signer])
      expect(await code(entry(next.bytes))).toBe('BACKUP_NOT_YOURS')
    }
    await entry((await signEntry({ ...first, seq: 1, prev: first.hash, also: [] }, [phone.signer])).bytes)
  })

  it('are read by a reader key alone, with a nonce that is good once; no reader is ever taken away', async () => {
    const own = await account('backup')
    const [device] = (await testDevices(1)) as [TestDevice]
    const vault = id()
    await save(own, vault, device, [await written(device, 'a')])
    const key = await network.keys.ephemeral({ kind: 'signing', suite: 'ed25519' })
    const stranger = await network.keys.ephemeral({ kind: 'signing', suite: 'ed25519' })
    const reader = encodeMultikey(key.publicKey)
    await asked(own, log.LOG_READERS, { vault, readers: [reader] })
    await asked(own, log.LOG_READERS, { vault, readers: [] })
    const anyone = await account()
    const nonceOf = async () => String((await asked(anyone, log.LOG_CHALLENGE_REQUEST, { vault })).body['nonce'])
    const read = async (nonce: string, by = key, named = reader, of = vault) => {
      const signature = base64url.encode(await by.sign(log.readTranscript(agency, vault, nonce)))
      const wanted = log.wantedJson({ from: [], entries: 0 })
      return asked(anyone, log.LOG_READ, { vault: of, ...wanted, reader: named, nonce, signature })
    }
    const nonce = await nonceOf()
    expect((await read(nonce)).attachments).toHaveLength(1)
    expect(await code(read(nonce))).toBe('READ_REFUSED')
    expect(await code(read(await nonceOf(), stranger))).toBe('READ_REFUSED')
    expect(await code(read(await nonceOf(), stranger, encodeMultikey(stranger.publicKey)))).toBe('READ_REFUSED')
    expect(await code(read(await nonceOf(), key, reader, id()))).toBe('READ_REFUSED')
    const late = await nonceOf()
    network.advance(600)
    expect(await code(read(late))).toBe('READ_REFUSED')
    // RECOVERY-25: nor while a veto stands.
    const token = systemRandom(32)
    const guard = { seconds: 60, veto: base64url.encode(sha256(token)), objections: Array(16).fill('A'.repeat(43)) }
    const subject = `reader|${readerName(reader)}`
    await asked(own, GUARD_SET, { subject, ...guard })
    await asked(anyone, GUARD_STAY, { subject, token: base64url.encode(token) })
    expect(await code(read(await nonceOf()))).toBe('RELEASE_STAYED')
    network.advance(61)
    expect((await read(await nonceOf())).attachments).toHaveLength(1)
  })

  it('what is trimmed is for recoveries alone, then goes; a log goes half a year after its last visitor', async () => {
    const { store } = network.agency.options
    const own = await account('backup')
    const [device] = (await testDevices(1)) as [TestDevice]
    const vault = id()
    await save(own, vault, device, [await written(device, 'a'), await written(device, 'b'), await written(device, 'c')])
    await asked(own, log.LOG_TRIM, { vault, chain: device.chain, before: 1000 })
    const wanted = { from: [], entries: 0 }
    const shown = async (trimmed: boolean) => (await store.log(vault, wanted, { maxBytes: 1e6, trimmed })).shown.length
    // The head stays whatever is asked for.
    expect([await shown(false), await shown(true)]).toEqual([1, 3])
    const now = client.agent.edge.ports.clock.now()
    await store.expireLogs({ trimmedBefore: now, touchedBefore: now })
    expect(await shown(true)).toBe(3)
    await store.expireLogs({ trimmedBefore: now + 1, touchedBefore: now })
    expect(await shown(true)).toBe(1)
    await store.expireLogs({ trimmedBefore: 0, touchedBefore: now + 1 })
    expect(await shown(true)).toBe(0)
  })

  it('a locator record is replaced by the account that put it, and by no other', async () => {
    const [own, other] = [await account('backup'), await account('backup')]
    const name = base64url.encode(systemRandom(32))
    await asked(own, locator.LOCATOR_PUT, { account: name }, utf8('first'))
    await asked(own, locator.LOCATOR_PUT, { account: name }, utf8('second'))
    expect(await code(asked(other, locator.LOCATOR_PUT, { account: name }, utf8('third')))).toBe('LOCATOR_NOT_YOURS')
    expect(await code(asked(other, locator.LOCATOR_GET, { account: base64url.encode(systemRandom(32)) }))).toBe(
      'UNKNOWN_LOCATOR',
    )
  })

  it('AGENCY-23: a guard is set by whoever owns what it guards, and by nobody before them', async () => {
    const [own, other] = [await account('backup'), await account('backup')]
    const name = base64url.encode(systemRandom(32))
    await asked(own, locator.LOCATOR_PUT, { account: name }, utf8('record'))
    const token = base64url.encode(systemRandom(32))
    const set = (from: string, subject: string) =>
      code(asked(from, GUARD_SET, { subject, seconds: 60, veto: token, objections: Array(16).fill(token) }))
    for (const subject of [`locator|${name}`, `escrow|${name}`, `reader|${name}`])
      expect(await set(other, subject)).toBe('GUARD_REFUSED')
    expect(await code(asked(other, GUARD_STAY, { subject: `locator|${name}`, token }))).toBe('STAY_REFUSED')
    expect(await set(own, `locator|${name}`)).toBe('done')
  })

  it('a published file is replaced by the account that published it, and by no other', async () => {
    const [own, other] = [await account('publish'), await account('publish')]
    const name = id()
    const { body } = await asked(own, PUBLISH, { name, mediaType: 'application/vc' }, utf8('{"a":1}'))
    expect(await code(asked(other, PUBLISH, { name, mediaType: 'application/vc' }, utf8('{}')))).toBe('FILE_NOT_YOURS')
    const shown = await network.wires.fetch(String(body['url']))
    expect(new TextDecoder().decode(await shown.arrayBuffer())).toBe('{"a":1}')
  })
})

describe('AGENCY-7: an agency refuses in its own words only as far as they are known', () => {
  const overHttp = (problem: object): Promise<unknown> => {
    const fetch = async () => Response.json(problem, { status: 400 })
    return post({ ports: { fetch } } as never, AGENCY, new Uint8Array(1)).catch((error: unknown) => error)
  }
  const inReport = async (code: string, text: string): Promise<unknown> => {
    const own = await account()
    const { resolver, ports } = client.agent.edge
    const report = { id: id(), type: PROBLEM_REPORT, from: agency, to: [own], body: problemBody(code, text) }
    const from = network.agency.options.key
    const packed = await pack(report, { to: own, from, resolver, random: systemRandom, ephemerals: ports.keys })
    return open(client.agent.edge, packed, agency).catch((error: unknown) => error)
  }

  it('what is not from the agency that was asked is no answer of it, whoever proves to have sent it', async () => {
    const [own, other] = [await account(), await account()]
    const { resolver, ports } = client.agent.edge
    const common = { resolver, random: systemRandom, ephemerals: ports.keys }
    const body = { message_count: 0 }
    const packed = async (from: string, by: Parameters<typeof pack>[1]) =>
      open(client.agent.edge, await pack({ id: id(), type: pickup.STATUS, from, to: [own], body }, by), agency)
    const { key } = network.agency.options
    expect(await packed(agency, { to: own, from: key, ...common })).toMatchObject({ type: pickup.STATUS })
    const theirs = await senderOf(client.agent.edge, other)
    expect(await code(packed(other, { to: own, from: theirs, ...common }))).toBe('AGENCY_REFUSED')
    expect(await code(packed(agency, { to: own, ...common }))).toMatch(/^[A-Z_]+$/)
  })

  it.each(['NOT_GRANTED', 'MAILBOX_FULL', 'TOO_MANY_REQUESTS', 'BAD_FIELD'])('%s is', async (code) => {
    for (const refused of [await overHttp({ code, detail: 'no' }), await inReport(code, 'no')])
      expect(refused).toMatchObject({ code, message: 'no' })
  })

  it.each([
    'WALLET_LOCKED',
    'DISK_FULL',
    'HEADS_TAMPERED',
    'LEDGER_UNREACHABLE',
    'AGENCY_UNREACHABLE',
    'SOMETHING_NEW',
  ])('%s is not', async (code) => {
    for (const refused of [await overHttp({ code, detail: 'no' }), await inReport(code, 'no')])
      expect(refused).toMatchObject({ code: 'AGENCY_REFUSED', message: 'no' })
  })

  it('a text that a terminal would obey, or that is longer than a sentence, is not passed on', async () => {
    for (const text of ['\u001b[2J all is well', 'two\nlines', 'x'.repeat(301), '\u202eabc'])
      for (const refused of [
        await overHttp({ code: 'NOT_GRANTED', detail: text }),
        await inReport('NOT_GRANTED', text),
      ])
        expect(refused).toMatchObject({ code: 'NOT_GRANTED', message: 'the agency refused' })
    expect(await overHttp({ error: 'teapot' })).toMatchObject({ message: 'the agency refused with status 400' })
  })
})

describe('whatever is sent', () => {
  const status = async (bytes: Uint8Array): Promise<number> => {
    const headers = { 'content-type': 'application/didcomm-encrypted+json' }
    const init = { method: 'POST', headers, body: Uint8Array.from(bytes) }
    return (await network.wires.fetch(`${AGENCY}/`, init)).status
  }

  it('any changed byte of a message is refused or says the same, and nothing crashes', async () => {
    const own = await account('mailbox')
    const packed = await packFor(client.agent.edge, agency, own, { type: pickup.STATUS_REQUEST, body: {} })
    await fc.assert(
      fc.asyncProperty(fc.nat(packed.length - 1), fc.integer({ min: 1, max: 255 }), async (at, by) => {
        const changed = Uint8Array.from(packed)
        changed[at] = (changed[at] ?? 0) ^ by
        expect([200, 400]).toContain(await status(changed))
      }),
      { numRuns: 200 },
    )
  })

  it('noise is refused with 400, and nothing crashes', () =>
    fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 2000 }), async (bytes) => {
        expect(await status(bytes)).toBe(400)
      }),
      { numRuns: 200 },
    ))

  it('strange bodies of every known type get a code, and nothing crashes', async () => {
    const own = await account('mailbox', 'backup', 'publish')
    const types = [
      pickup.DELIVERY_REQUEST,
      pickup.MESSAGES_RECEIVED,
      pickup.STATUS_REQUEST,
      pickup.LIVE_DELIVERY_CHANGE,
      RECIPIENT_UPDATE,
      log.LOG_PUT,
      log.LOG_PUT_ENTRY,
      log.LOG_READERS,
      log.LOG_TRIM,
      log.LOG_FETCH,
      log.LOG_READ,
      log.LOG_CHALLENGE_REQUEST,
      locator.LOCATOR_PUT,
      locator.LOCATOR_GET,
      PUBLISH,
      GRANT,
      devices.DEVICE_ADD,
      devices.DEVICE_JOIN,
      devices.DEVICE_REMOVE,
      devices.SLOT_SWAP,
    ]
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...types),
        fc.dictionary(fc.string({ maxLength: 12 }), fc.jsonValue({ maxDepth: 2 })),
        async (type, body) => {
          const answer = await code(asked(own, type, JSON.parse(JSON.stringify(body)) as JsonObject))
          expect(String(answer)).toMatch(/^(done|[A-Z_]{3,40})$/)
          expect(answer).not.toBe('INTERNAL_ERROR')
          expect(answer).not.toBe('AGENCY_UNREACHABLE')
        },
      ),
      { numRuns: 150 },
    )
  })
})
