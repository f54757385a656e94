/** did:key (https://w3c-ccg.github.io/did-key-spec/): the key itself; Ed25519 keys also give an X25519 one. */
import { type Bytes, KeysteadError } from '@keystead/core'
import { decodeMultikey, encodeMultikey, type PublicKey } from '@keystead/crypto'
import { ed25519 } from '@noble/curves/ed25519.js'
import { parseDid } from '../did.ts'
import type { DidDocument, VerificationMethod } from '../document.ts'
import type { DidErrorCode } from '../errors.ts'
import { type ResolutionResult, resolved } from '../resolution.ts'

export const MULTIKEY_CONTEXT = ['https://www.w3.org/ns/did/v1', 'https://w3id.org/security/multikey/v1'] as const

export function createDidKey(key: PublicKey): string {
  return `did:key:${encodeMultikey(key)}`
}

/** Throws `INVALID_DID` or `METHOD_NOT_SUPPORTED` (a kind of key we do not use). */
export function resolveDidKey(did: string): ResolutionResult {
  const { method, id } = parseDid(did)
  if (method !== 'key') throw new KeysteadError<DidErrorCode>('INVALID_DID', 'this is not a did:key')
  let key: PublicKey
  try {
    key = decodeMultikey(id)
  } catch (cause) {
    if (cause instanceof KeysteadError && cause.code === 'UNSUPPORTED_SUITE')
      throw new KeysteadError<DidErrorCode>('METHOD_NOT_SUPPORTED', 'a did:key of a kind of key we do not use')
    throw new KeysteadError<DidErrorCode>('INVALID_DID', 'this did:key holds no key', { cause })
  }
  const method1 = multikeyMethod(did, key)
  const signs = key.suite !== 'x25519' && key.suite !== 'x-wing'
  const agreement = agreementMethod(did, key)
  const methods = agreement.id !== method1.id ? [method1, agreement] : [method1]
  const uses = signs ? [method1.id] : []
  return resolved(
    {
      '@context': MULTIKEY_CONTEXT,
      id: did,
      verificationMethod: methods,
      ...(signs
        ? { authentication: uses, assertionMethod: uses, capabilityInvocation: uses, capabilityDelegation: uses }
        : {}),
      keyAgreement: [agreement.id],
    } as DidDocument,
    'self-certifying',
  )
}

export function multikeyMethod(did: string, key: PublicKey, fragment = encodeMultikey(key)): VerificationMethod {
  return { id: `${did}#${fragment}`, type: 'Multikey', controller: did, publicKeyMultibase: encodeMultikey(key) }
}

function agreementMethod(did: string, key: PublicKey): VerificationMethod {
  if (key.suite === 'ed25519') {
    const bytes = ed25519.utils.toMontgomery(key.bytes) as Bytes
    return multikeyMethod(did, { suite: 'x25519', bytes })
  }
  return multikeyMethod(did, key)
}
