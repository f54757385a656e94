/**
 * Known-answer and pairwise-consistency tests of every algorithm a wallet relies on (SP 800-130, section 8.2.3: self-tests at
 * start), through the driver and the provider in use. What fails keeps the wallet shut: a wrong answer here would be a wrong
 * key or signature there.
 */
import { type Bytes, equalBytes, hexadecimal, KeysteadError, utf8 } from '@keystead/core'
import { argon2id } from './argon2.ts'
import { open, seal } from './box.ts'
import type { CryptoErrorCode } from './errors.ts'
import { hkdfSha256, hmacSha256, sha256, sha512 } from './hash.ts'
import { verifySignature } from './signature.ts'
import type { KeyProvider, PublicKey } from './types.ts'
import { XWING_CIPHERTEXT_BYTES, xwingEncapsulate } from './xwing.ts'

const hex = (text: string): Bytes => hexadecimal.decode(text)

function equal(actual: Uint8Array, expected: Uint8Array): void {
  if (!equalBytes(actual, expected)) throw new Error('another answer than the specification’s')
}

/** Each test by name; it throws, or does not. */
const TESTS: Readonly<Record<string, (keys: KeyProvider) => unknown>> = {
  // FIPS 180-4, examples of SHA-256 and SHA-512: "abc".
  'SHA-256': () => equal(sha256(utf8('abc')), hex('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad')),
  'SHA-512': () =>
    equal(
      sha512(utf8('abc')),
      hex(
        'ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f',
      ),
    ),
  // RFC 4231, test case 2.
  'HMAC-SHA-256': () =>
    equal(
      hmacSha256(utf8('Jefe'), utf8('what do ya want for nothing?')),
      hex('5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843'),
    ),
  // RFC 5869, test case 1.
  'HKDF-SHA-256': () =>
    equal(
      hkdfSha256(new Uint8Array(22).fill(0x0b), hex('000102030405060708090a0b0c'), hex('f0f1f2f3f4f5f6f7f8f9'), 42),
      hex('3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865'),
    ),
  // RFC 8032, section 7.1, test 1, and that a changed signature is refused.
  Ed25519: async (keys) => {
    const seed = hex('9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60')
    const key = await keys.fromSecret({ kind: 'signing', suite: 'ed25519' }, seed)
    const nothing = new Uint8Array(0)
    const signature = await key.sign(nothing)
    key.destroy()
    const expected =
      'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b'
    equal(signature, hex(expected))
    if (!verifySignature({ suite: 'ed25519', bytes: key.publicKey.bytes }, nothing, signature))
      throw new Error('its own signature is refused')
    signature[0] = (signature[0] as number) ^ 1
    if (verifySignature({ suite: 'ed25519', bytes: key.publicKey.bytes }, nothing, signature))
      throw new Error('a changed signature is accepted')
  },
  // RFC 7748, section 5.2, first vector.
  X25519: async (keys) => {
    const scalar = hex('a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4')
    const key = await keys.fromSecret({ kind: 'agreement', suite: 'x25519' }, scalar)
    const peer = hex('e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c')
    const shared = await key.agree({ suite: 'x25519', bytes: peer })
    key.destroy()
    equal(shared, hex('c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552'))
  },
  'P-256': async (keys) => {
    const key = await keys.ephemeral({ kind: 'signing', suite: 'p256' })
    const signature = await key.sign(utf8('self-test'))
    const publicKey = { suite: 'p256', bytes: key.publicKey.bytes } as const
    key.destroy()
    if (!verifySignature(publicKey, utf8('self-test'), signature)) throw new Error('its own signature is refused')
    if (verifySignature(publicKey, utf8('another'), signature))
      throw new Error('a signature of another message is accepted')
  },
  // draft-connolly-cfrg-xwing-kem, the public key of its first vector; and what its seed makes of a ciphertext that nobody
  // encapsulated: ML-KEM's implicit rejection (FIPS 203, algorithm 18), as two independent libraries have it.
  'X-Wing, known answers': async (keys) => {
    const seed = hex('7f9c2ba4e88f827d616045507605853ed73b8093f6efbc88eb1a6eacfa66ef26')
    const key = await keys.fromSecret({ kind: 'kem', suite: 'x-wing' }, seed)
    equal(sha256(key.publicKey.bytes), hex('2e816deebcd76c5c80d0cd2d174478871658e8e2ff42bc9d4a6e486372e856bb'))
    const ciphertext = new Uint8Array(XWING_CIPHERTEXT_BYTES)
    ciphertext[1088] = 9
    const shared = await key.decapsulate(ciphertext)
    key.destroy()
    equal(shared, hex('3d4b46f667e75a27f76b3989c09b6a853f7be15a1c098c32043cec060bbdb672'))
  },
  'X-Wing': async (keys) => {
    const key = await keys.ephemeral({ kind: 'kem', suite: 'x-wing' })
    const { ciphertext, sharedSecret } = xwingEncapsulate(key.publicKey as PublicKey<'x-wing'>)
    equal(await key.decapsulate(ciphertext), sharedSecret)
    ciphertext[0] = (ciphertext[0] as number) ^ 1
    if (equalBytes(await key.decapsulate(ciphertext), sharedSecret))
      throw new Error('a changed ciphertext gives the same secret')
    key.destroy()
  },
  'XChaCha20-Poly1305': () => {
    const key = sha256(utf8('self-test'))
    const sealed = seal(key, utf8('secret'), utf8('place'))
    equal(open(key, sealed, utf8('place')), utf8('secret'))
    sealed[sealed.length - 1] = (sealed[sealed.length - 1] as number) ^ 1
    let opened = true
    try {
      open(key, sealed, utf8('place'))
    } catch {
      opened = false
    }
    if (opened) throw new Error('a changed box opens')
  },
  Argon2id: async () =>
    equal(
      await argon2id(utf8('password'), new Uint8Array(16).fill(2), { memoryKiB: 64, passes: 3 }, 32),
      hex('7a6f5cf28538d4a2f5a94b4fc73d353d26ff03035ffc62a54b22acfad191cb5f'),
    ),
}

export const SELF_TESTS = Object.keys(TESTS) as readonly string[]

const passed = new WeakMap<KeyProvider, Promise<void>>()

/** Runs once for a provider; every later call gives the same answer. Rejects with `SELF_TEST_FAILED`. */
export function selfTest(keys: KeyProvider): Promise<void> {
  const known = passed.get(keys)
  if (known) return known
  const running = runAll(keys)
  passed.set(keys, running)
  return running
}

async function runAll(keys: KeyProvider): Promise<void> {
  for (const [name, test] of Object.entries(TESTS)) {
    try {
      await test(keys)
    } catch (cause) {
      throw new KeysteadError<CryptoErrorCode>(
        'SELF_TEST_FAILED',
        `${name} does not work on this machine: nothing is opened`,
        {
          cause,
          details: { algorithm: name },
        },
      )
    }
  }
}
