import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { canonicalJson, FakeClock, type JsonObject, parseJson } from '@keystead/core'
import { nodeKeyProvider } from '@keystead/crypto/node'
import { developmentParameters, encodeSubmission, networkHash, type Submission } from '@keystead/did-dkms'
import {
  decodeBundle,
  encodeBundle,
  encodeHeader,
  type FetchPort,
  fetchGenesis,
  type Head,
  headerHash,
  LedgerClient,
  memoryPins,
  type Pin,
  type ProofBundle,
  voteBytes,
} from '@keystead/light-client'
import { BlockID, Header as CosmosHeader } from 'cosmjs-types/tendermint/types/types'
import { afterEach, describe, expect, test } from 'vitest'
import { Owner } from '../../../../did-dkms/src/testing/owner.ts'
import { ledgerHttp } from '../../http/app.ts'
import { readBody } from '../../state/entries.ts'
import { LedgerStore } from '../../state/store.ts'

import { EmbeddedLedger } from './engine.ts'
import { Signer } from './signer.ts'

const keys = nodeKeyProvider()
const folders: string[] = []
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

interface Network {
  ledger: EmbeddedLedger
  fetch: FetchPort
  clock: FakeClock
  data: string
  signer: string
  reopen(): Promise<Network>
}

async function start(data = folder(), signer = folder(), clock = new FakeClock(1_800_000_000_000)): Promise<Network> {
  const ledger = await EmbeddedLedger.open({
    store: LedgerStore.open(join(data, 'l.lmdb')),
    signer: await Signer.open(signer, keys),
    clock,
    network: { chainId: 'keystead-test-1', parameters: developmentParameters },
  })
  const app = ledgerHttp(ledger, { freshSeconds: 1, log: () => {} })
  const fetch: FetchPort = async (url, init) => app.request(url, init as RequestInit)
  const reopen = async (): Promise<Network> => {
    await ledger.close()
    return start(data, signer, clock)
  }
  return { ledger, fetch, clock, data, signer, reopen }
}

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'keystead-ledger-'))
  folders.push(path)
  return path
}

function clientOf(
  network: Network,
  tamper: (answer: Uint8Array<ArrayBuffer>) => Uint8Array<ArrayBuffer> = (same) => same,
) {
  const store = memoryPins()
  const client = new LedgerClient({
    url: 'http://ledger.test',
    genesis: network.ledger.genesis,
    clock: network.clock,
    fetch: async (url, init) => {
      const answer = await network.fetch(url, init)
      if (init?.method === 'POST') return answer
      const changed = tamper(new Uint8Array(await answer.arrayBuffer()))
      return { status: answer.status, arrayBuffer: async () => changed.buffer }
    },
    pins: store,
  })
  return { client, store }
}

const owner = (network: Network): Owner => new Owner(keys, networkHash(network.ledger.genesis), 1_800_000_000 + 86_400)

describe('embedded ledger', () => {
  test('DKMS-28: erased bodies are gone from the disk, the history still verifies, and no other body may be missing', async () => {
    const network = await start()
    const alice = owner(network)
    const genesis = await alice.genesis()
    const { did } = genesis.operation
    await network.ledger.submit(encodeSubmission(genesis))
    const { client } = clientOf(network)
    const state = async () =>
      (await client.resolve(did)).state as NonNullable<Awaited<ReturnType<typeof client.resolve>>['state']>
    await network.ledger.submit(encodeSubmission(await alice.update(await state())))
    expect(readBody(network.ledger.view().store, did, 0)).toBeDefined()
    await network.ledger.submit(encodeSubmission(await alice.erase(await state(), 0)))
    expect(readBody(network.ledger.view().store, did, 0)).toBeUndefined()
    expect(readBody(network.ledger.view().store, did, 1)).toBeDefined()
    const { history } = await client.history(did)
    expect(history.state).toMatchObject({ seq: 2, erased: 0 })
    expect(history.versions.map(({ body }) => body === undefined)).toEqual([true, false, false])
    const lying = clientOf(network, (answer) => {
      const json = parseJson(answer, 10_000_000) as JsonObject
      const entries = (json['entries'] as JsonObject[]).map(({ body: _, ...entry }) => entry)
      return canonicalJson({ ...json, entries })
    })
    await expect(lying.client.history(did)).rejects.toMatchObject({ code: 'PROOF_INVALID' })
    await network.ledger.close()
  })

  test('registers a DID that a client then resolves and verifies down to the validator', async () => {
    const network = await start()
    const { client } = clientOf(network)
    const alice = owner(network)
    const genesis = await alice.genesis()
    const receipt = await client.submit(genesis)
    const read = await client.resolve(genesis.operation.did)
    expect(read).toMatchObject({ level: 'operator-signed', state: { head: receipt.hash, seq: 0 } })
    expect((await client.resolver().resolve(genesis.operation.did)).didDocument?.id).toBe(genesis.operation.did)
    await network.ledger.close()
  })

  test('proves that an unknown DID is unknown', async () => {
    const network = await start()
    const { client } = clientOf(network)
    const stranger = await owner(network).genesis()
    expect((await client.resolve(stranger.operation.did)).state).toBeNull()
    await network.ledger.close()
  })

  test('carries many operations in few blocks, refuses the wrong ones each with its code, and repeats receipts', async () => {
    const network = await start()
    const owners = await Promise.all(Array.from({ length: 50 }, async () => owner(network).genesis()))
    const height = network.ledger.head.header.height
    const receipts = await Promise.all(owners.map((submission) => network.ledger.submit(encodeSubmission(submission))))
    expect(new Set(receipts.map((receipt) => receipt.logIndex)).size).toBe(50)
    expect(network.ledger.head.header.height - height).toBeLessThanOrEqual(4)
    const [first] = owners as [Submission]
    expect(await network.ledger.submit(encodeSubmission(first))).toMatchObject({ logIndex: receipts[0]?.logIndex })
    const other = { ...first.operation, proof: owners[1]?.operation.proof ?? [] }
    await expect(network.ledger.submit(encodeSubmission({ ...first, operation: other }))).rejects.toThrow()
    await network.ledger.close()
  })

  test('goes on from its data after a restart', async () => {
    let network = await start()
    const alice = owner(network)
    const genesis = await alice.genesis()
    await network.ledger.submit(encodeSubmission(genesis))
    const { height } = network.ledger.head.header
    network = await network.reopen()
    expect(network.ledger.head.header.height).toBeGreaterThanOrEqual(height)
    const { client } = clientOf(network)
    expect((await client.resolve(genesis.operation.did)).state?.seq).toBe(0)
    await network.ledger.close()
  })

  test('rule 18: refuses to sign when its data are older than its signatures', async () => {
    const network = await start()
    await network.ledger.close()
    const old = await start(folder(), network.signer)
    await old.ledger.submit(encodeSubmission(await owner(old).genesis()))
    await old.ledger.close()
    await expect(start(network.data, network.signer)).rejects.toMatchObject({ code: 'LEDGER_BEHIND_SIGNER' })
  })

  test('tells a whole history with proofs, and a history with a gap is not believed', async () => {
    const network = await start()
    const alice = owner(network)
    const { client } = clientOf(network)
    const genesis = await alice.genesis()
    const { did } = genesis.operation
    await client.submit(genesis)
    network.clock.advance(5000)
    const state = (await client.resolve(did)).state
    if (!state) throw new Error('unknown')
    const rotation = await alice.rotate(state)
    await client.submit(rotation.submission)
    const { history } = await client.history(did)
    expect(history.keys.map((key) => key.until === undefined)).toEqual([false, true])
    const gap = clientOf(network, (answer) => {
      const json = parseJson(answer, 10_000_000) as JsonObject
      return canonicalJson({ ...json, entries: (json['entries'] as JsonObject[]).slice(0, 1) })
    })
    await expect(gap.client.history(did)).rejects.toMatchObject({ code: 'PROOF_INVALID' })
    // Its operations are bound by their hashes; when each entered, the log alone says.
    for (const change of [{ t: 1_800_000_001 }, { lost: 1 }, { i: 1 }]) {
      const moved = clientOf(network, (answer) => {
        const json = parseJson(answer, 10_000_000) as { entries: { entry: JsonObject }[] } & JsonObject
        const [first, ...rest] = json.entries
        return canonicalJson({ ...json, entries: [{ ...first, entry: { ...first?.entry, ...change } }, ...rest] })
      })
      await expect(moved.client.history(did)).rejects.toMatchObject({ code: 'PROOF_INVALID' })
    }
    await network.ledger.close()
  })
})

describe('bodies', () => {
  test('the body of another DID stays, though a copy of it is erased', async () => {
    const network = await start()
    const [alice, mallory] = [owner(network), owner(network)]
    const genesis = await alice.genesis()
    mallory.body = alice.body
    const copy = await mallory.genesis()
    for (const one of [genesis, copy]) await network.ledger.submit(encodeSubmission(one))
    const { client } = clientOf(network)
    const read = await client.resolve(copy.operation.did)
    if (!read.state) throw new Error('unknown')
    await network.ledger.submit(encodeSubmission(await mallory.update(read.state)))
    const updated = (await client.resolve(copy.operation.did)).state as typeof read.state
    await network.ledger.submit(encodeSubmission(await mallory.erase(updated, 0)))
    expect(readBody(network.ledger.view().store, copy.operation.did, 0)).toBeUndefined()
    expect((await client.resolve(genesis.operation.did)).body).toEqual(alice.body)
    await network.ledger.close()
  })
})

describe('a client believes nothing', () => {
  test('a changed document, state, header or signature is PROOF_INVALID', async () => {
    const network = await start()
    const genesis = await owner(network).genesis()
    const { did } = genesis.operation
    await network.ledger.submit(encodeSubmission(genesis))
    const replace =
      (change: (bundle: ProofBundle) => Partial<ProofBundle>) =>
      (answer: Uint8Array): Uint8Array<ArrayBuffer> => {
        const bundle = decodeBundle(answer)
        return encodeBundle({ ...bundle, ...change(bundle) })
      }
    const head = (change: (head: Head) => Partial<Head>) => replace(({ head: h }) => ({ head: { ...h, ...change(h) } }))
    const flip = (bytes: Uint8Array = new Uint8Array(1)) => bytes.map((byte, i) => (i === 9 ? byte ^ 1 : byte))
    const later = { seconds: 1_800_000_001, nanos: 0 }
    const changes = [
      replace(({ state }) => ({ state: flip(state) })),
      (answer: Uint8Array) => {
        const { state: _, ...rest } = decodeBundle(answer)
        return encodeBundle(rest)
      },
      replace(() => ({ bodies: [] })),
      replace(({ bodies }) => ({ bodies: [...bodies, ...bodies] })),
      replace(({ system }) => ({ system: flip(system) })),
      head(({ mapRoot }) => ({ mapRoot: flip(mapRoot) })),
      head(() => ({ logSize: 7 })),
      head(({ header }) => ({ header: { ...header, time: later } })),
      head(({ commit }) => ({ commit: { ...commit, signatures: [] } })),
      head(({ commit }) => ({ commit: { ...commit, signatures: [{ flag: 'absent' }] } })),
      (answer: Uint8Array) => Uint8Array.from([...answer, 0x40, 1]),
    ]
    for (const change of changes)
      await expect(clientOf(network, change).client.resolve(did)).rejects.toMatchObject({ code: 'PROOF_INVALID' })
    await network.ledger.close()
  })

  test('a stale header, a slow clock, another network and a newer protocol each have their code', async () => {
    const network = await start()
    const { did } = (await owner(network).genesis()).operation
    const recorded = await (await network.fetch(`http://l/v1/proofs/${did}`)).arrayBuffer()
    const replay = { ...network, fetch: async () => ({ status: 200, arrayBuffer: async () => recorded }) }
    network.clock.advance(86_400_000)
    await expect(clientOf(replay).client.resolve(did)).rejects.toMatchObject({ code: 'HEADER_STALE' })
    network.clock.advance(-2 * 86_400_000)
    await expect(clientOf(replay).client.resolve(did)).rejects.toMatchObject({ code: 'CLOCK_WRONG' })
    network.clock.advance(86_400_000)
    const other = await start()
    const mixed = { ...network, fetch: other.fetch }
    await expect(clientOf(mixed).client.resolve(did)).rejects.toMatchObject({ code: 'WRONG_NETWORK' })
    await expect(fetchGenesis(other.fetch, 'http://l', networkHash(network.ledger.genesis))).rejects.toMatchObject({
      code: 'WRONG_NETWORK',
    })
    await Promise.all([network.ledger.close(), other.ledger.close()])
  })

  test('rule 17: a ledger that shows another past is LEDGER_ROLLBACK, with both headers kept', async () => {
    // An operator restores an old copy with the record of signatures removed, and goes on from there.
    const network = await start()
    const { client, store } = clientOf(network)
    await client.submit(await owner(network).genesis())
    await network.ledger.close()
    const copy = folder()
    cpSync(network.data, copy, { recursive: true })
    const honest = await start(network.data, network.signer, network.clock)
    const reader = clientOf(honest)
    for (let i = 0; i < 3; i++) await reader.client.submit(await owner(honest).genesis())
    await reader.client.head()
    await honest.ledger.close()
    rmSync(join(network.signer, 'keystead-test-1.signed.json'))
    const forked = await start(copy, network.signer, network.clock)
    for (let i = 0; i < 5; i++) await forked.ledger.submit(encodeSubmission(await owner(forked).genesis()))
    const misled = clientOf(forked)
    await misled.store.save((await reader.store.load()) as Pin)
    await expect(misled.client.head()).rejects.toMatchObject({ code: 'LEDGER_ROLLBACK' })
    expect(misled.store.evidence).toHaveLength(1)
    expect(store.evidence).toHaveLength(0)
    await forked.ledger.close()
  })
})

describe('CometBFT format', () => {
  test('headers and block ids encode as the published protobuf definitions do', async () => {
    const network = await start()
    await network.ledger.submit(encodeSubmission(await owner(network).genesis()))
    const { header } = network.ledger.head
    const decoded = CosmosHeader.decode(encodeHeader(header))
    expect(decoded).toMatchObject({ chainId: header.chainId, height: BigInt(header.height), appHash: header.appHash })
    expect(CosmosHeader.encode(decoded).finish()).toEqual(encodeHeader(header))
    expect(BlockID.encode(decoded.lastBlockId as BlockID).finish().length).toBeGreaterThan(70)
    const { commit } = network.ledger.head
    expect(headerHash(header)).toEqual(commit.blockId.hash)
    const vote = voteBytes(header.chainId, commit, header.time)
    // Length; type = precommit; height as sfixed64; no round, which is zero; then the block id.
    const height = Buffer.alloc(8)
    height.writeBigInt64LE(BigInt(header.height))
    expect(Buffer.from(vote.subarray(1, 14)).toString('hex')).toBe(`080211${height.toString('hex')}2248`)
    expect(vote[0]).toBe(vote.length - 1)
    await network.ledger.close()
  })
})

describe('http', () => {
  test('bad input gets a problem with a stable code', async () => {
    const network = await start()
    const post = (body: string) =>
      network.fetch('http://l/v1/operations', { method: 'POST', body: Buffer.from(body) as never })
    const codeOf = async (answer: Promise<{ status: number; arrayBuffer(): Promise<ArrayBuffer> }>) => {
      const { status, arrayBuffer } = {
        status: (await answer).status,
        arrayBuffer: () => answer.then((a) => a.arrayBuffer()),
      }
      return [status, JSON.parse(Buffer.from(await arrayBuffer()).toString()).code]
    }
    expect(await codeOf(post('nonsense'))).toEqual([400, 'BAD_OPERATION'])
    expect(await codeOf(post('x'.repeat(20_000)))).toEqual([413, 'TOO_LARGE'])
    expect(await codeOf(network.fetch('http://l/nowhere'))).toEqual([404, 'NOT_FOUND'])
    await network.ledger.close()
  })
})
