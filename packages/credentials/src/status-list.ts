/**
 * Bitstring Status List 1.0 (CREDENTIAL-11): one bit a credential, GZIP-compressed, multibase base64url (sections 2.2, 3.2,
 * 3.3). Bit 0 is the leftmost bit of the first byte. Compression is the platform's own.
 */
import { type Bytes, base64url, KeysteadError } from '@keystead/core'
import type { CredentialErrorCode } from './errors.ts'
import { MAX_STATUS_LIST_BYTES, STATUS_LIST_ENTRIES } from './limits.ts'

export function emptyStatusList(): Bytes {
  return new Uint8Array(STATUS_LIST_ENTRIES / 8)
}

/** A copy with the bit set. Throws `STATUS_INDEX_OUT_OF_RANGE`. */
export function withStatus(list: Uint8Array, index: number): Bytes {
  const changed = new Uint8Array(list)
  changed[byteOf(list, index)] = (list[byteOf(list, index)] ?? 0) | (0x80 >> (index % 8))
  return changed
}

/** Throws `STATUS_INDEX_OUT_OF_RANGE`. */
export function statusAt(list: Uint8Array, index: number): boolean {
  return ((list[byteOf(list, index)] ?? 0) & (0x80 >> (index % 8))) !== 0
}

/** `encodedList` of a status list credential. */
export async function encodeStatusList(list: Uint8Array<ArrayBuffer>): Promise<string> {
  const zipped = new Blob([list]).stream().pipeThrough(new CompressionStream('gzip'))
  return `u${base64url.encode(new Uint8Array(await new Response(zipped).arrayBuffer()))}`
}

/** Throws `BAD_STATUS_LIST`; stops inflating at `MAX_STATUS_LIST_BYTES`. */
export async function decodeStatusList(encoded: string): Promise<Bytes> {
  try {
    if (!encoded.startsWith('u') || encoded.length > MAX_STATUS_LIST_BYTES * 2) throw new Error('not a list')
    const reader = new Blob([base64url.decode(encoded.slice(1))])
      .stream()
      .pipeThrough(new DecompressionStream('gzip'))
      .getReader()
    const list = new Uint8Array(MAX_STATUS_LIST_BYTES)
    let length = 0
    for (let chunk = await reader.read(); !chunk.done; chunk = await reader.read()) {
      if (length + chunk.value.length > list.length) {
        await reader.cancel()
        throw new Error('too large')
      }
      list.set(chunk.value, length)
      length += chunk.value.length
    }
    if (length * 8 < STATUS_LIST_ENTRIES) throw new Error('too short')
    return list.slice(0, length)
  } catch (cause) {
    throw new KeysteadError<CredentialErrorCode>('BAD_STATUS_LIST', 'this status list cannot be read', { cause })
  }
}

function byteOf(list: Uint8Array, index: number): number {
  if (!Number.isSafeInteger(index) || index < 0 || index >= list.length * 8)
    throw new KeysteadError<CredentialErrorCode>('STATUS_INDEX_OUT_OF_RANGE', 'the status list has no such entry')
  return index >> 3
}
