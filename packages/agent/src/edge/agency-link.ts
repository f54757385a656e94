/**
 * The way to agencies. Our own answers on the same connection (`return_route`), by HTTP, or by WebSocket while we listen.
 * Wallets only dial out.
 */
import { type Bytes, base64url, type Json, type JsonObject, KeysteadError, parseJson } from '@keystead/core'
import { createDidPeer2, type DidDocument, messagingEndpoints } from '@keystead/did'
import {
  ENCRYPTED_MEDIA_TYPE,
  MAX_MESSAGE_BYTES,
  type Message,
  messageId,
  pack,
  type SecretsPort,
  unpack,
} from '@keystead/didcomm'
import { isPlainLine, readAnswer } from '@keystead/light-client'
import { padMessage } from '../protocols/did-resolution/padding.ts'
import { isAgencyRefusal } from '../protocols/report-problem/agency-refusals.ts'
import { PROBLEM_REPORT, parseProblem } from '../protocols/report-problem/messages.ts'
import { agencyOf, type Edge, fault, nowSeconds } from './context.ts'
import { ED25519, X25519 } from './key-types.ts'
import { secretsOf, senderOf } from './own-dids.ts'

const TIMEOUT_MS = 20_000
const MAX_REFUSAL_BYTES = 64 * 1024

export interface AgencyRequest {
  readonly type: string
  readonly body: JsonObject
  readonly attachment?: Uint8Array
  readonly attachments?: readonly Uint8Array[]
}

/** Asks our own agency and returns its answer. Rejects with `AGENCY_UNREACHABLE` or the code of its refusal. */
export async function askAgency(edge: Edge, request: AgencyRequest): Promise<Message> {
  const { did, account } = await agencyOf(edge)
  return ask(edge, did, account, request)
}

/** As `askAgency`, for an agency and an account that are named. */
export async function ask(edge: Edge, agency: string, account: string, request: AgencyRequest): Promise<Message> {
  const packed = await packFor(edge, agency, account, request)
  const answer = await post(edge, await endpointOf(edge, agency), packed)
  if (answer.length === 0) throw fault('AGENCY_REFUSED', 'the agency gave no answer')
  return open(edge, answer, agency)
}

export async function packFor(edge: Edge, agency: string, account: string, request: AgencyRequest): Promise<Bytes> {
  const { random, keys } = edge.ports
  const from = await senderOf(edge, account)
  const message = requestMessage(edge, agency, account, request)
  return pack(message, { to: agency, from, resolver: edge.resolver, random, ephemerals: keys })
}

function requestMessage(edge: Edge, agency: string, from: string, request: AgencyRequest): Message {
  const { type, body } = request
  const attached = request.attachments ?? (request.attachment ? [request.attachment] : [])
  return {
    id: messageId(edge.ports.random),
    type,
    from,
    to: [agency],
    created_time: nowSeconds(edge),
    return_route: 'all',
    body,
    ...(attached.length > 0
      ? { attachments: attached.map((bytes, i) => ({ id: String(i), data: { base64: base64url.encode(bytes) } })) }
      : {}),
  }
}

/** How a request of nobody leaves: by `carry` instead of by us; filled up to a size. */
export interface NobodysWay {
  readonly carry?: (packed: Bytes) => Promise<Bytes>
  readonly size?: (bytes: number) => number
}

/** As `ask`, from a DID that is made for this one request and forgotten with its answer: nothing links it to us or to another. */
export async function askAsNobody(
  edge: Edge,
  agency: string,
  request: AgencyRequest,
  { carry, size }: NobodysWay = {},
): Promise<Message> {
  const { keys, random } = edge.ports
  const [agreement, signing] = [await keys.ephemeral(X25519), await keys.ephemeral(ED25519)]
  try {
    const did = createDidPeer2(
      [
        { purpose: 'E', key: agreement.publicKey },
        { purpose: 'V', key: signing.publicKey },
      ],
      [],
    )
    const kid = `${did}#key-1`
    // Without a time: by a clock that is wrong in its own way somebody could be known again.
    const { created_time: _, ...asked } = requestMessage(edge, agency, did, request) as Message & {
      created_time: number
    }
    const message = size ? padMessage(asked, size) : asked
    const from = { kid, key: agreement }
    const packed = await pack(message, { to: agency, from, resolver: edge.resolver, random, ephemerals: keys })
    const answer = carry ? await carry(packed) : await post(edge, await endpointOf(edge, agency), packed)
    if (answer.length === 0) throw fault('AGENCY_REFUSED', 'the agency gave no answer')
    return await open(edge, answer, agency, { agreementKey: async (id) => (id === kid ? agreement : undefined) })
  } finally {
    agreement.destroy()
    signing.destroy()
  }
}

/** Opens what an agency sent us; a problem report becomes an error with its code. */
export async function open(
  edge: Edge,
  bytes: Uint8Array,
  agency: string,
  secrets: SecretsPort = secretsOf(edge),
): Promise<Message> {
  const { message, metadata } = await unpack(bytes, { secrets, resolver: edge.resolver })
  if (!metadata.authenticated || message.from !== agency)
    throw fault('AGENCY_REFUSED', 'the answer is not the agency’s')
  if (message.type === PROBLEM_REPORT) {
    const { code, comment } = parseProblem(message.body)
    throw refusal(code, comment)
  }
  return message
}

/** Brings a packed message to an address. Resolves with the answer's bytes, which may be none. */
export async function post(edge: Edge, url: string, bytes: Bytes): Promise<Bytes> {
  let status: number
  let answer: Bytes
  try {
    const response = await edge.ports.fetch(url, {
      method: 'POST',
      headers: { 'content-type': ENCRYPTED_MEDIA_TYPE },
      body: bytes,
      signal: AbortSignal.timeout(TIMEOUT_MS),
    })
    status = response.status
    answer = await readAnswer(response, MAX_MESSAGE_BYTES)
  } catch (cause) {
    throw fault('AGENCY_UNREACHABLE', `no answer from the agency at ${new URL(url).origin}`, cause)
  }
  if (status === 200 || status === 202) return answer
  if (status >= 500 && status !== 507)
    throw fault('AGENCY_UNREACHABLE', `the agency at ${new URL(url).origin} is in trouble (${status})`)
  throw refusalOf(status, answer)
}

/** RFC 9457 problem details, or whatever a server between us and the agency says. */
function refusalOf(status: number, answer: Bytes): KeysteadError {
  let json: Json = null
  try {
    json = parseJson(answer, MAX_REFUSAL_BYTES)
  } catch {
    // something between us and the agency answered
  }
  const problem = typeof json === 'object' && json !== null && !Array.isArray(json) ? (json as JsonObject) : {}
  return refusal(problem['code'], problem['detail'] ?? `the agency refused with status ${status}`)
}

/** `AGENCY_REFUSED` for whatever an agency may not say in our name. */
function refusal(code: unknown, text: unknown): KeysteadError {
  const said = isPlainLine(text) ? text : 'the agency refused'
  return isAgencyRefusal(code) ? new KeysteadError(code, said) : fault('AGENCY_REFUSED', said)
}

/** Where an agency takes messages over HTTP. */
export async function endpointOf(edge: Edge, did: string, scheme: 'http' | 'ws' = 'http'): Promise<string> {
  const { didDocument } = await edge.resolver.resolve(did)
  const endpoint = didDocument && endpointIn(didDocument, scheme)
  if (!endpoint) throw fault('NO_ROUTE', `${did.slice(0, 40)} names no ${scheme} address`)
  return endpoint
}

function endpointIn(document: DidDocument, scheme: 'http' | 'ws'): string | undefined {
  return messagingEndpoints(document).find(({ uri }) => uri.startsWith(`${scheme}:`) || uri.startsWith(`${scheme}s:`))
    ?.uri
}
