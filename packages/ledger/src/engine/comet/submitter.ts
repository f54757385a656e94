/**
 * From a submission to its receipt: packs what waits into envelopes, gives them to CometBFT, and answers when the operation
 * is in the log that the newest header proves.
 */
import { isKeysteadError, KeysteadError } from '@keystead/core'
import type { Receipt } from '@keystead/light-client'
import type { LedgerErrorCode } from '../../errors.ts'
import {
  MAX_ENVELOPE_BYTES,
  MAX_ENVELOPE_SUBMISSIONS,
  MAX_WAITING_OPERATIONS,
  RESERVED_WAITING_OPERATIONS,
} from '../../limits.ts'
import { encodeEnvelope, envelopeShare } from './envelope.ts'
import type { Broadcast } from './rpc.ts'
import { ALREADY_WAITING, decodeVerdicts, type Refusal, type RefusedOperation } from './verdict.ts'

export interface SubmitterPorts {
  /** Name of an operation that this node takes, and whether it may use what is reserved (NET-31). Throws otherwise. */
  admit(bytes: Uint8Array): { readonly hash: string; readonly reserved: boolean }
  broadcast(tx: Uint8Array): Promise<Broadcast>
  /** Receipt of an operation that the newest header proves. */
  receipt(hash: string): Receipt | undefined
  /** True if the operation is in the log already, proven or not. */
  inLog(hash: string): boolean
  log(line: string): void
}

interface Waiting {
  readonly hash: string
  readonly bytes: Uint8Array
  readonly receipt: Promise<Receipt>
  /** Blocks since it was given to CometBFT; undefined: still here. */
  blocks: number | undefined
  resolve(receipt: Receipt): void
  reject(error: Error): void
}

/** Envelopes at CometBFT's door at once: what arrives meanwhile shares the next ones. */
const MAX_IN_FLIGHT = 4
/** Blocks after which an operation that is in none is given to CometBFT again. */
const RESEND_AFTER_BLOCKS = 10
/** How long CometBFT may refuse to answer before we ask again. */
const RETRY_MS = 500

export class Submitter {
  readonly #ports: SubmitterPorts
  readonly #waiting = new Map<string, Waiting>()
  #queue: Waiting[] = []
  #inFlight = 0
  #stopped = false

  constructor(ports: SubmitterPorts) {
    this.#ports = ports
  }

  /** Waits for as long as the network needs. Rejects with the code of the refusal, `TOO_MANY_OPERATIONS` or `LEDGER_STOPPING`. */
  async submit(bytes: Uint8Array): Promise<Receipt> {
    const { hash, reserved } = this.#ports.admit(bytes)
    const known = this.#ports.receipt(hash)
    if (known) return known
    if (this.#stopped) throw new KeysteadError<LedgerErrorCode>('LEDGER_STOPPING', 'the ledger node is stopping')
    return (this.#waiting.get(hash) ?? this.#enqueue(hash, bytes, reserved)).receipt
  }

  #enqueue(hash: string, bytes: Uint8Array, reserved: boolean): Waiting {
    if (this.#waiting.size >= MAX_WAITING_OPERATIONS - (reserved ? 0 : RESERVED_WAITING_OPERATIONS))
      throw new KeysteadError<LedgerErrorCode>('TOO_MANY_OPERATIONS', 'too many operations wait; try again soon')
    const { promise, resolve, reject } = Promise.withResolvers<Receipt>()
    promise.catch(() => {})
    const waiting: Waiting = { hash, bytes, receipt: promise, blocks: undefined, resolve, reject }
    this.#waiting.set(hash, waiting)
    this.#queue.push(waiting)
    setImmediate(() => this.#send())
    return waiting
  }

  /** A new header: answers whoever it proves, and sends again what seems to be lost. */
  advanced(blocks: number): void {
    for (const waiting of this.#waiting.values()) {
      const receipt = this.#ports.receipt(waiting.hash)
      if (receipt) {
        this.#waiting.delete(waiting.hash)
        waiting.resolve(receipt)
      } else if (waiting.blocks !== undefined) {
        waiting.blocks += blocks
        if (waiting.blocks >= RESEND_AFTER_BLOCKS) this.#again([waiting])
      }
    }
  }

  /** The mempool is empty: CometBFT started anew. */
  restarted(): void {
    this.#again([...this.#waiting.values()].filter((waiting) => waiting.blocks !== undefined))
  }

  refused(refusals: readonly RefusedOperation[]): void {
    for (const refusal of refusals) {
      const waiting = this.#waiting.get(refusal.hash)
      if (waiting) this.#refuse(waiting, refusal)
    }
  }

  stop(): void {
    this.#stopped = true
    for (const waiting of this.#waiting.values())
      waiting.reject(new KeysteadError<LedgerErrorCode>('LEDGER_STOPPING', 'the ledger node is stopping'))
    this.#waiting.clear()
    this.#queue = []
  }

  #again(lost: Waiting[]): void {
    for (const waiting of lost) waiting.blocks = undefined
    this.#queue.push(...lost)
    this.#send()
  }

  #send(): void {
    while (this.#inFlight < MAX_IN_FLIGHT && this.#queue.length > 0 && !this.#stopped) {
      const envelope = this.#take()
      if (envelope.length === 0) return
      this.#inFlight++
      void this.#deliver(envelope).finally(() => {
        this.#inFlight--
        this.#send()
      })
    }
  }

  #take(): Waiting[] {
    const taken: Waiting[] = []
    let size = 0
    while (taken.length < MAX_ENVELOPE_SUBMISSIONS) {
      const next = this.#queue[0]
      if (!next || size + envelopeShare(next.bytes) > MAX_ENVELOPE_BYTES) break
      this.#queue.shift()
      if (!this.#waiting.has(next.hash)) continue
      size += envelopeShare(next.bytes)
      taken.push(next)
    }
    return taken
  }

  async #deliver(envelope: Waiting[]): Promise<void> {
    let answer: Broadcast
    try {
      answer = await this.#ports.broadcast(encodeEnvelope(envelope.map(({ bytes }) => bytes)))
    } catch (error) {
      const reason = isKeysteadError(error) ? String(error.details['reason'] ?? '') : ''
      if (/tx already exists in cache/.test(reason)) return this.#sent(envelope)
      // Full or starting: what waits here has been promised nothing yet, and keeps its place.
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS))
      this.#queue.unshift(...envelope)
      return
    }
    if (answer.code === 0) return this.#sent(envelope)
    const verdicts = decodeVerdicts(answer.data)
    const good = envelope.filter((waiting, i) => {
      const verdict = verdicts[i]
      if (!verdict) return verdicts.length === envelope.length
      if (verdict.code === ALREADY_WAITING) this.#sent([waiting])
      else this.#refuse(waiting, verdict)
      return false
    })
    if (good.length === envelope.length) {
      this.#ports.log('error CometBFT refused an envelope in which nothing is wrong')
      const refusal = { code: 'LEDGER_STALLED', message: 'the network does not take the operation; try again later' }
      for (const waiting of good) this.#refuse(waiting, refusal)
      return
    }
    this.#queue.unshift(...good)
  }

  #sent(envelope: readonly Waiting[]): void {
    for (const waiting of envelope) waiting.blocks = 0
  }

  /** Not if it entered the log meanwhile, by whatever way: then the next header answers. */
  #refuse(waiting: Waiting, { code, message, retryAt }: Refusal): void {
    if (this.#ports.inLog(waiting.hash)) {
      waiting.blocks = 0
      return
    }
    this.#waiting.delete(waiting.hash)
    waiting.reject(new KeysteadError(code, message, retryAt === undefined ? {} : { details: { retryAt } }))
  }
}
