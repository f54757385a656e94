import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { FakeClock, seededRandom } from '@keystead/core'
import { encodeMultikey } from '@keystead/crypto'
import { nodeDriver, nodeKeyProvider } from '@keystead/crypto/node'
import {
  decodeState,
  developmentParameters,
  doWork,
  encodeSubmission,
  type NetworkGenesis,
  networkHash,
  type Submission,
  stateKey,
} from '@keystead/did-dkms'
import { genesisValidators, validatorAddress } from '@keystead/light-client'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { Owner } from '../../../../did-dkms/src/testing/owner.ts'
import { CheckTxType, MisbehaviorType, OfferSnapshotResult, VoteExtensionStatus } from '../../abci/messages.ts'
import { workAdmission } from '../../admission.ts'
import { MAX_ENVELOPE_SUBMISSIONS, MAX_NETWORK_BLOCK_OPERATIONS } from '../../limits.ts'
import { indexOf } from '../../state/entries.ts'
import { LedgerStore } from '../../state/store.ts'
import { EmbeddedLedger } from '../embedded/engine.ts'
import { Signer } from '../embedded/signer.ts'
import { Application } from './application.ts'
import { decodeEnvelope, encodeEnvelope } from './envelope.ts'
import { MiniChain } from './testing/chain.ts'
import { walk } from './testing/sequences.ts'
import { decodeVerdicts } from './verdict.ts'

const keys = nodeKeyProvider()
const START = 1_800_000_000
const closers: (() => Promise<void> | void)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'keystead-app-'))
  closers.push(() => rmSync(path, { recursive: true, force: true }))
  return path
}

function openStore(): LedgerStore {
  const store = LedgerStore.open(join(folder(), 'l.lmdb'))
  closers.push(() => store.close())
  return store
}

async function network(validators = 1): Promise<NetworkGenesis> {
  const made = await Promise.all(
    Array.from({ length: validators }, () => keys.ephemeral({ kind: 'signing', suite: 'ed25519' })),
  )
  return {
    v: 1,
    chainId: 'keystead-test',
    time: START,
    parameters: developmentParameters,
    validators: made.map((key) => ({ k: encodeMultikey(key.publicKey), power: 10 })),
  }
}

async function begin(): Promise<{ app: Application; chain: MiniChain; store: LedgerStore; owner(): Owner }> {
  const store = openStore()
  const chain = new MiniChain(await network())
  const app = new Application({ store })
  chain.handshake(app)
  const net = networkHash(chain.genesis)
  return { app, chain, store, owner: () => new Owner(keys, net, START + 86_400) }
}

const enveloped = (...submissions: Submission[]): Uint8Array => encodeEnvelope(submissions.map(encodeSubmission))

describe('envelope', () => {
  test('carries submissions unchanged; anything else is BAD_ENVELOPE', () => {
    const submissions = [Uint8Array.of(1), new Uint8Array(300).fill(7)]
    expect(decodeEnvelope(encodeEnvelope(submissions))).toEqual(submissions)
    const whole = encodeEnvelope(submissions)
    const many = Array.from({ length: MAX_ENVELOPE_SUBMISSIONS + 1 }, () => Uint8Array.of(1))
    const bad = [
      new Uint8Array(0),
      Uint8Array.of(0, 0, 0),
      whole.slice(0, -1),
      encodeEnvelope([new Uint8Array(0)]),
      encodeEnvelope(many),
      new Uint8Array(600 * 1024),
      encodeEnvelope([new Uint8Array(600 * 1024).fill(1)]),
      Uint8Array.of(255, 255, 255, 255, 1),
    ]
    for (const tx of bad) expect(() => decodeEnvelope(tx)).toThrow(expect.objectContaining({ code: 'BAD_ENVELOPE' }))
  })
})

describe('application', () => {
  test('NET-32: what peers gossip is held to the node’s own policy; what waits or is decided no more', async () => {
    const { chain, owner, store } = await begin()
    const app = new Application({ store, admission: workAdmission(8) })
    const genesis = await owner().genesis()
    const answer = app.checkTx({ tx: enveloped(genesis), type: CheckTxType.NEW })
    expect(decodeVerdicts(answer.data as Uint8Array)).toMatchObject([{ code: 'WORK_REQUIRED' }])
    const admission = await doWork(genesis.hash, 8)
    expect(chain.check(app, enveloped({ ...genesis, admission }))).toBe(true)
    expect(app.checkTx({ tx: enveloped(await owner().genesis()), type: CheckTxType.RECHECK }).code).toBeUndefined()
    // Another proposer admits whom it likes.
    const other = await owner().genesis()
    const block = chain.proposal(START + 1, [enveloped(other)])
    expect(chain.process(app, block)).toBe(true)
  })

  test('each submission of an envelope has its own verdict, and one that is refused does not enter the mempool', async () => {
    const { app, chain, owner } = await begin()
    const [good, spoiled] = [await owner().genesis(), await owner().genesis()]
    const [proof] = good.operation.proof
    const operation = {
      ...spoiled.operation,
      proof: [{ ...spoiled.operation.proof[0], proofValue: proof?.proofValue }],
    }
    const tx = enveloped(good, { ...spoiled, operation: operation as Submission['operation'] })
    const answer = app.checkTx({ tx, type: CheckTxType.NEW })
    expect(answer.code).toBe(1)
    expect(decodeVerdicts(answer.data as Uint8Array)).toEqual([null, expect.objectContaining({ code: 'BAD_PROOF' })])
    expect(chain.check(app, enveloped(good))).toBe(true)
    const again = app.checkTx({ tx: enveloped(good), type: CheckTxType.NEW })
    expect(decodeVerdicts(again.data as Uint8Array)).toEqual([expect.objectContaining({ code: 'ALREADY_WAITING' })])
  })

  test('what is no envelope does not enter the mempool', async () => {
    const { app, chain, owner } = await begin()
    const whole = enveloped(await owner().genesis())
    for (const tx of [new Uint8Array(0), Uint8Array.of(1, 2, 3), whole.slice(0, -1)])
      expect(chain.check(app, tx)).toBe(false)
    expect(chain.check(app, whole)).toBe(true)
  })

  test('an operation may follow another that still waits', async () => {
    const { app, chain, store, owner } = await begin()
    const alice = owner()
    const genesis = await alice.genesis()
    chain.check(app, enveloped(genesis))
    const context = { did: genesis.operation.did, seq: 0, head: genesis.hash }
    expect(chain.check(app, enveloped(await alice.update(context as never)))).toBe(true)
    chain.step(app, START + 1)
    const state = store.get('s', stateKey(genesis.operation.did)) as Uint8Array
    expect(decodeState(state).seq).toBe(1)
  })

  test('a proposal with something malformed, repeated, reordered, refused, empty or too large is rejected', async () => {
    const { app, chain, owner } = await begin()
    const alice = owner()
    const genesis = await alice.genesis()
    const update = await alice.update({ did: genesis.operation.did, seq: 0, head: genesis.hash } as never)
    const [first, second] = [enveloped(genesis), enveloped(update)]
    const rejected = (...txs: Uint8Array[]): boolean => !chain.process(app, chain.proposal(START + 1, txs))
    expect(rejected(first, second)).toBe(false)
    expect(rejected(second, first)).toBe(true)
    expect(rejected(first, first)).toBe(true)
    expect(rejected(enveloped(genesis, genesis))).toBe(true)
    expect(rejected(second)).toBe(true)
    expect(rejected(first, new Uint8Array(0))).toBe(true)
    expect(rejected(first.slice(0, -2))).toBe(true)
    expect(rejected(first, new Uint8Array(600 * 1024))).toBe(true)
  })

  test('a proposal of more operations than a block may have is rejected, though each is good', async () => {
    const { app, chain, owner } = await begin()
    const makers = Array.from({ length: MAX_NETWORK_BLOCK_OPERATIONS + 1 }, () => owner().genesis())
    const made = await Promise.all(makers)
    const envelopes = (count: number): Uint8Array[] => {
      const all: Uint8Array[] = []
      for (let at = 0; at < count; at += MAX_ENVELOPE_SUBMISSIONS)
        all.push(enveloped(...made.slice(at, Math.min(count, at + MAX_ENVELOPE_SUBMISSIONS))))
      return all
    }
    expect(chain.process(app, chain.proposal(START + 1, envelopes(made.length)))).toBe(false)
    expect(chain.process(app, chain.proposal(START + 1, envelopes(made.length - 1)))).toBe(true)
  }, 60_000)

  test('a proposer takes what has room, and no more', async () => {
    const { app, chain, owner } = await begin()
    const made = [enveloped(await owner().genesis()), enveloped(await owner().genesis())] as const
    const room = (maxTxBytes: number): number => chain.prepare(app, START + 1, made, maxTxBytes).length
    const [first, second] = made.map(({ length }) => length) as [number, number]
    expect(room(first + second + 16)).toBe(2)
    expect(room(first + second)).toBe(1)
    expect(room(Math.min(first, second))).toBe(0)
  })

  test('what was prepared or judged counts for its own time and evidence, and for no other block', async () => {
    const genesis = await network(2)
    const [cheat] = genesisValidators(genesis)
    const evidence = {
      type: MisbehaviorType.DUPLICATE_VOTE,
      validator: { address: validatorAddress(cheat?.publicKey as Uint8Array), power: 10 },
      height: 1,
      time: { seconds: START, nanos: 0 },
      totalVotingPower: 20,
    }
    const tx = enveloped(await new Owner(keys, networkHash(genesis), START + 86_400).genesis())
    const decided = (chain: MiniChain) => [
      chain.proposal(START + 1, [tx]),
      chain.proposal(START + 400, [tx]),
      chain.proposal(START + 1, [tx], [evidence]),
    ]
    for (const which of [1, 2]) {
      const [prepared, fresh] = [new MiniChain(genesis), new MiniChain(genesis)]
      const [app, other] = [new Application({ store: openStore() }), new Application({ store: openStore() })]
      prepared.handshake(app)
      fresh.handshake(other)
      for (const block of decided(prepared)) expect(prepared.process(app, block)).toBe(true)
      const block = decided(prepared)[which] as ReturnType<MiniChain['proposal']>
      const answer = prepared.finalize(app, block)
      expect(answer).toEqual(fresh.finalize(other, block))
      expect(answer.validatorUpdates).toHaveLength(which === 2 ? 1 : 0)
    }
  })

  test('ENGINE-3: a block of another height than the next is no block of this ledger', async () => {
    const { app, chain } = await begin()
    const block = chain.proposal(START + 1, [])
    for (const height of [0, 2, 3])
      expect(() => chain.finalize(app, { ...block, height })).toThrow(
        expect.objectContaining({ code: 'LEDGER_CORRUPT' }),
      )
    expect(() => app.commit()).toThrow(expect.objectContaining({ code: 'LEDGER_CORRUPT' }))
  })

  test('a vote extension, which no validator of ours makes, is rejected', async () => {
    const { app } = await begin()
    const verdict = (voteExtension: Uint8Array) =>
      app.verifyVoteExtension({ hash: voteExtension, validatorAddress: voteExtension, height: 1, voteExtension }).status
    expect(verdict(new Uint8Array(0))).toBe(VoteExtensionStatus.ACCEPT)
    expect(verdict(Uint8Array.of(1))).toBe(VoteExtensionStatus.REJECT)
  })

  test('SNAPSHOT-4: a node that has a state takes no snapshot', async () => {
    const { chain, store } = await begin()
    const snapshots = { genesis: chain.genesis, folder: folder(), every: 1000, log: () => {} }
    const app = new Application({ store, snapshots })
    const none = new Uint8Array(0)
    const snapshot = { height: 9, format: 1, chunks: 1, hash: none, metadata: none }
    expect(app.offerSnapshot({ snapshot, appHash: none }).result).toBe(OfferSnapshotResult.ABORT)
    const joining = new Application({ store: openStore(), snapshots })
    expect(joining.offerSnapshot({ snapshot, appHash: none }).result).toBe(OfferSnapshotResult.REJECT_SENDER)
  })

  test('a proposer leaves out what has become wrong and keeps the rest of its envelope', async () => {
    const { app, chain, owner } = await begin()
    const [stays, goes] = [await owner().genesis(), await owner().genesis()]
    const both = enveloped(stays, goes)
    chain.check(app, both)
    chain.decide(chain.proposal(START + 1, [enveloped(goes)]))
    chain.finalize(app, chain.blocks[0] as never)
    chain.commit(app)
    expect(chain.mempool).toEqual([both])
    expect(chain.prepare(app, START + 2)).toEqual([enveloped(stays)])
  })

  test('ENGINE-5: each signature is verified once, however often an operation is checked, proposed, judged and executed', async () => {
    const { app, chain, owner } = await begin()
    const owners = [owner(), owner(), owner()]
    const made = await Promise.all(owners.map((one) => one.genesis()))
    const verify = vi.spyOn(nodeDriver, 'verify')
    closers.push(() => verify.mockRestore())
    const [first, second, third] = made.map((one) => enveloped(one)) as [Uint8Array, Uint8Array, Uint8Array]
    for (const tx of [first, second, third]) expect(chain.check(app, tx)).toBe(true)
    // Two wait through a block that has the first alone; then all of the rest in another envelope than they came in.
    const block = chain.proposal(START + 1, chain.prepare(app, START + 1, [first]))
    expect(chain.process(app, block)).toBe(true)
    chain.decide(block)
    chain.finalize(app, block)
    chain.commit(app)
    expect(chain.mempool).toEqual([second, third])
    chain.decide(chain.proposal(START + 2, [enveloped(...made.slice(1))]))
    chain.finalize(app, chain.blocks[1] as never)
    chain.commit(app)
    expect(verify).toHaveBeenCalledTimes(3)
  })

  test('ENGINE-5: a block leaves in the mempool what builds on what waits, and takes out what it made wrong, with the code', async () => {
    const store = openStore()
    const chain = new MiniChain(await network())
    const refused: string[] = []
    const events = { refused: (all: readonly { code: string }[]) => void refused.push(...all.map(({ code }) => code)) }
    const app = new Application({ store, events })
    chain.handshake(app)
    const net = networkHash(chain.genesis)
    const [alice, bob] = [new Owner(keys, net, START + 86_400), new Owner(keys, net, START + 86_400)]
    const [a0, b0] = [await alice.genesis(), await bob.genesis()]
    const at = (s: Submission, seq: number) => ({ did: s.operation.did, seq, head: s.hash }) as never
    const a1 = await alice.update(at(a0, 0))
    const [b1, other] = [await bob.update(at(b0, 0)), await bob.update(at(b0, 0))]
    for (const one of [a0, a1, b0, b1]) expect(chain.check(app, enveloped(one))).toBe(true)
    const decide = (time: number, ...txs: Uint8Array[]) => {
      chain.decide(chain.proposal(time, txs))
      chain.finalize(app, chain.blocks.at(-1) as never)
      chain.commit(app)
    }
    decide(START + 1)
    expect(chain.mempool).toHaveLength(4)
    decide(START + 2, enveloped(a0))
    expect(chain.mempool).toEqual([a1, b0, b1].map((one) => enveloped(one)))
    decide(START + 3, enveloped(b0), enveloped(other))
    expect(chain.mempool).toEqual([enveloped(a1)])
    expect(refused).toContain('SEQ_MISMATCH')
    chain.step(app, START + 4)
    expect(chain.mempool).toEqual([])
  })

  test('ENGINE-5: what time has made wrong leaves the mempool', async () => {
    const { app, chain } = await begin()
    const soon = new Owner(keys, networkHash(chain.genesis), START + 10)
    expect(chain.check(app, enveloped(await soon.genesis()))).toBe(true)
    chain.step(app, START + 11)
    expect(chain.blocks[0]?.txs).toEqual([])
    expect(chain.mempool).toEqual([])
  })

  test('ENGINE-5: so does what the clock alone has made wrong, without a proposal of this node', async () => {
    const store = openStore()
    const chain = new MiniChain(await network())
    let now = START
    const app = new Application({ store, now: () => now })
    chain.handshake(app)
    const soon = new Owner(keys, networkHash(chain.genesis), START + 10)
    expect(chain.check(app, enveloped(await soon.genesis()))).toBe(true)
    const pass = (time: number): void => {
      const block = chain.proposal(time, [])
      chain.decide(block)
      chain.finalize(app, block)
      chain.commit(app)
    }
    pass(START + 1)
    expect(chain.mempool).toHaveLength(1)
    now = START + 11
    pass(START + 2)
    expect(chain.mempool).toEqual([])
  })

  test('ENGINE-5: and what a delay that ended has made wrong, though the state is as it was', async () => {
    const { app, chain, store, owner } = await begin()
    const alice = owner()
    const genesis = await alice.genesis({ delays: [60] })
    chain.check(app, enveloped(genesis))
    chain.step(app, START + 1)
    const state = () => decodeState(store.get('s', stateKey(genesis.operation.did)) as Uint8Array)
    chain.check(app, enveloped((await alice.recover(state(), 0)).submission))
    chain.step(app, START + 2)
    expect(chain.check(app, enveloped((await alice.rotate(state(), { type: 'veto' })).submission))).toBe(true)
    // The veto comes too late: no proposer can take it any more.
    expect(chain.step(app, START + 100).txs).toEqual([])
    expect(chain.mempool).toEqual([])
  })

  test('nothing is on disk before commit, and a block executed twice gives the same', async () => {
    const { app, chain, store, owner } = await begin()
    const genesis = await owner().genesis()
    chain.check(app, enveloped(genesis))
    const block = chain.proposal(START + 1, chain.prepare(app, START + 1))
    chain.decide(block)
    chain.finalize(app, block)
    chain.finalize(app, block)
    expect(indexOf(store, genesis.hash)).toBeUndefined()
    const again = new Application({ store })
    chain.handshake(again)
    expect(indexOf(store, genesis.hash)).toBeDefined()
    expect(store.json('m', 'applied')).toMatchObject({ height: 1, logSize: 1 })
  })

  test('an empty block changes the application hash only when a tick is due (rule 11)', async () => {
    const { app, chain } = await begin()
    for (const time of [1, 100, 299, 300, 599, 600]) chain.step(app, START + time)
    const [genesis, ...after] = chain.hashes
    expect(after.map((hash, i) => hash === [genesis, ...after][i])).toEqual([true, true, true, false, true, false])
  })

  test('a validator whose double signing is proven loses its power, once; the last one stays', async () => {
    const store = openStore()
    const chain = new MiniChain(await network(2))
    const app = new Application({ store })
    chain.handshake(app)
    const [cheat, honest] = genesisValidators(chain.genesis).map(({ publicKey }) => publicKey)
    const proof = (publicKey: Uint8Array | undefined) => ({
      type: MisbehaviorType.DUPLICATE_VOTE,
      validator: { address: validatorAddress(publicKey as Uint8Array), power: 10 },
      height: 1,
      time: { seconds: START, nanos: 0 },
      totalVotingPower: 20,
    })
    const decide = (time: number, publicKey: Uint8Array | undefined) => {
      const block = chain.proposal(START + time, [], [proof(publicKey)])
      chain.decide(block)
      const { validatorUpdates } = chain.finalize(app, block)
      chain.commit(app)
      return validatorUpdates
    }
    expect(decide(1, cheat)).toEqual([{ pubKey: { ed25519: cheat }, power: 0 }])
    expect(decide(2, cheat)).toEqual([])
    expect(decide(3, honest)).toEqual([])
  })

  test('refuses a genesis that is not CometBFT’s, another network’s data, and another ABCI', async () => {
    const { chain } = await begin()
    const app = new Application({ store: openStore() })
    const code = (run: () => unknown, expected: string) =>
      expect(run).toThrow(expect.objectContaining({ code: expected }))
    code(() => app.initChain({ ...chain.initRequest(), chainId: 'other' }), 'BAD_NETWORK')
    code(() => app.initChain({ ...chain.initRequest(), validators: [] }), 'BAD_NETWORK')
    code(() => app.initChain({ ...chain.initRequest(), time: { seconds: START + 1, nanos: 0 } }), 'BAD_NETWORK')
    code(() => app.initChain({ ...chain.initRequest(), initialHeight: 2 }), 'BAD_NETWORK')
    app.initChain(chain.initRequest())
    const other = new MiniChain({ ...chain.genesis, chainId: 'other' })
    code(() => app.initChain(other.initRequest()), 'BAD_NETWORK')
    code(() => app.info({ abciVersion: '1.0.0', version: '', blockVersion: 0, p2pVersion: 0 }), 'COMETBFT_FAILED')
    chain.handshake(app)
    chain.step(app, START + 1)
    code(() => app.initChain(chain.initRequest()), 'BAD_NETWORK')
  })

  test('random sequences of calls with restarts and cheating proposers anywhere keep the invariants', async () => {
    const store = openStore()
    const chain = new MiniChain(await network())
    const random = seededRandom(7)
    const counts = await walk(chain, store, 300, () => new DataView(random(4).buffer).getUint32(0) / 2 ** 32)
    expect(counts.heights).toBe(300)
    expect(Math.min(counts.restarts, counts.replays, counts.cheats, counts.operations)).toBeGreaterThan(10)
  })
})

describe('rule 11: both engines', () => {
  test('the same operations at the same times give the same leaves, log and roots, however they are cut into blocks', async () => {
    const data = folder()
    const signer = await Signer.open(join(data, 'signer'), keys)
    const clock = new FakeClock(START * 1000)
    const embedded = await EmbeddedLedger.open({
      store: LedgerStore.open(join(data, 'l.lmdb')),
      signer,
      clock,
      network: { chainId: 'keystead-test', parameters: developmentParameters },
    })
    closers.push(() => embedded.close())
    const { genesis } = embedded
    const net = networkHash(genesis)
    // One recorded log: at each time several operations, some of them following one another.
    const recorded: { time: number; submissions: Uint8Array[] }[] = []
    const owners: { owner: Owner; state: { did: string; seq: number; head: string } }[] = []
    for (let second = 1; second <= 30; second++) {
      clock.advance(second % 7 === 0 ? 400_000 : 1000)
      const made: Submission[] = []
      const fresh = new Owner(keys, net, START + 86_400)
      const created = await fresh.genesis()
      made.push(created)
      for (const one of owners.slice(-4)) {
        const update = await one.owner.update(one.state as never)
        one.state = { did: one.state.did, seq: one.state.seq + 1, head: update.hash }
        made.push(update)
      }
      owners.push({ owner: fresh, state: { did: created.operation.did, seq: 0, head: created.hash } })
      const submissions = made.map(encodeSubmission)
      await Promise.all(submissions.map((bytes) => embedded.submit(bytes)))
      recorded.push({ time: Math.floor(clock.now() / 1000), submissions })
    }
    const expected = embedded.head
    for (const seed of [1, 2, 3]) {
      const random = seededRandom(seed)
      const chain = new MiniChain(genesis)
      const app = new Application({ store: openStore() })
      chain.handshake(app)
      for (const { time, submissions } of recorded) {
        // Cut into blocks of one time, each into envelopes.
        let rest = submissions
        while (rest.length > 0) {
          const inBlock = rest.slice(0, 1 + ((random(1)[0] as number) % rest.length))
          rest = rest.slice(inBlock.length)
          const middle = (random(1)[0] as number) % inBlock.length
          const parts = [inBlock.slice(0, middle), inBlock.slice(middle)].filter((part) => part.length > 0)
          for (const part of parts) chain.check(app, encodeEnvelope(part))
          chain.step(app, time)
          // A block without operations between them changes nothing.
          if ((random(1)[0] as number) % 3 === 0) chain.step(app, time)
        }
      }
      expect(chain.hashes.at(-1)).toBe(Buffer.from(expected.header.appHash).toString('base64url'))
    }
  })
})
