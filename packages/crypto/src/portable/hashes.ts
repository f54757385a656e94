/** Portable hashes: audited noble packages, no platform API, equal bytes in Node and in browsers. */
import { type Bytes, base64url, concatBytes, utf8 } from '@keystead/core'
import { hmac } from '@noble/hashes/hmac.js'
import { pbkdf2 } from '@noble/hashes/pbkdf2.js'
import { sha256, sha384, sha512 } from '@noble/hashes/sha2.js'
import { type CryptoDriver, installedDriver } from '../driver.ts'

type Hashes = Pick<
  CryptoDriver,
  'sha256' | 'startSha256' | 'sha384' | 'sha512' | 'hmacSha256' | 'hmacSha512' | 'tokensSha256' | 'pbkdf2Sha256'
>

/** noble returns `Uint8Array<ArrayBufferLike>`; the arrays are fresh, so this is a view, not a copy. */
const own = (bytes: Uint8Array): Bytes => bytes as Bytes

export const portableHashes: Hashes = {
  sha256: (...parts) =>
    own(sha256(concatBytes(...parts.map((part) => (typeof part === 'string' ? utf8(part) : part))))),
  startSha256: () => {
    const running = sha256.create()
    return { update: (piece) => void running.update(piece), digest: () => own(running.digest()) }
  },
  sha384: (data) => own(sha384(data)),
  sha512: (data) => own(sha512(data)),
  hmacSha256: (key, data) => own(hmac(sha256, key, data)),
  hmacSha512: (key, ...parts) => own(hmac(sha512, key, concatBytes(...parts))),
  pbkdf2Sha256: (password, salt, c, dkLen) => own(pbkdf2(sha256, password, salt, { c, dkLen })),
  tokensSha256: (key, bytes) => {
    const keyed = hmac.create(sha256, key)
    return (data) => {
      const whole = keyed.clone().update(typeof data === 'string' ? utf8(data) : data)
      return base64url.encode(whole.digest().subarray(0, bytes))
    }
  },
}

export const hashes = (): Hashes => installedDriver() ?? portableHashes
