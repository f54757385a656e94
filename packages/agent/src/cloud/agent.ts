/**
 * A cloud agent host: opens what is addressed to the agency, keeps what is addressed to its clients. It learns DIDs, sizes
 * and times, never contents. One class, one `receive`; HTTP and WebSocket are two ways to call it.
 */
import {
  type Bytes,
  base64url,
  type Clock,
  isKeysteadError,
  type Json,
  type JsonObject,
  KeysteadError,
  type Random,
} from '@keystead/core'
import type { AgreementKey } from '@keystead/crypto'
import { type DidResolver, didOf } from '@keystead/did'
import {
  attachmentBytes,
  type EphemeralKeys,
  FORWARD_TYPE,
  type Message,
  messageId,
  pack,
  parseForward,
  unpack,
} from '@keystead/didcomm'
import { MAX_MAIL_BYTES, READ_NONCE_SECONDS } from '../limits.ts'
import { padMessage } from '../protocols/did-resolution/padding.ts'
import type { AgencyRefusal } from '../protocols/report-problem/agency-refusals.ts'
import { PROBLEM_REPORT, problemBody } from '../protocols/report-problem/messages.ts'
import type { AttachmentKeeping } from './attachments.ts'
import type { ResolutionService } from './did-resolution.ts'
import type { EscrowService } from './escrow.ts'
import { HANDLERS } from './handlers.ts'
import type { LedgerRead } from './ledger-read.ts'
import { LiveDelivery } from './live.ts'
import type { Log } from './log.ts'
import type { Forwarding } from './move/forwarding.ts'
import type { PushService } from './push/service.ts'
import type { Relay } from './relay.ts'
import { waitingBox } from './store/members.ts'
import type { CloudStore, MailItem, Standing } from './store/port.ts'

/** A connection on which messages can be pushed. */
export interface Session {
  push(bytes: Bytes): void
  /** Bytes that the other side has not taken yet. */
  readonly waiting?: () => number
}

export interface CloudAgentOptions {
  readonly did: string
  readonly key: { readonly kid: string; readonly key: AgreementKey }
  /** Public address, for files it shows. */
  readonly url: string
  readonly store: CloudStore
  /** Absent where no shares are kept behind PINs. */
  readonly escrow?: EscrowService
  readonly resolver: DidResolver
  readonly keys: EphemeralKeys
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  /** Passes on the mail of accounts that moved; absent where none may. */
  readonly forwarding?: Forwarding
  /** Absent where nobody is woken. */
  readonly push?: PushService
  /** Absent where nothing is resolved for others, and where nothing is carried to other agencies. */
  readonly resolution?: ResolutionService
  readonly relay?: Relay
  readonly ledgerRead?: LedgerRead
  /** Days a message waits; told in the status. */
  readonly mailDays?: number
  /** How much of what is attached is kept, and for how long; by default as `limits.ts` says. */
  readonly attachments?: Partial<AttachmentKeeping>
  /** Of the disk that the database is on; absent where the database is elsewhere. */
  readonly freeBytes?: () => Promise<number>
}

export interface Reply {
  readonly type: string
  readonly body: JsonObject
  readonly attachments?: readonly { readonly id: string; readonly bytes: Uint8Array }[]
  /** The size that its plaintext is filled up to. */
  readonly padded?: (bytes: number) => number
}

/** What a handler sees of a message. */
export interface Incoming {
  /** The DID that authenticated; undefined for an anonymous message. */
  readonly from: string | undefined
  /** The account it speaks for: its own, or the one whose device it is (AGENCY-20); whether it may change what that one has. */
  readonly account: string
  readonly admin: boolean
  readonly message: Message
  readonly session: Session | undefined
}

export class CloudAgent {
  readonly options: CloudAgentOptions
  readonly live: LiveDelivery

  constructor(options: CloudAgentOptions) {
    this.options = options
    this.live = new LiveDelivery(options.store, (items, account, type) => {
      const attachments = items.map(({ id, bytes }) => ({ id, bytes }))
      return this.#pack({ type, body: {}, attachments }, account, undefined)
    })
  }

  /** 32 random bytes as base64url, for this subject alone. */
  async giveNonce(subject: string): Promise<string> {
    const { store, clock, random } = this.options
    const nonce = base64url.encode(random(32))
    await store.giveNonce(nonce, subject, clock.now(), clock.now() + READ_NONCE_SECONDS * 1000)
    return nonce
  }

  /** True once, for whom it was given, in time. */
  takeNonce(nonce: string, subject: string): Promise<boolean> {
    return this.options.store.takeNonce(nonce, subject, this.options.clock.now())
  }

  /**
   * Takes one packed message. The reply, if any, goes back on the same connection. Rejects with a code when the message
   * cannot be opened or, for a forward, not be kept; what was accepted is on disk.
   */
  async receive(bytes: Uint8Array, session?: Session): Promise<Bytes | undefined> {
    const { resolver, clock } = this.options
    const { key } = this.options.key
    const opened = await unpack(bytes, {
      resolver,
      secrets: { agreementKey: async (kid) => (kid === this.options.key.kid ? key : undefined) },
    })
    const { message, metadata } = opened
    if (message.expires_time !== undefined && message.expires_time * 1000 < clock.now())
      throw refusal('EXPIRED', 'the message is past its expiry')
    if (message.type === FORWARD_TYPE) {
      await this.#keep(message)
      return undefined
    }
    const from = metadata.authenticated && message.from ? didOf(message.from) : undefined
    if (!from) throw refusal('NOT_AUTHENTICATED', 'an agency answers only to a proven sender')
    const standing = await this.options.store.standing(from)
    const incoming = { from, account: standing.account, admin: standing.admin, message, session }
    return this.#answer(incoming, await this.#handle(incoming, standing))
  }

  /** Ends live delivery on a closed connection. */
  closed(session: Session): void {
    this.live.end(session)
  }

  async #handle(incoming: Incoming, standing: Standing): Promise<Reply | undefined> {
    const { admin, removed, suspended, services } = standing
    const handler = HANDLERS.get(incoming.message.type)
    try {
      if (removed) throw refusal('DEVICE_REMOVED', 'this device was taken out of its account')
      if (!handler) throw refusal('UNKNOWN_MESSAGE_TYPE', `an agency does not handle ${incoming.message.type}`)
      if (suspended)
        throw refusal('ACCOUNT_SUSPENDED', 'the operator has suspended this account; what waits for it is kept')
      if (handler.admin && !admin) throw refusal('NOT_GRANTED', 'this device was not given that')
      if (handler.service && !services.includes(handler.service))
        throw refusal('NOT_GRANTED', `this account has not been granted "${handler.service}"`)
      return await handler.run(this, incoming)
    } catch (error) {
      if (!isKeysteadError(error)) throw error
      return { type: PROBLEM_REPORT, body: problemBody(error.code, error.message) }
    }
  }

  /** Durable first; the store then tells whoever delivers live. */
  async #keep(message: Message): Promise<void> {
    const { store, random, clock } = this.options
    const { next, payload } = parseForward(message)
    if (payload.length > MAX_MAIL_BYTES)
      throw refusal('MESSAGE_TOO_LARGE', `a mailbox takes ${MAX_MAIL_BYTES} bytes a message`)
    const recipient = didOf(next)
    const account = await store.accountOf(recipient)
    const item = { id: messageId(random), recipient, bytes: payload, received: clock.now() }
    const devices = account ? await store.addMail(account, item) : await this.#keepForDevice(item)
    for (const device of devices) this.options.push?.hasMail(device)
  }

  /** What one device of an account sends another. */
  async #keepForDevice(item: MailItem): Promise<readonly string[]> {
    const { store } = this.options
    const { recipient: device } = item
    const { account, removed, services } = await store.standing(device)
    if (removed) throw refusal('UNKNOWN_RECIPIENT', 'this device was taken out of its account')
    // Alone, it is known where it receives; one that was added and has not joined finds it when it does.
    if (account !== device || (await store.members(account)).length > 1) return store.addMail(account, item, device)
    if (services.includes('mailbox')) return store.addMail(device, item, device)
    if (!(await store.isInvited(device))) throw refusal('UNKNOWN_RECIPIENT', 'nobody here receives for this DID')
    await store.addMail(device, item, waitingBox(device))
    return []
  }

  async #answer(incoming: Incoming, reply: Reply | undefined): Promise<Bytes | undefined> {
    if (!reply || !incoming.from) return undefined
    return this.#pack(reply, incoming.from, incoming.message, incoming.message.from)
  }

  #pack(reply: Reply, account: string, request: Message | undefined, longForm = account): Promise<Bytes> {
    const { did, key, resolver, random, clock, keys } = this.options
    const attachments = reply.attachments?.map(({ id, bytes }) => ({
      id,
      media_type: 'application/didcomm-encrypted+json',
      data: { base64: base64url.encode(bytes) },
    }))
    const message: Message = {
      id: messageId(random),
      type: reply.type,
      from: did,
      to: [longForm],
      created_time: Math.floor(clock.now() / 1000),
      ...(request ? threading(request, reply.type) : {}),
      body: reply.body,
      ...(attachments ? { attachments: attachments as unknown as Message['attachments'] & readonly Json[] } : {}),
    }
    const filled = reply.padded ? padMessage(message, reply.padded) : message
    return pack(filled, { to: longForm, from: key, resolver, random, ephemerals: keys })
  }
}

/** A problem report begins a child thread of the one it reports on (DIDComm v2.1, "Problem Reports"). */
function threading({ id, thid = id }: Message, type: string): JsonObject {
  return type === PROBLEM_REPORT ? { pthid: thid, ack: [id] } : { thid }
}

export function refusal(
  code: AgencyRefusal | 'NOT_FOUND',
  message: string,
): KeysteadError<AgencyRefusal | 'NOT_FOUND'> {
  return new KeysteadError(code, message)
}

/** The one attachment of a message, as bytes. */
export function onlyAttachment(message: Message): Bytes {
  const [attachment] = message.attachments ?? []
  if (!attachment) throw refusal('UNKNOWN_MESSAGE_TYPE', 'the message lacks its attachment')
  return attachmentBytes(attachment)
}
