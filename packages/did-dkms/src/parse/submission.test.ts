import { canonicalJson, multihash, utf8, utf8Decode } from '@keystead/core'
import { nodeKeyProvider } from '@keystead/crypto/node'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { apply } from '../apply/apply.ts'
import { replay } from '../history.ts'
import { parseDkmsDid } from '../identifier.ts'
import { signedOperationHash } from '../log.ts'
import { productionParameters } from '../network/parameters.ts'
import { decodeState, encodeState } from '../state.ts'
import { Owner } from '../testing/owner.ts'
import type { Submission } from '../types.ts'
import { encodeSubmission, parseSubmission } from './submission.ts'

const net = multihash.encode(new Uint8Array(32))
const T0 = 1_800_000_000
const provider = nodeKeyProvider()
const context = { net, parameters: { ...productionParameters, minRecoveryDelay: 60 }, time: T0, lost: 0, logIndex: 0 }
const codeOf = (run: () => unknown): string => {
  try {
    run()
    return 'accepted'
  } catch (error) {
    return (error as { code?: string }).code ?? String(error)
  }
}

describe('wire rule', async () => {
  const alice = new Owner(provider, net, T0 + 1000)
  const genesis = await alice.genesis({ delays: [3600] })
  const bytes = encodeSubmission(genesis)

  test('DKMS-1: what was encoded parses to the same, and only its canonical bytes do', () => {
    expect(parseSubmission(bytes)).toEqual(genesis)
    expect(codeOf(() => parseSubmission(utf8(`${utf8Decode(bytes)} `)))).toBe('BAD_OPERATION')
    expect(codeOf(() => parseSubmission(utf8(JSON.stringify(JSON.parse(utf8Decode(bytes)), null, 1))))).toBe(
      'BAD_OPERATION',
    )
  })

  test('DKMS-2: the identifier is derived from the genesis operation', () => {
    const { operation } = genesis
    const other = { ...operation, notAfter: operation.notAfter + 1 }
    expect(codeOf(() => parseSubmission(encodeSubmission({ ...genesis, operation: other })))).toBe('SCID_MISMATCH')
    expect(parseDkmsDid(operation.did).did).toBe(operation.did)
  })

  test('DKMS-3: unknown members, members of other types and a missing body are refused', () => {
    const { operation, body } = genesis
    const variants = [
      { op: { ...operation, x: 1 }, body },
      { op: { ...operation, root: net }, body },
      { op: operation, body, x: 1 },
      { op: { ...operation, v: 2 }, body },
      { op: { ...operation, seq: 1 }, body },
    ]
    for (const variant of variants) expect(codeOf(() => parseSubmission(canonicalJson(variant)))).toBe('BAD_OPERATION')
    expect(codeOf(() => parseSubmission(encodeSubmission({ operation })))).toBe('BODY_MISMATCH')
    const changed = { ...(body as NonNullable<Submission['body']>), services: [] }
    expect(codeOf(() => parseSubmission(encodeSubmission({ operation, body: changed })))).toBe('BODY_MISMATCH')
  })

  test('a changed byte never registers the same DID with other content', () => {
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (place, mask) => {
        const mutated = new Uint8Array(bytes)
        mutated[place] = (mutated[place] as number) ^ mask
        try {
          const result = apply(undefined, parseSubmission(mutated), context)
          // Base58 and JSON leave no two spellings; what still parses must fail its signature.
          expect(result.ok).toBe(false)
        } catch (error) {
          expect(error).toMatchObject({ name: 'KeysteadError' })
        }
      }),
      { numRuns: 400 },
    )
  })

  test('random bytes and random JSON never crash a parser', () => {
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 300 }), fc.json().map(utf8)), (random) => {
        for (const parse of [parseSubmission, decodeState])
          expect(['BAD_OPERATION', 'STATE_INVALID']).toContain(codeOf(() => parse(random)))
      }),
    )
  })
})

describe('history', () => {
  test('DKMS-41: tells each key from when until when, and what was anchored', async () => {
    const alice = new Owner(provider, net, T0 + 10_000)
    const entries: { entry: { i: number; t: number; lost: number; p: number; s: string }; submission: Submission }[] =
      []
    let state = undefined as ReturnType<typeof decodeState> | undefined
    const add = (submission: Submission, t: number): void => {
      const i = entries.length * 3
      const result = apply(state, submission, { ...context, time: t, logIndex: i })
      if (!result.ok) throw new Error(result.code)
      state = decodeState(encodeState(result.state))
      entries.push({ entry: { i, t, lost: 0, p: 1, s: signedOperationHash(submission.operation) }, submission })
    }
    add(await alice.genesis({ delays: [3600] }), T0)
    add(await alice.anchor(state as never, net), T0 + 10)
    const rotation = await alice.rotate(state as never)
    add(rotation.submission, T0 + 20)
    rotation.adopt()
    add((await alice.recover(state as never, 0)).submission, T0 + 30)
    const network = { net, parametersAt: () => context.parameters, protocol: 1 }
    const history = replay(entries, network, { time: T0 + 30 + 3600, lost: 0 })
    expect(history.anchors).toEqual([{ seq: 1, root: net, time: T0 + 10, logIndex: 3 }])
    expect(history.keys.map(({ from, until }) => [from - T0, until === undefined ? undefined : until - T0])).toEqual([
      [0, 20],
      [20, 3630],
      [3630, undefined],
    ])
    const [first, ...rest] = entries
    expect(() => replay(rest, network, { time: T0, lost: 0 })).toThrow()
    expect(() =>
      replay([{ ...(first as (typeof entries)[number]), entry: { i: 0, t: T0, lost: 0, p: 1, s: net } }], network, {
        time: T0,
        lost: 0,
      }),
    ).toThrow()
  })
})
