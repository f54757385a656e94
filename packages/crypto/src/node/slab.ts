/**
 * Guarded memory for private halves (rule 31): a few large `sodium_malloc` slabs cut into slots. One allocation a key would
 * cost four memory mappings each and abort the process at 65,530 of them.
 */
import { KeysteadError } from '@keystead/core'
import sodium from 'sodium-native'
import type { CryptoErrorCode } from '../errors.ts'

/** The longest secret we keep is a P-521 scalar of 66 bytes. */
const SLOT_BYTES = 80
const SLOTS_PER_SLAB = 4096
/** A million keys in one process is a leak, not a use. */
const MAX_SLABS = 256

const slabs: Buffer[] = []
const free: number[] = []

/** A place in guarded memory that holds one secret. */
export class SecretSlot {
  readonly #index: number
  /** No Buffer: to wipe one takes several times as long. */
  readonly #bytes: Uint8Array
  #live = true

  /** `fill` writes the secret to where it stays. */
  constructor(length: number, fill: (slot: Uint8Array) => void) {
    this.#index = takeSlot()
    const slab = slabs[Math.floor(this.#index / SLOTS_PER_SLAB)] as Buffer
    const start = (this.#index % SLOTS_PER_SLAB) * SLOT_BYTES
    this.#bytes = new Uint8Array(slab.buffer, slab.byteOffset + start, length)
    fill(this.#bytes)
  }

  /** Lets `use` see the bytes in place. Throws `KEY_DESTROYED`. */
  use<T>(use: (secret: Uint8Array) => T): T {
    if (!this.#live) throw new KeysteadError<CryptoErrorCode>('KEY_DESTROYED', 'this key has been destroyed')
    return use(this.#bytes)
  }

  destroy(): void {
    if (!this.#live) return
    this.#bytes.fill(0)
    this.#live = false
    free.push(this.#index)
  }
}

function takeSlot(): number {
  const known = free.pop()
  if (known !== undefined) return known
  if (slabs.length >= MAX_SLABS)
    throw new KeysteadError<CryptoErrorCode>('OUT_OF_KEY_SLOTS', 'too many keys are loaded')
  const first = slabs.length * SLOTS_PER_SLAB
  slabs.push(sodium.sodium_malloc(SLOT_BYTES * SLOTS_PER_SLAB))
  for (let index = first + SLOTS_PER_SLAB - 1; index > first; index--) free.push(index)
  return first
}
