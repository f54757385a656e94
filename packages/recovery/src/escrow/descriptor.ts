/**
 * An agent's descriptor: who runs it and how to seal to it, signed by the agent's DID and shown to the owner. Operators are
 * what policy counts (rule 25): five agents of one operator are one.
 *
 *   content = JCS { v: 1, id, operator, endpoint, demonstration, kem }
 *   sig     = Ed25519 of the DID's authentication key over label || content
 *
 * An operator's name is its own word: the signature makes it attributable, and the owner judges it.
 */
import { type Bytes, base64url, canonicalJson, concatBytes, Fields, fail, type JsonObject, utf8 } from '@keystead/core'
import { decodeMultikey, encodeMultikey, type PublicKey, type SigningKey, verifySignature } from '@keystead/crypto'
import { refuse, under } from '../errors.ts'
import { bytesField, labelField } from '../wire.ts'
import { agentIdField, checkMembers } from './card.ts'

export interface AgentDescriptor {
  /** The agent's DID. */
  readonly id: string
  readonly operator: string
  readonly endpoint: string
  /** Runs for trying things out: its independence is not real. */
  readonly demonstration: boolean
  readonly kem: PublicKey<'x-wing'>
}

const LABEL = utf8('keystead/escrow/descriptor/v1|')
const MAX_ENDPOINT = 300
const MAX_KEY = 2048

/** `signer`: the authentication key of the DID. */
export async function signDescriptor(descriptor: AgentDescriptor, signer: SigningKey): Promise<JsonObject> {
  const content = contentOf(descriptor)
  return { ...content, sig: base64url.encode(await signer.sign(signedBytes(content))) }
}

/** `keysOf` gives the Ed25519 authentication keys of a DID. Rejects with `BAD_ESCROW`. */
export async function readDescriptor(
  value: unknown,
  keysOf: (did: string) => Promise<readonly PublicKey<'ed25519'>[]>,
): Promise<AgentDescriptor> {
  const { descriptor, signature } = under('BAD_ESCROW', 'this is not the descriptor of an escrow agent', () =>
    parse(value),
  )
  const signed = signedBytes(contentOf(descriptor))
  const keys = await keysOf(descriptor.id)
  if (!keys.some((key) => verifySignature(key, signed, signature)))
    refuse('BAD_ESCROW', 'the descriptor is not signed by the agent it names')
  return descriptor
}

/**
 * Rule 25: at least three agents, all of different operators and addresses, and a threshold of more than half. Throws
 * `NOT_INDEPENDENT`.
 */
export function checkIndependence(
  agents: readonly Pick<AgentDescriptor, 'id' | 'operator' | 'endpoint'>[],
  threshold: number,
): void {
  const distinct = (of: (agent: (typeof agents)[number]) => string): boolean =>
    new Set(agents.map(of)).size === agents.length
  if (agents.length < 3) refuse('NOT_INDEPENDENT', 'recovery by PIN needs at least three agents of different operators')
  if (!distinct(({ id }) => id)) refuse('NOT_INDEPENDENT', 'one agent was named twice')
  if (!distinct(({ operator }) => operator.trim().toLowerCase()) || !distinct(({ endpoint }) => new URL(endpoint).host))
    refuse('NOT_INDEPENDENT', 'each agent must be of another operator: those of one operator count as one')
  if (!checkMembers({ threshold, count: agents.length }))
    refuse('NOT_INDEPENDENT', 'more than half of the agents must be needed, and at most seven kept')
}

function contentOf({ id, operator, endpoint, demonstration, kem }: AgentDescriptor): JsonObject {
  return { v: 1, id, operator, endpoint, demonstration, kem: encodeMultikey(kem) }
}

function signedBytes(content: JsonObject): Bytes {
  return concatBytes(LABEL, canonicalJson(content))
}

function parse(value: unknown): { descriptor: AgentDescriptor; signature: Bytes } {
  const fields = new Fields(value, 'descriptor')
  fields.literal('v', 1)
  const kem = fields.decoded('kem', MAX_KEY, decodeMultikey)
  const endpoint = fields.string('endpoint', { max: MAX_ENDPOINT, pattern: /^https?:\/\/[!#-[\]-~]+$/ })
  if (!URL.canParse(endpoint)) fail('descriptor.endpoint', 'is no address')
  const descriptor = {
    id: agentIdField(fields, 'id'),
    operator: labelField(fields, 'operator'),
    endpoint,
    demonstration: fields.boolean('demonstration'),
    kem:
      kem.suite === 'x-wing' ? { suite: kem.suite, bytes: kem.bytes } : fail('descriptor.kem', 'must be an X-Wing key'),
  }
  const signature = bytesField(fields, 'sig', 64)
  fields.end()
  return { descriptor, signature }
}
