/** Text encodings, each strict: a string decodes only if encoding the result gives the same string again. */
import { base32nopad, base58, base64, base64urlnopad, hex } from '@scure/base'
import { type Bytes, concatBytes } from './bytes.ts'
import { type CoreErrorCode, KeysteadError } from './errors.ts'

export interface Coder {
  encode(bytes: Uint8Array): string
  /** May pass over what it does not understand: what it returns is encoded again and compared. */
  decode(text: string): Uint8Array
}

function strict(name: string, coder: Coder, spelling?: 'one spelling') {
  return {
    encode: (bytes: Uint8Array): string => coder.encode(bytes),
    /** Throws `BAD_ENCODING`. */
    decode: (text: string): Bytes => {
      try {
        const bytes = coder.decode(text)
        if (spelling === 'one spelling' || coder.encode(bytes) === text) return new Uint8Array(bytes)
      } catch {
        // reported below, without the input: it may be a secret
      }
      throw new KeysteadError<CoreErrorCode>('BAD_ENCODING', `this is not canonical ${name}`)
    },
  }
}

/** Base58 spells every byte string in one way only, so that what decodes is canonical and need not be encoded again. */
export const base58btc = strict('base58btc', base58, 'one spelling')
/** Messages are base64url within base64url: the one encoding whose speed is felt. */
let quickest: Coder = base64urlnopad
export const base64url = strict('base64url without padding', {
  encode: (bytes) => quickest.encode(bytes),
  decode: (text) => quickest.decode(text),
})
/** For apps, once at start: the platform's own coder, which is no less strict for that. */
export function installBase64url(coder: Coder): void {
  quickest = coder
}
export const base64pad = strict('base64', base64)
export const hexadecimal = strict('lower-case hexadecimal', hex)
/** RFC 4648 base32, lower case, no padding. */
export const base32 = strict('lower-case base32', {
  encode: (bytes) => base32nopad.encode(bytes).toLowerCase(),
  decode: (text) => base32nopad.decode(text.toUpperCase()),
})

/** Multibase prefixes we use: `z` base58btc and `u` base64url without padding. */
export const multibase = {
  encode: (bytes: Uint8Array, base: 'z' | 'u' = 'z'): string =>
    base === 'z' ? `z${base58btc.encode(bytes)}` : `u${base64url.encode(bytes)}`,
  /** Throws `BAD_ENCODING`. */
  decode: (text: string): Bytes => {
    if (text.startsWith('z')) return base58btc.decode(text.slice(1))
    if (text.startsWith('u')) return base64url.decode(text.slice(1))
    throw new KeysteadError<CoreErrorCode>('BAD_ENCODING', 'multibase prefix must be z or u')
  },
}

const SHA2_256 = new Uint8Array([0x12, 0x20])

const DIGITS = /^[1-9A-HJ-NP-Za-km-z]{46}$/
const LEAST = base58btc.encode(concatBytes(SHA2_256, new Uint8Array(32)))
const GREATEST = base58btc.encode(concatBytes(SHA2_256, new Uint8Array(32).fill(255)))

/** Multihash of a SHA-256 digest in base58btc without a multibase prefix (`Qm...`, 46 characters), as did:webvh has it. */
export const multihash = {
  encode: (digest: Uint8Array): string => {
    if (digest.length !== 32) throw new KeysteadError<CoreErrorCode>('BAD_ENCODING', 'a SHA-256 digest has 32 bytes')
    return base58btc.encode(concatBytes(SHA2_256, digest))
  },
  /** The 32-byte digest. Throws `BAD_ENCODING`. */
  decode: (text: string): Bytes => {
    const bytes = base58btc.decode(text)
    if (bytes.length !== 34 || bytes[0] !== SHA2_256[0] || bytes[1] !== SHA2_256[1])
      throw new KeysteadError<CoreErrorCode>('BAD_ENCODING', 'this is not a SHA-256 multihash')
    return bytes.slice(2)
  },
  /**
   * Whether `decode` takes the text, without decoding: base58 spells numbers, its digits rise as characters do, and all multihashes
   * have as many, so that they are the texts between the least and the greatest.
   */
  is: (text: string): boolean => DIGITS.test(text) && LEAST <= text && text <= GREATEST,
}
