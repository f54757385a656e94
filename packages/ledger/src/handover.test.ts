/** NET-16: a handover document is what the one old validator signed, over the state that is handed over, and nothing else. */
import { encodeMultikey } from '@keystead/crypto'
import type { Head } from '@keystead/light-client'
import { describe, expect, test } from 'vitest'
import { signCommit, TestChain, TestValidator } from '../../light-client/src/testing/chain.ts'
import { type Handover, handoverToJson, parseHandover } from './handover.ts'

const solo = [new TestValidator('solo')]
const heirs = ['a', 'b', 'c', 'd'].map((name) => new TestValidator(name))
const thieves = ['x', 'y', 'z'].map((name) => new TestValidator(name))
const chainTo = (next: readonly TestValidator[], flavour = ''): TestChain =>
  new TestChain({
    sets: new Map([
      [1, solo],
      [6, next],
    ]),
    flavour,
  })
const named = (validators: readonly TestValidator[]) =>
  validators.map(({ publicKey, power }) => ({ k: encodeMultikey({ suite: 'ed25519', bytes: publicKey }), power }))

const chain = chainTo(heirs)
const honest: Handover = { genesis: chain.genesis, head: chain.head(5), validators: named(heirs) }
const read = (handover: Handover) => parseHandover(JSON.parse(JSON.stringify(handoverToJson(handover))))

describe('a handover document', () => {
  test('is read as it was written', () => {
    expect(read(honest).head).toEqual(honest.head)
  })

  const head = (change: Partial<Head>): Handover => ({ ...honest, head: { ...honest.head, ...change } })
  const stolen = chainTo(thieves)
  const pair = [new TestValidator('whale', 7), new TestValidator('small')]
  const ofTwo = new TestChain({
    sets: new Map([
      [1, pair],
      [6, heirs],
    ]),
  })
  test.each<[string, Handover]>([
    ['that strangers signed', head({ commit: signCommit(honest.head.header, thieves.slice(0, 1)) })],
    ['for another state than the block proves', head({ mapRoot: honest.head.logRoot })],
    ['for another log', head({ logSize: honest.head.logSize + 1 })],
    [
      'whose signature is of another block',
      { ...honest, head: { ...stolen.head(5), commit: honest.head.commit }, validators: named(thieves) },
    ],
    ['to others than the block names', { ...honest, validators: named(thieves) }],
    ['to some of those that the block names', { ...honest, validators: named(heirs.slice(1)) }],
    ['with other powers', { ...honest, validators: named(heirs).map((one) => ({ ...one, power: 2 })) }],
    ['before the old validator leaves', { ...honest, head: chain.head(3), validators: named(solo) }],
    ['of a chain that more than one validator signed', { ...honest, genesis: ofTwo.genesis, head: ofTwo.head(5) }],
    ['of a block of the heirs', { ...honest, head: chain.head(7) }],
  ])('%s is BAD_HANDOVER', (_, handover) => {
    expect(() => read(handover)).toThrow(expect.objectContaining({ code: 'BAD_HANDOVER' }))
  })
})
