import { canonicalJson, isKeysteadError, type JsonObject, parseJson } from '@keystead/core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type CredentialTemplate, parseCredential, VC_CONTEXT } from './credential.ts'
import { MAX_CREDENTIAL_BYTES } from './limits.ts'
import { altered, NOW, Party } from './testing/party.ts'
import { verifyCredential } from './verify-credential.ts'

const SUBJECT = 'did:dkms:aaaaaaaaaaaaaaaa:subject'

describe('CREDENTIAL-1: the shape of a credential', () => {
  test('what is issued is read back, over the wire, member by member', async () => {
    const issuer = await Party.create('issuer')
    const template: Partial<CredentialTemplate> = {
      id: 'urn:uuid:1',
      validUntil: '2027-01-01T00:00:00+02:00',
      status: issuer.status(7),
    }
    const issued = await issuer.issue(SUBJECT, template)
    const credential = parseCredential(parseJson(canonicalJson(issued), MAX_CREDENTIAL_BYTES))
    expect(credential).toMatchObject({
      document: issued,
      issuer: issuer.did,
      types: ['VerifiableCredential', 'Employee'],
      subject: SUBJECT,
      validFrom: '2026-05-22T00:00:00Z',
      validUntil: '2027-01-01T00:00:00+02:00',
      status: issuer.status(7),
      proof: { verificationMethod: issuer.kid, proofPurpose: 'assertionMethod', created: '2026-05-22T00:00:00Z' },
    })
    expect(issued['@context']).toEqual([VC_CONTEXT, 'https://www.w3.org/ns/credentials/undefined-terms/v2'])
    expect(issued['credentialSubject']).toMatchObject({ id: SUBJECT, role: 'Ingénieure' })
  })

  test('claims, whatever they hold, survive and verify; none replaces the subject', async () => {
    const issuer = await Party.create('issuer')
    await fc.assert(
      fc.asyncProperty(fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 4 })), async (claims) => {
        const issued = await issuer.issue(SUBJECT, { claims: claims as JsonObject })
        const wire = parseJson(canonicalJson(issued), MAX_CREDENTIAL_BYTES) as JsonObject
        expect(wire).toEqual(issued)
        const expected = JSON.parse(JSON.stringify({ ...claims, id: SUBJECT }))
        expect(wire['credentialSubject']).toEqual(expected)
        expect(verifyCredential(wire, { issuer: issuer.evidence(), now: NOW }).outcome).toBe('valid')
      }),
      { numRuns: 100 },
    )
  })

  test('members we do not know are carried and signed', async () => {
    const issuer = await Party.create('issuer')
    const issued = await issuer.issue(SUBJECT)
    const extended = altered(issued, { evidence: { type: 'Photo' } })
    expect(parseCredential(extended).document).toEqual(extended)
    expect(verifyCredential(extended, { issuer: issuer.evidence(), now: NOW }).checks).toContainEqual(
      expect.objectContaining({ code: 'SIGNATURE_INVALID' }),
    )
  })

  test.each<[string, Record<string, unknown>]>([
    ['no context', { '@context': undefined }],
    ['another first context', { '@context': ['https://www.w3.org/2018/credentials/v1', VC_CONTEXT] }],
    ['no type', { type: undefined }],
    ['another type only', { type: 'Employee' }],
    ['a type that is no text', { type: ['VerifiableCredential', 1] }],
    ['an issuer that is no DID', { issuer: 'https://issuer.example' }],
    ['an issuer without an id', { issuer: { name: 'x' } }],
    ['two subjects', { credentialSubject: [{ id: 'did:a:b' }, { id: 'did:a:c' }] }],
    ['a subject that is no object', { credentialSubject: 'did:a:b' }],
    ['a subject id that is no text', { credentialSubject: { id: 5 } }],
    ['a validFrom without a zone', { validFrom: '2026-01-01T00:00:00' }],
    ['a validFrom that is a date', { validFrom: '2026-01-01' }],
    ['a validUntil on 30 February', { validUntil: '2027-02-30T00:00:00Z' }],
    ['a validUntil before validFrom', { validUntil: '2020-01-01T00:00:00Z' }],
    ['a status of another kind', { credentialStatus: { type: 'StatusList2021Entry' } }],
    ['a status with another purpose', { credentialStatus: status({ statusPurpose: 'suspension' }) }],
    ['a status index with a leading zero', { credentialStatus: status({ statusListIndex: '01' }) }],
    ['a negative status index', { credentialStatus: status({ statusListIndex: '-1' }) }],
    ['a status with an unknown member', { credentialStatus: status({ statusSize: 2 }) }],
    ['several statuses', { credentialStatus: [status({}), status({})] }],
    ['no proof', { proof: undefined }],
    ['two proofs', { proof: [{}, {}] }],
  ])('%s is refused as BAD_CREDENTIAL', async (_, change) => {
    const issuer = await Party.create('issuer')
    const document = altered(await issuer.issue(SUBJECT), change)
    expect(() => parseCredential(document)).toThrow(expect.objectContaining({ code: 'BAD_CREDENTIAL' }))
    expect(verifyCredential(document, { issuer: issuer.evidence(), now: NOW })).toMatchObject({
      outcome: 'invalid',
      checks: [{ name: 'structure', code: 'BAD_CREDENTIAL' }],
    })
  })

  test('any other JSON, and anything else, is refused with BAD_CREDENTIAL', () => {
    fc.assert(
      fc.property(fc.oneof(fc.jsonValue(), fc.anything()), (value) => {
        try {
          parseCredential(value)
        } catch (error) {
          expect(isKeysteadError(error, 'BAD_CREDENTIAL')).toBe(true)
        }
      }),
      { numRuns: 1000 },
    )
  })

  test('one who changes the object after the check changes nothing that was checked', async () => {
    const issuer = await Party.create('issuer')
    const mutable = structuredClone(await issuer.issue(SUBJECT)) as Record<string, unknown>
    const credential = parseCredential(mutable)
    mutable['issuer'] = 'did:example:mallory'
    expect(credential.document['issuer']).toBe(issuer.did)
  })
})

describe('CREDENTIAL-2: what a verifier would refuse is not issued', () => {
  test.each<[string, Partial<CredentialTemplate>]>([
    ['a date without a zone', { validFrom: '2026-01-01' }],
    ['a period that ends before it begins', { validUntil: '2020-01-01T00:00:00Z' }],
    ['an issuer that is no DID', { issuer: 'Example Ltd' }],
    ['more than 60 KiB', { claims: { photo: 'x'.repeat(MAX_CREDENTIAL_BYTES) } }],
    ['claims nested without end', { claims: nested(40) }],
  ])('%s', async (_, parts) => {
    const issuer = await Party.create('issuer')
    await expect(issuer.issue(SUBJECT, parts)).rejects.toMatchObject({ code: 'BAD_CREDENTIAL' })
  })

  test('nesting that would exhaust the stack is a verdict, not a crash', async () => {
    const issuer = await Party.create('issuer')
    const deep = { ...(await issuer.issue(SUBJECT)), x: nested(50_000) }
    expect(verifyCredential(deep, { issuer: issuer.evidence(), now: NOW })).toMatchObject({
      outcome: 'invalid',
      checks: [{ code: 'BAD_CREDENTIAL' }],
    })
  })
})

function status(parts: Record<string, unknown>): Record<string, unknown> {
  return {
    type: 'BitstringStatusListEntry',
    statusPurpose: 'revocation',
    statusListIndex: '1',
    statusListCredential: 'https://agency.example/status/1',
    ...parts,
  }
}

function nested(depth: number): JsonObject {
  let value: JsonObject = {}
  for (let i = 0; i < depth; i++) value = { a: value }
  return value
}
