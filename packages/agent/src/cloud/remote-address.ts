/** Whom a request comes from, for the brakes alone: it is neither kept nor logged. */
import type { IncomingMessage } from 'node:http'

/** Behind a proxy, the last address of `X-Forwarded-For`: the one the proxy saw itself. */
export function remoteAddress(
  request: Pick<IncomingMessage, 'headers'> & { readonly socket: { readonly remoteAddress?: string | undefined } },
  behindProxy: boolean,
): string {
  const header = request.headers['x-forwarded-for']
  const forwarded = behindProxy ? [header].flat().join(',').split(',').at(-1)?.trim() : undefined
  return addressOf(forwarded || (request.socket.remoteAddress ?? ''))
}

/** One household has one address: of IPv6 the /64 counts, whose other half its owner chooses freely (RFC 8981). */
export function addressOf(remote: string): string {
  const plain = remote.replace(/^::ffff:(?=\d+\.)/, '').replace(/%.*$/, '')
  if (!plain.includes(':')) return plain
  const [head = '', tail] = plain.split('::')
  const groups = head === '' ? [] : head.split(':')
  const rest = tail === undefined || tail === '' ? [] : tail.split(':')
  while (tail !== undefined && groups.length + rest.length < 8) groups.push('0')
  return [...groups, ...rest].slice(0, 4).join(':')
}
