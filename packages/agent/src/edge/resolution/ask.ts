/**
 * RESOLVE-6: one question to one resolver, through our own agency. The resolver is told the DID, by a DID of the moment; our agency who
 * asks whom, and two sizes.
 */
import { type Bytes, concatBytes, isKeysteadError, type JsonObject } from '@keystead/core'
import { attachmentBytes, type Message } from '@keystead/didcomm'
import { type FetchPort, type Lookup, readStateProof } from '@keystead/light-client'
import {
  HISTORY,
  HISTORY_PART,
  parseHistoryPart,
  parseResult,
  RESOLVE,
  RESOLVE_RESULT,
  type ResolveRequest,
  type ResolveResult,
  resolveBody,
} from '../../protocols/did-resolution/messages.ts'
import { questionSize } from '../../protocols/did-resolution/padding.ts'
import { LEDGER_READ, LEDGER_READ_ANSWER } from '../../protocols/ledger-read/messages.ts'
import { RELAY_ANSWER, RELAY_SEND } from '../../protocols/relay/messages.ts'
import { type AgencyRequest, askAgency, askAsNobody, endpointOf } from '../agency-link.ts'
import { type Edge, fault } from '../context.ts'
import { isOthersTrouble } from '../quietly.ts'

type Question = Omit<ResolveRequest, 'whole'>

/** Rejects with `RESOLVER_UNREACHABLE`, whoever it was that did not answer, or not as agreed. */
export async function askResolver(edge: Edge, resolver: string, question: Question): Promise<ResolveResult> {
  return reached(edge, resolver, async () => {
    const answer = await askThroughAgency(edge, resolver, { type: RESOLVE, body: resolveBody(question) })
    if (answer.type !== RESOLVE_RESULT) throw fault('AGENCY_REFUSED', 'it answered something else')
    return parseResult(answer.body)
  })
}

/** What proves a did:dkms, as this resolver shows it. Believed by nobody yet. */
export function lookupAt(edge: Edge, resolver: string): Lookup {
  return {
    state: async (did) => {
      const { metadata, resolution } = await askResolver(edge, resolver, { did, options: {} })
      return reached(edge, resolver, async () => {
        const { error } = resolution as { error?: JsonObject }
        const why = String(error?.['code'] ?? error?.['title'] ?? '?').slice(0, 60)
        if (metadata['proof'] === undefined) throw fault('AGENCY_REFUSED', `it shows no proof (${why})`)
        return readStateProof(metadata['proof'])
      })
    },
    history: (did) => reached(edge, resolver, () => readParts(edge, resolver, did)),
    chain: chainByAgency(edge),
  }
}

/** RESOLVE-10: each part is asked for by another DID of the moment. */
async function readParts(edge: Edge, resolver: string, did: string): Promise<Bytes> {
  // Whether they are the right ones, in order, the proof decides.
  const ask = async (body: JsonObject) => {
    const answer = await askThroughAgency(edge, resolver, { type: HISTORY, body })
    const [attachment] = answer.attachments ?? []
    const { parts, handle } = parseHistoryPart(answer.body)
    if (answer.type !== HISTORY_PART || !attachment) throw fault('AGENCY_REFUSED', 'it answered something else')
    return { parts, handle, bytes: attachmentBytes(attachment) }
  }
  const first = await ask({ did })
  const all = [first.bytes]
  for (let part = 1; part < first.parts; part++) all.push((await ask({ handle: first.handle ?? '', part })).bytes)
  return concatBytes(...all)
}

/** A ledger node's answers to what names no DID, by our own agency: no node sees this wallet just when a resolver reads for it. */
function chainByAgency(edge: Edge): FetchPort {
  return async (url) => {
    const { pathname, search } = new URL(url)
    try {
      const answer = await askAgency(edge, { type: LEDGER_READ, body: { path: `${pathname}${search}` } })
      const [attachment] = answer.attachments ?? []
      if (answer.type !== LEDGER_READ_ANSWER || !attachment) throw fault('AGENCY_REFUSED', 'it showed nothing')
      return answering(200, attachmentBytes(attachment))
    } catch (error) {
      if (isKeysteadError(error, 'NOT_FOUND')) return answering(404, new Uint8Array())
      throw error
    }
  }
}

const answering = (status: number, bytes: Uint8Array) => ({
  status,
  arrayBuffer: async () => Uint8Array.from(bytes).buffer,
})

/** Asks an agency, as nobody, by way of our own. Rejects with what either of them refuses. */
export function askThroughAgency(edge: Edge, agency: string, request: AgencyRequest): Promise<Message> {
  return askAsNobody(edge, agency, request, { size: questionSize, carry: (packed) => relayed(edge, agency, packed) })
}

async function relayed(edge: Edge, to: string, packed: Bytes): Promise<Bytes> {
  const answer = await askAgency(edge, { type: RELAY_SEND, body: { to }, attachment: packed })
  const [attachment] = answer.attachments ?? []
  if (answer.type !== RELAY_ANSWER || !attachment) throw fault('AGENCY_REFUSED', 'our agency brought no answer back')
  return attachmentBytes(attachment)
}

async function reached<T>(edge: Edge, resolver: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (cause) {
    if (!isOthersTrouble(cause)) throw cause
    throw fault(
      'RESOLVER_UNREACHABLE',
      `the resolver at ${await originOf(edge, resolver)} told nothing: ${cause.message}`,
      cause,
    )
  }
}

/** Where a resolver is, as people read it. */
export async function originOf(edge: Edge, resolver: string): Promise<string> {
  const address = await endpointOf(edge, resolver).catch(() => undefined)
  return address === undefined ? resolver.slice(0, 24) : new URL(address).origin
}
