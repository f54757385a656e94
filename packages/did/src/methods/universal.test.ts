/** What another resolver says is passed on as its word: RES-2, RES-3. */
import { type Json, utf8 } from '@keystead/core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { combineResolvers, universalResolver, type WebGet } from '../index.ts'

const did = 'did:sov:WRfXPg8dantKVubE3HX8pw'
let asked = ''
const answering = (json: Json, status = 200) => {
  const get: WebGet = async (url) => {
    asked = url
    return { status, bytes: utf8(JSON.stringify(json)) }
  }
  return combineResolvers({}, universalResolver(get, 'https://resolver.example/'))
}

describe('RES-2: a document that we cannot check', () => {
  it('is marked unverified, with the resolver whose word it is', async () => {
    const resolver = answering({ didDocument: { id: did }, didResolutionMetadata: { proofLevel: 'bft' } })
    const { didDocument, didResolutionMetadata } = await resolver.resolve(did, { versionId: 'a&b' })
    expect(didDocument).toEqual({ id: did })
    expect(didResolutionMetadata).toMatchObject({ proofLevel: 'unverified', resolver: 'https://resolver.example' })
    expect(asked).toBe(`https://resolver.example/1.0/identifiers/${encodeURIComponent(did)}?versionId=a%26b`)
  })

  it('of another DID is refused', async () => {
    const { didResolutionMetadata } = await answering({ didDocument: { id: 'did:sov:other' } }).resolve(did)
    expect(didResolutionMetadata.error?.type).toContain('#INVALID_DID_DOCUMENT')
  })

  it.each([
    ['notFound', 'NOT_FOUND'],
    ['methodNotSupported', 'METHOD_NOT_SUPPORTED'],
    [{ type: 'https://www.w3.org/ns/did#NOT_FOUND', title: 'x' }, 'NOT_FOUND'],
    ['somethingElse', 'INTERNAL_ERROR'],
  ])('an error %j is %s', async (error, name) => {
    const { didResolutionMetadata } = await answering({ didResolutionMetadata: { error } }, 404).resolve(did)
    expect(didResolutionMetadata.error?.type).toBe(`https://www.w3.org/ns/did#${name}`)
    expect(didResolutionMetadata.proofLevel).toBe('unverified')
  })

  it('that is deactivated has no document', async () => {
    const resolver = answering({ didDocument: null, didDocumentMetadata: { deactivated: true } }, 410)
    expect(await resolver.resolve(did)).toMatchObject({ didDocument: null, didDocumentMetadata: { deactivated: true } })
  })

  it('without a resolver is of a method that is not supported', async () => {
    const { didResolutionMetadata } = await combineResolvers({}).resolve(did)
    expect(didResolutionMetadata.error?.type).toContain('#METHOD_NOT_SUPPORTED')
  })

  it('of any form never makes more of itself', async () => {
    await fc.assert(
      fc.asyncProperty(fc.jsonValue(), async (json) => {
        const { didDocument, didResolutionMetadata } = await answering(json as Json).resolve(did)
        expect(didDocument).toBeNull()
        expect(didResolutionMetadata.error).toBeDefined()
      }),
    )
  })
})
