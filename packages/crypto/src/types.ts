/**
 * The algorithm-suite registry's words and the key handles. A handle uses a private key without showing its bytes;
 * whatever uses a handle returns a Promise, hashing, verification and AEAD are synchronous (rule 30).
 */
import type { Bytes } from '@keystead/core'
import type { SuitesFor } from './suites.ts'

export type SignatureSuite = SuitesFor<'signing'>
/** Suites whose signatures of others we verify, beside the ones we make. */
export type VerificationSuite = SignatureSuite | 'p384' | 'secp256k1'
export type AgreementSuite = SuitesFor<'agreement'>
export type KemSuite = SuitesFor<'kem'>

/** A public key with its suite. `bytes`: Ed25519, X25519 32 raw; NIST curves and secp256k1 SEC1 compressed; X-Wing 1,216. */
export interface PublicKey<Suite extends string = VerificationSuite | AgreementSuite | KemSuite> {
  readonly suite: Suite
  readonly bytes: Bytes
}

export interface SigningKey {
  readonly kind: 'signing'
  readonly publicKey: PublicKey<SignatureSuite>
  /** 64 bytes: Ed25519 R || S, or P-256 r || s with low s. Rejects with `KEY_DESTROYED` after `destroy`. */
  sign(message: Uint8Array): Promise<Bytes>
  destroy(): void
}

/** A peer's lasting key: of our choice (`known`), or named by somebody who has not proven to have its private half yet. */
export type Stays = 'known' | 'named'

export interface AgreementKey {
  readonly kind: 'agreement'
  readonly publicKey: PublicKey<AgreementSuite>
  /**
   * The raw shared secret Z, which the caller wipes. Rejects with `BAD_PUBLIC_KEY` for off-curve and low-order points. Says that the
   * peer's key stays, whoever will ask for the same again: a provider may then keep the secret beside the key.
   */
  agree(peer: PublicKey<AgreementSuite>, stays?: Stays): Promise<Bytes>
  /** Of a provider that keeps secrets: a peer that was `named` has proven to have the private half, and is a known one from now on. */
  known?(peer: PublicKey<AgreementSuite>): void
  destroy(): void
}

export interface KemKey {
  readonly kind: 'kem'
  readonly publicKey: PublicKey<KemSuite>
  /** 32-byte shared secret of a 1,120-byte X-Wing ciphertext. */
  decapsulate(ciphertext: Uint8Array): Promise<Bytes>
  destroy(): void
}

export type KeyHandle = SigningKey | AgreementKey | KemKey
export type KeyKind = 'signing' | 'agreement' | 'kem'

/** What a key is made for: kind and suite together. */
export type KeyType =
  | { readonly kind: 'signing'; readonly suite: SignatureSuite }
  | { readonly kind: 'agreement'; readonly suite: AgreementSuite }
  | { readonly kind: 'kem'; readonly suite: KemSuite }

export type HandleOf<T extends KeyType> = Extract<KeyHandle, { kind: T['kind'] }>

/**
 * The platform's keeper of private keys. `apps` choose one (`@keystead/crypto/node` or `/browser`) and pass it down.
 */
export interface KeyProvider {
  /** Makes a key; `wrapped` is its private half under `kek` (32 bytes, XChaCha20-Poly1305, `aad` bound). */
  generate<T extends KeyType>(type: T, wrap: WrapParameters): Promise<{ key: HandleOf<T>; wrapped: Bytes }>
  /** Makes a key that lives in memory only. */
  ephemeral<T extends KeyType>(type: T): Promise<HandleOf<T>>
  /** Loads a wrapped key. Rejects with `DECRYPTION_FAILED`. */
  unwrap<T extends KeyType>(type: T, wrapped: Uint8Array, wrap: WrapParameters): Promise<HandleOf<T>>
  /** A key from its private bytes (Ed25519 and X-Wing seed, X25519 and NIST scalar), which the caller then wipes. */
  fromSecret<T extends KeyType>(type: T, secret: Uint8Array): Promise<HandleOf<T>>
}

export interface WrapParameters {
  readonly kek: Uint8Array
  readonly aad: Uint8Array
}
