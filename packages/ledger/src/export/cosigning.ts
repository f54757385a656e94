/** Asks the configured witnesses to cosign this node's checkpoints (C2SP tlog-witness), and keeps what they gave. */
import { type Clock, Fields, type Json, utf8 } from '@keystead/core'
import {
  type Cosigned,
  cosigners,
  formatAddCheckpoint,
  formatNote,
  NOTE_COSIGNATURE,
  type NoteKey,
  type NoteSignature,
  parseNoteKey,
  parseNoteSignatures,
  readAnswer,
} from '@keystead/light-client'
import type { Ledger } from '../engine/ledger.ts'
import { MAX_WITNESSES } from '../limits.ts'
import { proveConsistency } from '../state/log-tree.ts'
import { hashesOf } from '../state/store.ts'
import type { Checkpoints } from './checkpoints.ts'

export interface WitnessAddress {
  readonly key: NoteKey
  /** Submission prefix. */
  readonly url: string
}

/** `[{ "key": "<verifier key>", "url": "https://..." }]`, as operators write it. Throws errors of `Fields` and `parseNoteKey`. */
export function parseWitnesses(value: Json): WitnessAddress[] {
  return new Fields({ witnesses: value }).array('witnesses', { max: MAX_WITNESSES }, (item, path) => {
    const f = new Fields(item, path)
    const witness = {
      key: parseNoteKey(f.string('key', { max: 300 })),
      url: f.string('url', { max: 500, pattern: /^https?:\/\// }).replace(/\/+$/, ''),
    }
    f.end()
    return witness
  })
}

export interface CosigningOptions {
  readonly ledger: Ledger
  readonly checkpoints: Checkpoints
  readonly witnesses: readonly WitnessAddress[]
  readonly clock: Clock
  readonly fetch: typeof fetch
  readonly log: (line: string) => void
}

const REQUEST_TIMEOUT_MS = 5_000
/** A cosignature says "as of this time": an idle log's is renewed this often. */
const RENEW_SECONDS = 120
/** Bytes of a witness's answer: a few signature lines. */
const MAX_ANSWER_BYTES = 16 * 1024

/** A checkpoint that witnesses cosigned. */
export interface CosignedCheckpoint {
  readonly size: number
  /** A signed note. */
  readonly note: string
  readonly cosigned: readonly Cosigned[]
}

export class Cosigning {
  readonly #options: CosigningOptions
  /** Newest size each witness has cosigned, as far as we know. */
  readonly #known = new Map<string, number>()
  #latest: CosignedCheckpoint | undefined
  #asked: { readonly text: string; readonly at: number } | undefined

  constructor(options: CosigningOptions) {
    this.#options = options
  }

  /** The newest checkpoint that any witness cosigned. */
  get latest(): CosignedCheckpoint | undefined {
    return this.#latest
  }

  /** Asks again and again, when the log grew or the cosignatures age, until the signal aborts. */
  async run(seconds: number, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.askIfNeeded().catch((error) => this.#options.log(`witnesses: ${(error as Error).message}`))
      await this.#options.clock.sleep(seconds * 1000, signal).catch(() => {})
    }
  }

  async askIfNeeded(): Promise<void> {
    const { note, size } = await this.#options.checkpoints.current()
    const now = this.#options.clock.now() / 1000
    // An empty log vouches for nothing.
    if (size === 0 || (this.#asked?.text === note.text && now - this.#asked.at < RENEW_SECONDS)) return
    await this.ask()
    this.#asked = { text: note.text, at: now }
  }

  /** One round; resolves when every witness answered or failed. */
  async ask(): Promise<void> {
    const { checkpoints, witnesses, clock, log } = this.#options
    const { note, size } = await checkpoints.current()
    const own = formatNote({ text: note.text, signatures: note.signatures.slice(0, 1) })
    const answers = await Promise.all(
      witnesses.map((witness) =>
        this.#askOne(witness, own, size).catch((error) => {
          log(`witness ${witness.key.name}: ${(error as Error).message}`)
          return []
        }),
      ),
    )
    const signed = { text: note.text, signatures: answers.flat() }
    const keys = witnesses.map(({ key }) => key)
    const cosigned = cosigners(signed, keys, Math.floor(clock.now() / 1000))
    if (cosigned.length === 0) return
    checkpoints.cosigned(note.text, signed.signatures)
    const whole = formatNote({ text: note.text, signatures: [...note.signatures.slice(0, 1), ...signed.signatures] })
    this.#latest = { size, note: whole, cosigned }
  }

  async #askOne({ key, url }: WitnessAddress, note: string, size: number): Promise<NoteSignature[]> {
    const first = await this.#post(url, note, this.#known.get(key.name) ?? 0, size)
    let { status, text } = first
    const claimed = Number(text.trim())
    if (status === 409 && Number.isSafeInteger(claimed) && claimed > 0 && claimed <= size) {
      const again = await this.#post(url, note, claimed, size)
      status = again.status
      text = again.text
    }
    if (status !== 200) throw new Error(`answered ${status}: ${text.trim().slice(0, 200)}`)
    const signatures = parseNoteSignatures(text).filter(({ name }) => name === key.name)
    if (key.type !== NOTE_COSIGNATURE || signatures.length === 0) throw new Error('did not cosign with its own key')
    this.#known.set(key.name, size)
    return signatures
  }

  async #post(url: string, note: string, old: number, size: number): Promise<{ status: number; text: string }> {
    const path = proveConsistency(hashesOf(this.#options.ledger.view().store), old, size)
    const answer = await this.#options.fetch(`${url}/add-checkpoint`, {
      method: 'POST',
      body: utf8(formatAddCheckpoint({ old, path, note })),
      redirect: 'error',
      signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
    })
    const bytes = await readAnswer(answer, MAX_ANSWER_BYTES)
    return { status: answer.status, text: Buffer.from(bytes).toString() }
  }
}
