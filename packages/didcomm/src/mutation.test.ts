/** An envelope with any one character changed never opens, and whatever comes in, only errors of our codes come out. */
import { isKeysteadError, systemRandom, utf8, utf8Decode } from '@keystead/core'
import * as fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import type { DidcommErrorCode } from './errors.ts'
import { type Message, pack, packSigned, parseMessage, peekRecipients, unpack } from './index.ts'
import { type Party, party, resolverOf } from './testing/parties.ts'

const random = systemRandom
/** Every code, by the compiler's word. */
const CODES: Readonly<Record<DidcommErrorCode, true>> = {
  BAD_MESSAGE: true,
  MESSAGE_TOO_LARGE: true,
  UNSUPPORTED_ALGORITHM: true,
  NO_RECIPIENT_KEY: true,
  NO_COMPATIBLE_KEY: true,
  DECRYPTION_FAILED: true,
  SENDER_MISMATCH: true,
  RECIPIENT_MISMATCH: true,
  BAD_SIGNATURE: true,
  BAD_FROM_PRIOR: true,
  DID_NOT_RESOLVED: true,
}

let bob: Party
let resolver: ReturnType<typeof resolverOf>
const envelopes: Record<string, Uint8Array> = {}
const FORMS = ['anoncrypt', 'authcrypt', 'anonymous', 'signed', 'signed and encrypted']

beforeAll(async () => {
  const alice = await party('alice')
  bob = await party('bob')
  resolver = resolverOf(alice.document, bob.document)
  const message: Message = { id: '1', type: 'https://example.com/x', from: alice.did, to: [bob.did], body: { a: 1 } }
  // One recipient: the wrapped keys of others are not ours to check, and no format of JWE lets us.
  const options = { to: bob.agreement.p256.kid, resolver, random }
  const from = alice.agreement.p256
  envelopes['anoncrypt'] = await pack(message, { ...options, enc: 'A256GCM' })
  envelopes['authcrypt'] = await pack(message, { ...options, from })
  envelopes['anonymous'] = await pack(message, { ...options, from, anonymous: true })
  envelopes['signed'] = await packSigned(message, alice.signing.ed25519)
  envelopes['signed and encrypted'] = await pack(message, { ...options, sign: alice.signing.p256 })
})

/** The code it fails with; anything else is a failure of the test. */
async function failureOf(bytes: Uint8Array): Promise<string> {
  try {
    await unpack(bytes, { secrets: bob.secrets, resolver })
    return 'opened'
  } catch (error) {
    if (isKeysteadError(error) && Object.hasOwn(CODES, error.code)) return error.code
    throw error
  }
}

describe.each(FORMS)('%s', (form) => {
  test('opens as it was made', async () => {
    expect(await failureOf(envelopes[form] ?? new Uint8Array())).toBe('opened')
  })

  test('with one bit of any character changed MUST NOT open', async () => {
    const text = envelopes[form] ?? new Uint8Array()
    for (let position = 0; position < text.length; position++) {
      const mutated = text.slice()
      mutated[position] = (mutated[position] ?? 0) ^ (1 << (position % 7))
      expect([position, await failureOf(mutated)]).not.toEqual([position, 'opened'])
    }
  })

  test('with any character replaced by any other MUST NOT open', async () => {
    const text = envelopes[form] ?? new Uint8Array()
    await fc.assert(
      fc.asyncProperty(fc.nat(text.length - 1), fc.integer({ min: 0, max: 255 }), async (position, byte) => {
        fc.pre(text[position] !== byte)
        const mutated = text.slice()
        mutated[position] = byte
        expect(await failureOf(mutated)).not.toBe('opened')
      }),
      { numRuns: 300 },
    )
  })

  test('cut short MUST NOT open', async () => {
    const text = envelopes[form] ?? new Uint8Array()
    for (let length = 0; length < text.length; length += 7)
      expect(await failureOf(text.slice(0, length))).toBe('BAD_MESSAGE')
  })

  test('with a member of any other value MUST NOT open', async () => {
    const json = JSON.parse(utf8Decode(envelopes[form] ?? new Uint8Array()))
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...Object.keys(json)), fc.jsonValue(), async (name, value) => {
        fc.pre(JSON.stringify(json[name]) !== JSON.stringify(value))
        expect(await failureOf(utf8(JSON.stringify({ ...json, [name]: value })))).not.toBe('opened')
      }),
      { numRuns: 100 },
    )
  })
})

describe('anything', () => {
  test('bytes and JSON of any kind give errors of our codes only', async () => {
    const any = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc.json().map(utf8),
      fc
        .record({ protected: fc.base64String(), recipients: fc.jsonValue(), ciphertext: fc.jsonValue() })
        .map((json) => utf8(JSON.stringify(json))),
      fc.record({ payload: fc.base64String(), signatures: fc.jsonValue() }).map((json) => utf8(JSON.stringify(json))),
    )
    await fc.assert(
      fc.asyncProperty(any, async (bytes) => {
        expect(await failureOf(bytes)).not.toBe('opened')
        try {
          peekRecipients(bytes)
        } catch (error) {
          expect(isKeysteadError(error, 'BAD_MESSAGE', 'UNSUPPORTED_ALGORITHM')).toBe(true)
        }
      }),
      { numRuns: 500 },
    )
  })

  test('a message with known members of any type is read or refused with BAD_MESSAGE', () => {
    const members = [
      'typ',
      'from',
      'to',
      'thid',
      'created_time',
      'body',
      'attachments',
      'from_prior',
      'ack',
      'return_route',
    ]
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...members), fc.jsonValue()), (extra) => {
        try {
          const { body, id } = parseMessage({ id: 'x', type: 'y', ...extra })
          expect([typeof body, id]).toEqual(['object', 'x'])
        } catch (error) {
          expect(isKeysteadError(error, 'BAD_MESSAGE')).toBe(true)
        }
      }),
    )
  })
})
