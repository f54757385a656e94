/**
 * Operations of did:plc 0.1 (https://web.plc.directory/spec/v0.1/did-plc): closed schemas, DAG-CBOR, and signatures of which
 * there is exactly one spelling, since the signature is part of what is hashed.
 */
import * as dagCbor from '@ipld/dag-cbor'
import { base32, base64url, concatBytes, Fields, fail, type Json, type JsonObject } from '@keystead/core'
import { decodeMultikey, sha256, verifySignature } from '@keystead/crypto'
import { MAX_PLC_OPERATION_BYTES, MAX_PLC_ROTATION_KEYS } from '../limits.ts'

/** What an operation makes of the DID, legacy `create` in today's words. */
export interface PlcData {
  readonly rotationKeys: readonly string[]
  /** did:key of each method by its fragment. */
  readonly verificationMethods: Readonly<Record<string, string>>
  readonly alsoKnownAs: readonly string[]
  readonly services: Readonly<Record<string, { readonly type: string; readonly endpoint: string }>>
}

export interface PlcOperation {
  readonly cid: string
  readonly prev: string | null
  /** SHA-256 of the signed bytes: the identifier comes from that of the first operation. */
  readonly digest: Uint8Array
  /** Undefined: a tombstone. */
  readonly data: PlcData | undefined
  /** DAG-CBOR without the signature: what is signed. */
  readonly signedBytes: Uint8Array
  readonly signature: Uint8Array
}

const TEXT = { max: MAX_PLC_OPERATION_BYTES }
const text = (value: Json, path: string): string => (typeof value === 'string' ? value : fail(path, 'must be text'))

/** Throws errors of `Fields`. `first`: a legacy `create` can only be the first. */
export function parsePlcOperation(value: Json, first: boolean): PlcOperation {
  const f = new Fields(value, 'operation')
  const type = f.literal('type', 'plc_operation', 'plc_tombstone', ...(first ? (['create'] as const) : []))
  const signature = f.decoded('sig', 100, base64url.decode)
  const prev = f.any('prev') === null ? null : f.string('prev', TEXT)
  if (type !== 'plc_operation' && (prev === null) !== (type === 'create'))
    fail('operation.prev', 'does not fit the type')
  const data = type === 'plc_operation' ? readData(f) : type === 'create' ? readLegacy(f) : undefined
  f.end()
  const bytes = dagCbor.encode(value)
  if (bytes.length > MAX_PLC_OPERATION_BYTES) fail('operation', 'is too large')
  const { sig: _, ...unsigned } = value as JsonObject
  const digest = sha256(bytes)
  return { cid: cidOf(digest), prev, digest, data, signedBytes: dagCbor.encode(unsigned), signature }
}

function readData(f: Fields): PlcData {
  return {
    rotationKeys: f.array('rotationKeys', { max: MAX_PLC_ROTATION_KEYS }, text),
    verificationMethods: mapOf(f.json('verificationMethods'), (key, path) => text(key, path)),
    alsoKnownAs: f.array('alsoKnownAs', { max: 256 }, text),
    services: mapOf(f.json('services'), (item, path) => {
      const s = new Fields(item, path)
      const service = { type: s.string('type', TEXT), endpoint: s.string('endpoint', TEXT) }
      s.end()
      return service
    }),
  }
}

/** The deprecated first operation; it stays in force in the DIDs that were made with it. */
function readLegacy(f: Fields): PlcData {
  const [signingKey, recoveryKey] = [f.string('signingKey', TEXT), f.string('recoveryKey', TEXT)]
  const [handle, service] = [f.string('handle', TEXT), f.string('service', TEXT)]
  const endpoint = /^https?:\/\//.test(service) ? service : `https://${service}`
  return {
    rotationKeys: [recoveryKey, signingKey],
    verificationMethods: { atproto: signingKey },
    alsoKnownAs: [handle.startsWith('at://') ? handle : `at://${handle.replace(/^https?:\/\//, '')}`],
    services: { atproto_pds: { type: 'AtprotoPersonalDataServer', endpoint } },
  }
}

function mapOf<T>(object: JsonObject, read: (item: Json, path: string) => T): Record<string, T> {
  const entries = Object.entries(object)
  if (entries.length > 64) fail('operation', 'has too many methods or services')
  return Object.fromEntries(entries.map(([name, item]) => [name, read(item, `operation.${name.slice(0, 40)}`)]))
}

/** CID version 1 of DAG-CBOR by SHA-256, in base32. */
function cidOf(digest: Uint8Array): string {
  return `b${base32.encode(concatBytes(Uint8Array.of(0x01, 0x71, 0x12, 0x20), digest))}`
}

/** Place of the key that signed, among those that may; -1 when none did. P-256 and secp256k1, raw, low s. */
export function signerOf({ signedBytes, signature }: PlcOperation, rotationKeys: readonly string[]): number {
  return rotationKeys.findIndex((did) => {
    try {
      const { suite, bytes } = decodeMultikey(did.replace(/^did:key:/, ''))
      return (suite === 'p256' || suite === 'secp256k1') && verifySignature({ suite, bytes }, signedBytes, signature)
    } catch {
      return false
    }
  })
}
