/**
 * The devices tell each other of DIDs made for an issuer (CREDENTIAL-19): who has the authority, and what the entry of each other
 * device is called. A key is made for one DID by the device that will sign with it, and never copied (rule 1).
 */
import type { JsonObject } from '@keystead/core'
import { MAX_SUBJECT_DIDS } from '../../limits.ts'
import { MAX_KEY_SETS, type OwnDevice } from '../../protocols/own-devices/messages.ts'
import { SUBJECT_KEYS, type SubjectKeyOffer } from '../../protocols/own-devices/subject-keys.ts'
import { newAgentKey } from '../agent-key.ts'
import { type Edge, fault, nowSeconds } from '../context.ts'
import { flushOutbox } from '../outbox.ts'
import { siblings, tellDevices } from '../own-devices/list.ts'
import type { SubjectEntry } from '../records.ts'
import { type Change, put } from '../store.ts'
import { withinADay } from './times.ts'

/** Part of every sync. What another device was told once it is not told again. */
export async function tellSubjectKeys(edge: Edge, wanted: readonly string[] = []): Promise<void> {
  const others = (await siblings(edge)).map(({ account }) => account)
  if (others.length === 0) return
  const changes: Change[] = []
  const news = new Map<string, SubjectKeyOffer[]>()
  for (const did of new Set([...(await subjectDids(edge)), ...wanted])) {
    const held = (await edge.records.get('identity-keys', did)) !== undefined
    const known = await edge.records.get(held ? 'subject' : 'subject-key', did)
    const untold = others.filter((account) => known?.told.includes(account) !== true)
    if (untold.length === 0) continue
    const told = [...(known?.told ?? []), ...untold]
    let offer: SubjectKeyOffer = { did }
    if (held) changes.push(put('subject', did, { spares: [], known: [], ...known, told }))
    else {
      const own = (await edge.records.get('subject-key', did)) ?? { ...(await newAgentKey(edge, did)), told: [] }
      changes.push(put('subject-key', did, { ...own, told }))
      offer = { did, h: own.h }
    }
    for (const account of untold) news.set(account, [...(news.get(account) ?? []), offer])
  }
  for (const [account, keys] of news)
    for (let from = 0; from < keys.length; from += MAX_KEY_SETS)
      changes.push(...(await tellOf(edge, keys.slice(from, from + MAX_KEY_SETS), account)))
  await edge.records.commit(changes)
}

/** A person waits to sign as this DID: whoever has the authority puts the entry there at once. */
export async function askForEntry(edge: Edge, did: string): Promise<void> {
  await tellSubjectKeys(edge, [did])
  const own = await edge.records.get('subject-key', did)
  if (own) await edge.records.commit(await tellOf(edge, [{ did, h: own.h, now: true }]))
  await flushOutbox(edge)
}

const tellOf = (edge: Edge, keys: readonly SubjectKeyOffer[], only?: string): Promise<Change[]> =>
  tellDevices(edge, SUBJECT_KEYS, { keys } as unknown as JsonObject, only)

/** DIDs of this owner that were made for an issuer, as far as this device has heard of them. */
async function subjectDids(edge: Edge): Promise<string[]> {
  const [identities, entries] = [
    (await edge.records.all('identity')).map(({ value }) => value),
    await edge.records.all('subject-entry'),
  ]
  const other = new Set(
    identities.flatMap(({ did, use, status }) =>
      use === 'public' || status === 'retired' || status === 'lost' ? [did] : [],
    ),
  )
  const all = [...identities.map(({ did }) => did), ...entries.map(({ value }) => value.did)]
  return [...new Set(all)].filter((did) => !other.has(did)).slice(0, MAX_SUBJECT_DIDS)
}

export async function onSubjectKeys(
  edge: Edge,
  { account: device }: OwnDevice,
  offers: readonly SubjectKeyOffer[],
): Promise<Change[]> {
  const changes: Change[] = []
  const heard = new Set((await edge.records.all('subject-entry')).map(({ value }) => value.did))
  for (const { did, h, now } of offers) {
    if (heard.add(did).size > MAX_SUBJECT_DIDS) throw fault('NOT_ALLOWED_NOW', 'devices tell of too many DIDs')
    const before = await edge.records.get('subject-entry', nameOf(did, device))
    // Who made it stays that: with a name for an entry, its key would be left in the document when it is revoked.
    if (before && (before.h === undefined || (before.h === h && !now))) continue
    const same = before?.h === h ? before : undefined
    const another = !same && before?.h !== undefined
    const replaced = another ? [...(before.replaced ?? []), before.h] : before?.replaced
    // A name that is forgotten would be left on the ledger.
    if (replaced && replaced.length > MAX_REPLACED)
      throw fault('NOT_ALLOWED_NOW', 'a device renames its entry too often')
    const atOnce = now || another || (await wasThere(edge, did, device))
    const entry: SubjectEntry = {
      ...same,
      did,
      device,
      due: atOnce ? nowSeconds(edge) : (same?.due ?? withinADay(edge)),
      ...(h === undefined ? {} : { h }),
      ...(replaced ? { replaced } : {}),
    }
    changes.push(put('subject-entry', nameOf(did, device), entry))
  }
  return changes
}

export const nameOf = (did: string, device: string): string => `${did} ${device}`

/** Names that a device took back and that are still on the ledger; with more than these it is being played with. */
const MAX_REPLACED = 8

/** The device was one of the owner's when this one made the DID: what happens to that DID now says nothing of another. */
async function wasThere(edge: Edge, did: string, device: string): Promise<boolean> {
  return (await edge.records.get('subject', did))?.known.includes(device) === true
}
