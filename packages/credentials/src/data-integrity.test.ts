import { base58btc, canonicalText, hexadecimal, type JsonObject } from '@keystead/core'
import { decodeMultikey, type PublicKey, type SigningKey, type VerificationSuite } from '@keystead/crypto'
import { nodeKeyProvider } from '@keystead/crypto/node'
import { dataIntegrityHash } from '@keystead/did'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readVector, vectorsDir } from '../../core/src/testing/vectors.ts'
import { addProof, type ProofOptions, parseProof, verifyProof } from './data-integrity.ts'
import { altered, newKey, Party } from './testing/party.ts'

const read = (...path: string[]): string => readVector('data-integrity', 'eddsa', ...path)
const json = (...path: string[]): JsonObject => JSON.parse(read(...path)) as JsonObject
const text = (name: string): string => read('eddsa-jcs-2022', name).trim()
const signingOptions: ProofOptions = {
  verificationMethod: 'did:example:signer#k',
  proofPurpose: 'assertionMethod',
  created: '2026-01-01T00:00:00Z',
}

describe.skipIf(!vectorsDir())('vectors: data-integrity/eddsa', () => {
  const publicKey = (): PublicKey<VerificationSuite> =>
    decodeMultikey(String(json('keyPair.json')['publicKeyMultibase'])) as PublicKey<VerificationSuite>
  const config = (): JsonObject => json('eddsa-jcs-2022', 'proofConfigJCS.json')
  const privateKey = (): Promise<SigningKey> => {
    // Two bytes of multicodec (ed25519-priv), then the seed.
    const secret = base58btc.decode(String(json('keyPair.json')['privateKeyMultibase']).slice(1)).slice(2)
    return nodeKeyProvider().fromSecret({ kind: 'signing', suite: 'ed25519' }, secret)
  }

  test('document and proof options have the published canonical forms and hashes', () => {
    expect(canonicalText(json('unsigned.json'))).toBe(text('canonDocJCS.txt'))
    expect(canonicalText(config())).toBe(text('proofCanonJCS.txt'))
    const hash = hexadecimal.encode(dataIntegrityHash(json('unsigned.json'), config()))
    expect(hash).toBe(text('combinedHashJCS.txt'))
    expect(hash).toBe(text('proofHashJCS.txt') + text('docHashJCS.txt'))
  })

  test('the published key makes the published signature, and the very same document', async () => {
    const { verificationMethod, created } = config() as Record<string, string>
    const options = { verificationMethod, proofPurpose: 'assertionMethod', created } as ProofOptions
    const secured = await addProof(json('unsigned.json'), options, await privateKey())
    expect(secured.proof.proofValue).toBe(text('sigBTC58JCS.txt'))
    expect(hexadecimal.encode(base58btc.decode(secured.proof.proofValue.slice(1)))).toBe(text('sigHexJCS.txt'))
    expect(secured).toEqual(json('eddsa-jcs-2022', 'signedJCS.json'))
  })

  test('the published document verifies under its key and under no other', async () => {
    expect(verifyProof(json('eddsa-jcs-2022', 'signedJCS.json'), publicKey())).toBe(true)
    expect(verifyProof(json('eddsa-jcs-2022', 'signedJCS.json'), (await newKey()).publicKey)).toBe(false)
  })

  test.each(['employmentAuth.json', 'unsigned.json'])('%s, signed by us, verifies', async (name) => {
    const key = await privateKey()
    expect(verifyProof(await addProof(json(name), signingOptions, key), publicKey())).toBe(true)
  })

  test.each(['signedProofSet2.json', 'signedProofChain2.json'])('%s, of another suite, is refused', (name) => {
    const secured = json('proof-set-chain', name)
    expect(() => verifyProof(secured, publicKey())).toThrow(expect.objectContaining({ code: 'BAD_PROOF' }))
    const [first] = secured['proof'] as unknown as JsonObject[]
    expect(() => parseProof(first)).toThrow(expect.objectContaining({ code: 'BAD_PROOF' }))
  })
})

describe('CREDENTIAL-3: a proof is an Ed25519 signature over everything but itself', () => {
  const document = { '@context': ['https://a.example', 'https://b.example'], id: 'urn:x', n: 1.5 }

  test('signs and verifies, with and without contexts', async () => {
    const key = await newKey()
    for (const plain of [document, { id: 'urn:x' }])
      expect(verifyProof(await addProof(plain, signingOptions, key), key.publicKey)).toBe(true)
  })

  test('P-256 keys neither sign nor verify eddsa-jcs-2022', async () => {
    const [key, other] = [await newKey(), await newKey('p256')]
    await expect(addProof(document, signingOptions, other)).rejects.toMatchObject({ code: 'WRONG_KEY_TYPE' })
    expect(verifyProof(await addProof(document, signingOptions, key), other.publicKey)).toBe(false)
  })

  test('a document that carries a proof is not signed over it', async () => {
    const key = await newKey()
    const once = await addProof(document, signingOptions, key)
    await expect(addProof(once, signingOptions, key)).rejects.toMatchObject({ code: 'BAD_PROOF' })
  })

  test('no member of the proof options can be changed, added or removed', async () => {
    const key = await newKey()
    const options = { ...signingOptions, challenge: 'c', domain: 'd' }
    const secured = await addProof(document, options, key)
    const proof = secured.proof as unknown as JsonObject
    const changes: Record<string, unknown>[] = [
      { verificationMethod: 'did:example:other#k' },
      { proofPurpose: 'authentication' },
      { created: '2025-01-01T00:00:00Z' },
      { challenge: 'e' },
      { domain: 'e' },
      { created: undefined },
      { challenge: undefined },
      { domain: undefined },
      { '@context': undefined },
      { '@context': ['https://a.example'] },
      { '@context': [] },
    ]
    for (const change of changes)
      expect(verifyProof(altered(secured, { proof: { ...proof, ...change } }), key.publicKey)).toBe(false)
    const unproved = await addProof(document, { ...signingOptions, challenge: 'c' }, key)
    const added = altered(unproved, { proof: { ...unproved.proof, domain: 'd' } })
    expect(verifyProof(added, key.publicKey)).toBe(false)
  })

  test('a signature of any other length or value does not hold', async () => {
    const key = await newKey()
    const secured = await addProof(document, signingOptions, key)
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 70 }), (bytes) => {
        const proof = { ...secured.proof, proofValue: `z${base58btc.encode(bytes)}` }
        expect(verifyProof(altered(secured, { proof }), key.publicKey)).toBe(false)
      }),
    )
    const longer = altered(secured, {
      proof: { ...secured.proof, proofValue: `z1${secured.proof.proofValue.slice(1)}` },
    })
    expect(verifyProof(longer, key.publicKey)).toBe(false)
  })
})

describe('CREDENTIAL-4: contexts are those that were signed', () => {
  test.each([
    ['appended', ['https://a.example', 'https://b.example', 'https://evil.example']],
    ['appended, defining terms', ['https://a.example', 'https://b.example', { role: 'https://evil.example' }]],
    ['removed', ['https://a.example']],
    ['reordered', ['https://b.example', 'https://a.example']],
    ['absent', undefined],
  ])('a context %s breaks the proof', async (_, context) => {
    const key = await newKey()
    const document = { '@context': ['https://a.example', 'https://b.example'], role: 'x' }
    const secured = await addProof(document, signingOptions, key)
    expect(verifyProof(altered(secured, { '@context': context }), key.publicKey)).toBe(false)
  })

  test('one context does not equal a list of one', async () => {
    const key = await newKey()
    const secured = await addProof({ '@context': ['https://a.example'] }, signingOptions, key)
    expect(verifyProof(altered(secured, { '@context': 'https://a.example' }), key.publicKey)).toBe(false)
  })
})

describe('CREDENTIAL-5: proofs are closed', () => {
  test.each<[string, Record<string, unknown>]>([
    ['an unknown member', { nonce: 'x' }],
    ['an expiry nobody would check', { expires: '2020-01-01T00:00:00Z' }],
    ['a link to a previous proof', { previousProof: 'urn:x' }],
    ['another suite', { cryptosuite: 'eddsa-rdfc-2022' }],
    ['another type', { type: 'Ed25519Signature2020' }],
    ['another purpose', { proofPurpose: 'capabilityInvocation' }],
    ['a method without a fragment', { verificationMethod: 'did:example:signer' }],
    ['a method that is no DID URL', { verificationMethod: 'https://example.com#k' }],
    ['a time without a zone', { created: '2026-01-01T00:00:00' }],
    ['a day the calendar lacks', { created: '2026-02-30T00:00:00Z' }],
    ['an empty challenge', { challenge: '' }],
    ['a signature in base64url', { proofValue: 'uAAAA' }],
    ['a signature that is no base58', { proofValue: 'z0OIl' }],
    ['no signature', { proofValue: undefined }],
  ])('%s is refused', async (_, change) => {
    const secured = await addProof({ id: 'urn:x' }, signingOptions, await newKey())
    const proof = altered(secured.proof as unknown as JsonObject, change)
    expect(() => parseProof(proof)).toThrow(expect.objectContaining({ code: 'BAD_PROOF' }))
  })

  test('a document without a proof, and a list of proofs, are refused', async () => {
    const { key } = await Party.create('a')
    const secured = await addProof({ id: 'urn:x' }, signingOptions, key)
    for (const proof of [undefined, null, [secured.proof], [secured.proof, secured.proof], 'x'])
      expect(() => verifyProof(altered(secured, { proof }), key.publicKey)).toThrow(
        expect.objectContaining({ code: 'BAD_PROOF' }),
      )
  })
})
