/** A bundle has one encoding: what is read is written as it was read, and everything else is refused (PROOF-1). */
import { isKeysteadError, seededRandom, utf8 } from '@keystead/core'
import { type Body, makeBody } from '@keystead/did-dkms'
import { describe, expect, test } from 'vitest'
import { decodeBundle, encodeBundle, type ProofBundle } from './bundle.ts'
import { PLACEHOLDER } from './map.ts'
import { bytes, fields, message } from './protobuf.ts'
import { TestChain } from './testing/chain.ts'

const random = seededRandom(3)
const hash = () => random(32)
const { header, commit } = TestChain.steady().lightBlock(6)
const head = { header, commit, mapRoot: hash(), logRoot: hash(), logSize: 300 }
const present: ProofBundle = {
  head,
  consistency: { from: 7, path: [hash(), hash()] },
  system: utf8('{"tick":1}'),
  systemProof: { siblings: [hash(), PLACEHOLDER, hash()] },
  state: utf8('{"a":1}'),
  stateProof: { siblings: [PLACEHOLDER, hash(), hash(), PLACEHOLDER] },
  bodies: [makeBody([], [], random)],
}
const { state: _, consistency: __, ...rest } = present
const absent: ProofBundle = {
  ...rest,
  stateProof: { leaf: { key: hash(), valueHash: hash() }, siblings: [hash()] },
  bodies: [],
}
const nothing: ProofBundle = { ...absent, stateProof: { siblings: [PLACEHOLDER, hash()] } }

describe('PROOF-1: a bundle', () => {
  test.each([
    ['of a state', present],
    ['of an absence by another leaf', absent],
    ['of an absence by nothing', nothing],
  ])('%s comes back as it was', (__, bundle) => {
    const encoded = encodeBundle(bundle)
    expect(decodeBundle(encoded)).toEqual(bundle)
    expect(encodeBundle(decodeBundle(encoded))).toEqual(encoded)
  })

  test('with any byte changed, put in or left out is refused, or is the one encoding of what it says now', () => {
    const draw = (below: number): number => new DataView(random(4).buffer).getUint32(0) % below
    for (const bundle of [present, absent, nothing])
      for (let i = 0; i < 3000; i++) {
        const encoded = encodeBundle(bundle)
        const at = draw(encoded.length)
        const changed = [
          encoded.map((byte, n) => (n === at ? byte ^ (1 << draw(8)) : byte)),
          fields(encoded.subarray(0, at), encoded.subarray(at + 1)),
          fields(encoded.subarray(0, at), random(1 + draw(2)), encoded.subarray(at)),
          encoded.subarray(0, at),
        ][draw(4)] as Uint8Array
        const again = attempt(changed)
        if (again) expect(encodeBundle(again)).toEqual(changed)
      }
  })

  const proof = (leaf: Uint8Array, siblings: Uint8Array, empty: number[]): Uint8Array =>
    fields(leaf, bytes(3, siblings), bytes(4, Uint8Array.from(empty)))
  const leaf = fields(bytes(1, hash()), bytes(2, hash()))
  const none = new Uint8Array(0)
  const two = fields(hash(), hash())
  test.each<[string, Uint8Array]>([
    ['with another leaf beside a state', proof(leaf, two, [])],
    ['with empty places out of order', proof(none, two, [2, 1])],
    ['with an empty place twice', proof(none, two, [1, 1])],
    ['with an empty place beyond the path', proof(none, two, [3])],
    ['with an empty place written out', proof(none, fields(hash(), PLACEHOLDER), [])],
    ['with a part of a hash', proof(none, two.subarray(1), [])],
  ])('%s is refused', (__, stateProof) => {
    const whole = fields(
      encodeBundle({ ...present, bodies: [] }).subarray(0, -message(6, encodeProofOf(present)).length),
      message(6, stateProof),
    )
    expect(() => decodeBundle(whole)).toThrow(expect.objectContaining({ code: 'BAD_ENCODING' }))
  })

  test('with more bodies than a document in force and one to come is refused', () => {
    const [body] = present.bodies
    const of = (count: number) =>
      encodeBundle({ ...present, bodies: Array.from({ length: count }, () => body as Body) })
    expect(decodeBundle(of(2)).bodies).toHaveLength(2)
    expect(() => decodeBundle(of(3))).toThrow(expect.objectContaining({ code: 'BAD_ENCODING' }))
  })

  /** The last field of a bundle without bodies. */
  function encodeProofOf({ stateProof: { siblings } }: ProofBundle): Uint8Array {
    const shown = siblings.filter((one) => one !== PLACEHOLDER)
    return proof(
      none,
      fields(...shown),
      siblings.flatMap((one, n) => (one === PLACEHOLDER ? [n] : [])),
    )
  }
})

function attempt(content: Uint8Array): ProofBundle | undefined {
  try {
    return decodeBundle(content)
  } catch (error) {
    if (isKeysteadError(error)) return undefined
    throw error
  }
}
