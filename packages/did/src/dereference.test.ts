/** DID URLs: what each part of one selects, and what leads nowhere. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { combineResolvers, type DidDocument, dereference, resolved, unresolved } from './index.ts'

const document = {
  id: 'did:example:a',
  verificationMethod: [{ id: '#key-1', type: 'Multikey' }],
  authentication: ['#key-1', { id: 'did:example:a#key-2', type: 'Multikey' }],
  service: [
    { id: '#files', type: 'Files', serviceEndpoint: 'https://example.com/files/' },
    {
      id: 'did:example:a#agent',
      type: ['Agent'],
      serviceEndpoint: [{ uri: 'https://b.example' }, 'https://c.example/'],
    },
  ],
} as unknown as DidDocument

const resolver = combineResolvers({
  example: {
    versions: true,
    resolve: (did, { versionId }) =>
      did === document.id ? resolved(document, 'log', { versionId: versionId ?? '2' }) : unresolved('NOT_FOUND'),
  },
})
const ask = (rest: string, options = {}) => dereference(resolver, `did:example:a${rest}`, options)
const errorOf = async (rest: string, options = {}): Promise<string> => {
  const { content, dereferencingMetadata } = await ask(rest, options)
  expect(content).toBeNull()
  return String(dereferencingMetadata.error?.type.split('#')[1])
}

describe('a DID URL', () => {
  it('without anything is the document', async () => {
    expect((await ask('')).content).toEqual(document)
  })

  it('with a version asks for that version', async () => {
    expect((await ask('?versionId=1')).contentMetadata).toEqual({ versionId: '1' })
  })

  it('with a fragment is the method or the service it names', async () => {
    expect((await ask('#key-1')).content).toEqual(document.verificationMethod?.[0])
    expect((await ask('#key-2')).content).toMatchObject({ id: 'did:example:a#key-2' })
    expect((await ask('#files')).content).toEqual(document.service?.[0])
    expect(await errorOf('#key-9')).toBe('NOT_FOUND')
  })

  it('with a fragment and a relationship is a method that is listed there', async () => {
    expect((await ask('#key-1', { verificationRelationship: 'authentication' })).content).toMatchObject({
      id: '#key-1',
    })
    for (const verificationRelationship of ['assertionMethod', 'verificationMethod', '__proto__'])
      expect(await errorOf('#key-1', { verificationRelationship })).toBe('INVALID_DID_URL')
    expect(await errorOf('#files', { verificationRelationship: 'authentication' })).toBe('INVALID_DID_URL')
  })

  it('with a service is the document with that service alone', async () => {
    expect((await ask('?service=files')).content).toEqual({ ...document, service: [document.service?.[0]] })
    expect((await ask('?serviceType=Agent')).content).toEqual({ ...document, service: [document.service?.[1]] })
    expect(await errorOf('?service=files&serviceType=Agent')).toBe('NOT_FOUND')
  })

  it('with a service and a reference is a URL for who accepts one', async () => {
    const accept = 'text/uri-list'
    const { content, dereferencingMetadata } = await ask('?service=files&relativeRef=a%2Fb%3Fc%3Dd#top', { accept })
    expect(content).toEqual(['https://example.com/files/a/b?c=d#top'])
    expect(dereferencingMetadata.contentType).toBe(accept)
    expect((await ask('?service=agent', { accept })).content).toEqual(['https://c.example/'])
  })

  it.each([
    '../secret',
    '/secret',
    '%2E%2E/secret',
    'a/%2e%2e/%2e%2e/secret',
    '%252E%252E/secret',
    '..\\secret',
    'a%5C..%5Cb',
    'a%2Fb',
    '//evil.example/',
    'https://evil.example/files/',
    'javascript:alert(1)',
  ])('MUST NOT lead out of its service by %s', async (reference) => {
    const query = `?service=files&relativeRef=${encodeURIComponent(reference)}`
    expect(await errorOf(query, { accept: 'text/uri-list' })).toBe('INVALID_DID_URL')
  })

  it.each([
    ['?service=files&service=agent', 'INVALID_DID_URL'],
    ['?relativeRef=a', 'INVALID_DID_URL'],
    ['?service=%', 'INVALID_DID_URL'],
    ['/path', 'NOT_FOUND'],
    ['?transform=x', 'FEATURE_NOT_SUPPORTED'],
    ['?versionId=1&versionTime=2026-01-01T00:00:00Z', 'INVALID_OPTIONS'],
  ])('%s is %s', async (rest, name) => expect(await errorOf(rest)).toBe(name))

  it('of another kind is none', async () => {
    const { dereferencingMetadata } = await dereference(resolver, 'https://example.com/')
    expect(dereferencingMetadata.error?.type).toContain('#INVALID_DID_URL')
  })

  it('of any text gives content or an error, and never throws', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string(), fc.string(), async (rest, accept) => {
        const { content, dereferencingMetadata } = await ask(rest, { accept })
        expect(content === null).toBe(dereferencingMetadata.error !== undefined)
      }),
    )
  })
})
