/**
 * Status lists (CREDENTIAL-11 to 13), one of each device that issues, signed with its key and shown at the agency. One that was revoked
 * signs no list any more: another takes up what it has issued (CREDENTIAL-24).
 */
import { base64url, canonicalJson, type JsonObject, multihash } from '@keystead/core'
import { emptyStatusList, issueStatusList, parseCredential, withStatus } from '@keystead/credentials'
import { sha256 } from '@keystead/crypto'
import { PUBLISH, parsePublished } from '../protocols/publish/messages.ts'
import { askAgency } from './agency-link.ts'
import { type Edge, fault, nowSeconds } from './context.ts'
import { type Issuer, issuerHere, showOnLedger } from './issuer.ts'
import { deviceList, foundsLog } from './own-devices/list.ts'
import type { IssuedCredential, IssuerRecord } from './records.ts'
import { put } from './store.ts'

export const isoTime = (seconds: number): string => new Date(seconds * 1000).toISOString().replace('.000Z', 'Z')

interface NamedList {
  readonly name: string
  readonly list: IssuerRecord
}

/** This device's list; made the first time. */
export async function ownList(edge: Edge, issuer: Issuer): Promise<NamedList> {
  const { did, agent } = issuer
  // The records of several devices come together in a recovery.
  const name = agent ? `${did} ${agent.h}` : did
  const existing = await edge.records.get('issuer', name)
  if (existing) return { name, list: existing }
  const file = base64url.encode(edge.ports.random(16))
  const url = await publish(edge, file, { id: 'about:blank' })
  const list: IssuerRecord = { did, file, url, next: 0, changes: [], published: false }
  await edge.records.commit([put('issuer', name, list)])
  return { name, list: await publishStatusList(edge, name, list) }
}

/** Signs the list with today's key and shows it. */
export async function publishStatusList(edge: Edge, name: string, record: IssuerRecord): Promise<IssuerRecord> {
  const list = record.changes.reduce((bits, { index }) => withStatus(bits, index), emptyStatusList())
  const issuer = await issuerHere(edge)
  const { url, did, changes } = record
  const status = { id: url, issuer: did, validFrom: isoTime(nowSeconds(edge)), list, changes }
  const document = await issueStatusList(status, issuer.key, issuer.kid)
  // A list of nothing is shown before anything was signed with the key.
  if (record.next > 0) await showOnLedger(edge, issuer, multihash.encode(sha256(canonicalJson(document))))
  await publish(edge, record.file, document)
  const published = { ...record, published: true }
  await edge.records.commit([put('issuer', name, published)])
  return published
}

/** Part of every sync: lists that changed while the agency was away, or whose key was rotated since, or whose device was revoked. */
export async function publishPending(edge: Edge): Promise<void> {
  await takeUpLists(edge)
  for (const { name, value } of await edge.records.all('issuer'))
    if (!value.published) await publishStatusList(edge, name, value)
}

async function publish(edge: Edge, name: string, document: JsonObject): Promise<string> {
  const attachment = canonicalJson(document)
  const { body } = await askAgency(edge, { type: PUBLISH, body: { name, mediaType: 'application/vc' }, attachment })
  return parsePublished(body)
}

/** One device does so: the first, or in its place the one that would found the log. */
async function takeUpLists(edge: Edge): Promise<void> {
  const revoked = (await deviceList(edge))?.devices.filter((device) => device.revoked !== undefined) ?? []
  if (revoked.length === 0 || !(await foundsLog(edge))) return
  const issued = (await edge.records.all('issued')).map(({ value }) => value)
  const lost = issued.filter(({ device }) => revoked.some(({ account }) => account === device))
  for (const url of new Set(lost.flatMap((one) => listOf(one) ?? []))) await takeUp(edge, url, issued)
}

/** As what was issued says, which the devices share; undefined for what names no list of its own. */
async function takeUp(edge: Edge, url: string, issued: readonly IssuedCredential[]): Promise<NamedList | undefined> {
  const lists = await edge.records.all('issuer')
  const found = lists.find(({ value }) => value.url === url)
  if (found) return { name: found.name, list: found.value }
  const file = fileOf(url)
  if (file === undefined || lists.some(({ value }) => value.file === file)) return undefined
  const { did } = await issuerHere(edge)
  const all = issued.filter((one) => listOf(one) === url)
  const list: IssuerRecord = {
    did,
    file,
    url,
    next: Math.max(...all.map(({ index = 0 }) => index)) + 1,
    changes: all.flatMap(({ index = 0, revokedAt: at }) => (at === undefined ? [] : [{ index, at }])),
    published: false,
  }
  const name = `${did} ${file}`
  await edge.records.commit([put('issuer', name, list)])
  return { name, list }
}

/** As agencies show it: a stolen device may have written any address. */
const fileOf = (url: string): string | undefined => /\/v1\/files\/([A-Za-z0-9_-]{22})$/.exec(url)?.[1]

const listOf = ({ credential }: IssuedCredential): string | undefined =>
  credential && parseCredential(credential).status?.statusListCredential

/** Revokes; resolves when the new list is shown, or says that it waits. */
export async function revokeCredential(edge: Edge, id: string): Promise<IssuedCredential> {
  const record = await findIssued(edge, id)
  const url = listOf(record)
  if (record.index === undefined || url === undefined)
    throw fault('UNKNOWN_CREDENTIAL', 'this credential was never issued')
  await issuerHere(edge)
  const { name, list } = await listFor(edge, record, url)
  const at = nowSeconds(edge)
  if (record.revokedAt !== undefined) return record
  const revoked = { ...record, revokedAt: at }
  const changed = { ...list, changes: [...list.changes, { index: record.index, at }], published: false }
  await edge.records.commit([put('issued', record.id, revoked), put('issuer', name, changed)])
  await publishStatusList(edge, name, changed)
  return revoked
}

/** A list has one writer: while the device that issued stands, it revokes, too. */
async function listFor(edge: Edge, { device }: IssuedCredential, url: string): Promise<NamedList> {
  const found = (await edge.records.all('issuer')).find(({ value }) => value.url === url)
  if (found) return { name: found.name, list: found.value }
  const issued = (await edge.records.all('issued')).map(({ value }) => value)
  const by = (await deviceList(edge))?.devices.find(({ account }) => account === device)
  const taken = by?.revoked === undefined ? undefined : await takeUp(edge, url, issued)
  if (taken) return taken
  throw fault(
    'NOT_ALLOWED_NOW',
    `${by?.name ?? 'another device of yours'} issued it and keeps its list: revoke it there`,
  )
}

async function findIssued(edge: Edge, id: string): Promise<IssuedCredential> {
  const matches = (await edge.records.all('issued')).filter(({ name }) => name.startsWith(id))
  const [found, ...others] = matches
  if (!found || others.length > 0) throw fault('UNKNOWN_CREDENTIAL', `no single issued credential is called "${id}"`)
  return found.value
}
