import { canonicalJson, FakeClock, type JsonObject, parseJson } from '@keystead/core'
import {
  type DidState,
  developmentParameters,
  encodeSubmission,
  networkHash,
  type Submission,
} from '@keystead/did-dkms'
import {
  judgeReceipt,
  LedgerClient,
  memoryPins,
  parseReceipt,
  provesCensorship,
  receiptHolds,
  signReceipt,
} from '@keystead/light-client'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Owner } from '../../../did-dkms/src/testing/owner.ts'
import { type AdmissionPolicy, openAdmission, workAdmission } from '../admission.ts'
import { EmbeddedLedger } from '../engine/embedded/engine.ts'
import { Signer } from '../engine/embedded/signer.ts'
import type { Ledger } from '../engine/ledger.ts'
import { INCLUSION_SECONDS } from '../limits.ts'
import { LedgerStore } from '../state/store.ts'
import { keys, removeFolders, START, temporaryFolder } from '../testing/ledger.ts'
import { ledgerHttp } from './app.ts'

let clock: FakeClock
let ledger: EmbeddedLedger

async function open(admission: AdmissionPolicy = openAdmission): Promise<void> {
  clock = new FakeClock(START * 1000)
  ledger = await EmbeddedLedger.open({
    store: LedgerStore.open(temporaryFolder()),
    signer: await Signer.open(temporaryFolder(), keys),
    clock,
    network: { chainId: 'keystead-test-1', parameters: developmentParameters },
    admission,
  })
}

beforeEach(() => open())
afterEach(async () => {
  await ledger.close()
  removeFolders()
})

const owner = () => new Owner(keys, networkHash(ledger.genesis), START + 86_400)

/** A node that takes operations, signs for them, and keeps them from the chain. */
function censoring(): Ledger {
  const take = () => new Promise<never>(() => {})
  return new Proxy(ledger, {
    get: (target, name) => {
      if (name === 'submit') return take
      const value = Reflect.get(target, name, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}

async function connect(served: Ledger = ledger) {
  const [key] = await owner().make(1)
  if (!key) throw new Error('a key')
  const receipts = { key, clock }
  const app = ledgerHttp(served, { freshSeconds: 1, log: () => {}, receipts, answerWithinMs: 20 })
  const client = new LedgerClient({
    url: 'http://ledger.test',
    genesis: ledger.genesis,
    clock,
    fetch: async (url, init) => app.request(url, init as RequestInit),
    pins: memoryPins(),
  })
  return { key, app, client }
}

/** What the client rejects with. */
const failure = (run: Promise<unknown>): Promise<{ code: string; details: Record<string, string> }> =>
  run.then(
    () => {
      throw new Error('it was taken')
    },
    (error) => error,
  )

const receiptIn = (details: Record<string, string>) =>
  parseReceipt(parseJson(new TextEncoder().encode(details['receipt']), 2000))

describe('NET-34: receipts', () => {
  test('every operation taken is answered with a receipt that its node signed', async () => {
    const { app } = await connect()
    const genesis = await owner().genesis()
    const answer = await app.request('/v1/operations', { method: 'POST', body: encodeSubmission(genesis) })
    const json = (await answer.json()) as JsonObject
    const receipt = parseReceipt(json['receipt'] as JsonObject)
    expect([answer.status, receiptHolds(receipt), receipt.hash]).toEqual([200, true, genesis.hash])
    for (const change of [{ includeBy: receipt.includeBy + 1 }, { hash: receipt.net }, { received: 0 }])
      expect(receiptHolds({ ...receipt, ...change })).toBe(false)
    expect(() => parseReceipt({ ...receipt, more: 1 })).toThrow()
  })

  test('an operation that a node took and kept from the log is provably censored, once its time is over', async () => {
    const { client } = await connect(censoring())
    const genesis = await owner().genesis()
    const { code, details } = await failure(client.submit(genesis))
    expect(code).toBe('LEDGER_WAITING')
    const receipt = receiptIn(details)
    const { did } = genesis.operation
    const judge = async (submission: Submission = genesis) =>
      judgeReceipt(receipt, submission, await client.resolve(did), ledger)
    clock.advance(INCLUSION_SECONDS * 1000)
    expect(await judge()).toEqual({ verdict: 'early' })
    clock.advance(2000)
    expect(await judge()).toEqual({ verdict: 'censored' })
    expect(provesCensorship(receipt, genesis, await client.resolve(did), ledger)).toBe(true)
    const other = await owner().genesis()
    await expect(judge(other)).rejects.toMatchObject({ code: 'RECEIPT_INVALID' })
    await ledger.submit(encodeSubmission(genesis))
    expect(await judge()).toEqual({ verdict: 'included' })
  })

  test('nobody is accused of what the rules refuse, nor of an operation that another one overtook', async () => {
    const { client, key } = await connect()
    const alice = owner()
    const genesis = await alice.genesis({ delays: [60] })
    const { did } = genesis.operation
    await client.submit(genesis)
    const state = (await client.resolve(did)).state
    if (!state) throw new Error('unknown')
    const promise = async (submission: Submission) => {
      const received = Math.floor(clock.now() / 1000)
      const net = networkHash(ledger.genesis)
      return signReceipt(key, { net, hash: submission.hash, received, includeBy: received + INCLUSION_SECONDS })
    }
    const forged = await alice.update(state, undefined, await alice.make(1))
    const good = await alice.update(state)
    const receipts = [await promise(forged), await promise(good)] as const
    clock.advance(120_000)
    const now = await client.resolve(did)
    expect(judgeReceipt(receipts[0], forged, now, ledger)).toEqual({ verdict: 'refused', code: 'KEY_NOT_AUTHORIZED' })
    expect(judgeReceipt(receipts[1], good, now, ledger)).toEqual({ verdict: 'censored' })
    await client.submit((await alice.recover(state, 0)).submission)
    expect(judgeReceipt(receipts[1], good, await client.resolve(did), ledger)).toEqual({ verdict: 'superseded' })
  })

  test('nobody is accused of what the rules refused then, though they would take it now', async () => {
    const { client, key } = await connect()
    const alice = owner()
    const genesis = await alice.genesis({ delays: [3600] })
    const { did } = genesis.operation
    await client.submit(genesis)
    const state = async () => (await client.resolve(did)).state as DidState
    await client.submit((await alice.recover(await state(), 0)).submission)
    await client.submit((await alice.rotate(await state(), { type: 'veto' })).submission)
    const again = (await alice.recover(await state(), 0)).submission
    const received = Math.floor(clock.now() / 1000)
    const promise = { net: networkHash(ledger.genesis), hash: again.hash, received }
    const receipt = await signReceipt(key, { ...promise, includeBy: received + INCLUSION_SECONDS })
    // A chain that stands still ends no delay.
    for (let n = 0; n < 9; n++) {
      clock.advance(500_000)
      await ledger.refresh(0)
    }
    const now = await client.resolve(did)
    expect(judgeReceipt(receipt, again, now, ledger)).toEqual({ verdict: 'refused', code: 'PATH_RESTING' })
  })

  test('nobody is accused by a receipt that they did not sign, or that is of another network or operation', async () => {
    const { client, key } = await connect(censoring())
    const genesis = await owner().genesis()
    const received = Math.floor(clock.now() / 1000)
    const promise = { net: networkHash(ledger.genesis), hash: genesis.hash, received, includeBy: received + 1 }
    const receipt = await signReceipt(key, promise)
    clock.advance(120_000)
    const now = await client.resolve(genesis.operation.did)
    expect(judgeReceipt(receipt, genesis, now, ledger)).toEqual({ verdict: 'censored' })
    const [stranger] = await owner().make(1)
    if (!stranger) throw new Error('a key')
    for (const forged of [
      { ...receipt, includeBy: received },
      { ...receipt, node: (await signReceipt(stranger, promise)).node },
      await signReceipt(key, { ...promise, net: genesis.hash }),
      await signReceipt(key, { ...promise, hash: promise.net }),
    ])
      expect(() => judgeReceipt(forged, genesis, now, ledger)).toThrow(
        expect.objectContaining({ code: 'RECEIPT_INVALID' }),
      )
  })

  test('nobody is accused of an operation whose place another took in time, nor where the state is of later', async () => {
    const { client, key } = await connect()
    const alice = owner()
    const genesis = await alice.genesis()
    const { did } = genesis.operation
    await client.submit(genesis)
    const before = (await client.resolve(did)).state as DidState
    const [taken, promised] = [await alice.update(before), await alice.update(before)]
    const received = Math.floor(clock.now() / 1000)
    const promise = { net: networkHash(ledger.genesis), hash: promised.hash, received }
    const receipt = await signReceipt(key, { ...promise, includeBy: received + 1 })
    await client.submit(taken)
    const after = await client.resolve(did)
    // Before the promise is due another has the number already.
    expect(judgeReceipt(receipt, promised, after, ledger)).toEqual({ verdict: 'superseded' })
    // What was promised builds on an operation that entered only after the promise was due.
    const first = await alice.update(after.state as DidState)
    const second = await alice.update({ ...(after.state as DidState), seq: first.operation.seq, head: first.hash })
    const due = await signReceipt(key, { ...promise, hash: second.hash, includeBy: received + 1 })
    clock.advance(120_000)
    await client.submit(first)
    expect(judgeReceipt(due, second, await client.resolve(did), ledger)).toEqual({ verdict: 'superseded' })
  })

  test('a node whose receipt is forged is told so', async () => {
    const { app, client } = await connect(censoring())
    const genesis = await owner().genesis()
    const answer = await app.request('/v1/operations', { method: 'POST', body: encodeSubmission(genesis) })
    expect(answer.status).toBe(202)
    const json = (await answer.json()) as { receipt: JsonObject }
    const lying = new LedgerClient({
      url: 'http://ledger.test',
      genesis: ledger.genesis,
      clock,
      fetch: async (url, init) =>
        init?.method === 'POST'
          ? new Response(canonicalJson({ ...json, receipt: { ...json.receipt, received: 1 } }), { status: 202 })
          : app.request(url, init as RequestInit),
      pins: memoryPins(),
    })
    expect((await failure(lying.submit(genesis))).code).toBe('RECEIPT_INVALID')
    expect((await failure(client.submit(genesis))).code).toBe('LEDGER_WAITING')
  })
})

describe('NET-32: a client does what a node asks of a newcomer', () => {
  test('work is done on the way, and a node that asks too much is not obeyed', async () => {
    await ledger.close()
    await open(workAdmission(10))
    const { client } = await connect()
    const genesis = await owner().genesis()
    await client.submit(genesis)
    expect((await client.resolve(genesis.operation.did)).state?.seq).toBe(0)
    await ledger.close()
    await open(workAdmission(30))
    expect((await failure((await connect()).client.submit(await owner().genesis()))).code).toBe('WORK_REQUIRED')
  })
})
