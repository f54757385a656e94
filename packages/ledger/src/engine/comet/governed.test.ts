/** What governance does to a network of real processes, and wallets that follow it across: validators, upgrade, handover. */
import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { hexadecimal, systemClock } from '@keystead/core'
import { type DidState, developmentParameters, encodeSubmission, networkHash } from '@keystead/did-dkms'
import { type FetchPort, LedgerClient, type LedgerClientOptions, memoryPins } from '@keystead/light-client'
import { afterEach, describe, expect, test } from 'vitest'
import { Governor, type NetworkMembers } from '../../../../did-dkms/src/testing/governor.ts'
import { LATER_SUITES, laterKey } from '../../../../did-dkms/src/testing/later-suite.ts'
import { Owner } from '../../../../did-dkms/src/testing/owner.ts'
import { completeHandover, parseHandover } from '../../handover.ts'
import { ledgerHttp } from '../../http/app.ts'
import { backupLedger } from '../../maintain/backup.ts'
import { fsck } from '../../maintain/check.ts'
import { readNetwork } from '../../state/execute.ts'
import { LedgerStore } from '../../state/store.ts'
import { removeFolders, temporaryFolder } from '../../testing/ledger.ts'
import { newer, version2 } from '../../testing/version2.ts'
import { EmbeddedLedger } from '../embedded/engine.ts'
import { Signer } from '../embedded/signer.ts'
import type { Ledger } from '../ledger.ts'
import { encodeEnvelope } from './envelope.ts'
import { continueNetwork, RPC_SOCKET, readJson, STORE_FOLDER, type ValidatorCard } from './home.ts'
import { CometRpc } from './rpc.ts'
import { syncFrom } from './sync-from.ts'
import { cometbft, keys, program, TestNetwork, until } from './testing/network.ts'
import { decodeVerdicts } from './verdict.ts'

const networks: TestNetwork[] = []
afterEach(async () => {
  await Promise.all(networks.splice(0).map((network) => network.stop()))
  removeFolders()
})

const soon = (): number => Math.floor(systemClock.now() / 1000)
const parameters = { ...developmentParameters, minRecoveryDelay: 60 }
const everybody = [0, 1, 2, 3]

async function start(...args: Parameters<typeof TestNetwork.start>): Promise<TestNetwork> {
  const network = await TestNetwork.start(...args)
  networks.push(network)
  return network
}

/** A wallet of whatever ledger is behind `at` at the moment. */
function walletOf(at: (url: string) => Ledger, options: Partial<LedgerClientOptions> = {}): LedgerClient {
  const fetch: FetchPort = async (url, init) =>
    ledgerHttp(at(url), { freshSeconds: 1, log: () => {} }).request(url, init as RequestInit)
  const url = 'http://v'
  return new LedgerClient({
    url,
    genesis: at(`${url}/`).genesis,
    clock: systemClock,
    fetch,
    pins: memoryPins(),
    ...options,
  })
}

async function govern(at: Ledger, governor: Governor, members: NetworkMembers): Promise<void> {
  const state = readNetwork(at.view().store)
  await at.submit(encodeSubmission(await governor.operation(state, networkHash(at.genesis), members)))
}

/** A fifth node takes the state from the four's snapshots: of a chain that went on, with the first blocks nowhere among them. */
async function syncsInto(network: TestNetwork, did: string): Promise<void> {
  const height = network.ledger(0).head.header.height
  const taken = (place: number) =>
    Number(
      /snapshot height (\d+) /.exec(
        network.logs[place]?.findLast((line) => line.includes('snapshot height')) ?? '',
      )?.[1] ?? 0,
    )
  await until('everybody has a snapshot', () => everybody.every((place) => taken(place) > height), 120)
  const { commit } = network.ledger(0).head
  const servers = [0, 1].map((place) => `unix://${join(network.homes[place] as string, RPC_SOCKET)}`)
  const fifth = await network.join('v4', (home) =>
    syncFrom(home, { servers, height: commit.height, hash: hexadecimal.encode(commit.blockId.hash) }),
  )
  await until('the fifth follows', headIs(fifth.ledger, commit.height + 1), 120)
  expect(fifth.log.join('\n')).toMatch(/state-sync chunk/)
  const { head } = parseHandover(network.file.handover as never)
  expect(await fifth.ledger.lightBlock(head.header.height + 1)).toBeUndefined()
  // Who was there follows it at once; who is new needs the old blocks, of anybody.
  const stranger = (await fifth
    .client()
    .resolve(did)
    .catch((error) => error)) as { code: string }
  expect(stranger.code).toBe('PROOF_INVALID')
  const current = walletOf((url) => (url.startsWith('http://v/') ? fifth.ledger : network.ledger(0)), {
    otherNodes: ['http://w'],
  })
  const past = await current.history(did)
  expect(past).toMatchObject({ level: 'bft', state: { seq: 1 } })
  expect(past.history.versions.map(({ state }) => state.seq)).toEqual([0, 1])
  await fifth.ledger.close()
  expect(await fsck({ data: join(network.folder, 'v4') })).toEqual([])
}

const headIs = (ledger: Ledger, height: number) => () => ledger.head.header.height >= height

describe.skipIf(!cometbft)('cometbft: a governed network', { timeout: 300_000 }, () => {
  test('NET-32: a validator’s own policy holds at its door and past it, and NET-30: a refusal says when to try again', async () => {
    const limited = { ...parameters, perHour: 1 }
    const network = await start(1, { parameters: limited, validators: { 0: { admission: 'work:8' } } })
    const alice = network.owner()
    const genesis = await alice.genesis()
    const rpc = new CometRpc(join(network.homes[0] as string, RPC_SOCKET))
    const around = await rpc.broadcast(encodeEnvelope([encodeSubmission(genesis)]))
    rpc.close()
    expect(decodeVerdicts(around.data)).toMatchObject([{ code: 'WORK_REQUIRED' }])
    const bare = network.ledger(0).submit(encodeSubmission(genesis))
    await expect(bare).rejects.toMatchObject({ code: 'WORK_REQUIRED', details: { bits: 8 } })
    const wallet = walletOf(() => network.ledger(0))
    await wallet.submit(genesis)
    for (let refused = false; !refused; ) {
      const { state } = await wallet.resolve(genesis.operation.did)
      if (!state) throw new Error('no state')
      const why = await wallet.submit(await alice.update(state)).then(
        () => undefined,
        (error: unknown) => error,
      )
      if (why) expect(why).toMatchObject({ code: 'RATE_LIMITED', details: { retryAt: expect.any(Number) } })
      refused = why !== undefined
    }
  })

  test('NET-12: a validator joins by governance, signs, and wallets follow, from their pin and from genesis', async () => {
    const governor = await Governor.make(keys, soon() + 86_400)
    const network = await start(4, { parameters, governance: governor.authority() })
    const wallet = walletOf(() => network.ledger(0))
    const { did } = await network.register(0)
    expect(await wallet.resolve(did)).toMatchObject({ level: 'bft' })
    const fifth = await network.join('v4', () => {})
    const { k } = readJson(join(network.folder, 'v4', 'validator.json')) as unknown as ValidatorCard
    await govern(network.ledger(0), governor, { type: 'validators', changes: [{ k, power: 10 }] })
    const ours = () => network.ledger(0)
    const size = async () => (await ours().lightBlock(ours().head.header.height))?.validators.length
    await until('the fifth is in the set', async () => (await size()) === 5)
    for (const reader of [wallet, walletOf(ours), fifth.client()])
      expect(await reader.resolve(did)).toMatchObject({ level: 'bft', pin: { validators: { length: 5 } } })
    // With one of the first four gone, the four that remain have more than two thirds only with the fifth's vote.
    await network.ledger(3).close()
    const { height } = ours().head.header
    await until('the chain goes on with the fifth', headIs(ours(), height + 3))
    expect((await wallet.resolve(did)).level).toBe('bft')
    await fifth.ledger.close()
  })

  test('rule 14: a rehearsed upgrade to a new rule and a new suite; who did not update stops, comes back updated, and wallets say UPDATE_REQUIRED', async () => {
    const governor = await Governor.make(keys, soon() + 86_400)
    const updated = { application: program('updated'), rules: newer }
    const network = await start(4, {
      parameters,
      governance: governor.authority(),
      validators: { 0: updated, 1: updated, 2: updated },
    })
    const ours = () => network.ledger(0)
    const [old, current] = [walletOf(ours), walletOf(ours, { rules: newer })]
    const { did } = await network.register(0)
    for (const wallet of [old, current]) expect((await wallet.resolve(did)).state?.seq).toBe(0)
    const quick = () => network.owner().genesis({ delays: [5] })
    await expect(current.submit(await quick())).rejects.toMatchObject({ code: 'DELAY_TOO_SHORT' })
    // A suite that is to come: one DID begins in it, and another has committed to a key of it.
    const [alice, bob] = [network.owner(), network.owner()]
    for (const owner of [alice, bob]) owner.suites = LATER_SUITES
    const began = await alice.genesis({ keys: { now: [laterKey()], next: [laterKey()] } })
    const committed = await bob.genesis({ keys: { now: await bob.make(1), next: [laterKey()] } })
    await current.submit(committed)
    const before = await current.resolve(committed.operation.did)
    const rotation = await bob.rotate(before.state as DidState)
    for (const wallet of [current, walletOf(() => network.ledger(3))])
      for (const early of [began, rotation.submission])
        await expect(wallet.submit(early)).rejects.toMatchObject({ code: 'SUITE_NOT_PERMITTED' })
    await govern(ours(), governor, { type: 'upgrade', version: 2, rules: version2.hash, time: soon() + 30 })
    await until('headers name the new version', () => ours().head.header.version.app === 2)
    const registered = await quick()
    await current.submit(registered)
    expect(await current.resolve(registered.operation.did)).toMatchObject({ level: 'bft', state: { seq: 0 } })
    expect((await current.history(did)).history.state.seq).toBe(0)
    for (const late of [began, rotation.submission]) await current.submit(late)
    rotation.adopt()
    const rotated = (await current.resolve(committed.operation.did)).state as DidState
    await current.submit(await bob.update(rotated))
    for (const [one, seq] of [
      [began, 0],
      [committed, 2],
    ] as const)
      expect(await current.history(one.operation.did)).toMatchObject({ level: 'bft', history: { state: { seq } } })
    await expect(old.resolve(did)).rejects.toMatchObject({ code: 'UPDATE_REQUIRED' })
    await until('the one behind says why', () =>
      /UPDATE_REQUIRED|protocol version 2/.test(network.logs[3]?.join('\n') ?? ''),
    )
    await network.ledger(3).close()
    await network.open(3, updated)
    await until('it catches up', headIs(network.ledger(3), ours().head.header.height))
    expect(await network.agreed(everybody)).toBeGreaterThan(0)
  })

  test('rule 18: one node hands over to four validators, and a wallet follows across without a word', async () => {
    const governor = await Governor.make(keys, soon() + 86_400, 1, 1)
    const [data, signerFolder] = [temporaryFolder(), temporaryFolder()]
    const node = await EmbeddedLedger.open({
      store: LedgerStore.open(join(data, STORE_FOLDER)),
      signer: await Signer.open(signerFolder, keys),
      clock: systemClock,
      network: { chainId: 'keystead-test', parameters, governance: governor.authority() },
    })
    let serving: Ledger = node
    const wallet = walletOf(() => serving)
    const alice = new Owner(keys, wallet.net, soon() + 86_400)
    const genesis = await alice.genesis()
    await wallet.submit(genesis)
    const { did } = genesis.operation
    expect((await wallet.resolve(did)).level).toBe('operator-signed')
    const snapshots = { env: () => ({ KEYSTEAD_LEDGER_SNAPSHOT_BLOCKS: '10' }) }
    const network = await start(4, {
      validators: { 0: snapshots, 1: snapshots, 2: snapshots, 3: snapshots },
      found: async (cards, homes) => {
        const changes = cards.map(({ k }) => ({ k, power: 10 }))
        await govern(node, governor, { type: 'validators', changes, handover: true })
        await until('it is handed over', async () => {
          await node.refresh(0).catch(() => {})
          return node.handedOver
        })
        await node.close()
        const out = join(data, 'handover.json')
        await completeHandover({ data, signerFolder, out, keys, clock: systemClock })
        for (const home of homes) cpSync(join(data, STORE_FOLDER), join(home, STORE_FOLDER), { recursive: true })
        return continueNetwork(cards, parseHandover(readJson(out)))
      },
    })
    serving = network.ledger(0)
    const read = await wallet.resolve(did)
    expect(read).toMatchObject({ level: 'bft', state: { seq: 0, head: genesis.hash } })
    if (!read.state) throw new Error('no state')
    await wallet.submit(await alice.update(read.state))
    expect(await wallet.resolve(did)).toMatchObject({ level: 'bft', state: { seq: 1 } })
    // Who never saw the old chain begins at its genesis all the same.
    expect(await walletOf(() => network.ledger(3)).resolve(did)).toMatchObject({ level: 'bft' })
    await syncsInto(network, did)
    // KEEP-4: the blocks that prove the state are CometBFT's now, whatever the data remember of the old chain.
    const backup = backupLedger(network.homes[0] as string, join(data, 'backup'))
    await expect(backup).rejects.toMatchObject({ code: 'NO_LEDGER' })
    await expect(Signer.open(signerFolder, keys)).rejects.toMatchObject({ code: 'VALIDATOR_KEY_DESTROYED' })
  })
})
