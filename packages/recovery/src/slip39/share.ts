/**
 * One share and its mnemonic (SLIP-39 "Format of the share mnemonic"):
 *
 *   identifier 15 | extendable 1 | iteration exponent 4 | group index 4 | group threshold - 1: 4 | group count - 1: 4
 *   | member index 4 | member threshold - 1: 4 | zero padding to ten bits, value | checksum 30
 */
import type { Bytes } from '@keystead/core'
import { refuse } from '../errors.ts'
import { MAX_MNEMONIC_CHARACTERS, MAX_SECRET_BYTES, MIN_SECRET_BYTES } from '../limits.ts'
import { CHECKSUM_WORDS, checksumHolds, checksumOf } from './checksum.ts'
import { WORDS, wordIndex } from './words.ts'

export interface Share {
  /** Common to all shares of a set, 15 bits. */
  readonly identifier: number
  readonly extendable: boolean
  readonly iterationExponent: number
  readonly groupIndex: number
  readonly groupThreshold: number
  readonly groupCount: number
  readonly memberIndex: number
  readonly memberThreshold: number
  readonly value: Bytes
}

const METADATA_WORDS = 4 + CHECKSUM_WORDS
const MIN_WORDS = METADATA_WORDS + Math.ceil((MIN_SECRET_BYTES * 8) / 10)
const MAX_WORDS = METADATA_WORDS + Math.ceil((MAX_SECRET_BYTES * 8) / 10)

/** Takes any white space between words and capital letters. Throws `BAD_SHARE`. */
export function parseMnemonic(text: string): Share {
  if (text.length > MAX_MNEMONIC_CHARACTERS) refuse('BAD_SHARE', 'this is too long for a share')
  const words = text
    .trim()
    .toLowerCase()
    .split(/\s+/)
    .map((word, index) => wordIndex(word) ?? refuse('BAD_SHARE', `word ${index + 1} is not in the list`))
  const valueBits = (words.length - METADATA_WORDS) * 10
  const padding = valueBits % 16
  if (words.length < MIN_WORDS || words.length > MAX_WORDS || padding > 8)
    refuse('BAD_SHARE', `a share does not have ${words.length} words`)
  const bits = new BitReader(words)
  const head = {
    identifier: bits.read(15),
    extendable: bits.read(1) === 1,
    iterationExponent: bits.read(4),
    groupIndex: bits.read(4),
    groupThreshold: bits.read(4) + 1,
    groupCount: bits.read(4) + 1,
    memberIndex: bits.read(4),
    memberThreshold: bits.read(4) + 1,
  }
  if (!checksumHolds(words, head.extendable)) refuse('BAD_SHARE', 'the checksum is wrong: a word is not as it was')
  if (head.groupThreshold > head.groupCount) refuse('BAD_SHARE', 'this share asks for more groups than there are')
  if (bits.read(padding) !== 0) refuse('BAD_SHARE', 'the padding of this share is not zero')
  const value = new Uint8Array((valueBits - padding) / 8).map(() => bits.read(8))
  return { ...head, value }
}

export function formatMnemonic(share: Share): string {
  const bits = new BitWriter()
  bits.write(share.identifier, 15)
  bits.write(share.extendable ? 1 : 0, 1)
  bits.write(share.iterationExponent, 4)
  bits.write(share.groupIndex, 4)
  bits.write(share.groupThreshold - 1, 4)
  bits.write(share.groupCount - 1, 4)
  bits.write(share.memberIndex, 4)
  bits.write(share.memberThreshold - 1, 4)
  bits.write(0, (10 - ((share.value.length * 8) % 10)) % 10)
  for (const byte of share.value) bits.write(byte, 8)
  const words = [...bits.words, ...checksumOf(bits.words, share.extendable)]
  return words.map((word) => WORDS[word]).join(' ')
}

class BitReader {
  readonly #words: readonly number[]
  #position = 0

  constructor(words: readonly number[]) {
    this.#words = words
  }

  read(bits: number): number {
    let value = 0
    for (let i = 0; i < bits; i++, this.#position++) {
      const word = this.#words[Math.floor(this.#position / 10)] as number
      value = value * 2 + ((word >>> (9 - (this.#position % 10))) & 1)
    }
    return value
  }
}

class BitWriter {
  readonly words: number[] = []
  #pending = 0
  #count = 0

  write(value: number, bits: number): void {
    for (let i = bits - 1; i >= 0; i--) {
      this.#pending = this.#pending * 2 + ((value >>> i) & 1)
      if (++this.#count % 10 !== 0) continue
      this.words.push(this.#pending)
      this.#pending = 0
    }
  }
}
