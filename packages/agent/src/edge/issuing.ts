/** The issuer's side: offer, issue with an anchor on the ledger, revoke through a published status list. */
import { base64url, canonicalJson, type JsonObject } from '@keystead/core'
import {
  type AnchorReceipt,
  anchorBatch,
  emptyStatusList,
  issueCredential,
  issueStatusList,
  withStatus,
} from '@keystead/credentials'
import { decodeMultikey, type PublicKey, verifySignature } from '@keystead/crypto'
import { findMethod } from '@keystead/did'
import { CAPABILITY, capabilitiesOf, type Opening } from '@keystead/did-dkms'
import { ISSUE_CREDENTIAL, OFFER_CREDENTIAL, parseCredentialRequest } from '../protocols/credential/messages.ts'
import { PUBLISH, parsePublished } from '../protocols/publish/messages.ts'
import { askAgency } from './agency-link.ts'
import { type Edge, fault, nowSeconds, randomId, tell, toPeer } from './context.ts'
import { identitySigner, publicIdentity } from './identities.ts'
import { anchorRoot } from './identity-operations.ts'
import type { Incoming } from './inbox.ts'
import { leaveToOthers } from './own-devices/list.ts'
import type { IssuedCredential, IssuerRecord, Relationship } from './records.ts'
import { lookUpState } from './resolution/lookup.ts'
import { type Change, put } from './store.ts'

export const isoTime = (seconds: number): string => new Date(seconds * 1000).toISOString().replace('.000Z', 'Z')

/** What the holder signs to show that the subject DID is theirs. */
export function subjectProof(parts: { nonce: string; issuer: string; subject: string }): Uint8Array {
  return canonicalJson({ protocol: 'https://keystead.dev/credential-subject/1.0', ...parts })
}

export async function offerCredential(
  edge: Edge,
  relationship: Relationship,
  offer: { type: string; claims: JsonObject },
): Promise<IssuedCredential> {
  const issuer = await issuerHere(edge)
  const id = randomId(edge)
  const nonce = base64url.encode(edge.ports.random(32))
  const record: IssuedCredential = { id, ...offer, relationship: relationship.id, nonce, thid: id }
  const body = { credentialType: offer.type, issuer, claims: offer.claims, nonce }
  await edge.records.commit([
    put('issued', id, record),
    toPeer(edge, relationship, { type: OFFER_CREDENTIAL, thid: id, body }),
  ])
  return record
}

/** The DID that issues. Throws `NO_IDENTITY` on a device without its keys, which another of the owner's has. */
async function issuerHere(edge: Edge): Promise<string> {
  const { did } = await publicIdentity(edge)
  if (!(await edge.records.get('identity-keys', did)))
    throw fault('NO_IDENTITY', 'this device has no keys of your public DID: issue and revoke on the one that has')
  return did
}

export async function onCredentialRequest(edge: Edge, { message, relationship }: Incoming): Promise<Change[]> {
  const { subject, kid, signature, opening } = parseCredentialRequest(message.body)
  const record = await edge.records.get('issued', message.thid ?? '')
  if (!record || !relationship || record.relationship !== relationship.id)
    return leaveToOthers(edge, 'no offer of ours has this thread')
  const { did: issuer } = await publicIdentity(edge)
  // The offer came by the log: the device that issues holds the keys.
  if (!(await edge.records.get('identity-keys', issuer)))
    return leaveToOthers(edge, 'this wallet has no keys to issue with')
  if (record.credential && record.receipt) return [issueMessage(edge, relationship, record)]
  const { didDocument, didResolutionMetadata } = await edge.resolver.resolve(subject)
  if (!didDocument) {
    if (didResolutionMetadata.error?.code) await lookUpState(edge, subject)
    throw fault('UNKNOWN_DID', 'the subject DID does not exist')
  }
  const key = opening
    ? await agentKeyOf(edge, subject, opening)
    : findMethod(didDocument, kid, 'authentication')?.publicKey
  const signed = subjectProof({ nonce: record.nonce, issuer, subject })
  if (
    key?.suite !== 'ed25519' ||
    !verifySignature({ suite: 'ed25519', bytes: key.bytes }, signed, base64url.decode(signature))
  )
    throw fault('BAD_MESSAGE', 'the holder does not control the subject DID')
  const issued = await issue(edge, issuer, record, subject)
  tell(edge, { kind: 'issued', text: `issued ${record.type} to ${relationship.label}`, relationship: relationship.id })
  return [put('issued', record.id, issued), issueMessage(edge, relationship, issued)]
}

/** The key of an agent that may authenticate as the subject now (rule 22). */
async function agentKeyOf(edge: Edge, subject: string, opening: Opening): Promise<PublicKey | undefined> {
  const { state, at } = await edge.ports.ledger.resolve(subject)
  const caps = state ? capabilitiesOf(state, opening, at.time) : 0
  return (caps & CAPABILITY.AUTHENTICATE) === 0 ? undefined : decodeMultikey(opening.k)
}

async function issue(edge: Edge, issuer: string, record: IssuedCredential, subject: string): Promise<IssuedCredential> {
  const list = await issuerRecord(edge, issuer)
  const index = list.next
  const status = {
    type: 'BitstringStatusListEntry',
    statusPurpose: 'revocation',
    statusListIndex: String(index),
    statusListCredential: list.url,
  } as const
  // The place is taken before it is used: a crash wastes it, and never gives it twice.
  await edge.records.commit([put('issuer', issuer, { ...list, next: index + 1 })])
  const credential = await signCredential(edge, issuer, { ...record, subject, validFrom: nowSeconds(edge), status })
  const salt = edge.ports.random(16)
  const { root, paths } = anchorBatch([credential], [salt])
  const seq = await anchorRoot(edge, issuer, root)
  const receipt: AnchorReceipt = { v: 1, did: issuer, seq, salt: base64url.encode(salt), path: paths[0] ?? [] }
  return { ...record, credential, receipt, index }
}

/** A signed credential without an anchor; what it says about its time nobody can check. */
export async function signCredential(
  edge: Edge,
  issuer: string,
  parts: {
    type: string
    claims: JsonObject
    subject: string
    validFrom: number
    status?: Parameters<typeof issueCredential>[0]['status']
  },
): Promise<JsonObject> {
  const { kid, key } = await identitySigner(edge, issuer)
  const { type, claims, subject, status } = parts
  const template = { type, issuer, subject, claims, validFrom: isoTime(parts.validFrom), ...(status ? { status } : {}) }
  return issueCredential(template, key, kid)
}

function issueMessage(edge: Edge, relationship: Relationship, issued: IssuedCredential): Change {
  return toPeer(edge, relationship, {
    type: ISSUE_CREDENTIAL,
    thid: issued.thid,
    body: {},
    attachments: [
      { id: 'credential', mediaType: 'application/vc', json: issued.credential as JsonObject },
      { id: 'receipt', mediaType: 'application/json', json: issued.receipt as unknown as JsonObject },
    ],
  })
}

/** Our status list, shown at the agency; made the first time. */
async function issuerRecord(edge: Edge, did: string): Promise<IssuerRecord> {
  const existing = await edge.records.get('issuer', did)
  if (existing) return existing
  const file = base64url.encode(edge.ports.random(16))
  const url = await publish(edge, file, { id: 'about:blank' })
  const record: IssuerRecord = { did, file, url, next: 0, changes: [], published: false }
  await edge.records.commit([put('issuer', did, record)])
  return publishStatusList(edge, record)
}

/** Signs the list with today's key and shows it. */
export async function publishStatusList(edge: Edge, record: IssuerRecord): Promise<IssuerRecord> {
  const list = record.changes.reduce((bits, { index }) => withStatus(bits, index), emptyStatusList())
  const { kid, key } = await identitySigner(edge, record.did)
  const { url, did, changes } = record
  const status = { id: url, issuer: did, validFrom: isoTime(nowSeconds(edge)), list, changes }
  await publish(edge, record.file, await issueStatusList(status, key, kid))
  const published = { ...record, published: true }
  await edge.records.commit([put('issuer', record.did, published)])
  return published
}

/** Lists that changed while the agency was away, or whose key was rotated since, are shown again. */
export async function publishPending(edge: Edge): Promise<void> {
  for (const { value } of await edge.records.all('issuer')) if (!value.published) await publishStatusList(edge, value)
}

async function publish(edge: Edge, name: string, document: JsonObject): Promise<string> {
  const attachment = canonicalJson(document)
  const { body } = await askAgency(edge, { type: PUBLISH, body: { name, mediaType: 'application/vc' }, attachment })
  return parsePublished(body)
}

/** Revokes; resolves when the new list is shown, or says that it waits. */
export async function revokeCredential(edge: Edge, id: string): Promise<IssuedCredential> {
  const record = await findIssued(edge, id)
  if (record.index === undefined || !record.credential)
    throw fault('UNKNOWN_CREDENTIAL', 'this credential was never issued')
  const did = await issuerHere(edge)
  const list = await issuerRecord(edge, did)
  const at = nowSeconds(edge)
  if (record.revokedAt !== undefined) return record
  const revoked = { ...record, revokedAt: at }
  const changed = { ...list, changes: [...list.changes, { index: record.index, at }], published: false }
  await edge.records.commit([put('issued', record.id, revoked), put('issuer', did, changed)])
  await publishStatusList(edge, changed)
  return revoked
}

async function findIssued(edge: Edge, id: string): Promise<IssuedCredential> {
  const matches = (await edge.records.all('issued')).filter(({ name }) => name.startsWith(id))
  const [found, ...others] = matches
  if (!found || others.length > 0) throw fault('UNKNOWN_CREDENTIAL', `no single issued credential is called "${id}"`)
  return found.value
}
