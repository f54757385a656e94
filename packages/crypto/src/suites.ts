/**
 * The algorithm-suite registry, as data: what a suite is for, its sizes and its multicodec
 * (https://github.com/multiformats/multicodec, table.csv). Nothing else in the project knows these numbers.
 */
import { KeysteadError } from '@keystead/core'
import type { CryptoErrorCode } from './errors.ts'
import type { KeyKind, KeyType } from './types.ts'

export interface Suite {
  /** Kinds of keys of ours that are made in it; of others' keys it may verify more. */
  readonly makes: readonly KeyKind[]
  /** Bytes of a public key in our form: raw, or SEC1 compressed for the NIST curves and secp256k1. */
  readonly publicKeyBytes: number
  /** Bytes of the private half: a seed for Ed25519 and X-Wing, a scalar otherwise. */
  readonly secretBytes: number
  readonly multicodec: number
  /** Bits of classical security. */
  readonly strength: number
  readonly postQuantum: boolean
  /** JWK `kty` and `crv` (RFC 7518, 8037, 8812), where there is a standard one. */
  readonly jwk?: { readonly kty: 'OKP' | 'EC'; readonly crv: string }
}

export const SUITES = {
  ed25519: {
    makes: ['signing'],
    publicKeyBytes: 32,
    secretBytes: 32,
    multicodec: 0xed,
    strength: 128,
    postQuantum: false,
    jwk: { kty: 'OKP', crv: 'Ed25519' },
  },
  p256: {
    makes: ['signing', 'agreement'],
    publicKeyBytes: 33,
    secretBytes: 32,
    multicodec: 0x1200,
    strength: 128,
    postQuantum: false,
    jwk: { kty: 'EC', crv: 'P-256' },
  },
  p384: {
    makes: ['agreement'],
    publicKeyBytes: 49,
    secretBytes: 48,
    multicodec: 0x1201,
    strength: 192,
    postQuantum: false,
    jwk: { kty: 'EC', crv: 'P-384' },
  },
  p521: {
    makes: ['agreement'],
    publicKeyBytes: 67,
    secretBytes: 66,
    multicodec: 0x1202,
    strength: 256,
    postQuantum: false,
    jwk: { kty: 'EC', crv: 'P-521' },
  },
  secp256k1: {
    makes: [],
    publicKeyBytes: 33,
    secretBytes: 32,
    multicodec: 0xe7,
    strength: 128,
    postQuantum: false,
    jwk: { kty: 'EC', crv: 'secp256k1' },
  },
  x25519: {
    makes: ['agreement'],
    publicKeyBytes: 32,
    secretBytes: 32,
    multicodec: 0xec,
    strength: 128,
    postQuantum: false,
    jwk: { kty: 'OKP', crv: 'X25519' },
  },
  // X-Wing has no multicodec yet; 0x300000 to 0x3fffff is the private-use range.
  'x-wing': {
    makes: ['kem'],
    publicKeyBytes: 1216,
    secretBytes: 32,
    multicodec: 0x300001,
    strength: 128,
    postQuantum: true,
  },
} as const satisfies Record<string, Suite>

export type SuiteName = keyof typeof SUITES

/** The suites in which keys of one kind are made. */
export type SuitesFor<K extends KeyKind> = {
  [S in SuiteName]: K extends (typeof SUITES)[S]['makes'][number] ? S : never
}[SuiteName]

/** What a key is made for, by its two words. Throws `UNSUPPORTED_SUITE` for any other pair. */
export function keyType(kind: string, name: string): KeyType {
  if ((suite(name).makes as readonly string[]).includes(kind)) return { kind, suite: name } as KeyType
  throw new KeysteadError<CryptoErrorCode>('UNSUPPORTED_SUITE', 'no keys of this kind are made in this suite')
}

/** Throws `UNSUPPORTED_SUITE`. */
export function suite(name: string): Suite {
  if (Object.hasOwn(SUITES, name)) return SUITES[name as SuiteName]
  throw new KeysteadError<CryptoErrorCode>('UNSUPPORTED_SUITE', 'unknown algorithm suite', {
    details: { suite: name.slice(0, 32) },
  })
}

export function suiteOfMulticodec(code: number): SuiteName | undefined {
  return (Object.keys(SUITES) as SuiteName[]).find((name) => SUITES[name].multicodec === code)
}

export function suiteOfCurve(curve: string): SuiteName | undefined {
  return (Object.keys(SUITES) as SuiteName[]).find((name) => (SUITES[name] as Suite).jwk?.crv === curve)
}
