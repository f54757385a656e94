/**
 * The inbox: fetch, open, handle, commit, and only then tell the mailbox to forget. A message that cannot be judged yet
 * (the ledger is away) stays where it is; one that never can is dropped and said so. Handling the same message twice changes
 * nothing.
 */
import { isKeysteadError, type KeysteadError, multihash } from '@keystead/core'
import { sha256 } from '@keystead/crypto'
import { didOf, peerShortForm } from '@keystead/did'
import { attachmentBytes, type FromPrior, type Message, peekRecipients, unpack } from '@keystead/didcomm'
import { entryDid } from '@keystead/microledger'
import { MAX_MESSAGES_PER_ACCOUNT } from '../limits.ts'
import { DELIVERY, DELIVERY_REQUEST, MESSAGES_RECEIVED } from '../protocols/pickup/messages.ts'
import { askAgency } from './agency-link.ts'
import { type Edge, fault, nowSeconds, profileOf, tell } from './context.ts'
import { heardFrom } from './correspondents.ts'
import { HANDLERS } from './handlers.ts'
import { comparePeerView } from './ledger-view.ts'
import { fromOwnDevice } from './own-devices/handlers.ts'
import { deviceList } from './own-devices/list.ts'
import { noteLeft } from './own-devices/moved.ts'
import { ownDid, secretsOf } from './own-dids.ts'
import { speaksForPeer } from './peer-sender.ts'
import type { Correspondent, OwnDid, Relationship } from './records.ts'
import { acknowledgement, unknownType } from './standard.ts'
import { type Change, put, remove } from './store.ts'

/** A message as a handler sees it: sender proven, and, but for first contacts, the peer's own. */
export interface Incoming {
  readonly message: Message
  /** Short form of the proven sender. */
  readonly from: string
  /** The DID of ours it came to. */
  readonly own: OwnDid
  readonly relationship: Relationship | undefined
  /** The key that authenticated it. */
  readonly senderKid?: string
  /** The sender, where their software is not ours. */
  readonly correspondent?: Correspondent | undefined
}

const BATCH = 20
/** Days a handled message is remembered; a mailbox forgets sooner. */
const REMEMBER_SECONDS = 30 * 86_400
/** Codes that mean "later", not "never". */
const LATER: ReadonlySet<string> = new Set([
  'LEDGER_UNREACHABLE',
  'RESOLVER_UNREACHABLE',
  'NO_RESOLVER',
  'AGENCY_UNREACHABLE',
  'HEADER_STALE',
  'TRUST_EXPIRED',
  'WITNESSES_SILENT',
  'CLOCK_WRONG',
  'WALLET_LOCKED',
  'DISK_FULL',
  'OPERATION_PENDING',
  'RECOVERY_UNDER_WAY',
  'LINK_UNFINISHED',
])

/**
 * Handles everything that waits. Resolves with the number of messages handled; rejects when the agency cannot be asked. An agency
 * that shows again what it was told to forget, or more than a mailbox has room for, is asked again at the next sync, not for ever.
 */
export async function emptyMailbox(edge: Edge): Promise<number> {
  let handled = 0
  const shown = new Set<string>()
  for (;;) {
    const answer = await askForMail(edge)
    if (answer.type !== DELIVERY) return handled
    const fresh = (answer.attachments ?? []).filter(({ id }) => !shown.has(String(id)))
    for (const { id } of fresh) shown.add(String(id))
    if (fresh.length === 0 || shown.size > MAX_MESSAGES_PER_ACCOUNT) {
      tell(edge, { kind: 'waiting', text: 'the agency delivers again and again what it was told to forget' })
      return handled
    }
    const done = await handleDelivery(edge, answer)
    if (done.length > 0) await askAgency(edge, { type: MESSAGES_RECEIVED, body: { message_id_list: done } })
    handled += done.length
    if (done.length < (answer.attachments ?? []).length) return handled
  }
}

/** Whether the agency says, with nothing to give, that the account is elsewhere, or does not know it: `edge/moving` finds out where. */
async function askForMail(edge: Edge): Promise<Message> {
  try {
    const answer = await askAgency(edge, { type: DELIVERY_REQUEST, body: { limit: BATCH } })
    if (answer.type !== DELIVERY && answer.body['moved_to'] !== undefined) await noteLeft(edge)
    return answer
  } catch (error) {
    if (isKeysteadError(error, 'NOT_GRANTED')) await noteLeft(edge)
    throw error
  }
}

/** Handles a delivery's messages in order, past those that have to wait. Returns the ids the mailbox may forget. */
export async function handleDelivery(edge: Edge, delivery: Message): Promise<string[]> {
  const done: string[] = []
  for (const attachment of delivery.attachments ?? []) {
    const bytes = attachmentBytes(attachment)
    if (await handleBytes(edge, bytes)) done.push(String(attachment.id))
  }
  return done
}

/** One that came by hand. True when it is dealt with, for good or ill. */
export function handleCarried(edge: Edge, bytes: Uint8Array): Promise<boolean> {
  return handleBytes(edge, bytes)
}

/** True when the message is dealt with, for good or ill. */
async function handleBytes(edge: Edge, bytes: Uint8Array): Promise<boolean> {
  const name = multihash.encode(sha256(bytes))
  if (await edge.records.get('seen', name)) return true
  try {
    await refuseFormer(edge, bytes)
    if (await isForAnother(edge, bytes)) {
      await edge.records.commit([put('seen', name, { at: nowSeconds(edge) })])
      return true
    }
    const { message, metadata } = await unpack(bytes, { secrets: secretsOf(edge), resolver: edge.resolver })
    const own = await ownDid(edge, metadata.recipientKid ?? '')
    if (!metadata.authenticated || !message.from || !own) throw new Error('nobody we know proves to have sent it')
    if (message.expires_time !== undefined && message.expires_time < nowSeconds(edge))
      throw new Error('it is past its expiry')
    // A sender whose answer was lost packs the same message anew.
    const sent = sentName(message.from, message.id)
    if (await edge.records.get('seen', sent)) {
      await edge.records.commit([put('seen', name, { at: nowSeconds(edge) })])
      return true
    }
    const { agency } = await profileOf(edge)
    const changes =
      own.did === agency?.account
        ? await fromOwnDevice(edge, message)
        : own.correspondent
          ? await fromCorrespondent(edge, message, own, own.correspondent, metadata.fromPrior)
          : await fromPeer(edge, message, own, metadata.senderKid)
    const seen = { at: nowSeconds(edge) }
    await edge.records.commit([...changes, put('seen', name, seen), put('seen', sent, seen)])
  } catch (error) {
    if (isKeysteadError(error) && (await mayWait(edge, error))) {
      tell(edge, { kind: 'waiting', text: `a message waits in the mailbox: ${error.message}` })
      return false
    }
    const reason = error instanceof Error ? error.message : 'unreadable'
    tell(edge, { kind: 'message-refused', text: `a message was refused: ${reason}` })
    await edge.records.commit([put('seen', name, { at: nowSeconds(edge) })])
  }
  return true
}

/** Of a proven sender: ids are compared without regard to case (DIDComm v2.1, "Message Headers"). */
const sentName = (from: string, id: string): string =>
  multihash.encode(sha256(`sent ${peerShortForm(didOf(from))} ${id.toLowerCase()}`))

/**
 * What our own ledger or a contact's host will tell later. A stranger's host that cannot be asked is a stranger's trouble:
 * a mailbox shows what waits first, so a handful of such messages would hide everybody else's.
 */
async function mayWait(edge: Edge, { code, details }: KeysteadError): Promise<boolean> {
  if (LATER.has(code)) return true
  if (details['error'] !== 'INTERNAL_ERROR') return false
  const did = String(details['did'] ?? '')
  if (did.startsWith('did:dkms:')) return true
  const contacts = await edge.records.all('correspondent')
  return contacts.some(({ value }) => value.peer !== undefined && didOf(value.peer).slice(0, 100) === did)
}

async function fromPeer(edge: Edge, message: Message, own: OwnDid, senderKid = ''): Promise<Change[]> {
  const relationship = own.relationship ? await edge.records.get('relationship', own.relationship) : undefined
  const handler = HANDLERS.get(message.type)
  const from = peerShortForm(didOf(message.from ?? ''))
  const incoming = { message, from, own, relationship, senderKid }
  await refuseBlocked(edge, from)
  if (relationship?.status === 'closing' || relationship?.status === 'closed')
    throw fault('CONTACT_REMOVED', REMOVED[relationship.status === 'closed' ? 'closed' : 'removed'])
  const isPeer = relationship !== undefined && speaksForPeer(relationship, from, senderKid)
  if (!handler?.firstContact && !isPeer) refuseSender(edge, relationship, from)
  if (!handler) return refuseType(edge, incoming)
  if (isPeer && relationship) await comparePeerView(edge, message, relationship)
  return [...(await handler.run(edge, incoming)), ...(isPeer ? acknowledgement(edge, incoming) : [])]
}

async function fromCorrespondent(
  edge: Edge,
  message: Message,
  own: OwnDid,
  id: string,
  fromPrior: FromPrior | undefined,
): Promise<Change[]> {
  const before = await edge.records.get('correspondent', id)
  if (!before) throw new Error('it is for a contact that was deleted')
  const { after, changes } = await heardFrom(edge, before, message, own, fromPrior)
  const from = peerShortForm(didOf(message.from ?? ''))
  const incoming = { message, from, own, relationship: undefined, correspondent: after }
  const handler = HANDLERS.get(message.type)
  if (!handler?.standard) return [...changes, ...refuseType(edge, incoming)]
  return [...changes, ...(await handler.run(edge, incoming)), ...acknowledgement(edge, incoming)]
}

const REMOVED = {
  removed: 'it is for a contact that was removed',
  closed: 'it is for a contact who ended the connection',
} as const

/** RELATIONSHIP-26: to a DID of ours that is no more. Its keys are destroyed, so the envelope alone says whom it was for. */
async function refuseFormer(edge: Edge, bytes: Uint8Array): Promise<void> {
  for (const kid of peekRecipients(bytes)) {
    if (await ownDid(edge, kid)) return
    const former = await edge.records.get('former-did', peerShortForm(didOf(kid)))
    if (former) throw fault('CONTACT_REMOVED', REMOVED[former.why])
  }
}

/** Every device of an account is given all of its mail: some of it only another one can open. */
async function isForAnother(edge: Edge, bytes: Uint8Array): Promise<boolean> {
  if (!(await deviceList(edge))) return false
  const { agreementKey } = secretsOf(edge)
  for (const kid of peekRecipients(bytes)) if (await agreementKey(kid)) return false
  return true
}

/** RELATIONSHIP-27. */
export async function refuseBlocked(edge: Edge, did: string | undefined): Promise<void> {
  if (did !== undefined && (await edge.records.get('blocked', did)))
    throw fault('CONTACT_BLOCKED', 'it is from somebody you blocked')
}

/** A type we do not know is told to its sender, who is somebody we know. */
function refuseType(edge: Edge, incoming: Incoming): Change[] {
  const type = incoming.message.type.slice(0, 100)
  tell(edge, { kind: 'message-refused', text: `a message was refused: its type is not known here (${type})` })
  return unknownType(edge, incoming)
}

/** Whoever recovered in time is heard after `settleRelationships`; until then, and everybody else, is refused. */
function refuseSender(edge: Edge, relationship: Relationship | undefined, from: string): never {
  const pending = relationship?.peer?.state.recovery.pending
  if (pending && pending.until <= nowSeconds(edge) && entryDid(pending.entry) === from)
    throw fault('RECOVERY_UNDER_WAY', 'its sender’s recovery takes effect first')
  throw new Error('its sender is not the peer’s current DID')
}

export async function forgetOldMessages(edge: Edge): Promise<void> {
  const before = nowSeconds(edge) - REMEMBER_SECONDS
  const old = (await edge.records.all('seen')).filter(({ value }) => value.at < before)
  await edge.records.commit(old.map(({ name }) => remove('seen', name)))
}
