/**
 * Fetching what a contact's link names (ATTACH-7): a stranger chose the address, so a wallet goes only to public hosts over https, or to
 * its own agency, which its owner chose; nothing is given on before the hash is found right.
 */
import { type Bytes, equalBytes, isKeysteadError, type KeysteadError, multihash } from '@keystead/core'
import { sha256 } from '@keystead/crypto'
import type { WebGetRequest } from '@keystead/did'
import { type Answer, readAnswer } from '@keystead/light-client'
import { DOWNLOAD_MS, MAX_SEALED_BYTES } from '../../limits.ts'
import type { Linked } from '../../protocols/attachment/attached.ts'
import { type Edge, fault, profileOf } from '../context.ts'

export interface FetchLinkedOptions {
  readonly signal?: AbortSignal | undefined
  readonly onBytes?: ((received: number) => void) | undefined
}

/**
 * What lies there, found to be what was sent. Rejects with `ATTACHMENT_GONE`, `ATTACHMENT_UNREACHABLE`, `ATTACHMENT_REFUSED`, `TOO_LARGE`,
 * or `BAD_ATTACHMENT`.
 */
export async function fetchLinked(edge: Edge, linked: Linked, options: FetchLinkedOptions = {}): Promise<Bytes> {
  const { urls, hash, bytes: announced = MAX_SEALED_BYTES } = linked
  if (announced > MAX_SEALED_BYTES)
    throw fault('TOO_LARGE', `it is said to have ${announced} bytes; at most ${MAX_SEALED_BYTES} are fetched`)
  let failed: unknown = fault('ATTACHMENT_REFUSED', 'no address of it is one that a wallet goes to')
  for (const url of urls) {
    options.signal?.throwIfAborted()
    try {
      return checked(await fetchOne(edge, url, announced, options), hash, linked.bytes)
    } catch (error) {
      if (!isKeysteadError(error)) throw error
      failed = error
    }
  }
  throw failed
}

function checked(bytes: Bytes, hash: string, announced: number | undefined): Bytes {
  if (announced !== undefined && bytes.length !== announced) throw notWhatWasSent()
  if (!equalBytes(sha256(bytes), multihash.decode(hash))) throw notWhatWasSent()
  return bytes
}

const notWhatWasSent = (cause?: unknown): KeysteadError =>
  fault('BAD_ATTACHMENT', 'what lies there is not what was sent: it was changed, cut short or exchanged', cause)

async function fetchOne(
  edge: Edge,
  text: string,
  maxBytes: number,
  { signal, onBytes }: FetchLinkedOptions,
): Promise<Bytes> {
  const url = await allowed(edge, text)
  const accept = 'application/octet-stream, */*'
  try {
    const { status, bytes } = url.ours
      ? await fromOurs(edge, url.href, { maxBytes, signal, accept, onBytes })
      : await download(edge)(url.href, { maxBytes, accept, signal, onBytes })
    if (status === 404 || status === 410)
      throw fault('ATTACHMENT_GONE', 'it lies there no more: its time is over, or its sender has taken it away')
    if (status !== 200) throw fault('ATTACHMENT_UNREACHABLE', `its host answered ${status}; try again later`)
    return bytes
  } catch (cause) {
    signal?.throwIfAborted()
    if (isKeysteadError(cause, 'TOO_LARGE') || (isKeysteadError(cause) && cause.details['tooLarge'] === true))
      throw notWhatWasSent(cause)
    if (isKeysteadError(cause) && cause.code.startsWith('ATTACHMENT_')) throw cause
    throw fault(
      'ATTACHMENT_UNREACHABLE',
      `its host ${new URL(url.href).host} cannot be reached; try again later`,
      cause,
    )
  }
}

/** Over the wires that lead to our agency; no redirect of its leads elsewhere. */
async function fromOurs(
  edge: Edge,
  url: string,
  { maxBytes, accept, signal, onBytes }: WebGetRequest,
): Promise<{ status: number; bytes: Bytes }> {
  const limit = AbortSignal.timeout(DOWNLOAD_MS)
  const answer: Answer = await edge.ports.fetch(url, {
    headers: { accept },
    redirect: 'error',
    signal: signal ? AbortSignal.any([limit, signal]) : limit,
  })
  return { status: answer.status, bytes: await readAnswer(answer, maxBytes, onBytes) }
}

function download(edge: Edge): NonNullable<Edge['ports']['download']> {
  if (edge.ports.download) return edge.ports.download
  throw fault('ATTACHMENT_REFUSED', 'it lies at another host than your agency, and this program asks no others')
}

/**
 * An address that may be asked. Our own agency may be on a machine of its owner's; where it is on this very one, for trials, so may be
 * others' agencies.
 */
async function allowed(edge: Edge, text: string): Promise<{ href: string; ours: boolean }> {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (!url || !/^https?:$/.test(url.protocol) || url.username !== '' || url.password !== '')
    throw fault('ATTACHMENT_REFUSED', 'its address is none that a wallet goes to')
  url.hash = ''
  const { agency, former } = await profileOf(edge)
  const known = [agency, former].flatMap((one) => (one ? [new URL(one.url)] : []))
  const trial = isTrial(url) && known.some(isTrial)
  if (trial || known.some(({ origin }) => origin === url.origin)) return { href: url.href, ours: true }
  if (url.protocol !== 'https:') throw fault('ATTACHMENT_REFUSED', 'it lies at an address without encryption (http)')
  return { href: url.href, ours: false }
}

const isTrial = ({ protocol, hostname }: URL): boolean =>
  protocol === 'http:' && /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname)
