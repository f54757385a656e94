/** Envelopes that are well made and lie: each MUST be refused (DIDComm v2.1, "Message Layer Addressing Consistency"). */
import { base64url, type JsonObject, systemRandom, utf8 } from '@keystead/core'
import { publicKeyToJwk } from '@keystead/crypto'
import { beforeAll, describe, expect, test } from 'vitest'
import { encrypt } from './encrypt.ts'
import { portableEphemerals } from './ephemeral.ts'
import { type Message, pack, packPlaintext, packSigned, peekRecipients, unpack } from './index.ts'
import { ENCRYPTED_MEDIA_TYPE, PLAINTEXT_MEDIA_TYPE, SIGNED_MEDIA_TYPE } from './media-types.ts'
import type { SenderPort } from './ports.ts'
import { recipientsOf } from './recipients.ts'
import { sign } from './signed.ts'
import { type Party, party, resolverOf } from './testing/parties.ts'

const random = systemRandom
const ephemerals = portableEphemerals(random)
let alice: Party
let bob: Party
let eve: Party
let resolver: ReturnType<typeof resolverOf>
let message: Message

beforeAll(async () => {
  alice = await party('alice')
  bob = await party('bob')
  eve = await party('eve')
  resolver = resolverOf(alice.document, bob.document, eve.document)
  message = { id: '1', type: 'https://example.com/x/1.0/y', from: alice.did, to: [bob.did], body: {} }
})

async function envelope(content: Uint8Array, from?: SenderPort, contentType = PLAINTEXT_MEDIA_TYPE as string) {
  const recipients = await recipientsOf(bob.did, resolver, 'x25519')
  return encrypt(content, {
    recipients,
    ...(from ? { from } : {}),
    encryption: 'A256CBC-HS512',
    contentType: contentType as typeof PLAINTEXT_MEDIA_TYPE,
    ephemerals,
    random,
  })
}

const code = (bytes: Uint8Array, options: { expectedMaxBytes?: number } = {}) =>
  unpack(bytes, { secrets: bob.secrets, resolver, ...options }).then(
    () => 'opened',
    (error) => error.code,
  )

/** An envelope with its JSON, or its protected header, changed. */
function edited(bytes: Uint8Array, change: (json: Record<string, unknown>) => void): Uint8Array {
  const json = JSON.parse(new TextDecoder().decode(bytes))
  change(json)
  return utf8(JSON.stringify(json))
}

function reheaded(bytes: Uint8Array, changes: JsonObject): Uint8Array {
  return edited(bytes, (json) => {
    const header = JSON.parse(new TextDecoder().decode(base64url.decode(json['protected'] as string)))
    json['protected'] = base64url.encode(utf8(JSON.stringify({ ...header, ...changes })))
  })
}

describe('who sent it', () => {
  test('authcrypt whose message is from someone else, or from nobody, MUST be refused', async () => {
    const { from: _, ...anonymous } = message
    expect(await code(await envelope(packPlaintext(message), eve.agreement.x25519))).toBe('SENDER_MISMATCH')
    expect(await code(await envelope(packPlaintext(anonymous as Message), eve.agreement.x25519))).toBe(
      'SENDER_MISMATCH',
    )
  })

  test('a signature of someone else than `from` MUST be refused', async () => {
    expect(await code(await sign(packPlaintext(message), eve.signing.ed25519))).toBe('SENDER_MISMATCH')
  })

  test('authcrypt of a message signed by someone else MUST be refused', async () => {
    const signed = await sign(packPlaintext({ ...message, from: eve.did }), eve.signing.p256)
    expect(await code(await envelope(signed, alice.agreement.x25519, SIGNED_MEDIA_TYPE))).toBe('SENDER_MISMATCH')
  })

  test("a sender's key that is not in its document's keyAgreement MUST be refused", async () => {
    const { key } = alice.agreement.x25519
    for (const kid of [`${alice.did}#unknown`, alice.signing.ed25519.kid])
      expect(await code(await envelope(packPlaintext(message), { kid, key }))).toBe('SENDER_MISMATCH')
    expect(await code(await envelope(packPlaintext(message), { kid: 'did:example:nobody#1', key }))).toBe(
      'DID_NOT_RESOLVED',
    )
  })

  test("a key that claims to be another's MUST NOT open", async () => {
    const forged = { kid: alice.agreement.x25519.kid, key: eve.agreement.x25519.key }
    expect(await code(await envelope(packPlaintext(message), forged))).toBe('DECRYPTION_FAILED')
  })

  test("a sender's key of another curve MUST be refused", async () => {
    const forged = { kid: alice.agreement.p256.kid, key: eve.agreement.x25519.key }
    expect(await code(await envelope(packPlaintext(message), forged))).toBe('BAD_MESSAGE')
  })

  test('skid unlike apu MUST be refused; either alone names the sender', async () => {
    const authcrypt = await pack(message, { to: bob.did, from: alice.agreement.x25519, resolver, random })
    expect(await code(reheaded(authcrypt, { skid: eve.agreement.x25519.kid }))).toBe('SENDER_MISMATCH')
    expect(await code(reheaded(authcrypt, { apu: base64url.encode(utf8(`${alice.did}#b`)) }))).toBe('SENDER_MISMATCH')
    const header = (name: string) =>
      edited(reheaded(authcrypt, {}), (json) => {
        const all = JSON.parse(new TextDecoder().decode(base64url.decode(json['protected'] as string)))
        delete all[name]
        json['protected'] = base64url.encode(utf8(JSON.stringify(all)))
      })
    // The header is authenticated, so these fail in the end, but only after the sender was found.
    expect(await code(header('skid'))).toBe('DECRYPTION_FAILED')
    expect(await code(header('apu'))).toBe('DECRYPTION_FAILED')
  })

  test('a signing key that is not in `authentication`, or of another algorithm, MUST be refused', async () => {
    const { key } = alice.signing.ed25519
    for (const kid of [`${alice.did}#unknown`, alice.agreement.x25519.kid, alice.signing.p256.kid])
      expect(await code(await sign(packPlaintext(message), { kid, key }))).toBe('BAD_SIGNATURE')
  })
})

describe('whom it is to', () => {
  test('a message addressed to others MUST be refused', async () => {
    for (const from of [undefined, alice.agreement.x25519])
      expect(await code(await envelope(packPlaintext({ ...message, to: [eve.did] }), from))).toBe('RECIPIENT_MISMATCH')
  })

  test('a message signed to another and encrypted on MUST be refused, and so one signed to nobody', async () => {
    const { to: _, ...open } = message
    for (const signed of [{ ...message, to: [eve.did] }, open as Message]) {
      const content = await packSigned(signed, alice.signing.ed25519)
      expect(await code(await envelope(content, undefined, SIGNED_MEDIA_TYPE))).toBe('RECIPIENT_MISMATCH')
    }
  })

  test('apv MUST be the digest of the recipients', async () => {
    const packed = await pack(message, { to: bob.did, resolver, random })
    const dropped = edited(packed, (json) => {
      ;(json['recipients'] as unknown[]).pop()
    })
    expect(await code(dropped)).toBe('BAD_MESSAGE')
    expect(await code(reheaded(packed, { apv: base64url.encode(new Uint8Array(32)) }))).toBe('BAD_MESSAGE')
  })

  test('an envelope for others says so', async () => {
    const packed = await pack({ ...message, to: [eve.did] }, { to: eve.did, resolver, random })
    expect(await code(packed)).toBe('NO_RECIPIENT_KEY')
  })
})

describe('layers', () => {
  test('anoncrypt in anoncrypt, authcrypt in authcrypt, anything in signed MUST be refused', async () => {
    const anoncrypt = await envelope(packPlaintext(message))
    const authcrypt = await envelope(packPlaintext(message), alice.agreement.x25519)
    const signed = await packSigned(message, alice.signing.ed25519)
    expect(await code(await envelope(anoncrypt))).toBe('BAD_MESSAGE')
    expect(await code(await envelope(anoncrypt, alice.agreement.x25519))).toBe('BAD_MESSAGE')
    expect(await code(await envelope(authcrypt, alice.agreement.x25519))).toBe('BAD_MESSAGE')
    for (const inner of [anoncrypt, authcrypt, signed])
      expect(await code(await sign(inner, alice.signing.ed25519))).toBe('BAD_MESSAGE')
  })

  test('a `cty` that names another format MUST be refused', async () => {
    const signed = await packSigned(message, alice.signing.ed25519)
    expect(await code(await envelope(signed, undefined, ENCRYPTED_MEDIA_TYPE))).toBe('BAD_MESSAGE')
    expect(await code(await envelope(packPlaintext(message), undefined, SIGNED_MEDIA_TYPE))).toBe('BAD_MESSAGE')
  })

  test('a `typ` that names another format MUST be refused, with or without "application/"', async () => {
    const packed = await envelope(packPlaintext(message))
    expect(await code(reheaded(packed, { typ: 'application/didcomm-signed+json' }))).toBe('BAD_MESSAGE')
    // Accepted by the check, then caught because the header is authenticated.
    expect(await code(reheaded(packed, { typ: 'didcomm-encrypted+json' }))).toBe('DECRYPTION_FAILED')
    for (const typ of ['didcomm-plain+json', 'application/didcomm-plain+json'])
      expect(await code(utf8(JSON.stringify({ ...message, typ })))).toBe('opened')
    expect(await code(utf8(JSON.stringify({ ...message, typ: 'application/json' })))).toBe('BAD_MESSAGE')
  })

  test('other algorithms and critical headers MUST be refused', async () => {
    const packed = await envelope(packPlaintext(message), alice.agreement.x25519)
    for (const header of [
      { enc: 'A256GCM' },
      { alg: 'ECDH-ES' },
      { enc: 'A128GCM' },
      { crit: ['exp'] },
      { zip: 'DEF' },
    ])
      expect(await code(reheaded(packed, header))).toBe('UNSUPPORTED_ALGORITHM')
    const jwk = publicKeyToJwk(alice.signing.ed25519.key.publicKey)
    expect(await code(reheaded(packed, { epk: { ...jwk } }))).toBe('UNSUPPORTED_ALGORITHM')
  })

  test('an ephemeral key off its curve, of low order or of another curve MUST be refused', async () => {
    const packed = await envelope(packPlaintext(message))
    const zero = base64url.encode(new Uint8Array(32))
    const p256 = publicKeyToJwk(alice.agreement.p256.key.publicKey)
    for (const epk of [{ kty: 'OKP', crv: 'X25519', x: zero }, { ...p256, y: zero }, { ...p256 }, { ...p256, d: zero }])
      expect(await code(reheaded(packed, { epk }))).toBe('BAD_MESSAGE')
  })

  test('more bytes than expected MUST be refused before reading', async () => {
    const packed = await envelope(packPlaintext(message))
    expect(await code(packed, { expectedMaxBytes: packed.length - 1 })).toBe('MESSAGE_TOO_LARGE')
    expect(await code(packed, { expectedMaxBytes: packed.length })).toBe('opened')
    expect(() => peekRecipients(packed, 10)).toThrow(expect.objectContaining({ code: 'MESSAGE_TOO_LARGE' }))
  })
})
