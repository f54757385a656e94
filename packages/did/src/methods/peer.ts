/**
 * did:peer (https://identity.foundation/peer-did-method-spec/): method 0 is a key, method 2 lists keys and services, method 4
 * carries a whole document; its short form is the document's hash and resolves only for who has seen the long one.
 */
import {
  type Bytes,
  base58btc,
  base64url,
  concatBytes,
  type Json,
  type JsonObject,
  KeysteadError,
  multihash,
  parseJson,
  remembering,
  utf8,
} from '@keystead/core'
import { decodeMultikey, encodeMultikey, type PublicKey, sha256 } from '@keystead/crypto'
import { didOf, parseDid } from '../did.ts'
import { type DidDocument, parseDidDocument, RELATIONSHIPS, type VerificationMethod } from '../document.ts'
import type { DidErrorCode } from '../errors.ts'
import { MAX_DOCUMENT_BYTES } from '../limits.ts'
import { type ResolutionResult, resolved, unresolved } from '../resolution.ts'
import { MULTIKEY_CONTEXT, resolveDidKey } from './key.ts'

/** Throws `INVALID_DID`; a method 4 short form gives NOT_FOUND. What a DID says of itself never changes. */
export function resolveDidPeer(did: string): ResolutionResult {
  return did.length > MAX_REMEMBERED_LENGTH ? resolveAfresh(did) : remembered(did)
}

/** Whoever has a mailbox, and whoever writes, comes again and again; a thousand of this length are a few megabytes. */
const MAX_REMEMBERED = 1024
const MAX_REMEMBERED_LENGTH = 2048
const remembered = remembering(MAX_REMEMBERED, resolveAfresh)

function resolveAfresh(did: string): ResolutionResult {
  const { method, id } = parseDid(did)
  if (method === 'peer') {
    if (id.startsWith('0z')) return resolvePeer0(did, id.slice(1))
    if (id.startsWith('2.')) return resolved(resolvePeer2(did, id.slice(2)), 'self-certifying')
    if (PEER4_LONG.test(id)) return resolved(resolvePeer4(did), 'self-certifying')
    if (PEER4_SHORT.test(id)) return unresolved('NOT_FOUND', 'the long form of this did:peer is not known here')
  }
  throw invalid('this is not a did:peer of method 0, 2 or 4')
}

function invalid(message: string, cause?: unknown): KeysteadError<DidErrorCode> {
  return new KeysteadError('INVALID_DID', message, cause === undefined ? {} : { cause })
}

/** Method 0 is a did:key under another name, without the derived agreement key ("Generation Method 0"). */
function resolvePeer0(did: string, key: string): ResolutionResult {
  const inner = `did:key:${key}`
  const { keyAgreement, ...document } = resolveDidKey(inner).didDocument ?? { id: did }
  const methods = document.verificationMethod?.filter((method) => !keyAgreement?.includes(method.id)) ?? []
  return resolved(
    JSON.parse(JSON.stringify({ ...document, verificationMethod: methods }).replaceAll(inner, did)) as DidDocument,
    'self-certifying',
  )
}

// --- method 2 ---------------------------------------------------------------------------------------------------------

/** Purpose codes of method 2. */
const PURPOSES = {
  A: 'assertionMethod',
  D: 'capabilityDelegation',
  E: 'keyAgreement',
  I: 'capabilityInvocation',
  V: 'authentication',
} as const
type Purpose = keyof typeof PURPOSES

/** Abbreviations in method 2 services. */
const EXPAND: Readonly<Record<string, string>> = { t: 'type', s: 'serviceEndpoint', r: 'routingKeys', a: 'accept' }
const ABBREVIATE: Readonly<Record<string, string>> = {
  type: 't',
  serviceEndpoint: 's',
  routingKeys: 'r',
  accept: 'a',
  DIDCommMessaging: 'dm',
}

export function createDidPeer2(
  keys: readonly { purpose: Purpose; key: PublicKey }[],
  services: readonly JsonObject[],
): string {
  const elements = keys.map(({ purpose, key }) => `${purpose}${encodeMultikey(key)}`)
  const encoded = services.map((service) => `S${base64url.encode(utf8(JSON.stringify(abbreviate(service))))}`)
  return `did:peer:2.${[...elements, ...encoded].join('.')}`
}

function abbreviate(value: Json): Json {
  if (Array.isArray(value)) return value.map(abbreviate)
  if (typeof value === 'string') return value === 'DIDCommMessaging' ? 'dm' : value
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [ABBREVIATE[name] ?? name, abbreviate(member as Json)]),
  )
}

function resolvePeer2(did: string, id: string): DidDocument {
  const relationships: Record<string, string[]> = {}
  const methods: VerificationMethod[] = []
  const services: JsonObject[] = []
  try {
    for (const element of id.split('.')) {
      const [code = '', rest] = [element[0], element.slice(1)]
      if (code === 'S') {
        // One service an element; older writers put several into one, with or without the array's brackets.
        const decoded = decodeServices(base64url.decode(rest))
        for (const service of decoded) services.push(expandService(service, services.length))
      } else if (Object.hasOwn(PURPOSES, code)) {
        decodeMultikey(rest)
        // Keys are numbered in the order in which they stand ("Generating a did:peer:2").
        const method = { id: `#key-${methods.length + 1}`, type: 'Multikey', controller: did, publicKeyMultibase: rest }
        methods.push(method)
        const relationship = PURPOSES[code as Purpose]
        relationships[relationship] = [...(relationships[relationship] ?? []), method.id]
      } else throw invalid('an element of an unknown kind')
    }
  } catch (cause) {
    throw invalid('this did:peer:2 cannot be read', cause)
  }
  return parseDidDocument({
    '@context': MULTIKEY_CONTEXT,
    id: did,
    verificationMethod: methods,
    ...relationships,
    ...(services.length === 0 ? {} : { service: services }),
  })
}

function decodeServices(bytes: Bytes): JsonObject[] {
  let value: Json
  try {
    value = parseJson(bytes, MAX_DOCUMENT_BYTES)
  } catch {
    value = parseJson(concatBytes(utf8('['), bytes, utf8(']')), MAX_DOCUMENT_BYTES)
  }
  return (Array.isArray(value) ? value : [value]) as JsonObject[]
}

function expandService(service: JsonObject, position: number): JsonObject {
  const expand = (value: Json): Json => {
    if (Array.isArray(value)) return value.map(expand)
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(
      Object.entries(value).map(([name, member]) => [EXPAND[name] ?? name, expand(member as Json)]),
    )
  }
  const expanded = expand(service) as JsonObject
  const type = expanded['type'] === 'dm' ? 'DIDCommMessaging' : expanded['type']
  return {
    id: position === 0 ? '#service' : `#service-${position}`,
    ...expanded,
    ...(type === undefined ? {} : { type }),
  }
}

// --- method 4 ---------------------------------------------------------------------------------------------------------

const PEER4_SHORT = /^4zQm[1-9A-HJ-NP-Za-km-z]{44}$/
const PEER4_LONG = /^(4zQm[1-9A-HJ-NP-Za-km-z]{44}):(z[1-9A-HJ-NP-Za-km-z]+)$/
/** Multicodec `json`, as a varint. */
const JSON_CODEC = Uint8Array.of(0x80, 0x04)

/** Both forms of the DID of an input document: no `id`, ids and references relative (`#key-1`). */
export function createDidPeer4(input: JsonObject): { longForm: string; shortForm: string } {
  const encoded = `z${base58btc.encode(concatBytes(JSON_CODEC, utf8(JSON.stringify(input))))}`
  const shortForm = `did:peer:4z${multihash.encode(sha256(utf8(encoded)))}`
  return { longForm: `${shortForm}:${encoded}`, shortForm }
}

/** The short form of either form; other DIDs come back as they are. */
export function peerShortForm(did: string): string {
  const bare = didOf(did)
  const match = bare.startsWith('did:peer:') ? PEER4_LONG.exec(bare.slice('did:peer:'.length)) : null
  return match ? `did:peer:${match[1]}` : bare
}

/** The document of a long form, under whichever of its two DIDs is asked for. Throws `INVALID_DID`. */
export function resolvePeer4(longForm: string, as: 'long' | 'short' = 'long'): DidDocument {
  const match = PEER4_LONG.exec(longForm.slice('did:peer:'.length))
  const [, hash = '', encoded = ''] = match ?? []
  let input: JsonObject
  try {
    const bytes = base58btc.decode(encoded.slice(1))
    if (bytes[0] !== JSON_CODEC[0] || bytes[1] !== JSON_CODEC[1]) throw new Error('not JSON')
    if (`4z${multihash.encode(sha256(utf8(encoded)))}` !== hash) throw new Error('the hash does not fit')
    input = parseJson(bytes.subarray(2), MAX_DOCUMENT_BYTES) as JsonObject
  } catch (cause) {
    throw invalid('this did:peer:4 long form does not hold together', cause)
  }
  const shortForm = `did:peer:${hash}`
  const did = as === 'long' ? longForm : shortForm
  const contextualize = (item: Json): Json =>
    typeof item === 'object' &&
    item !== null &&
    !Array.isArray(item) &&
    (item as JsonObject)['controller'] === undefined
      ? { ...item, controller: did }
      : item
  const contextualized: Record<string, Json> = { ...input, id: did }
  for (const name of ['verificationMethod', ...RELATIONSHIPS]) {
    const list = input[name]
    if (Array.isArray(list)) contextualized[name] = list.map(contextualize)
  }
  const known = Array.isArray(input['alsoKnownAs']) ? (input['alsoKnownAs'] as Json[]) : []
  contextualized['alsoKnownAs'] = [...known, as === 'long' ? shortForm : longForm]
  return parseDidDocument(contextualized)
}
