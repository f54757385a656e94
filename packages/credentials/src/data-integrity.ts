/**
 * CREDENTIAL-3 to CREDENTIAL-5: proofs with the cryptosuite eddsa-jcs-2022 (Data Integrity EdDSA Cryptosuites 1.0, section 3.3):
 * Ed25519 over SHA-256(JCS(proof options)) || SHA-256(JCS(document without proof)).
 */
import { canonicalText, Fields, fail, type JsonObject, KeysteadError, multibase } from '@keystead/core'
import { type PublicKey, type SigningKey, type VerificationSuite, verifySignature } from '@keystead/crypto'
import { dataIntegrityHash } from '@keystead/did'
import type { CredentialErrorCode } from './errors.ts'
import { secondsOf } from './time.ts'

export interface ProofOptions {
  /** DID URL of the signer's verification method. */
  readonly verificationMethod: string
  readonly proofPurpose: 'assertionMethod' | 'authentication'
  /** XML dateTime, a claim of the signer; an anchor is what proves a time. */
  readonly created?: string
  readonly challenge?: string
  readonly domain?: string
}

export interface DataIntegrityProof extends ProofOptions {
  readonly type: 'DataIntegrityProof'
  readonly cryptosuite: 'eddsa-jcs-2022'
  readonly proofValue: string
  /** Copied from the document when it has one (section 3.3.1, step 2). */
  readonly '@context'?: unknown
}

export type Secured = JsonObject & { readonly proof: DataIntegrityProof }

/** Section 3.3.1. Rejects with `WRONG_KEY_TYPE` for keys that are not Ed25519, `BAD_PROOF` for a second proof. */
export async function addProof(document: JsonObject, options: ProofOptions, key: SigningKey): Promise<Secured> {
  if (key.publicKey.suite !== 'ed25519')
    throw new KeysteadError<CredentialErrorCode>('WRONG_KEY_TYPE', 'eddsa-jcs-2022 signs with Ed25519 keys')
  if (document['proof'] !== undefined)
    throw new KeysteadError<CredentialErrorCode>('BAD_PROOF', 'the document carries a proof already')
  const config = {
    ...(document['@context'] === undefined ? {} : { '@context': document['@context'] }),
    type: 'DataIntegrityProof',
    cryptosuite: 'eddsa-jcs-2022',
    ...options,
  } as const
  const signature = await key.sign(dataIntegrityHash(document, config))
  return { ...document, proof: { ...config, proofValue: multibase.encode(signature) } } as unknown as Secured
}

/** Section 3.3.2, for one proof. False: the signature does not hold. Throws `BAD_PROOF` for a malformed one. */
export function verifyProof(secured: JsonObject, key: PublicKey<VerificationSuite>): boolean {
  const { proof, ...document } = secured
  const { proofValue, ...config } = parseProof(proof)
  if (key.suite !== 'ed25519') return false
  // CREDENTIAL-4, stricter than section 3.3.2, step 4: contexts that nobody signed could give signed terms other meanings.
  const context = config['@context']
  if (context !== undefined && canonicalText(context) !== canonicalText(document['@context'] ?? null)) return false
  return verifySignature(key, dataIntegrityHash(document, config), multibase.decode(proofValue))
}

/** Closed: a member we do not know could change what a proof means. Throws `BAD_PROOF`. */
export function parseProof(value: unknown): DataIntegrityProof {
  try {
    const fields = new Fields(value, 'proof')
    const optional = <N extends string>(name: N, max: number): { [K in N]?: string } => {
      const text = fields.optional(name, (f, n) => f.string(n, { min: 1, max }))
      return (text === undefined ? {} : { [name]: text }) as { [K in N]?: string }
    }
    const proof = {
      ...(fields.has('@context') ? { '@context': fields.any('@context') } : {}),
      type: fields.literal('type', 'DataIntegrityProof'),
      cryptosuite: fields.literal('cryptosuite', 'eddsa-jcs-2022'),
      verificationMethod: fields.string('verificationMethod', { max: 2048, pattern: /^did:[^#]+#.+$/ }),
      proofPurpose: fields.literal('proofPurpose', 'assertionMethod', 'authentication'),
      ...optional('created', 40),
      ...optional('challenge', 256),
      ...optional('domain', 256),
      proofValue: fields.string('proofValue', { max: 100, pattern: /^z[1-9A-HJ-NP-Za-km-z]+$/ }),
    }
    fields.end()
    if (proof.created !== undefined && secondsOf(proof.created) === undefined) fail('proof.created', 'is not a time')
    return proof as DataIntegrityProof
  } catch (cause) {
    throw new KeysteadError<CredentialErrorCode>('BAD_PROOF', 'this is not an eddsa-jcs-2022 proof', { cause })
  }
}
