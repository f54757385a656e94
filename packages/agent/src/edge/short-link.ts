/**
 * Short links (Out-of-Band 2.0, "Short URL Message Retrieval"): `<agency>/i?_oobid=<id>#<key>`. The agency keeps the invitation
 * sealed under the key, which browsers and wallets do not send: it can neither read nor exchange it (decision 0015). A link to a
 * page has all of that behind the page's "#": `<page>#<kind>=<key>@<agency>/i?_oobid=<id>`.
 */
import { type Bytes, base64url, canonicalJson, isKeysteadError, parseJson, utf8 } from '@keystead/core'
import { open, seal } from '@keystead/crypto'
import { readAnswer } from '@keystead/light-client'
import { MAX_INVITATION_BYTES } from '../limits.ts'
import { parseInvitationUrl } from '../protocols/connect/messages.ts'
import {
  INVITATION_MEDIA_TYPES,
  type InvitationForm,
  KEEP_INVITATION,
  parseInvitationKept,
  WITHDRAW_INVITATION,
} from '../protocols/invitation/messages.ts'
import { askAgency } from './agency-link.ts'
import { type Edge, fault } from './context.ts'

const TIMEOUT_MS = 10_000
const PAGE_LINK = /^#(_link|_oob|_help)=([\w-]{43})@(.+)$/

/** What a link to a page asks for: to become a device, to connect, or for help with a recovery. */
export type PageLinkKind = '_link' | '_oob' | '_help'

/** Has the agency keep the invitation of a long link; resolves with the short one. Rejects with the agency's reason. */
export async function shorten(edge: Edge, longUrl: string, form: InvitationForm): Promise<string> {
  const { message, ...named } = contentOf(longUrl)
  if (form === 'plain') return keep(edge, { ...named, form }, message)
  const { url, key } = await keepSealed(edge, named, message)
  return `${url}#${key}`
}

/** The same, and the short link opens the page that the long one does. Rejects with the agency's reason. */
export async function shortenForPage(edge: Edge, longUrl: string): Promise<string> {
  return pageLink(edge, baseOf(new URL(longUrl)), { kind: '_oob', ...contentOf(longUrl) })
}

/** What a long link has in it. */
function contentOf(longUrl: string): { id: string; expires: number; message: Bytes } {
  const { id, expires = 0 } = parseInvitationUrl(longUrl)
  return { id, expires, message: base64url.decode(new URL(longUrl).searchParams.get('_oob') ?? '') }
}

/** Has the agency keep what a link to a page says. Rejects with the agency's reason. */
export async function pageLink(
  edge: Edge,
  page: string,
  { kind, message, ...named }: { kind: PageLinkKind; id: string; expires: number; message: Bytes },
): Promise<string> {
  const { url, key } = await keepSealed(edge, named, message)
  const link = new URL(page)
  link.hash = `${kind}=${key}@${url}`
  return link.toString()
}

/** What waits behind a link to a page. Rejects as `expand` does. */
export async function readPageLink(edge: Edge, text: string, kind: PageLinkKind): Promise<Bytes> {
  const [, found, key = '', address = ''] = PAGE_LINK.exec(parsed(text).hash) ?? []
  const url = parsed(found === kind ? address : '')
  const id = url.searchParams.get('_oobid') ?? ''
  return unsealed(await fetchInvitation(edge, keptAt(url, id)), key, id)
}

async function keepSealed(
  edge: Edge,
  { id, expires }: { id: string; expires: number },
  message: Bytes,
): Promise<{ url: string; key: string }> {
  const key = edge.ports.random(32)
  const url = await keep(edge, { id, expires, form: 'sealed' }, seal(key, message, utf8(id)))
  return { url, key: base64url.encode(key) }
}

async function keep(
  edge: Edge,
  body: { id: string; expires: number; form: InvitationForm },
  attachment: Bytes,
): Promise<string> {
  return parseInvitationKept((await askAgency(edge, { type: KEEP_INVITATION, body, attachment })).body)
}

export async function withdraw(edge: Edge, id: string): Promise<void> {
  await askAgency(edge, { type: WITHDRAW_INVITATION, body: { id } })
}

/**
 * The link with all that it says in it; a link that has it already is returned as it is. Rejects with `BAD_INVITATION`,
 * `INVITATION_EXPIRED` when nothing waits there, or `AGENCY_UNREACHABLE`.
 */
export async function expand(edge: Edge, text: string, kind: '_oob' | '_help' = '_oob'): Promise<string> {
  const url = parsed(text)
  if (PAGE_LINK.test(url.hash)) return withMessage(url, await readPageLink(edge, text, kind), kind)
  const id = url.searchParams.get('_oobid')
  if (id === null || kind !== '_oob') return text.trim()
  const bytes = await fetchInvitation(edge, keptAt(url, id))
  return withMessage(url, url.hash.length > 1 ? unsealed(bytes, url.hash.slice(1), id) : bytes, kind)
}

function withMessage(url: URL, message: Bytes, kind: '_oob' | '_help'): string {
  const long = new URL(baseOf(url))
  long.searchParams.set(kind, base64url.encode(message))
  return long.toString()
}

const baseOf = ({ origin, pathname }: URL): string => `${origin}${pathname}`

const keptAt = (url: URL, id: string): string => `${baseOf(url)}?_oobid=${encodeURIComponent(id)}`

function parsed(text: string): URL {
  try {
    const url = new URL(text.trim())
    if (url.protocol === 'http:' || url.protocol === 'https:') return url
  } catch {
    // not even an address
  }
  throw fault('BAD_INVITATION', 'this is not a link of ours, or not the whole of it')
}

/** The associated data names the id: one invitation cannot be shown in another's place. */
function unsealed(bytes: Bytes, key: string, id: string): Bytes {
  try {
    return canonicalJson(parseJson(open(base64url.decode(key), bytes, utf8(id)), MAX_INVITATION_BYTES))
  } catch (cause) {
    throw fault('BAD_INVITATION', 'this link is incomplete, or what waits there was exchanged', cause)
  }
}

async function fetchInvitation(edge: Edge, url: string): Promise<Bytes> {
  try {
    const answer = await edge.ports.fetch(url, {
      headers: { accept: `${INVITATION_MEDIA_TYPES.sealed}, ${INVITATION_MEDIA_TYPES.plain}, application/json` },
      signal: AbortSignal.timeout(TIMEOUT_MS),
    })
    if (answer.status === 404) throw fault('INVITATION_EXPIRED', 'this invitation is over, or it never was')
    if (answer.status !== 200) throw fault('BAD_INVITATION', 'what waits there is not an invitation')
    return await readAnswer(answer, MAX_INVITATION_BYTES)
  } catch (cause) {
    if (isKeysteadError(cause)) throw cause
    throw fault('AGENCY_UNREACHABLE', `no answer from ${new URL(url).origin}`, cause)
  }
}
