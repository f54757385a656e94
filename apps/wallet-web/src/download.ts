/**
 * ATTACH-7 in a browser, which tells no page what a name resolves to: https alone, no host without a name of its own, no redirect, no
 * cookies, nothing kept, and no word of where the question comes from.
 */
import { KeysteadError } from '@keystead/core'
import type { WebGet } from '@keystead/did'
import { readAnswer } from '@keystead/light-client'

const TIMEOUT_MS = 15 * 60_000
/** A name with a dot in it, whose last part is none of digits: no address, no machine of this network by its short name. */
const PUBLIC_NAME = /^[^.:[\]]+(?:\.[^.:[\]]+)*\.(?=[^.]*[a-z])[^.:[\]]+$/i
const LOCAL = /(?:^|\.)(?:localhost|local|internal|home\.arpa)$/i

export const isPublicName = (host: string): boolean => PUBLIC_NAME.test(host) && !LOCAL.test(host)

export const download: WebGet = async (url, { maxBytes, accept, signal, onBytes }) => {
  const { protocol, hostname } = new URL(url)
  if (protocol !== 'https:' || !isPublicName(hostname)) throw unreachable(`${hostname} is no public host`)
  const limit = AbortSignal.timeout(TIMEOUT_MS)
  try {
    const answer = await fetch(url, {
      headers: { accept },
      redirect: 'error',
      credentials: 'omit',
      cache: 'no-store',
      referrerPolicy: 'no-referrer',
      signal: signal ? AbortSignal.any([limit, signal]) : limit,
    })
    return { status: answer.status, bytes: await readAnswer(answer, maxBytes, onBytes) }
  } catch (cause) {
    if (cause instanceof KeysteadError) throw cause
    throw unreachable('the host cannot be reached', cause)
  }
}

const unreachable = (message: string, cause?: unknown): KeysteadError =>
  new KeysteadError('HOST_UNREACHABLE', message, cause === undefined ? {} : { cause })
