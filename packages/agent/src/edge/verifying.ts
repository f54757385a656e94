/** The verifier's side: ask, judge what comes by the ledger's proofs, and look again later. */
import { base64url, Fields, type JsonObject, parseJson } from '@keystead/core'
import {
  type AnchorReceipt,
  parsePresentation,
  parseReceipt,
  type Verdict,
  verifyCredential,
  verifyPresentation,
} from '@keystead/credentials'
import { parseOpening } from '@keystead/did-dkms'
import { attachmentBytes } from '@keystead/didcomm'
import { MAX_CREDENTIAL_BYTES } from '../limits.ts'
import { parsePresentationRequest, REQUEST_PRESENTATION } from '../protocols/credential/messages.ts'
import { type Edge, fault, nowSeconds, randomId, tell, toPeer } from './context.ts'
import { credentialContext, didEvidence } from './evidence.ts'
import type { Incoming } from './inbox.ts'
import { leaveToOthers } from './own-devices/list.ts'
import type { ReceivedPresentation, Relationship } from './records.ts'
import { type Change, put } from './store.ts'

export async function askForCredential(
  edge: Edge,
  relationship: Relationship,
  asked: { type: string; domain: string; issuers?: readonly string[] },
): Promise<string> {
  const id = randomId(edge)
  const body = {
    credentialType: asked.type,
    issuers: [...(asked.issuers ?? [])],
    challenge: base64url.encode(edge.ports.random(32)),
    domain: asked.domain,
  }
  await edge.records.commit([
    put('presentation', id, { id, relationship: relationship.id, request: body }),
    toPeer(edge, relationship, { type: REQUEST_PRESENTATION, thid: id, body }),
  ])
  return id
}

export async function onPresentation(edge: Edge, { message, relationship }: Incoming): Promise<Change[]> {
  const record = await edge.records.get('presentation', message.thid ?? '')
  if (!record || !relationship || record.relationship !== relationship.id)
    return leaveToOthers(edge, 'nothing was asked that this answers')
  if (record.presentation) throw fault('NOT_ALLOWED_NOW', 'this request was answered already')
  const attachment = (id: string): JsonObject => {
    const found = message.attachments?.find((candidate) => candidate.id === id)
    if (!found) throw fault('BAD_MESSAGE', `the message lacks its attachment "${id}"`)
    return parseJson(attachmentBytes(found), MAX_CREDENTIAL_BYTES * 2) as JsonObject
  }
  const presentation = attachment('presentation')
  const receipts = new Fields(attachment('receipts'), 'receipts').array('receipts', { max: 16 }, (item) =>
    item === null ? null : parseReceipt(item),
  )
  const signer = message.attachments?.some(({ id }) => id === 'opening') && parseOpening(attachment('opening'))
  const shown = { presentation, receipts, ...(signer ? { opening: signer } : {}) }
  const judged = await judgePresentation(edge, { ...record, ...shown })
  if (!judged.complete) throw fault('AGENCY_UNREACHABLE', 'the ledger cannot be read to judge a presentation')
  const { verdict } = judged
  tell(edge, {
    kind: 'presentation',
    text: `${relationship.label} presented ${String(record.request['credentialType'])}: ${verdict.outcome}`,
    relationship: relationship.id,
  })
  return [
    put('presentation', record.id, {
      ...record,
      ...shown,
      verdict: verdict as unknown as JsonObject,
      at: nowSeconds(edge),
    }),
  ]
}

/** `complete` is false when the ledger could not be read, so that nothing is decided for want of an answer. */
export async function judgePresentation(
  edge: Edge,
  record: ReceivedPresentation,
): Promise<{ verdict: Verdict & { credentials: Verdict[] }; complete: boolean }> {
  const { challenge, domain } = parsePresentationRequest(record.request)
  const document = record.presentation as JsonObject
  const parsed = (() => {
    try {
      return parsePresentation(document)
    } catch {
      return undefined
    }
  })()
  const receipts: readonly (AnchorReceipt | null)[] = record.receipts ?? []
  const holder = parsed ? await didEvidence(edge, parsed.holder, record.opening) : null
  const credentials = await Promise.all(
    (parsed?.credentials ?? []).map((credential, i) =>
      credentialContext(edge, credential.document, receipts[i] ?? undefined),
    ),
  )
  const verdict = verifyPresentation(document, {
    binding: { challenge, domain },
    holder,
    credentials,
    ...(record.at === undefined ? {} : { shownAt: record.at }),
  })
  return { verdict, complete: holder !== undefined && credentials.every(({ issuer }) => issuer !== undefined) }
}

/** Judges a presentation again, with the status and the ledger of now. */
export async function checkAgain(edge: Edge, id: string): Promise<Verdict & { credentials: Verdict[] }> {
  const [found, ...others] = (await edge.records.all('presentation')).filter(({ name }) => name.startsWith(id))
  if (!found?.value.presentation || others.length > 0)
    throw fault('UNKNOWN_CREDENTIAL', `no single presentation is called "${id}"`)
  return (await judgePresentation(edge, found.value)).verdict
}

/** Judges a credential on its own, from a file. */
export async function checkCredential(
  edge: Edge,
  credential: JsonObject,
  receipt: AnchorReceipt | undefined,
): Promise<Verdict> {
  return verifyCredential(credential, await credentialContext(edge, credential, receipt))
}
