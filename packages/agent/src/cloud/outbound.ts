/**
 * Requests of the agency's own to an address that a stranger chose: only https, only to public addresses (checked on what the
 * name resolves to, at the moment of connecting), no redirects, of the answer no more than is said (server-side request forgery).
 */
import { lookup } from 'node:dns'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { isIP } from 'node:net'
import { concatBytes } from '@keystead/core'
import { checkedLookup, isPublicAddress } from '@keystead/did/node'

const TIMEOUT_MS = 10_000

const publicLookup = checkedLookup(lookup, isPublicAddress)

export interface Outbound {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array | null
}

export interface OutsideAnswer {
  readonly status: number
  readonly type: string
  readonly bytes: Uint8Array
}

/**
 * POSTs. Resolves with the status, 0 when nobody answered, and `refused` for an address that is none of the public internet.
 * `anywhere`: for trials, also http and the operator's own network. Never rejects.
 */
export async function postOutside(
  outbound: Outbound,
  { anywhere = false }: { anywhere?: boolean } = {},
): Promise<number | 'refused'> {
  const answer = await request(outbound, anywhere, (message) => {
    message.destroy()
    return Promise.resolve(message.statusCode ?? 0)
  })
  return answer ?? 0
}

/** The same, with the answer, of which nothing is kept beyond `maxBytes`; undefined when nobody answered, or too much. */
export function askOutside(
  outbound: Outbound,
  { anywhere, maxBytes }: { anywhere: boolean; maxBytes: number },
): Promise<OutsideAnswer | 'refused' | undefined> {
  return request(outbound, anywhere, async (message) => {
    const bytes = await readUpTo(message, maxBytes)
    return { status: message.statusCode ?? 0, type: message.headers['content-type'] ?? '', bytes }
  })
}

/** Undefined when nobody answered, or `read` rejected. */
async function request<T>(
  { url: text, headers, body }: Outbound,
  anywhere: boolean,
  read: (answer: IncomingMessage) => Promise<T>,
): Promise<T | 'refused' | undefined> {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (!url || !/^https?:$/.test(url.protocol)) return 'refused'
  const literal = url.hostname.replace(/^\[|\]$/g, '')
  if (!anywhere && (url.protocol !== 'https:' || (isIP(literal) !== 0 && !isPublicAddress(literal)))) return 'refused'
  const ask = url.protocol === 'https:' ? httpsRequest : httpRequest
  return new Promise((resolve) => {
    const options = { method: 'POST', headers, signal: AbortSignal.timeout(TIMEOUT_MS) }
    // A connection kept from another request would miss the check.
    const checked = { ...options, lookup: publicLookup, agent: false }
    const asked = ask(url, anywhere ? options : checked, (answer) => {
      read(answer).then(resolve, () => resolve(undefined))
    })
    asked.on('error', () => resolve(undefined))
    asked.end(body)
  })
}

async function readUpTo(answer: IncomingMessage, maxBytes: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  let length = 0
  // Leaving the loop early destroys the connection.
  for await (const part of answer as AsyncIterable<Uint8Array>) {
    length += part.length
    if (length > maxBytes) throw new Error('the answer is too long')
    parts.push(part)
  }
  return concatBytes(...parts)
}
