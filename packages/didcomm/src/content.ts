/** Content encryption by its JOSE name (DIDComm v2.1, "Content Encryption"; authcrypt takes A256CBC-HS512 alone). */
import { aes256CbcHs512, aes256Gcm, type ContentCipher, xc20p } from '@keystead/crypto'

export const CONTENT_CIPHERS = {
  'A256CBC-HS512': aes256CbcHs512,
  A256GCM: aes256Gcm,
  XC20P: xc20p,
} as const satisfies Record<string, ContentCipher>

export type ContentEncryption = keyof typeof CONTENT_CIPHERS
