/** This node's checkpoints of the operation log, signed with a key of their own (WITNESS-2), with what witnesses added. */
import { utf8 } from '@keystead/core'
import type { SigningKey } from '@keystead/crypto'
import {
  formatCheckpoint,
  formatNote,
  formatNoteKey,
  logOrigin,
  NOTE_ED25519,
  type NoteSignature,
  noteKeyId,
  type SignedNote,
} from '@keystead/light-client'
import type { Ledger } from '../engine/ledger.ts'

export class Checkpoints {
  readonly #ledger: Ledger
  readonly #key: SigningKey
  readonly #origin: string
  #note: SignedNote | undefined
  #cosignatures: readonly NoteSignature[] = []

  constructor(ledger: Ledger, key: SigningKey) {
    this.#ledger = ledger
    this.#key = key
    this.#origin = logOrigin(ledger.genesis)
  }

  get origin(): string {
    return this.#origin
  }

  /** What witnesses are configured with to know this node. */
  get verifierKey(): string {
    return formatNoteKey(this.#noteKey)
  }

  get #noteKey() {
    return { name: this.#origin, type: NOTE_ED25519, publicKey: this.#key.publicKey.bytes } as const
  }

  /** A checkpoint of the newest head. */
  async current(): Promise<{ readonly size: number; readonly note: SignedNote }> {
    const { logSize: size, logRoot: root } = this.#ledger.head
    const text = formatCheckpoint({ origin: this.#origin, size, root })
    if (this.#note?.text !== text) {
      const signature = await this.#key.sign(utf8(text))
      const own = { name: this.#origin, keyId: noteKeyId(this.#noteKey), signature }
      this.#note = { text, signatures: [own] }
      this.#cosignatures = []
    }
    return { size, note: { text, signatures: [...this.#note.signatures, ...this.#cosignatures] } }
  }

  /** Adds cosignatures to the checkpoint with this text, while it is the newest. */
  cosigned(text: string, signatures: readonly NoteSignature[]): void {
    if (this.#note?.text === text) this.#cosignatures = signatures
  }

  async formatted(): Promise<string> {
    return formatNote((await this.current()).note)
  }
}
