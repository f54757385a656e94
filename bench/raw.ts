/** The raw primitives that everything is compared with: libsodium and Node's own, called directly. */
import { diffieHellman, generateKeyPairSync, sign, verify } from 'node:crypto'
import sodium from 'sodium-native'

const message = Buffer.alloc(256, 7)
const publicKey = Buffer.alloc(32)
const secretKey = Buffer.alloc(64)
sodium.crypto_sign_seed_keypair(publicKey, secretKey, Buffer.alloc(32, 5))
const signature = Buffer.alloc(64)
sodium.crypto_sign_detached(signature, message, secretKey)

export const rawVerify = (): boolean => sodium.crypto_sign_verify_detached(signature, message, publicKey)
export const rawSign = (): void => sodium.crypto_sign_detached(signature, message, secretKey)

const node = generateKeyPairSync('ed25519')
const nodeSignature = sign(null, message, node.privateKey)
export const nodeVerify = (): boolean => verify(null, message, node.publicKey, nodeSignature)

const x = [generateKeyPairSync('x25519'), generateKeyPairSync('x25519')] as const
/** One X25519 agreement. */
export const rawAgreement = (): Buffer => diffieHellman({ privateKey: x[0].privateKey, publicKey: x[1].publicKey })

/** XChaCha20-Poly1305 over so many bytes. */
export function rawSeal(bytes: number): () => void {
  const key = Buffer.alloc(32, 1)
  const none = Buffer.alloc(0)
  const nonce = Buffer.alloc(24, 2)
  const text = Buffer.alloc(bytes, 3)
  const sealed = Buffer.alloc(bytes + 16)
  return () => sodium.crypto_aead_xchacha20poly1305_ietf_encrypt(sealed, text, none, null, nonce, key)
}
