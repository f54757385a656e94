/**
 * Secrets that one lasting key agreed on with other lasting keys: the same each time, so that each is computed once. Like the key
 * they lie in guarded memory, and they end with it. Strangers can name keys without end: what was only named lies apart, and pushes
 * out nothing that is known.
 */
import { type Bytes, base64url } from '@keystead/core'
import type { AgreementSuite, PublicKey, Stays } from '../types.ts'
import { SecretSlot } from './slab.ts'

/** Slots that are left, for all keys together: two slabs of known peers, and as many messages as are opened at once. */
const KNOWN = { room: 8192 }
const NAMED = { room: 512 }

export class AgreedSecrets {
  readonly #known = new Shelf(KNOWN)
  readonly #named = new Shelf(NAMED)

  /** A copy, which the caller wipes. */
  with(peer: PublicKey<AgreementSuite>, stays: Stays, agree: () => Bytes): Bytes {
    const name = nameOf(peer)
    if (stays === 'known') this.known(peer)
    const kept = this.#known.copy(name) ?? this.#named.copy(name)
    if (kept) return kept
    const secret = agree()
    const shelf = stays === 'known' ? this.#known : this.#named
    shelf.keep(name, secret)
    return secret
  }

  known(peer: PublicKey<AgreementSuite>): void {
    const name = nameOf(peer)
    const secret = this.#named.copy(name)
    if (!secret) return
    this.#named.drop(name)
    this.#known.keep(name, secret)
    secret.fill(0)
  }

  destroy(): void {
    this.#known.clear()
    this.#named.clear()
  }
}

const nameOf = ({ suite, bytes }: PublicKey<AgreementSuite>): string => `${suite}:${base64url.encode(bytes)}`

/** Of one key; where no slot is left, what was not used for longest gives way, but nothing of another key. */
class Shelf {
  readonly #slots = new Map<string, SecretSlot>()
  readonly #all: { room: number }

  constructor(all: { room: number }) {
    this.#all = all
  }

  copy(name: string): Bytes | undefined {
    const slot = this.#slots.get(name)
    if (!slot) return undefined
    this.#slots.delete(name)
    this.#slots.set(name, slot)
    return slot.use((secret) => new Uint8Array(secret))
  }

  keep(name: string, secret: Bytes): void {
    const [longestUnused] = this.#slots.keys()
    if (this.#all.room === 0 && longestUnused !== undefined) this.drop(longestUnused)
    if (this.#all.room === 0) return
    this.#slots.set(name, new SecretSlot(secret.length, (slot) => slot.set(secret)))
    this.#all.room--
  }

  drop(name: string): void {
    const slot = this.#slots.get(name)
    if (!slot) return
    slot.destroy()
    this.#slots.delete(name)
    this.#all.room++
  }

  clear(): void {
    for (const name of this.#slots.keys()) this.drop(name)
  }
}
