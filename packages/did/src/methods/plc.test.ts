/** did:plc against the published audit logs, and against a directory that lies. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Json, type JsonObject, utf8 } from '@keystead/core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { vectorsDir } from '../../../core/src/testing/vectors.ts'
import { combineResolvers, plcResolver, resolvePlc } from '../index.ts'

const folder = join(vectorsDir() ?? '', 'did-plc')
const here = vectorsDir() !== undefined && existsSync(folder)
type Log = (JsonObject & { did: string; cid: string; createdAt: string; nullified: boolean })[]

const logs = (kind: 'valid' | 'invalid'): [string, Log][] =>
  here
    ? readdirSync(join(folder, kind)).map((name) => [name, JSON.parse(readFileSync(join(folder, kind, name), 'utf8'))])
    : []
const log = (name: string): Log => logs('valid').find(([file]) => file === `log_${name}.json`)?.[1] ?? []
const didOf = (entries: Log): string => entries[0]?.did ?? ''

describe.skipIf(!here)('vectors: did:plc', () => {
  it.each(logs('valid'))('%s resolves to its newest operation that stands', (_, entries) => {
    const { didDocumentMetadata, didResolutionMetadata } = resolvePlc(didOf(entries), entries as Json)
    expect(didDocumentMetadata['versionId']).toBe(entries.findLast(({ nullified }) => !nullified)?.cid)
    expect(didResolutionMetadata.proofLevel).toBe('log')
  })

  it.each(logs('invalid'))('%s is refused', (_, entries) => {
    expect(() => resolvePlc(didOf(entries), entries as Json)).toThrow(expect.objectContaining({ code: 'INVALID_DID' }))
  })

  it('a legacy creation reads in today’s words', () => {
    const entries = log('legacy_dholms').slice(0, 1)
    expect(resolvePlc(didOf(entries), entries as Json).didDocument).toMatchObject({
      alsoKnownAs: ['at://dan.bsky.social'],
      verificationMethod: [{ id: `${didOf(entries)}#atproto`, type: 'Multikey', controller: didOf(entries) }],
      service: [{ id: `${didOf(entries)}#atproto_pds`, serviceEndpoint: 'https://bsky.social' }],
    })
  })

  it('a tombstone ends the DID, a nullified one does not', async () => {
    const resolve = (entries: Log) =>
      combineResolvers({ plc: plcResolver(async () => utf8(JSON.stringify(entries))) }).resolve(didOf(entries))
    expect(await resolve(log('tombstone'))).toMatchObject({
      didDocument: null,
      didDocumentMetadata: { deactivated: true },
    })
    const stands = await resolve(log('nullified_tombstone'))
    expect(stands.didDocument?.alsoKnownAs).toEqual(['at://op3'])
    expect(stands.didDocumentMetadata['deactivated']).toBeUndefined()
  })

  it('older versions are found by id and by time, and name the next', () => {
    const entries = log('bskyapp')
    const [first, second] = entries as [Log[number], Log[number]]
    const byId = resolvePlc(didOf(entries), entries as Json, { versionId: first.cid })
    expect(byId.didDocumentMetadata).toMatchObject({ versionId: first.cid, nextVersionId: second.cid })
    const versionTime = `${second.createdAt.slice(0, 19)}Z`
    expect(resolvePlc(didOf(entries), entries as Json, { versionTime }).didDocumentMetadata['versionId']).toBe(
      first.cid,
    )
    const before = resolvePlc(didOf(entries), entries as Json, { versionTime: '1970-01-01T00:00:00Z' })
    expect(before.didResolutionMetadata.error?.type).toContain('#NOT_FOUND')
  })

  it('an operation that stands and is left out or moved, and any that is marked or renamed otherwise, is refused', () => {
    const entries = log('nullification_nontrivial')
    const refused = (changed: Log): void =>
      expect(() => resolvePlc(didOf(entries), changed as Json)).toThrow(
        expect.objectContaining({ code: 'INVALID_DID' }),
      )
    // That a nullified one is missing cannot be seen: nothing follows it.
    for (let at = 0; at < entries.length - 1; at++) {
      if (entries[at]?.nullified) continue
      refused(entries.toSpliced(at, 1))
      refused(entries.with(at, entries[at + 1] as Log[number]).with(at + 1, entries[at] as Log[number]))
    }
    for (const [at, entry] of entries.entries()) {
      refused(entries.with(at, { ...entry, nullified: !entry.nullified }))
      refused(entries.with(at, { ...entry, did: 'did:plc:aaaaaaaaaaaaaaaaaaaaaaaa' }))
      refused(entries.with(at, { ...entry, cid: entries[at === 0 ? 1 : 0]?.cid ?? '' }))
      refused(entries.with(at, { ...entry, more: true }))
    }
  })

  it('any changed byte is refused or changes nothing that is proven', () => {
    const entries = log('bnewbold_robocracy')
    const text = JSON.stringify(entries)
    const document = JSON.stringify(resolvePlc(didOf(entries), entries as Json).didDocument)
    fc.assert(
      fc.property(fc.nat(text.length - 1), fc.constantFrom(...'aZ09{}",: '), (at, character) => {
        let changed: Json
        try {
          changed = JSON.parse(text.slice(0, at) + character + text.slice(at + 1))
        } catch {
          return
        }
        try {
          expect(JSON.stringify(resolvePlc(didOf(entries), changed).didDocument)).toBe(document)
        } catch (error) {
          expect(error).toMatchObject({ code: 'INVALID_DID' })
        }
      }),
      { numRuns: 300 },
    )
  })

  it('anything else never does more than be refused', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(() => resolvePlc('did:plc:aaaaaaaaaaaaaaaaaaaaaaaa', value as Json)).toThrow(
          expect.objectContaining({ code: 'INVALID_DID' }),
        )
      }),
    )
  })
})
