/**
 * RELAY-1 to RELAY-4: carries an account's message to another agency and brings back what that answers on the same connection. We
 * learn who asks, and which agency; that one learns what is asked, and that we asked (the roles of RFC 9458, Oblivious HTTP).
 */
import { type Clock, isKeysteadError } from '@keystead/core'
import type { DidResolver } from '@keystead/did'
import { ENCRYPTED_MEDIA_TYPE, peekRecipients } from '@keystead/didcomm'
import {
  MAX_RELAY_ANSWER_BYTES,
  MAX_RELAYED_BYTES,
  MAX_RELAYS_IN_HAND,
  MAX_RELAYS_OF_ACCOUNT,
  RELAYS_AT_ONCE,
  RELAYS_PER_SECOND,
} from '../limits.ts'
import { parseRelaySend, RELAY_ANSWER, RELAY_SEND } from '../protocols/relay/messages.ts'
import { onlyAttachment, refusal } from './agent.ts'
import { Brakes } from './brakes.ts'
import type { Handler } from './handlers.ts'
import { endpointOf } from './move/forwarding.ts'
import { askOutside } from './outbound.ts'

export interface RelayOptions {
  /** Our own DID: a relay to oneself hides nothing. */
  readonly did: string
  readonly resolver: DidResolver
  readonly clock: Clock
  /** For trials: also agencies at `http:` and inside the operator's own network. */
  readonly anywhere: boolean
  /** For tests without a network. */
  readonly ask?: typeof askOutside
}

export class Relay {
  readonly #options: RelayOptions
  readonly #brakes: Brakes
  /** What is on its way, by account. */
  readonly #inHand = new Map<string, number>()
  #all = 0

  constructor(options: RelayOptions) {
    this.#options = options
    this.#brakes = new Brakes({ perSecond: RELAYS_PER_SECOND, atOnce: RELAYS_AT_ONCE }, options.clock)
  }

  /** Rejects with `RELAY_REFUSED`, `RELAY_SILENT` or `TOO_MANY_REQUESTS`. */
  async carry(account: string, to: string, message: Uint8Array): Promise<Uint8Array> {
    const { did, resolver, anywhere, ask = askOutside } = this.#options
    if (to === did) throw refusal('RELAY_REFUSED', 'this agency itself is asked directly')
    if (message.length > MAX_RELAYED_BYTES)
      throw refusal('RELAY_REFUSED', `at most ${MAX_RELAYED_BYTES} bytes are carried to another agency`)
    // To a host that is no agency, other bytes could mean something.
    if (!isEncrypted(message)) throw refusal('RELAY_REFUSED', 'only an encrypted message is carried')
    return this.counted(account, async () => {
      const url = await endpointOf(resolver, to)
      if (url === undefined) throw refusal('RELAY_REFUSED', 'this DID names no address over HTTP')
      const request = { url, headers: { 'content-type': ENCRYPTED_MEDIA_TYPE }, body: message }
      const answer = await ask(request, { anywhere, maxBytes: MAX_RELAY_ANSWER_BYTES })
      if (answer === 'refused') throw refusal('RELAY_REFUSED', 'what this DID names is no public address')
      // Only what is encrypted to somebody is carried back: a relay is no reader of other hosts.
      if (answer?.status !== 200 || answer.type !== ENCRYPTED_MEDIA_TYPE || answer.bytes.length === 0)
        throw refusal('RELAY_SILENT', 'the other agency gave no answer')
      return answer.bytes
    })
  }

  /** RELAY-4: work for an account that asks others, within bounds. Rejects with `TOO_MANY_REQUESTS`. */
  async counted<T>(account: string, work: () => Promise<T>): Promise<T> {
    if (!this.#brakes.admits(account)) throw refusal('TOO_MANY_REQUESTS', 'this account asks others too much; wait')
    const own = this.#inHand.get(account) ?? 0
    if (own >= MAX_RELAYS_OF_ACCOUNT || this.#all >= MAX_RELAYS_IN_HAND)
      throw refusal('TOO_MANY_REQUESTS', 'too much is on its way; wait')
    this.#inHand.set(account, own + 1)
    this.#all++
    try {
      return await work()
    } finally {
      const left = (this.#inHand.get(account) ?? 1) - 1
      if (left > 0) this.#inHand.set(account, left)
      else this.#inHand.delete(account)
      this.#all--
    }
  }
}

function isEncrypted(bytes: Uint8Array): boolean {
  try {
    return peekRecipients(bytes).length > 0
  } catch (error) {
    if (isKeysteadError(error)) return false
    throw error
  }
}

export const RELAY_HANDLERS: ReadonlyMap<string, Handler> = new Map<string, Handler>([
  [
    RELAY_SEND,
    {
      service: 'mailbox',
      offered: ({ relay }) => relay !== undefined,
      run: async ({ options: { relay } }, { account, message }) => {
        if (!relay) throw refusal('RELAY_OFF', 'this agency carries nothing to others')
        const answer = await relay.carry(account, parseRelaySend(message.body), onlyAttachment(message))
        return { type: RELAY_ANSWER, body: {}, attachments: [{ id: 'message', bytes: answer }] }
      },
    },
  ],
])
