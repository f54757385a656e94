/**
 * Where on the web a did:web or did:webvh lies (did:web method; did:webvh 1.0, "The DID to HTTPS Transformation"): always HTTPS,
 * a domain name and never an address, no way out of its path.
 */
import { KeysteadError } from '@keystead/core'
import type { DidErrorCode } from './errors.ts'

const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/i

/** `parts`: the method-specific id after any SCID, split at colons. The URL has no trailing slash. Throws `INVALID_DID`. */
export function webLocation(parts: readonly string[]): { origin: string; path: string } {
  const [host = '', ...segments] = parts
  const [domain = '', port, ...more] = host.split(/%3a/i)
  const labels = domain.split('.')
  if (more.length > 0 || domain.includes('%') || !labels.every((label) => LABEL.test(label)))
    throw invalid('its host is not a domain name')
  // What the last label of a domain name cannot be, an address always has: nothing but digits, or a hexadecimal number.
  if (/^(?:\d+|0x[0-9a-f]*)$/i.test(labels.at(-1) ?? '')) throw invalid('its host is an address')
  if (port !== undefined && (!/^[1-9]\d{0,4}$/.test(port) || Number(port) > 65_535)) throw invalid('its port is none')
  const path = segments.map(segmentOf).join('/')
  return { origin: `https://${domain.toLowerCase()}${port === undefined ? '' : `:${port}`}`, path }
}

function segmentOf(segment: string): string {
  let text: string
  try {
    text = decodeURIComponent(segment)
  } catch {
    throw invalid('its path is not readable')
  }
  if (text === '' || text === '.' || text === '..' || /[/\\?#%\p{Cc}]/u.test(text))
    throw invalid('its path leads elsewhere')
  return encodeURIComponent(text)
}

function invalid(reason: string): KeysteadError<DidErrorCode> {
  return new KeysteadError('INVALID_DID', `this DID names no place on the web: ${reason}`)
}
