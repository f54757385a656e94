import { FakeClock, multihash } from '@keystead/core'
import { encodeMultikey } from '@keystead/crypto'
import { nodeKeyProvider } from '@keystead/crypto/node'
import {
  type DidState,
  doWork,
  encodeSubmission,
  makeStamp,
  operationAfter,
  parseSubmission,
  type Submission,
  signOperation,
} from '@keystead/did-dkms'
import { describe, expect, test } from 'vitest'
import { Owner } from '../../did-dkms/src/testing/owner.ts'
import { parseAdmissionPolicy, stampAdmission, workAdmission } from './admission.ts'
import { fillBlock } from './block-space.ts'
import { MAX_WAITING_OPERATIONS, RESERVED_WAITING_OPERATIONS } from './limits.ts'
import { removeFolders, testLedger } from './testing/ledger.ts'

const keys = nodeKeyProvider()
const T0 = 1_800_000_000
const net = multihash.encode(new Uint8Array(32))
const owner = () => new Owner(keys, net, T0 + 86_400)
const codeOf = (run: () => void): string => {
  try {
    run()
    return 'admitted'
  } catch (error) {
    return (error as { code: string }).code
  }
}

describe('NET-32: admission of new DIDs', () => {
  test('by work: for this operation and of enough bits, and only for a creation', async () => {
    const policy = workAdmission(8)
    const alice = owner()
    const genesis = await alice.genesis()
    expect(codeOf(() => policy.check(genesis))).toBe('WORK_REQUIRED')
    const admission = await doWork(genesis.hash, 8)
    const sent = parseSubmission(encodeSubmission({ ...genesis, admission }))
    expect(sent).toEqual({ ...genesis, admission })
    expect(codeOf(() => policy.check(sent))).toBe('admitted')
    const other = await owner().genesis()
    expect(codeOf(() => workAdmission(24).check({ ...other, admission }))).toBe('WORK_REQUIRED')
    expect(
      codeOf(() => policy.check({ ...genesis, operation: { ...genesis.operation, type: 'update' } as never })),
    ).toBe('admitted')
  })

  test('by stamp: of a sponsor the node knows, for this operation, in time, and within its quota of the day', async () => {
    const [sponsor, stranger] = await owner().make(2)
    if (!sponsor || !stranger) throw new Error('two keys')
    const clock = new FakeClock(T0 * 1000)
    const policy = stampAdmission([encodeMultikey(sponsor.publicKey)], clock, 2)
    const stamped = async (key = sponsor, exp = T0 + 60): Promise<Submission> => {
      const genesis = await owner().genesis()
      return { ...genesis, admission: await makeStamp(key, net, genesis.hash, exp) }
    }
    const first = await stamped()
    expect(codeOf(() => policy.check(first))).toBe('admitted')
    expect(codeOf(() => policy.check(parseSubmission(encodeSubmission(first))))).toBe('admitted')
    const { admission } = first
    const bare = await owner().genesis()
    if (!admission) throw new Error('stamped')
    for (const refused of [bare, { ...bare, admission }, await stamped(stranger), await stamped(sponsor, T0 - 1)])
      expect(codeOf(() => policy.check(refused))).toBe('STAMP_REQUIRED')
    expect(codeOf(() => policy.check({ ...bare, admission: { type: 'work', nonce: '0' } }))).toBe('STAMP_REQUIRED')
    const second = await stamped()
    expect(codeOf(() => policy.check(second))).toBe('admitted')
    const third = await stamped(sponsor, T0 + 90_000)
    expect(codeOf(() => policy.check(third))).toBe('QUOTA_SPENT')
    expect(codeOf(() => policy.check(first))).toBe('admitted')
    clock.advance(86_400_000)
    expect(codeOf(() => policy.check(third))).toBe('admitted')
  })

  test('a policy is named in configuration; anything else is BAD_CONFIGURATION', () => {
    const clock = new FakeClock(0)
    for (const good of ['open', 'work', 'work:20', `stamp:z6Mk${'a'.repeat(44)}`])
      expect(codeOf(() => parseAdmissionPolicy(good, clock))).toBe('admitted')
    for (const bad of ['', 'closed', 'work:0', 'work:99', 'work:', 'stamp:', 'stamp:z6Mk'])
      expect(codeOf(() => parseAdmissionPolicy(bad, clock))).toBe('BAD_CONFIGURATION')
  })
})

describe('NET-31: reserved block space', () => {
  const waiting = (name: string, type: string) => ({
    name,
    submission: { operation: { did: name.slice(0, 1), type }, hash: name } as unknown as Submission,
  })

  test('a flood of ordinary operations leaves room for what protects an owner, in the order of each DID', () => {
    const flood = Array.from({ length: 20 }, (_, i) => waiting(`${String.fromCharCode(97 + i)}`, 'update'))
    const queue = [
      ...flood,
      waiting('t1', 'update'),
      waiting('t2', 'veto'),
      waiting('z', 'veto'),
      waiting('y', 'recover'),
    ]
    const { block, rest } = fillBlock(queue, 10, 2)
    expect(block.map(({ name }) => name).join('')).toBe('abcdefghzy')
    expect(rest.map(({ name }) => name).join(' ')).toBe('i j k l m n o p q r s t t1 t2')
    expect(fillBlock(flood.slice(0, 8), 10, 2)).toEqual({ block: flood.slice(0, 8), rest: [] })
  })

  test('a node whose queue is full of ordinary operations still takes one that protects an owner', async () => {
    const { ledger, net: own } = await testLedger()
    const alice = new Owner(keys, own, T0 + 86_400)
    const genesis = await alice.genesis()
    const state = { did: genesis.operation.did, seq: 0, head: genesis.hash } as DidState
    const suspension = operationAfter(state, own, T0 + 86_400, { type: 'suspend' })
    const suspend = { operation: await signOperation(suspension, alice.keys.now) }
    const flood = Array.from({ length: MAX_WAITING_OPERATIONS - RESERVED_WAITING_OPERATIONS }, () =>
      ledger.submit(encodeSubmission(genesis)),
    )
    const late = ledger.submit(encodeSubmission(genesis))
    const urgent = ledger.submit(encodeSubmission(suspend))
    await expect(late).rejects.toMatchObject({ code: 'TOO_MANY_OPERATIONS' })
    expect((await urgent).logIndex).toBe(1)
    expect(new Set((await Promise.all(flood)).map(({ logIndex }) => logIndex))).toEqual(new Set([0]))
    await ledger.close()
    removeFolders()
  }, 60_000)

  test('urgent operations alone may fill a block', () => {
    const urgent = Array.from({ length: 12 }, (_, i) => waiting(`${String.fromCharCode(97 + i)}`, 'veto'))
    expect(fillBlock(urgent, 10, 2).block).toHaveLength(10)
  })
})
