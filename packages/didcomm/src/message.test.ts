/** Plaintext structure, attachments, forwards and DID rotation. */
import { FakeClock, type JsonObject, systemRandom, utf8, utf8Decode } from '@keystead/core'
import { beforeAll, describe, expect, test } from 'vitest'
import {
  type Attachment,
  attachmentBytes,
  createFromPrior,
  FORWARD_TYPE,
  isMediaType,
  type Message,
  messageId,
  PLAINTEXT_MEDIA_TYPE,
  pack,
  parseForward,
  parseMessage,
  unpack,
  verifyFromPrior,
  wrapForward,
} from './index.ts'
import { type Party, party, resolverOf } from './testing/parties.ts'

const random = systemRandom
const bare = { id: '1', type: 'https://example.com/x/1.0/y' }
const refused = (code: string) => expect.objectContaining({ code })

describe('plaintext', () => {
  test('unknown headers are carried, an absent body becomes empty', () => {
    expect(parseMessage({ ...bare, lang: 'de', 'x-any': [1] })).toEqual({ ...bare, lang: 'de', 'x-any': [1], body: {} })
  })

  test.each<[string, unknown]>([
    ['id', undefined],
    ['id', ''],
    ['id', 'x'.repeat(257)],
    ['type', 5],
    ['from', 'alice'],
    ['from', 'did:example:alice#key-1'],
    ['to', 'did:example:bob'],
    ['to', ['did:example:bob#key-1']],
    ['to', Array(101).fill('did:example:bob')],
    ['thid', 1],
    ['created_time', '2026-01-01'],
    ['expires_time', 1.5],
    ['expires_time', -1],
    ['body', 'text'],
    ['body', []],
    ['attachments', [{ id: 'a' }]],
    ['attachments', [{ data: {} }]],
    ['attachments', [{ data: { links: ['https://example.com'] } }]],
    ['attachments', [{ data: { links: [1], hash: 'x' } }]],
    ['from_prior', {}],
    ['please_ack', 'x'],
    ['return_route', 'some'],
  ])('%s as %j MUST be refused', (name, value) => {
    expect(() => parseMessage({ ...bare, [name]: value })).toThrow(refused('BAD_MESSAGE'))
  })

  test('media types have two spellings', () => {
    expect(isMediaType('didcomm-plain+json', PLAINTEXT_MEDIA_TYPE)).toBe(true)
    expect(isMediaType('Application/DIDComm-Plain+JSON', PLAINTEXT_MEDIA_TYPE)).toBe(true)
    expect(isMediaType('application/application/didcomm-plain+json', PLAINTEXT_MEDIA_TYPE)).toBe(false)
  })

  test('new ids are random UUIDs', () => {
    expect(messageId(random)).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    expect(messageId(random)).not.toBe(messageId(random))
  })

  test.each(['-_8', '-_8=', '+/8=', '+/8'])('base64 content %s of any habit is read', (base64) => {
    const read = () => attachmentBytes({ data: { base64 } } as Attachment)
    if (base64 === '+/8') expect(read).toThrow(refused('BAD_MESSAGE'))
    else expect(read()).toEqual(Uint8Array.of(0xfb, 0xff))
  })
})

describe('routing', () => {
  let bob: Party
  let mediator: Party
  let resolver: ReturnType<typeof resolverOf>
  beforeAll(async () => {
    bob = await party('bob')
    mediator = await party('mediator', ['p256'])
    resolver = resolverOf(bob.document, mediator.document)
  })

  const unwrap = async (bytes: Uint8Array) => (await unpack(bytes, { secrets: mediator.secrets, resolver })).message

  test('a forward carries an encrypted message as JSON, and it still opens', async () => {
    const packed = await pack({ ...bare, to: [bob.did], body: {} }, { to: bob.did, resolver, random })
    const options = { next: bob.did, mediator: mediator.did, resolver, random, expires: 2_000_000_000 }
    const forward = await unwrap(await wrapForward(packed, options))
    expect(forward).toMatchObject({ type: FORWARD_TYPE, to: [mediator.did], expires_time: 2_000_000_000 })
    expect(forward.attachments?.[0]?.data.json).toBeDefined()
    const { next, payload } = parseForward(forward)
    expect(next).toBe(bob.did)
    expect((await unpack(payload, { secrets: bob.secrets, resolver })).message.id).toBe('1')
  })

  test('anything else goes through byte for byte', async () => {
    for (const payload of [random(500), utf8('{"payload": 1.0 }')]) {
      const options = { next: bob.did, mediator: mediator.agreement.p256.kid, resolver, random }
      expect(parseForward(await unwrap(await wrapForward(payload, options))).payload).toEqual(payload)
    }
  })

  test.each<[string, JsonObject]>([
    ['of another type', { type: 'https://didcomm.org/routing/1.0/forward' }],
    ['without next', { body: {} }],
    ['without a message', { attachments: [] }],
    ['with two messages', { attachments: [{ data: { json: {} } }, { data: { json: {} } }] }],
    ['with a linked message', { attachments: [{ data: { links: ['https://example.com'], hash: 'x' } }] }],
  ])('a forward %s MUST be refused', (_, change) => {
    const forward = { ...bare, type: FORWARD_TYPE, body: { next: 'did:x:y' }, attachments: [{ data: { json: {} } }] }
    expect(utf8Decode(parseForward(forward as Message).payload)).toBe('{}')
    expect(() => parseForward({ ...forward, ...change } as Message)).toThrow(refused('BAD_MESSAGE'))
  })
})

describe('DID rotation', () => {
  let old: Party
  let alice: Party
  let bob: Party
  let resolver: ReturnType<typeof resolverOf>
  beforeAll(async () => {
    old = await party('old')
    alice = await party('alice')
    bob = await party('bob')
    resolver = resolverOf(old.document, alice.document, bob.document)
  })

  const send = async (from_prior: string, from: string | undefined = alice.did) => {
    const { to, ...rest } = { ...bare, to: [bob.did], body: {}, from_prior }
    const message = from === '' ? { ...rest, to } : { ...rest, to, from }
    const packed = await pack(message, { to: bob.did, resolver, random })
    return (await unpack(packed, { secrets: bob.secrets, resolver })).metadata.fromPrior
  }

  test.each(['ed25519', 'p256'] as const)('signed with %s it names the prior DID and the new one', async (suite) => {
    const clock = new FakeClock(1_800_000_000_999)
    const issuer = old.signing[suite]
    const jwt = await createFromPrior({ issuer, sub: alice.did, clock })
    expect(await send(jwt)).toEqual({ iss: old.did, sub: alice.did, iat: 1_800_000_000, kid: issuer.kid })
  })

  test('without sub and from it ends the relationship', async () => {
    const jwt = await createFromPrior({ issuer: old.signing.ed25519 })
    expect(await send(jwt, '')).toMatchObject({ iss: old.did })
    await expect(send(jwt)).rejects.toEqual(refused('BAD_FROM_PRIOR'))
  })

  test('to another DID than `from`, or to itself, MUST be refused', async () => {
    const toBob = await createFromPrior({ issuer: old.signing.ed25519, sub: bob.did })
    await expect(send(toBob)).rejects.toEqual(refused('BAD_FROM_PRIOR'))
    const toItself = await createFromPrior({ issuer: alice.signing.ed25519, sub: alice.did })
    await expect(send(toItself)).rejects.toEqual(refused('BAD_FROM_PRIOR'))
  })

  test('signed by a key the prior DID does not list MUST be refused', async () => {
    const issuer = { kid: old.signing.ed25519.kid, key: alice.signing.ed25519.key }
    await expect(send(await createFromPrior({ issuer, sub: alice.did }))).rejects.toEqual(refused('BAD_SIGNATURE'))
    const other = await createFromPrior({ issuer: bob.signing.ed25519, sub: alice.did })
    const [head] = other.split('.')
    const [, claims, signature] = (await createFromPrior({ issuer: old.signing.ed25519, sub: alice.did })).split('.')
    await expect(send([head, claims, signature].join('.'))).rejects.toEqual(refused('BAD_FROM_PRIOR'))
  })

  test('with any character changed MUST be refused', async () => {
    const jwt = await createFromPrior({ issuer: old.signing.p256, sub: alice.did })
    for (let i = 0; i < jwt.length; i++) {
      const mutated = `${jwt.slice(0, i)}${jwt[i] === 'A' ? 'B' : 'A'}${jwt.slice(i + 1)}`
      await expect(verifyFromPrior(mutated, resolver)).rejects.toMatchObject({
        code: expect.stringMatching(/^(BAD_FROM_PRIOR|BAD_SIGNATURE|UNSUPPORTED_ALGORITHM|DID_NOT_RESOLVED)$/),
      })
    }
    for (const text of ['', 'a.b', `${jwt}.`, 'x'.repeat(200_000)])
      await expect(verifyFromPrior(text, resolver)).rejects.toEqual(refused('BAD_FROM_PRIOR'))
  })
})
