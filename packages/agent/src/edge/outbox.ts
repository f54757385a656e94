/**
 * The outbox: everything we owe the outside, durable until brought. A peer's or agency's outage delays it and is said so;
 * what nobody will ever take is dropped and said so too.
 */
import { type Bytes, base64url, isKeysteadError, type Json, type JsonObject } from '@keystead/core'
import { didOf, messagingEndpoints, peerShortForm } from '@keystead/did'
import { type Attachment, type Message, pack, type SigningPort, wrapForward } from '@keystead/didcomm'
import { DROP_KEEP_SECONDS } from '../limits.ts'
import { RELATIONSHIP_ALERT } from '../protocols/connect/messages.ts'
import { parseUpdateResults, RECIPIENT_UPDATE, recipientTranscript } from '../protocols/mediation/messages.ts'
import { askAgency, endpointOf, post } from './agency-link.ts'
import { agencyOf, type Edge, fault, nowSeconds, tell } from './context.ts'
import { identitySigner } from './identities.ts'
import { ownView } from './ledger-view.ts'
import { askForApprovals } from './own-devices/asking.ts'
import { deviceList } from './own-devices/list.ts'
import { senderOf, signerOf } from './own-dids.ts'
import type { OutboxItem, Outgoing, PeerLog } from './records.ts'
import { remove } from './store.ts'

/** Trouble that passes: the item stays. */
const PASSING: ReadonlySet<string> = new Set([
  'AGENCY_UNREACHABLE',
  'LEDGER_UNREACHABLE',
  'RESOLVER_UNREACHABLE',
  'NO_RESOLVER',
  'HEADER_STALE',
  'TRUST_EXPIRED',
  'WITNESSES_SILENT',
  'CLOCK_WRONG',
  'MAILBOX_FULL',
  'AGENCY_DISK_FULL',
  'TOO_MANY_REQUESTS',
  'ACCOUNT_SUSPENDED',
  'NO_AGENT',
  'OPERATION_PENDING',
])

/** Trouble that a peer who moved leaves behind. */
const MOVED: ReadonlySet<string> = new Set(['UNKNOWN_RECIPIENT', 'NO_ROUTE'])

export interface FlushResult {
  readonly sent: number
  readonly waiting: number
}

/** Brings what it can, in order. Never rejects for the network's or a peer's trouble. */
export async function flushOutbox(edge: Edge): Promise<FlushResult> {
  let sent = 0
  let waiting = 0
  const blocked = new Set<string>()
  await askForApprovals(edge)
  const ownAccounts = new Set((await deviceList(edge))?.devices.map(({ account }) => account))
  for (const { name, value } of await edge.records.all('outbox')) {
    // Messages to one peer keep their order; others need not wait for them.
    const { lane, mailbox = lane } = wayOf(value, ownAccounts)
    if ([mailbox, lane, 'agency'].some((part) => blocked.has(part))) {
      waiting++
      continue
    }
    try {
      await bring(edge, value, ownAccounts)
      await edge.records.commit([remove('outbox', name)])
      sent++
    } catch (error) {
      if (!isKeysteadError(error)) throw error
      if (PASSING.has(error.code) || isPassingResolution(error) || (await mayBeFound(edge, value, error.code))) {
        blocked.add(error.code === 'MAILBOX_FULL' ? mailbox : lane)
        waiting++
        tell(edge, { kind: 'waiting', text: `${describe(value)} waits: ${error.message}` })
      } else {
        await edge.records.commit([remove('outbox', name)])
        tell(edge, { kind: 'undeliverable', text: `${describe(value)} could not be delivered: ${error.message}` })
      }
    }
  }
  return { sent, waiting }
}

/**
 * Trouble holds up its lane; a full mailbox of one of our devices, such as a phone in a drawer, only what goes there. A public DID is
 * registered when the ledger has it; nothing else waits for that.
 */
function wayOf(item: OutboxItem, ownAccounts: ReadonlySet<string>): { lane: string; mailbox?: string } {
  if (item.kind === 'recipient') return { lane: item.did.startsWith('did:dkms:') ? item.did : 'agency' }
  const { via, to } = item.message
  if (via === undefined && !ownAccounts.has(to)) return { lane: peerShortForm(to) }
  // Other devices of ours are told before anybody else: what comes next may build upon it.
  const lane = via ?? 'agency'
  return { lane, mailbox: `${lane} ${to}` }
}

function isPassingResolution(error: { code: string; details: Readonly<Record<string, unknown>> }): boolean {
  return error.code === 'DID_NOT_RESOLVED' && error.details['error'] === 'INTERNAL_ERROR'
}

/** Whose agency does not know them any more may have moved: what we have for them waits while their dead drop is looked into. */
async function mayBeFound(edge: Edge, item: OutboxItem, code: string): Promise<boolean> {
  if (item.kind !== 'message' || item.message.type === RELATIONSHIP_ALERT) return false
  if (!MOVED.has(code) || edge.ports.clock.now() > item.queued + DROP_KEEP_SECONDS * 1000) return false
  const to = peerShortForm(didOf(item.message.to))
  for (const { name, value } of await edge.records.all('relationship'))
    if (value.status === 'connected' && wasOrIs(to, value.peer))
      return (await edge.records.get('drop', name))?.theirs !== undefined
  return false
}

/** A DID the peer has, or had: what waits for an earlier one goes to the one they have now. */
export function wasOrIs(did: string, peer: PeerLog | undefined): boolean {
  return did === peer?.state.now.did || (peer?.former ?? []).some((former) => former.did === did)
}

function describe(item: OutboxItem): string {
  return item.kind === 'recipient'
    ? 'the registration of a DID at the agency'
    : `a message (${item.message.type.split('/').slice(-3).join('/')})`
}

async function bring(edge: Edge, item: OutboxItem, ownAccounts: ReadonlySet<string>): Promise<void> {
  if (item.kind === 'recipient') return updateRecipient(edge, item)
  const { message } = item
  const end = Math.min(message.expires ?? Infinity, message.dropAfter ?? Infinity)
  if (end < nowSeconds(edge)) return
  if (ownAccounts.has(message.to)) await sendToOwnDevice(edge, message)
  else await sendMessage(edge, message)
}

/** Its account DID names no address: it is at our agency. One that has not joined yet is told everything when it does. */
async function sendToOwnDevice(edge: Edge, outgoing: Outgoing): Promise<void> {
  const { random, keys } = edge.ports
  const { via: agency = (await agencyOf(edge)).did } = outgoing
  const from = await senderOf(edge, outgoing.from)
  const common = { resolver: edge.resolver, random, ephemerals: keys }
  const packed = await pack(toDidcomm(edge, outgoing), { to: outgoing.to, from, anonymous: true, ...common })
  const bytes = await wrapForward(packed, { next: outgoing.to, mediator: agency, ...common })
  try {
    await post(edge, await endpointOf(edge, agency), bytes)
  } catch (error) {
    if (!isKeysteadError(error, 'UNKNOWN_RECIPIENT')) throw error
  }
}

async function updateRecipient(edge: Edge, { did, action }: Extract<OutboxItem, { kind: 'recipient' }>): Promise<void> {
  const proof = action === 'add' ? await proveRecipient(edge, did) : {}
  const answer = await askAgency(edge, {
    type: RECIPIENT_UPDATE,
    body: { updates: [{ recipient_did: did, action, ...proof }] },
  })
  const [result] = parseUpdateResults(answer.body)
  if (result === 'server_error') throw fault('AGENCY_UNREACHABLE', 'the agency cannot check who controls this DID now')
  if (result === 'client_error') throw fault('AGENCY_REFUSED', 'the agency does not receive for this DID')
}

/** AGENCY-25. A DID whose signing key is gone, because it was replaced, is named without. */
async function proveRecipient(edge: Edge, recipient: string): Promise<{ proof?: JsonObject }> {
  const { did: agency, account } = await agencyOf(edge)
  const isPublic = recipient.startsWith('did:dkms:')
  const signer = isPublic ? await identitySigner(edge, recipient) : await ownSigner(edge, recipient)
  if (!signer) return {}
  const signature = base64url.encode(await signer.key.sign(recipientTranscript({ agency, account, recipient })))
  const own = isPublic ? undefined : await edge.records.get('own-did', recipient)
  const longForm = own && own.longForm !== recipient ? { long_form: own.longForm } : {}
  return { proof: { kid: signer.kid, signature, ...longForm } }
}

async function ownSigner(edge: Edge, did: string): Promise<SigningPort | undefined> {
  try {
    return await signerOf(edge, did)
  } catch (error) {
    if (isKeysteadError(error, 'WALLET_LOCKED')) throw error
    if (isKeysteadError(error)) return undefined
    throw error
  }
}

/** Packs for the peer and for each mediator on the way, and hands it to the first. */
export async function sendMessage(edge: Edge, outgoing: Outgoing): Promise<void> {
  const { random, keys } = edge.ports
  const common = { resolver: edge.resolver, random, ephemerals: keys }
  const packed = await packOutgoing(edge, outgoing)
  const { didDocument, didResolutionMetadata } = await edge.resolver.resolve(outgoing.to)
  if (!didDocument) throw fault('NO_ROUTE', didResolutionMetadata.error?.title ?? 'the peer’s DID cannot be resolved')
  const [endpoint] = messagingEndpoints(didDocument)
  if (!endpoint) throw fault('NO_ROUTE', 'the peer’s DID names no address for messages')
  let bytes: Bytes = packed
  let next = peerShortForm(outgoing.to)
  for (const mediator of [...endpoint.routingKeys].reverse()) {
    bytes = await wrapForward(bytes, { next, mediator, ...common })
    next = mediator
  }
  if (!endpoint.uri.startsWith('did:')) {
    await post(edge, endpoint.uri, bytes)
    return
  }
  // A DID in `uri` is a mediator: its keys come first on the way (DIDComm v2.1, "Using a DID as an endpoint").
  bytes = await wrapForward(bytes, { next, mediator: endpoint.uri, ...common })
  await post(edge, await endpointOf(edge, endpoint.uri), bytes)
}

/** For its receiver alone. */
export async function packOutgoing(edge: Edge, outgoing: Outgoing): Promise<Bytes> {
  const { random, keys } = edge.ports
  const from = await senderOf(edge, outgoing.from)
  const view = outgoing.attachments ? undefined : await ownView(edge, outgoing.type)
  const plain = toDidcomm(edge, outgoing)
  const message = view ? { ...plain, attachments: [...(plain.attachments ?? []), view] } : plain
  // Authcrypt names its sender in the clear: to the receiver's agency, who talks to whom (AGENCY-19).
  const to = { to: outgoing.to, from, anonymous: true as const }
  return pack(message, { ...to, resolver: edge.resolver, random, ephemerals: keys })
}

function toDidcomm(edge: Edge, outgoing: Outgoing): Message {
  const own = (outgoing.attachments ?? []).map(({ id, mediaType, json }) => ({
    id,
    media_type: mediaType,
    data: { json: json as Json },
  }))
  const attachments: Attachment[] = [...own, ...(outgoing.files ?? [])]
  return {
    id: outgoing.id,
    type: outgoing.type,
    from: outgoing.from,
    to: [outgoing.to],
    created_time: nowSeconds(edge),
    ...(outgoing.thid === undefined ? {} : { thid: outgoing.thid }),
    ...(outgoing.pthid === undefined ? {} : { pthid: outgoing.pthid }),
    ...(outgoing.expires === undefined ? {} : { expires_time: outgoing.expires }),
    ...(outgoing.fromPrior === undefined ? {} : { from_prior: outgoing.fromPrior }),
    ...(outgoing.ack === undefined ? {} : { ack: outgoing.ack }),
    body: outgoing.body,
    ...(attachments.length > 0 ? { attachments } : {}),
  }
}
