/** Changed bytes: no mutation of a secured document verifies, and none does worse than throw an error of ours. */
import { canonicalJson, equalBytes, isKeysteadError, type Json, type JsonObject, parseJson } from '@keystead/core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Outcome } from './check.ts'
import { verifyProof } from './data-integrity.ts'
import { createPresentation } from './presentation.ts'
import { withStatus } from './status-list.ts'
import { mutations, NOW, Party } from './testing/party.ts'
import { verifyCredential } from './verify-credential.ts'
import { verifyPresentation } from './verify-presentation.ts'
import { openStatusList } from './verify-status.ts'

const [issuer, holder] = [await Party.create('issuer'), await Party.create('holder')]
const binding = { challenge: 'cAfvn0Nlyj9I2QXT4V6yxA', domain: 'https://verifier.example' }
const credential = await issuer.issue(holder.did, { status: issuer.status(7), validUntil: '2027-01-01T00:00:00Z' })
const presentation = await createPresentation(holder.did, [credential], binding, holder.key, holder.kid)
const context = { issuer: issuer.evidence(), now: NOW, statusList: issuer.list() }

const judgeCredential = (value: JsonObject): Outcome => verifyCredential(value, context).outcome
const judgePresentation = (value: JsonObject): Outcome =>
  verifyPresentation(value, { binding, holder: holder.evidence(), credentials: [context] }).outcome

/** The value the bytes stand for; undefined when they are no JSON, or the very same value written otherwise. */
function changed(bytes: Uint8Array, original: Uint8Array): Json | undefined {
  try {
    const value = parseJson(bytes, 1 << 20)
    return equalBytes(canonicalJson(value), original) ? undefined : value
  } catch (error) {
    expect(isKeysteadError(error)).toBe(true)
    return undefined
  }
}

/** How many of all mutations of a document were JSON and were judged; none of them valid. */
function judged(document: JsonObject, judge: (value: JsonObject) => Outcome): number {
  const original = canonicalJson(document)
  expect(judge(document)).toBe('valid')
  let count = 0
  for (const bytes of mutations(original)) {
    const value = changed(bytes, original)
    if (value === undefined) continue
    count++
    if (judge(value as JsonObject) === 'valid') expect.fail(`verifies: ${new TextDecoder().decode(bytes)}`)
  }
  return count
}

describe('CREDENTIAL-3: no changed byte verifies', () => {
  test('of a credential: every bit flipped, every byte left out or doubled', () => {
    expect(judged(credential, judgeCredential)).toBeGreaterThan(4000)
  })

  test('of a presentation: every bit flipped, every byte left out or doubled', () => {
    expect(judged(presentation, judgePresentation)).toBeGreaterThan(6000)
  })

  test('of a status list: none is opened', async () => {
    const list = await issuer.statusList({ list: withStatus(issuer.list().list, 7) })
    const original = canonicalJson(list)
    for (const bytes of mutations(original)) {
      const value = changed(bytes, original)
      if (value === undefined) continue
      const opened = await openStatusList(value as JsonObject, issuer.evidence()).catch((error: unknown) => {
        expect(isKeysteadError(error, 'BAD_CREDENTIAL', 'BAD_STATUS_LIST')).toBe(true)
      })
      expect(opened).toBeUndefined()
    }
  })

  test('any member, at any depth, replaced by any other value', () => {
    const paths = [...leaves(presentation, [])]
    fc.assert(
      fc.property(fc.constantFrom(...paths), fc.jsonValue(), (path, value) => {
        const other = replaced(presentation, path, value as Json)
        if (equalBytes(canonicalJson(other), canonicalJson(presentation))) return
        expect(judgePresentation(other as JsonObject)).not.toBe('valid')
      }),
      { numRuns: 2000 },
    )
  })

  test('the proof alone, read without the rest of the credential, takes no changed byte either', () => {
    const original = canonicalJson(credential)
    for (const bytes of mutations(original)) {
      const value = changed(bytes, original)
      if (value === undefined) continue
      try {
        expect(verifyProof(value as JsonObject, issuer.key.publicKey)).toBe(false)
      } catch (error) {
        if (!isKeysteadError(error)) throw error
      }
    }
  })

  test('any JSON at all is judged, never valid', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(judgeCredential(value as JsonObject)).toBe('invalid')
        expect(judgePresentation(value as JsonObject)).toBe('invalid')
      }),
      { numRuns: 500 },
    )
  })
})

function* leaves(value: Json, path: readonly string[]): Generator<readonly string[]> {
  if (path.length > 0) yield path
  if (typeof value !== 'object' || value === null) return
  for (const [name, child] of Object.entries(value)) yield* leaves(child as Json, [...path, name])
}

function replaced(value: Json, [name, ...rest]: readonly string[], by: Json): Json {
  if (name === undefined) return by
  if (Array.isArray(value))
    return value.map((item, n) => (String(n) === name ? replaced(item as Json, rest, by) : item))
  const object = value as JsonObject
  return { ...object, [name]: replaced(object[name] as Json, rest, by) }
}
