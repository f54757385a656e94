/**
 * Padmé (Nikitin et al., PURBs, 2019): a padded length keeps only the leading bits of the true one, at most 12 % more.
 *
 *   padded = length (4 bytes) || content || zeros
 */
import { type Bytes, uint32 } from './bytes.ts'

const LENGTH_BYTES = 4

/** The padded size of `length` bytes. */
export function padmeSize(length: number): number {
  if (length < 2) return length
  const exponent = Math.floor(Math.log2(length))
  const kept = Math.floor(Math.log2(exponent)) + 1
  const step = 2 ** Math.max(0, exponent - kept)
  return Math.ceil(length / step) * step
}

export function pad(content: Uint8Array, minimum: number): Bytes {
  const padded = new Uint8Array(Math.max(minimum, padmeSize(LENGTH_BYTES + content.length)))
  padded.set(uint32(content.length))
  padded.set(content, LENGTH_BYTES)
  return padded
}

/** Undefined unless the bytes are exactly what `pad` makes. */
export function unpad(padded: Uint8Array, minimum: number): Bytes | undefined {
  if (padded.length < LENGTH_BYTES) return undefined
  const length = new DataView(padded.buffer, padded.byteOffset).getUint32(0)
  const end = LENGTH_BYTES + length
  if (padded.length !== Math.max(minimum, padmeSize(end))) return undefined
  for (let i = end; i < padded.length; i++) if (padded[i] !== 0) return undefined
  return padded.slice(LENGTH_BYTES, end)
}
