/** What governance does to a network on CometBFT: the same rules as in the embedded engine, told to CometBFT. */
import { copyFileSync } from 'node:fs'
import { join } from 'node:path'
import { base64url, FakeClock } from '@keystead/core'
import { encodeMultikey } from '@keystead/crypto'
import {
  developmentParameters,
  encodeSubmission,
  type NetworkGenesis,
  type NetworkSubmission,
  networkHash,
  type Submission,
} from '@keystead/did-dkms'
import { appHash, validatorsHash, validatorsOf } from '@keystead/light-client'
import { afterEach, describe, expect, test } from 'vitest'
import { Governor, type NetworkMembers } from '../../../../did-dkms/src/testing/governor.ts'
import { LATER_SUITES, laterKey } from '../../../../did-dkms/src/testing/later-suite.ts'
import { Owner } from '../../../../did-dkms/src/testing/owner.ts'
import { CheckTxType } from '../../abci/messages.ts'
import { type Handover, handoverOf, handoverToJson, parseHandover } from '../../handover.ts'
import { readEntry } from '../../state/entries.ts'
import { readNetwork } from '../../state/execute.ts'
import { LedgerStore, type Reader } from '../../state/store.ts'
import { keys, removeFolders, START, temporaryFolder } from '../../testing/ledger.ts'
import { newer, version2 } from '../../testing/version2.ts'
import { readLightBlock } from '../embedded/blocks.ts'
import { EmbeddedLedger } from '../embedded/engine.ts'
import { Signer } from '../embedded/signer.ts'
import { Application, type Applied } from './application.ts'
import { encodeEnvelope } from './envelope.ts'
import { MiniChain } from './testing/chain.ts'
import { decodeVerdicts } from './verdict.ts'

const closers: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0)) await close()
  removeFolders()
})

function openStore(folder = temporaryFolder()): LedgerStore {
  const store = LedgerStore.open(folder)
  closers.push(() => store.close())
  return store
}

const parameters = { ...developmentParameters, minRecoveryDelay: 60 }

async function network(count: number) {
  const governor = await Governor.make(keys, START + 86_400)
  const validators = await governor.keys(count)
  const genesis: NetworkGenesis = {
    v: 1,
    chainId: 'keystead-test',
    time: START,
    parameters,
    validators: validators.map((key) => ({ k: encodeMultikey(key.publicKey), power: 10 })),
    governance: governor.authority(),
  }
  const store = openStore()
  const chain = new MiniChain(genesis)
  const app = new Application({ store, rules: newer })
  chain.handshake(app)
  const net = networkHash(genesis)
  const govern = async (members: NetworkMembers): Promise<Uint8Array> =>
    encodeEnvelope([encodeSubmission(await governor.operation(readNetwork(store), net, members))])
  /** One block with these transactions; what the application tells CometBFT. */
  const decide = (time: number, ...txs: Uint8Array[]) => {
    const block = chain.proposal(START + time, txs)
    expect(chain.process(app, block)).toBe(true)
    chain.decide(block)
    const answer = chain.finalize(app, block)
    chain.commit(app)
    return answer
  }
  return { governor, genesis, store, chain, app, net, govern, decide }
}

describe('NET-12: validators', () => {
  test('CometBFT hears of a change in the block that finds its delay over, and only then', async () => {
    const { governor, govern, decide } = await network(4)
    const [fresh] = await governor.keys(1)
    if (!fresh) throw new Error('a key')
    const change = { k: encodeMultikey(fresh.publicKey), power: 5 }
    expect(decide(1, await govern({ type: 'validators', changes: [change] })).validatorUpdates).toEqual([])
    expect(decide(5).validatorUpdates).toEqual([])
    expect(decide(6).validatorUpdates).toEqual([{ pubKey: { ed25519: fresh.publicKey.bytes }, power: 5 }])
    expect(decide(7).validatorUpdates).toEqual([])
  })

  test('a proposal that carries a change nobody authorized is rejected', async () => {
    const { chain, app, net, store } = await network(4)
    const stranger = await Governor.make(keys, START + 86_400)
    const forged = await stranger.operation(readNetwork(store), net, { type: 'parameters', set: { vetoes: 0 } })
    const block = chain.proposal(START + 1, [encodeEnvelope([encodeSubmission(forged)])])
    expect(chain.process(app, block)).toBe(false)
  })
})

describe('NET-14: rehearsed upgrade', () => {
  test('the next header names the new version, its block runs by it, and a node comes back into it by replay', async () => {
    const { chain, app, store, net, govern, decide } = await network(4)
    const register = async (delay: number): Promise<Uint8Array> =>
      encodeEnvelope([encodeSubmission(await new Owner(keys, net, START + 86_400).genesis({ delays: [delay] }))])
    const upgrade = { type: 'upgrade', version: 2, rules: version2.hash, time: START + 20 } as const
    expect(decide(1, await govern(upgrade)).consensusParamUpdates).toBeUndefined()
    const quick = await register(5)
    expect(chain.process(app, chain.proposal(START + 19, [quick]))).toBe(false)
    expect(decide(20, await register(60)).consensusParamUpdates).toEqual({ version: { app: 2 } })
    expect(decide(21, quick).consensusParamUpdates).toBeUndefined()
    expect(app.info({ version: '', blockVersion: 11, p2pVersion: 8, abciVersion: '2.0.0' }).appVersion).toBe(2)
    const fresh = new Application({ store: openStore(), rules: newer })
    chain.handshake(fresh)
    expect(readNetwork(store).protocol).toEqual({ version: 2, rules: version2.hash })
    const old = new Application({ store: openStore() })
    expect(() => chain.handshake(old)).toThrow(expect.objectContaining({ code: 'UPDATE_REQUIRED' }))
  })
})

describe('rule 11 and rule 14: a version comes to both engines at one time', () => {
  test('an operation of its suite is refused before and taken from the same block on, with the same state and log', async () => {
    const clock = new FakeClock(START * 1000)
    const governor = await Governor.make(keys, START + 86_400)
    const embedded = await EmbeddedLedger.open({
      store: LedgerStore.open(join(temporaryFolder(), 'l.lmdb')),
      signer: await Signer.open(temporaryFolder(), keys),
      clock,
      network: { chainId: 'keystead-test', parameters, governance: governor.authority() },
      rules: newer,
    })
    closers.push(() => embedded.close())
    const { genesis } = embedded
    const net = networkHash(genesis)
    const [store, chain] = [openStore(), new MiniChain(genesis)]
    const app = new Application({ store, rules: newer })
    chain.handshake(app)
    /** One operation at a time after the start, sent to both; the code with which both refuse it. */
    const send = async (time: number, submission: Submission | NetworkSubmission): Promise<string | undefined> => {
      clock.advance((START + time) * 1000 - clock.now())
      const bytes = encodeSubmission(submission)
      const why: string | undefined = await embedded.submit(bytes).then(
        () => undefined,
        (error) => error.code,
      )
      await embedded.refresh(0)
      const tx = encodeEnvelope([bytes])
      const { code, data } = app.checkTx({ tx, type: CheckTxType.NEW })
      if (code) expect(decodeVerdicts(data as Uint8Array)).toMatchObject([{ code: why }])
      else expect(why).toBeUndefined()
      expect(chain.process(app, chain.proposal(START + time, [tx]))).toBe(code === undefined)
      const block = chain.proposal(START + time, code ? [] : [tx])
      chain.decide(block)
      chain.finalize(app, block)
      chain.commit(app)
      const { mapRoot, logRoot, logSize } = embedded.head
      const { appHash: applied } = store.json<Applied>('m', 'applied') as Applied
      expect(base64url.encode(appHash(mapRoot, logRoot, logSize))).toBe(applied)
      return why
    }
    const owners = [1, 2].map(() => new Owner(keys, net, START + 86_400))
    const of = (owner: Owner) => {
      owner.suites = LATER_SUITES
      return owner.genesis({ keys: { now: [laterKey()], next: [laterKey()] } })
    }
    const [early, late] = (await Promise.all(owners.map(of))) as [Submission, Submission]
    const upgrade = { type: 'upgrade', version: 2, rules: version2.hash, time: START + 20 } as const
    expect(await send(1, await governor.operation(readNetwork(store), net, upgrade))).toBeUndefined()
    expect(await send(19, early)).toBe('SUITE_NOT_PERMITTED')
    // The block that finds the time reached is the last by the old rules.
    const plain = await new Owner(keys, net, START + 86_400).genesis()
    expect(await send(20, plain)).toBeUndefined()
    expect(await send(21, early)).toBeUndefined()
    expect(await send(22, late)).toBeUndefined()
    const versions = (reader: Reader) => [0, 1, 2, 3].map((i) => readEntry(reader, i)?.entry.p)
    expect(versions(store)).toEqual([1, 1, 2, 2])
    expect(versions(embedded.view().store)).toEqual([1, 1, 2, 2])
  })
})

describe('NET-16: from one node to a network', () => {
  function copyOf(data: string): string {
    const copy = join(temporaryFolder(), 'l.lmdb')
    copyFileSync(join(data, 'l.lmdb'), copy)
    return copy
  }

  async function handedOver() {
    const [data, signerFolder] = [temporaryFolder(), temporaryFolder()]
    const clock = new FakeClock(START * 1000)
    const governor = await Governor.make(keys, START + 86_400, 1, 1)
    const signer = await Signer.open(signerFolder, keys)
    const ledger = await EmbeddedLedger.open({
      store: LedgerStore.open(join(data, 'l.lmdb')),
      signer,
      clock,
      network: { chainId: 'keystead-test', parameters, governance: governor.authority() },
    })
    const net = networkHash(ledger.genesis)
    const alice = new Owner(keys, net, START + 86_400)
    const genesis = await alice.genesis()
    await ledger.submit(encodeSubmission(genesis))
    const earlier = [copyOf(data)]
    expect(() => handoverOf(ledger)).toThrow(expect.objectContaining({ code: 'NOT_HANDED_OVER' }))
    const heirs = (await governor.keys(4)).map((key) => ({ k: encodeMultikey(key.publicKey), power: 10 }))
    const members = { type: 'validators', changes: heirs, handover: true } as const
    const operation = await governor.operation(readNetwork(ledger.store), net, members)
    await ledger.submit(encodeSubmission(operation))
    earlier.push(copyOf(data))
    clock.advance(5000)
    await ledger.refresh(0)
    const handover = parseHandover(JSON.parse(JSON.stringify(handoverToJson(handoverOf(ledger)))))
    await ledger.close()
    signer.destroy()
    return { handover, data, earlier, signerFolder, alice, genesis, net }
  }

  test('the network goes on with state, log and identifiers, and its first header follows from the last old one', async () => {
    const { handover, data, alice, genesis } = await handedOver()
    const store = openStore(join(data, 'l.lmdb'))
    const chain = new MiniChain(handover.genesis, handover)
    const app = new Application({ store })
    chain.handshake(app, false)
    // CometBFT may crash before its first block, and begins again.
    const again = new Application({ store })
    chain.handshake(again)
    const { height, nextValidatorsHash } = handover.head.header
    expect(chain.height).toBe(height)
    expect(nextValidatorsHash).toEqual(validatorsHash(validatorsOf(handover.validators)))
    const state = { did: genesis.operation.did, seq: 0, head: genesis.hash }
    expect(chain.check(again, encodeEnvelope([encodeSubmission(await alice.update(state as never))]))).toBe(true)
    chain.step(again, START + 100)
    expect(store.json('m', 'applied')).toMatchObject({ height: height + 1, logSize: 3 })
    chain.handshake(new Application({ store }))
    expect(readLightBlock(store, height)?.nextValidators).toHaveLength(4)
    expect(() => again.initChain(chain.initRequest())).toThrow(expect.objectContaining({ code: 'BAD_NETWORK' }))
  })

  test('data of an earlier height, no data, and data of another chain are refused', async () => {
    const { handover, data, earlier } = await handedOver()
    const other = await handedOver()
    const begin = (store: LedgerStore, from: Handover) => () =>
      new MiniChain(from.genesis, from).handshake(new Application({ store }))
    expect(begin(openStore(), handover)).toThrow(expect.objectContaining({ code: 'BAD_NETWORK' }))
    for (const copy of earlier)
      expect(begin(openStore(copy), handover)).toThrow(expect.objectContaining({ code: 'BAD_NETWORK' }))
    expect(begin(openStore(join(data, 'l.lmdb')), handover)).not.toThrow()
    expect(begin(openStore(join(other.data, 'l.lmdb')), handover)).toThrow(
      expect.objectContaining({ code: 'BAD_NETWORK' }),
    )
  })

  test('rule 18: the old key is gone, and a handover that it did not sign is none', async () => {
    const { handover, signerFolder } = await handedOver()
    await expect(Signer.open(signerFolder, keys)).rejects.toMatchObject({ code: 'VALIDATOR_KEY_DESTROYED' })
    const json = handoverToJson(handover)
    const other = handoverToJson((await handedOver()).handover)
    for (const change of [{ validators: other['validators'] }, { head: other['head'] }, { genesis: other['genesis'] }])
      expect(() => parseHandover({ ...json, ...change } as never)).toThrow(
        expect.objectContaining({ code: 'BAD_HANDOVER' }),
      )
    expect(() => parseHandover({ ...json, more: 1 })).toThrow()
  })
})
