/** RESOLVE-8: the owner names agencies as resolvers, by address or DID, or takes those of other operators that the wallet knows. */
import { isKeysteadError } from '@keystead/core'
import { MAX_RESOLVERS } from '../../limits.ts'
import { RESOLVE } from '../../protocols/did-resolution/messages.ts'
import { DISCLOSE, parseDisclosures, protocolOf, QUERIES } from '../../protocols/discover-features/messages.ts'
import { agencyOf, type Edge, fault } from '../context.ts'
import { agencyDescriptor } from '../discovery.ts'
import { put, remove } from '../store.ts'
import { askThroughAgency, originOf } from './ask.ts'
import { ofOthers } from './lookup.ts'
import { type ResolutionSettings, resolutionSettings } from './settings.ts'

/**
 * Whom to ask, by DID: those that are named, or without a name the agencies that keep shares behind our PIN. Rejects with `NO_RESOLVER`
 * when there is nobody but our own agency.
 */
export async function resolversFor(edge: Edge, named: readonly string[]): Promise<string[]> {
  await agencyOf(edge)
  const dids = named.length > 0 ? await Promise.all(named.map((name) => didFor(edge, name))) : await known(edge)
  const others = await ofOthers(edge, [...new Set(dids)])
  if (others.length < dids.length && named.length > 0)
    throw fault('NO_RESOLVER', 'your own agency knows who you are: name one of another operator, each once')
  if (others.length === 0)
    throw fault('NO_RESOLVER', 'no agency of another operator is known to this wallet: name one by its address')
  if (others.length > MAX_RESOLVERS) throw fault('NO_RESOLVER', `at most ${MAX_RESOLVERS} resolvers can be named`)
  return others
}

/**
 * For a question that goes out at once. An address is only good where its DID is known already: whoever asks for it shows theirs, and a
 * question that comes in the next moment, by whatever agency, would be known to be theirs (RESOLVE-8).
 */
export async function resolversNow(edge: Edge, named: readonly string[]): Promise<string[]> {
  if (named.length === 0) return (await resolutionSettings(edge))?.resolvers.slice() ?? resolversFor(edge, [])
  const dids = [...((await resolutionSettings(edge))?.resolvers ?? []), ...(await known(edge))]
  const places = await Promise.all(dids.map(async (did) => ({ did, origin: await originOf(edge, did) })))
  const found = named.map((name) => {
    if (name.startsWith('did:peer:')) return name
    const origin = URL.parse(name)?.origin
    const place = places.find((one) => one.origin === origin)
    if (place) return place.did
    throw fault('NO_RESOLVER', `the DID of ${name} is not known yet: name that, or say "resolver use" first`)
  })
  return resolversFor(edge, found)
}

/** Each is asked, on the way that every question takes, whether it resolves. Rejects with `NO_RESOLVER` for one that does not. */
export async function useResolvers(
  edge: Edge,
  named: readonly string[],
  { openly = false }: { openly?: boolean } = {},
): Promise<ResolutionSettings> {
  const resolvers = await resolversFor(edge, named)
  for (const resolver of resolvers) await requireResolver(edge, resolver)
  const settings = { resolvers, openly }
  await edge.records.commit([put('resolution', 'self', settings)])
  return settings
}

/** The ledger node is asked again. */
export function useNoResolvers(edge: Edge): Promise<void> {
  return edge.records.commit([remove('resolution', 'self')])
}

async function didFor(edge: Edge, name: string): Promise<string> {
  if (name.startsWith('did:peer:')) return name
  if (!/^https?:$/.test(URL.parse(name)?.protocol ?? ''))
    throw fault('NO_RESOLVER', 'a resolver is named by the address of its agency, or by a did:peer')
  const { did } = await agencyDescriptor(edge.ports.fetch, name.replace(/\/+$/, ''))
  if (!did.startsWith('did:peer:')) throw fault('NO_RESOLVER', `the agency at ${name} has no did:peer`)
  return did
}

async function known(edge: Edge): Promise<string[]> {
  const newest = (await edge.records.all('escrow')).at(-1)
  return (newest?.value.agents ?? []).map(({ id }) => id).filter((did) => did.startsWith('did:peer:'))
}

async function requireResolver(edge: Edge, resolver: string): Promise<void> {
  const protocol = protocolOf(RESOLVE)
  try {
    const body = { queries: [{ 'feature-type': 'protocol', match: protocol }] }
    const answer = await askThroughAgency(edge, resolver, { type: QUERIES, body })
    if (answer.type === DISCLOSE && parseDisclosures(answer.body).includes(protocol)) return
  } catch (error) {
    if (!isKeysteadError(error)) throw error
    throw fault(
      'NO_RESOLVER',
      `your agency cannot ask the one at ${await originOf(edge, resolver)}: ${error.message}`,
      error,
    )
  }
  throw fault('NO_RESOLVER', `the agency at ${await originOf(edge, resolver)} resolves nothing for others`)
}
