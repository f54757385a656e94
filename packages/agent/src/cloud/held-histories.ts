/** RESOLVE-10: histories that do not fit into one answer, kept in memory while whoever asked reads on by a handle. */
import { base64url, type Clock, type Random } from '@keystead/core'
import { HISTORY_HELD_SECONDS, HISTORY_PART_BYTES, MAX_HISTORIES_HELD_BYTES, MAX_HISTORY_PARTS } from '../limits.ts'
import { refusal } from './agent.ts'

export type Part = {
  readonly part: number
  readonly parts: number
  readonly handle?: string
  readonly bytes: Uint8Array
}

export class HeldHistories {
  readonly maxBytes = HISTORY_PART_BYTES * MAX_HISTORY_PARTS
  readonly #clock: Clock
  readonly #random: Random
  /** By handle, the oldest first. */
  readonly #held = new Map<string, { readonly bytes: Uint8Array; readonly until: number }>()
  #bytes = 0

  constructor({ clock, random }: { readonly clock: Clock; readonly random: Random }) {
    this.#clock = clock
    this.#random = random
  }

  /** The first part, with a handle where there are more. */
  begin(bytes: Uint8Array): Part {
    this.#forget()
    if (bytes.length <= HISTORY_PART_BYTES) return partOf(bytes, 0)
    const handle = base64url.encode(this.#random(16))
    this.#held.set(handle, { bytes, until: this.#clock.now() + HISTORY_HELD_SECONDS * 1000 })
    this.#bytes += bytes.length
    this.#forget()
    return { ...partOf(bytes, 0), handle }
  }

  /** Another part. Rejects with `RESULT_GONE`, also where there is no such part. */
  goOn(handle: string, part: number): Part {
    this.#forget()
    const held = this.#held.get(handle)
    if (!held || part * HISTORY_PART_BYTES >= held.bytes.length)
      throw refusal('RESULT_GONE', 'this history is not kept any more: begin again')
    return partOf(held.bytes, part)
  }

  #forget(): void {
    const now = this.#clock.now()
    for (const [handle, { bytes, until }] of this.#held) {
      if (until > now && this.#bytes <= MAX_HISTORIES_HELD_BYTES) return
      this.#held.delete(handle)
      this.#bytes -= bytes.length
    }
  }
}

function partOf(bytes: Uint8Array, part: number): Part {
  const from = part * HISTORY_PART_BYTES
  return {
    part,
    parts: Math.max(1, Math.ceil(bytes.length / HISTORY_PART_BYTES)),
    bytes: bytes.subarray(from, from + HISTORY_PART_BYTES),
  }
}
