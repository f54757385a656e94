/** The files by which a network comes about: what operators send one another is read strictly. */
import { encodeMultikey } from '@keystead/crypto'
import { developmentParameters } from '@keystead/did-dkms'
import { describe, expect, test } from 'vitest'
import { TestChain, TestValidator } from '../../../../light-client/src/testing/chain.ts'
import { handoverToJson } from '../../handover.ts'
import { continueNetwork, foundNetwork, parseNetworkFile, parseValidatorCard, type ValidatorCard } from './home.ts'

const heirs = ['a', 'b', 'c', 'd'].map((name) => new TestValidator(name))
const cardOf = ({ publicKey }: TestValidator, i: number): ValidatorCard => ({
  v: 1,
  name: `v${i}`,
  k: encodeMultikey({ suite: 'ed25519', bytes: publicKey }),
  node: String(i).padStart(40, '0'),
  address: `10.0.0.${i + 1}:26656`,
})
const cards = heirs.map(cardOf)
const network = { chainId: 'test', time: 1_800_000_000, parameters: developmentParameters }
const bad = expect.objectContaining({ code: 'BAD_NETWORK' })

/** A chain of one validator that was handed over to the heirs. */
function handedOver(flavour = '') {
  const chain = new TestChain({
    chainId: `keystead-chain${flavour}`,
    sets: new Map([
      [1, [new TestValidator('solo')]],
      [6, heirs],
    ]),
  })
  return { genesis: chain.genesis, head: chain.head(5), validators: cards.map(({ k }) => ({ k, power: 1 })) }
}

describe('network.json', () => {
  test('is of validators that differ in name, key, node and address', () => {
    expect(parseNetworkFile(JSON.parse(JSON.stringify(foundNetwork(cards, network)))).validators).toHaveLength(4)
    const [first, second, ...rest] = cards as [ValidatorCard, ValidatorCard]
    for (const member of ['name', 'k', 'node', 'address'] as const)
      expect(() => foundNetwork([first, { ...second, [member]: first[member] }, ...rest], network)).toThrow(bad)
  })

  test('goes on with a chain for exactly those to whom it was handed over', () => {
    expect(continueNetwork(cards, handedOver()).handover).toBeDefined()
    expect(() => continueNetwork(cards.slice(1), handedOver())).toThrow(bad)
    expect(() => continueNetwork([...cards, cardOf(new TestValidator('e'), 4)], handedOver())).toThrow(bad)
  })

  test('names no chain of another network than its own', () => {
    const file = JSON.parse(JSON.stringify(continueNetwork(cards, handedOver())))
    expect(parseNetworkFile(file).handover).toEqual(file.handover)
    expect(() => parseNetworkFile({ ...file, handover: handoverToJson(handedOver('-2')) })).toThrow(bad)
  })
})

test('validator.json is closed, and what it names goes into no other line of a configuration', () => {
  const [card] = cards
  expect(parseValidatorCard({ ...card } as never)).toEqual(card)
  for (const change of [
    { name: 'a b' },
    { name: 'x"\n[rpc]' },
    { address: 'host:1,evil:2' },
    { address: 'host' },
    { node: 'g'.repeat(40) },
    { k: 'z6LSbysY2xFMRpGMhb7tFTLMpeuPRaqaWM1yECx2AtzE3KCc' },
    { more: 1 },
  ])
    expect(() => parseValidatorCard({ ...card, ...change } as never), JSON.stringify(change)).toThrow()
})
