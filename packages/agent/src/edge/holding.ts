/** The holder's side: take up an offer with a DID made for this issuer, keep what comes, present it bound to a challenge. */
import { base64url, type JsonObject, parseJson } from '@keystead/core'
import { createPresentation, parseCredential, parseReceipt, verifyCredential } from '@keystead/credentials'
import { attachmentBytes, type Message } from '@keystead/didcomm'
import { MAX_CREDENTIAL_BYTES } from '../limits.ts'
import {
  PRESENTATION,
  parseOffer,
  parsePresentationRequest,
  REQUEST_CREDENTIAL,
} from '../protocols/credential/messages.ts'
import { type Edge, fault, nowSeconds, tell, toPeer } from './context.ts'
import { credentialContext } from './evidence.ts'
import { createIdentity, identitySigner } from './identities.ts'
import type { Incoming } from './inbox.ts'
import { subjectProof } from './issuing.ts'
import { deviceList, siblings } from './own-devices/list.ts'
import type { HeldCredential, PendingRequest, Relationship } from './records.ts'
import { type Change, put, remove } from './store.ts'
import { requireAuthenticate } from './subjects/allowed.ts'
import { requireSubjectSigner, type SubjectSigner, subjectSigner } from './subjects/signer.ts'

export async function onOffer(edge: Edge, { message, relationship }: Incoming): Promise<Change[]> {
  const offer = parseOffer(message.body)
  if (!relationship) return []
  const claims = Object.entries(offer.claims).map(([name, value]) => `${name} = ${JSON.stringify(value)}`)
  const summary = `${relationship.label} offers you a credential "${offer.credentialType}": ${claims.join(', ')}`
  return request(edge, message, relationship, 'credential-offer', summary)
}

export async function onPresentationRequest(edge: Edge, { message, relationship }: Incoming): Promise<Change[]> {
  const asked = parsePresentationRequest(message.body)
  if (!relationship) return []
  const summary = `${relationship.label} asks to see a credential "${asked.credentialType}" (for ${asked.domain})`
  return request(edge, message, relationship, 'presentation-request', summary)
}

/** Something for the person to decide. What they are looking at already is not exchanged under their hands. */
export async function request(
  edge: Edge,
  message: Message,
  relationship: Relationship,
  kind: PendingRequest['kind'],
  summary: string,
): Promise<Change[]> {
  const thid = message.thid ?? message.id
  if (await edge.records.get('request', thid)) throw fault('NOT_ALLOWED_NOW', 'a request of this thread waits already')
  tell(edge, { kind: 'request', text: summary, relationship: relationship.id })
  const received = nowSeconds(edge)
  const { id: from } = relationship
  return [put('request', thid, { id: thid, kind, relationship: from, summary, received, thid, body: message.body })]
}

/** Makes or reuses the DID for this issuer (rule 22), proves control of it, and asks for the credential. */
export async function acceptOffer(edge: Edge, pending: PendingRequest, relationship: Relationship): Promise<void> {
  const offer = parseOffer(pending.body)
  const { did: subject, signer } = await subjectFor(edge, offer.issuer)
  const { kid, key, opening } = signer
  const signature = base64url.encode(
    await key.sign(subjectProof({ nonce: offer.nonce, issuer: offer.issuer, subject })),
  )
  const body = { subject, kid, signature, ...(opening ? { opening: { ...opening } } : {}) }
  await edge.records.commit([
    toPeer(edge, relationship, { type: REQUEST_CREDENTIAL, thid: pending.thid, body }),
    remove('request', pending.id),
  ])
}

/** The DID made for this issuer that this device signs as; another one where there is none, or none that it can sign as now. */
async function subjectFor(edge: Edge, issuer: string): Promise<{ did: string; signer: SubjectSigner }> {
  const label = `for ${issuer}`
  const made = (await edge.records.all('identity')).flatMap(({ value: { did, use, status, ...one } }) =>
    use === 'subject' && one.label === label && status !== 'retired' && status !== 'lost' ? [did] : [],
  )
  const held = (await edge.records.all('credential')).flatMap(({ value: { credential, subject } }) =>
    parseCredential(credential).issuer === issuer && !made.includes(subject) ? [subject] : [],
  )
  for (const did of new Set([...made, ...held])) {
    const signer = await subjectSigner(edge, did)
    if (signer) return { did, signer }
  }
  if (await deviceList(edge)) await requireAuthenticate(edge)
  const { did } = await createIdentity(edge, { label, use: 'subject' })
  return { did, signer: await identitySigner(edge, did) }
}

/** What another device made for the issuer, and this one signs as, with or without that device. */
async function signsAs(edge: Edge, issuer: string, subject: string): Promise<boolean> {
  if (!(await edge.records.get('subject-key', subject))) return false
  const held = (await edge.records.all('credential')).map(({ value }) => value)
  return held.some((one) => one.subject === subject && parseCredential(one.credential).issuer === issuer)
}

/** What an issuer sends is checked like anybody's before it is kept. */
export async function onIssued(edge: Edge, { message, relationship }: Incoming): Promise<Change[]> {
  if (!relationship) return []
  const credential = jsonAttachment(message, 'credential')
  const receipt = parseReceipt(jsonAttachment(message, 'receipt'))
  const { issuer, subject = '', types } = parseCredential(credential)
  const own = await edge.records.get('identity', subject)
  const given = own ? own.label === `for ${issuer}` : await signsAs(edge, issuer, subject)
  // Another device gave a DID of its own for it, and is brought the same.
  if (!own && !given && (await siblings(edge)).length > 0) return []
  if (!given) throw fault('BAD_MESSAGE', 'the credential is not about the DID we gave')
  const verdict = verifyCredential(credential, await credentialContext(edge, credential, receipt))
  if (verdict.outcome === 'invalid')
    throw fault(
      'BAD_MESSAGE',
      verdict.checks.find((check) => check.outcome === 'invalid')?.text ?? 'the credential is not valid',
    )
  const held: HeldCredential = {
    credential,
    receipt,
    subject,
    relationship: relationship.id,
    received: nowSeconds(edge),
  }
  const name = types.at(-1) ?? 'credential'
  tell(edge, {
    kind: 'credential',
    text: `received ${name} from ${relationship.label}: ${verdict.outcome}`,
    relationship: relationship.id,
  })
  return [put('credential', message.thid ?? message.id, held)]
}

/** Presents the newest credential that fits what was asked. */
export async function present(edge: Edge, pending: PendingRequest, relationship: Relationship): Promise<void> {
  const asked = parsePresentationRequest(pending.body)
  const fitting = (await edge.records.all('credential'))
    .map(({ value }) => value)
    .filter(({ credential }) => {
      const { types, issuer } = parseCredential(credential)
      return types.includes(asked.credentialType) && (asked.issuers.length === 0 || asked.issuers.includes(issuer))
    })
    .sort((a, b) => b.received - a.received)
  const [held] = fitting
  if (!held) throw fault('UNKNOWN_CREDENTIAL', `you hold no credential "${asked.credentialType}" that was asked for`)
  const { kid, key, opening } = await requireSubjectSigner(edge, held.subject)
  const binding = { challenge: asked.challenge, domain: asked.domain }
  const presentation = await createPresentation(held.subject, [held.credential], binding, key, kid)
  await edge.records.commit([
    toPeer(edge, relationship, {
      type: PRESENTATION,
      thid: pending.thid,
      body: {},
      attachments: [
        { id: 'presentation', mediaType: 'application/vp', json: presentation },
        { id: 'receipts', mediaType: 'application/json', json: { receipts: [held.receipt] } as unknown as JsonObject },
        ...(opening ? [{ id: 'opening', mediaType: 'application/json', json: { ...opening } }] : []),
      ],
    }),
    remove('request', pending.id),
  ])
}

/** A JSON attachment by id. Throws `BAD_MESSAGE`. */
export function jsonAttachment(message: Message, id: string): JsonObject {
  const attachment = message.attachments?.find((candidate) => candidate.id === id)
  if (!attachment) throw fault('BAD_MESSAGE', `the message lacks its attachment "${id}"`)
  return parseJson(attachmentBytes(attachment), MAX_CREDENTIAL_BYTES * 2) as JsonObject
}
