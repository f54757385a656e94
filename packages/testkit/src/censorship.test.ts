import { ledgerHttp } from '@keystead/ledger'
import { afterEach, expect, test } from 'vitest'
import { LEDGER, Network } from './network.ts'

let network: Network
afterEach(() => network?.close())

test('rule 15: a wallet keeps the receipt of an operation that does not enter, and says when the node broke its word', async () => {
  network = await Network.open()
  const alice = await network.person('alice')
  const key = await network.keys.ephemeral({ kind: 'signing', suite: 'ed25519' })
  const silent = new Proxy(network.ledger, {
    get: (target, name) => {
      if (name === 'submit') return () => new Promise<never>(() => {})
      const value = Reflect.get(target, name, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
  const receipts = { key, clock: network.clock }
  const app = ledgerHttp(silent, { freshSeconds: 1, log: () => {}, receipts, answerWithinMs: 20 })
  network.wires.connect(LEDGER, (request) => app.fetch(request))
  await alice.agent.rotateAll()
  network.advance(30)
  await alice.agent.sync()
  expect(alice.heard('waiting', /broke its word/)).toBe(false)
  network.advance(60)
  await alice.agent.sync()
  expect(alice.heard('waiting', /broke its word/)).toBe(true)
})
