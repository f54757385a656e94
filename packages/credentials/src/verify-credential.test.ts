import { base64url, type JsonObject, seededRandom } from '@keystead/core'
import { describe, expect, test } from 'vitest'
import { type AnchorReceipt, anchorBatch } from './anchor.ts'
import { addProof } from './data-integrity.ts'
import type { DidEvidence, KeyEvidence } from './evidence.ts'
import { withStatus } from './status-list.ts'
import { altered, DAY, NOW, newKey, Party } from './testing/party.ts'
import { iso } from './time.ts'
import { type CredentialContext, verifyCredential } from './verify-credential.ts'

const SUBJECT = 'did:dkms:aaaaaaaaaaaaaaaa:subject'
const issuer = await Party.create('issuer')
const random = seededRandom(5)

const at = (days: number): number => NOW + days * DAY
const codes = (document: JsonObject, context: Partial<CredentialContext>): string => {
  const verdict = verifyCredential(document, { issuer: issuer.evidence(), now: NOW, ...context })
  return [verdict.outcome, ...verdict.checks.map((check) => check.code)].join(' ')
}

/** The credential's anchor at `days` from now, and evidence that shows it. */
function anchored(
  document: JsonObject,
  days: number,
  keys: KeyEvidence[] = [issuer.period()],
): { receipt: AnchorReceipt; issuer: DidEvidence } {
  const salt = random(16)
  const { root, paths } = anchorBatch([document, { other: true }], [salt, random(16)])
  return {
    receipt: { v: 1, did: issuer.did, seq: 3, salt: base64url.encode(salt), path: paths[0] ?? [] },
    issuer: issuer.evidence({ keys, anchors: [{ seq: 3, root, time: at(days) }] }),
  }
}

describe('CREDENTIAL-6: who signed', () => {
  test('a credential of a key in use is valid, and the verdict says on what level it rests', async () => {
    const verdict = verifyCredential(await issuer.issue(SUBJECT), { issuer: issuer.evidence(), now: NOW })
    expect(verdict).toMatchObject({ outcome: 'valid', level: 'bft' })
    expect(verdict.checks.map((check) => check.code)).toEqual(['SIGNATURE_HOLDS', 'KEY_IN_USE', 'WITHIN_PERIOD'])
  })

  test('without evidence on the issuer it is undetermined, never valid', async () => {
    expect(codes(await issuer.issue(SUBJECT), { issuer: undefined })).toBe(
      'undetermined ISSUER_UNRESOLVED WITHIN_PERIOD',
    )
  })

  test('an issuer the ledger proves absent, or evidence on another DID, makes it invalid', async () => {
    const mallory = await Party.create('mallory')
    const issued = await issuer.issue(SUBJECT)
    expect(codes(issued, { issuer: null })).toBe('invalid ISSUER_UNKNOWN WITHIN_PERIOD')
    expect(codes(issued, { issuer: mallory.evidence() })).toBe('invalid ISSUER_UNKNOWN WITHIN_PERIOD')
  })

  test("a stranger's signature under the issuer's name is invalid", async () => {
    const mallory = await Party.create('mallory')
    const underOwnKey = await mallory.issue(SUBJECT, { issuer: issuer.did })
    expect(codes(underOwnKey, {})).toBe('invalid KEY_NOT_OF_ISSUER WITHIN_PERIOD')
    const { proof: _, ...plain } = underOwnKey
    const options = { verificationMethod: issuer.kid, proofPurpose: 'assertionMethod' } as const
    expect(codes(await addProof(plain, options, mallory.key), {})).toBe('invalid SIGNATURE_INVALID WITHIN_PERIOD')
  })

  test('a key for authentication only makes no claims', async () => {
    const keys = [issuer.period({ purposes: ['authentication'] })]
    expect(codes(await issuer.issue(SUBJECT), { issuer: issuer.evidence({ keys }) })).toBe(
      'invalid KEY_NOT_OF_ISSUER WITHIN_PERIOD',
    )
  })

  test('a signature made to authenticate is no claim', async () => {
    const { proof: _, ...plain } = await issuer.issue(SUBJECT)
    const options = { verificationMethod: issuer.kid, proofPurpose: 'authentication' } as const
    expect(codes(await addProof(plain, options, issuer.key), {})).toBe('invalid KEY_NOT_OF_ISSUER WITHIN_PERIOD')
  })

  test('an issuer written as an object with an id is the same issuer', async () => {
    const { proof: _, ...plain } = await issuer.issue(SUBJECT)
    const options = { verificationMethod: issuer.kid, proofPurpose: 'assertionMethod' } as const
    const named = await addProof({ ...plain, issuer: { id: issuer.did, name: 'Example Ltd' } }, options, issuer.key)
    expect(codes(named, {})).toBe('valid SIGNATURE_HOLDS KEY_IN_USE WITHIN_PERIOD')
  })
})

describe('CREDENTIAL-9: when it was signed', () => {
  const replaced = [issuer.period({ until: at(-2) })]
  const stolen = [issuer.period({ until: at(-2), compromisedSince: at(-4) })]

  test('after a rotation the anchored credential still verifies; the one without a receipt is undetermined', async () => {
    const issued = await issuer.issue(SUBJECT)
    expect(codes(issued, anchored(issued, -9, replaced))).toBe(
      'valid SIGNATURE_HOLDS SIGNED_WHILE_IN_USE WITHIN_PERIOD',
    )
    expect(codes(issued, { issuer: issuer.evidence({ keys: replaced }) })).toBe(
      'undetermined SIGNATURE_HOLDS SIGNING_TIME_UNPROVEN WITHIN_PERIOD',
    )
  })

  test('one back-dated with a stolen key never verifies, whatever date it bears', async () => {
    const backDated = await issuer.issue(SUBJECT, { validFrom: iso(at(-50)) })
    expect(codes(backDated, { issuer: issuer.evidence({ keys: stolen }) })).toMatch(/^invalid .*KEY_COMPROMISED/)
    expect(codes(backDated, anchored(backDated, -3, stolen))).toMatch(/^invalid .*KEY_COMPROMISED/)
    expect(codes(backDated, anchored(backDated, -5, stolen))).toMatch(/^valid .*SIGNED_WHILE_IN_USE/)
  })

  test("a receipt of another credential, another anchor or another issuer's log is invalid", async () => {
    const [issued, other] = [await issuer.issue(SUBJECT), await issuer.issue(`${SUBJECT}2`)]
    const mismatch = 'invalid SIGNATURE_HOLDS RECEIPT_MISMATCH WITHIN_PERIOD'
    const context = anchored(issued, -9)
    expect(codes(other, context)).toBe(mismatch)
    expect(codes(issued, { ...context, receipt: { ...context.receipt, seq: 4 } })).toBe(mismatch)
    expect(codes(issued, { ...context, receipt: { ...context.receipt, did: `${issuer.did}2` } })).toBe(mismatch)
    expect(codes(issued, { ...context, receipt: { ...context.receipt, salt: '?' } })).toBe(mismatch)
    expect(codes(issued, { ...context, receipt: { ...context.receipt, path: [] } })).toBe(mismatch)
  })

  test('a changed credential does not fit its receipt', async () => {
    const issued = await issuer.issue(SUBJECT)
    const resigned = await issuer.issue(SUBJECT, { claims: { role: 'Director' } })
    expect(codes(resigned, anchored(issued, -9, stolen))).toMatch(/^invalid .*RECEIPT_MISMATCH/)
  })

  test('a deactivated issuer: signed before is valid, unproven is undetermined', async () => {
    const issued = await issuer.issue(SUBJECT)
    const context = anchored(issued, -9, [issuer.period({ until: at(-1) })])
    const gone = { ...context.issuer, deactivatedAt: at(-1) }
    expect(codes(issued, { ...context, issuer: gone })).toMatch(/^valid /)
    expect(codes(issued, { issuer: gone })).toMatch(/^undetermined .*SIGNING_TIME_UNPROVEN/)
  })
})

describe('CREDENTIAL-10: a key with several periods', () => {
  const [first, second] = [issuer.period({ from: at(-100), until: at(-50) }), issuer.period({ from: at(-20) })]

  test('what was signed in an earlier period is valid, in the gap between it is not', async () => {
    const issued = await issuer.issue(SUBJECT)
    expect(codes(issued, anchored(issued, -60, [first, second]))).toMatch(/^valid .*SIGNED_WHILE_IN_USE/)
    expect(codes(issued, anchored(issued, -10, [first, second]))).toMatch(/^valid .*SIGNED_WHILE_IN_USE/)
    expect(codes(issued, anchored(issued, -30, [first, second]))).toMatch(/^invalid .*KEY_NOT_YET_AUTHORIZED/)
  })

  test('a change of purposes does not undo what the key signed before', async () => {
    const issued = await issuer.issue(SUBJECT)
    const keys = [issuer.period({ until: at(-20), purposes: ['assertionMethod'] }), second]
    expect(codes(issued, anchored(issued, -60, keys))).toMatch(/^valid /)
    const withdrawn = [
      issuer.period({ until: at(-20) }),
      issuer.period({ from: at(-20), purposes: ['authentication'] }),
    ]
    expect(codes(issued, anchored(issued, -60, withdrawn))).toMatch(/^valid /)
    expect(codes(issued, anchored(issued, -10, withdrawn))).toMatch(/^invalid .*KEY_REPLACED_BEFORE_SIGNING/)
    expect(codes(issued, { issuer: issuer.evidence({ keys: withdrawn }) })).toMatch(/^undetermined /)
  })

  test('a compromised key that comes back stays compromised', async () => {
    const issued = await issuer.issue(SUBJECT)
    const keys = [{ ...first, compromisedSince: at(-70) }, second]
    expect(codes(issued, { issuer: issuer.evidence({ keys }) })).toMatch(/^invalid .*KEY_COMPROMISED/)
    expect(codes(issued, anchored(issued, -10, keys))).toMatch(/^invalid .*KEY_COMPROMISED/)
    expect(codes(issued, anchored(issued, -80, keys))).toMatch(/^valid /)
  })
})

describe('CREDENTIAL-14: periods', () => {
  test.each<[number, string]>([
    [-61, 'invalid SIGNATURE_HOLDS KEY_IN_USE NOT_YET_VALID'],
    [-60, 'valid SIGNATURE_HOLDS KEY_IN_USE WITHIN_PERIOD'],
    [3600 + 60, 'valid SIGNATURE_HOLDS KEY_IN_USE WITHIN_PERIOD'],
    [3600 + 61, 'invalid SIGNATURE_HOLDS KEY_IN_USE EXPIRED'],
  ])('%i seconds from the first of a credential good for an hour: %s', async (offset, expected) => {
    const issued = await issuer.issue(SUBJECT, { validFrom: iso(NOW), validUntil: iso(NOW + 3600) })
    expect(codes(issued, { now: NOW + offset })).toBe(expected)
  })

  test('a zone is an offset: 10:00+02:00 is 08:00Z', async () => {
    const issued = await issuer.issue(SUBJECT, { validFrom: '2026-06-01T10:00:00+02:00' })
    expect(codes(issued, { now: Date.UTC(2026, 5, 1, 7, 58) / 1000 })).toMatch(/NOT_YET_VALID$/)
    expect(codes(issued, { now: Date.UTC(2026, 5, 1, 8) / 1000 })).toMatch(/WITHIN_PERIOD$/)
  })
})

describe('CREDENTIAL-13: revocation', () => {
  const revoked = issuer.list({
    list: withStatus(issuer.list().list, 7),
    changes: [{ index: 7, at: Date.UTC(2026, 4, 30) / 1000 }],
  })

  test('a clear bit is not revoked; without a status entry no list is asked for', async () => {
    const issued = await issuer.issue(SUBJECT, { status: issuer.status(8) })
    expect(codes(issued, { statusList: revoked })).toMatch(/^valid .*NOT_REVOKED$/)
    expect(codes(await issuer.issue(SUBJECT), {})).toMatch(/^valid .*WITHIN_PERIOD$/)
  })

  test('a revoked credential is invalid, and says since when', async () => {
    const issued = await issuer.issue(SUBJECT, { status: issuer.status(7) })
    const check = (statusList: typeof revoked): unknown =>
      verifyCredential(issued, { issuer: issuer.evidence(), now: NOW, statusList }).checks.at(-1)
    expect(codes(issued, { statusList: revoked })).toMatch(/^invalid .*REVOKED$/)
    expect(check(revoked)).toMatchObject({ code: 'REVOKED', text: 'revoked since 2026-05-30T00:00:00Z' })
    expect(check({ ...revoked, changes: [] })).toMatchObject({
      text: 'revoked since 2026-05-31T00:00:00Z at the latest',
    })
  })

  test('without its list it is undetermined, never valid', async () => {
    const issued = await issuer.issue(SUBJECT, { status: issuer.status(7) })
    expect(codes(issued, {})).toMatch(/^undetermined .*STATUS_UNKNOWN$/)
  })

  test("another list, or another issuer's list of that name, does not count", async () => {
    const issued = await issuer.issue(SUBJECT, { status: issuer.status(7) })
    const mallory = await Party.create('mallory')
    for (const statusList of [issuer.list({ id: 'https://agency.example/status/2' }), mallory.list()])
      expect(codes(issued, { statusList })).toMatch(/^undetermined .*STATUS_UNKNOWN$/)
  })

  test('an index beyond the list is invalid', async () => {
    const issued = await issuer.issue(SUBJECT, { status: issuer.status(131_072) })
    expect(codes(issued, { statusList: revoked })).toMatch(/^invalid .*STATUS_INDEX_OUT_OF_RANGE$/)
  })

  test('an old list kept back by somebody runs out; what it revoked stays revoked', async () => {
    const [clear, set] = [issuer.status(8), issuer.status(7)]
    const old = { ...revoked, validUntil: iso(NOW - 61) }
    expect(codes(await issuer.issue(SUBJECT, { status: clear }), { statusList: old })).toMatch(
      /^undetermined .*STATUS_OUT_OF_DATE$/,
    )
    expect(codes(await issuer.issue(SUBJECT, { status: set }), { statusList: old })).toMatch(/^invalid .*REVOKED$/)
    const fresh = { ...revoked, validUntil: iso(NOW - 59) }
    expect(codes(await issuer.issue(SUBJECT, { status: clear }), { statusList: fresh })).toMatch(/^valid /)
    const future = { ...revoked, validFrom: iso(NOW + 61) }
    expect(codes(await issuer.issue(SUBJECT, { status: clear }), { statusList: future })).toMatch(/^undetermined /)
  })

  test('a revoked credential stays revoked when the issuer cannot be resolved, and cannot shed its entry', async () => {
    const issued = await issuer.issue(SUBJECT, { status: issuer.status(7) })
    expect(codes(issued, { issuer: undefined, statusList: revoked })).toMatch(/^invalid .*REVOKED$/)
    const shed = altered(issued, { credentialStatus: undefined })
    expect(codes(shed, { statusList: revoked })).toMatch(/^invalid .*SIGNATURE_INVALID/)
  })
})

test('CREDENTIAL-3: the same words signed by the same key again are another credential with the same verdict', async () => {
  const other = new Party('issuer', await newKey())
  const keys = [issuer.period({ until: at(-1) }), other.period({ from: at(-1) })]
  expect(codes(await other.issue(SUBJECT), { issuer: issuer.evidence({ keys }) })).toMatch(/^valid .*KEY_IN_USE/)
})
