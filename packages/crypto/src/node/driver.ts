/** The native driver: libsodium for Ed25519 and XChaCha20-Poly1305, OpenSSL for the rest. */
import {
  type Cipheriv,
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  createPublicKey,
  createSecretKey,
  type Decipheriv,
  hash,
  type KeyObject,
  pbkdf2Sync,
  verify,
} from 'node:crypto'
import { type Bytes, concatBytes, utf8, utf8Decode } from '@keystead/core'
import { ED25519_TORSION_SUBGROUP, ed25519 } from '@noble/curves/ed25519.js'
import sodium from 'sodium-native'
import type { CryptoDriver } from '../driver.ts'
import { publicKeyToJwk } from '../multikey.ts'
import type { PublicKey, VerificationSuite } from '../types.ts'

/** OpenSSL and sodium return Buffers, often of a shared pool: a copy keeps the pool out of our values. */
const copy = (buffer: Uint8Array): Bytes => new Uint8Array(buffer)
const digest = (name: string, data: Uint8Array | string): Bytes => copy(hash(name, data, 'buffer'))
const hmac = (name: string, key: KeyObject, data: Uint8Array | string): Bytes =>
  copy(createHmac(name, key).update(data).digest())

/** Importing an EC key costs as much as a verification; the newest keys stay imported. */
const MAX_IMPORTED = 1024
const imported = new Map<string, KeyObject>()

function importKey(suite: VerificationSuite, bytes: Uint8Array): KeyObject {
  const name = `${suite}:${Buffer.from(bytes).toString('base64')}`
  const known = imported.get(name)
  if (known) return known
  const jwk = publicKeyToJwk({ suite, bytes } as PublicKey<VerificationSuite>)
  const key = createPublicKey({ key: { ...jwk }, format: 'jwk' })
  if (imported.size >= MAX_IMPORTED) imported.delete(imported.keys().next().value as string)
  imported.set(name, key)
  return key
}

function decipher(run: () => Bytes): Bytes | undefined {
  try {
    return run()
  } catch {
    return undefined
  }
}

/** What a cipher gives, whole. */
function through(cipher: Cipheriv | Decipheriv, data: Uint8Array): Bytes {
  return concatBytes(cipher.update(data), cipher.final())
}

/** Below, libsodium's quicker call outweighs OpenSSL's quicker rounds (measured: 0.5 and 1.3 us for 60 bytes). */
const SHORT = 256

/** Small arrays of JavaScript are moved out of its heap before native code sees them, which costs more than to copy them here. */
const input = Buffer.alloc(16_384)
/** The same bytes: a Buffer's own `subarray` and `fill` are several times as slow as those of other arrays. */
const inputBytes = new Uint8Array(input.buffer, input.byteOffset, input.length)
const output = new Uint8Array(32)
const signatureInput = new Uint8Array(64)
const keyInput = new Uint8Array(32)

function verifyEd25519(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  if (signature.length !== 64 || publicKey.length !== 32) return false
  signatureInput.set(signature)
  keyInput.set(publicKey)
  if (message.length > input.length) return sodium.crypto_sign_verify_detached(signatureInput, message, keyInput)
  inputBytes.set(message)
  const copied = inputBytes.subarray(0, message.length)
  const holds = sodium.crypto_sign_verify_detached(signatureInput, copied, keyInput)
  // As below: what was signed may be secret.
  copied.fill(0)
  return holds
}

function sha256(...parts: readonly (Uint8Array | string)[]): Bytes {
  const [first] = parts
  if (parts.length === 1 && typeof first === 'string' && first.length > SHORT) return digest('sha256', first)
  let most = 0
  for (const part of parts) most += typeof part === 'string' ? 3 * part.length : part.length
  if (most > input.length)
    return digest('sha256', Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : part))))
  let length = 0
  for (const part of parts) {
    if (typeof part === 'string') length += input.write(part, length)
    else {
      inputBytes.set(part, length)
      length += part.length
    }
  }
  const data = inputBytes.subarray(0, length)
  const hash = length <= SHORT ? shortSha256(data) : digest('sha256', data)
  // It may have been a secret.
  data.fill(0)
  return hash
}

/** Text as UTF-8, where the next call writes too: to be wiped. */
function written(text: string): Uint8Array {
  if (3 * text.length > input.length) return utf8(text)
  return inputBytes.subarray(0, input.write(text))
}

function shortSha256(data: Uint8Array): Bytes {
  sodium.crypto_hash_sha256(output, data)
  const hash = output.slice()
  // It may be a key that was derived.
  output.fill(0)
  return hash
}

/** Texts of the points of small order without their sign (RFC 8032, section 5.1.2: the last bit). */
const SMALL_ORDER = new Set(ED25519_TORSION_SUBGROUP.map((text) => withoutSign(Buffer.from(text, 'hex'))))

function withoutSign(key: Uint8Array): string {
  const y = Buffer.from(key)
  y[31] = (y[31] as number) & 127
  return y.toString('latin1')
}

/** 2^255 - 19 and above, little-endian: another text of a smaller y. */
function isCanonical(key: Uint8Array): boolean {
  return (
    (key[0] as number) < 0xed ||
    ((key[31] as number) & 127) !== 127 ||
    !key.subarray(1, 31).every((byte) => byte === 255)
  )
}

/** Adding to a point takes one that is on the curve, and costs a third of what libsodium's check of the subgroup does. */
function isGoodEd25519(publicKey: Uint8Array): boolean {
  if (publicKey.length !== 32 || !isCanonical(publicKey) || SMALL_ORDER.has(withoutSign(publicKey))) return false
  keyInput.set(publicKey)
  try {
    sodium.crypto_core_ed25519_add(output, keyInput, BASE_POINT)
    return true
  } catch {
    return false
  }
}

/** RFC 8032, section 5.1. */
const BASE_POINT = Buffer.from(ed25519.Point.BASE.toBytes())

/** The initial value of RFC 3394, section 2.2.3.1. */
const KW_IV = Buffer.alloc(8, 0xa6)

export const nodeDriver: CryptoDriver = {
  name: 'node',
  sha256,
  startSha256: () => {
    const running = createHash('sha256')
    return { update: (piece) => void running.update(piece), digest: () => copy(running.digest()) }
  },
  sha384: (data) => digest('sha384', data),
  sha512: (data) => digest('sha512', data),
  // A key given as bytes takes Node several times as long (measured: 8.7 and 3.6 us, 1.6 us once it is imported).
  hmacSha256: (key, data) => hmac('sha256', createSecretKey(key), data),
  hmacSha512: (key, ...parts) => {
    let length = 0
    for (const part of parts) length += part.length
    if (length > input.length) return hmac('sha512', createSecretKey(key), concatBytes(...parts))
    let end = 0
    for (const part of parts) {
      inputBytes.set(part, end)
      end += part.length
    }
    const data = inputBytes.subarray(0, end)
    const mac = hmac('sha512', createSecretKey(key), data)
    // It may have been a secret.
    data.fill(0)
    return mac
  },
  pbkdf2Sha256: (password, salt, iterations, length) => copy(pbkdf2Sync(password, salt, iterations, length, 'sha256')),
  tokensSha256: (key, bytes) => {
    const imported = createSecretKey(key)
    // Without an array of our own between: a wallet asks for three of them a record.
    return (data) => {
      const text = createHmac('sha256', imported).update(data).digest('binary')
      return Buffer.from(text.slice(0, bytes), 'latin1').toString('base64url')
    }
  },
  verify: (suite, publicKey, message, signature) => {
    if (suite === 'ed25519') return verifyEd25519(publicKey, message, signature)
    try {
      const key = importKey(suite, publicKey)
      return verify(suite === 'p384' ? 'sha384' : 'sha256', message, { key, dsaEncoding: 'ieee-p1363' }, signature)
    } catch {
      return false
    }
  },
  isGoodEd25519,
  xchachaSeal: (key, nonce, aad, plaintext) => {
    const sealed = new Uint8Array(plaintext.length + 16)
    sodium.crypto_aead_xchacha20poly1305_ietf_encrypt(sealed, plaintext, aad, null, nonce, key)
    return sealed
  },
  xchachaBox: (key, nonce, aad, plaintext) => {
    const bytes = typeof plaintext === 'string' ? written(plaintext) : plaintext
    const box = new Uint8Array(nonce.length + bytes.length + 16)
    box.set(nonce)
    const sealed = box.subarray(nonce.length)
    sodium.crypto_aead_xchacha20poly1305_ietf_encrypt(sealed, bytes, aad, null, nonce, key)
    if (typeof plaintext === 'string') bytes.fill(0)
    return box
  },
  xchachaOpen: (key, nonce, aad, sealed) => {
    if (sealed.length < 16) return undefined
    const plaintext = new Uint8Array(sealed.length - 16)
    try {
      sodium.crypto_aead_xchacha20poly1305_ietf_decrypt(plaintext, null, sealed, aad, nonce, key)
      return plaintext
    } catch {
      return undefined
    }
  },
  xchachaOpenText: (key, nonce, aad, sealed) => {
    const length = sealed.length - 16
    if (length < 0) return undefined
    const plaintext = length <= inputBytes.length ? inputBytes.subarray(0, length) : new Uint8Array(length)
    try {
      sodium.crypto_aead_xchacha20poly1305_ietf_decrypt(plaintext, null, sealed, aad, nonce, key)
    } catch {
      return undefined
    }
    try {
      return utf8Decode(plaintext)
    } finally {
      plaintext.fill(0)
    }
  },
  aesGcmSeal: (key, iv, aad, plaintext) => {
    const cipher = createCipheriv(key.length === 16 ? 'aes-128-gcm' : 'aes-256-gcm', createSecretKey(key), iv).setAAD(
      aad,
    )
    return concatBytes(through(cipher, plaintext), cipher.getAuthTag())
  },
  aesGcmOpen: (key, iv, aad, sealed) =>
    decipher(() => {
      const name = key.length === 16 ? 'aes-128-gcm' : 'aes-256-gcm'
      const cipher = createDecipheriv(name, createSecretKey(key), iv, { authTagLength: 16 })
      cipher.setAAD(aad).setAuthTag(sealed.subarray(-16))
      return through(cipher, sealed.subarray(0, -16))
    }),
  aesCbcEncrypt: (key, iv, plaintext) => through(createCipheriv('aes-256-cbc', createSecretKey(key), iv), plaintext),
  aesCbcDecrypt: (key, iv, ciphertext) =>
    decipher(() => through(createDecipheriv('aes-256-cbc', createSecretKey(key), iv), ciphertext)),
  aesKwWrap: (kek, key) => through(createCipheriv(`id-aes${kek.length * 8}-wrap`, createSecretKey(kek), KW_IV), key),
  aesKwUnwrap: (kek, wrapped) =>
    decipher(() => through(createDecipheriv(`id-aes${kek.length * 8}-wrap`, createSecretKey(kek), KW_IV), wrapped)),
}
