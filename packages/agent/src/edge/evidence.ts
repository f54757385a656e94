/** What the ledger proves about a DID, in the words in which credentials are judged. */

import { isKeysteadError, type JsonObject, parseJson } from '@keystead/core'
import {
  type CredentialContext,
  type DidEvidence,
  type KeyEvidence,
  parseCredential,
  readStatusList,
  type StatusList,
  verifyCredential,
} from '@keystead/credentials'
import { decodeMultikey } from '@keystead/crypto'
import { agentPeriods, type KeyPeriod, type Opening } from '@keystead/did-dkms'
import { readAnswer } from '@keystead/light-client'
import { type Edge, nowSeconds } from './context.ts'
import { lookUpHistory, lookUpState } from './resolution/lookup.ts'

const MAX_STATUS_LIST_BYTES = 512 * 1024

/**
 * Undefined: the ledger could not be read. Null: it proves there is no such DID, or the DID is of another method. `opening`: of the
 * agent that is said to have signed; those that signed operations have shown theirs on the ledger.
 */
export async function didEvidence(edge: Edge, did: string, opening?: Opening): Promise<DidEvidence | null | undefined> {
  if (!did.startsWith('did:dkms:')) return null
  try {
    const read = await lookUpState(edge, did)
    if (!read.state) return null
    const { history, level, at } = await lookUpHistory(edge, did)
    return {
      did,
      level,
      asOf: at.time,
      keys: [
        ...history.keys,
        ...shown(history.openings, opening).flatMap((one) => agentPeriods(history, one, at.time)),
      ].flatMap(keyEvidence),
      anchors: history.anchors,
      ...(history.deactivatedAt === undefined ? {} : { deactivatedAt: history.deactivatedAt }),
    }
  } catch (error) {
    if (isKeysteadError(error)) return undefined
    throw error
  }
}

function shown(openings: readonly Opening[], more: Opening | undefined): readonly Opening[] {
  const known = more && openings.some(({ k, salt }) => k === more.k && salt === more.salt)
  return more && !known ? [...openings, more] : openings
}

function keyEvidence(period: KeyPeriod): KeyEvidence[] {
  const key = decodeMultikey(period.k)
  const purposes = period.purposes.filter((name) => name === 'assertionMethod' || name === 'authentication')
  if ((key.suite !== 'ed25519' && key.suite !== 'p256') || purposes.length === 0) return []
  const { kid, from, until, compromisedSince, suspended } = period
  return [
    {
      kid,
      publicKey: { suite: key.suite, bytes: key.bytes },
      purposes,
      from,
      ...(until === undefined ? {} : { until }),
      ...(compromisedSince === undefined ? {} : { compromisedSince }),
      ...(suspended ? { suspended } : {}),
    },
  ]
}

/** Everything a credential is judged by, fetched now. */
export async function credentialContext(
  edge: Edge,
  document: JsonObject,
  receipt: CredentialContext['receipt'] | undefined,
): Promise<CredentialContext> {
  const now = nowSeconds(edge)
  let issuer: DidEvidence | null | undefined
  let statusList: StatusList | undefined
  try {
    const credential = parseCredential(document)
    issuer = await didEvidence(edge, credential.issuer)
    // Nobody but an issuer whose proof holds has us fetch anything.
    const signed = verifyCredential(document, { issuer, now }).outcome !== 'invalid'
    if (credential.status && signed)
      statusList = await fetchStatusList(edge, credential.status.statusListCredential, credential.issuer, issuer)
  } catch {
    // a malformed credential is judged by verifyCredential itself
  }
  return { issuer, now, ...(receipt ? { receipt } : {}), ...(statusList ? { statusList } : {}) }
}

/** The issuer's list, if it can be had and its own proof holds. */
async function fetchStatusList(
  edge: Edge,
  url: string,
  issuer: string,
  evidence: DidEvidence | null | undefined,
): Promise<StatusList | undefined> {
  try {
    const bytes = await bytesAt(edge, url)
    if (!bytes) return undefined
    const document = parseJson(bytes, MAX_STATUS_LIST_BYTES) as JsonObject
    const list = await readStatusList(document)
    if (list.issuer !== issuer || list.id !== url) return undefined
    const verdict = verifyCredential(document, { issuer: evidence, now: nowSeconds(edge) })
    return verdict.outcome === 'valid' ? list : undefined
  } catch {
    return undefined
  }
}

/**
 * A stranger named the address. Our own agency's is asked as ever; others only by https, and through `web` where there is one,
 * which reaches public addresses alone. Who runs everything on one machine, and so has an agency on http, may ask others there.
 */
async function bytesAt(edge: Edge, url: string): Promise<Uint8Array | undefined> {
  const { web, fetch } = edge.ports
  const own = new URL((await edge.records.get('profile', 'self'))?.agency?.url ?? 'https://nobody.invalid')
  const { origin, protocol } = new URL(url)
  if (protocol !== 'https:' && protocol !== own.protocol) return undefined
  if (web && protocol === 'https:' && origin !== own.origin) return web(url, MAX_STATUS_LIST_BYTES)
  const response = await fetch(url, { signal: AbortSignal.timeout(10_000) })
  return response.status === 200 ? readAnswer(response, MAX_STATUS_LIST_BYTES) : undefined
}
