import { base64url, type JsonObject, utf8 } from '@keystead/core'
import { nodeKeyProvider } from '@keystead/crypto/node'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readVector, vectorsDir } from '../../core/src/testing/vectors.ts'
import {
  type DidDocument,
  messagingEndpoints,
  parseDidDocument,
  RELATIONSHIPS,
  verificationMethods,
} from './document.ts'
import {
  createDidJwk,
  createDidPeer2,
  createDidPeer4,
  localResolver,
  parseDidUrl,
  peerShortForm,
  resolvePeer4,
} from './index.ts'

const present = vectorsDir() !== undefined
const load = (...path: string[]) => (present ? JSON.parse(readVector(...path)) : {})

/** What matters of a document: which keys serve what, whatever the names and notation. */
function keysOf(document: DidDocument): Record<string, unknown> {
  return Object.fromEntries(
    RELATIONSHIPS.map((name) => [name, verificationMethods(document, name).map((method) => method.publicKey)]),
  )
}

describe.skipIf(!present)('vectors: did:key', () => {
  const files = ['ed25519-x25519.json', 'nist-curves.json', 'secp256k1.json']
  const documents = files.flatMap((file) =>
    Object.entries(load('did-key', file) as Record<string, { didDocument: JsonObject }>),
  )
  test.each(documents)('%s resolves to the published keys', async (did, { didDocument }) => {
    const { didDocument: ours } = await localResolver.resolve(did)
    const [expected, actual] = [keysOf(parseDidDocument(didDocument)), keysOf(ours as DidDocument)]
    for (const name of RELATIONSHIPS) if (didDocument[name]) expect(actual[name]).toEqual(expected[name])
    expect(ours?.id).toBe(did)
  })

  test.each(['rsa.json', 'bls12381.json'])(
    '%s: kinds of keys we do not use are said to be unsupported',
    async (file) => {
      for (const did of Object.keys(load('did-key', file))) {
        const { didResolutionMetadata } = await localResolver.resolve(did)
        expect(didResolutionMetadata.error?.type).toMatch(/METHOD_NOT_SUPPORTED|INVALID_DID/)
      }
    },
  )

  test('x25519 keys serve agreement alone', async () => {
    for (const [did, document] of Object.entries(
      load('did-key', 'x25519.json').didDocument as Record<string, JsonObject>,
    )) {
      const { didDocument } = await localResolver.resolve(did)
      expect(keysOf(didDocument as DidDocument)).toEqual(keysOf(parseDidDocument(document)))
    }
  })
})

describe.skipIf(!present)('vectors: did:peer', () => {
  const peer = load('did-peer-2', 'peer-did.json') as Record<string, string & JsonObject>
  const pairs = [
    ['PEER_DID_NUMALGO_0', 'DID_DOC_NUMALGO_O_MULTIBASE'],
    ['PEER_DID_NUMALGO_2', 'DID_DOC_NUMALGO_2_BASE58'],
    ['PEER_DID_NUMALGO_2', 'DID_DOC_NUMALGO_2_JWK'],
    ['PEER_DID_NUMALGO_2_2_SERVICES', 'DID_DOC_NUMALGO_2_MULTIBASE_2_SERVICES'],
    ['PEER_DID_NUMALGO_2_NO_SERVICES', 'DID_DOC_NUMALGO_2_MULTIBASE_NO_SERVICES'],
    ['PEER_DID_NUMALGO_2_MINIMAL_SERVICES', 'DID_DOC_NUMALGO_2_MULTIBASE_MINIMAL_SERVICES'],
  ] as const
  test.each(pairs)('%s resolves to the keys and endpoints of %s', async (did, document) => {
    const { didDocument } = await localResolver.resolve(peer[did] as string)
    const published = parseDidDocument(peer[document])
    for (const name of ['authentication', 'keyAgreement'] as const)
      expect(verificationMethods(didDocument as DidDocument, name).map((m) => m.publicKey)).toEqual(
        verificationMethods(published, name).map((m) => m.publicKey),
      )
    expect(messagingEndpoints(didDocument as DidDocument)).toEqual(messagingEndpoints(published))
  })

  test.each(['0', '1', '2', '3', '4', '5'])(
    'did:peer:4 of document %s: long form gives it back, short form is its hash',
    (name) => {
      const input = load('did-peer-4', `${name}.json`) as JsonObject
      const { longForm, shortForm } = createDidPeer4(input)
      expect(longForm.startsWith(`${shortForm}:z`)).toBe(true)
      expect(peerShortForm(longForm)).toBe(shortForm)
      expect(resolvePeer4(longForm)).toMatchObject({ id: longForm, alsoKnownAs: [shortForm] })
      expect(resolvePeer4(longForm, 'short')).toMatchObject({ id: shortForm, alsoKnownAs: [longForm] })
    },
  )
})

test('a did:peer:4 whose document was changed MUST be refused', async () => {
  const { longForm } = createDidPeer4({ authentication: [], note: 'a' })
  const { longForm: other } = createDidPeer4({ authentication: [], note: 'b' })
  const mixed = `${longForm.slice(0, longForm.lastIndexOf(':'))}${other.slice(other.lastIndexOf(':'))}`
  expect((await localResolver.resolve(mixed)).didResolutionMetadata.error?.type).toContain('INVALID_DID')
})

test('a short form alone is not found, which is a value', async () => {
  const { shortForm } = createDidPeer4({})
  expect((await localResolver.resolve(shortForm)).didResolutionMetadata.error?.type).toContain('NOT_FOUND')
})

test('did:jwk and did:peer:2 give back the keys they were made of', async () => {
  const signing = await nodeKeyProvider().ephemeral({ kind: 'signing', suite: 'ed25519' })
  const agreement = await nodeKeyProvider().ephemeral({ kind: 'agreement', suite: 'x25519' })
  const jwk = await localResolver.resolve(createDidJwk(signing.publicKey))
  expect(verificationMethods(jwk.didDocument as DidDocument, 'authentication')[0]?.publicKey).toEqual(signing.publicKey)
  const did = createDidPeer2(
    [
      { purpose: 'V', key: signing.publicKey },
      { purpose: 'E', key: agreement.publicKey },
    ],
    [{ type: 'DIDCommMessaging', serviceEndpoint: { uri: 'https://agency.example', accept: ['didcomm/v2'] } }],
  )
  const { didDocument } = await localResolver.resolve(did)
  expect(verificationMethods(didDocument as DidDocument, 'keyAgreement')).toMatchObject([
    { id: `${did}#key-2`, publicKey: agreement.publicKey },
  ])
  expect(messagingEndpoints(didDocument as DidDocument)).toEqual([{ uri: 'https://agency.example', routingKeys: [] }])
})

test('random text never makes a parser or resolver do more than say no', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(
        fc.string(),
        fc.string().map((s) => `did:peer:2.${s}`),
        fc.string().map((s) => `did:key:z${s}`),
        fc.jsonValue().map((value) => `did:jwk:${base64url.encode(utf8(JSON.stringify(value)))}`),
        fc.jsonValue().map((value) => createDidPeer4({ any: value } as JsonObject).longForm.replace(/.$/, 'a')),
        fc.jsonValue().map((value) => `did:peer:2.S${base64url.encode(utf8(JSON.stringify(value)))}`),
      ),
      async (text) => {
        const { didDocument, didResolutionMetadata } = await localResolver.resolve(text)
        expect(didDocument === null).toBe(didResolutionMetadata.error !== undefined)
      },
    ),
  )
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      expect(() => parseDidDocument(value)).toThrow(expect.objectContaining({ code: 'INVALID_DID_DOCUMENT' }))
    }),
  )
})

test('DID URLs come apart as the grammar says', () => {
  expect(parseDidUrl('did:ex:a:b/p?q=1#f')).toMatchObject({
    did: 'did:ex:a:b',
    method: 'ex',
    id: 'a:b',
    path: '/p',
    query: 'q=1',
    fragment: 'f',
  })
  for (const text of ['', 'did:', 'did:EX:a', 'did:ex:', 'did:ex:a:', 'did:ex:a%2', 'https://a', 'did:ex:ü'])
    expect(() => parseDidUrl(text)).toThrow()
})
