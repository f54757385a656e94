/** A witness (C2SP tlog-witness): cosigns a checkpoint only if its log continues what it cosigned before. WITNESS-5 to 7. */
import type { Clock } from '@keystead/core'
import type { SigningKey } from '@keystead/crypto'
import {
  type AddCheckpoint,
  cosign,
  formatNote,
  formatNoteKey,
  formatNoteSignature,
  judgeCheckpoint,
  NOTE_COSIGNATURE,
  type NoteKey,
  parseCheckpoint,
  parseNote,
  type WitnessVerdict,
} from '@keystead/light-client'
import type { WitnessedLog } from './config.ts'
import type { WitnessMemory } from './memory.ts'

export interface WitnessOptions {
  readonly name: string
  readonly key: SigningKey
  readonly memory: WitnessMemory
  readonly logs: readonly WitnessedLog[]
  readonly clock: Clock
  readonly log: (line: string) => void
}

export type WitnessAnswer =
  | { readonly status: 200; readonly cosignature: string }
  | Exclude<WitnessVerdict, { readonly status: 200 }>

export class Witness {
  readonly memory: WitnessMemory
  readonly logs: readonly WitnessedLog[]
  readonly #options: WitnessOptions
  readonly #keys: ReadonlyMap<string, readonly NoteKey[]>

  constructor(options: WitnessOptions) {
    this.#options = options
    this.memory = options.memory
    this.logs = options.logs
    this.#keys = new Map(options.logs.map(({ origin, keys }) => [origin, keys]))
  }

  /** What a wallet or a log is configured with to know us. */
  get verifierKey(): string {
    const { name, key } = this.#options
    return formatNoteKey({ name, type: NOTE_COSIGNATURE, publicKey: key.publicKey.bytes })
  }

  /** `proofOf`: whether the proof was made from the log's own tiles, and so speaks for the log when it fails. */
  async add(request: AddCheckpoint, proofOf: 'asker' | 'log' = 'asker'): Promise<WitnessAnswer> {
    const { name, key, clock, memory, log } = this.#options
    const now = Math.floor(clock.now() / 1000)
    // WITNESS-6: judged and remembered in one step, with nothing awaited in between, so that no older one slips in after it.
    const verdict = judgeCheckpoint(request, this.#keys, (origin) => memory.newest(origin))
    if (verdict.status !== 200) {
      if (verdict.misbehaviour || (verdict.status === 422 && proofOf === 'log')) {
        const { origin, size } = parseCheckpoint(parseNote(request.note).text)
        memory.keepEvidence(origin, now, verdict.reason, request.note)
        log(`misbehaviour ${origin} size ${size}: ${verdict.reason}`)
      }
      return verdict
    }
    const { checkpoint, note } = verdict
    memory.remember(checkpoint)
    const signature = await cosign(name, key, note.text, now)
    memory.publish(checkpoint, formatNote({ text: note.text, signatures: [...note.signatures, signature] }))
    log(`cosigned ${checkpoint.origin} size ${checkpoint.size}`)
    return { status: 200, cosignature: formatNoteSignature(signature) }
  }
}
