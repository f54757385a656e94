/** The body of a request, read from the connection itself: by way of a web stream it takes longer than to open the message. */
import type { IncomingMessage } from 'node:http'
import { type Bytes, concatBytes } from '@keystead/core'

/** Undefined for more than `most` bytes, of which no more than that were kept. Rejects when the other side breaks off. */
export function readBody(incoming: IncomingMessage, most: number): Promise<Bytes | undefined> {
  return new Promise((resolve, reject) => {
    if (Number(incoming.headers['content-length'] ?? 0) > most) return resolve(undefined)
    const chunks: Buffer[] = []
    let length = 0
    incoming.on('data', (chunk: Buffer) => {
      length += chunk.length
      if (length > most) {
        incoming.pause()
        resolve(undefined)
      } else chunks.push(chunk)
    })
    incoming.on('end', () => resolve(concatBytes(...chunks)))
    incoming.on('error', reject)
    // It closes after its end too.
    incoming.on('close', () => !incoming.readableEnded && reject(new Error('the request broke off')))
  })
}
