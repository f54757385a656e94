/** CREDENTIAL-21: what happens to several DIDs of one owner, and is not urgent, happens at times of their own. */
import { type Edge, nowSeconds } from '../context.ts'
import { followLedger } from '../identities.ts'
import { rotateIdentity } from '../identity-operations.ts'
import { quietly } from '../quietly.ts'
import type { SubjectMade } from '../records.ts'
import { put } from '../store.ts'

/** Seconds since 1970. A day where the shortest recovery takes an hour; a network for development shortens both. */
export function withinADay(edge: Edge): number {
  const { minRecoveryDelay } = edge.ports.ledger.genesis.parameters
  const [a = 0, b = 0, c = 0] = edge.ports.random(3)
  return nowSeconds(edge) + Math.floor(((a * 65_536 + b * 256 + c) / 2 ** 24) * 24 * minRecoveryDelay)
}

/** A DID that was made for an issuer, by whoever has the authority; asked for again, it keeps its time. */
export async function rotateLater(edge: Edge, did: string): Promise<void> {
  const known = (await edge.records.get('subject', did)) ?? { spares: [], known: [], told: [] }
  await edge.records.commit([put('subject', did, { rotateAt: withinADay(edge), ...known })])
}

/** Part of every sync. */
export async function rotateDue(edge: Edge): Promise<void> {
  for (const { name: did, value } of await edge.records.all('subject')) {
    const { rotateAt, ...rest } = value
    if (rotateAt === undefined || rotateAt > nowSeconds(edge)) continue
    const brought = await quietly(edge, () => rotateNow(edge, did, rest), false)
    if (!brought)
      await edge.records.commit([put('subject', did, { ...rest, rotateAt: nowSeconds(edge) + AGAIN_SECONDS })])
  }
}

/** Until a rotation that was refused is tried again: each try is an operation that may still enter. */
const AGAIN_SECONDS = 3600

async function rotateNow(edge: Edge, did: string, after: SubjectMade): Promise<true> {
  await followLedger(edge, did)
  await rotateIdentity(edge, did, { also: [put('subject', did, after)] })
  return true
}
