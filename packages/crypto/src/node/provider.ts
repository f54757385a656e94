/** Key handles on Node: private halves live in guarded memory and are seen by libsodium and OpenSSL alone. */
import { createECDH, createPrivateKey, decapsulate, type KeyObject, sign } from 'node:crypto'
import { type Bytes, concatBytes, KeysteadError } from '@keystead/core'
import { sha3_256, shake256 } from '@noble/hashes/sha3.js'
import sodium from 'sodium-native'
import type { CryptoErrorCode } from '../errors.ts'
import { checkedKey } from '../multikey.ts'
import { checkSecret, unwrapSecret, wrapSecret } from '../secret-wrap.ts'
import { lowS } from '../signature.ts'
import { SUITES } from '../suites.ts'
import type { AgreementSuite, HandleOf, KeyHandle, KeyProvider, KeyType, PublicKey, WrapParameters } from '../types.ts'
import { XWING_CIPHERTEXT_BYTES, xwingPublicKey } from '../xwing.ts'
import { AgreedSecrets } from './agreed.ts'
import { SecretSlot } from './slab.ts'

const NIST = { p256: 'prime256v1', p384: 'secp384r1', p521: 'secp521r1' } as const

export function nodeKeyProvider(): KeyProvider {
  return {
    generate: async <T extends KeyType>(type: T, wrap: WrapParameters) => {
      const secret = randomSecret(type)
      try {
        return { wrapped: wrapSecret(type, secret, wrap), key: load(type, secret) }
      } finally {
        secret.fill(0)
      }
    },
    ephemeral: async <T extends KeyType>(type: T) => inSlot(type, (slot) => fillRandom(type, slot)),
    unwrap: async <T extends KeyType>(type: T, wrapped: Uint8Array, wrap: WrapParameters) => {
      const secret = unwrapSecret(type, wrapped, wrap)
      try {
        return load(type, secret)
      } finally {
        secret.fill(0)
      }
    },
    fromSecret: async <T extends KeyType>(type: T, secret: Uint8Array) => load(type, checkSecret(type, secret)),
  }
}

function load<T extends KeyType>(type: T, secret: Uint8Array): HandleOf<T> {
  return inSlot(type, (slot) => slot.set(secret))
}

function inSlot<T extends KeyType>(type: T, fill: (slot: Uint8Array) => void): HandleOf<T> {
  const slot = new SecretSlot(SUITES[type.suite].secretBytes, fill)
  try {
    return handle(type, slot) as HandleOf<T>
  } catch {
    slot.destroy()
    throw new KeysteadError<CryptoErrorCode>('BAD_SECRET_KEY', 'these bytes are not a private key of this suite')
  }
}

function handle(type: KeyType, slot: SecretSlot): KeyHandle {
  const destroy = (): void => slot.destroy()
  switch (type.kind) {
    case 'signing': {
      if (type.suite === 'p256') {
        const publicKey = nistPublicKey('p256', slot) as PublicKey<'p256'>
        return {
          kind: 'signing',
          publicKey,
          destroy,
          sign: async (message) => lowS(slot.use((d) => sign('sha256', message, ecKey(d)))),
        }
      }
      const bytes = slot.use((seed) => withSeedKey(seed, (publicKey) => new Uint8Array(publicKey)))
      return {
        kind: 'signing',
        // A copy: whoever wrote into it would have two signatures of one message under two public keys, which tell the private one.
        publicKey: { suite: 'ed25519', bytes: bytes.slice() },
        destroy,
        sign: async (message) => slot.use((seed) => signEd25519(seed, bytes, message)),
      }
    }
    case 'agreement': {
      const { suite } = type
      const publicKey = suite === 'x25519' ? x25519PublicKey(slot) : nistPublicKey(suite, slot)
      let agreed: AgreedSecrets | undefined
      return {
        kind: 'agreement',
        publicKey,
        destroy: () => {
          agreed?.destroy()
          destroy()
        },
        agree: async (peer, stays) =>
          slot.use((secret) => {
            if (!stays) return agree(suite, secret, peer)
            agreed ??= new AgreedSecrets()
            return agreed.with(peer, stays, () => agree(suite, secret, peer))
          }),
        known: (peer) => agreed?.known(peer),
      }
    }
    case 'kem': {
      const publicKey = slot.use((seed) => xwingPublicKey(seed))
      return {
        kind: 'kem',
        publicKey,
        destroy,
        decapsulate: async (ciphertext) => slot.use((seed) => xwingDecapsulate(seed, publicKey, ciphertext)),
      }
    }
  }
}

function randomSecret(type: KeyType): Bytes {
  const secret = new Uint8Array(SUITES[type.suite].secretBytes)
  fillRandom(type, secret)
  return secret
}

function fillRandom({ suite }: KeyType, secret: Uint8Array): void {
  sodium.randombytes_buf(secret)
  // P-521 scalars have 521 bits; the other curves' orders are so near a power of two that a retry never happens.
  if (suite === 'p521') secret[0] = (secret[0] ?? 0) & 1
}

/** Expands a seed for one operation; the 64-byte key never outlives it. */
function withSeedKey<T>(seed: Uint8Array, use: (publicKey: Buffer, secretKey: Buffer) => T): T {
  const publicKey = Buffer.alloc(32)
  const secretKey = Buffer.alloc(64)
  try {
    sodium.crypto_sign_seed_keypair(publicKey, secretKey, seed)
    return use(publicKey, secretKey)
  } finally {
    secretKey.fill(0)
  }
}

/** libsodium's secret key is the seed with the public key behind it: ours, derived when the key was loaded, and never a caller's. */
function signEd25519(seed: Uint8Array, publicKey: Uint8Array, message: Uint8Array): Bytes {
  const signature = new Uint8Array(64)
  seedKey.set(seed)
  seedKey.set(publicKey, 32)
  try {
    sodium.crypto_sign_detached(signature, message, seedKey)
    return signature
  } finally {
    seedKey.fill(0)
  }
}

/** For one signature at a time. */
const seedKey = new Uint8Array(64)

/** Small arrays of JavaScript are moved out of its heap before native code sees them, which costs more than to copy them here. */
const point = new Uint8Array(32)
const peerPoint = new Uint8Array(32)

function x25519PublicKey(slot: SecretSlot): PublicKey<'x25519'> {
  slot.use((secret) => sodium.crypto_scalarmult_base(point, secret))
  return { suite: 'x25519', bytes: point.slice() }
}

function nistPublicKey<S extends keyof typeof NIST>(suite: S, slot: SecretSlot): PublicKey<S> {
  const ecdh = createECDH(NIST[suite])
  slot.use((secret) => ecdh.setPrivateKey(secret))
  return { suite, bytes: new Uint8Array(ecdh.getPublicKey(undefined as never, 'compressed')) }
}

function agree(suite: AgreementSuite, secret: Uint8Array, peer: PublicKey<AgreementSuite>): Bytes {
  if (peer.suite !== suite) throw new KeysteadError<CryptoErrorCode>('BAD_PUBLIC_KEY', 'the peer uses another suite')
  checkedKey(peer.suite, peer.bytes)
  if (suite === 'x25519') {
    peerPoint.set(peer.bytes)
    try {
      sodium.crypto_scalarmult(point, secret, peerPoint)
      return point.slice()
    } catch {
      throw new KeysteadError<CryptoErrorCode>('BAD_PUBLIC_KEY', 'a point of low order')
    } finally {
      point.fill(0)
    }
  }
  const ecdh = createECDH(NIST[suite])
  ecdh.setPrivateKey(secret)
  return new Uint8Array(ecdh.computeSecret(peer.bytes))
}

function ecKey(scalar: Uint8Array): { key: KeyObject; dsaEncoding: 'ieee-p1363' } {
  // RFC 5915 ECPrivateKey inside PKCS #8, without the optional public key.
  const der = concatBytes(
    Buffer.from('3041020100301306072a8648ce3d020106082a8648ce3d030107042730250201010420', 'hex'),
    scalar,
  )
  try {
    return {
      key: createPrivateKey({ key: Buffer.from(der.buffer), format: 'der', type: 'pkcs8' }),
      dsaEncoding: 'ieee-p1363',
    }
  } finally {
    der.fill(0)
  }
}

/** PKCS #8 header of an ML-KEM-768 private key given as its 64-byte seed (RFC 9935). */
const ML_KEM_SEED_HEADER = Buffer.from('30540201 00 300b0609608648016503040402 0442 8040'.replaceAll(' ', ''), 'hex')
const X_WING_LABEL = Buffer.from('5c2e2f2f5e5c', 'hex')

/** draft-connolly-cfrg-xwing-kem, section 5.4, with OpenSSL's ML-KEM and libsodium's X25519. */
function xwingDecapsulate(seed: Uint8Array, publicKey: PublicKey<'x-wing'>, ciphertext: Uint8Array): Bytes {
  if (ciphertext.length !== XWING_CIPHERTEXT_BYTES)
    throw new KeysteadError<CryptoErrorCode>('DECRYPTION_FAILED', 'an X-Wing ciphertext of the wrong length')
  const expanded = shake256(seed, { dkLen: 96 })
  const der = Buffer.concat([ML_KEM_SEED_HEADER, expanded.subarray(0, 64)])
  const sharedX = Buffer.alloc(32)
  try {
    const mlKem = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
    const sharedM = decapsulate(mlKem, ciphertext.subarray(0, 1088))
    const ephemeral = Buffer.from(ciphertext.subarray(1088))
    // The combiner takes whatever X25519 gives, all-zero included; ML-KEM carries the secret then.
    try {
      sodium.crypto_scalarmult(sharedX, Buffer.from(expanded.subarray(64)), ephemeral)
    } catch {
      sharedX.fill(0)
    }
    return sha3_256(concatBytes(sharedM, sharedX, ephemeral, publicKey.bytes.subarray(1184), X_WING_LABEL)) as Bytes
  } finally {
    expanded.fill(0)
    der.fill(0)
    sharedX.fill(0)
  }
}
