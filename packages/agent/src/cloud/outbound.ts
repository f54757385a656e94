/**
 * Requests of the agency's own to an address that a stranger chose: only https, only to public addresses (checked on what the
 * name resolves to, at the moment of connecting), no redirects, nothing of the answer but its status (server-side request forgery).
 */
import { lookup as lookUp } from 'node:dns'
import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { BlockList, isIP, type LookupFunction } from 'node:net'

const TIMEOUT_MS = 10_000

/** Addresses that are not of the public internet: IANA's special-purpose registries (RFC 6890). */
const PRIVATE = new BlockList()
for (const [net, bits] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
] as const)
  PRIVATE.addSubnet(net, bits, 'ipv4')

/** Of IPv6 only what is given out for the public internet (2000::/3), without what wraps another address. */
const PUBLIC_V6 = new BlockList()
PUBLIC_V6.addSubnet('2000::', 3, 'ipv6')
const WRAPPING_V6 = new BlockList()
WRAPPING_V6.addSubnet('2001::', 23, 'ipv6')
WRAPPING_V6.addSubnet('2001:db8::', 32, 'ipv6')
WRAPPING_V6.addSubnet('2002::', 16, 'ipv6')
WRAPPING_V6.addSubnet('3fff::', 20, 'ipv6')

export function isPublicAddress(address: string): boolean {
  const family = isIP(address)
  if (family === 4) return !PRIVATE.check(address, 'ipv4')
  return family === 6 && PUBLIC_V6.check(address, 'ipv6') && !WRAPPING_V6.check(address, 'ipv6')
}

/** Resolves names as ever, and fails when any of their addresses is not public. */
const publicLookup: LookupFunction = (hostname, options, callback) =>
  lookUp(hostname, { ...options, all: true }, (error, addresses) => {
    const inside = addresses?.find(({ address }) => !isPublicAddress(address))
    const refused = error ?? (inside || !addresses[0] ? new Error('not a public address') : null)
    if (refused) return callback(refused, '', 0)
    if (options.all) return callback(null, addresses)
    callback(null, addresses[0]?.address ?? '', addresses[0]?.family)
  })

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
