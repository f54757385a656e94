/**
 * A client of ledger nodes that believes nothing: every answer is verified, the newest head pinned. It does no I/O of its
 * own; `fetch` and the store of pins are passed in.
 */
import {
  type Clock,
  canonicalText,
  Fields,
  isKeysteadError,
  type Json,
  type JsonObject,
  KeysteadError,
  parseJson,
} from '@keystead/core'
import { combineResolvers, type DidResolver, resolved, unresolved } from '@keystead/did'
import {
  deriveDocument,
  documentMetadata,
  encodeSubmission,
  type NetworkGenesis,
  networkHash,
  parseDkmsDid,
  parseNetworkGenesis,
  type Submission,
} from '@keystead/did-dkms'
import { bundleFromJson, type Head, headFromJson } from './bundle.ts'
import type { LedgerReadErrorCode } from './errors.ts'
import { historyFromJson, type VerifiedHistory, verifyHistory } from './history.ts'
import { MAX_AGE_SECONDS, MAX_BUNDLE_BYTES, MAX_HISTORY_BYTES } from './limits.ts'
import { type Pin, type ReadTrust, type VerifiedResolution, verifyHead, verifyResolution } from './verify.ts'
import { pathFromJson } from './wire.ts'

/** The little of `fetch` that we use, so that a test can answer without a socket. */
export type FetchPort = (
  url: string,
  init?: { method?: string; headers?: Record<string, string>; body?: Uint8Array<ArrayBuffer>; signal?: AbortSignal },
) => Promise<{ readonly status: number; arrayBuffer(): Promise<ArrayBuffer> }>

/** Where a wallet keeps its newest head, and the evidence when a ledger contradicts itself. */
export interface PinStore {
  load(): Promise<Pin | undefined>
  save(pin: Pin): Promise<void>
  /** Both headers of a rollback, for others to check (rule 17). */
  keepEvidence(evidence: JsonObject): Promise<void>
}

export interface LedgerClientOptions {
  readonly url: string
  readonly genesis: NetworkGenesis
  readonly fetch: FetchPort
  readonly pins: PinStore
  readonly clock: Clock
  readonly maxAgeSeconds?: number
}

/** Where an accepted operation stands. */
export interface Receipt {
  readonly hash: string
  readonly logIndex: number
  /** Block time, seconds since 1970. */
  readonly time: number
  readonly height: number
}

const REQUEST_TIMEOUT_MS = 20_000

export class LedgerClient {
  readonly #options: LedgerClientOptions
  /** Reads advance the pin one after the other. */
  #queue: Promise<unknown> = Promise.resolve()

  constructor(options: LedgerClientOptions) {
    this.#options = options
  }

  get genesis(): NetworkGenesis {
    return this.#options.genesis
  }

  /** Hash of the network, as operations carry it. */
  get net(): string {
    return networkHash(this.#options.genesis)
  }

  /** Rejects with a `LedgerReadErrorCode`, or with the code for which the ledger refuses the operation. */
  async submit(submission: Submission): Promise<Receipt> {
    const body = encodeSubmission(submission)
    const { status, json } = await this.#request('/v1/operations', { method: 'POST', body }, MAX_BUNDLE_BYTES)
    if (status !== 200) throw refusal(status, json)
    const f = new Fields(json, 'receipt')
    const integer = { min: 0, max: Number.MAX_SAFE_INTEGER }
    return {
      hash: f.string('hash', { max: 46 }),
      logIndex: f.integer('logIndex', integer),
      time: f.integer('time', integer),
      height: f.integer('height', integer),
    }
  }

  /** Rejects with a `LedgerReadErrorCode`; an absent DID is a value with `state: null`. */
  async resolve(did: string): Promise<VerifiedResolution> {
    parseDkmsDid(did)
    return this.#read(`/1.0/identifiers/${encodeURIComponent(did)}`, MAX_BUNDLE_BYTES, (json, trust) => {
      const metadata = new Fields(json, 'result').object('didDocumentMetadata')
      const bundle = bundleFromJson(metadata.any('proof'))
      return { head: bundle.head, value: verifyResolution(did, bundle, trust) }
    })
  }

  /** Every operation of a DID, verified. Rejects as `resolve`, and with `PROOF_INVALID` for an unknown DID. */
  async history(did: string): Promise<VerifiedHistory> {
    parseDkmsDid(did)
    return this.#read(`/v1/log/${encodeURIComponent(did)}`, MAX_HISTORY_BYTES, (json, trust) => {
      const bundle = historyFromJson(json)
      return { head: bundle.proof.head, value: verifyHistory(did, bundle, trust) }
    })
  }

  /** The newest head, verified. */
  async head(): Promise<{ pin: Pin; level: string; age: number }> {
    return this.#read('/v1/head', MAX_BUNDLE_BYTES, (json, trust) => {
      const f = new Fields(json, 'head')
      const head = headFromJson(f.object('head'))
      const consistency = f.optional('consistency', () => {
        const c = f.object('consistency')
        return bundleConsistency(c)
      })
      return { head, value: verifyHead(head, trust, consistency) }
    })
  }

  /** The client as a resolver of `did:dkms` for everything that only knows DID documents. */
  resolver(): DidResolver {
    return combineResolvers({
      dkms: async (did) => {
        try {
          const read = await this.resolve(did)
          if (!read.state) return unresolved('NOT_FOUND', 'the ledger proves that there is no such DID')
          const metadata = documentMetadata(read.state, read.at.lost)
          return resolved(deriveDocument(read.state, read.body), read.level, metadata, { proofAge: read.age })
        } catch (error) {
          if (isKeysteadError(error, 'BAD_OPERATION')) return unresolved('INVALID_DID', error.message, error.code)
          throw error
        }
      },
    })
  }

  async #read<T extends { pin: Pin }>(
    path: string,
    maxBytes: number,
    verify: (json: Json, trust: ReadTrust) => { head: Head; value: T },
  ): Promise<T> {
    const turn = this.#queue.then(() => this.#readNow(path, maxBytes, verify))
    this.#queue = turn.catch(() => {})
    return turn
  }

  async #readNow<T extends { pin: Pin }>(
    path: string,
    maxBytes: number,
    verify: (json: Json, trust: ReadTrust) => { head: Head; value: T },
  ): Promise<T> {
    const { genesis, pins, clock, maxAgeSeconds = MAX_AGE_SECONDS } = this.#options
    const pin = await pins.load()
    const query = pin ? `?consistencyFrom=${pin.logSize}` : ''
    const { status, json } = await this.#request(`${path}${query}`, {}, maxBytes)
    if (status !== 200 && status !== 404 && status !== 410) throw refusal(status, json)
    const trust = { genesis, pin, now: Math.floor(clock.now() / 1000), maxAge: maxAgeSeconds }
    let value: T
    try {
      value = verify(json, trust).value
    } catch (error) {
      if (isKeysteadError(error, 'LEDGER_ROLLBACK')) await pins.keepEvidence({ pinned: { ...pin }, shown: json })
      if (isKeysteadError(error) && READ_CODES.has(error.code)) throw error
      throw new KeysteadError<LedgerReadErrorCode>('PROOF_INVALID', 'the answer of the ledger cannot be verified', {
        cause: error,
      })
    }
    if (!pin || value.pin.height > pin.height) await pins.save(value.pin)
    return value
  }

  async #request(
    path: string,
    init: Parameters<FetchPort>[1],
    maxBytes: number,
  ): Promise<{ status: number; json: Json }> {
    const { fetch, url } = this.#options
    return requestJson(fetch, `${url}${path}`, init, maxBytes)
  }
}

const READ_CODES: ReadonlySet<string> = new Set([
  'PROOF_INVALID',
  'HEADER_STALE',
  'CLOCK_WRONG',
  'LEDGER_ROLLBACK',
  'WRONG_NETWORK',
  'UPDATE_REQUIRED',
])

function bundleConsistency(f: Fields): { from: number; path: Uint8Array<ArrayBuffer>[] } {
  return { from: f.integer('from', { min: 0, max: Number.MAX_SAFE_INTEGER }), path: pathFromJson(f, 'path') }
}

/**
 * The genesis document of the network a node serves. With `expected` it must have that hash; without, the caller compares
 * it with a second, independent source (rule 19).
 */
export async function fetchGenesis(fetch: FetchPort, url: string, expected?: string): Promise<NetworkGenesis> {
  const { status, json } = await requestJson(fetch, `${url}/v1/genesis`, {}, MAX_BUNDLE_BYTES)
  if (status !== 200) throw refusal(status, json)
  const genesis = parseNetworkGenesis(json)
  if (expected !== undefined && networkHash(genesis) !== expected)
    throw new KeysteadError<LedgerReadErrorCode>('WRONG_NETWORK', 'this ledger node serves another network', {
      details: { expected, found: networkHash(genesis) },
    })
  return genesis
}

async function requestJson(
  fetch: FetchPort,
  url: string,
  init: Parameters<FetchPort>[1],
  maxBytes: number,
): Promise<{ status: number; json: Json }> {
  let answer: Awaited<ReturnType<FetchPort>>
  let bytes: Uint8Array
  try {
    answer = await fetch(url, { ...init, signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS) })
    bytes = new Uint8Array(await answer.arrayBuffer())
  } catch (cause) {
    throw new KeysteadError<LedgerReadErrorCode>(
      'LEDGER_UNREACHABLE',
      `no answer from the ledger node at ${new URL(url).origin}`,
      {
        cause,
      },
    )
  }
  return { status: answer.status, json: parseJson(bytes, maxBytes) }
}

/** RFC 9457 problem details; `code` is a code of ours where the node gives one. */
function refusal(status: number, json: Json): KeysteadError {
  const problem = typeof json === 'object' && json !== null && !Array.isArray(json) ? (json as JsonObject) : {}
  const code =
    typeof problem['code'] === 'string' && /^[A-Z_]{3,40}$/.test(problem['code']) ? problem['code'] : 'LEDGER_REFUSED'
  const text =
    typeof problem['detail'] === 'string' ? problem['detail'].slice(0, 300) : canonicalText(problem).slice(0, 300)
  return new KeysteadError(code, text, { details: { status } })
}
