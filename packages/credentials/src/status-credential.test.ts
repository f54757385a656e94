import { type JsonObject, seededRandom } from '@keystead/core'
import { describe, expect, test } from 'vitest'
import { addProof } from './data-integrity.ts'
import { MAX_STATUS_CHANGES, MAX_TIME, STATUS_LIST_ENTRIES } from './limits.ts'
import { readStatusList } from './status-credential.ts'
import { emptyStatusList, statusAt, withStatus } from './status-list.ts'
import { altered, DAY, NOW, Party } from './testing/party.ts'
import { iso } from './time.ts'
import { verifyCredential } from './verify-credential.ts'
import { openStatusList } from './verify-status.ts'

const [issuer, mallory] = [await Party.create('issuer'), await Party.create('mallory')]
const revoked = { list: withStatus(emptyStatusList(), 7), changes: [{ index: 7, at: NOW - DAY }] }

/** The list's subject with members replaced, signed again by its issuer. */
async function resigned(parts: Record<string, unknown>, type?: string[]): Promise<JsonObject> {
  const { proof: _, ...plain } = await issuer.statusList(revoked)
  const document = altered(plain, {
    ...(type === undefined ? {} : { type }),
    credentialSubject: { ...(plain['credentialSubject'] as JsonObject), ...parts },
  })
  return addProof(document, { verificationMethod: issuer.kid, proofPurpose: 'assertionMethod' }, issuer.key)
}

describe('CREDENTIAL-12: a status list is a credential of the issuer', () => {
  test('what is issued is read back, and is a valid credential', async () => {
    const issued = await issuer.statusList({ ...revoked, validUntil: iso(NOW + DAY) })
    expect(await readStatusList(issued)).toEqual(issuer.list({ ...revoked, validUntil: iso(NOW + DAY) }))
    expect(verifyCredential(issued, { issuer: issuer.evidence(), now: NOW }).outcome).toBe('valid')
  })

  test('opened with the evidence on its issuer it revokes', async () => {
    const statusList = await openStatusList(await issuer.statusList(revoked), issuer.evidence())
    const credential = await issuer.issue('did:dkms:a:b', { status: issuer.status(7) })
    if (!statusList) throw new Error('not opened')
    expect(verifyCredential(credential, { issuer: issuer.evidence(), now: NOW, statusList }).outcome).toBe('invalid')
  })

  test("a stranger's list under the issuer's name is not opened", async () => {
    const forged = await mallory.statusList({ issuer: issuer.did })
    expect(await openStatusList(forged, issuer.evidence())).toBeUndefined()
    expect(await openStatusList(forged, mallory.evidence())).toBeUndefined()
  })

  test('a list with one bit cleared by somebody else is not opened', async () => {
    const honest = await issuer.statusList(revoked)
    const cleared = (await issuer.statusList())['credentialSubject']
    expect(await openStatusList(altered(honest, { credentialSubject: cleared }), issuer.evidence())).toBeUndefined()
  })

  test('a list of an old or compromised key, or of an issuer that cannot be resolved, is not opened', async () => {
    const list = await issuer.statusList()
    const keys = [issuer.period({ until: NOW - DAY })]
    const stolen = [issuer.period({ compromisedSince: NOW - DAY })]
    for (const evidence of [undefined, null, issuer.evidence({ keys }), issuer.evidence({ keys: stolen })])
      expect(await openStatusList(list, evidence)).toBeUndefined()
  })

  test('an ordinary credential of the issuer is no status list, whatever its claims say', async () => {
    await expect(openStatusList(await issuer.issue('did:dkms:a:b'), issuer.evidence())).rejects.toMatchObject({
      code: 'BAD_STATUS_LIST',
    })
    await expect(readStatusList(await resigned({}, ['VerifiableCredential']))).rejects.toMatchObject({
      code: 'BAD_STATUS_LIST',
    })
  })

  test.each<[string, Record<string, unknown>]>([
    ['another purpose', { statusPurpose: 'suspension' }],
    ['another type', { type: 'StatusList2021' }],
    ['no list', { encodedList: undefined }],
    ['a list that does not inflate', { encodedList: 'uH4sI' }],
    ['a date that no calendar has', { changes: [{ index: 7, at: MAX_TIME + 1 }] }],
    ['a change without an index', { changes: [{ at: NOW }] }],
    ['too many changes', { changes: Array(MAX_STATUS_CHANGES + 1).fill({ index: 7, at: NOW }) }],
  ])('%s is refused as BAD_STATUS_LIST', async (_, parts) => {
    await expect(readStatusList(await resigned(parts))).rejects.toMatchObject({ code: 'BAD_STATUS_LIST' })
  })

  test('the last date that text can say is said', async () => {
    const statusList = await readStatusList(await resigned({ changes: [{ index: 7, at: MAX_TIME }] }))
    const credential = await issuer.issue('did:dkms:a:b', { status: issuer.status(7) })
    const verdict = verifyCredential(credential, { issuer: issuer.evidence(), now: NOW, statusList })
    expect(verdict.checks.at(-1)?.text).toBe('revoked since 9999-12-31T23:59:59Z')
  })

  test('after ten thousand revocations in a full list it is still read; the oldest have lost their dates', async () => {
    const list = new Uint8Array(seededRandom(3)(STATUS_LIST_ENTRIES / 8))
    const changes = Array.from({ length: 10_000 }, (_, n) => ({ index: 121_072 + n, at: NOW - 10_000 + n }))
    const read = await readStatusList(await issuer.statusList({ list, changes }))
    expect(read.changes).toEqual(changes.slice(-MAX_STATUS_CHANGES))
    expect(read.list).toEqual(list)
    expect(statusAt(read.list, 0)).toBe(statusAt(list, 0))
  })

  test('what nobody could read is not issued', async () => {
    await expect(issuer.statusList({ list: new Uint8Array(8) })).rejects.toMatchObject({ code: 'BAD_STATUS_LIST' })
    await expect(issuer.statusList({ validFrom: 'today' })).rejects.toMatchObject({ code: 'BAD_CREDENTIAL' })
  })
})
