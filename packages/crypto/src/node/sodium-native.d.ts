declare module 'sodium-native' {
  const sodium: {
    randombytes_buf(bytes: Buffer): void
    sodium_malloc(bytes: number): Buffer
    crypto_sign_seed_keypair(publicKey: Buffer, secretKey: Buffer, seed: Buffer): void
    crypto_sign_detached(signature: Buffer, message: Buffer, secretKey: Buffer): void
    crypto_sign_verify_detached(signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): boolean
    crypto_hash_sha256(hash: Uint8Array, data: Uint8Array): void
    crypto_core_ed25519_add(sum: Uint8Array, one: Uint8Array, other: Uint8Array): void
    crypto_scalarmult_base(publicKey: Buffer, secret: Buffer): void
    crypto_scalarmult(shared: Buffer, secret: Buffer, publicKey: Buffer): void
    crypto_aead_xchacha20poly1305_ietf_encrypt(
      sealed: Buffer,
      plaintext: Buffer,
      aad: Buffer,
      secretNonce: null,
      nonce: Buffer,
      key: Buffer,
    ): number
    crypto_aead_xchacha20poly1305_ietf_decrypt(
      plaintext: Buffer,
      secretNonce: null,
      sealed: Buffer,
      aad: Buffer,
      nonce: Buffer,
      key: Buffer,
    ): number
  }
  export default sodium
}
