/** The proof bundle (PROOF-1): one answer of a ledger with everything needed to check it against the network's validators. */
import {
  type Bytes,
  canonicalJson,
  compareBytes,
  equalBytes,
  Fields,
  KeysteadError,
  Newest,
  parseCanonicalJson,
  utf8Decode,
} from '@keystead/core'
import { type Body, MAX_STATE_BYTES, MAX_SUBMISSION_BYTES, parseBody } from '@keystead/did-dkms'
import { encodeHead, type Head, headOf } from './head.ts'
import { MAX_KNOWN_STATES, MAX_LOG_PATH, MAX_MAP_PATH, MAX_NETWORK_BYTES } from './limits.ts'
import { type MapProof, PLACEHOLDER } from './map.ts'
import { type NetworkShown, networkFromJson, networkToJson } from './network.ts'
import { bytes, decodeExactly, fields, integer, type Message, malformed, message } from './protobuf.ts'

/** RFC 9162 proof that the log of `from` operations is the beginning of the head's. */
export interface Consistency {
  readonly from: number
  readonly path: readonly Bytes[]
}

/** A head, and that its log extends the one the asker knows. */
export interface HeadProof {
  readonly head: Head
  readonly consistency?: Consistency
}

export interface ProofBundle extends HeadProof {
  /** `encodeState` bytes; absent when the map has no such DID. */
  readonly state?: Bytes
  readonly stateProof: MapProof
  /** The leaf `{ tick, lost }` that delays are counted by (rule 11). */
  readonly system: Bytes
  readonly systemProof: MapProof
  /** What the system leaf's digest is made of, once it is another than at genesis. */
  readonly network?: NetworkShown
  /** Bodies of the document in force and, while a recovery is pending, of the one to come. */
  readonly bodies: readonly Body[]
}

/** { head = 1, consistency = 2 }. */
export function encodeHeadProof({ head, consistency }: HeadProof): Bytes {
  return fields(message(1, encodeHead(head)), ...(consistency ? [message(2, encodeConsistency(consistency))] : []))
}

/** Throws `BAD_ENCODING`. */
export const decodeHeadProof = (content: Uint8Array): HeadProof => decodeExactly(content, headProof)

function headProof(m: Message): HeadProof {
  const head = m.message(1, headOf)
  const consistency = m.optional(2, decodeConsistency)
  return { head, ...(consistency ? { consistency } : {}) }
}

/** { head = 1, consistency = 2, system = 3, system_proof = 4, state = 5, state_proof = 6, bodies = 7, network = 8 }. */
export function encodeBundle(bundle: ProofBundle): Bytes {
  return fields(
    encodeHeadProof(bundle),
    bytes(3, bundle.system),
    message(4, encodeMapProof(bundle.systemProof, true)),
    bytes(5, bundle.state ?? new Uint8Array(0)),
    message(6, encodeMapProof(bundle.stateProof, bundle.state !== undefined)),
    ...bundle.bodies.map((body) => message(7, texts.get(body) ?? canonicalJson(body))),
    ...(bundle.network ? [message(8, canonicalJson(networkToJson(bundle.network)))] : []),
  )
}

/** Throws `BAD_ENCODING`, `NOT_CANONICAL` and errors of `Fields`. */
export function decodeBundle(content: Uint8Array): ProofBundle {
  const read = (m: Message): ProofBundle => {
    const proof = headProof(m)
    const system = m.bytes(3, 256)
    const systemProof = m.message(4, (path) => decodeMapProof(path, true))
    const state = m.bytes(5, MAX_STATE_BYTES)
    const present = state.length > 0
    const stateProof = m.message(6, (path) => decodeMapProof(path, present))
    const bodies = m.repeated(7, 2, readBody)
    const network = m.optional(8, (content) =>
      networkFromJson(new Fields(parseCanonicalJson(content, MAX_NETWORK_BYTES), 'network')),
    )
    return {
      ...proof,
      system,
      systemProof,
      ...(present ? { state } : {}),
      stateProof,
      bodies,
      ...(network ? { network } : {}),
    }
  }
  return decodeExactly(content, read)
}

/** Bodies by their canonical text, and their bytes: a reader is shown the same ones again and again. */
const bodies = new Newest<Body>(MAX_KNOWN_STATES)
const texts = new WeakMap<Body, Bytes>()

function readBody(content: Bytes): Body {
  if (content.length > MAX_SUBMISSION_BYTES) throw new KeysteadError('TOO_LARGE', 'a document body is too long')
  const text = utf8Decode(content)
  const known = bodies.get(text)
  if (known) return known
  const body = parseBody(parseCanonicalJson(content, MAX_SUBMISSION_BYTES))
  bodies.set(text, body)
  texts.set(body, content.slice())
  return body
}

/** { from = 1, path = 2 }: the nodes one behind the other. */
function encodeConsistency({ from, path }: Consistency): Bytes {
  return fields(integer(1, from), bytes(2, fields(...path)))
}

function decodeConsistency(content: Bytes): Consistency {
  return decodeExactly(content, (m) => ({ from: m.integer(1), path: decodeHashes(m.bytes(2, 2 * MAX_LOG_PATH * 32)) }))
}

/**
 * { key = 1, value_hash = 2 of another key's leaf that shows absence; siblings = 3, one behind the other; empty = 4, a byte for each
 * place where the sibling is the placeholder }. A leaf that is present follows from its value.
 */
function encodeMapProof({ leaf, siblings }: MapProof, present: boolean): Bytes {
  const empty = siblings.flatMap((hash, place) => (equalBytes(hash, PLACEHOLDER) ? [place] : []))
  return fields(
    ...(leaf && !present ? [bytes(1, leaf.key), bytes(2, leaf.valueHash)] : []),
    bytes(3, fields(...siblings.filter((_, place) => !empty.includes(place)))),
    bytes(4, Uint8Array.from(empty)),
  )
}

function decodeMapProof(m: Message, present: boolean): MapProof {
  const leaf = present ? undefined : decodeOtherLeaf(m)
  const siblings = decodeHashes(m.bytes(3, MAX_MAP_PATH * 32))
  if (siblings.some((hash) => compareBytes(hash, PLACEHOLDER) === 0)) malformed('an empty place is written out')
  let least = 0
  for (const place of m.bytes(4, MAX_MAP_PATH)) {
    // In rising order each place is right when it is filled.
    if (place < least || place > siblings.length) malformed('empty places are out of order')
    siblings.splice(place, 0, PLACEHOLDER)
    least = place + 1
  }
  return leaf ? { leaf, siblings } : { siblings }
}

function decodeOtherLeaf(m: Message): MapProof['leaf'] {
  const key = m.bytes(1, 32)
  if (key.length === 0) return undefined
  return key.length === 32 ? { key, valueHash: m.hash(2) } : malformed('a key of the map is no hash')
}

/** 32-byte hashes one behind the other. Throws `BAD_ENCODING`. */
export function decodeHashes(content: Uint8Array): Bytes[] {
  if (content.length % 32 !== 0) throw new KeysteadError('BAD_ENCODING', 'this is not a list of hashes')
  return Array.from({ length: content.length / 32 }, (_, i) => content.slice(i * 32, i * 32 + 32) as Bytes)
}
