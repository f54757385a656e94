/**
 * Submissions parsed once: the same bytes give the same object at every step of a block's way, and with the object come the
 * verdicts on its signatures, so that a validator checks each signature once. Only pure results are remembered.
 */
import { hash } from 'node:crypto'
import { isKeysteadError } from '@keystead/core'
import { type NetworkSubmission, parseBy, type Rules, type Submission } from '@keystead/did-dkms'
import { REMEMBER_SUBMISSIONS } from '../../limits.ts'
import { decodeEnvelope } from './envelope.ts'

export type Parsed =
  | { readonly ok: true; readonly submission: Submission | NetworkSubmission; readonly bytes: Uint8Array }
  | { readonly ok: false; readonly code: string; readonly message: string }

/** What an envelope carries; nothing where the bytes are no envelope. */
export type ParsedEnvelope = readonly Parsed[]

export class Submissions {
  /** By version of the rules and SHA-256 of the whole envelope; the oldest use first. */
  readonly #envelopes = new Map<string, ParsedEnvelope>()
  /** Submissions in `#envelopes`. */
  #held = 0
  /** The same of single submissions, for one that comes again in another envelope. */
  readonly #known = new Map<string, Extract<Parsed, { ok: true }>>()

  envelope(rules: Rules, tx: Uint8Array): ParsedEnvelope {
    const name = nameOf(rules, tx)
    const known = this.#envelopes.get(name)
    if (known) {
      this.#envelopes.delete(name)
      this.#envelopes.set(name, known)
      return known
    }
    const parsed = submissionsOf(tx).map((bytes) => this.#parse(rules, bytes))
    // Who sends what cannot be parsed gets no memory for it.
    if (parsed.length > 0 && parsed.every(({ ok }) => ok)) this.#remember(name, parsed)
    return parsed
  }

  #remember(name: string, parsed: ParsedEnvelope): void {
    this.#envelopes.set(name, parsed)
    this.#held += parsed.length
    for (const [oldest, { length }] of this.#envelopes) {
      if (this.#held <= REMEMBER_SUBMISSIONS) return
      this.#envelopes.delete(oldest)
      this.#held -= length
    }
  }

  #parse(rules: Rules, bytes: Uint8Array): Parsed {
    const name = nameOf(rules, bytes)
    const known = this.#known.get(name)
    if (known) return known
    try {
      // A copy: what CometBFT sent in one piece must not be kept whole for a part of it.
      const parsed = { ok: true, submission: parseBy(rules, bytes), bytes: bytes.slice() } as const
      this.#known.set(name, parsed)
      if (this.#known.size > REMEMBER_SUBMISSIONS) this.#known.delete(this.#known.keys().next().value as string)
      return parsed
    } catch (error) {
      if (isKeysteadError(error)) return { ok: false, code: error.code, message: error.message }
      throw error
    }
  }
}

function nameOf(rules: Rules, bytes: Uint8Array): string {
  return `${rules.version} ${hash('sha256', bytes, 'base64')}`
}

/** None for what is not an envelope. */
function submissionsOf(tx: Uint8Array): Uint8Array[] {
  try {
    return decodeEnvelope(tx)
  } catch (error) {
    if (isKeysteadError(error, 'BAD_ENVELOPE')) return []
    throw error
  }
}
