import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { FakeClock, multihash, utf8 } from '@keystead/core'
import { encodeMultikey, sha256 } from '@keystead/crypto'
import { nodeKeyProvider } from '@keystead/crypto/node'
import {
  type DidState,
  developmentParameters,
  encodeSubmission,
  type NetworkSubmission,
  networkHash,
  RULES,
  type RulesTable,
  replayNetwork,
  type Submission,
} from '@keystead/did-dkms'
import {
  decodeBundle,
  encodeBundle,
  LedgerClient,
  memoryPins,
  networkBundleFromJson,
  networkBundleToJson,
  readHistory as provenHistory,
  readNetworkState,
  readState,
} from '@keystead/light-client'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Governor, type NetworkMembers } from '../../did-dkms/src/testing/governor.ts'
import { LATER_SUITES, laterKey } from '../../did-dkms/src/testing/later-suite.ts'
import { Owner } from '../../did-dkms/src/testing/owner.ts'
import { EmbeddedLedger } from './engine/embedded/engine.ts'
import { Signer } from './engine/embedded/signer.ts'
import { ledgerHttp } from './http/app.ts'
import { readBundle, readHistory, readNetworkBundle } from './http/read.ts'
import { readNetwork } from './state/execute.ts'
import { LedgerStore } from './state/store.ts'
import { newer, version2 } from './testing/version2.ts'

const keys = nodeKeyProvider()
const T0 = 1_800_000_000
const parameters = { ...developmentParameters, minRecoveryDelay: 60 }

let folder: string
let clock: FakeClock
let governor: Governor
let ledger: EmbeddedLedger

async function open(rules: RulesTable = RULES): Promise<EmbeddedLedger> {
  ledger = await EmbeddedLedger.open({
    store: LedgerStore.open(join(folder, 'l.lmdb')),
    signer: await Signer.open(join(folder, 'signer'), keys),
    clock,
    network: { chainId: 'keystead-test-1', parameters, governance: governor.authority() },
    rules,
  })
  return ledger
}

const network = () => readNetwork(ledger.view().store)
const send = (submission: Submission | NetworkSubmission) => ledger.submit(encodeSubmission(submission))
const owner = () => new Owner(keys, networkHash(ledger.genesis), T0 + 86_400)

async function govern(members: NetworkMembers) {
  return send(await governor.operation(network(), networkHash(ledger.genesis), members))
}

async function pass(seconds: number): Promise<void> {
  clock.advance(seconds * 1000)
  await ledger.refresh(0)
}

function read(did: string, rules?: RulesTable) {
  const bundle = decodeBundle(encodeBundle(readBundle(ledger.view(), did)))
  return readState(did, bundle, { genesis: ledger.genesis, rules })
}

function client(rules?: RulesTable): LedgerClient {
  const app = ledgerHttp(ledger, { freshSeconds: 1, log: () => {} })
  return new LedgerClient({
    url: 'http://ledger.test',
    genesis: ledger.genesis,
    clock,
    fetch: async (url, init) => app.request(url, init as RequestInit),
    pins: memoryPins(),
    rules,
  })
}

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'keystead-governance-'))
  clock = new FakeClock(T0 * 1000)
  governor = await Governor.make(keys, T0 + 86_400)
  await open()
})

afterEach(async () => {
  await ledger.close()
  rmSync(folder, { recursive: true, force: true })
})

describe('parameters', () => {
  test('NET-9: in force for ledger and readers from the block that finds the delay over, and proven to them', async () => {
    const alice = await owner().genesis({ delays: [60] })
    await send(alice)
    await govern({ type: 'parameters', set: { minRecoveryDelay: 120 } })
    await send(await owner().genesis({ delays: [60] }))
    expect(read(alice.operation.did).parameters.minRecoveryDelay).toBe(60)
    await pass(5)
    expect(read(alice.operation.did).parameters.minRecoveryDelay).toBe(120)
    await expect(send(await owner().genesis({ delays: [60] }))).rejects.toMatchObject({ code: 'DELAY_TOO_SHORT' })
    await send(await owner().genesis({ delays: [120] }))
  })

  test('NET-17: a history is judged by the parameters that each operation met, and the network tells its own', async () => {
    const alice = owner()
    const genesis = await alice.genesis({ delays: [60] })
    await send(genesis)
    const reader = client()
    await reader.history(genesis.operation.did)
    await govern({ type: 'parameters', set: { minRecoveryDelay: 120, vetoes: 5 } })
    await pass(5)
    await govern({ type: 'parameters', set: { minRecoveryDelay: 30 } })
    await govern({ type: 'cancel', of: 2 })
    await pass(5)
    const later = await owner().genesis({ delays: [120] })
    await send(later)
    for (const { operation } of [genesis, later]) {
      const { history } = await reader.history(operation.did)
      expect(history.state.recovery.vetoesLeft).toBe(operation === genesis.operation ? 2 : 5)
    }
    const read = await reader.network()
    expect(read.network).toEqual(network())
    expect(read.network.governance.seq).toBe(3)
    const at = (time: number) => read.history.parametersAt({ time, lost: 0 }).minRecoveryDelay
    expect([at(T0 + 4), at(T0 + 5), at(T0 + 100)]).toEqual([60, 120, 120])
  })

  test('NET-17: leaves or a log that are not the proven ones are not believed', async () => {
    await send(await owner().genesis())
    await govern({ type: 'parameters', set: { vetoes: 3 } })
    await govern({ type: 'cancel', of: 1 })
    const bundle = readNetworkBundle(ledger.view(), networkHash(ledger.genesis))
    const known = { genesis: ledger.genesis }
    expect(readNetworkState(networkBundleFromJson(networkBundleToJson(bundle)), known).network).toEqual(network())
    const { network: state, entries } = bundle
    const lies = [
      { ...bundle, network: { ...state, protocol: { version: 2, rules: version2.hash } } },
      { ...bundle, network: { ...state, validators: { ...state.validators, set: [] } } },
      { ...bundle, entries: entries.slice(0, 1) },
      { ...bundle, entries: [] },
      { ...bundle, entries: [...entries].reverse() },
      // When an operation of the network entered decides by which parameters others are judged.
      { ...bundle, entries: entries.map((one) => ({ ...one, entry: { ...one.entry, t: one.entry.t + 1 } })) },
    ]
    for (const lie of lies)
      expect(() => readNetworkState(lie, known)).toThrow(expect.objectContaining({ code: 'PROOF_INVALID' }))
  })

  test('NET-17: a history is not judged by an older history of the network than the newest', async () => {
    const alice = await owner().genesis({ delays: [60] })
    await send(alice)
    await govern({ type: 'parameters', set: { vetoes: 3 } })
    await pass(5)
    const older = replayNetwork(ledger.genesis, readNetworkBundle(ledger.view(), networkHash(ledger.genesis)).entries)
    await govern({ type: 'parameters', set: { vetoes: 4 } })
    await pass(5)
    const newest = replayNetwork(ledger.genesis, readNetworkBundle(ledger.view(), networkHash(ledger.genesis)).entries)
    const { did } = alice.operation
    const read = (network?: typeof newest) =>
      provenHistory(did, readHistory(ledger.view(), did), { genesis: ledger.genesis }, network)
    expect(read(newest).history.state.did).toBe(did)
    for (const network of [older, undefined])
      expect(() => read(network)).toThrow(expect.objectContaining({ code: 'NETWORK_CHANGED' }))
  })

  test('NET-8: parameters other than the proven ones are not believed, nor their absence', async () => {
    const alice = await owner().genesis()
    await send(alice)
    await govern({ type: 'parameters', set: { vetoes: 3 } })
    await pass(5)
    const { did } = alice.operation
    const bundle = readBundle(ledger.view(), did)
    expect(readState(did, bundle, ledger).parameters.vetoes).toBe(3)
    const { network: shown, ...without } = bundle
    expect(() => readState(did, without, ledger)).toThrow(expect.objectContaining({ code: 'PROOF_INVALID' }))
    if (!shown) throw new Error('the network has changed')
    const now = { ...shown.parameters.now, vetoes: 16 }
    const forged = { ...bundle, network: { ...shown, parameters: { now } } }
    expect(() => readState(did, forged, ledger)).toThrow(expect.objectContaining({ code: 'PROOF_INVALID' }))
  })

  test('NET-10: an operation of the network that nobody authorized leaves no trace', async () => {
    const before = ledger.head.header.appHash
    const stranger = await Governor.make(keys, T0 + 86_400)
    const forged = await stranger.operation(network(), networkHash(ledger.genesis), {
      type: 'parameters',
      set: { vetoes: 0 },
    })
    await expect(send(forged)).rejects.toMatchObject({ code: 'KEY_NOT_AUTHORIZED' })
    await ledger.refresh(0)
    expect(ledger.head.header.appHash).toEqual(before)
  })
})

describe('rehearsed upgrade of a running network', () => {
  test('NET-14: goes from version 1 to version 2 at its time, touches no DID, and old operations still replay', async () => {
    await ledger.close()
    await open(newer)
    const alice = owner()
    const first = await alice.genesis({ delays: [60] })
    const { did } = first.operation
    await send(first)
    await expect(send(await owner().genesis({ delays: [30] }))).rejects.toMatchObject({ code: 'DELAY_TOO_SHORT' })
    const time = Math.floor(clock.now() / 1000) + 20
    await govern({ type: 'upgrade', version: 2, rules: version2.hash, time })
    const leaf = readBundle(ledger.view(), did).state
    await pass(19)
    expect(ledger.head.header.version.app).toBe(1)
    await pass(1)
    // The block that found the time reached was made by version 1; the one behind it, which proves it, names version 2.
    expect(ledger.head.header.version.app).toBe(2)
    expect(network().protocol).toEqual({ version: 2, rules: version2.hash })
    expect(readBundle(ledger.view(), did).state).toEqual(leaf)
    const quick = await owner().genesis({ delays: [30] })
    await send(quick)
    const state = read(did, newer).state
    if (!state) throw new Error('unknown')
    await send(await alice.update(state))
    for (const known of [did, quick.operation.did])
      expect((await client(newer).history(known)).history.state.did).toBe(known)
    await expect(client().history(did)).rejects.toMatchObject({ code: 'UPDATE_REQUIRED' })
    expect(readHistory(ledger.view(), did).entries.map(({ entry }) => entry.p)).toEqual([1, 2])
    await ledger.close()
    await open(newer)
    expect(read(did, newer).state?.seq).toBe(1)
  })

  test('NET-14: a signature suite comes with a version: before it refused, from it on taken, and proven to readers', async () => {
    await ledger.close()
    await open(newer)
    const [alice, bob] = [owner(), owner()]
    for (const one of [alice, bob]) one.suites = LATER_SUITES
    const keysOfAlice = { now: await alice.make(1), next: [laterKey()] }
    const registered = await alice.genesis({ keys: keysOfAlice })
    await send(registered)
    const { did } = registered.operation
    const now = () => read(did, newer).state as DidState
    const rotation = await alice.rotate(now())
    const newcomer = await bob.genesis({ keys: { now: [laterKey()], next: [laterKey()] } })
    await govern({ type: 'upgrade', version: 2, rules: version2.hash, time: Math.floor(clock.now() / 1000) + 20 })
    await pass(19)
    for (const early of [rotation.submission, newcomer])
      await expect(send(early)).rejects.toMatchObject({ code: 'SUITE_NOT_PERMITTED' })
    await pass(1)
    for (const late of [rotation.submission, newcomer]) await send(late)
    rotation.adopt()
    await send(await alice.update(now()))
    const reader = client(newer)
    expect((await reader.history(did)).history.state).toMatchObject({ seq: 2, auth: now().auth })
    expect((await reader.history(newcomer.operation.did)).history.state).toMatchObject({ head: newcomer.hash })
  })

  test('NET-14: software without the new rules says UPDATE_REQUIRED, as a reader and as a node', async () => {
    await ledger.close()
    await open(newer)
    const alice = await owner().genesis()
    await send(alice)
    const time = Math.floor(clock.now() / 1000) + 10
    await govern({ type: 'upgrade', version: 2, rules: version2.hash, time })
    await pass(10)
    expect(() => read(alice.operation.did)).toThrow(expect.objectContaining({ code: 'UPDATE_REQUIRED' }))
    await ledger.close()
    const old = EmbeddedLedger.open({
      store: LedgerStore.open(join(folder, 'l.lmdb')),
      signer: await Signer.open(join(folder, 'signer'), keys),
      clock,
      network: { chainId: 'keystead-test-1', parameters },
    })
    await expect(old).rejects.toMatchObject({ code: 'UPDATE_REQUIRED' })
    await open(newer)
  })

  test('NET-14: rules of the right number with another text are not run', async () => {
    const { hash } = version2
    await ledger.close()
    await open(newer)
    const other = multihash.encode(sha256(utf8('what others agreed on')))
    expect(hash).not.toBe(other)
    await govern({ type: 'upgrade', version: 2, rules: other, time: Math.floor(clock.now() / 1000) + 10 })
    await pass(10)
    await expect(pass(400)).rejects.toMatchObject({ code: 'UPDATE_REQUIRED' })
  })

  test('NET-9: a cancelled upgrade does not happen', async () => {
    await ledger.close()
    await open(newer)
    await govern({
      type: 'upgrade',
      version: 2,
      rules: version2.hash,
      time: Math.floor(clock.now() / 1000) + 10,
    })
    await govern({ type: 'cancel', of: 1 })
    await pass(20)
    expect(ledger.head.header.version.app).toBe(1)
  })
})

describe('handover', () => {
  test('NET-15: the last block names the validators to come, and the old one signs no more', async () => {
    const heirs = await governor.keys(4)
    const changes = heirs.map((key) => ({ k: encodeMultikey(key.publicKey), power: 10 }))
    await govern({ type: 'validators', changes, handover: true })
    expect(ledger.handedOver).toBe(false)
    await pass(5)
    expect(ledger.handedOver).toBe(true)
    const { height } = ledger.head.header
    await expect(send(await owner().genesis())).rejects.toMatchObject({ code: 'LEDGER_HANDED_OVER' })
    await pass(600)
    expect(ledger.head.header.height).toBe(height)
    await ledger.close()
    await open()
    expect(ledger.head.header.height).toBe(height)
  })
})
