/** A running node's answers, held to our OpenAPI file and, for resolution, to the Universal Resolver's. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { FakeClock } from '@keystead/core'
import { developmentParameters, encodeSubmission, networkHash, type Submission } from '@keystead/did-dkms'
import { Validator } from '@seriousme/openapi-schema-validator'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { vectorsDir } from '../../../core/src/testing/vectors.ts'
import { Owner } from '../../../did-dkms/src/testing/owner.ts'
import { encodeEnvelope } from '../engine/comet/envelope.ts'
import { keys, removeFolders, START, temporaryFolder } from '../testing/ledger.ts'
import { type Contract, readContract } from '../testing/openapi.ts'
import { ledgerHttp } from './app.ts'
import { type LedgerNode, serveLedger } from './serve.ts'

const ours = readContract(fileURLToPath(new URL('../../../../spec/openapi/ledger.yaml', import.meta.url)))
const universalFile = join(vectorsDir() ?? '', '..', 'contracts', 'universal-resolver.openapi.yaml')

let node: LedgerNode
/** DIDs by what became of them. */
let updated: string
let ended: string
let versions: string[]

beforeAll(async () => {
  const clock = new FakeClock(START * 1000)
  node = await serveLedger({
    data: temporaryFolder(),
    signerFolder: temporaryFolder(),
    host: '127.0.0.1',
    port: 0,
    network: { chainId: 'keystead-test-1', parameters: developmentParameters },
    freshSeconds: 1,
    clock,
    keys,
    log: () => {},
  })
  const submit = async (submission: Submission) => {
    clock.advance(10_000)
    await node.ledger.submit(encodeSubmission(submission))
    return submission
  }
  const owner = (): Owner => new Owner(keys, networkHash(node.ledger.genesis), START + 86_400)
  const [alice, bob] = [owner(), owner()]
  const genesis = await submit(await alice.genesis())
  updated = genesis.operation.did
  const next = await submit(await alice.update(stateAfter(genesis)))
  versions = [genesis, next].map(({ operation, hash }) => `${operation.seq}-${hash}`)
  const other = await submit(await bob.genesis())
  ended = other.operation.did
  await submit(await bob.deactivate(stateAfter(other)))
})
afterAll(async () => {
  await node.close()
  removeFolders()
})

/** As much of a state as the next operation is made from. */
const stateAfter = ({ operation, hash }: Submission) =>
  ({ did: operation.did, seq: operation.seq, head: hash }) as Parameters<Owner['update']>[0]

interface Answer {
  status: number
  type: string | null
  body: never
  location: string | null
}

async function ask(path: string, accept?: string, body?: string | Uint8Array<ArrayBuffer>): Promise<Answer> {
  const answer = await fetch(`${node.url}${path}`, {
    redirect: 'manual',
    ...(accept === undefined ? {} : { headers: { accept } }),
    ...(body === undefined ? {} : { method: 'POST', body }),
  })
  const text = await answer.text()
  const type = answer.headers.get('content-type')
  const json = type?.includes('octet-stream') || text === '' ? null : JSON.parse(text)
  return {
    status: answer.status,
    type,
    body: json as never,
    location: answer.headers.get('location'),
  }
}

const IDENTIFIERS = '/1.0/identifiers/{identifier}'
const RESULT = 'application/did-resolution'
const other = (did: string): string => `${did.slice(0, -1)}${did.endsWith('a') ? 'b' : 'a'}`
const id = (text: string): string => `/1.0/identifiers/${encodeURIComponent(text)}`

/** Every kind of answer to a resolution: what is asked, as which type, and the status and type that must come. */
const resolutions = (): [path: string, accept: string | undefined, status: number, type: string][] => [
  [id(updated), undefined, 200, RESULT],
  [`/1.0/identifiers/${updated}`, RESULT, 200, RESULT],
  [id(updated), 'application/json', 200, RESULT],
  [id(updated), 'application/did', 200, 'application/did'],
  [id(updated), 'application/did-url-dereferencing', 200, 'application/did-url-dereferencing'],
  [`${id(updated)}?versionId=${versions[0]}`, RESULT, 200, RESULT],
  [`${id(updated)}?versionTime=2027-01-15T08:00:15Z&noCache=true`, RESULT, 200, RESULT],
  [id(`${updated}?versionId=${versions[0]}`), 'application/did', 200, 'application/did'],
  [`${id(updated)}?expandRelativeUrls=true`, RESULT, 200, RESULT],
  [id(ended), RESULT, 410, RESULT],
  [id(ended), 'application/did', 410, 'application/did'],
  [id(ended), 'application/did-url-dereferencing', 410, 'application/did-url-dereferencing'],
  [id(other(updated)), RESULT, 404, RESULT],
  [`${id(updated)}?versionId=9-none`, RESULT, 404, RESULT],
  [id(`${updated}#nothing`), undefined, 404, 'application/did-url-dereferencing'],
  [id('did:dkms:nonsense'), RESULT, 400, RESULT],
  [id('nonsense'), RESULT, 400, RESULT],
  [`${id(updated)}?versionId=1&versionTime=2027-01-15T08:00:15Z`, RESULT, 400, RESULT],
  [`${id(updated)}?versionTime=yesterday`, RESULT, 400, RESULT],
  [id(updated), 'text/html', 406, RESULT],
  [id('did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK'), RESULT, 501, RESULT],
  [`${id(updated)}?transform=x`, RESULT, 501, RESULT],
]

async function holdResolutions(contract: Contract, path: string): Promise<void> {
  for (const [question, accept, status, type] of resolutions()) {
    const answer = await ask(question, accept)
    expect([question, answer.status, answer.type]).toEqual([question, status, type])
    contract.hold('GET', path, answer)
    const [place, query = ''] = question.split('?')
    const body = JSON.stringify(Object.fromEntries(new URLSearchParams(query)))
    const posted = await ask(place as string, accept, body)
    expect([question, posted.status, posted.type]).toEqual([question, status, type])
    contract.hold('POST', path, posted)
  }
}

describe('our OpenAPI file', () => {
  test('is OpenAPI 3.1', async () => {
    const result = await new Validator().validate(
      structuredClone(ours.document) as Parameters<Validator['validate']>[0],
    )
    expect(result.errors).toBeUndefined()
    expect(result.valid).toBe(true)
  })

  test('describes every route of the node, and no other', () => {
    const app = ledgerHttp(node.ledger, { freshSeconds: 1, log: () => {} })
    const routes = app.routes
      .filter(({ method }) => method !== 'ALL')
      .map(({ method, path }) => `${method} ${path.replace(/:([a-z]+)(\{.+\})?/gi, '{$1}')}`)
    const described = Object.entries(ours.paths).flatMap(([path, item]) =>
      Object.keys(item)
        .filter((method) => method !== 'parameters')
        .map((method) => `${method.toUpperCase()} ${path}`),
    )
    expect(described.sort()).toEqual([...new Set(routes)].sort())
  })

  test('holds for resolutions by GET and POST', () => holdResolutions(ours, IDENTIFIERS))

  test('holds for parts of documents and for endpoints', async () => {
    const result = await ask(id(updated), 'application/did')
    const [method] = (result.body as { verificationMethod: { id: string }[] }).verificationMethod
    const part = await ask(id(method?.id ?? ''), 'application/did')
    expect(part).toMatchObject({ status: 200, body: method })
    ours.hold('GET', IDENTIFIERS, part)
    const first = `${updated}?versionId=${versions[0]}&service=agent`
    const endpoint = await ask(id(first), 'text/uri-list')
    expect(endpoint).toMatchObject({ status: 303, location: 'https://a.example' })
    ours.hold('GET', IDENTIFIERS, endpoint)
    const plain = await ask(`${id(updated)}?service=agent&versionId=${versions[0]}`, 'application/did')
    expect(plain.body).toMatchObject({ service: [{ id: `${updated}#agent` }] })
    const wrong = await ask(`${id(method?.id ?? '')}?verificationRelationship=keyAgreement`)
    expect(wrong.status).toBe(400)
    ours.hold('GET', IDENTIFIERS, wrong)
  })

  test.each([
    ['/v1/head', '/v1/head'],
    ['/v1/head?consistencyFrom=1', '/v1/head'],
    ['/v1/genesis', '/v1/genesis'],
    ['/v1/network', '/v1/network'],
    ['/health', '/health'],
    ['/1.0/methods', '/1.0/methods'],
    ['/1.0/properties', '/1.0/properties'],
    ['/1.0/testIdentifiers', '/1.0/testIdentifiers'],
    ['/1.0/traits', '/1.0/traits'],
    ['/v1/log/nonsense', '/v1/log/{did}', 400],
    ['/v1/proofs/nonsense', '/v1/proofs/{did}', 400],
    ['/v1/light-blocks/1', '/v1/light-blocks/{height}'],
    ['/v1/light-blocks/99999', '/v1/light-blocks/{height}', 404],
    ['/v1/consistency/1/2', '/v1/consistency/{from}/{to}'],
    ['/v1/consistency/1/99', '/v1/consistency/{from}/{to}', 404],
  ])('holds for %s', async (question, path, status = 200) => {
    const answer = await ask(question)
    expect(answer.status).toBe(status)
    ours.hold('GET', path, answer)
  })

  test('holds for histories, receipts and refusals', async () => {
    for (const did of [updated, ended, other(updated)])
      for (const route of ['/v1/log/', '/v1/proofs/'])
        ours.hold('GET', `${route}{did}`, await ask(`${route}${did}?consistencyFrom=1`))
    const fresh = await new Owner(keys, networkHash(node.ledger.genesis), START + 86_400).genesis()
    const bytes = new TextDecoder().decode(encodeSubmission(fresh))
    for (const [body, status] of [
      [bytes, 200],
      [bytes, 200],
      [`${bytes} `, 400],
      ['x'.repeat(20_000), 413],
    ] as const) {
      const answer = await ask('/v1/operations', undefined, body)
      expect(answer.status).toBe(status)
      ours.hold('POST', '/v1/operations', answer)
    }
    const another = encodeSubmission(await new Owner(keys, networkHash(node.ledger.genesis), START + 86_400).genesis())
    const mixed = Buffer.from(encodeEnvelope([another, Buffer.from(`${bytes} `), Buffer.from(bytes)]))
    for (const [body, status] of [
      [mixed, 200],
      [mixed.subarray(0, -1), 400],
    ] as const) {
      const answer = await ask('/v1/envelopes', undefined, body)
      expect(answer.status).toBe(status)
      ours.hold('POST', '/v1/envelopes', answer)
      if (status !== 200) continue
      const { results } = answer.body as { results: { problem?: { code: string } }[] }
      expect(results.map((one) => one.problem?.code ?? 'ok')).toEqual(['ok', 'BAD_OPERATION', 'ok'])
    }
    const app = ledgerHttp(node.ledger, { freshSeconds: 1, log: () => {} })
    const over = await app.request('/v1/envelopes', { method: 'POST', body: new Uint8Array(600_000) })
    expect([over.status, await over.json()]).toEqual([413, expect.objectContaining({ code: 'TOO_LARGE' })])
    const large = await ask(id(updated), RESULT, JSON.stringify({ versionId: 'x'.repeat(20_000) }))
    expect(large.status).toBe(413)
    ours.hold('POST', IDENTIFIERS, large)
  })

  test('holds for any path, header and body a stranger sends: refused in the same shape, and never a failure of the node', async () => {
    const app = ledgerHttp(node.ledger, { freshSeconds: 1, log: () => {} })
    const piece = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom(updated, '%', '?service=agent', '#', '/..', '&versionId=1'),
    )
    const header = fc.oneof(
      fc.constantFrom('*/*', 'application/did', 'text/uri-list', ',;q=', RESULT),
      fc.base64String(),
    )
    await fc.assert(
      fc.asyncProperty(
        fc.array(piece, { minLength: 1, maxLength: 4 }),
        header,
        fc.option(fc.json()),
        async (parts, accept, body) => {
          const method = body === null ? 'GET' : 'POST'
          const answer = await app.request(id(`did:${parts.join('')}`), { method, headers: { accept }, body })
          const type = answer.headers.get('content-type')
          expect(answer.status).not.toBe(500)
          const text = await answer.text()
          ours.hold(method, IDENTIFIERS, { status: answer.status, type, body: text === '' ? null : JSON.parse(text) })
        },
      ),
      { numRuns: 200 },
    )
  })

  test('holds for a path that is not even percent-encoding', async () => {
    for (const path of ['%zz', '%', 'did:dkms:%ff%fe', '%00'])
      expect((await ask(`/1.0/identifiers/${path}`)).status).toBe(400)
  })

  test('fails for an answer that is not described', () => {
    const hold = (answer: object) => () => ours.hold('GET', '/health', answer as never)
    expect(hold({ status: 418, type: 'application/json', body: {} })).toThrow('status 418')
    expect(hold({ status: 200, type: 'text/html', body: {} })).toThrow('text/html')
    expect(hold({ status: 200, type: 'application/json', body: { status: 'ill' } })).toThrow('status')
  })
})

describe.skipIf(!existsSync(universalFile))('the Universal Resolver’s OpenAPI file', () => {
  test('holds for resolutions by GET and POST, and for what the node says of itself', async () => {
    // Two slips of the file against DID Resolution: `deactivated` is a boolean, and a deactivated DID has the document null.
    const universal = readContract(universalFile, (text) =>
      text
        .replace(/(deactivated:\n\s+type: )string/, '$1boolean')
        .replace(/(ResolutionResult:[\s\S]*?didDocument:\n\s+type: )object/, "$1[object, 'null']")
        .replace(/(DereferencingResult:[\s\S]*?\n\s+content:\n\s+type: )object/, "$1[object, 'null']"),
    )
    await holdResolutions(universal, '/identifiers/{identifier}')
    for (const path of ['/methods', '/properties', '/testIdentifiers', '/traits'])
      universal.hold('GET', path, await ask(`/1.0${path}`))
  })
})

describe('a version of a document', () => {
  const resolve = async (query: string) => (await ask(`${id(updated)}?${query}`)).body as Record<string, never>

  test('DKMS-32: is the one that stood, by id and by time, names the next, and comes with the history that proves it', async () => {
    const first = await resolve(`versionId=${versions[0]}`)
    expect(first).toMatchObject({
      didDocument: { service: [{ id: `${updated}#agent` }] },
      didDocumentMetadata: { versionId: versions[0], nextVersionId: versions[1], proof: [{ entries: [{}, {}] }] },
    })
    const { created, nextUpdate } = first['didDocumentMetadata'] as unknown as Record<string, string>
    expect((await resolve(`versionTime=${created}`))['didDocumentMetadata']).toMatchObject({ versionId: versions[0] })
    const second = await resolve(`versionTime=${nextUpdate}`)
    expect(second).toMatchObject({ didDocumentMetadata: { versionId: versions[1], updated: nextUpdate } })
    expect(second['didDocument']).toEqual((await resolve(''))['didDocument'])
    expect((await resolve('versionTime=1970-01-01T00:00:00Z'))['didDocument']).toBeNull()
  })

  test('of a DID that has ended since is still there', async () => {
    const { created } = ((await ask(id(ended))).body as { didDocumentMetadata: Record<string, string> })
      .didDocumentMetadata
    const then = await ask(`${id(ended)}?versionTime=${created}`)
    expect(then).toMatchObject({ status: 200, body: { didDocument: { id: ended } } })
  })
})
