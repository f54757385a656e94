/** The verifier against what CometBFT's light client specification asks of it. */
import { describe, expect, test } from 'vitest'
import { follow } from './follow.ts'
import type { LightBlock } from './light-block.ts'
import { checkSignedHeader, decodeLightBlock, encodeLightBlock } from './light-block.ts'
import { trustedGenesis } from './pin.ts'
import { blockId, START, signCommit, TestChain, TestValidator } from './testing/chain.ts'
import { validatorSet } from './validators.ts'
import { trustedAfter, type VerifierRules, verifyLightBlock } from './verifier.ts'

const code = (expected: string) => expect.objectContaining({ code: expected })
const rules: VerifierRules = { now: START + 10_000, trustingPeriod: 14 * 86_400 }
const chain = TestChain.steady()
const trusted = trustedAfter(chain.lightBlock(5))

/** The block at a height, with its header changed and signed anew by its own validators. */
function resigned(height: number, change: Partial<LightBlock['header']>, of = chain): LightBlock {
  const block = of.lightBlock(height)
  const header = { ...block.header, ...change }
  return { ...block, header, commit: signCommit(header, of.signers(height)) }
}

describe('LIGHT-1: a header that is verified', () => {
  test('is adjacent or not, and signed by more than two thirds of its validators', () => {
    expect(verifyLightBlock(trusted, chain.lightBlock(6), rules)).toBe('verified')
    expect(verifyLightBlock(trusted, chain.lightBlock(900), rules)).toBe('verified')
    const block = chain.lightBlock(900)
    const few = { ...block, commit: signCommit(block.header, chain.signers(900), (_, i) => i < 2) }
    expect(() => verifyLightBlock(trusted, few, rules)).toThrow(code('PROOF_INVALID'))
    const three = { ...block, commit: signCommit(block.header, chain.signers(900), (_, i) => i > 0) }
    expect(verifyLightBlock(trusted, three, rules)).toBe('verified')
  })

  test('MUST have exactly more than two thirds: of 3 equal validators 2 are not enough', () => {
    const three = TestChain.steady(3)
    const block = three.lightBlock(2)
    const two = { ...block, commit: signCommit(block.header, three.signers(2), (_, i) => i < 2) }
    expect(() => verifyLightBlock(trustedAfter(three.lightBlock(1)), two, rules)).toThrow(code('PROOF_INVALID'))
  })

  test('counts power, not heads', () => {
    const set = [new TestValidator('whale', 7), ...['a', 'b', 'c'].map((name) => new TestValidator(name))]
    const weighted = new TestChain({ sets: new Map([[1, set]]) })
    const block = weighted.lightBlock(2)
    const whale = { ...block, commit: signCommit(block.header, weighted.signers(2), ({ power }) => power === 7) }
    const others = { ...block, commit: signCommit(block.header, weighted.signers(2), ({ power }) => power === 1) }
    expect(verifyLightBlock(trustedAfter(weighted.lightBlock(1)), whale, rules)).toBe('verified')
    expect(() => verifyLightBlock(trustedAfter(weighted.lightBlock(1)), others, rules)).toThrow(code('PROOF_INVALID'))
  })

  test('MUST be of the chain, higher, later, and not from the future', () => {
    expect(() => verifyLightBlock(trusted, TestChain.steady(4, { chainId: 'other' }).lightBlock(9), rules)).toThrow(
      code('WRONG_NETWORK'),
    )
    expect(() => verifyLightBlock(trusted, chain.lightBlock(5), rules)).toThrow(code('PROOF_INVALID'))
    expect(() => verifyLightBlock(trusted, chain.lightBlock(4), rules)).toThrow(code('PROOF_INVALID'))
    expect(() => verifyLightBlock(trusted, resigned(6, { time: trusted.time }), rules)).toThrow(code('PROOF_INVALID'))
    expect(() => verifyLightBlock(trusted, resigned(4, { time: chain.time(7) }), rules)).toThrow(code('PROOF_INVALID'))
    const at = (now: number) => () => verifyLightBlock(trusted, chain.lightBlock(101), { ...rules, now })
    expect(at(START + 90)()).toBe('verified')
    expect(at(START + 89)).toThrow(code('CLOCK_WRONG'))
  })

  test('MUST be judged within the trusting period of the trusted one', () => {
    const at = (now: number) => () => verifyLightBlock(trusted, chain.lightBlock(900), { ...rules, now })
    expect(at(START + 4 + 14 * 86_400 - 1)()).toBe('verified')
    expect(at(START + 4 + 14 * 86_400)).toThrow(code('TRUST_EXPIRED'))
  })

  test('MUST be of the validators that its predecessor named', () => {
    const strangers = new TestChain({ sets: new Map([[1, ['x', 'y', 'z'].map((name) => new TestValidator(name))]]) })
    expect(() => verifyLightBlock(trusted, strangers.lightBlock(6), rules)).toThrow(code('PROOF_INVALID'))
    expect(verifyLightBlock(trusted, strangers.lightBlock(7), rules)).toBe('not-enough-trust')
    const genesis = trustedGenesis(chain.genesis)
    expect(verifyLightBlock(genesis, chain.lightBlock(1), rules)).toBe('verified')
    expect(() => verifyLightBlock(genesis, strangers.lightBlock(1), rules)).toThrow(code('WRONG_NETWORK'))
  })

  test.each<[string, (block: LightBlock) => LightBlock]>([
    ['a commit of another height', (b) => ({ ...b, commit: { ...b.commit, height: 7 } })],
    ['a commit of another header', (b) => ({ ...b, commit: chain.lightBlock(7).commit })],
    ['another round than was signed', (b) => ({ ...b, commit: { ...b.commit, round: 1 } })],
    [
      'a commit that lacks a place',
      (b) => ({ ...b, commit: { ...b.commit, signatures: b.commit.signatures.slice(1) } }),
    ],
    [
      'two places exchanged',
      (b) => ({ ...b, commit: { ...b.commit, signatures: [...b.commit.signatures].reverse() } }),
    ],
    [
      'a validator that signs twice',
      (b) => {
        const [first, , ...rest] = b.commit.signatures
        return { ...b, commit: { ...b.commit, signatures: [first, first, ...rest] as typeof b.commit.signatures } }
      },
    ],
    ['validators in another order', (b) => ({ ...b, validators: [...b.validators].reverse(), nextValidators: [] })],
    [
      'a validator named twice',
      (b) => ({ ...b, validators: [b.validators[0], ...b.validators] as typeof b.validators }),
    ],
    [
      'a signature more than there are validators',
      (b) => {
        const { signatures } = b.commit
        return { ...b, commit: { ...b.commit, signatures: [...signatures, ...signatures.slice(0, 1)] } }
      },
    ],
    [
      'signatures by strangers under the name of the real validators',
      (b) => {
        const strangers = ['x', 'y', 'z'].map((name) => new TestValidator(name))
        return { ...b, validators: strangers, commit: signCommit(b.header, strangers) }
      },
    ],
    ['another set to come', (b) => ({ ...b, nextValidators: b.nextValidators.slice(1) })],
    ['another block format', () => resigned(6, { version: { block: 12, app: 1 } })],
    ['a state that is no hash', () => resigned(6, { appHash: new Uint8Array(20) })],
    ['operations that are no hash', () => resigned(6, { dataHash: new Uint8Array(20) })],
    ['parameters that are no hash', () => resigned(6, { consensusHash: new Uint8Array(20) })],
    ['a proposer that is no address', () => resigned(6, { proposerAddress: new Uint8Array(19) })],
  ])('%s is refused', (_, change) => {
    expect(() => verifyLightBlock(trusted, change(chain.lightBlock(6)), rules)).toThrow(code('PROOF_INVALID'))
  })

  test('a commit of another height or header is refused before its signatures are looked at', () => {
    const { header, commit } = chain.lightBlock(6)
    for (const other of [
      { ...commit, height: 7 },
      chain.lightBlock(7).commit,
      { ...commit, blockId: blockId(chain.header(7)) },
    ])
      expect(() => checkSignedHeader({ header, commit: other })).toThrow('the commit is of another header')
  })

  test('one wrong signature condemns a commit, even beyond two thirds', () => {
    const block = chain.lightBlock(6)
    const signatures = block.commit.signatures.map((vote, i) =>
      vote.flag !== 'absent' && i === 3 ? { ...vote, signature: vote.signature.map((byte) => byte ^ 1) } : vote,
    )
    const changed = { ...block, commit: { ...block.commit, signatures } }
    expect(() => verifyLightBlock(trusted, changed, rules)).toThrow(code('PROOF_INVALID'))
  })

  test('nil votes are no votes', () => {
    const block = chain.lightBlock(6)
    const signatures = block.commit.signatures.map((vote, i) =>
      vote.flag !== 'absent' && i < 2 ? { ...vote, flag: 'nil' as const } : vote,
    )
    const nil = { ...block, commit: { ...block.commit, signatures } }
    expect(() => verifyLightBlock(trusted, nil, rules)).toThrow(code('PROOF_INVALID'))
  })

  test('a trust level lies between 1/3 and 1, and more of it is demanded', () => {
    const level = (numerator: number, denominator: number) => ({ ...rules, trustLevel: { numerator, denominator } })
    expect(() => verifyLightBlock(trusted, chain.lightBlock(9), level(1, 4))).toThrow(code('PROOF_INVALID'))
    expect(() => verifyLightBlock(trusted, chain.lightBlock(9), level(3, 2))).toThrow(code('PROOF_INVALID'))
    const block = chain.lightBlock(9)
    const three = { ...block, commit: signCommit(block.header, chain.signers(9), (_, i) => i > 0) }
    expect(verifyLightBlock(trusted, three, level(2, 3))).toBe('verified')
    expect(verifyLightBlock(trusted, three, level(3, 4))).toBe('not-enough-trust')
  })
})

describe('LIGHT-2: the way to a header far ahead', () => {
  const v = (name: string) => new TestValidator(name)
  /** Every validator is replaced, one after the other. */
  const rotated = new TestChain({
    interval: 10,
    sets: new Map([
      [1, ['a', 'b', 'c', 'd'].map(v)],
      [2000, ['b', 'c', 'd', 'e'].map(v)],
      [4000, ['c', 'd', 'e', 'f'].map(v)],
      [6000, ['d', 'e', 'f', 'g'].map(v)],
      [8000, ['e', 'f', 'g', 'h'].map(v)],
    ]),
  })
  const later = { ...rules, now: START + 100_000 }

  test('halves where too few are known, and asks for few headers', async () => {
    const provider = rotated.provider()
    const start = trustedAfter(rotated.lightBlock(1))
    const end = await follow(start, rotated.lightBlock(10_000), provider, later)
    expect(end).toEqual(trustedAfter(rotated.lightBlock(10_000)))
    expect(provider.asked.length).toBeLessThanOrEqual(20)
  })

  test('over a set that changes all at once leads through the very block that announces it', async () => {
    const sudden = new TestChain({
      sets: new Map([
        [1, ['a', 'b', 'c'].map(v)],
        [6007, ['x', 'y', 'z'].map(v)],
      ]),
    })
    const provider = sudden.provider()
    await follow(trustedAfter(sudden.lightBlock(1)), sudden.lightBlock(10_000), provider, later)
    expect(provider.asked).toContain(6006)
    expect(provider.asked.length).toBeLessThanOrEqual(20)
  })

  test('block by block comes to the same end', async () => {
    const provider = rotated.provider()
    const start = trustedAfter(rotated.lightBlock(1990))
    const end = await follow(start, rotated.lightBlock(2010), provider, later, 'sequential')
    expect(end).toEqual(trustedAfter(rotated.lightBlock(2010)))
    expect(provider.asked).toEqual(Array.from({ length: 19 }, (_, i) => 1991 + i))
  })

  test('MUST NOT end at validators whom nobody handed over to', async () => {
    const forged = new TestChain({ sets: new Map([[1, ['x', 'y', 'z'].map(v)]]) })
    const start = trustedAfter(rotated.lightBlock(1))
    await expect(follow(start, forged.lightBlock(9000), forged.provider(), later)).rejects.toEqual(
      code('PROOF_INVALID'),
    )
    await expect(follow(start, forged.lightBlock(9000), rotated.provider(), later)).rejects.toEqual(
      code('PROOF_INVALID'),
    )
  })

  test('MUST be shown block by block: a node that leaves one out is refused', async () => {
    const start = trustedAfter(rotated.lightBlock(1))
    const provider = rotated.provider('short', 4000)
    await expect(follow(start, rotated.lightBlock(10_000), provider, later)).rejects.toEqual(code('PROOF_INVALID'))
  })
})

describe('a set of validators', () => {
  const one = new TestValidator('one')
  const many = Array.from({ length: 129 }, (_, i) => new TestValidator(`m${i}`))
  test.each([
    ['nobody', []],
    ['one twice', [one, new TestValidator('two'), one]],
    ['one without power', [one, { publicKey: many[0]?.publicKey as never, power: 0 }]],
    ['one with half a power', [{ publicKey: one.publicKey, power: 1.5 }]],
    ['a short key', [{ publicKey: one.publicKey.slice(1), power: 1 }]],
    ['more than there may be', many],
    ['more power than can be counted', many.slice(0, 2).map(({ publicKey }) => ({ publicKey, power: 2 ** 50 }))],
  ])('MUST NOT have %s', (_, validators) => {
    expect(() => validatorSet(validators)).toThrow(code('PROOF_INVALID'))
  })
})

describe('LIGHT-5: votes are judged by ZIP-215', () => {
  test('a key of small order, with a signature that only ZIP-215 accepts, has a vote like others', () => {
    // The neutral element, and the signature that holds under it for every message (ZIP 215, test vectors).
    class Neutral extends TestValidator {
      override readonly publicKey = Uint8Array.from({ length: 32 }, (_, i) => (i === 0 ? 1 : 0))
      override sign(): Uint8Array<ArrayBuffer> {
        return Uint8Array.from({ length: 64 }, (_, i) => (i === 0 ? 1 : 0))
      }
    }
    const odd = new TestChain({ sets: new Map([[1, [new Neutral('odd', 2), new TestValidator('even', 1)]]]) })
    expect(verifyLightBlock(trustedAfter(odd.lightBlock(1)), odd.lightBlock(2), rules)).toBe('verified')
    const block = odd.lightBlock(2)
    const alone = { ...block, commit: signCommit(block.header, odd.signers(2), ({ power }) => power === 2) }
    expect(() => verifyLightBlock(trustedAfter(odd.lightBlock(1)), alone, rules)).toThrow(code('PROOF_INVALID'))
  })
})

describe('LIGHT-4: light blocks in bytes', () => {
  test('come back as they were, and only in one form', () => {
    const block = chain.lightBlock(6)
    const bytes = encodeLightBlock(block)
    const again = decodeLightBlock(bytes)
    expect(verifyLightBlock(trusted, again, rules)).toBe('verified')
    expect(encodeLightBlock(again)).toEqual(bytes)
    expect(again.commit.blockId).toEqual(blockId(block.header))
    expect(() => decodeLightBlock(Uint8Array.from([...bytes, 0x20, 1]))).toThrow(code('BAD_ENCODING'))
    expect(() => decodeLightBlock(bytes.subarray(0, -1))).toThrow(code('BAD_ENCODING'))
  })
})
