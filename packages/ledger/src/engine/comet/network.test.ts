import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { base64url, compareBytes, equalBytes, hexadecimal, systemClock } from '@keystead/core'
import { encodeMultikey } from '@keystead/crypto'
import { type DidState, encodeSubmission, operationAfter, type Submission, signOperation } from '@keystead/did-dkms'
import { type Header, validatorAddress, voteBytes } from '@keystead/light-client'
import { afterEach, describe, expect, test } from 'vitest'
import { serveValidator } from '../../http/serve.ts'
import { MAX_WAITING_OPERATIONS, RESERVED_WAITING_OPERATIONS } from '../../limits.ts'
import { readNetwork } from '../../state/execute.ts'
import { RPC_SOCKET } from './home.ts'
import { CometRpc } from './rpc.ts'
import { cometbft, keys, program, TestNetwork, until } from './testing/network.ts'

const networks: TestNetwork[] = []
afterEach(async () => {
  await Promise.all(networks.splice(0).map((network) => network.stop()))
})

async function start(...args: Parameters<typeof TestNetwork.start>): Promise<TestNetwork> {
  const network = await TestNetwork.start(...args)
  networks.push(network)
  return network
}

const everybody = [0, 1, 2, 3]
const alive = (pid: number | undefined): boolean => {
  try {
    return process.kill(pid as number, 0)
  } catch {
    return false
  }
}

const linesOf = (network: TestNetwork, place: number, text: string): number =>
  network.logs[place]?.filter((line) => line.includes(text)).length ?? 0
const millisecondsOf = ({ time }: Header): number => time.seconds * 1000 + time.nanos / 1e6

describe.skipIf(!cometbft)('cometbft: four validators', { timeout: 240_000 }, () => {
  test('an operation through one is read and verified as bft from each, and refusals have their codes', async () => {
    const network = await start(4)
    const alice = network.owner()
    const genesis = await alice.genesis()
    const receipt = await network.client(0).submit(genesis)
    for (const place of everybody) {
      await until('the others follow', () => network.ledger(place).head.header.height >= receipt.height)
      const read = await network.client(place).resolve(genesis.operation.did)
      expect(read).toMatchObject({ level: 'bft', state: { seq: 0, head: genesis.hash } })
    }
    expect(await network.ledger(1).submit(encodeSubmission(genesis))).toMatchObject({ logIndex: receipt.logIndex })
    const stale = await alice.update({ did: genesis.operation.did, seq: 7, head: genesis.hash } as never)
    await expect(network.ledger(2).submit(encodeSubmission(stale))).rejects.toMatchObject({ code: 'SEQ_MISMATCH' })
    expect((await network.ledger(3).status()).engine).toBe('cometbft')
    await until('all are connected', async () => (await network.ledger(3).status()).peers === 3)
  })

  test('kill -9 of an engine and of an application under load: no gap, both come back, nothing acknowledged is lost', async () => {
    const network = await start(4)
    const load = network.load([0, 1])
    await until('load runs', () => load.acknowledged.length > 10)
    const before = network.ledger(0).head.header.height
    network.kill(2, 'cometbft')
    network.kill(3, 'application')
    // Two of four are gone for a moment; the chain goes on when their supervisors have started them again.
    await until('both come back', () => [2, 3].every((place) => network.ledger(place).head.header.height > before + 3))
    await load.stop()
    const height = Math.max(...everybody.map((place) => network.ledger(place).head.header.height))
    await until('all catch up', () => everybody.every((place) => network.ledger(place).head.header.height >= height))
    expect(await network.agreed(everybody)).toBeGreaterThanOrEqual(height)
    for (const { did, receipt } of load.acknowledged.slice(-20))
      for (const place of everybody)
        expect((await network.client(place).resolve(did)).state?.logIndex).toBe(receipt.logIndex)
    for (const place of [2, 3]) expect(network.logs[place]?.join('\n')).toMatch(/starting both again/)
  })

  test('kill -9 of the engine, then of the application, of one of four under load: no gap, and caught up within 30 s', async () => {
    const network = await start(4)
    const load = network.load([0, 1])
    await until('load runs', () => load.acknowledged.length > 10)
    const others = [0, 1, 2]
    const newest = (): number => Math.max(...others.map((place) => network.ledger(place).head.header.height))
    for (const [times, name] of (['cometbft', 'application'] as const).entries()) {
      const [before, restarts] = [newest(), times + 1]
      network.kill(3, name)
      await until('the others go on', () => newest() > before + 2)
      await until('its supervisor starts both', () => linesOf(network, 3, 'starting both again') === restarts)
      // The promise of 30 s, so the bound of the wait. A block is shown to the others first: one behind is none.
      const caughtUp = () => network.ledger(3).head.header.height >= newest() - 1
      await until('it has caught up', caughtUp, 30)
      expect(network.ledger(3).head.header.height).toBeGreaterThan(before)
    }
    await load.stop()
    const height = newest()
    const haveIt = () => everybody.every((place) => network.ledger(place).head.header.height >= height)
    await until('all have the same height', haveIt)
    expect(await network.agreed(everybody)).toBeGreaterThanOrEqual(height)
    for (const { did, receipt } of load.acknowledged.slice(-20))
      expect((await network.client(3).resolve(did)).state?.logIndex).toBe(receipt.logIndex)
  })

  test('ENGINE-6, PROOF-8: an idle chain makes a block a heartbeat, of the same state, and so its reads stay fresh', async () => {
    const heartbeatSeconds = 2
    const network = await start(4, { tuning: { heartbeatSeconds } })
    const { did, receipt } = await network.register(0)
    const client = network.client(1)
    // Its header and the one behind, which proves it, are older then than what the read demands.
    const maxAge = 8
    await until('nothing has happened for long', () => systemClock.now() / 1000 > receipt.time + 2 * maxAge)
    await until('a read is fresh', () =>
      client.resolve(did, { maxAge }).then(
        ({ level, state }) => level === 'bft' && state?.seq === 0,
        (error: { code?: string }) => error.code !== 'HEADER_STALE' && Promise.reject(error),
      ),
    )
    const { height } = network.ledger(0).head.header
    await until('three heartbeats', () => network.ledger(0).head.header.height >= height + 3)
    const blocks = await Promise.all([0, 1, 2, 3].map((n) => network.ledger(0).lightBlock(height + n)))
    const headers = blocks.map((block) => block?.header as Header)
    for (const [n, header] of headers.slice(1).entries()) {
      const last = headers[n] as Header
      expect(header.appHash).toEqual(last.appHash)
      expect(millisecondsOf(header) - millisecondsOf(last)).toBeGreaterThanOrEqual(heartbeatSeconds * 1000)
    }
  })

  test('two of four dead: reads go on and state their age, then the chain resumes and nothing acknowledged is lost', async () => {
    const network = await start(4)
    const { did } = await network.register(0)
    await until('another follows', () => network.ledger(1).head.logSize > 0)
    await Promise.all([network.ledger(2).close(), network.ledger(3).close()])
    const stopped = network.ledger(0).head.header
    const waiting = network.register(0)
    await new Promise((resolve) => setTimeout(resolve, 4000))
    const read = await network.client(0).resolve(did)
    expect(read.state?.did).toBe(did)
    expect(read.age).toBeGreaterThanOrEqual(3)
    expect(network.ledger(0).head.header.height - stopped.height).toBeLessThanOrEqual(1)
    await network.open(2)
    const resumed = await waiting
    expect((await network.client(0).resolve(resumed.did)).state?.seq).toBe(0)
    await network.open(3)
  })

  test('a proposer of malformed, repeated, reordered and oversized blocks never gets one decided', async () => {
    const cheater = { application: program('byzantine') }
    const network = await start(4, { validators: { 3: cheater } })
    const load = network.load([0, 1, 2])
    const cheats = (): Set<string> => new Set(network.logs[3]?.join('\n').match(/cheats: \w+/g))
    await until('it cheats', () => cheats().size >= 3, 120)
    await load.stop()
    await until('the honest agree', () => everybody.slice(0, 3).every((p) => network.ledger(p).head.logSize > 0))
    await network.agreed([0, 1, 2])
    // Whatever was decided, every operation of it is in the log: none was refused.
    const { height } = network.ledger(0).head.header
    const rpc = new CometRpc(join(network.homes[0] as string, RPC_SOCKET))
    const rounds = await Promise.all(Array.from({ length: height }, (_, i) => rpc.commit(i + 1)))
    rpc.close()
    expect(rounds.some(({ commit }) => commit.round > 0)).toBe(true)
    expect(load.acknowledged.length).toBeGreaterThan(10)
  })

  test('a validator proven to sign twice loses its power, and light clients follow', async () => {
    const network = await start(4)
    const { did } = await network.register(0)
    const client = network.client(0)
    expect((await client.resolve(did)).level).toBe('bft')
    const height = network.ledger(0).head.header.height
    await until('the height is history', () => network.ledger(0).head.header.height > height + 1)
    const block = await network.ledger(0).lightBlock(height)
    if (!block) throw new Error('no block')
    // The key of validator 3, stolen and used to sign two blocks of one height.
    const stolen = JSON.parse(readFileSync(join(`${network.homes[3]}-signer`, 'priv_validator_key.json'), 'utf8'))
    const seed = Buffer.from(stolen.priv_key.value, 'base64').subarray(0, 32)
    const key = await keys.fromSecret({ kind: 'signing', suite: 'ed25519' }, new Uint8Array(seed))
    const address = validatorAddress(key.publicKey.bytes)
    const index = block.validators.findIndex(({ publicKey }) => equalBytes(publicKey, key.publicKey.bytes as never))
    const time = { seconds: block.header.time.seconds, nanos: 0 }
    const iso = (t: { seconds: number; nanos: number }): string =>
      `${new Date(t.seconds * 1000).toISOString().slice(0, 19)}.${String(t.nanos).padStart(9, '0')}Z`
    const hex = (bytes: Uint8Array): string => hexadecimal.encode(bytes).toUpperCase()
    const hashes = [1, 2].map((n) => new Uint8Array(32).fill(n)).sort(compareBytes)
    const votes = await Promise.all(
      hashes.map(async (hash) => {
        const blockId = { hash, partsTotal: 1, partsHash: hash }
        const signature = await key.sign(voteBytes('keystead-test', { height, round: 0, blockId }, time))
        return {
          type: 2,
          height: String(height),
          round: 0,
          block_id: { hash: hex(hash), parts: { total: 1, hash: hex(hash) } },
          timestamp: iso(time),
          validator_address: hex(address),
          validator_index: index,
          signature: Buffer.from(signature).toString('base64'),
        }
      }),
    )
    const rpc = new CometRpc(join(network.homes[1] as string, RPC_SOCKET))
    await rpc.call('broadcast_evidence', {
      evidence: {
        type: 'tendermint/DuplicateVoteEvidence',
        value: {
          vote_a: votes[0],
          vote_b: votes[1],
          TotalVotingPower: '40',
          ValidatorPower: '10',
          Timestamp: iso(block.header.time),
        },
      },
    } as never)
    rpc.close()
    const k = encodeMultikey(key.publicKey)
    await until('it is removed', () => {
      const { set } = readNetwork(network.ledger(0).view().store).validators
      return set.length === 3 && !set.some((one) => one.k === k)
    })
    await until('the set changes', async () => {
      const now = await network.ledger(0).lightBlock(network.ledger(0).head.header.height)
      return now?.validators.length === 3
    })
    const later = await network.register(1)
    await until('one chain', () => network.ledger(0).head.logSize > later.receipt.logIndex)
    expect((await client.resolve(later.did)).level).toBe('bft')
    await network.agreed([0, 1, 2])
    expect(base64url.encode(network.ledger(0).head.header.validatorsHash)).not.toBe(
      base64url.encode(block.header.validatorsHash),
    )
  })
})

describe.skipIf(!cometbft)('cometbft: one validator', { timeout: 240_000 }, () => {
  test('goes on from its data, and leaves no process behind', async () => {
    const network = await start(1)
    const { did } = await network.register(0)
    const pids = ['application', 'cometbft'] as const
    const before = pids.map((name) => network.ledger(0).supervisor.pid(name))
    await network.ledger(0).close()
    expect(before.map(alive)).toEqual([false, false])
    await network.open(0)
    expect((await network.client(0).resolve(did)).level).toBe('operator-signed')
    const after = pids.map((name) => network.ledger(0).supervisor.pid(name))
    await network.ledger(0).close()
    expect(after.map(alive)).toEqual([false, false])
    await network.open(0)
  })

  test('NET-31: with its queue full of ordinary operations it still takes one that protects an owner', async () => {
    const network = await start(1)
    const ledger = network.ledger(0)
    const alice = network.owner()
    const genesis = await alice.genesis()
    await ledger.submit(encodeSubmission(genesis))
    const state = { did: genesis.operation.did, seq: 0, head: genesis.hash } as DidState
    const { body, operation: update } = await alice.update(state)
    // Each is another operation; that its signature is not of it, the application says when CometBFT asks.
    const flood = Array.from({ length: MAX_WAITING_OPERATIONS - RESERVED_WAITING_OPERATIONS + 1 }, (_, n) =>
      encodeSubmission({ operation: { ...update, notAfter: update.notAfter - 1 - n }, body } as Submission),
    )
    const suspension = operationAfter(state, network.net, alice.notAfter, { type: 'suspend' })
    const suspend = encodeSubmission({ operation: await signOperation(suspension, alice.keys.now) })
    const pid = ledger.supervisor.pid('cometbft') as number
    process.kill(pid, 'SIGSTOP')
    const last = flood.pop() as Uint8Array
    const waiting = flood.map((bytes) => ledger.submit(bytes).catch(() => {}))
    await expect(ledger.submit(last)).rejects.toMatchObject({ code: 'TOO_MANY_OPERATIONS' })
    const urgent = ledger.submit(suspend)
    urgent.catch(() => {})
    process.kill(pid, 'SIGCONT')
    await Promise.all(waiting)
    expect(await urgent).toMatchObject({ logIndex: 1 })
  })

  test('a supervisor that is killed takes both processes with it', async () => {
    const network = await start(1)
    await network.ledger(0).close()
    const holder = spawn(process.execPath, [...process.execArgv, program('holder'), network.homes[0] as string], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const line = await new Promise<string>((resolve) => createInterface({ input: holder.stdout }).once('line', resolve))
    const pids = JSON.parse(line) as number[]
    expect(pids.map(alive)).toEqual([true, true])
    holder.kill('SIGKILL')
    await until('both end', () => !pids.some(alive))
    await network.open(0)
  })

  test('ENGINE-9: what was answered with a receipt alone enters although the node, the application and CometBFT are killed', async () => {
    const network = await start(1)
    await network.ledger(0).close()
    const words = [...process.execArgv, program('promising'), network.homes[0] as string]
    const node = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'inherit'] })
    const line = await new Promise<string>((resolve) => createInterface({ input: node.stdout }).once('line', resolve))
    const { url, pids } = JSON.parse(line) as { url: string; pids: [number, number] }
    // CometBFT takes nothing any more, so that the operation is in the node's memory alone.
    process.kill(pids[1], 'SIGSTOP')
    const genesis = await network.owner().genesis()
    const body = encodeSubmission(genesis)
    const answer = await fetch(`${url}/v1/operations`, { method: 'POST', body })
    expect(answer.status).toBe(202)
    expect(await answer.json()).toMatchObject({ hash: genesis.hash, receipt: { hash: genesis.hash } })
    node.kill('SIGKILL')
    for (const pid of pids) if (alive(pid)) process.kill(pid, 'SIGKILL')
    await until('all have ended', () => !pids.some(alive))
    const again = await serveValidator({
      home: network.homes[0] as string,
      cometbft: cometbft as string,
      clock: systemClock,
      log: () => {},
      host: '127.0.0.1',
      port: 0,
      freshSeconds: 1,
      keys,
    })
    try {
      await until('it enters', () => again.ledger.receipt(genesis.hash) !== undefined)
    } finally {
      await again.close()
    }
  })

  test.each([
    ['CometBFT after it has stored the block', { FAIL_TEST_INDEX: '1' }],
    ['CometBFT before it has stored the results', { FAIL_TEST_INDEX: '5' }],
    ['the application when it has executed', { CRASH_AT: 'executed' }],
    ['the application before its commit', { CRASH_AT: 'before-commit' }],
    ['the application after its commit', { CRASH_AT: 'after-commit' }],
  ])('a crash of %s loses nothing', async (_, env) => {
    let starts = 0
    const network = await start(1, {
      validators: { 0: { application: program('crashing'), env: () => (starts++ === 0 ? env : {}) } },
    })
    const made = [await network.register(0), await network.register(0), await network.register(0)]
    expect(made.map(({ receipt }) => receipt.logIndex)).toEqual([0, 1, 2])
    for (const { did } of made) expect((await network.client(0).resolve(did)).state?.seq).toBe(0)
    expect(await network.agreed([0])).toBeGreaterThan(3)
    expect(network.logs[0]?.join('\n')).toMatch(/starting both again/)
  })
})
