/**
 * Base58 in Bitcoin's alphabet, as `@scure/base` writes and reads it (which is the test's oracle), in less than half the time: hashes,
 * keys and signatures are spelled in it, and spelling them cost as much as hashing. Numbers lie in limbs of 24 bits and are divided by, or
 * multiplied with, four digits at once; every product is below 2^48 and so exact.
 */
const ALPHABET = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz'
const LIMB = 2 ** 24
const FOUR = 58 ** 4
const CODES = Uint8Array.from(ALPHABET, (digit) => digit.charCodeAt(0))
const ONE = CODES[0] as number
/** By character code; 255: no digit. */
const VALUES = new Uint8Array(128).fill(255)
for (let n = 0; n < 58; n++) VALUES[CODES[n] as number] = n

/** Room for what is nearly always written, made once; a number that was divided leaves zeros behind. */
const SHORT = 64
const room = new Float64Array(SHORT)

/** A leading zero byte is a leading `1`. */
export function encodeBase58(bytes: Uint8Array): string {
  let zeros = 0
  while (zeros < bytes.length && bytes[zeros] === 0) zeros++
  const count = Math.ceil((bytes.length - zeros) / 3)
  const limbs = count <= SHORT ? room : new Float64Array(count)
  fillLimbs(limbs, bytes, zeros)
  // Of 24 bits come at most 4.1 digits; of the highest limb's quotients four at once.
  const codes = new Uint8Array(zeros + Math.ceil((count * 24) / 23) * 4 + 4)
  let at = codes.length
  for (let start = 0; start < count; ) {
    let rest = 0
    for (let i = start; i < count; i++) {
      const value = rest * LIMB + (limbs[i] as number)
      const quotient = Math.floor(value / FOUR)
      limbs[i] = quotient
      rest = value - quotient * FOUR
    }
    while (start < count && limbs[start] === 0) start++
    for (let n = 0; n < 4; n++) {
      const quotient = Math.floor(rest / 58)
      codes[--at] = CODES[rest - quotient * 58] as number
      rest = quotient
    }
  }
  // Four digits at once may be more than the number has.
  while (codes[at] === ONE) at++
  for (let n = 0; n < zeros; n++) codes[--at] = ONE
  // Spreading an array of bytes costs three times as much.
  return String.fromCharCode.apply(null, codes.subarray(at) as unknown as number[])
}

/** The highest first, without a limb of zero before the others. */
function fillLimbs(limbs: Float64Array, bytes: Uint8Array, from: number): void {
  let at = from
  let i = 0
  for (let take = (bytes.length - from) % 3 || 3; at < bytes.length; take = 3) {
    let limb = 0
    for (const end = at + take; at < end; at++) limb = limb * 256 + (bytes[at] as number)
    limbs[i++] = limb
  }
}

/** Throws for a character that is no digit. */
export function decodeBase58(text: string): Uint8Array<ArrayBuffer> {
  let zeros = 0
  while (zeros < text.length && text[zeros] === '1') zeros++
  /** The lowest first. */
  const limbs: number[] = []
  let at = zeros
  for (let take = (text.length - zeros) % 4 || 4; at < text.length; take = 4) {
    let carry = 0
    let factor = 1
    for (const end = at + take; at < end; at++) {
      const digit = VALUES[text.charCodeAt(at)] ?? 255
      if (digit === 255) throw new Error('this is not base58')
      carry = carry * 58 + digit
      factor *= 58
    }
    for (let i = 0; i < limbs.length; i++) {
      const value = (limbs[i] as number) * factor + carry
      carry = Math.floor(value / LIMB)
      limbs[i] = value - carry * LIMB
    }
    if (carry > 0) limbs.push(carry)
  }
  return bytesOf(limbs, zeros)
}

function bytesOf(limbs: readonly number[], zeros: number): Uint8Array<ArrayBuffer> {
  const top = limbs.at(-1) ?? 0
  const unused = limbs.length === 0 ? 0 : top < 256 ? 2 : top < 65_536 ? 1 : 0
  const bytes = new Uint8Array(zeros + 3 * limbs.length - unused)
  let end = bytes.length
  for (let limb of limbs)
    for (let n = 0; n < 3 && end > zeros; n++) {
      bytes[--end] = limb & 255
      limb >>>= 8
    }
  return bytes
}
