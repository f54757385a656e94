/**
 * Submissions parsed once: the same bytes give the same object at every step of a block's way, and with the object come the
 * verdicts on its signatures, so that a validator checks each signature once. Only pure results are remembered.
 */
import { hash } from 'node:crypto'
import { isKeysteadError } from '@keystead/core'
import { type NetworkSubmission, parseBy, type Rules, type Submission } from '@keystead/did-dkms'
import { REMEMBER_SUBMISSIONS } from '../../limits.ts'

export type Parsed =
  | { readonly ok: true; readonly submission: Submission | NetworkSubmission }
  | { readonly ok: false; readonly code: string; readonly message: string }

export class Submissions {
  /** By version of the rules and SHA-256 of the bytes; the oldest use first. */
  readonly #known = new Map<string, Submission | NetworkSubmission>()

  parse(rules: Rules, bytes: Uint8Array): Parsed {
    const name = `${rules.version} ${hash('sha256', bytes, 'base64')}`
    const known = this.#known.get(name)
    if (known) {
      this.#known.delete(name)
      this.#known.set(name, known)
      return { ok: true, submission: known }
    }
    try {
      const submission = parseBy(rules, bytes)
      this.#known.set(name, submission)
      if (this.#known.size > REMEMBER_SUBMISSIONS) this.#known.delete(this.#known.keys().next().value as string)
      return { ok: true, submission }
    } catch (error) {
      if (isKeysteadError(error)) return { ok: false, code: error.code, message: error.message }
      throw error
    }
  }
}
