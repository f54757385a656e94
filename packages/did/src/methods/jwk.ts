/** did:jwk (https://github.com/quartzjer/did-jwk, spec.md): a JWK in base64url; its one method is `#0`. */
import { base64url, canonicalJson, type JsonObject, KeysteadError, parseJson } from '@keystead/core'
import { type PublicKey, publicKeyFromJwk, publicKeyToJwk } from '@keystead/crypto'
import { parseDid } from '../did.ts'
import type { DidDocument } from '../document.ts'
import type { DidErrorCode } from '../errors.ts'
import { type ResolutionResult, resolved } from '../resolution.ts'

export function createDidJwk(key: PublicKey): string {
  return `did:jwk:${base64url.encode(canonicalJson(publicKeyToJwk(key)))}`
}

/** Throws `INVALID_DID` or `METHOD_NOT_SUPPORTED`. */
export function resolveDidJwk(did: string): ResolutionResult {
  const { method, id } = parseDid(did)
  try {
    if (method !== 'jwk') throw new Error('another method')
    const jwk = parseJson(base64url.decode(id), 2048) as JsonObject
    const key = publicKeyFromJwk(jwk)
    const agrees = key.suite === 'x25519' || jwk['use'] === 'enc'
    const uses = [`${did}#0`]
    return resolved(
      {
        '@context': ['https://www.w3.org/ns/did/v1', 'https://w3id.org/security/suites/jws-2020/v1'],
        id: did,
        verificationMethod: [{ id: `${did}#0`, type: 'JsonWebKey2020', controller: did, publicKeyJwk: jwk }],
        // A key without `use` serves every relationship but what its curve cannot do.
        ...(agrees
          ? {}
          : { authentication: uses, assertionMethod: uses, capabilityInvocation: uses, capabilityDelegation: uses }),
        ...(agrees || (key.suite !== 'ed25519' && jwk['use'] !== 'sig') ? { keyAgreement: uses } : {}),
      } as DidDocument,
      'self-certifying',
    )
  } catch (cause) {
    if (cause instanceof KeysteadError && cause.code === 'UNSUPPORTED_SUITE')
      throw new KeysteadError<DidErrorCode>('METHOD_NOT_SUPPORTED', 'a did:jwk of a kind of key we do not use')
    throw new KeysteadError<DidErrorCode>('INVALID_DID', 'this did:jwk holds no key', { cause })
  }
}
