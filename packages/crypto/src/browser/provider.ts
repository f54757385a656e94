/**
 * Key handles in browsers (rule 32): Ed25519, X25519 and P-256 as non-extractable CryptoKeys of WebCrypto, the other NIST
 * curves likewise, X-Wing by noble over a seed held in this module's closure while the wallet is unlocked.
 */
import { type Bytes, concatBytes, hexadecimal, KeysteadError, systemRandom } from '@keystead/core'
import { ed25519, x25519 } from '@noble/curves/ed25519.js'
import { p256, p384, p521 } from '@noble/curves/nist.js'
import { ml_kem768_x25519 } from '@noble/post-quantum/hybrid.js'
import type { CryptoErrorCode } from '../errors.ts'
import { checkedKey, publicKeyToJwk } from '../multikey.ts'
import { checkSecret, unwrapSecret, wrapSecret } from '../secret-wrap.ts'
import { lowS } from '../signature.ts'
import { SUITES } from '../suites.ts'
import type {
  AgreementKey,
  AgreementSuite,
  HandleOf,
  KemKey,
  KeyHandle,
  KeyProvider,
  KeyType,
  PublicKey,
  SigningKey,
} from '../types.ts'
import { XWING_CIPHERTEXT_BYTES, xwingPublicKey } from '../xwing.ts'

const CURVES = { p256, p384, p521 } as const
const ALGORITHM = {
  ed25519: { name: 'Ed25519' },
  x25519: { name: 'X25519' },
  p256: { name: 'ECDSA', namedCurve: 'P-256' },
  p384: { name: 'ECDH', namedCurve: 'P-384' },
  p521: { name: 'ECDH', namedCurve: 'P-521' },
} as const

export function browserKeyProvider(): KeyProvider {
  async function wiping<T extends KeyType, R>(type: T, secret: Bytes, then: (key: HandleOf<T>) => R): Promise<R> {
    try {
      return then((await load(type, secret)) as HandleOf<T>)
    } finally {
      secret.fill(0)
    }
  }
  return {
    generate: (type, wrap) => {
      const secret = randomSecret(type)
      const wrapped = wrapSecret(type, secret, wrap)
      return wiping(type, secret, (key) => ({ key, wrapped }))
    },
    ephemeral: (type) => wiping(type, randomSecret(type), (key) => key),
    unwrap: async (type, wrapped, wrap) => wiping(type, unwrapSecret(type, wrapped, wrap), (key) => key),
    fromSecret: async (type, secret) => wiping(type, new Uint8Array(checkSecret(type, secret)), (key) => key),
  }
}

async function load(type: KeyType, secret: Bytes): Promise<KeyHandle> {
  try {
    switch (type.kind) {
      case 'signing':
        return type.suite === 'ed25519' ? await loadEd25519(secret) : await loadP256(secret)
      case 'agreement':
        return await loadAgreement(type.suite, secret)
      case 'kem':
        return loadXWing(secret)
    }
  } catch {
    throw new KeysteadError<CryptoErrorCode>('BAD_SECRET_KEY', 'these bytes are not a private key of this suite')
  }
}

async function loadEd25519(seed: Bytes): Promise<SigningKey> {
  const publicKey = { suite: 'ed25519', bytes: ed25519.getPublicKey(seed) as Bytes } as const
  const key = await importPkcs8('302e020100300506032b657004220420', seed, ALGORITHM.ed25519, ['sign'])
  return signer(publicKey, async (message) => new Uint8Array(await crypto.subtle.sign(ALGORITHM.ed25519, key, message)))
}

async function loadP256(scalar: Bytes): Promise<SigningKey> {
  const publicKey = { suite: 'p256', bytes: p256.getPublicKey(scalar, true) as Bytes } as const
  const key = await importPkcs8(
    `3041020100301306072a8648ce3d020106082a8648ce3d030107042730250201010420`,
    scalar,
    ALGORITHM.p256,
    ['sign'],
  )
  return signer(publicKey, async (message) =>
    lowS(new Uint8Array(await crypto.subtle.sign({ name: 'ECDSA', hash: 'SHA-256' }, key, message))),
  )
}

function signer(publicKey: SigningKey['publicKey'], sign: (message: Bytes) => Promise<Bytes>): SigningKey {
  let live = true
  return {
    kind: 'signing',
    publicKey,
    sign: async (message) => {
      if (!live) throw destroyed()
      return sign(new Uint8Array(message))
    },
    destroy: () => {
      live = false
    },
  }
}

async function loadAgreement(suite: AgreementSuite, secret: Bytes): Promise<AgreementKey> {
  const publicKey = agreementPublicKey(suite, secret)
  const algorithm = suite === 'x25519' ? ALGORITHM.x25519 : { name: 'ECDH', namedCurve: ALGORITHM[suite].namedCurve }
  const key =
    suite === 'x25519'
      ? await importPkcs8('302e020100300506032b656e04220420', secret, algorithm, ['deriveBits'])
      : await importEcJwk(publicKey, secret, algorithm)
  let live = true
  return {
    kind: 'agreement',
    publicKey,
    agree: async (peer) => {
      if (!live) throw destroyed()
      if (peer.suite !== suite)
        throw new KeysteadError<CryptoErrorCode>('BAD_PUBLIC_KEY', 'the peer uses another suite')
      checkedKey(peer.suite, peer.bytes)
      try {
        const theirs =
          suite === 'x25519'
            ? await crypto.subtle.importKey('raw', peer.bytes, algorithm, false, [])
            : await crypto.subtle.importKey('jwk', { ...publicKeyToJwk(peer) }, algorithm, false, [])
        // WebCrypto gives whole bytes: 528 bits for P-521's 521.
        const shared = await crypto.subtle.deriveBits(
          { name: algorithm.name, public: theirs },
          key,
          SUITES[suite].secretBytes * 8,
        )
        return new Uint8Array(shared)
      } catch {
        throw new KeysteadError<CryptoErrorCode>('BAD_PUBLIC_KEY', 'a point that is off the curve or of low order')
      }
    },
    destroy: () => {
      live = false
    },
  }
}

function loadXWing(secret: Bytes): KemKey {
  const seed = new Uint8Array(secret)
  let live = true
  return {
    kind: 'kem',
    publicKey: xwingPublicKey(seed),
    decapsulate: async (ciphertext) => {
      if (!live) throw destroyed()
      if (ciphertext.length !== XWING_CIPHERTEXT_BYTES)
        throw new KeysteadError<CryptoErrorCode>('DECRYPTION_FAILED', 'an X-Wing ciphertext of the wrong length')
      try {
        return ml_kem768_x25519.decapsulate(ciphertext, seed) as Bytes
      } catch (cause) {
        // noble refuses a point of low order, where the draft's combiner takes what it gives: nothing of ours is sealed so.
        throw new KeysteadError<CryptoErrorCode>('DECRYPTION_FAILED', 'an X-Wing ciphertext that nobody made', {
          cause,
        })
      }
    },
    destroy: () => {
      live = false
      seed.fill(0)
    },
  }
}

function agreementPublicKey(suite: AgreementSuite, secret: Bytes): PublicKey<AgreementSuite> {
  return {
    suite,
    bytes: (suite === 'x25519' ? x25519.getPublicKey(secret) : CURVES[suite].getPublicKey(secret, true)) as Bytes,
  }
}

async function importPkcs8(
  header: string,
  secret: Bytes,
  algorithm: Parameters<SubtleCrypto['importKey']>[2],
  uses: KeyUsage[],
): Promise<CryptoKey> {
  const der = concatBytes(hexadecimal.decode(header), secret)
  try {
    return await crypto.subtle.importKey('pkcs8', der, algorithm, false, uses)
  } finally {
    der.fill(0)
  }
}

/** The NIST curves for agreement; JWK is the one form every browser imports with the public half missing nowhere. */
function importEcJwk(
  publicKey: PublicKey<AgreementSuite>,
  secret: Bytes,
  algorithm: { name: string; namedCurve?: string },
): Promise<CryptoKey> {
  const d = btoa(String.fromCharCode(...secret))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '')
  return crypto.subtle.importKey('jwk', { ...publicKeyToJwk(publicKey), d }, algorithm as EcKeyImportParams, false, [
    'deriveBits',
  ])
}

function randomSecret(type: KeyType): Bytes {
  const secret = systemRandom(SUITES[type.suite].secretBytes)
  if (type.suite === 'p521') secret[0] = (secret[0] ?? 0) & 1
  return secret
}

function destroyed(): KeysteadError<CryptoErrorCode> {
  return new KeysteadError('KEY_DESTROYED', 'this key has been destroyed')
}
