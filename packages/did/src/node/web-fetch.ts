/**
 * `WebGet` and `WebFetch` for Node, for addresses that strangers name (RES-10 to RES-13): the address is checked where the
 * connection is made, so that no name can point at the network we stand in; no redirect is followed; bytes and seconds are bounded.
 */
import { lookup as systemLookup } from 'node:dns'
import type { IncomingMessage, RequestOptions } from 'node:http'
import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { isIP, type LookupFunction } from 'node:net'
import { type Bytes, concatBytes, KeysteadError } from '@keystead/core'
import type { WebFetch, WebGet } from '../web-fetch.ts'
import { isPublicAddress } from './public-address.ts'

/** Longest a host may take, in all: a slow one is as bad as none. */
const TIMEOUT_MS = 10_000
/** The same for a file: 64 MiB over a slow line, and no silence in between. */
const DOWNLOAD_MS = 15 * 60_000
const DOWNLOAD_IDLE_MS = 30_000

type Request = (
  url: string,
  options: RequestOptions,
  done: (answer: IncomingMessage) => void,
) => ReturnType<typeof httpsRequest>

export interface WebGetOptions {
  /** Which addresses may be reached; public ones unless a network is closed on purpose. */
  readonly allow?: (address: string) => boolean
  readonly request?: Request
  readonly lookup?: typeof systemLookup
  readonly timeoutMs?: number
  /** Longest time in which nothing comes; without it only the whole has a bound. */
  readonly idleMs?: number
}

/** For a host that the user named: its address may be private, and http is the user's choice. */
export function trustedGet(): WebGet {
  const request: Request = (url, options, done) =>
    (url.startsWith('http://') ? httpRequest : httpsRequest)(url, options, done)
  return webGet({ allow: () => true, request })
}

export function webFetch(options: WebGetOptions = {}): WebFetch {
  const get = webGet(options)
  return async (url, maxBytes) => {
    const accept = 'application/did, application/did+json, application/json, text/jsonl, */*'
    const { status, bytes } = await get(url, { maxBytes, accept })
    if (status === 404 || status === 410) return undefined
    if (status !== 200) throw failure(`the host answered ${status}`)
    return bytes
  }
}

/** For a file that a stranger's link names: as `webGet`, but what comes may be long in coming, as long as it comes. */
export function webDownload(options: WebGetOptions = {}): WebGet {
  return webGet({ timeoutMs: DOWNLOAD_MS, idleMs: DOWNLOAD_IDLE_MS, ...options })
}

export function webGet(options: WebGetOptions = {}): WebGet {
  const {
    allow = isPublicAddress,
    request = httpsRequest,
    lookup = systemLookup,
    timeoutMs = TIMEOUT_MS,
    idleMs,
  } = options
  const lookupAllowed = checkedLookup(lookup, allow)
  return (url, { maxBytes, accept, signal: stop, onBytes }) =>
    new Promise((resolve, reject) => {
      const host = new URL(url).hostname.replace(/^\[|\]$/g, '')
      // An address as it stands needs no lookup, and so would miss the check.
      if (isIP(host) !== 0 && !allow(host)) return reject(failure(`${host} is no public address`))
      const signal = AbortSignal.any([AbortSignal.timeout(timeoutMs), ...(stop ? [stop] : [])])
      // A connection that was kept from a request to a host that the user named was never looked up, and would miss the check too.
      const options = { lookup: lookupAllowed, agent: false, signal, headers: { accept } }
      const asked = request(url, options, (answer) => {
        readBody(answer, maxBytes, onBytes).then((bytes) => resolve({ status: answer.statusCode ?? 0, bytes }), reject)
      })
      asked.on('error', (cause) =>
        reject(cause instanceof KeysteadError ? cause : failure('the host cannot be reached', cause)),
      )
      if (idleMs !== undefined)
        asked.setTimeout(idleMs, () => asked.destroy(failure(`the host was silent for ${idleMs / 1000} s`)))
      asked.end()
    })
}

/** The lookup that the connection itself uses: what it returns is what is connected to, there is no second answer. */
export function checkedLookup(lookup: typeof systemLookup, allow: (address: string) => boolean): LookupFunction {
  return (host, options, done) => {
    lookup(host, { ...options, all: true }, (error, addresses) => {
      const [first] = addresses ?? []
      if (error) return done(error, '', 0)
      if (!first || !addresses.every(({ address }) => allow(address)))
        return done(failure(`${host} is no public address`), '', 0)
      if (options.all) done(null, addresses)
      else done(null, first.address, first.family)
    })
  }
}

function readBody(answer: IncomingMessage, maxBytes: number, onBytes?: (received: number) => void): Promise<Bytes> {
  return new Promise((resolve, reject) => {
    const parts: Uint8Array[] = []
    let length = 0
    answer.on('data', (part: Uint8Array) => {
      length += part.length
      if (length > maxBytes) {
        answer.destroy(failure(`the host sent more than ${maxBytes} bytes`, undefined, { tooLarge: true }))
        return
      }
      parts.push(part)
      onBytes?.(length)
    })
    answer.on('error', (cause) => reject(cause instanceof KeysteadError ? cause : failure('the host broke off', cause)))
    answer.on('end', () => resolve(concatBytes(...parts)))
  })
}

function failure(message: string, cause?: unknown, details: Record<string, boolean> = {}): KeysteadError {
  return new KeysteadError('HOST_UNREACHABLE', message, cause === undefined ? { details } : { cause, details })
}
