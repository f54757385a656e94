/** The few calls to CometBFT's JSON-RPC that a node needs, over its Unix socket. https://docs.cometbft.com/v0.38/rpc/ */
import { Agent, request } from 'node:http'
import { type Bytes, Fields, hexadecimal, type Json, KeysteadError, parseJson } from '@keystead/core'
import type {
  BlockId,
  Commit,
  CommitSignature,
  Header,
  SignedHeader,
  Timestamp,
  Validator,
} from '@keystead/light-client'
import type { LedgerErrorCode } from '../../errors.ts'

const TIMEOUT_MS = 15_000
/** Bytes of an answer: a commit of 128 validators has about 40 KiB. */
const MAX_ANSWER_BYTES = 4 * 1024 * 1024
/** BlockIDFlag. */
const FLAGS: Readonly<Record<number, 'commit' | 'nil'>> = { 2: 'commit', 3: 'nil' }
/** CometBFT's largest page. */
const VALIDATORS_A_PAGE = 100

/** CometBFT's answer to a transaction: `code` 0 if it is in the mempool. */
export interface Broadcast {
  readonly code: number
  readonly data: Uint8Array
}

export class CometRpc {
  readonly #socketPath: string
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 16 })

  constructor(socketPath: string) {
    this.#socketPath = socketPath
  }

  /** The newest block's header with the votes that decided it, or that of one height. */
  async commit(height?: number): Promise<SignedHeader> {
    const f = await this.call('commit', height === undefined ? {} : { height: String(height) })
    const signed = f.object('signed_header')
    return { header: headerOf(signed.object('header')), commit: commitOf(signed.object('commit')) }
  }

  /** The set that signs a height, in its order. */
  async validators(height: number): Promise<Validator[]> {
    const set: Validator[] = []
    for (let page = 1; ; page++) {
      const f = await this.call('validators', {
        height: String(height),
        page: String(page),
        per_page: String(VALIDATORS_A_PAGE),
      })
      const got = f.array('validators', { max: VALIDATORS_A_PAGE }, (item, path) => {
        const one = new Fields(item, path)
        const key = one.object('pub_key').decoded('value', 64, (text) => new Uint8Array(Buffer.from(text, 'base64')))
        return { publicKey: key, power: number(one, 'voting_power') }
      })
      set.push(...got)
      if (got.length === 0 || set.length >= number(f, 'total')) return set
    }
  }

  async broadcast(tx: Uint8Array): Promise<Broadcast> {
    const f = await this.call('broadcast_tx_sync', { tx: Buffer.from(tx).toString('base64') })
    const data = f.has('data') ? f.any('data') : ''
    return { code: number(f, 'code'), data: Buffer.from(typeof data === 'string' ? data : '', 'hex') }
  }

  async status(): Promise<{ height: number; catchingUp: boolean; power: number }> {
    const f = await this.call('status', {})
    const sync = f.object('sync_info')
    return {
      height: number(sync, 'latest_block_height'),
      catchingUp: sync.any('catching_up') === true,
      power: number(f.object('validator_info'), 'voting_power'),
    }
  }

  async peers(): Promise<number> {
    return number(await this.call('net_info', {}), 'n_peers')
  }

  /** Rejects with `COMETBFT_FAILED`; `details.reason` is CometBFT's own text. */
  async call(method: string, params: Record<string, Json>): Promise<Fields> {
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params })
    const answer = parseJson(await this.#post(body), MAX_ANSWER_BYTES)
    const f = new Fields(answer, method)
    if (f.has('error')) {
      const error = f.object('error')
      const reason = `${String(error.any('message'))}: ${String(error.has('data') ? error.any('data') : '')}`
      throw new KeysteadError<LedgerErrorCode>('COMETBFT_FAILED', `CometBFT refused ${method}: ${reason}`, {
        details: { reason },
      })
    }
    return f.object('result')
  }

  /** A JSON-RPC request as it stands, for a joining node; the answer as CometBFT gives it. */
  async forward(request: string): Promise<Uint8Array<ArrayBuffer>> {
    return new Uint8Array(await this.#post(request))
  }

  close(): void {
    this.#agent.destroy()
  }

  #post(body: string): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      const failed = (cause: unknown): void =>
        reject(new KeysteadError<LedgerErrorCode>('COMETBFT_FAILED', 'CometBFT does not answer', { cause }))
      const call = request(
        {
          socketPath: this.#socketPath,
          agent: this.#agent,
          method: 'POST',
          path: '/',
          headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
          timeout: TIMEOUT_MS,
        },
        (answer) => {
          const chunks: Buffer[] = []
          answer.on('data', (chunk: Buffer) => chunks.push(chunk))
          answer.once('error', failed)
          answer.once('end', () => resolve(new Uint8Array(Buffer.concat(chunks))))
        },
      )
      call.once('timeout', () => call.destroy(new Error('timeout')))
      call.once('error', failed)
      call.end(body)
    })
  }
}

/** CometBFT writes 64-bit integers as text, others as numbers. */
function number(f: Fields, name: string): number {
  const value = f.any(name)
  const whole = typeof value === 'string' && /^-?\d{1,16}$/.test(value) ? Number(value) : value
  if (typeof whole !== 'number' || !Number.isSafeInteger(whole)) return f.integer(name, { min: 0, max: 0 })
  return whole
}

function hex(f: Fields, name: string): Bytes {
  return f.decoded(name, 128, (text) => hexadecimal.decode(text.toLowerCase()))
}

function blockIdOf(f: Fields): BlockId {
  const parts = f.object('parts')
  return { hash: hex(f, 'hash'), partsTotal: number(parts, 'total'), partsHash: hex(parts, 'hash') }
}

/** RFC 3339 with up to nine decimals, in UTC. */
export function parseTime(text: string): Timestamp {
  const match = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?Z$/.exec(text)
  const seconds = match ? Date.parse(`${match[1]}Z`) / 1000 : Number.NaN
  if (!Number.isSafeInteger(seconds))
    throw new KeysteadError<LedgerErrorCode>('COMETBFT_FAILED', `CometBFT gave no time: ${text}`)
  return { seconds, nanos: Number((match?.[2] ?? '').padEnd(9, '0')) }
}

function headerOf(f: Fields): Header {
  const version = f.object('version')
  return {
    version: { block: number(version, 'block'), app: version.has('app') ? number(version, 'app') : 0 },
    chainId: f.string('chain_id', { max: 50 }),
    height: number(f, 'height'),
    time: parseTime(f.string('time', { max: 40 })),
    lastBlockId: blockIdOf(f.object('last_block_id')),
    lastCommitHash: hex(f, 'last_commit_hash'),
    dataHash: hex(f, 'data_hash'),
    validatorsHash: hex(f, 'validators_hash'),
    nextValidatorsHash: hex(f, 'next_validators_hash'),
    consensusHash: hex(f, 'consensus_hash'),
    appHash: hex(f, 'app_hash'),
    lastResultsHash: hex(f, 'last_results_hash'),
    evidenceHash: hex(f, 'evidence_hash'),
    proposerAddress: hex(f, 'proposer_address'),
  }
}

function commitOf(f: Fields): Commit {
  const votes = f.array('signatures', { max: 10_000 }, (item, path) => new Fields(item, path))
  return {
    height: number(f, 'height'),
    round: number(f, 'round'),
    blockId: blockIdOf(f.object('block_id')),
    signatures: votes.map((vote): CommitSignature => {
      const flag = FLAGS[number(vote, 'block_id_flag')]
      if (!flag) return { flag: 'absent' }
      return {
        flag,
        address: hex(vote, 'validator_address'),
        time: parseTime(vote.string('timestamp', { max: 40 })),
        signature: vote.decoded('signature', 200, (text) => new Uint8Array(Buffer.from(text, 'base64'))),
      }
    }),
  }
}
