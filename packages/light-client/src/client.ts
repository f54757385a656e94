/**
 * A client of ledger nodes that believes nothing: every answer is verified, the newest head pinned. It does no I/O of its
 * own; `fetch` and the store of pins are passed in.
 */
import { canonicalText, Fields, isKeysteadError, type JsonObject, KeysteadError, parseJson } from '@keystead/core'
import {
  combineResolvers,
  type DidResolver,
  type ResolutionOptions,
  type ResolutionResult,
  resolved,
  unresolved,
} from '@keystead/did'
import {
  type Admission,
  deriveDocument,
  documentMetadata,
  doWork,
  encodeSubmission,
  type NetworkGenesis,
  type NetworkHistory,
  type NetworkSubmission,
  networkHash,
  type Policy,
  parseDkmsDid,
  policyOf,
  RULES,
  resolveVersion,
  type Submission,
  versionQuery,
} from '@keystead/did-dkms'
import { decodeBundle, decodeHeadProof, type HeadProof, type ProofBundle } from './bundle.ts'
import type { LedgerReadErrorCode } from './errors.ts'
import { fetchGrowth, growthOf } from './growth.ts'
import type { Head, KnownNetwork } from './head.ts'
import { type HistoryBundle, historyFromJson, type ProvenHistory, readHistory } from './history.ts'
import { MAX_BUNDLE_BYTES, MAX_HISTORY_BYTES, MAX_WORK_BITS } from './limits.ts'
import { networkBundleFromJson, type ProvenNetwork, readNetworkState } from './network-history.ts'
import { askNode, type FetchPort, httpProvider } from './node-link.ts'
import { comparePeerHead, type PeerView } from './peer-head.ts'
import { historyProof, stateProof } from './proof-set.ts'
import { type InclusionReceipt, parseReceipt, receiptHolds } from './receipt.ts'
import type { ReaderSettings } from './settings.ts'
import { namedSource, nodeSource } from './sources.ts'
import { type Accepted, Trust, type TrustOptions } from './trust.ts'
import { type ProvenState, readState } from './verify.ts'
import { askWitnesses } from './witness/level.ts'

/**
 * `otherNodes` confirm each new head, and stand in when the first does not answer; with `checkpoint` and `sources` they say where the network
 * stands when the wallet does not know (rule 19); the cosignatures of `witnessPolicy` make a
 * read `bft+witnessed` (WITNESS-4).
 */
export interface LedgerClientOptions extends Omit<TrustOptions, 'versions'>, KnownNetwork, ReaderSettings {
  readonly url: string
  readonly fetch: FetchPort
  /** Asks a sponsor, such as the own agency, for its stamp on a new DID, where a node wants one (NET-32). */
  readonly sponsor?: (net: string, hash: string) => Promise<Admission | undefined>
}

/** With what proved it. */
export type VerifiedResolution = ProvenState & Accepted & { readonly bundle: ProofBundle }
export type VerifiedPolicy = { readonly policy: Policy | null } & Pick<Accepted, 'level' | 'age' | 'witnesses'>
export type VerifiedHistory = ProvenHistory & Accepted & { readonly bundle: HistoryBundle }
export type VerifiedNetwork = ProvenNetwork & Accepted

/**
 * Who is asked about a DID instead of the node (RESOLVE-7). What they answer, bytes as at `/v1/proofs` and `/v1/log` without a proof of
 * growth, is judged as the node's answer is. `chain` carries to a node what names no DID: growth, blocks, what witnesses signed; not where
 * the reader has to find out first where the network stands (PROOF-12), for then the node must be one of its own choice.
 */
export interface Lookup {
  state(did: string): Promise<Uint8Array>
  history(did: string): Promise<Uint8Array>
  readonly chain: FetchPort
}

export interface ReadOptions {
  /** Seconds that the proof's header may be old. */
  readonly maxAge?: number | undefined
  /** Bytes of a history, where less than the most is wanted. */
  readonly maxBytes?: number
  readonly lookup?: Lookup | undefined
}

export interface ResolverOptions extends ReadOptions {
  /** The result carries what proves it, for a reader who checks it too (RES-6). */
  readonly proofs?: boolean
}

/** What is asked, at which path of the node, or of whom else. */
interface Question {
  readonly path: string
  readonly maxBytes: number
  readonly ask?: (lookup: Lookup) => Promise<Uint8Array>
}

/** Where an accepted operation stands. */
export interface Receipt {
  readonly hash: string
  readonly logIndex: number
  /** Block time, seconds since 1970. */
  readonly time: number
  readonly height: number
}

export class LedgerClient {
  readonly #options: LedgerClientOptions
  readonly #trust: Trust
  readonly #nodes: readonly string[]
  /** Reads advance the pin one after the other. */
  #queue: Promise<unknown> = Promise.resolve()
  #networkHistory: NetworkHistory | undefined

  constructor(options: LedgerClientOptions) {
    this.#options = options
    const { fetch, otherNodes = [], checkpoint, sources = [] } = options
    const named = [namedSource('your settings', checkpoint), ...otherNodes.map((url) => nodeSource(fetch, url))]
    this.#trust = new Trust({ ...options, sources: [...sources, ...named], versions: options.rules ?? RULES })
    this.#nodes = [options.url, ...(options.otherNodes ?? [])]
  }

  get genesis(): NetworkGenesis {
    return this.#options.genesis
  }

  /** Hash of the network, as operations carry it. */
  get net(): string {
    return networkHash(this.#options.genesis)
  }

  /**
   * Rejects with a `LedgerReadErrorCode`, or with the code for which the ledger refuses the operation; on a network that
   * nobody confirms with `UNCONFIRMED_NETWORK`, and nothing is sent (rule 19). Work that a node asks of a newcomer is done
   * on the way. `LEDGER_WAITING` has the node's signed receipt, as JSON text, in its details.
   */
  async submit(submission: Submission | NetworkSubmission): Promise<Receipt> {
    if (!(await this.#trust.pin())) await this.head().then(({ confirmed }) => requireConfirmed(confirmed))
    let answer: Uint8Array
    try {
      answer = await this.#send(submission)
    } catch (error) {
      const admission = await this.#admissionFor(error, submission)
      if (!admission) throw error
      answer = await this.#send({ ...submission, admission })
    }
    const f = new Fields(parseJson(answer, MAX_BUNDLE_BYTES), 'receipt')
    if (!f.has('logIndex')) throw this.#waiting(parseReceipt(f.any('receipt')), submission.hash)
    const integer = { min: 0, max: Number.MAX_SAFE_INTEGER }
    return {
      hash: f.literal('hash', submission.hash),
      logIndex: f.integer('logIndex', integer),
      time: f.integer('time', integer),
      height: f.integer('height', integer),
    }
  }

  #send(submission: Submission | NetworkSubmission): Promise<Uint8Array> {
    const body = encodeSubmission(submission)
    return this.#eachNode((url) =>
      askNode(this.#options.fetch, `${url}/v1/operations`, { method: 'POST', body }, MAX_BUNDLE_BYTES),
    )
  }

  /** NET-32: what the node that refused wants of a newcomer. */
  async #admissionFor(error: unknown, { operation, hash }: Submission | NetworkSubmission) {
    if (operation.type !== 'genesis') return undefined
    if (isKeysteadError(error, 'STAMP_REQUIRED')) return this.#options.sponsor?.(this.net, hash)
    const bits = isKeysteadError(error, 'WORK_REQUIRED') ? Number(error.details['bits']) : 0
    return bits > 0 && bits <= MAX_WORK_BITS ? doWork(hash, bits) : undefined
  }

  #waiting(receipt: InclusionReceipt, hash: string): KeysteadError<LedgerReadErrorCode> {
    if (!receiptHolds(receipt) || receipt.hash !== hash || receipt.net !== this.net)
      return new KeysteadError('RECEIPT_INVALID', 'the node took the operation, but its receipt is worth nothing')
    const by = new Date(receipt.includeBy * 1000).toISOString()
    return new KeysteadError('LEDGER_WAITING', `the ledger node has the operation and promises it for ${by}`, {
      details: { receipt: canonicalText(receipt), includeBy: receipt.includeBy },
    })
  }

  /** Rejects with a `LedgerReadErrorCode`; an absent DID is a value with `state: null`. */
  async resolve(did: string, options: ReadOptions = {}): Promise<VerifiedResolution> {
    parseDkmsDid(did)
    const question: Question = {
      path: `/v1/proofs/${encodeURIComponent(did)}`,
      maxBytes: MAX_BUNDLE_BYTES,
      ask: (lookup) => lookup.state(did),
    }
    return this.#read(question, options, (bytes) => {
      const bundle = decodeBundle(bytes)
      return { proof: bundle, read: () => ({ ...readState(did, bundle, this.#options), bundle }) }
    })
  }

  /** Who may do what for a DID (DKMS-33), verified as `resolve` does; `policy: null` for a DID that is proven absent. */
  async policy(did: string, options: ReadOptions = {}): Promise<VerifiedPolicy> {
    const { state, at, level, age, witnesses } = await this.resolve(did, options)
    return { policy: state && policyOf(state, at), level, age, ...(witnesses ? { witnesses } : {}) }
  }

  /** Every operation of a DID, verified. Rejects as `resolve`, and with `PROOF_INVALID` for an unknown DID. */
  async history(did: string, options: ReadOptions = {}): Promise<VerifiedHistory> {
    parseDkmsDid(did)
    const question: Question = {
      path: `/v1/log/${encodeURIComponent(did)}`,
      maxBytes: Math.min(options.maxBytes ?? MAX_HISTORY_BYTES, MAX_HISTORY_BYTES),
      ask: (lookup) => lookup.history(did),
    }
    const read = (): Promise<VerifiedHistory> =>
      this.#read(question, options, (bytes) => {
        const bundle = historyFromJson(parseJson(bytes, MAX_HISTORY_BYTES))
        const proven = () => readHistory(did, bundle, this.#options, this.#networkHistory)
        return { proof: bundle.proof, read: () => ({ ...proven(), bundle }) }
      })
    try {
      return await read()
    } catch (error) {
      if (!isKeysteadError(error, 'NETWORK_CHANGED')) throw error
      await this.network(options)
      return read()
    }
  }

  /** Who validates and governs, by which parameters and rules, and what is about to change (NET-17), verified. */
  async network(options: ReadOptions = {}): Promise<VerifiedNetwork> {
    const read = await this.#read({ path: '/v1/network', maxBytes: MAX_HISTORY_BYTES }, options, (bytes) => {
      const bundle = networkBundleFromJson(parseJson(bytes, MAX_HISTORY_BYTES))
      return { proof: bundle.proof, read: () => readNetworkState(bundle, this.#options) }
    })
    this.#networkHistory = read.history
    return read
  }

  /** The newest head, verified. */
  async head(options: ReadOptions = {}): Promise<Accepted> {
    return this.#read({ path: '/v1/head', maxBytes: MAX_BUNDLE_BYTES }, options, (bytes) => ({
      proof: decodeHeadProof(bytes),
      read: () => ({}),
    }))
  }

  /** False when others must say where the network stands before anything is believed again (rule 19). */
  knowsWhereItStands(): Promise<boolean> {
    return this.#trust.isFresh()
  }

  /** The newest head that was accepted, to be shown to others (rule 17); undefined before the first read. */
  async pinnedHead(): Promise<Head | undefined> {
    return (await this.#trust.pin())?.head
  }

  /**
   * Holds a head that a peer has accepted against our own view (rule 17). Rejects with `LEDGER_FORKED`, evidence kept, when both
   * are signed and cannot both be true, and as `head` otherwise.
   */
  async comparePeerHead(peer: Head): Promise<PeerView> {
    return comparePeerHead(peer, this.#trust, {
      pin: async (logSize) => {
        const known = await this.#trust.pin()
        return known && known.logSize >= logSize ? known : (await this.head()).pin
      },
      growth: (from, to) => this.#eachNode((url) => fetchGrowth(this.#options.fetch, url, from, to)),
    })
  }

  /** The client as a resolver of `did:dkms` for everything that only knows DID documents. */
  resolver(reading: ResolverOptions = {}): DidResolver {
    return combineResolvers({
      dkms: { versions: true, resolve: (did, options) => this.resolution(did, options, reading) },
    })
  }

  /** A resolution of a did:dkms. Rejects with a `LedgerReadErrorCode`, or what the lookup rejects with. */
  async resolution(
    did: string,
    options: ResolutionOptions = {},
    { proofs = false, ...reading }: ResolverOptions = {},
  ): Promise<ResolutionResult> {
    try {
      parseDkmsDid(did)
    } catch (error) {
      if (isKeysteadError(error, 'BAD_OPERATION')) return unresolved('INVALID_DID', error.message, error.code)
      throw error
    }
    const read = await this.resolve(did, reading)
    const shown = proofs ? { proof: [stateProof(withoutGrowth(read.bundle))] } : {}
    if (!read.state) return absent('the ledger proves that there is no such DID', shown)
    if (options.versionId === undefined && options.versionTime === undefined) {
      const metadata = { ...documentMetadata(read.state, read.at.lost), ...shown }
      return resolved(deriveDocument(read.state, read.body), read.level, metadata, proofDetails(read))
    }
    const past = await this.history(did, reading)
    const { proof, entries } = past.bundle
    const whole = proofs ? { proof: [historyProof({ proof: withoutGrowth(proof), entries })] } : {}
    const version = resolveVersion(past.history, versionQuery(options))
    if (!version) return absent('the ledger proves that the DID never had such a version', whole)
    return resolved(version.document, past.level, { ...version.metadata, ...whole }, proofDetails(past))
  }

  async #read<T extends Partial<ProvenState>>(
    question: Question,
    options: ReadOptions,
    parse: (bytes: Uint8Array) => { proof: HeadProof; read: () => T },
  ): Promise<T & Accepted> {
    const turn = this.#queue.then(async () => {
      const told = options.lookup && (await question.ask?.(options.lookup))
      return this.#eachNode((url) => this.#readFrom(url, question, told, options, parse))
    })
    this.#queue = turn.catch(() => {})
    return turn
  }

  /** `told`: the answer of somebody else; a node is asked how the log grew, which names no DID. */
  async #readFrom<T extends Partial<ProvenState>>(
    url: string,
    { path, maxBytes }: Question,
    told: Uint8Array | undefined,
    { maxAge, lookup }: ReadOptions,
    parse: (bytes: Uint8Array) => { proof: HeadProof; read: () => T },
  ): Promise<T & Accepted> {
    const { fetch, clock } = this.#options
    const pin = await this.#trust.pin()
    const query = pin ? `?consistencyFrom=${pin.logSize}` : ''
    const chain = lookup && pin && (await this.#trust.isFresh()) ? lookup.chain : fetch
    const bytes = told ?? (await askNode(chain, `${url}${path}${query}`, {}, maxBytes))
    try {
      const { proof: shown, read } = parse(bytes)
      const proof = told ? await growthOf(shown, pin, { fetch: chain, url, clock }) : shown
      const others = this.#nodes.filter((node) => node !== url).map((node) => httpProvider(fetch, node))
      const believed = await this.#trust.accept(proof, httpProvider(chain, url), others, maxAge)
      const accepted = await this.#witnessed(chain, url, believed)
      const value = read()
      if (value.parameters && accepted.confirmed) await this.#trust.learn(value.parameters)
      return { ...value, ...accepted }
    } catch (error) {
      if (isKeysteadError(error) && READ_CODES.has(error.code)) throw error
      throw new KeysteadError<LedgerReadErrorCode>('PROOF_INVALID', 'the answer of the ledger cannot be verified', {
        cause: error,
      })
    }
  }

  async #witnessed(fetch: FetchPort, url: string, accepted: Accepted): Promise<Accepted> {
    const { witnessPolicy, clock, genesis } = this.#options
    if (!witnessPolicy) return accepted
    const ask = (path: string, maxBytes: number) => askNode(fetch, `${url}${path}`, {}, maxBytes)
    const now = Math.floor(clock.now() / 1000)
    return askWitnesses(accepted, witnessPolicy, genesis, now, ask)
  }

  /** The first node that is there and not behind; the last one's trouble when none is. */
  async #eachNode<T>(ask: (url: string) => Promise<T>): Promise<T> {
    for (const url of this.#nodes.slice(0, -1))
      try {
        return await ask(url)
      } catch (error) {
        if (!isKeysteadError(error, 'LEDGER_UNREACHABLE', 'HEADER_STALE')) throw error
      }
    return ask(this.#nodes.at(-1) as string)
  }
}

/** For whoever reads it: they know another head than we did. */
const withoutGrowth = ({ consistency: _, ...bundle }: ProofBundle): ProofBundle => bundle

function absent(detail: string, metadata: JsonObject): ResolutionResult {
  return { ...unresolved('NOT_FOUND', detail), didDocumentMetadata: metadata }
}

/** What stands beside the level of a resolution (RES-2). */
function proofDetails({ age, witnesses }: Accepted): JsonObject {
  return { proofAge: age, ...(witnesses ? { witnesses: [...witnesses] } : {}) }
}

function requireConfirmed(confirmed: boolean): void {
  if (!confirmed)
    throw new KeysteadError<LedgerReadErrorCode>(
      'UNCONFIRMED_NETWORK',
      'no two independent sources confirm where this network stands: it can be read, not written to; name a block that you know, or another node',
    )
}

const READ_CODES: ReadonlySet<string> = new Set<LedgerReadErrorCode>([
  'PROOF_INVALID',
  'HEADER_STALE',
  'CLOCK_WRONG',
  'LEDGER_ROLLBACK',
  'LEDGER_FORKED',
  'WRONG_NETWORK',
  'UPDATE_REQUIRED',
  'TRUST_EXPIRED',
  'UNCONFIRMED_NETWORK',
  'WITNESSES_SILENT',
  'NETWORK_CHANGED',
  'LEDGER_UNREACHABLE',
])
