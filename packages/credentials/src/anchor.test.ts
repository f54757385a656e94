import { createHash, type Hash } from 'node:crypto'
import { base64url, isKeysteadError, type JsonObject, multihash, seededRandom } from '@keystead/core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type AnchorReceipt, anchorBatch, parseReceipt, receiptRoot } from './anchor.ts'
import { MAX_ANCHOR_PATH } from './limits.ts'

const random = seededRandom(13)
const DID = 'did:dkms:aaaaaaaaaaaaaaaa:issuer'

function batch(size: number): { root: string; credentials: JsonObject[]; receipts: AnchorReceipt[] } {
  const credentials = Array.from({ length: size }, (_, n) => ({ n }))
  const salts = credentials.map(() => random(16))
  const { root, paths } = anchorBatch(credentials, salts)
  const receipts = paths.map((path, n) =>
    parseReceipt({ v: 1, did: DID, seq: 4, salt: base64url.encode(salts[n] ?? new Uint8Array()), path }),
  )
  return { root, credentials, receipts }
}

describe('CREDENTIAL-7: anchors', () => {
  test.each([1, 2, 3, 4, 5, 6, 7, 8, 9])(
    'in a batch of %i every receipt leads to the root, for its credential only',
    (n) => {
      const { root, credentials, receipts } = batch(n)
      expect(multihash.decode(root)).toHaveLength(32)
      expect(receipts).toHaveLength(n)
      for (const [i, credential] of credentials.entries())
        for (const [j, receipt] of receipts.entries()) expect(receiptRoot(credential, receipt) === root).toBe(i === j)
    },
  )

  test('an odd last credential moves up unchanged: its path is short', () => {
    expect(batch(1).receipts.map((receipt) => receipt.path.length)).toEqual([0])
    expect(batch(3).receipts.map((receipt) => receipt.path.length)).toEqual([2, 2, 1])
    expect(batch(9).receipts.map((receipt) => receipt.path.length)).toEqual([4, 4, 4, 4, 4, 4, 4, 4, 1])
  })

  test('a batch that repeats its last credential has another root', () => {
    const credentials = [{ n: 1 }, { n: 2 }, { n: 3 }]
    const salts = credentials.map(() => random(16))
    const three = anchorBatch(credentials, salts)
    const four = anchorBatch([...credentials, { n: 3 }], [...salts, salts[2] ?? new Uint8Array()])
    expect(four.root).not.toBe(three.root)
  })

  test('the same credential under another salt has another root: the root tells nothing', () => {
    const [first, second] = [random(16), random(16)]
    expect(anchorBatch([{ n: 1 }], [first]).root).not.toBe(anchorBatch([{ n: 1 }], [second]).root)
  })

  test('leaves and nodes are hashed apart, as the formula says', () => {
    const hash = (...parts: (string | Uint8Array)[]): Uint8Array =>
      parts.reduce<Hash>((state, part) => state.update(part), createHash('sha256')).digest()
    const salts = [1, 2, 3].map((byte) => new Uint8Array(16).fill(byte))
    const leaves = salts.map((salt, n) => hash('keystead/anchor/leaf/v1', salt, hash(`{"n":${n}}`)))
    const node = (left?: Uint8Array, right?: Uint8Array): Uint8Array =>
      hash('keystead/anchor/node/v1', left ?? '', right ?? '')
    const expected = node(node(leaves[0], leaves[1]), leaves[2])
    expect(multihash.decode(anchorBatch([{ n: 0 }, { n: 1 }, { n: 2 }], salts).root)).toEqual(new Uint8Array(expected))
  })

  test('every changed salt, side or sibling leads elsewhere', () => {
    const { root, credentials, receipts } = batch(5)
    const [credential, receipt] = [credentials[2] ?? {}, receipts[2] as AnchorReceipt]
    expect(receiptRoot(credential, receipt)).toBe(root)
    expect(receiptRoot(credential, { ...receipt, salt: base64url.encode(random(16)) })).not.toBe(root)
    for (const [i, step] of receipt.path.entries()) {
      const side = step.side === 'left' ? ('right' as const) : ('left' as const)
      const replace = (changed: typeof step): AnchorReceipt => ({ ...receipt, path: receipt.path.with(i, changed) })
      expect(receiptRoot(credential, replace({ ...step, side }))).not.toBe(root)
      expect(receiptRoot(credential, replace({ ...step, hash: base64url.encode(random(32)) }))).not.toBe(root)
      expect(receiptRoot(credential, { ...receipt, path: receipt.path.toSpliced(i, 1) })).not.toBe(root)
    }
  })

  test.each<[string, JsonObject[], Uint8Array[]]>([
    ['no credential', [], []],
    ['a credential without its salt', [{}, {}], [random(16)]],
    ['a salt too many', [{}], [random(16), random(16)]],
    ['a short salt', [{}], [random(15)]],
    ['an empty salt', [{}], [new Uint8Array()]],
  ])('%s is refused as BAD_ANCHOR_BATCH', (_, credentials, salts) => {
    expect(() => anchorBatch(credentials, salts)).toThrow(expect.objectContaining({ code: 'BAD_ANCHOR_BATCH' }))
  })
})

describe('CREDENTIAL-8: receipts are closed', () => {
  const receipt = batch(3).receipts[0] as AnchorReceipt
  const step = receipt.path[0]

  test('a receipt is read back as it was', () => {
    expect(parseReceipt(JSON.parse(JSON.stringify(receipt)))).toEqual(receipt)
  })

  test.each<[string, unknown]>([
    ['nothing', null],
    ['another version', { ...receipt, v: 2 }],
    ['an unknown member', { ...receipt, root: 'x' }],
    ['a DID of another method', { ...receipt, did: 'did:key:z6Mk' }],
    ['genesis as the anchor', { ...receipt, seq: 0 }],
    ['a short salt', { ...receipt, salt: 'AAAA' }],
    ['a salt that is not canonical base64url', { ...receipt, salt: 'AAAAAAAAAAAAAAAAAAAAAB' }],
    [
      'a sibling that is not canonical base64url',
      { ...receipt, path: [{ side: 'left', hash: 'A'.repeat(42).concat('B') }] },
    ],
    ['a side that is none', { ...receipt, path: [{ ...step, side: 'up' }] }],
    ['a step with an unknown member', { ...receipt, path: [{ ...step, x: 1 }] }],
    ['a path longer than any batch', { ...receipt, path: Array.from({ length: MAX_ANCHOR_PATH + 1 }, () => step) }],
  ])('%s is refused as BAD_RECEIPT', (_, value) => {
    expect(() => parseReceipt(value)).toThrow(expect.objectContaining({ code: 'BAD_RECEIPT' }))
  })

  test('anything else is refused as BAD_RECEIPT', () => {
    fc.assert(
      fc.property(fc.oneof(fc.jsonValue(), fc.anything()), (value) => {
        try {
          parseReceipt(value)
        } catch (error) {
          expect(isKeysteadError(error, 'BAD_RECEIPT')).toBe(true)
        }
      }),
    )
  })
})
