/** Raw DEFLATE (RFC 1951) by the platform's own streams, in Node and browsers alike. */
import { type Bytes, concatBytes } from '@keystead/core'

export async function deflate(bytes: Bytes): Promise<Bytes> {
  const stream = new Blob([bytes]).stream().pipeThrough(new CompressionStream('deflate-raw'))
  return new Uint8Array(await new Response(stream).arrayBuffer())
}

/** Rejects for what is not DEFLATE, and stops at `maxBytes`: few bytes can unpack to very many. */
export async function inflate(bytes: Bytes, maxBytes: number): Promise<Bytes> {
  const reader = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('deflate-raw')).getReader()
  const chunks: Uint8Array[] = []
  let length = 0
  for (let chunk = await reader.read(); !chunk.done; chunk = await reader.read()) {
    length += chunk.value.length
    if (length > maxBytes) {
      await reader.cancel()
      throw new RangeError('it unpacks to too much')
    }
    chunks.push(chunk.value)
  }
  return concatBytes(...chunks)
}
