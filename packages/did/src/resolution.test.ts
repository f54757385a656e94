/** The algorithm of DID Resolution around the methods: options, errors, deactivation, relative URLs. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  acceptedTypes,
  combineResolvers,
  type DidDocument,
  parseResolutionOptions,
  resolved,
  unresolved,
} from './index.ts'

const document = {
  id: 'did:example:a',
  verificationMethod: [{ id: '#key-1', type: 'Multikey', publicKeyMultibase: 'z6Mk' }],
  authentication: ['#key-1'],
  service: [{ id: '#files', type: 'Files', serviceEndpoint: 'https://example.com/' }],
} as DidDocument

const resolver = combineResolvers({
  example: (did) => (did === document.id ? resolved(document, 'self-certifying') : unresolved('NOT_FOUND')),
  ended: () => resolved({ id: 'did:ended:a' } as DidDocument, 'log', { deactivated: true }),
  log: { versions: true, resolve: (_, options) => resolved(document, 'log', { asked: { ...options } }) },
  broken: () => {
    throw new TypeError('a secret path')
  },
})
const errorOf = async (did: string, options = {}) => {
  const { didDocument, didResolutionMetadata } = await resolver.resolve(did, options)
  expect(didDocument).toBeNull()
  return didResolutionMetadata.error
}

describe('a resolution', () => {
  it('says what it found, as which type, and how far it was checked', async () => {
    expect(await resolver.resolve('did:example:a')).toEqual({
      didDocument: document,
      didResolutionMetadata: { contentType: 'application/did', proofLevel: 'self-certifying' },
      didDocumentMetadata: {},
    })
  })

  it.each([
    ['did:example', {}, 'INVALID_DID'],
    ['did:other:a', {}, 'METHOD_NOT_SUPPORTED'],
    ['did:example:b', {}, 'NOT_FOUND'],
    ['did:example:a', { versionId: '1' }, 'FEATURE_NOT_SUPPORTED'],
    ['did:log:a', { versionId: '1', versionTime: '2026-01-01T00:00:00Z' }, 'INVALID_OPTIONS'],
    ['did:log:a', { versionTime: 'yesterday' }, 'INVALID_OPTIONS'],
    ['did:example:a', { accept: 'text/html' }, 'REPRESENTATION_NOT_SUPPORTED'],
    ['did:broken:a', {}, 'INTERNAL_ERROR'],
  ])('of %s with %j is the RFC 9457 error %s', async (did, options, name) => {
    const error = await errorOf(did, options)
    expect(error).toMatchObject({ type: `https://www.w3.org/ns/did#${name}`, title: expect.any(String) })
    expect(JSON.stringify(error)).not.toContain('secret')
  })

  it('of a deactivated DID has metadata and no document', async () => {
    expect(await resolver.resolve('did:ended:a')).toMatchObject({
      didDocument: null,
      didDocumentMetadata: { deactivated: true },
    })
  })

  it('expands relative URLs where it is asked to', async () => {
    const { didDocument } = await resolver.resolve('did:example:a', { expandRelativeUrls: true })
    expect(didDocument).toMatchObject({
      verificationMethod: [{ id: 'did:example:a#key-1' }],
      authentication: ['did:example:a#key-1'],
      service: [{ id: 'did:example:a#files' }],
    })
  })

  it('gives the wanted type of document', async () => {
    const accept = 'text/html;q=0.9, application/did+json;q=0.5, application/did+ld+json;q=0.7'
    const { didResolutionMetadata } = await resolver.resolve('did:example:a', { accept })
    expect(didResolutionMetadata.contentType).toBe('application/did+ld+json')
  })
})

describe('options', () => {
  it('are the same from a query and from JSON', () => {
    expect(parseResolutionOptions({ versionId: '1', noCache: 'true', expandRelativeUrls: false })).toEqual({
      versionId: '1',
      noCache: true,
      expandRelativeUrls: false,
    })
  })

  it.each([
    [{ versionId: 1 }, 'INVALID_OPTIONS'],
    [{ versionId: '' }, 'INVALID_OPTIONS'],
    [{ noCache: 'yes' }, 'INVALID_OPTIONS'],
    [{ versionTime: '2026-13-01T00:00:00Z' }, 'INVALID_OPTIONS'],
    [{ versionTime: '2026-01-01T00:00:00.5Z' }, 'INVALID_OPTIONS'],
    [{ transform: 'x' }, 'FEATURE_NOT_SUPPORTED'],
  ])('%j is %s', (value, code) =>
    expect(() => parseResolutionOptions(value)).toThrow(expect.objectContaining({ code })),
  )

  it('of any kind are taken or refused with a code', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (value) => {
        try {
          parseResolutionOptions(value as Parameters<typeof parseResolutionOptions>[0])
        } catch (error) {
          expect((error as { code: string }).code).toMatch(/^(INVALID_OPTIONS|FEATURE_NOT_SUPPORTED)$/)
        }
      }),
    )
  })

  it('an Accept header of any kind is a list of types', () => {
    fc.assert(fc.property(fc.string(), (text) => !acceptedTypes(text).includes('')))
  })
})
