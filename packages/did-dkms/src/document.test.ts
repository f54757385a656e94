/** DKMS-30: a document is JSON-LD as DID Core has it; no term of it is lost when a JSON-LD processor reads it. */
import { systemRandom } from '@keystead/core'
import { encodeMultikey } from '@keystead/crypto'
import { nodeKeyProvider } from '@keystead/crypto/node'
import { beforeAll, expect, test } from 'vitest'
import { makeBody } from './build.ts'
import { deriveDocument, keyUrl } from './document.ts'
import type { DidState } from './state.ts'

const SECURITY = 'https://w3id.org/security#'
const DID = `did:dkms:${'a'.repeat(16)}:Qm${'a'.repeat(44)}`
type Node = Record<string, { '@id'?: string; '@value'?: string; '@list'?: unknown }[]> & { '@type'?: string[] }

let contexts: Map<string, object>
let expand: (document: object, options: object) => Promise<Node[]>
let state: DidState
let agreement: string

beforeAll(async () => {
  // These packages have no types of their own.
  const load = async (name: string) => (await import(name)).default
  expand = (await load('jsonld')).expand
  contexts = new Map([
    ...(await load('did-context')).contexts,
    ...(await load('@digitalbazaar/multikey-context')).contexts,
  ])
  const provider = nodeKeyProvider()
  const authority = await provider.ephemeral({ kind: 'signing', suite: 'p256' })
  agreement = encodeMultikey((await provider.ephemeral({ kind: 'agreement', suite: 'x25519' })).publicKey)
  const auth = { keys: [{ k: encodeMultikey(authority.publicKey), w: 1 }], threshold: 1, next: [], nextThreshold: 0 }
  state = { did: DID, status: 'active', auth } as unknown as DidState
})

const documentLoader = async (url: string) => {
  const document = contexts.get(url)
  if (!document) throw new Error(`the context ${url} is not at hand`)
  return { contextUrl: null, documentUrl: url, document }
}

test('every key and relationship is defined by the contexts, in safe mode', async () => {
  const services = [{ id: 'site', type: 'https://example.com/ns#Site', serviceEndpoint: 'https://example.com/' }]
  const body = makeBody([{ k: agreement, purposes: ['keyAgreement'] }], services, systemRandom)
  const [node] = await expand(deriveDocument(state, body), { documentLoader, safe: true })
  expect(node).toMatchObject({ '@id': DID })
  expect(node?.[`${SECURITY}keyAgreementMethod`] ?? node?.[`${SECURITY}keyAgreement`]).toEqual([
    { '@id': keyUrl(DID, agreement) },
  ])
  const methods = node?.[`${SECURITY}verificationMethod`] as unknown as Node[]
  expect(methods.map((method) => method['@type'])).toEqual([[`${SECURITY}Multikey`], [`${SECURITY}Multikey`]])
  expect(methods.map((method) => method[`${SECURITY}publicKeyMultibase`]?.[0]?.['@value'])).toContain(agreement)
})

test('a DIDComm service brings DIDComm’s context, and nothing else does', () => {
  const contextOf = (type: string): unknown =>
    deriveDocument(state, makeBody([], [{ id: 'agent', type, serviceEndpoint: 'https://a.example' }], systemRandom))[
      '@context'
    ]
  expect(contextOf('DIDCommMessaging')).toContain('https://didcomm.org/messaging/contexts/v2')
  expect(contextOf('Other')).not.toContain('https://didcomm.org/messaging/contexts/v2')
})
