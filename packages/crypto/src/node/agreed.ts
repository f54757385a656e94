/**
 * Secrets that one lasting key agreed on with other lasting keys: the same each time, so that each is computed once. Like the key
 * they lie in guarded memory, and they end with it.
 */
import { type Bytes, base64url } from '@keystead/core'
import type { AgreementSuite, PublicKey } from '../types.ts'
import { SecretSlot } from './slab.ts'

/** Of all keys together: two slabs. Strangers can name new keys of theirs without end. */
const MAX_KEPT = 8192
let kept = 0

export class AgreedSecrets {
  readonly #slots = new Map<string, SecretSlot>()

  /** A copy, which the caller wipes. */
  with(peer: PublicKey<AgreementSuite>, agree: () => Bytes): Bytes {
    const name = `${peer.suite}:${base64url.encode(peer.bytes)}`
    const known = this.#slots.get(name)
    if (known) return known.use((secret) => new Uint8Array(secret))
    const secret = agree()
    if (kept >= MAX_KEPT) this.destroy()
    if (kept >= MAX_KEPT) return secret
    this.#slots.set(name, new SecretSlot(secret.length, (slot) => slot.set(secret)))
    kept++
    return secret
  }

  destroy(): void {
    for (const slot of this.#slots.values()) slot.destroy()
    kept -= this.#slots.size
    this.#slots.clear()
  }
}
