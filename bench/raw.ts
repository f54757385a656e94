/** The raw primitives that everything is compared with: libsodium and Node's own, called directly. */
import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createSecretKey,
  diffieHellman,
  generateKeyPairSync,
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
/** One X25519 agreement of two lasting keys, both imported once: OpenSSL's is the quickest. */
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

const [key, nonce, iv] = [Buffer.alloc(32, 1), Buffer.alloc(24, 2), Buffer.alloc(16, 3)]
const KW_IV = Buffer.alloc(8, 0xa6)
const [ephemeral, ephemeralSecret, shared] = [Buffer.alloc(32), Buffer.alloc(32, 9), Buffer.alloc(32)]
const lasting = Buffer.alloc(32)
sodium.crypto_scalarmult_base(lasting, Buffer.alloc(32, 8))
const random = Buffer.alloc(88)
const digest = Buffer.alloc(32)

/**
 * An agreement in which one key is there for one envelope. libsodium's is the quickest (29 us): OpenSSL's takes 27, and before it 22 to
 * import the other side's key, or 41 to import one's own.
 */
const freshAgreement = (): void => sodium.crypto_scalarmult(shared, ephemeralSecret, lasting)

/** Bytes of an envelope with one text of 256 and key ids of 23; they are what the primitives are given. */
const SIZES = {
  cbc: { contentKey: 64, header: 407, kdf: 190, text: 432 },
  xchacha: { contentKey: 32, header: 291, kdf: 98, text: 418 },
} as const
const KEY_IDS = Buffer.alloc(23, 5)

/**
 * What no envelope of DIDComm can do without, called in the quickest way there is here. Once: the digest of the key ids (`apv`), the content
 * under its cipher with the header as associated data, and to pack a one-time key pair. For each recipient: an agreement with the one-time
 * key, for authcrypt one of the two lasting keys, the KDF and the key wrap. No JSON, no base64, no copies, no look at what comes.
 */
export function rawEnvelope(
  { lastingKeys, cipher, recipients = 1 }: { lastingKeys: boolean; cipher: 'cbc' | 'xchacha'; recipients?: number },
  direction: 'pack' | 'unpack',
): () => void {
  const sizes = SIZES[cipher]
  const [contentKey, header, kdf] = [
    Buffer.alloc(sizes.contentKey, 4),
    Buffer.alloc(sizes.header, 6),
    Buffer.alloc(sizes.kdf),
  ]
  const text = Buffer.alloc(sizes.text, 7)
  const sealed = Buffer.alloc(text.length + 16)
  sodium.crypto_aead_xchacha20poly1305_ietf_encrypt(sealed, text, header, null, nonce, key)
  const whole = createCipheriv('aes-256-cbc', createSecretKey(key), iv)
  const encrypted = Buffer.concat([whole.update(text), whole.final()])
  const macInput = Buffer.concat([header, iv, encrypted, Buffer.alloc(8)])
  const wrapper = createCipheriv('id-aes256-wrap', createSecretKey(key), KW_IV)
  const wrapped = Buffer.concat([wrapper.update(contentKey), wrapper.final()])
  const content = (): void => {
    if (cipher === 'cbc') {
      const create = direction === 'pack' ? createCipheriv : createDecipheriv
      const block = create('aes-256-cbc', createSecretKey(key), iv)
      block.update(direction === 'pack' ? text : encrypted)
      block.final()
      createHmac('sha512', createSecretKey(key)).update(macInput).digest()
    } else if (direction === 'pack')
      sodium.crypto_aead_xchacha20poly1305_ietf_encrypt(sealed, text, header, null, nonce, key)
    else sodium.crypto_aead_xchacha20poly1305_ietf_decrypt(text, null, sealed, header, nonce, key)
  }
  return () => {
    if (direction === 'pack') {
      sodium.randombytes_buf(random)
      sodium.randombytes_buf(ephemeralSecret)
      sodium.crypto_scalarmult_base(ephemeral, ephemeralSecret)
    }
    sodium.crypto_hash_sha256(digest, KEY_IDS)
    for (let i = 0; i < recipients; i++) {
      freshAgreement()
      if (lastingKeys) rawAgreement()
      sodium.crypto_hash_sha256(digest, kdf)
      const create = direction === 'pack' ? createCipheriv : createDecipheriv
      const wrap = create('id-aes256-wrap', createSecretKey(key), KW_IV)
      wrap.update(direction === 'pack' ? contentKey : wrapped)
      wrap.final()
    }
    content()
  }
}
