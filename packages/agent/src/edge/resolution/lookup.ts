/**
 * RESOLVE-7, RESOLVE-8: how every DID of somebody else is read from the ledger. With resolvers named, by one of them, and by nobody else
 * unless the owner said so; what it shows is verified as the ledger node's answer is, against the same pin.
 */
import { isKeysteadError } from '@keystead/core'
import type { ReadOptions, VerifiedHistory, VerifiedResolution } from '@keystead/light-client'
import { type Edge, fault, profileOf, tell } from '../context.ts'
import { lookupAt, originOf } from './ask.ts'
import { resolutionSettings } from './settings.ts'

/** The ledger's state of somebody else's DID. Rejects as `LedgerClient.resolve`, or with `RESOLVER_UNREACHABLE`. */
export function lookUpState(edge: Edge, did: string): Promise<VerifiedResolution> {
  return lookUp(edge, did, (how) => edge.ports.ledger.resolve(did, how))
}

/** The same with every operation. */
export function lookUpHistory(edge: Edge, did: string): Promise<VerifiedHistory> {
  return lookUp(edge, did, (how) => edge.ports.ledger.history(did, how))
}

export async function lookUp<T>(edge: Edge, did: string, read: (how: ReadOptions) => Promise<T>): Promise<T> {
  const settings = await resolutionSettings(edge)
  if (!settings || (await isKnownThere(edge, did))) return read({})
  try {
    return await byOneOf(edge, settings.resolvers, read)
  } catch (error) {
    if (!settings.openly || !isKeysteadError(error, 'RESOLVER_UNREACHABLE')) throw error
    tell(edge, {
      kind: 'resolved-openly',
      text: `${error.message}; the ledger node is asked instead, as you allowed, and learns whose DID you look up`,
    })
    return read({})
  }
}

/** In an order of chance, so that none of them learns all. The next is asked where one does not answer or is behind. */
export async function byOneOf<T>(
  edge: Edge,
  resolvers: readonly string[],
  read: (how: ReadOptions) => Promise<T>,
): Promise<T> {
  const left = inAnyOrder(edge, await ofOthers(edge, resolvers))
  for (;;) {
    const resolver = left.pop()
    if (resolver === undefined)
      throw fault('RESOLVER_UNREACHABLE', 'all resolvers that were named are agencies of yours by now: name others')
    try {
      return await read({ lookup: lookupAt(edge, resolver) })
    } catch (error) {
      // A node is asked for the chain alone, by our agency.
      if (isKeysteadError(error, 'LEDGER_UNREACHABLE'))
        throw fault('RESOLVER_UNREACHABLE', 'nobody shows how the ledger went on, so nothing can be verified', error)
      if (left.length === 0 || !isKeysteadError(error, 'RESOLVER_UNREACHABLE', 'HEADER_STALE')) throw error
    }
  }
}

/** Our own DIDs: the node has them from us, with every operation. And the way to our agency, which the question itself takes. */
async function isKnownThere(edge: Edge, did: string): Promise<boolean> {
  if (await edge.records.get('identity', did)) return true
  return (await profileOf(edge)).agency?.did === did
}

/** Without agencies that know who we are: one may have become ours by a move or a recovery. By address, which outlives a DID. */
export async function ofOthers(edge: Edge, resolvers: readonly string[]): Promise<string[]> {
  const { agency, former, next } = await profileOf(edge)
  const ours = new Set<string>()
  for (const one of [agency, former, next])
    if (one) ours.add(new URL(one.url).origin).add(await originOf(edge, one.did))
  const named = await Promise.all(resolvers.map(async (did) => ({ did, origin: await originOf(edge, did) })))
  return named.filter(({ origin }) => !ours.has(origin)).map(({ did }) => did)
}

/** Fisher and Yates; a byte a step, of which at most eight are taken, is even enough. */
function inAnyOrder(edge: Edge, items: readonly string[]): string[] {
  const order = [...items]
  for (let n = order.length - 1; n > 0; n--) {
    const other = (edge.ports.random(1)[0] ?? 0) % (n + 1)
    const [a, b] = [order[n] as string, order[other] as string]
    order[n] = b
    order[other] = a
  }
  return order
}
