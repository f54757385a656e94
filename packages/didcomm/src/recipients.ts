/** From DIDs to keys: whom an envelope is encrypted to, who made it, and whether two spellings mean one subject. */
import type { AgreementSuite, PublicKey } from '@keystead/crypto'
import {
  type DidDocument,
  type DidResolver,
  didOf,
  findMethod,
  peerShortForm,
  type ResolvedMethod,
  type VerificationRelationship,
  verificationMethods,
} from '@keystead/did'
import { failure } from './errors.ts'
import { isAgreement } from './jwe.ts'
import { MAX_RECIPIENTS } from './limits.ts'

export interface Recipient {
  readonly kid: string
  readonly publicKey: PublicKey<AgreementSuite>
}

/** For anoncrypt to a DID with keys of several curves, the first of these it has. */
const PREFERENCE: readonly AgreementSuite[] = ['x25519', 'p256', 'p384', 'p521']

/**
 * All `keyAgreement` keys of one curve of a DID (one person's devices), or the one key a DID URL with a fragment names.
 * Throws `NO_COMPATIBLE_KEY` or `DID_NOT_RESOLVED`.
 */
export async function recipientsOf(to: string, resolver: DidResolver, suite?: AgreementSuite): Promise<Recipient[]> {
  const document = await documentOf(to, resolver)
  const keys = verificationMethods(document, 'keyAgreement').flatMap(({ id, publicKey }): Recipient[] =>
    isAgreement(publicKey) && (!to.includes('#') || id === to) ? [{ kid: id, publicKey }] : [],
  )
  const chosen = suite ?? PREFERENCE.find((name) => keys.some(({ publicKey }) => publicKey.suite === name))
  const recipients = keys.filter(({ publicKey }) => publicKey.suite === chosen)
  if (recipients.length === 0 || recipients.length > MAX_RECIPIENTS)
    throw failure('NO_COMPATIBLE_KEY', 'the recipient has no key we can encrypt to', {
      details: { to: to.slice(0, 100), suite: suite ?? 'any' },
    })
  return recipients
}

/** The method a key id names, or undefined when its DID's document does not list it so. Throws `DID_NOT_RESOLVED`. */
export async function methodOf(
  kid: string,
  relationship: VerificationRelationship,
  resolver: DidResolver,
): Promise<ResolvedMethod | undefined> {
  return findMethod(await documentOf(kid, resolver), kid, relationship)
}

async function documentOf(url: string, resolver: DidResolver): Promise<DidDocument> {
  const did = didOf(url)
  const { didDocument, didResolutionMetadata } = await resolver.resolve(did)
  if (didDocument) return didDocument
  const { error } = didResolutionMetadata
  throw failure('DID_NOT_RESOLVED', error?.detail ?? error?.title ?? 'the DID could not be resolved', {
    details: {
      did: did.slice(0, 100),
      error: error?.type.split('#')[1] ?? 'NOT_FOUND',
      ...(error?.code === undefined ? {} : { code: error.code }),
    },
  })
}

/** True when both name one subject: the same DID, or the long and the short form of one did:peer:4. */
export function sameSubject(a: string, b: string): boolean {
  return peerShortForm(a) === peerShortForm(b)
}
