/** What a reader makes of single heads (PROOF-8, PROOF-9, PROOF-11), without a ledger behind them: only validators who sign. */
import { RULES } from '@keystead/did-dkms'
import { describe, expect, test } from 'vitest'
import type { HeadProof } from './bundle.ts'
import type { LightProvider } from './follow.ts'
import type { Head } from './head.ts'
import { memoryPins } from './pin.ts'
import { clockAt, START, signCommit, TestChain, TestValidator } from './testing/chain.ts'
import { Trust } from './trust.ts'

const code = (expected: string) => expect.objectContaining({ code: expected })
const chain = TestChain.steady()
const fork = TestChain.steady(4, { flavour: 'fork', forkAt: 3 })
/** The log of every test chain has so many entries. */
const LOG_SIZE = 7

function reader({ of = chain, pins = memoryPins(), seconds = 1000 } = {}) {
  const trust = new Trust({
    genesis: of.genesis,
    versions: RULES,
    pins,
    clock: clockAt(START + seconds),
    maxAgeSeconds: 10_000,
  })
  const accept = (proof: HeadProof, node: LightProvider = of.provider()) => trust.accept(proof, node, [])
  return { pins, accept }
}

/** The head at a height with its first vote changed. */
function spoiled(head: Head): Head {
  const signatures = head.commit.signatures.map((vote, i) =>
    vote.flag === 'commit' && i === 0 ? { ...vote, signature: vote.signature.map((byte) => byte ^ 1) } : vote,
  )
  return { ...head, commit: { ...head.commit, signatures } }
}

describe('a proof of growth', () => {
  test('that nobody asked for is refused', async () => {
    const { accept, pins } = reader()
    await expect(accept({ head: chain.head(5), consistency: { from: LOG_SIZE, path: [] } })).rejects.toThrow(
      code('PROOF_INVALID'),
    )
    expect(await pins.load()).toBeUndefined()
  })

  test('comes with the same head again, as it was asked for', async () => {
    const { accept } = reader()
    const head = chain.head(5)
    await accept({ head })
    await accept({ head, consistency: { from: LOG_SIZE, path: [] } })
    for (const proof of [
      { head },
      { head, consistency: { from: LOG_SIZE - 1, path: [] } },
      { head, consistency: { from: LOG_SIZE, path: [head.logRoot] } },
    ])
      await expect(accept(proof)).rejects.toThrow(code('PROOF_INVALID'))
  })
})

describe('a head below the pinned one', () => {
  const asked = { consistency: { from: LOG_SIZE, path: [] } }

  test('is evidence of two histories only if validators signed it', async () => {
    const { accept, pins } = reader()
    await accept({ head: chain.head(9) })
    await expect(accept({ head: spoiled(fork.head(5)), ...asked })).rejects.toThrow(code('PROOF_INVALID'))
    const strangers = signCommit(
      fork.head(5).header,
      ['x', 'y', 'z', 'w'].map((name) => new TestValidator(name)),
    )
    await expect(accept({ head: { ...fork.head(5), commit: strangers }, ...asked })).rejects.toThrow(
      code('PROOF_INVALID'),
    )
    expect(pins.evidence).toEqual([])
    await expect(accept({ head: fork.head(5), ...asked })).rejects.toThrow(code('LEDGER_ROLLBACK'))
    expect(pins.evidence).toHaveLength(1)
  })

  test('that this reader accepted once is stale, and no evidence', async () => {
    const { accept, pins } = reader()
    await accept({ head: chain.head(5) })
    await accept({ head: chain.head(9), ...asked })
    await expect(accept({ head: chain.head(5), ...asked })).rejects.toThrow(code('HEADER_STALE'))
    expect(pins.evidence).toEqual([])
  })
})

test('PROOF-8: the pinned head itself is refused by a clock that was set back behind it', async () => {
  const { accept, pins } = reader()
  const head = chain.head(500)
  await accept({ head })
  const back = reader({ pins, seconds: 400 })
  await expect(back.accept({ head, consistency: { from: LOG_SIZE, path: [] } })).rejects.toThrow(code('CLOCK_WRONG'))
})

test('rule 14: a head of a protocol version that this software lacks is UPDATE_REQUIRED', async () => {
  const { accept } = reader()
  const header = { ...chain.head(5).header, version: { block: 11, app: 2 } }
  const head = { ...chain.head(5), header, commit: signCommit(header, chain.signers(5)) }
  await expect(accept({ head })).rejects.toThrow(code('UPDATE_REQUIRED'))
})

describe('while validators change', () => {
  const v = (name: string) => new TestValidator(name)
  const sets = new Map([
    [1, ['a', 'b', 'c', 'd'].map(v)],
    [6, ['b', 'c', 'd', 'e'].map(v)],
  ])
  const changing = new TestChain({ sets })
  const other = new TestChain({ sets, flavour: 'fork', forkAt: 3 })
  const asked = { consistency: { from: LOG_SIZE, path: [] } }

  test('the very block that names the new ones is followed by theirs', async () => {
    const { accept } = reader({ of: changing })
    expect((await accept({ head: changing.head(5) })).pin.nextValidators).toEqual(changing.signers(6))
    expect((await accept({ head: changing.head(6), ...asked })).pin.height).toBe(6)
  })

  test('each vote of the head that was shown must hold, not only of the block that was fetched for it', async () => {
    const { accept, pins } = reader({ of: changing })
    await expect(accept({ head: spoiled(changing.head(8)) })).rejects.toThrow(code('PROOF_INVALID'))
    expect(await pins.load()).toBeUndefined()
    expect((await accept({ head: changing.head(8) })).pin.height).toBe(8)
  })

  test('a node that shows another block than its head is refused', async () => {
    const { accept } = reader({ of: changing })
    await expect(accept({ head: changing.head(8) }, other.provider())).rejects.toThrow(code('PROOF_INVALID'))
    const none = changing.provider('a node', 7)
    await expect(accept({ head: changing.head(8) }, none)).rejects.toThrow(code('PROOF_INVALID'))
  })
})
