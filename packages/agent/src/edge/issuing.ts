/** The issuer's side: offer, and issue with an anchor on the ledger. */
import { base64url, canonicalJson, type JsonObject } from '@keystead/core'
import { type AnchorReceipt, anchorBatch, issueCredential } from '@keystead/credentials'
import { decodeMultikey, type PublicKey, verifySignature } from '@keystead/crypto'
import { findMethod } from '@keystead/did'
import { CAPABILITY, capabilitiesOf, type Opening } from '@keystead/did-dkms'
import { ISSUE_CREDENTIAL, OFFER_CREDENTIAL, parseCredentialRequest } from '../protocols/credential/messages.ts'
import { type Edge, fault, nowSeconds, randomId, tell, toPeer } from './context.ts'
import { publicIdentity } from './identities.ts'
import type { Incoming } from './inbox.ts'
import { anchorAs, type Issuer, issuerHere } from './issuer.ts'
import { deviceList, leaveToOthers, thisDevice } from './own-devices/list.ts'
import type { IssuedCredential, Relationship } from './records.ts'
import { lookUpState } from './resolution/lookup.ts'
import { isoTime, ownList } from './status-lists.ts'
import { type Change, put } from './store.ts'

/** What the holder signs to show that the subject DID is theirs. */
export function subjectProof(parts: { nonce: string; issuer: string; subject: string }): Uint8Array {
  return canonicalJson({ protocol: 'https://keystead.dev/credential-subject/1.0', ...parts })
}

export async function offerCredential(
  edge: Edge,
  relationship: Relationship,
  offer: { type: string; claims: JsonObject },
): Promise<IssuedCredential> {
  const { did: issuer } = await issuerHere(edge)
  const id = randomId(edge)
  const nonce = base64url.encode(edge.ports.random(32))
  const device = (await deviceList(edge)) ? { device: (await thisDevice(edge)).account } : {}
  const record: IssuedCredential = { id, ...offer, relationship: relationship.id, nonce, thid: id, ...device }
  const body = { credentialType: offer.type, issuer, claims: offer.claims, nonce }
  await edge.records.commit([
    put('issued', id, record),
    toPeer(edge, relationship, { type: OFFER_CREDENTIAL, thid: id, body }),
  ])
  return record
}

export async function onCredentialRequest(edge: Edge, { message, relationship }: Incoming): Promise<Change[]> {
  const { subject, kid, signature, opening } = parseCredentialRequest(message.body)
  const record = await edge.records.get('issued', message.thid ?? '')
  if (!record || !relationship || record.relationship !== relationship.id)
    return leaveToOthers(edge, 'no offer of ours has this thread')
  if (!(await issuesHere(edge, record))) return leaveToOthers(edge, 'this wallet has no keys to issue with')
  const issuer = await issuerHere(edge)
  if (record.credential && record.receipt) return [issueMessage(edge, relationship, record)]
  const { didDocument, didResolutionMetadata } = await edge.resolver.resolve(subject)
  if (!didDocument) {
    if (didResolutionMetadata.error?.code) await lookUpState(edge, subject)
    throw fault('UNKNOWN_DID', 'the subject DID does not exist')
  }
  const key = opening
    ? await agentKeyOf(edge, subject, opening)
    : findMethod(didDocument, kid, 'authentication')?.publicKey
  const signed = subjectProof({ nonce: record.nonce, issuer: issuer.did, subject })
  if (
    key?.suite !== 'ed25519' ||
    !verifySignature({ suite: 'ed25519', bytes: key.bytes }, signed, base64url.decode(signature))
  )
    throw fault('BAD_MESSAGE', 'the holder does not control the subject DID')
  const issued = await issue(edge, issuer, record, subject)
  tell(edge, { kind: 'issued', text: `issued ${record.type} to ${relationship.label}`, relationship: relationship.id })
  return [put('issued', record.id, issued), issueMessage(edge, relationship, issued)]
}

/** The offer came by the log, to each device: the one that made it issues; where that was revoked, the one with the authority. */
async function issuesHere(edge: Edge, { device }: IssuedCredential): Promise<boolean> {
  const list = device === undefined ? undefined : await deviceList(edge)
  if (list && device === (await thisDevice(edge)).account) return true
  if (list?.devices.some(({ account, revoked }) => account === device && revoked === undefined)) return false
  return (await edge.records.get('identity-keys', (await publicIdentity(edge)).did)) !== undefined
}

/** The key of an agent that may authenticate as the subject now (rule 22). */
async function agentKeyOf(edge: Edge, subject: string, opening: Opening): Promise<PublicKey | undefined> {
  const { state, at } = await lookUpState(edge, subject)
  const caps = state ? capabilitiesOf(state, opening, at.time) : 0
  return (caps & CAPABILITY.AUTHENTICATE) === 0 ? undefined : decodeMultikey(opening.k)
}

async function issue(edge: Edge, issuer: Issuer, record: IssuedCredential, subject: string): Promise<IssuedCredential> {
  const { name, list } = await ownList(edge, issuer)
  const index = list.next
  const status = {
    type: 'BitstringStatusListEntry',
    statusPurpose: 'revocation',
    statusListIndex: String(index),
    statusListCredential: list.url,
  } as const
  // The place is taken before it is used: a crash wastes it, and never gives it twice.
  await edge.records.commit([put('issuer', name, { ...list, next: index + 1 })])
  const credential = await signCredential(issuer, { ...record, subject, validFrom: nowSeconds(edge), status })
  const salt = edge.ports.random(16)
  const { root, paths } = anchorBatch([credential], [salt])
  const seq = await anchorAs(edge, issuer, root)
  const receipt: AnchorReceipt = { v: 1, did: issuer.did, seq, salt: base64url.encode(salt), path: paths[0] ?? [] }
  return { ...record, credential, receipt, index }
}

/** A signed credential without an anchor; what it says about its time nobody can check. */
export async function signOffline(edge: Edge, parts: Omit<Parameters<typeof signCredential>[1], 'status'>) {
  const issuer = await issuerHere(edge)
  if (issuer.agent)
    throw fault(
      'NOT_ALLOWED_NOW',
      'without an anchor nobody knows this device’s key: sign on the one that made your DID',
    )
  return signCredential(issuer, parts)
}

async function signCredential(
  { did: issuer, key, kid }: Issuer,
  parts: {
    type: string
    claims: JsonObject
    subject: string
    validFrom: number
    status?: Parameters<typeof issueCredential>[0]['status']
  },
): Promise<JsonObject> {
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
