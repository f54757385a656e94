declare module 'sodium-native' {
  const sodium: {
    randombytes_buf(bytes: Uint8Array): void
    sodium_malloc(bytes: number): Buffer
    readonly crypto_pwhash_ALG_ARGON2ID13: number
    crypto_pwhash_async(
      hash: Uint8Array,
      password: Uint8Array,
      salt: Uint8Array,
      passes: number,
      memoryBytes: number,
      algorithm: number,
    ): Promise<void>
    crypto_sign_seed_keypair(publicKey: Uint8Array, secretKey: Uint8Array, seed: Uint8Array): void
    crypto_sign_detached(signature: Uint8Array, message: Uint8Array, secretKey: Uint8Array): void
    crypto_sign_verify_detached(signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): boolean
    crypto_hash_sha256(hash: Uint8Array, data: Uint8Array): void
    crypto_core_ed25519_add(sum: Uint8Array, one: Uint8Array, other: Uint8Array): void
    crypto_scalarmult_base(publicKey: Uint8Array, secret: Uint8Array): void
    crypto_scalarmult(shared: Uint8Array, secret: Uint8Array, publicKey: Uint8Array): void
    crypto_aead_xchacha20poly1305_ietf_encrypt(
      sealed: Uint8Array,
      plaintext: Uint8Array,
      aad: Uint8Array,
      secretNonce: null,
      nonce: Uint8Array,
      key: Uint8Array,
    ): number
    crypto_aead_xchacha20poly1305_ietf_decrypt(
      plaintext: Uint8Array,
      secretNonce: null,
      sealed: Uint8Array,
      aad: Uint8Array,
      nonce: Uint8Array,
      key: Uint8Array,
    ): number
  }
  export default sodium
}
