/** did:web and did:webvh against published logs, and against hosts and DIDs that lead astray. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type JsonObject, utf8 } from '@keystead/core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { vectorsDir } from '../../core/src/testing/vectors.ts'
import {
  combineResolvers,
  type ResolutionOptions,
  resolveWebvh,
  webLocation,
  webResolver,
  webvhResolver,
} from './index.ts'

const folder = join(vectorsDir() ?? '', 'did-webvh')
const here = vectorsDir() !== undefined && existsSync(folder)
const NOW = Date.UTC(2026, 10, 1) / 1000

/** Known faulty under the text of 1.0: the vectors' own README names them. */
const FAULTY = (name: string, by: string): boolean =>
  name === 'witness-update' || (by === 'rust' && name.startsWith('witness'))

interface Case {
  readonly name: string
  readonly by: string
  readonly log: string
  readonly witnesses: string | undefined
  readonly expected: { didDocument: JsonObject | null; didDocumentMetadata: JsonObject }
}

function cases(negative: boolean): Case[] {
  if (!here) return []
  return readdirSync(folder)
    .filter((name) => name.startsWith('negative') === negative)
    .flatMap((name) =>
      readdirSync(join(folder, name), { withFileTypes: true })
        .filter((entry) => entry.isDirectory())
        .map(({ name: by }) => {
          const read = (file: string): string | undefined => {
            const path = join(folder, name, by, file)
            return existsSync(path) ? readFileSync(path, 'utf8') : undefined
          }
          return {
            name,
            by,
            log: read('did.jsonl') ?? '',
            witnesses: read('did-witness.json'),
            expected: JSON.parse(read('resolutionResult.json') ?? 'null'),
          }
        }),
    )
}

const didIn = (log: string): string =>
  (JSON.parse(log.trim().split('\n').at(-1) ?? '{}') as { state: { id: string } }).state.id

describe.skipIf(!here)('vectors: did:webvh', () => {
  const positive = cases(false).filter(({ name, by }) => !FAULTY(name, by))

  it.each(positive.map((test) => [`${test.name} by ${test.by}`, test] as const))('%s resolves', (_, test) => {
    const did = didIn(test.log)
    const { didDocument, didDocumentMetadata } = resolveWebvh(did, { ...test, now: NOW })
    expect(didDocument?.id).toBe(did)
    expect(didDocumentMetadata['versionId']).toBe(test.expected.didDocumentMetadata['versionId'])
    expect(didDocumentMetadata['deactivated']).toBe(test.expected.didDocumentMetadata['deactivated'] || undefined)
    expect(didDocument?.verificationMethod).toEqual(test.expected.didDocument?.['verificationMethod'])
  })

  it('all are run: 58 logs and the known faulty six, and 16 that must be refused', () => {
    expect([positive.length, cases(false).length, cases(true).length]).toEqual([58, 64, 16])
  })

  it('older versions are found by id and by time, and name the next; the end of a DID ends them all', () => {
    const [test] = positive.filter(({ name, by }) => name === 'basic-update' && by === 'ts')
    if (!test) throw new Error('the vector is there')
    const did = didIn(test.log)
    const entries = test.log
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { versionId: string; versionTime: string })
    const [first, second] = [entries[0], entries[1]]
    const resolve = (options: ResolutionOptions) => resolveWebvh(did, { ...test, now: NOW }, options)
    expect(resolve({ versionId: first?.versionId ?? '' }).didDocumentMetadata).toMatchObject({
      versionId: first?.versionId,
      nextVersionId: second?.versionId,
    })
    expect(resolve({ versionTime: first?.versionTime ?? '' }).didDocumentMetadata['versionId']).toBe(first?.versionId)
    expect(resolve({ versionId: '9-none' }).didResolutionMetadata.error?.type).toContain('#NOT_FOUND')
  })

  it('a log of any form is refused with a code', () => {
    const did = `did:webvh:Qm${'a'.repeat(44)}:example.com`
    const line = fc.record({
      versionId: fc.string(),
      versionTime: fc.string(),
      parameters: fc.object(),
      state: fc.object(),
    })
    const log = fc.oneof(fc.string(), fc.array(fc.oneof(fc.jsonValue(), line), { minLength: 1 }))
    fc.assert(
      fc.property(log, fc.option(fc.string(), { nil: undefined }), (lines, witnesses) => {
        const text = typeof lines === 'string' ? lines : lines.map((item) => JSON.stringify(item)).join('\n')
        expect(() => resolveWebvh(did, { log: text, witnesses, now: NOW })).toThrow(
          expect.objectContaining({ code: 'INVALID_DID' }),
        )
      }),
    )
  })

  it.each(cases(true).map((test) => [test.name, test] as const))('%s is refused', (name, test) => {
    const script = readFileSync(join(folder, name, 'script.yaml'), 'utf8')
    const did = /did: "([^"]+)"/.exec(script)?.[1] ?? didIn(test.log)
    expect(() => resolveWebvh(did, { ...test, now: NOW })).toThrow(expect.objectContaining({ code: 'INVALID_DID' }))
  })

  it('any changed byte of a log is refused or changes nothing', () => {
    const [test] = positive.filter(({ name, by }) => name === 'key-rotation' && by === 'ts')
    if (!test) throw new Error('the vector is there')
    const did = didIn(test.log)
    const before = JSON.stringify(resolveWebvh(did, { ...test, now: NOW }))
    fc.assert(
      fc.property(fc.nat(test.log.length - 1), fc.constantFrom(...'aZ09{}",: '), (at, character) => {
        const log = test.log.slice(0, at) + character + test.log.slice(at + 1)
        try {
          expect(JSON.stringify(resolveWebvh(did, { ...test, log, now: NOW }))).toBe(before)
        } catch (error) {
          expect((error as { code?: string }).code).toMatch(/^INVALID_DID(_DOCUMENT)?$/)
        }
      }),
      { numRuns: 300 },
    )
  })
})

describe('where a DID lies on the web', () => {
  it('is HTTPS, a domain name, its port and its path', () => {
    expect(webLocation(['example.com'])).toEqual({ origin: 'https://example.com', path: '' })
    expect(webLocation(['example.com%3A8443', 'dids', 'a%20b'])).toEqual({
      origin: 'https://example.com:8443',
      path: 'dids/a%20b',
    })
  })

  it.each([
    [['127.0.0.1']],
    [['127.0.0.1%3a8080']],
    [['127%2E0%2E0%2E1']],
    [['2130706433']],
    [['0x7f000001']],
    [['example.com', '..', 'admin']],
    [['example.com', '%2E%2E', 'admin']],
    [['example.com', 'a%2Fb']],
    [['example.com', '']],
    [['example.com%3A0']],
    [['example.com%3A1%3A2']],
    [['user@example.com']],
    [['exa mple.com']],
    [['']],
  ])('%s leads nowhere', (parts) =>
    expect(() => webLocation(parts)).toThrow(expect.objectContaining({ code: 'INVALID_DID' })),
  )
})

it('any text leads to a place below one HTTPS origin, or nowhere', () => {
  const part = fc.oneof(
    fc.string(),
    fc.constantFrom('..', '%2e%2e', '%2F', 'example.com', 'a', '%00', '[::1]', '1.1.1.1'),
  )
  fc.assert(
    fc.property(fc.array(part, { minLength: 1, maxLength: 5 }), (parts) => {
      try {
        const { origin, path } = webLocation(parts)
        const url = new URL(`${origin}/${path}/did.json`)
        expect(url.href).toBe(`${origin}/${path}/did.json`.replace(':443/', '/'))
        expect(url.protocol).toBe('https:')
      } catch (error) {
        expect(error).toMatchObject({ code: 'INVALID_DID' })
      }
    }),
  )
})

describe('resolution over the web', () => {
  const asked: string[] = []
  const serve = (files: Record<string, string>) => async (url: string) => {
    asked.push(url)
    return files[url] === undefined ? undefined : utf8(files[url])
  }
  const document = (id: string): string => JSON.stringify({ '@context': 'https://www.w3.org/ns/did/v1', id })

  it('of did:web asks the one place and demands the one id', async () => {
    const files = {
      'https://example.com/.well-known/did.json': document('did:web:example.com'),
      'https://example.com/alice/did.json': document('did:web:example.com:bob'),
    }
    const resolver = combineResolvers({ web: webResolver(serve(files)) })
    expect((await resolver.resolve('did:web:example.com')).didDocument?.id).toBe('did:web:example.com')
    const other = await resolver.resolve('did:web:example.com:alice')
    expect(other.didResolutionMetadata.error?.type).toContain('#INVALID_DID_DOCUMENT')
    const none = await resolver.resolve('did:web:example.com:carol')
    expect(none.didResolutionMetadata.error?.type).toContain('#NOT_FOUND')
    const astray = await resolver.resolve('did:web:127.0.0.1')
    expect(astray.didResolutionMetadata.error?.type).toContain('#INVALID_DID')
    expect(asked.every((url) => url.startsWith('https://example.com/'))).toBe(true)
  })

  it('of did:webvh says when there is no log', async () => {
    const resolver = combineResolvers({ webvh: webvhResolver(serve({}), () => NOW) })
    const { didResolutionMetadata } = await resolver.resolve(`did:webvh:Qm${'a'.repeat(44)}:example.com`)
    expect(didResolutionMetadata.error?.type).toContain('#NOT_FOUND')
  })
})
