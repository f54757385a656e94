import { canonicalJson, multihash, utf8, utf8Decode } from '@keystead/core'
import { encodeMultikey } from '@keystead/crypto'
import { nodeKeyProvider } from '@keystead/crypto/node'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { apply } from '../apply/apply.ts'
import { genesisOperation } from '../build.ts'
import { replay } from '../history.ts'
import { parseDkmsDid } from '../identifier.ts'
import { MAX_STATE_BYTES } from '../limits.ts'
import { signedOperationHash } from '../log.ts'
import { productionParameters } from '../network/parameters.ts'
import { signOperation } from '../signing.ts'
import { decodeState, encodeState } from '../state.ts'
import { Owner } from '../testing/owner.ts'
import type { Body, Genesis, Submission } from '../types.ts'
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

  test('DKMS-8: a key that cannot sign operations has no place in an authority, or a state would outgrow its bound', async () => {
    const owner = new Owner(provider, net, T0 + 1000)
    const { operation, body } = await owner.genesis()
    const { auth, recovery } = operation as Genesis
    const other = async (type: Parameters<typeof provider.ephemeral>[0]) => ({
      k: encodeMultikey((await provider.ephemeral(type)).publicKey),
      w: 0,
    })
    const kem = { kind: 'kem', suite: 'x-wing' } as const
    const agreement = { kind: 'agreement', suite: 'x25519' } as const
    for (const type of [kem, agreement]) {
      const keys = [...auth.keys, await other(type), await other(type)]
      const unsigned = genesisOperation(net, {
        auth: { ...auth, keys },
        recovery,
        body: body as Body,
        notAfter: T0 + 1000,
      })
      const signed = { operation: await signOperation(unsigned, owner.keys.now), body: body as Body }
      expect(codeOf(() => parseSubmission(encodeSubmission(signed)))).toBe('BAD_OPERATION')
    }
  })

  test('DKMS-20: the largest state that operations can make is within its bound, or nobody could read it again', async () => {
    const genesis = await new Owner(provider, net, T0).genesis({ delays: [3600] })
    const result = apply(undefined, genesis, { ...context, time: T0 - 1 })
    if (!result.ok) throw new Error(result.code)
    const many = <T>(count: number, item: T): T[] => Array.from({ length: count }, () => item)
    const key = await provider.ephemeral({ kind: 'signing', suite: 'p256' })
    const time = 253_402_300_799
    const wait = { start: time, lostAtStart: time, delay: time }
    const auth = {
      keys: many(16, { k: encodeMultikey(key.publicKey), w: 65_536 }),
      threshold: 2 ** 20,
      next: many(16, { h: net, w: 65_536 }),
      nextThreshold: 2 ** 20,
    }
    const entries = many(8, { h: net, delay: 315_360_000, firm: true as const })
    const agents = many(16, { h: net, caps: 4095, exp: time })
    const quorums = { ADMIN: 16, ROTATE: 16, UPDATE_SERVICE: 16, ASSERT: 16 }
    const pending = {
      ...wait,
      auth,
      recovery: entries,
      agents,
      quorums,
      body: net,
      path: net,
      firm: true as const,
      seq: 2 ** 31,
    }
    const largest = {
      ...result.state,
      ...{ seq: 2 ** 31, logIndex: 2 ** 53 - 1, created: time, updated: time, auth, agents, quorums },
      removals: many(16, { ...wait, h: net, by: net, contested: true as const }),
      suspension: { ...wait, by: net },
      suspenders: many(32, net),
      recovery: {
        ...{ epoch: 2 ** 31, entries, vetoesLeft: 16, pending, held: { ...wait, entries } },
        resting: many(8, { ...wait, h: net }),
      },
      compromises: many(8, { seq: 2 ** 31, since: time, at: time }),
      deactivation: wait,
      erased: 2 ** 31,
    }
    expect(encodeState(largest).length).toBeLessThanOrEqual(MAX_STATE_BYTES)
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
