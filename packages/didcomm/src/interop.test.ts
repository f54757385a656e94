/** Against didcomm-node 0.4.1, an independent implementation (Rust): it opens what we pack, and we what it packs. */
import { systemRandom, utf8, utf8Decode } from '@keystead/core'
import { FromPrior, Message as TheirMessage } from 'didcomm-node'
import { beforeAll, describe, expect, test } from 'vitest'
import type { ContentEncryption } from './content.ts'
import {
  createFromPrior,
  type Message,
  pack,
  packSigned,
  parseForward,
  unpack,
  verifyFromPrior,
  wrapForward,
} from './index.ts'
import { type Party, party, resolverOf } from './testing/parties.ts'

const random = systemRandom
const THEIR_ENCRYPTION = {
  'A256CBC-HS512': 'A256cbcHs512EcdhEsA256kw',
  A256GCM: 'A256gcmEcdhEsA256kw',
  XC20P: 'Xc20pEcdhEsA256kw',
} as const

/** A party as didcomm-node wants it: its document with absolute ids, its secrets as JWKs. */
function theirs(...parties: Party[]) {
  const documents = parties.map(({ document, did, agreement, signing, jwks }) => ({
    id: did,
    keyAgreement: jwks.map(({ id }) => id).filter((id) => id.includes('#agree')),
    authentication: Object.values(signing).map(({ kid }) => kid),
    verificationMethod: document.verificationMethod as never[],
    service: [],
    agreement,
  }))
  const secrets = parties.flatMap(({ jwks }) =>
    jwks.map(({ id, jwk }) => ({ id, type: 'JsonWebKey2020' as const, privateKeyJwk: jwk })),
  )
  return {
    resolver: { resolve: async (did: string) => documents.find(({ id }) => id === did) ?? null },
    secrets: {
      get_secret: async (id: string) => secrets.find((secret) => secret.id === id) ?? null,
      find_secrets: async (ids: string[]) => ids.filter((id) => secrets.some((secret) => secret.id === id)),
    },
  }
}

describe.each(['x25519', 'p256'] as const)('didcomm-node on %s', (suite) => {
  let alice: Party
  let bob: Party
  let message: Message
  let resolver: ReturnType<typeof resolverOf>

  beforeAll(async () => {
    alice = await party('alice', [suite])
    bob = await party('bob', [suite])
    resolver = resolverOf(alice.document, bob.document)
    message = {
      id: '1',
      typ: 'application/didcomm-plain+json',
      type: 'https://example.com/x/1.0/y',
      from: alice.did,
      to: [bob.did],
      created_time: 1_800_000_000,
      body: { text: 'grüezi' },
      attachments: [{ id: 'a', media_type: 'text/plain', data: { base64: 'aGFsbG8' } }],
    }
  })

  const theyOpen = async (packed: Uint8Array) => {
    const { resolver: did, secrets } = theirs(bob, alice)
    const [opened, metadata] = await TheirMessage.unpack(utf8Decode(packed), did, secrets, {})
    return { opened: opened.as_value(), metadata }
  }
  const weOpen = (text: string) => unpack(utf8(text), { secrets: bob.secrets, resolver })
  const theyPack = async (from: string | null, signBy: string | null, options: Record<string, unknown> = {}) => {
    const { resolver: did, secrets } = theirs(alice, bob)
    const made = new TheirMessage(message as never)
    const [packed] = await made.pack_encrypted(bob.did, from, signBy, did, secrets, { forward: false, ...options })
    return packed
  }

  test('opens our authcrypt, also inside anoncrypt', async () => {
    for (const anonymous of [false, true]) {
      const from = alice.agreement[suite]
      const { opened, metadata } = await theyOpen(
        await pack(message, { to: bob.did, from, anonymous, resolver, random }),
      )
      expect(opened).toMatchObject({ ...message })
      expect(metadata).toMatchObject({
        encrypted: true,
        authenticated: true,
        anonymous_sender: anonymous,
        encrypted_from_kid: from.kid,
      })
    }
  })

  test.each(Object.keys(THEIR_ENCRYPTION) as ContentEncryption[])('opens our anoncrypt with %s', async (enc) => {
    const { opened, metadata } = await theyOpen(await pack(message, { to: bob.did, enc, resolver, random }))
    expect(opened.body).toEqual(message.body)
    expect(metadata).toMatchObject({ encrypted: true, authenticated: false, enc_alg_anon: THEIR_ENCRYPTION[enc] })
  })

  test.each(['ed25519', 'p256'] as const)('opens what we sign with %s, plain or encrypted', async (by) => {
    const sign = alice.signing[by]
    for (const packed of [
      await packSigned(message, sign),
      await pack(message, { to: bob.did, sign, resolver, random }),
    ]) {
      const { opened, metadata } = await theyOpen(packed)
      expect(opened.body).toEqual(message.body)
      expect(metadata).toMatchObject({ non_repudiation: true, sign_from: sign.kid })
    }
  })

  test('packs authcrypt that we open, also inside anoncrypt and around a signature', async () => {
    for (const protect_sender of [false, true])
      for (const signBy of [null, alice.signing.ed25519.kid, alice.signing.p256.kid]) {
        const { message: opened, metadata } = await weOpen(await theyPack(alice.did, signBy, { protect_sender }))
        expect(opened).toMatchObject({ ...message })
        expect(metadata).toMatchObject({
          authenticated: true,
          anonymousSender: protect_sender,
          senderKid: alice.agreement[suite].kid,
          nonRepudiation: signBy !== null,
        })
      }
  })

  test.each(Object.values(THEIR_ENCRYPTION))(
    'packs anoncrypt with %s that we open, signed or not',
    async (enc_alg_anon) => {
      for (const signBy of [null, alice.signing.ed25519.kid]) {
        const { metadata } = await weOpen(await theyPack(null, signBy, { enc_alg_anon }))
        expect(metadata).toMatchObject({ encrypted: true, anonymousSender: true, authenticated: signBy !== null })
      }
    },
  )

  test('signs what we verify', async () => {
    const { resolver: did, secrets } = theirs(alice)
    for (const { kid } of Object.values(alice.signing)) {
      const [packed] = await new TheirMessage(message as never).pack_signed(kid, did, secrets)
      expect((await weOpen(packed)).metadata.signerKid).toBe(kid)
    }
  })

  test('reads our forward, and we its', async () => {
    const inner = await pack(message, { to: bob.did, resolver, random })
    const ours = await wrapForward(inner, {
      next: 'did:example:next',
      mediator: bob.did,
      resolver,
      random,
      expires: 1_900_000_000,
    })
    const { resolver: did, secrets } = theirs(bob)
    const [forward] = await TheirMessage.unpack(utf8Decode(ours), did, secrets, {})
    // Its declarations promise an object with `as_value`; it returns the value itself.
    const parsed = forward.try_parse_forward() as unknown as { next: string; forwarded_msg: unknown }
    expect(parsed.next).toBe('did:example:next')
    expect((await weOpen(JSON.stringify(parsed.forwarded_msg))).message.id).toBe('1')

    const wrap = TheirMessage.wrap_in_forward
    const their = await wrap(
      utf8Decode(inner),
      {},
      'did:example:next',
      [bob.agreement[suite].kid],
      THEIR_ENCRYPTION.A256GCM,
      did,
    )
    const read = parseForward((await weOpen(their)).message)
    expect(read.next).toBe('did:example:next')
    expect((await weOpen(utf8Decode(read.payload))).message.id).toBe('1')
  })

  test('verifies our DID rotation, and we its', async () => {
    const { resolver: did, secrets } = theirs(alice)
    for (const issuer of Object.values(alice.signing)) {
      const jwt = await createFromPrior({ issuer, sub: bob.did })
      const [prior, kid] = await FromPrior.unpack(jwt, did)
      expect(prior.as_value()).toMatchObject({ iss: alice.did, sub: bob.did })
      expect(kid).toBe(issuer.kid)
      const [theirJwt] = await new FromPrior({ iss: alice.did, sub: bob.did, iat: 5 }).pack(issuer.kid, did, secrets)
      expect(await verifyFromPrior(theirJwt, resolver)).toEqual({
        iss: alice.did,
        sub: bob.did,
        iat: 5,
        kid: issuer.kid,
      })
    }
  })
})
