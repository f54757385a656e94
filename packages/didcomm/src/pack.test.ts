/** What `pack` makes, `unpack` opens, on every curve and in every form; what must be refused, is. */
import { seededRandom, systemRandom, utf8 } from '@keystead/core'
import { encodeMultikey } from '@keystead/crypto'
import { nodeKeyProvider } from '@keystead/crypto/node'
import { createDidPeer4, localResolver } from '@keystead/did'
import { beforeAll, describe, expect, test } from 'vitest'
import type { ContentEncryption } from './content.ts'
import {
  type Message,
  type PackOptions,
  pack,
  packPlaintext,
  packSigned,
  peekRecipients,
  type SecretsPort,
  type UnpackMetadata,
  unpack,
} from './index.ts'
import { CURVES, type Party, party, resolverOf } from './testing/parties.ts'

const random = systemRandom
let alice: Party
let bob: Party
let message: Message
let resolver: PackOptions['resolver']

beforeAll(async () => {
  alice = await party('alice')
  bob = await party('bob')
  resolver = resolverOf(alice.document, bob.document)
  message = { id: '1', type: 'https://example.com/x/1.0/y', from: alice.did, to: [bob.did], body: { text: 'grüezi' } }
})

const open = (bytes: Uint8Array) => unpack(bytes, { secrets: bob.secrets, resolver })

describe.each(CURVES)('on %s', (suite) => {
  test('authcrypt opens and proves the sender', async () => {
    const from = alice.agreement[suite]
    const packed = await pack(message, { to: bob.did, from, resolver, random })
    const { message: opened, metadata } = await open(packed)
    expect(opened).toMatchObject(message)
    expect(metadata).toEqual<UnpackMetadata>({
      encrypted: true,
      authenticated: true,
      anonymousSender: false,
      nonRepudiation: false,
      senderKid: from.kid,
      recipientKid: bob.agreement[suite].kid,
    })
  })

  test('a sender is known to the key that opened the message, and MUST NOT be for having been named', async () => {
    const from = alice.agreement[suite]
    const packed = JSON.parse(new TextDecoder().decode(await pack(message, { to: bob.did, from, resolver, random })))
    const said: string[] = []
    const watched: SecretsPort = {
      agreementKey: async (kid) => {
        const key = await bob.secrets.agreementKey(kid)
        return (
          key && {
            ...key,
            agree: (peer, stays) => {
              if (stays) said.push(stays)
              return key.agree(peer, stays)
            },
            known: (peer) => void said.push(`proven ${peer.suite}`),
          }
        )
      },
    }
    const opened = (envelope: object) => unpack(utf8(JSON.stringify(envelope)), { secrets: watched, resolver })
    const ciphertext = `${packed.ciphertext.startsWith('A') ? 'B' : 'A'}${packed.ciphertext.slice(1)}`
    await expect(opened({ ...packed, ciphertext })).rejects.toMatchObject({ code: 'DECRYPTION_FAILED' })
    expect(said).toEqual(['named'])
    await opened(packed)
    expect(said).toEqual(['named', 'named', `proven ${suite}`])
  })

  test('authcrypt inside anoncrypt hides the sender from all but the recipient', async () => {
    const from = alice.agreement[suite]
    const packed = await pack(message, { to: bob.did, from, anonymous: true, resolver, random })
    const outer = Buffer.from(JSON.parse(new TextDecoder().decode(packed)).protected, 'base64url').toString()
    expect(outer).not.toContain(from.kid)
    expect((await open(packed)).metadata).toMatchObject({
      anonymousSender: true,
      authenticated: true,
      senderKid: from.kid,
    })
  })

  test.each<ContentEncryption>(['A256CBC-HS512', 'A256GCM', 'XC20P'])('anoncrypt with %s opens', async (enc) => {
    const carol = await party('carol', [suite])
    const packed = await pack(
      { ...message, to: [carol.did] },
      { to: carol.did, enc, resolver: resolverOf(carol.document), random },
    )
    const { metadata } = await unpack(packed, { secrets: carol.secrets, resolver })
    expect(metadata).toEqual({
      encrypted: true,
      authenticated: false,
      anonymousSender: true,
      nonRepudiation: false,
      recipientKid: carol.agreement[suite].kid,
    })
  })
})

describe('forms', () => {
  test('a message is encrypted to all keys of one curve of the DID', async () => {
    const kids = peekRecipients(await pack(message, { to: bob.did, resolver, random }))
    expect(kids).toEqual([`${bob.did}#agree-0`, `${bob.did}#agree-4`])
  })

  test('a DID URL names one key', async () => {
    const to = bob.agreement.p256.kid
    expect(peekRecipients(await pack(message, { to, resolver, random }))).toEqual([to])
  })

  test.each(['ed25519', 'p256'] as const)('signed with %s, plain and encrypted, proves the signer', async (suite) => {
    const sign = alice.signing[suite]
    const plain = await open(await packSigned(message, sign))
    expect(plain.metadata).toMatchObject({ encrypted: false, authenticated: true, signerKid: sign.kid })
    const { metadata } = await open(await pack(message, { to: bob.did, sign, resolver, random }))
    expect(metadata).toMatchObject({
      encrypted: true,
      anonymousSender: true,
      nonRepudiation: true,
      signerKid: sign.kid,
    })
    expect((await open(metadata.signedMessage ?? new Uint8Array())).message).toMatchObject(message)
  })

  test('all four layers open', async () => {
    const [from, sign] = [alice.agreement.x25519, alice.signing.ed25519]
    const packed = await pack(message, { to: bob.did, from, sign, anonymous: true, resolver, random })
    expect((await open(packed)).metadata).toMatchObject({ senderKid: from.kid, signerKid: sign.kid })
  })

  test('a plaintext proves nothing', async () => {
    const { metadata } = await open(packPlaintext(message))
    expect(metadata).toEqual({ encrypted: false, authenticated: false, anonymousSender: false, nonRepudiation: false })
  })

  test('one-time keys may come from the platform', async () => {
    const options = { to: bob.did, resolver, random, ephemerals: nodeKeyProvider() }
    for (const suite of CURVES)
      expect((await open(await pack(message, { ...options, from: alice.agreement[suite] }))).message.id).toBe('1')
  })

  test('the same randomness gives the same envelope', async () => {
    const make = () => pack(message, { to: bob.did, resolver, random: seededRandom(7) })
    expect(await make()).toEqual(await make())
  })

  test('both forms of a did:peer:4 are one subject', async () => {
    const keys = nodeKeyProvider()
    const key = await keys.ephemeral({ kind: 'agreement', suite: 'x25519' })
    const method = { id: '#a', type: 'Multikey', publicKeyMultibase: encodeMultikey(key.publicKey) }
    const { longForm, shortForm } = createDidPeer4({ verificationMethod: [method], keyAgreement: ['#a'] })
    const both = { ...message, from: shortForm, to: [shortForm] }
    const packed = await pack(both, {
      to: longForm,
      from: { kid: `${longForm}#a`, key },
      resolver: localResolver,
      random,
    })
    const secrets = { agreementKey: async (kid: string) => (kid === `${longForm}#a` ? key : undefined) }
    expect((await unpack(packed, { secrets, resolver: localResolver })).metadata.authenticated).toBe(true)
  })
})

describe('refusals of pack', () => {
  const code = (code: string) => expect.objectContaining({ code })

  test('authcrypt and signatures need `from` to be their own DID', async () => {
    const from = alice.agreement.x25519
    for (const wrong of [bob.did, undefined]) {
      const { from: _, ...rest } = message
      const forged = wrong === undefined ? rest : { ...rest, from: wrong }
      await expect(pack(forged as Message, { to: bob.did, from, resolver, random })).rejects.toEqual(
        code('SENDER_MISMATCH'),
      )
      await expect(packSigned(forged as Message, alice.signing.p256)).rejects.toEqual(code('SENDER_MISMATCH'))
    }
  })

  test('`to` must name the recipient, and must be there when signed', async () => {
    const elsewhere = { ...message, to: [alice.did] }
    await expect(pack(elsewhere, { to: bob.did, resolver, random })).rejects.toEqual(code('RECIPIENT_MISMATCH'))
    const { to: _, ...none } = message
    const options = { to: bob.did, sign: alice.signing.ed25519, resolver, random }
    await expect(pack(none as Message, options)).rejects.toEqual(code('RECIPIENT_MISMATCH'))
  })

  test('a DID without a fitting key, or unknown, or a message too large', async () => {
    const carol = await party('carol', ['p256'])
    const known = resolverOf(carol.document)
    const toCarol = { ...message, to: [carol.did] }
    const options = { to: carol.did, from: alice.agreement.x25519, random }
    await expect(pack(toCarol, { ...options, resolver: known })).rejects.toEqual(code('NO_COMPATIBLE_KEY'))
    await expect(pack(toCarol, { ...options, resolver })).rejects.toMatchObject({
      code: 'DID_NOT_RESOLVED',
      details: { error: 'NOT_FOUND' },
    })
    const large = { ...message, body: { text: 'x'.repeat(1024 * 1024) } }
    await expect(pack(large, { to: bob.did, resolver, random })).rejects.toEqual(code('MESSAGE_TOO_LARGE'))
  })
})
