/**
 * DID documents (DID Core 1.0, section 5), as others write them: unknown members are carried, known ones are checked for
 * type and size. Verification methods come out with absolute ids and decoded keys.
 */
import {
  type Bytes,
  base58btc,
  canonicalJson,
  Fields,
  fail,
  type Json,
  type JsonObject,
  KeysteadError,
} from '@keystead/core'
import { checkedKey, decodeMultikey, type PublicKey, publicKeyFromJwk } from '@keystead/crypto'
import { didOf, parseDid } from './did.ts'
import type { DidErrorCode } from './errors.ts'
import { MAX_DOCUMENT_BYTES, MAX_METHODS, MAX_SERVICES } from './limits.ts'

export const RELATIONSHIPS = [
  'authentication',
  'assertionMethod',
  'keyAgreement',
  'capabilityInvocation',
  'capabilityDelegation',
] as const
export type VerificationRelationship = (typeof RELATIONSHIPS)[number]

export type VerificationMethod = JsonObject & {
  readonly id: string
  readonly type: string
  readonly controller?: string
  readonly publicKeyMultibase?: string
  readonly publicKeyJwk?: JsonObject
  readonly publicKeyBase58?: string
}

export type Service = JsonObject & { readonly id: string; readonly type: Json; readonly serviceEndpoint: Json }

export type DidDocument = JsonObject & {
  readonly id: string
  readonly verificationMethod?: readonly VerificationMethod[]
  readonly service?: readonly Service[]
  readonly alsoKnownAs?: readonly string[]
} & { readonly [relationship in VerificationRelationship]?: readonly (string | VerificationMethod)[] }

/** A verification method with its key decoded and its id made absolute. */
export interface ResolvedMethod {
  readonly id: string
  readonly controller: string
  readonly publicKey: PublicKey
}

/** Throws `INVALID_DID_DOCUMENT` naming the member at fault. */
export function parseDidDocument(value: unknown): DidDocument {
  try {
    if (canonicalJson(value).length > MAX_DOCUMENT_BYTES) fail('document', 'is too large')
    const fields = new Fields(value, 'document')
    parseDid(fields.string('id', { max: MAX_DOCUMENT_BYTES }))
    fields.optional('alsoKnownAs', (f, name) =>
      f.array(name, { max: 64 }, (item, path) => (typeof item === 'string' ? item : fail(path, 'must be a string'))),
    )
    fields.optional('verificationMethod', (f, name) => f.array(name, { max: MAX_METHODS }, checkMethod))
    for (const relationship of RELATIONSHIPS)
      fields.optional(relationship, (f, name) =>
        f.array(name, { max: MAX_METHODS }, (item, path) => typeof item === 'string' || checkMethod(item, path)),
      )
    fields.optional('service', (f, name) =>
      f.array(name, { max: MAX_SERVICES }, (item, path) => {
        const service = new Fields(item, path)
        service.string('id', { min: 1, max: MAX_DOCUMENT_BYTES })
        service.any('type')
        service.any('serviceEndpoint')
      }),
    )
    return value as DidDocument
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : 'malformed'
    throw new KeysteadError<DidErrorCode>('INVALID_DID_DOCUMENT', `this is not a DID document: ${reason}`, { cause })
  }
}

function checkMethod(item: Json, path: string): void {
  const method = new Fields(item, path)
  method.string('id', { min: 1, max: MAX_DOCUMENT_BYTES })
  method.string('type', { min: 1, max: 100 })
}

/** By document, then by relationship: a document is never changed, and to decode its keys takes longer than to use one. */
const decoded = new WeakMap<DidDocument, Map<string, readonly ResolvedMethod[]>>()

/**
 * The methods of one relationship (or all), in the document's order. Methods of kinds we do not use, or that do not decode,
 * are left out: they cannot verify anything for us. The answer is shared: never change it.
 */
export function verificationMethods(
  document: DidDocument,
  relationship?: VerificationRelationship,
): readonly ResolvedMethod[] {
  const known = decoded.get(document) ?? new Map<string, readonly ResolvedMethod[]>()
  decoded.set(document, known)
  const methods = known.get(relationship ?? '') ?? decodeMethods(document, relationship)
  known.set(relationship ?? '', methods)
  return methods
}

function decodeMethods(document: DidDocument, relationship?: VerificationRelationship): ResolvedMethod[] {
  const all = document.verificationMethod ?? []
  const chosen: (string | VerificationMethod)[] = relationship
    ? [...(document[relationship] ?? [])]
    : [...all, ...RELATIONSHIPS.flatMap((name) => document[name] ?? []).filter((item) => typeof item !== 'string')]
  return chosen.flatMap((item) => {
    const method =
      typeof item === 'string' ? all.find((m) => absolute(document.id, m.id) === absolute(document.id, item)) : item
    const publicKey = method && methodKey(method)
    return publicKey
      ? [{ id: absolute(document.id, method.id), controller: method.controller ?? document.id, publicKey }]
      : []
  })
}

/** The method a DID URL names, if the document lists it for this relationship. */
export function findMethod(
  document: DidDocument,
  url: string,
  relationship: VerificationRelationship,
): ResolvedMethod | undefined {
  return verificationMethods(document, relationship).find((method) => method.id === url)
}

/** A relative id (`#key-1`) is relative to the document's own (DID Core, section 3.2.2). */
export function absolute(did: string, id: string): string {
  return id.startsWith('#') ? `${did}${id}` : id
}

function methodKey(method: VerificationMethod): PublicKey | undefined {
  try {
    if (method.publicKeyMultibase !== undefined) return decodeMultikey(method.publicKeyMultibase)
    if (method.publicKeyJwk !== undefined) return publicKeyFromJwk(method.publicKeyJwk)
    if (method.publicKeyBase58 !== undefined) return legacyKey(method.type, base58btc.decode(method.publicKeyBase58))
  } catch {
    // a kind we do not use
  }
  return undefined
}

const LEGACY: Readonly<Record<string, PublicKey['suite']>> = {
  Ed25519VerificationKey2018: 'ed25519',
  X25519KeyAgreementKey2019: 'x25519',
  EcdsaSecp256k1VerificationKey2019: 'secp256k1',
  P256Key2021: 'p256',
  P384Key2021: 'p384',
  P521Key2021: 'p521',
}

function legacyKey(type: string, bytes: Bytes): PublicKey | undefined {
  const suite = LEGACY[type]
  return suite && checkedKey(suite, bytes)
}

/** Where messages for the DID go: the endpoints of its DIDCommMessaging services (DIDComm v2.1, "Service Endpoint"). */
export interface MessagingEndpoint {
  readonly uri: string
  readonly routingKeys: readonly string[]
}

export function messagingEndpoints(document: DidDocument): MessagingEndpoint[] {
  return (document.service ?? [])
    .filter((service) => service.type === 'DIDCommMessaging')
    .flatMap((service) => {
      const list = Array.isArray(service.serviceEndpoint) ? service.serviceEndpoint : [service.serviceEndpoint]
      return list.flatMap((endpoint): MessagingEndpoint[] => {
        // v2.0 allowed a bare string with routingKeys beside it; did:peer:2 documents still have it.
        if (typeof endpoint === 'string') return [{ uri: endpoint, routingKeys: texts(service['routingKeys']) }]
        if (typeof endpoint !== 'object' || endpoint === null || typeof endpoint['uri'] !== 'string') return []
        return [{ uri: endpoint['uri'], routingKeys: texts(endpoint['routingKeys']) }]
      })
    })
}

function texts(value: Json | undefined): string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : []
}

/** True when both name the same DID, fragment and path aside. */
export function sameDid(a: string, b: string): boolean {
  return didOf(a) === didOf(b)
}
