import type { JsonObject } from '@keystead/core'
import { describe, expect, test } from 'vitest'
import { addProof } from './data-integrity.ts'
import { MAX_CREDENTIALS, MAX_PRESENTATION_BYTES } from './limits.ts'
import { createPresentation, parsePresentation } from './presentation.ts'
import { withStatus } from './status-list.ts'
import { altered, DAY, NOW, Party } from './testing/party.ts'
import { type PresentationContext, verifyPresentation } from './verify-presentation.ts'

const [issuer, holder, mallory] = [
  await Party.create('issuer'),
  await Party.create('holder'),
  await Party.create('mallory'),
]
const binding = { challenge: 'cAfvn0Nlyj9I2QXT4V6yxA', domain: 'https://verifier.example' }
const credential = await issuer.issue(holder.did)
const present = (credentials: JsonObject[] = [credential], by = holder, name = by.did): Promise<JsonObject> =>
  createPresentation(name, credentials, binding, by.key, by.kid)

function verify(document: JsonObject, parts: Partial<PresentationContext> = {}): ReturnType<typeof verifyPresentation> {
  const credentials = [{ issuer: issuer.evidence(), now: NOW }]
  return verifyPresentation(document, { binding, holder: holder.evidence(), credentials, ...parts })
}
/** Outcome, and the codes that are not fine. */
function faults(document: JsonObject, parts: Partial<PresentationContext> = {}): string {
  const { outcome, checks } = verify(document, parts)
  return [outcome, ...checks.filter((check) => check.outcome !== 'valid').map((check) => check.code)].join(' ')
}

describe('CREDENTIAL-15: a presentation answers one verifier once', () => {
  test('of the subject, for this challenge and domain, it is valid with its credential', async () => {
    const verdict = verify(await present())
    expect(verdict).toMatchObject({ outcome: 'valid', level: 'bft', credentials: [{ outcome: 'valid' }] })
    expect(verdict.checks.map((check) => check.code)).toEqual([
      'CHALLENGE_MATCHES',
      'DOMAIN_MATCHES',
      'HOLDER_IS_SUBJECT',
      'HOLDER_SIGNED',
      'CREDENTIAL_VALID',
    ])
  })

  test('replayed to another challenge it is invalid', async () => {
    expect(faults(await present(), { binding: { ...binding, challenge: 'another' } })).toBe(
      'invalid CHALLENGE_MISMATCH',
    )
  })

  test('passed on to another verifier it is invalid', async () => {
    expect(faults(await present(), { binding: { ...binding, domain: 'https://other.example' } })).toBe(
      'invalid DOMAIN_MISMATCH',
    )
  })

  test('without challenge or domain it is invalid', async () => {
    const { proof: _, ...plain } = await present()
    const options = { verificationMethod: holder.kid, proofPurpose: 'authentication' } as const
    expect(faults(await addProof(plain, options, holder.key))).toBe('invalid CHALLENGE_MISMATCH DOMAIN_MISMATCH')
  })

  test('rewritten to fit the challenge, its signature does not hold', async () => {
    const presented = await present()
    const proof = { ...(presented['proof'] as JsonObject), challenge: 'another' }
    expect(faults(altered(presented, { proof }), { binding: { ...binding, challenge: 'another' } })).toBe(
      'invalid SIGNATURE_INVALID',
    )
  })
})

describe('CREDENTIAL-16: the holder is the subject', () => {
  test("somebody else's credential is invalid, however well presented", async () => {
    const stolen = await present([credential], mallory)
    expect(faults(stolen, { holder: mallory.evidence() })).toBe('invalid HOLDER_IS_NOT_SUBJECT')
  })

  test("under the subject's name a thief has no key", async () => {
    expect(faults(await present([credential], mallory, holder.did))).toBe('invalid KEY_NOT_OF_HOLDER')
    const forged = await createPresentation(holder.did, [credential], binding, mallory.key, holder.kid)
    expect(faults(forged)).toBe('invalid SIGNATURE_INVALID')
  })

  test('one credential of somebody else among own ones is invalid', async () => {
    const other = await issuer.issue(mallory.did)
    const context = { issuer: issuer.evidence(), now: NOW }
    expect(faults(await present([credential, other]), { credentials: [context, context] })).toBe(
      'invalid HOLDER_IS_NOT_SUBJECT',
    )
  })

  test('a credential without a subject belongs to nobody', async () => {
    const { proof: _, ...plain } = credential
    const options = { verificationMethod: issuer.kid, proofPurpose: 'assertionMethod' } as const
    const bearer = await addProof({ ...plain, credentialSubject: { role: 'x' } }, options, issuer.key)
    expect(faults(await present([bearer]))).toBe('invalid HOLDER_IS_NOT_SUBJECT')
  })
})

describe('CREDENTIAL-17: only a key in use today presents', () => {
  const [revoked, strange] = ['HOLDER_KEY_REVOKED', 'KEY_NOT_OF_HOLDER']
  test.each<[string, string, ReturnType<Party['period']>[]]>([
    ['replaced', revoked, [holder.period({ until: NOW - DAY })]],
    ['declared compromised', revoked, [holder.period({ compromisedSince: NOW - DAY })]],
    [
      'come back after a compromise',
      revoked,
      [holder.period({ until: NOW - 2 * DAY, compromisedSince: NOW - 3 * DAY }), holder.period({ from: NOW - DAY })],
    ],
    ['for claims only', strange, [holder.period({ purposes: ['assertionMethod'] })]],
    ['unknown', strange, []],
  ])('a key %s does not', async (_, code, keys) => {
    expect(faults(await present(), { holder: holder.evidence({ keys }) })).toBe(`invalid ${code}`)
  })

  test('what was shown while the owner had stopped the DID is undetermined, before and after it is not', async () => {
    const stopped = (until?: number) => ({
      holder: holder.evidence({
        keys: [holder.period({ suspended: [{ from: NOW - DAY, ...(until === undefined ? {} : { until }) }] })],
      }),
    })
    expect(faults(await present(), stopped())).toBe('undetermined HOLDER_SUSPENDED')
    expect(faults(await present(), stopped(NOW))).toBe('valid')
    expect(faults(await present(), { ...stopped(NOW), shownAt: NOW - 1 })).toBe('undetermined HOLDER_SUSPENDED')
    expect(faults(await present(), { ...stopped(), shownAt: NOW - 2 * DAY })).toBe('valid')
  })

  test('a deactivated holder does not', async () => {
    expect(faults(await present(), { holder: holder.evidence({ deactivatedAt: NOW - DAY }) })).toBe(
      'invalid HOLDER_KEY_REVOKED',
    )
  })

  test('a signature made for claims is no authentication', async () => {
    const { proof: _, ...plain } = await present()
    const options = { verificationMethod: holder.kid, proofPurpose: 'assertionMethod', ...binding } as const
    expect(faults(await addProof(plain, options, holder.key))).toBe('invalid KEY_NOT_OF_HOLDER')
  })

  test('a holder that cannot be resolved is undetermined; one proven absent is invalid', async () => {
    expect(faults(await present(), { holder: undefined })).toBe('undetermined HOLDER_UNRESOLVED')
    expect(faults(await present(), { holder: null })).toBe('invalid HOLDER_UNKNOWN')
    expect(faults(await present(), { holder: mallory.evidence() })).toBe('invalid HOLDER_UNKNOWN')
  })
})

describe('CREDENTIAL-18: each credential is judged by itself', () => {
  test('an undetermined credential makes the presentation undetermined', async () => {
    for (const credentials of [[], [{ issuer: undefined, now: NOW }]])
      expect(faults(await present(), { credentials })).toBe('undetermined CREDENTIAL_UNDETERMINED')
    const withEntry = await issuer.issue(holder.did, { status: issuer.status(1) })
    expect(faults(await present([withEntry]))).toBe('undetermined CREDENTIAL_UNDETERMINED')
  })

  test('a revoked credential makes it invalid, with the reason', async () => {
    const withEntry = await issuer.issue(holder.did, { status: issuer.status(1) })
    const statusList = issuer.list({ list: withStatus(issuer.list().list, 1), changes: [{ index: 1, at: NOW }] })
    const verdict = verify(await present([withEntry]), {
      credentials: [{ issuer: issuer.evidence(), now: NOW, statusList }],
    })
    expect(verdict.outcome).toBe('invalid')
    expect(verdict.checks.at(-1)).toMatchObject({ code: 'CREDENTIAL_INVALID', text: expect.stringMatching(/^revoked/) })
  })

  test('the level is the weakest of holder and issuers', async () => {
    const weak = [{ issuer: issuer.evidence({ level: 'operator-signed' }), now: NOW }]
    expect(verify(await present(), { credentials: weak }).level).toBe('operator-signed')
    const strong = holder.evidence({ level: 'bft+witnessed' })
    expect(verify(await present(), { holder: strong }).level).toBe('bft')
  })
})

describe('CREDENTIAL-15: presentations are closed', () => {
  test('what is presented is read back', async () => {
    const presented = await present()
    expect(parsePresentation(presented)).toMatchObject({
      document: presented,
      holder: holder.did,
      credentials: [{ document: credential }],
      proof: { ...binding, proofPurpose: 'authentication' },
    })
  })

  test.each<[string, Record<string, unknown>, string]>([
    ['an unknown member', { termsOfUse: {} }, 'BAD_PRESENTATION'],
    ['another context', { '@context': ['https://www.w3.org/2018/credentials/v1'] }, 'BAD_PRESENTATION'],
    ['another type', { type: ['VerifiableCredential'] }, 'BAD_PRESENTATION'],
    ['no holder', { holder: undefined }, 'BAD_PRESENTATION'],
    ['a holder that is no DID', { holder: 'https://holder.example' }, 'BAD_PRESENTATION'],
    ['no credential', { verifiableCredential: [] }, 'BAD_PRESENTATION'],
    ['too many credentials', { verifiableCredential: Array(MAX_CREDENTIALS + 1).fill({}) }, 'BAD_PRESENTATION'],
    ['no proof', { proof: undefined }, 'BAD_PRESENTATION'],
    ['two proofs', { proof: [{}, {}] }, 'BAD_PRESENTATION'],
    ['more than 64 KiB', { id: 'x'.repeat(MAX_PRESENTATION_BYTES) }, 'BAD_PRESENTATION'],
    ['a credential that is none', { verifiableCredential: [{}] }, 'BAD_CREDENTIAL'],
    ['a credential that is text', { verifiableCredential: ['ey…'] }, 'BAD_CREDENTIAL'],
  ])('%s is refused', async (_, change, code) => {
    const document = altered(await present(), change)
    expect(() => parsePresentation(document)).toThrow(expect.objectContaining({ code }))
    expect(verify(document)).toMatchObject({
      outcome: 'invalid',
      checks: [{ name: 'structure', code }],
      credentials: [],
    })
  })

  test('what a verifier would refuse is not presented', async () => {
    await expect(present([])).rejects.toMatchObject({ code: 'BAD_PRESENTATION' })
    await expect(present([{}])).rejects.toMatchObject({ code: 'BAD_CREDENTIAL' })
    await expect(present([credential], holder, 'Alice')).rejects.toMatchObject({ code: 'BAD_PRESENTATION' })
  })

  test('the largest credential fits into a presentation', async () => {
    const large = await issuer.issue(holder.did, { claims: { photo: 'x'.repeat(60 * 1024 - 1200) } })
    expect(faults(await present([large]))).toBe('valid')
  })
})
