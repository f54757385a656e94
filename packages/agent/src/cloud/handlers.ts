/** Which message an agency answers how. A handler with a `service` runs only for accounts that were granted it. */
import { verifySignature } from '@keystead/crypto'
import { didOf, findMethod, peerShortForm } from '@keystead/did'
import { FORWARD_TYPE } from '@keystead/didcomm'
import { MAIL_DAYS, MAX_DELIVERY_BYTES } from '../limits.ts'
import { type CloudService, GRANT, GRANTED, parseServices } from '../protocols/cloud-agent/messages.ts'
import { DISCLOSE, disclose, QUERIES } from '../protocols/discover-features/messages.ts'
import * as locator from '../protocols/locator/messages.ts'
import * as mediation from '../protocols/mediation/messages.ts'
import * as pickup from '../protocols/pickup/messages.ts'
import { PUBLISH, PUBLISHED, parsePublish } from '../protocols/publish/messages.ts'
import { PING, PING_RESPONSE, wantsPingResponse } from '../protocols/trust-ping/messages.ts'
import { type CloudAgent, type CloudAgentOptions, type Incoming, onlyAttachment, type Reply, refusal } from './agent.ts'
import { ATTACHMENT_HANDLERS } from './attachments.ts'
import { DROP_HANDLERS } from './dead-drops.ts'
import { DEVICE_HANDLERS } from './devices.ts'
import { RESOLUTION_HANDLERS } from './did-resolution.ts'
import { ESCROW_HANDLERS } from './escrow.ts'
import { GUARD_HANDLERS, refuseWhileStayed } from './guards.ts'
import { INVITATION_HANDLERS } from './invitations.ts'
import { LEDGER_READ_HANDLERS } from './ledger-read.ts'
import { LOG_HANDLERS } from './logs.ts'
import { MOVE_HANDLERS } from './move/handlers.ts'
import { PUSH_HANDLERS } from './push/handlers.ts'
import { RELAY_HANDLERS } from './relay.ts'

export interface Handler {
  readonly service?: CloudService
  /** Only for devices that may do more than their own mail (AGENCY-20). */
  readonly admin?: true
  /** Whether this agency does it, for protocols that an operator may switch off; absent: it does. */
  readonly offered?: (options: CloudAgentOptions) => boolean
  readonly run: (agent: CloudAgent, incoming: Incoming) => Promise<Reply | undefined>
}

const account = (incoming: Incoming): string => incoming.account
/** Whose mailbox is meant: each device has its own. */
const device = (incoming: Incoming): string => incoming.from ?? ''

async function updateRecipients(
  agent: CloudAgent,
  incoming: Incoming,
): Promise<{ recipient_did: string; action: string; result: mediation.UpdateResult }[]> {
  const { store } = agent.options
  const updated: { recipient_did: string; action: string; result: mediation.UpdateResult }[] = []
  for (const { recipient_did, action, proof } of mediation.parseRecipientUpdate(incoming.message.body)) {
    let result: mediation.UpdateResult
    if (action === 'remove') {
      result = await store.removeRecipient(account(incoming), recipient_did)
      // Of the time when the device was alone.
      if (result === 'no_change') result = await store.removeRecipient(device(incoming), recipient_did)
    } else if (proof) result = await claim(agent, incoming, recipient_did, proof)
    else if (recipient_did.startsWith('did:dkms:')) result = 'client_error'
    else result = await store.addRecipient(account(incoming), recipient_did)
    updated.push({ recipient_did, action, result })
  }
  return updated
}

/**
 * AGENCY-25: whoever shows control of a DID has its mail, whoever named it before without showing it. A DID that everybody knows
 * goes to whoever controls it today: after a recovery, the new device.
 */
async function claim(
  agent: CloudAgent,
  incoming: Incoming,
  recipient: string,
  { kid, signature, longForm = recipient }: NonNullable<mediation.RecipientUpdate['proof']>,
): Promise<mediation.UpdateResult> {
  const { did, resolver, store } = agent.options
  if (peerShortForm(longForm) !== recipient && longForm !== recipient) return 'client_error'
  const { didDocument, didResolutionMetadata } = await resolver.resolve(longForm)
  if (!didDocument)
    return didResolutionMetadata.error?.type.endsWith('#INTERNAL_ERROR') ? 'server_error' : 'client_error'
  if (didOf(kid) !== recipient) return 'client_error'
  const key = findMethod(didDocument, `${longForm}${kid.slice(recipient.length)}`, 'authentication')?.publicKey
  const signed = mediation.recipientTranscript({ agency: did, account: device(incoming), recipient })
  if (key?.suite !== 'ed25519' && key?.suite !== 'p256') return 'client_error'
  if (!verifySignature({ suite: key.suite, bytes: key.bytes }, signed, signature)) return 'client_error'
  const takeOver = recipient.startsWith('did:dkms:')
  return store.addRecipient(account(incoming), recipient, { proven: true, takeOver })
}

/** Somebody else's client asks for mediation and nothing more: that is its grant, where it may grant anything (AGENCY-20). */
async function grantMailbox(agent: CloudAgent, incoming: Incoming): Promise<void> {
  const { store } = agent.options
  const granted = await store.grants(account(incoming))
  if (granted.includes('mailbox')) return
  if (!incoming.admin) throw refusal('NOT_GRANTED', 'this device was not given that')
  await store.setGrants(account(incoming), [...granted, 'mailbox'])
}

async function statusReply(agent: CloudAgent, incoming: Incoming, recipient?: string): Promise<Reply> {
  const { store } = agent.options
  const { count, bytes, oldest, newest } = await store.mailStatus(device(incoming), recipient)
  // Ours: a device that missed the word of a move looks where its account has gone.
  const movedTo = count === 0 ? await store.forwardTo(account(incoming)) : undefined
  const now = agent.options.clock.now()
  const v4 = pickup.isV4(incoming.message.type)
  const seconds = (time: number): number => Math.floor(time / 1000)
  const moment = v4 ? (time: number): number => time : seconds
  return {
    type: v4 ? pickup.STATUS_V4 : pickup.STATUS,
    body: {
      ...(recipient === undefined ? {} : { recipient_did: recipient }),
      message_count: count,
      total_bytes: bytes,
      live_delivery: incoming.session !== undefined && agent.live.isOn(device(incoming), incoming.session),
      // Ours: after how long what waits is forgotten. The protocol has no word for it.
      kept_seconds: (agent.options.mailDays ?? MAIL_DAYS) * 86_400,
      ...(movedTo === undefined ? {} : { moved_to: movedTo }),
      ...(oldest === undefined || newest === undefined
        ? {}
        : {
            ...(v4 ? {} : { longest_waited_seconds: seconds(now - oldest) }),
            oldest_received_time: moment(oldest),
            newest_received_time: moment(newest),
          }),
    },
  }
}

async function deliver(agent: CloudAgent, incoming: Incoming): Promise<Reply> {
  const v4 = pickup.isV4(incoming.message.type)
  const { limit, recipient } = pickup.parseDeliveryRequest(incoming.message.body, v4)
  const filter = { limit, maxBytes: MAX_DELIVERY_BYTES, ...(recipient === undefined ? {} : { recipient }) }
  const items = await agent.options.store.mail(device(incoming), filter)
  if (items.length === 0 && !v4) return statusReply(agent, incoming, recipient)
  return {
    type: v4 ? pickup.DELIVERY_V4 : pickup.DELIVERY,
    body: recipient === undefined ? {} : { recipient_did: recipient },
    attachments: items.map(({ id, bytes }) => ({ id, bytes })),
  }
}

async function changeLiveDelivery(agent: CloudAgent, incoming: Incoming): Promise<Reply> {
  const on = pickup.parseLiveDelivery(incoming.message.body)
  if (!incoming.session) throw refusal('NO_SOCKET', 'live delivery needs a WebSocket')
  const type = pickup.isV4(incoming.message.type) ? pickup.DELIVERY_V4 : pickup.DELIVERY
  if (on) await agent.live.begin(device(incoming), incoming.session, type)
  else agent.live.end(incoming.session)
  // The status after the change counts what came before it, so that nothing waits unseen between the two.
  return statusReply(agent, incoming)
}

export const HANDLERS: ReadonlyMap<string, Handler> = new Map<string, Handler>([
  ...ATTACHMENT_HANDLERS,
  ...DEVICE_HANDLERS,
  ...DROP_HANDLERS,
  ...ESCROW_HANDLERS,
  ...GUARD_HANDLERS,
  ...INVITATION_HANDLERS,
  ...LEDGER_READ_HANDLERS,
  ...LOG_HANDLERS,
  ...MOVE_HANDLERS,
  ...PUSH_HANDLERS,
  ...RELAY_HANDLERS,
  ...RESOLUTION_HANDLERS,
  [
    PING,
    {
      run: async (_, { message }) => (wantsPingResponse(message.body) ? { type: PING_RESPONSE, body: {} } : undefined),
    },
  ],
  [
    QUERIES,
    { run: async ({ options }, { message }) => ({ type: DISCLOSE, body: disclose(message.body, spoken(options)) }) },
  ],
  [
    GRANT,
    {
      admin: true,
      run: async (agent, incoming) => {
        const services = parseServices(incoming.message.body)
        await agent.options.store.setGrants(account(incoming), services)
        return { type: GRANTED, body: { services, did: agent.options.did, url: agent.options.url } }
      },
    },
  ],
  [
    mediation.MEDIATE_REQUEST,
    {
      run: async (agent, incoming) => {
        await grantMailbox(agent, incoming)
        return { type: mediation.MEDIATE_GRANT, body: { routing_did: [agent.options.did] } }
      },
    },
  ],
  [
    mediation.MEDIATE_REQUEST_V2,
    {
      run: async (agent, incoming) => {
        await grantMailbox(agent, incoming)
        return { type: mediation.MEDIATE_GRANT_V2, body: { routing_did: agent.options.did } }
      },
    },
  ],
  [
    mediation.RECIPIENT_UPDATE,
    {
      service: 'mailbox',
      run: async (agent, incoming) => ({
        type: mediation.RECIPIENT_UPDATE_RESPONSE,
        body: { updated: await updateRecipients(agent, incoming) },
      }),
    },
  ],
  [
    mediation.KEYLIST_UPDATE_V2,
    {
      service: 'mailbox',
      run: async (agent, incoming) => ({
        type: mediation.KEYLIST_UPDATE_RESPONSE_V2,
        body: { updated: await updateRecipients(agent, incoming) },
      }),
    },
  ],
  [
    mediation.RECIPIENT_QUERY,
    {
      service: 'mailbox',
      run: async (agent, incoming) => ({
        type: mediation.RECIPIENT,
        body: {
          dids: (await agent.options.store.recipients(account(incoming))).map((did) => ({ recipient_did: did })),
        },
      }),
    },
  ],
  [
    mediation.KEYLIST_QUERY_V2,
    {
      service: 'mailbox',
      run: async (agent, incoming) => ({
        type: mediation.KEYLIST_V2,
        body: {
          keys: (await agent.options.store.recipients(account(incoming))).map((did) => ({ recipient_did: did })),
        },
      }),
    },
  ],
  ...[pickup.STATUS_REQUEST, pickup.STATUS_REQUEST_V4].map((type): [string, Handler] => [
    type,
    {
      service: 'mailbox',
      run: (agent, incoming) =>
        statusReply(agent, incoming, pickup.parseStatusRequest(incoming.message.body).recipient),
    },
  ]),
  [pickup.DELIVERY_REQUEST, { service: 'mailbox', run: deliver }],
  [pickup.DELIVERY_REQUEST_V4, { service: 'mailbox', run: deliver }],
  ...[pickup.MESSAGES_RECEIVED, pickup.MESSAGES_RECEIVED_V4].map((type): [string, Handler] => [
    type,
    {
      service: 'mailbox',
      run: async (agent, incoming) => {
        await agent.options.store.removeMail(device(incoming), pickup.parseMessagesReceived(incoming.message.body))
        return statusReply(agent, incoming)
      },
    },
  ]),
  [pickup.LIVE_DELIVERY_CHANGE, { service: 'mailbox', run: changeLiveDelivery }],
  [pickup.LIVE_DELIVERY_CHANGE_V4, { service: 'mailbox', run: changeLiveDelivery }],
  [
    locator.LOCATOR_PUT,
    {
      service: 'backup',
      run: async (agent, incoming) => {
        const name = locator.parseLocatorAccount(incoming.message.body)
        await agent.options.store.putLocator(account(incoming), name, onlyAttachment(incoming.message))
        return { type: locator.LOCATOR_PUT_ACK, body: { account: name } }
      },
    },
  ],
  [
    locator.LOCATOR_GET,
    {
      run: async (agent, incoming) => {
        const name = locator.parseLocatorAccount(incoming.message.body)
        await refuseWhileStayed(agent, 'locator', name)
        const record = await agent.options.store.locator(name)
        if (!record) throw refusal('UNKNOWN_LOCATOR', 'nothing is kept under this locator')
        return { type: locator.LOCATOR_RECORD, body: { account: name }, attachments: [{ id: 'record', bytes: record }] }
      },
    },
  ],
  [
    PUBLISH,
    {
      service: 'publish',
      run: async (agent, incoming) => {
        const { name, mediaType } = parsePublish(incoming.message.body)
        await agent.options.store.putFile(account(incoming), name, mediaType, onlyAttachment(incoming.message))
        return { type: PUBLISHED, body: { name, url: `${agent.options.url}/v1/files/${name}` } }
      },
    },
  ],
])

/** Message types whose protocols an agency tells of. */
function spoken(options: CloudAgentOptions): readonly string[] {
  const offered = [...HANDLERS].filter(([, handler]) => handler.offered?.(options) ?? true)
  return [...offered.map(([type]) => type), FORWARD_TYPE]
}
