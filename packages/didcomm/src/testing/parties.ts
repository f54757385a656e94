/** Parties with keys of every curve, and a resolver that knows their documents; for tests only. */
import { type JsonObject, systemRandom } from '@keystead/core'
import { type AgreementKey, type AgreementSuite, publicKeyToJwk, type SigningKey } from '@keystead/crypto'
import { nodeKeyProvider } from '@keystead/crypto/node'
import {
  combineResolvers,
  type DidDocument,
  type DidResolver,
  parseDidDocument,
  resolved,
  unresolved,
} from '@keystead/did'
import type { SecretsPort } from '../ports.ts'

export const CURVES: readonly AgreementSuite[] = ['x25519', 'p256', 'p384', 'p521']

const keys = nodeKeyProvider()

export interface Party {
  readonly did: string
  readonly document: DidDocument
  readonly agreement: Readonly<Record<AgreementSuite, { kid: string; key: AgreementKey }>>
  readonly signing: Readonly<Record<'ed25519' | 'p256', { kid: string; key: SigningKey }>>
  readonly secrets: SecretsPort
  /** JWKs with `d`, as other libraries want them. */
  readonly jwks: readonly { id: string; jwk: JsonObject }[]
}

/** `did:example:<name>` with these curves (all when none are named), so many keys of the first. */
export async function party(name: string, curves: readonly AgreementSuite[] = CURVES, ofFirst = 2): Promise<Party> {
  const did = `did:example:${name}`
  const jwks: { id: string; jwk: JsonObject }[] = []
  const held = new Map<string, AgreementKey>()
  const agreement: Record<string, { kid: string; key: AgreementKey }> = {}
  const signing: Record<string, { kid: string; key: SigningKey }> = {}
  const more = Array.from({ length: ofFirst - 1 }, () => curves[0] ?? 'x25519')
  for (const [index, suite] of [...curves, ...more].entries()) {
    const secret = systemRandom(suite === 'p384' ? 48 : suite === 'p521' ? 66 : 32)
    if (suite === 'p521') secret[0] = 0
    const key = await keys.fromSecret({ kind: 'agreement', suite }, secret.slice())
    const kid = `${did}#agree-${index}`
    agreement[suite] ??= { kid, key }
    held.set(kid, key)
    jwks.push({ id: kid, jwk: { ...publicKeyToJwk(key.publicKey), d: Buffer.from(secret).toString('base64url') } })
  }
  for (const suite of ['ed25519', 'p256'] as const) {
    const secret = systemRandom(32)
    const key = await keys.fromSecret({ kind: 'signing', suite }, secret.slice())
    const kid = `${did}#sign-${suite}`
    signing[suite] = { kid, key }
    jwks.push({ id: kid, jwk: { ...publicKeyToJwk(key.publicKey), d: Buffer.from(secret).toString('base64url') } })
  }
  const document = parseDidDocument({
    id: did,
    verificationMethod: jwks.map(({ id, jwk: { d: _, ...publicKeyJwk } }) => ({
      id,
      type: 'JsonWebKey2020',
      controller: did,
      publicKeyJwk,
    })),
    keyAgreement: [...held.keys()],
    authentication: Object.values(signing).map(({ kid }) => kid),
  })
  return {
    did,
    document,
    agreement: agreement as Party['agreement'],
    signing: signing as Party['signing'],
    secrets: { agreementKey: async (kid) => held.get(kid) },
    jwks,
  }
}

export function resolverOf(...documents: readonly DidDocument[]): DidResolver {
  return combineResolvers({
    example: (did) => {
      const document = documents.find(({ id }) => id === did)
      return document ? resolved(document, 'unverified') : unresolved('NOT_FOUND')
    },
  })
}
