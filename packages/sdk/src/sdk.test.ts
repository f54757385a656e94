/** Resolution for anybody: RES-30, and the `did-resolver` package as its users use it. */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { FakeClock, systemRandom } from '@keystead/core'
import { nodeKeyProvider } from '@keystead/crypto/node'
import { createDidKey } from '@keystead/did'
import { developmentParameters, encodeSubmission, networkHash, type Submission } from '@keystead/did-dkms'
import { EmbeddedLedger, LedgerStore, ledgerHttp, Signer } from '@keystead/ledger'
import type { FetchPort } from '@keystead/light-client'
import { Resolver } from 'did-resolver'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Owner } from '../../did-dkms/src/testing/owner.ts'
import { getResolver, publicResolver } from './index.ts'

const keys = nodeKeyProvider()
const clock = new FakeClock(1_800_000_000_000)
const folders: string[] = []
let ledger: EmbeddedLedger
let fetch: FetchPort
let first: Submission
let ended: string

async function start(): Promise<EmbeddedLedger> {
  const [data, signer] = [0, 1].map(() => mkdtempSync(join(tmpdir(), 'keystead-sdk-'))) as [string, string]
  folders.push(data, signer)
  return EmbeddedLedger.open({
    store: LedgerStore.open(join(data, 'l.lmdb')),
    signer: await Signer.open(signer, keys),
    clock,
    network: { chainId: `keystead-test-${systemRandom(2).join('')}`, parameters: developmentParameters },
  })
}
const asking =
  (node: EmbeddedLedger): FetchPort =>
  async (url, init) =>
    ledgerHttp(node, { freshSeconds: 1, log: () => {} }).request(url, init as RequestInit)

beforeAll(async () => {
  ledger = await start()
  fetch = asking(ledger)
  const submit = async (submission: Submission) => {
    clock.advance(10_000)
    await ledger.submit(encodeSubmission(submission))
    return submission
  }
  const after = ({ operation, hash }: Submission) =>
    ({ did: operation.did, seq: operation.seq, head: hash }) as Parameters<Owner['update']>[0]
  const [alice, bob] = [0, 1].map(() => new Owner(keys, networkHash(ledger.genesis), 1_800_086_400)) as [Owner, Owner]
  first = await submit(await alice.genesis())
  await submit(await alice.update(after(first)))
  const gone = await submit(await bob.genesis())
  await submit(await bob.deactivate(after(gone)))
  ended = gone.operation.did
})
afterAll(async () => {
  await ledger.close()
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})

describe('getResolver for the package did-resolver', () => {
  const resolver = () => new Resolver(getResolver({ ledger: 'http://ledger.test', fetch, clock }))

  it('resolves, and says how far it was proven', async () => {
    const { didDocument, didResolutionMetadata } = await resolver().resolve(first.operation.did)
    expect(didDocument?.id).toBe(first.operation.did)
    expect(didResolutionMetadata).toMatchObject({ proofLevel: 'operator-signed', contentType: 'application/did' })
  })

  it('gives an older version by option and by query', async () => {
    const versionId = `0-${first.hash}`
    const byOption = await resolver().resolve(first.operation.did, { versionId })
    const byQuery = await resolver().resolve(`${first.operation.did}?versionId=${versionId}`)
    expect(byOption.didDocumentMetadata).toMatchObject({ versionId, nextVersionId: expect.stringMatching(/^1-/) })
    expect(byQuery).toEqual(byOption)
  })

  it('says in the package’s words what failed, with the RFC 9457 error beside it', async () => {
    const unknown = first.operation.did.replace(/.$/, (c) => (c === 'a' ? 'b' : 'a'))
    for (const [did, options, error] of [
      [unknown, {}, 'notFound'],
      ['did:dkms:nonsense', {}, 'invalidDid'],
      [first.operation.did, { accept: 'text/html' }, 'representationNotSupported'],
      [first.operation.did, { versionTime: 'yesterday' }, 'invalidOptions'],
    ] as const) {
      const result = await resolver().resolve(did, options)
      expect(result.didDocument).toBeNull()
      expect(result.didResolutionMetadata).toMatchObject({ error, problem: { type: expect.stringContaining('did#') } })
    }
  })

  it('says that a DID has ended', async () => {
    expect(await resolver().resolve(ended)).toMatchObject({
      didDocument: null,
      didDocumentMetadata: { deactivated: true },
    })
  })

  it('MUST NOT believe an altered answer', async () => {
    const lying: FetchPort = async (url, init) => {
      const { status, arrayBuffer } = await fetch(url, init).then(async (a) => ({
        status: a.status,
        arrayBuffer: await a.arrayBuffer(),
      }))
      const bytes = new Uint8Array(arrayBuffer)
      if (url.includes('/v1/proofs/')) bytes[bytes.length - 20] = (bytes[bytes.length - 20] ?? 0) ^ 1
      return { status, arrayBuffer: async () => bytes.buffer }
    }
    const result = await new Resolver(getResolver({ ledger: 'http://ledger.test', fetch: lying, clock })).resolve(
      first.operation.did,
    )
    expect(result.didDocument).toBeNull()
    expect(result.didResolutionMetadata).toMatchObject({ error: 'internalError', problem: { code: 'PROOF_INVALID' } })
  })
})

describe('RES-30: a stranger’s trust', () => {
  it('begins with the network that the DID names: another one’s node is refused', async () => {
    const other = await start()
    const resolver = publicResolver({ ledger: 'http://ledger.test', fetch: asking(other), clock })
    const { didResolutionMetadata } = await resolver.resolve(first.operation.did)
    expect(didResolutionMetadata.error).toMatchObject({ code: 'WRONG_NETWORK' })
    await other.close()
  })

  it('is the full hash where it is known', async () => {
    const resolver = publicResolver({ ledger: 'http://ledger.test', fetch, clock, network: `Qm${'a'.repeat(44)}` })
    const { didResolutionMetadata } = await resolver.resolve(first.operation.did)
    expect(didResolutionMetadata.error).toMatchObject({ code: 'WRONG_NETWORK' })
  })
})

describe('a resolver for every method', () => {
  it('resolves alone what says everything itself, and asks others only where one is named', async () => {
    const key = await keys.ephemeral({ kind: 'signing', suite: 'ed25519' })
    const did = createDidKey(key.publicKey)
    const resolver = publicResolver({ ledger: 'http://ledger.test', fetch, clock })
    expect((await resolver.resolve(did)).didResolutionMetadata.proofLevel).toBe('self-certifying')
    for (const unsupported of ['did:sov:WRfXPg8dantKVubE3HX8pw', 'did:web:example.com'])
      expect((await resolver.resolve(unsupported)).didResolutionMetadata.error?.type).toContain('METHOD_NOT_SUPPORTED')
  })
})
