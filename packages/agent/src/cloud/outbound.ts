/**
 * Requests of the agency's own to an address that a stranger chose: only https, only to public addresses (checked on what the
 * name resolves to, at the moment of connecting), no redirects, nothing of the answer but its status (server-side request forgery).
 */
import { lookup } from 'node:dns'
import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { isIP } from 'node:net'
import { checkedLookup, isPublicAddress } from '@keystead/did/node'

const TIMEOUT_MS = 10_000

const publicLookup = checkedLookup(lookup, isPublicAddress)

export interface Outbound {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array | null
}

/**
 * POSTs. Resolves with the status, 0 when nobody answered, and `refused` for an address that is none of the public internet.
 * `anywhere`: for trials, also http and the operator's own network. Never rejects.
 */
export async function postOutside(
  { url: text, headers, body }: Outbound,
  { anywhere = false }: { anywhere?: boolean } = {},
): Promise<number | 'refused'> {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (!url || !/^https?:$/.test(url.protocol)) return 'refused'
  const literal = url.hostname.replace(/^\[|\]$/g, '')
  if (!anywhere && (url.protocol !== 'https:' || (isIP(literal) !== 0 && !isPublicAddress(literal)))) return 'refused'
  const ask = url.protocol === 'https:' ? httpsRequest : httpRequest
  return new Promise((resolve) => {
    const options = { method: 'POST', headers, signal: AbortSignal.timeout(TIMEOUT_MS) }
    const asked = ask(url, anywhere ? options : { ...options, lookup: publicLookup }, (answer) => {
      resolve(answer.statusCode ?? 0)
      answer.destroy()
    })
    asked.on('error', () => resolve(0))
    asked.end(body)
  })
}
