/**
 * DIDComm v2.1, appendices A to C: every published message opens. Two captions in C.3 name other curves than the messages
 * have: the sixth's layers are both P-521, the fifth's is P-256.
 */
import { base64url, isKeysteadError, type JsonObject, utf8 } from '@keystead/core'
import {
  type AgreementKey,
  type AgreementSuite,
  driver,
  installDriver,
  portableDriver,
  publicKeyFromJwk,
} from '@keystead/crypto'
import { nodeKeyProvider } from '@keystead/crypto/node'
import { type DidResolver, parseDidDocument } from '@keystead/did'
import { beforeAll, describe, expect, test } from 'vitest'
import { readVector, vectorsDir } from '../../core/src/testing/vectors.ts'
import { peekRecipients, type SecretsPort, unpack } from './index.ts'
import { resolverOf } from './testing/parties.ts'

describe.skipIf(!vectorsDir())('vectors: DIDComm v2.1 appendix', () => {
  let blocks: unknown[] = []
  let resolver: DidResolver
  let held: Map<string, AgreementKey>
  let messages: JsonObject[] = []
  const only = (pattern: RegExp): SecretsPort => ({
    agreementKey: async (kid) => (pattern.test(kid) ? held.get(kid) : undefined),
  })

  beforeAll(async () => {
    const text = readVector('didcomm', 'appendix-v2.1.md')
    blocks = [...text.matchAll(/```json\n(.*?)```/gs)].map(([, block]) => JSON.parse(block ?? ''))
    const [, recipientSecrets, alice, bob, ...rest] = blocks
    resolver = resolverOf(parseDidDocument(alice), parseDidDocument(bob))
    messages = rest as JsonObject[]
    held = new Map()
    for (const jwk of recipientSecrets as Record<string, string>[]) {
      const { d = '', ...publicJwk } = jwk
      const suite = publicKeyFromJwk(publicJwk).suite as AgreementSuite
      // Appendix A.2 has a space after the member's name.
      held.set(jwk['kid '] ?? '', await nodeKeyProvider().fromSecret({ kind: 'agreement', suite }, base64url.decode(d)))
    }
  })

  const open = (index: number, secrets = only(/./)) =>
    unpack(utf8(JSON.stringify(messages[index])), { secrets, resolver })

  test('the appendix holds one plaintext, three signed and six encrypted messages', () => {
    expect(messages).toHaveLength(10)
    expect(held.size).toBe(9)
  })

  test('C.1 the plaintext is read', async () => {
    const { message, metadata } = await open(0)
    expect(message.body).toEqual({ messagespecificattribute: 'and its value' })
    expect(metadata).toEqual({ encrypted: false, authenticated: false, anonymousSender: false, nonRepudiation: false })
  })

  test.each([
    [1, 'EdDSA', 1],
    [2, 'ES256', 2],
    [3, 'ES256K', 3],
  ])('C.2 message %i, signed with %s, is verified', async (index, _, key) => {
    const { message, metadata } = await open(index)
    expect(message.from).toBe('did:example:alice')
    expect(metadata).toMatchObject({
      encrypted: false,
      authenticated: true,
      nonRepudiation: true,
      signerKid: `did:example:alice#key-${key}`,
    })
  })

  test.each([
    [4, 'X25519 ECDH-ES XC20P', /bob#key-x25519/, {}],
    [5, 'P-384 ECDH-ES A256CBC-HS512', /bob#key-p384/, {}],
    [6, 'P-521 ECDH-ES A256GCM', /bob#key-p521/, {}],
    [7, 'X25519 ECDH-1PU', /bob#key-x25519/, { senderKid: 'did:example:alice#key-x25519-1' }],
    [
      8,
      'P-256 ECDH-1PU of a signed message',
      /bob#key-p256/,
      { senderKid: 'did:example:alice#key-p256-1', signerKid: 'did:example:alice#key-1' },
    ],
    [
      9,
      'P-521 ECDH-ES of P-521 ECDH-1PU of a signed message',
      /bob#key-p521/,
      { senderKid: 'did:example:alice#key-p521-1', signerKid: 'did:example:alice#key-1' },
    ],
  ])('C.3 message %i, %s, opens with each key it names', async (index, _, kids, expected) => {
    const named = peekRecipients(utf8(JSON.stringify(messages[index])))
    expect(named.length).toBeGreaterThan(1)
    const senderKid = 'senderKid' in expected ? expected.senderKid : undefined
    for (const kid of named) {
      expect(kid).toMatch(kids)
      const { message, metadata } = await open(index, only(new RegExp(`${kid}$`)))
      expect(message).toMatchObject({ id: '1234567890', from: 'did:example:alice', to: ['did:example:bob'] })
      expect(metadata).toMatchObject({
        encrypted: true,
        authenticated: senderKid !== undefined,
        anonymousSender: ![7, 8].includes(index),
        nonRepudiation: 'signerKid' in expected,
        ...expected,
        recipientKid: kid,
      })
    }
  })

  test('a message opens with no other key than those it names', async () => {
    const error = await open(4, only(/p256/)).catch((e: unknown) => e)
    expect(isKeysteadError(error, 'NO_RECIPIENT_KEY')).toBe(true)
  })

  test('the portable driver opens the same messages', async () => {
    const native = driver()
    installDriver(portableDriver)
    try {
      for (let index = 1; index <= 9; index++) expect((await open(index)).message.id).toBe('1234567890')
    } finally {
      installDriver(native)
    }
  })
})
