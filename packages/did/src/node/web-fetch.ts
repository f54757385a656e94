/**
 * `WebFetch` for Node, for addresses that strangers name: the address is checked where the connection is made, so that no name
 * can point at the network we stand in; no redirect is followed; bytes and seconds are bounded.
 */
import { lookup as systemLookup } from 'node:dns'
import type { IncomingMessage, RequestOptions } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { BlockList, isIP, isIPv6, type LookupFunction } from 'node:net'
import { concatBytes, KeysteadError } from '@keystead/core'
import type { WebFetch } from '../web-fetch.ts'

/** Longest a host may take, in all. */
const TIMEOUT_MS = 10_000

/** Everything that is not the public internet (RFC 6890 and its updates). */
const PRIVATE = new BlockList()
for (const [network, bits] of [
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
  PRIVATE.addSubnet(network, bits, 'ipv4')
for (const [network, bits] of [
  ['::', 96],
  ['64:ff9b:1::', 48],
  ['100::', 64],
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['fc00::', 7],
  ['fe80::', 10],
  ['ff00::', 8],
] as const)
  PRIVATE.addSubnet(network, bits, 'ipv6')

export function isPublicAddress(address: string): boolean {
  if (isIP(address) === 0) return false
  if (isIPv6(address)) {
    const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1]
    return mapped === undefined ? !PRIVATE.check(address, 'ipv6') : !PRIVATE.check(mapped, 'ipv4')
  }
  return !PRIVATE.check(address, 'ipv4')
}

export interface WebFetchOptions {
  /** Which addresses may be reached; public ones unless a network is closed on purpose. */
  readonly allow?: (address: string) => boolean
  readonly request?: (
    url: string,
    options: RequestOptions,
    done: (answer: IncomingMessage) => void,
  ) => ReturnType<typeof httpsRequest>
}

export function webFetch({ allow = isPublicAddress, request = httpsRequest }: WebFetchOptions = {}): WebFetch {
  const lookup: LookupFunction = (host, options, done) => {
    systemLookup(host, { ...options, all: true }, (error, addresses) => {
      const [first] = addresses ?? []
      if (error) return done(error, '', 0)
      if (!first || !addresses.every(({ address }) => allow(address)))
        return done(failure(`${host} is no public address`), '', 0)
      if (options.all) done(null, addresses)
      else done(null, first.address, first.family)
    })
  }
  return (url, maxBytes) =>
    new Promise((resolve, reject) => {
      const { hostname } = new URL(url)
      // An address as it stands needs no lookup, and so would miss the check.
      if (isIP(hostname.replace(/^\[|\]$/g, '')) !== 0 && !allow(hostname.replace(/^\[|\]$/g, '')))
        return reject(failure(`${hostname} is no public address`))
      const asked = request(
        url,
        {
          lookup,
          signal: AbortSignal.timeout(TIMEOUT_MS),
          headers: { accept: 'application/did+json, application/json, text/jsonl, */*' },
        },
        (answer) => {
          const { statusCode = 0 } = answer
          if (statusCode === 404 || statusCode === 410) {
            answer.destroy()
            return resolve(undefined)
          }
          if (statusCode !== 200) {
            answer.destroy()
            return reject(failure(`the host answered ${statusCode}`))
          }
          const parts: Uint8Array[] = []
          let length = 0
          answer.on('data', (part: Uint8Array) => {
            length += part.length
            if (length > maxBytes) answer.destroy(failure(`the host sent more than ${maxBytes} bytes`))
            else parts.push(part)
          })
          answer.on('error', reject)
          answer.on('end', () => resolve(concatBytes(...parts)))
        },
      )
      asked.on('error', (cause) =>
        reject(cause instanceof KeysteadError ? cause : failure('the host cannot be reached', cause)),
      )
      asked.end()
    })
}

function failure(message: string, cause?: unknown): KeysteadError {
  return new KeysteadError('HOST_UNREACHABLE', message, cause === undefined ? {} : { cause })
}
