/** Our encodings against cosmjs-types, which is generated from CometBFT's own Protocol Buffers definitions. */
import { sha256 } from '@keystead/crypto'
import { BinaryWriter } from 'cosmjs-types/binary'
import { Timestamp } from 'cosmjs-types/google/protobuf/timestamp'
import {
  BlockID,
  Commit as CosmosCommit,
  Header as CosmosHeader,
  SignedHeader as CosmosSignedHeader,
} from 'cosmjs-types/tendermint/types/types'
import { SimpleValidator } from 'cosmjs-types/tendermint/types/validator'
import { describe, expect, test } from 'vitest'
import { encodeCommit, voteBytes } from './commit.ts'
import { encodeHeader } from './header.ts'
import { encodeSignedHeader } from './light-block.ts'
import { decodeExactly, type Message } from './protobuf.ts'
import { TestChain, TestValidator } from './testing/chain.ts'
import { encodeValidator, validatorsHash } from './validators.ts'

const powers = [1, 127, 128, 300, 65_536, 2 ** 30]
const sets = new Map([[1, powers.map((power, i) => new TestValidator(`p${i}`, power))]])
const chain = new TestChain({ sets })
const heights = [1, 2, 127, 128, 20_000]
const seconds = (time: { seconds: number; nanos: number }) => ({ seconds: BigInt(time.seconds), nanos: time.nanos })

describe('LIGHT-4: encodings are those of the published definitions', () => {
  test.each(heights)('header and commit of height %i', (height) => {
    const { header, commit } = chain.lightBlock(height)
    const decoded = CosmosHeader.decode(encodeHeader(header))
    expect(decoded).toMatchObject({ chainId: header.chainId, height: BigInt(height), appHash: header.appHash })
    expect(CosmosHeader.encode(decoded).finish()).toEqual(encodeHeader(header))
    const ofCommit = CosmosCommit.decode(encodeCommit(commit))
    expect(ofCommit.signatures.map(({ blockIdFlag }) => blockIdFlag)).toEqual(powers.map(() => 2))
    expect(CosmosCommit.encode(ofCommit).finish()).toEqual(encodeCommit(commit))
    const both = CosmosSignedHeader.decode(encodeSignedHeader({ header, commit }))
    expect(CosmosSignedHeader.encode(both).finish()).toEqual(encodeSignedHeader({ header, commit }))
  })

  test('every validator signs the canonical vote', () => {
    const { header, commit } = chain.lightBlock(20_000)
    for (const vote of commit.signatures) {
      if (vote.flag !== 'commit') throw new Error('everybody votes')
      const { hash, partsTotal: total, partsHash } = commit.blockId
      // CanonicalVote { type = 1, height = 2 and round = 3 as sfixed64, block_id = 4, timestamp = 5, chain_id = 6 }.
      const writer = new BinaryWriter().uint32(8).int32(2).uint32(17).sfixed64(BigInt(commit.height))
      BlockID.encode({ hash, partSetHeader: { total, hash: partsHash } }, writer.uint32(34).fork()).ldelim()
      Timestamp.encode(seconds(vote.time), writer.uint32(42).fork()).ldelim()
      const encoded = writer.uint32(50).string(header.chainId).finish()
      const ours = voteBytes(header.chainId, commit, vote.time)
      expect(ours.subarray(1)).toEqual(encoded)
      expect(ours[0]).toBe(encoded.length)
    }
  })

  test('validators are hashed as SimpleValidator, whatever their power', () => {
    for (const one of chain.signers(1)) {
      const encoded = SimpleValidator.encode({
        pubKey: { ed25519: one.publicKey },
        votingPower: BigInt(one.power),
      }).finish()
      expect(encodeValidator(one)).toEqual(encoded)
    }
    const [single] = chain.signers(1)
    if (!single) throw new Error('a validator')
    expect(validatorsHash([single])).toEqual(sha256(Uint8Array.from([0, ...encodeValidator(single)])))
  })

  test('powers of 2^31 and more, which cosmjs-types 0.11 writes wrongly, are varints as the encoding guide has them', () => {
    const key = new TestValidator('large').publicKey
    const tail = (power: number) => [...encodeValidator({ publicKey: key, power })].slice(36)
    expect(tail(2 ** 31)).toEqual([0x10, 0x80, 0x80, 0x80, 0x80, 0x08])
    expect(tail(2 ** 40)).toEqual([0x10, 0x80, 0x80, 0x80, 0x80, 0x80, 0x20])
  })

  const read = (m: Message) => [m.integer(1, 1000), m.bytes(2, 3), m.message(3, (inner) => inner.integer(1))]
  test.each<[string, number[]]>([
    ['nothing', []],
    ['no number beyond 2^53', [0x08, ...Array(8).fill(0xff), 0x7f, 0x1a, 0]],
    ['no number of more than eight bytes', [0x08, ...Array(8).fill(0x80), 1, 0x1a, 0]],
    ['no number above its bound', [0x08, 0xe9, 7, 0x1a, 0]],
    ['no bytes above their bound', [0x12, 4, 1, 2, 3, 4, 0x1a, 0]],
    ['no wire type it does not know', [0x0d, 0, 0, 0, 0, 0x1a, 0]],
    ['nothing cut off in a number', [0x08, 0x80]],
    ['nothing cut off in its content', [0x12, 3, 1]],
    ['no zero that is written', [0x08, 0, 0x1a, 0]],
    ['no number with needless bytes', [0x08, 0x81, 0, 0x1a, 0]],
    ['no length with needless bytes', [0x12, 0x81, 0, 7, 0x1a, 0]],
    ['no empty bytes that are written', [0x12, 0, 0x1a, 0]],
    ['no field twice', [0x08, 1, 0x08, 1, 0x1a, 0]],
    ['no embedded message twice', [0x1a, 0, 0x1a, 0]],
    ['no other order', [0x1a, 0, 0x08, 1]],
    ['no field it does not know', [0x1a, 0, 0x20, 1]],
    ['no field it does not know in an embedded message', [0x1a, 2, 0x10, 1]],
    ['no message without one that must be there', [0x08, 1]],
  ])('a reader takes %s', (_, bytes) => {
    expect(() => decodeExactly(Uint8Array.from(bytes), read)).toThrow(expect.objectContaining({ code: 'BAD_ENCODING' }))
  })

  test('and takes what is left when nothing is wrong', () => {
    expect(decodeExactly(Uint8Array.from([0x08, 0xe8, 7, 0x12, 1, 7, 0x1a, 2, 0x08, 5]), read)).toEqual([
      1000,
      Uint8Array.of(7),
      5,
    ])
    expect(decodeExactly(Uint8Array.from([0x1a, 0]), read)).toEqual([0, new Uint8Array(0), 0])
  })
})
