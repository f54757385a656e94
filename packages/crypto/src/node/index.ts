/** Node's half: importing it installs the native driver and Argon2; apps pass the provider down. */
import { argon2 } from 'node:crypto'
import { promisify } from 'node:util'
import { installBase64url } from '@keystead/core'
import sodium from 'sodium-native'
import { installArgon2 } from '../argon2.ts'
import { installDriver } from '../driver.ts'
import { nodeDriver } from './driver.ts'

installDriver(nodeDriver)
/** V8 keeps arrays of up to 64 bytes in its heap, and moves them out of it for good before a Buffer can share them: these are copied. */
const short = Buffer.alloc(64)
const shortBytes = new Uint8Array(short.buffer, short.byteOffset, short.length)
installBase64url({
  encode: (bytes) => {
    if (bytes.length > short.length)
      return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64url')
    shortBytes.set(bytes)
    const text = short.toString('base64url', 0, bytes.length)
    // It may be a secret.
    shortBytes.fill(0)
    return text
  },
  decode: (text) => Buffer.from(text, 'base64url'),
})
const argon2Async = promisify(argon2)
/** `crypto_pwhash_SALTBYTES` and `crypto_pwhash_BYTES_MIN` of libsodium. */
const [SODIUM_SALT_BYTES, SODIUM_LEAST_TAG] = [16, 16]
installArgon2(async (message, nonce, { memoryKiB, passes }, tagLength) => {
  // Twice as quick, by vector instructions (measured: 67 and 120 ms for 64 MiB and 3 passes), for the one length of salt it takes.
  if (nonce.length === SODIUM_SALT_BYTES && tagLength >= SODIUM_LEAST_TAG) {
    const tag = new Uint8Array(tagLength)
    await sodium.crypto_pwhash_async(tag, message, nonce, passes, memoryKiB * 1024, sodium.crypto_pwhash_ALG_ARGON2ID13)
    return tag
  }
  const tag = await argon2Async('argon2id', { message, nonce, parallelism: 1, tagLength, memory: memoryKiB, passes })
  return new Uint8Array(tag)
})

export { nodeDriver } from './driver.ts'
export { nodeKeyProvider } from './provider.ts'
