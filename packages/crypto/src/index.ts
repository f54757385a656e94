export { type Argon2Parameters, argon2id } from './argon2.ts'
export { open, openText, seal } from './box.ts'
export { type CryptoDriver, installDriver, type RunningHash } from './driver.ts'
export type { CryptoErrorCode } from './errors.ts'
export {
  hkdfSha256,
  hmacSha256,
  hmacSha512,
  pbkdf2Sha256,
  sha256,
  sha384,
  sha512,
  startSha256,
  tokensSha256,
} from './hash.ts'
export { aes256CbcHs512, aes256Gcm, aesKwUnwrap, aesKwWrap, type ContentCipher, xc20p } from './jose.ts'
export {
  checkedKey,
  decodeMultikey,
  encodeMultikey,
  keyDigest,
  type PublicJwk,
  publicKeyFromJwk,
  publicKeyToJwk,
} from './multikey.ts'
export { driver, portableDriver } from './portable.ts'
export { openSealed, sealTo } from './sealed.ts'
export { wrapSecret } from './secret-wrap.ts'
export { SELF_TESTS, selfTest } from './self-test.ts'
export { isVerificationSuite, verifySignature, verifyZip215 } from './signature.ts'
export { keyType, SUITES, type Suite, type SuiteName, suite } from './suites.ts'
export type {
  AgreementKey,
  AgreementSuite,
  HandleOf,
  KemKey,
  KemSuite,
  KeyHandle,
  KeyKind,
  KeyProvider,
  KeyType,
  PublicKey,
  SignatureSuite,
  SigningKey,
  Stays,
  VerificationSuite,
  WrapParameters,
} from './types.ts'
export { XWING_CIPHERTEXT_BYTES, xwingEncapsulate, xwingPublicKey } from './xwing.ts'
