/** RESOLVE-1 to RESOLVE-5, RESOLVE-10: an agency as somebody's resolver. It is told a DID and shows what proves it; it keeps nothing of either. */
import { type Clock, isKeysteadError, type JsonObject, type Random, utf8 } from '@keystead/core'
import { nameOf, type ResolutionResult, unresolved } from '@keystead/did'
import { MAX_RESOLUTIONS_IN_HAND, MAX_RESULT_BYTES } from '../limits.ts'
import {
  HISTORY,
  HISTORY_PART,
  parseHistory,
  parseResolve,
  RESOLVE,
  RESOLVE_RESULT,
  type ResolveRequest,
  resultBody,
} from '../protocols/did-resolution/messages.ts'
import { answerSize } from '../protocols/did-resolution/padding.ts'
import { refusal } from './agent.ts'
import type { Handler } from './handlers.ts'
import { HeldHistories } from './held-histories.ts'

export interface Resolution {
  /** Resolves for others, and shows the proof where there is one (RES-6). Never rejects for what a DID is like. */
  resolve(request: ResolveRequest): Promise<ResolutionResult>
  /** What the ledger node shows of a DID's history (`/v1/log`). Rejects when it does not answer, or with `TOO_LARGE`. */
  history?(did: string, maxBytes: number): Promise<Uint8Array | undefined>
}

export class ResolutionService {
  readonly held: HeldHistories
  readonly #resolution: Resolution
  #inHand = 0

  constructor(resolution: Resolution, ports: { readonly clock: Clock; readonly random: Random }) {
    this.#resolution = resolution
    this.held = new HeldHistories(ports)
  }

  resolve(request: ResolveRequest): Promise<ResolutionResult> {
    return this.#counted(async () => withoutReasons(await this.#resolution.resolve(request)))
  }

  /** Rejects with `RESOLVER_OFF`, `RESULT_TOO_LARGE`, `NOT_FOUND` or `RELAY_SILENT`. */
  async history(did: string): Promise<Uint8Array> {
    const { history } = this.#resolution
    if (!history) throw refusal('RESOLVER_OFF', 'this agency knows no ledger')
    return this.#counted(async () => {
      try {
        const bytes = await history(did, this.held.maxBytes)
        if (!bytes) throw refusal('NOT_FOUND', 'the ledger node shows no such history')
        return bytes
      } catch (error) {
        if (isKeysteadError(error, 'TOO_LARGE')) throw tooLarge(this.held.maxBytes)
        if (!isKeysteadError(error) || error.code === 'NOT_FOUND') throw error
        throw refusal('RELAY_SILENT', 'the ledger node gave no answer')
      }
    })
  }

  async #counted<T>(work: () => Promise<T>): Promise<T> {
    if (this.#inHand >= MAX_RESOLUTIONS_IN_HAND)
      throw refusal('RESOLVER_BUSY', 'too much is being resolved here; ask again, or another agency')
    this.#inHand++
    try {
      return await work()
    } finally {
      this.#inHand--
    }
  }
}

async function answer(resolution: ResolutionService, body: JsonObject): Promise<JsonObject> {
  try {
    const request = parseResolve(body)
    return resultBody(await resolution.resolve(request), request.whole)
  } catch (error) {
    if (!isKeysteadError(error, 'INVALID_OPTIONS')) throw error
    return resultBody(unresolved('INVALID_OPTIONS', error.message), true)
  }
}

/** Why we could not find out is for our own log: it may name a host of our network. */
function withoutReasons(result: ResolutionResult): ResolutionResult {
  const { error } = result.didResolutionMetadata
  if (error?.code === 'TOO_LARGE') throw tooLarge(MAX_RESULT_BYTES)
  return error && nameOf(error) === 'INTERNAL_ERROR' ? unresolved('INTERNAL_ERROR', undefined, error.code) : result
}

const tooLarge = (bytes: number) => refusal('RESULT_TOO_LARGE', `what there is to say does not fit into ${bytes} bytes`)

const offered: NonNullable<Handler['offered']> = ({ resolution }) => resolution !== undefined
const off = () => refusal('RESOLVER_OFF', 'this agency resolves nothing for others')

export const RESOLUTION_HANDLERS: ReadonlyMap<string, Handler> = new Map<string, Handler>([
  [
    RESOLVE,
    {
      offered,
      run: async ({ options: { resolution } }, { message }) => {
        if (!resolution) throw off()
        const body = await answer(resolution, message.body)
        if (utf8(JSON.stringify(body)).length > MAX_RESULT_BYTES) throw tooLarge(MAX_RESULT_BYTES)
        return { type: RESOLVE_RESULT, body, padded: answerSize }
      },
    },
  ],
  [
    HISTORY,
    {
      offered,
      run: async ({ options: { resolution } }, { message }) => {
        if (!resolution) throw off()
        const request = parseHistory(message.body)
        const { held } = resolution
        const { bytes, ...part } =
          'did' in request ? held.begin(await resolution.history(request.did)) : held.goOn(request.handle, request.part)
        return { type: HISTORY_PART, body: part, attachments: [{ id: 'part', bytes }], padded: answerSize }
      },
    },
  ],
])
