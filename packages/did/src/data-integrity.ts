/**
 * What a JCS Data Integrity cryptosuite signs (Data Integrity EdDSA Cryptosuites 1.0, sections 3.3.3 to 3.3.5, and the ECDSA
 * suites alike): SHA-256(JCS(proof options)) || SHA-256(JCS(document without proof)), 64 bytes.
 */
import { type Bytes, canonicalJson, concatBytes } from '@keystead/core'
import { sha256 } from '@keystead/crypto'

export function dataIntegrityHash(document: object, proofOptions: object): Bytes {
  return concatBytes(sha256(canonicalJson(proofOptions)), sha256(canonicalJson(document)))
}
