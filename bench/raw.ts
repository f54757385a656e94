/** The raw primitives that everything is compared with: libsodium and Node's own, called directly. */
import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createSecretKey,
  diffieHellman,
  generateKeyPairSync,
  hash,
  sign,
  verify,
} from 'node:crypto'
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

const [key, nonce, iv, contentKey] = [
  Buffer.alloc(32, 1),
  Buffer.alloc(24, 2),
  Buffer.alloc(16, 3),
  Buffer.alloc(64, 4),
]
const [ephemeral, ephemeralSecret] = [Buffer.alloc(32), Buffer.alloc(32)]
const random = Buffer.alloc(88)
const kdfInput = Buffer.alloc(200, 5)
const none = Buffer.alloc(0)
const KW_IV = Buffer.alloc(8, 0xa6)
const wrapped = wrap()

function wrap(): Buffer {
  const cipher = createCipheriv('id-aes256-wrap', createSecretKey(key), KW_IV)
  return Buffer.concat([cipher.update(contentKey), cipher.final()])
}

/**
 * What no envelope of DIDComm can do without, called in the quickest way there is here: for each recipient so many agreements, the KDF
 * and the key wrap; once the content under its cipher, and to pack a one-time key pair. No JSON, no base64, no copies.
 */
export function rawEnvelope(
  { agreements, cipher, recipients = 1 }: { agreements: number; cipher: 'cbc' | 'xchacha'; recipients?: number },
  direction: 'pack' | 'unpack',
): () => void {
  const text = Buffer.alloc(480, 6)
  const sealed = Buffer.alloc(text.length + 16)
  const whole = createCipheriv('aes-256-cbc', createSecretKey(key), iv)
  const encrypted = Buffer.concat([whole.update(text), whole.final()])
  const content = (): void => {
    if (cipher === 'xchacha') sodium.crypto_aead_xchacha20poly1305_ietf_encrypt(sealed, text, none, null, nonce, key)
    else {
      const create = direction === 'pack' ? createCipheriv : createDecipheriv
      const block = create('aes-256-cbc', createSecretKey(key), iv)
      block.update(direction === 'pack' ? text : encrypted)
      block.final()
      createHmac('sha512', createSecretKey(key)).update(encrypted).digest()
    }
  }
  return () => {
    if (direction === 'pack') {
      sodium.randombytes_buf(random)
      sodium.randombytes_buf(ephemeralSecret)
      sodium.crypto_scalarmult_base(ephemeral, ephemeralSecret)
    }
    for (let i = 0; i < recipients; i++) {
      for (let n = 0; n < agreements; n++) rawAgreement()
      hash('sha256', kdfInput, 'buffer')
      if (direction === 'pack') wrap()
      else {
        const unwrap = createDecipheriv('id-aes256-wrap', createSecretKey(key), KW_IV)
        unwrap.update(wrapped)
        unwrap.final()
      }
    }
    content()
  }
}
