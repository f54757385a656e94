/**
 * AGENCY-16: passes on the mail of accounts that moved, in order, each message until the new agency has said that it is on its
 * disk. What waits here stays in the mailbox: nothing is lost when either agency is away, and a repeat is dropped by the wallet.
 */
import type { Random } from '@keystead/core'
import { type DidResolver, messagingEndpoints } from '@keystead/did'
import { ENCRYPTED_MEDIA_TYPE, type EphemeralKeys, wrapForward } from '@keystead/didcomm'
import { MAX_DELIVERY_BYTES } from '../../limits.ts'
import type { Log } from '../log.ts'
import { postOutside } from '../outbound.ts'
import type { CloudStore, KeptMail } from '../store/port.ts'

export interface ForwardingOptions {
  readonly store: CloudStore
  readonly resolver: DidResolver
  readonly random: Random
  readonly keys: EphemeralKeys
  readonly log: Log
  /** For trials: also agencies at `http:` and inside the operator's own network. */
  readonly anywhere: boolean
  /** For tests without a network. */
  readonly post?: typeof postOutside
}

/** Accounts served at once; one whose new agency hangs holds up no more than its share. */
const AT_ONCE = 16
const PAGE = 20

export class Forwarding {
  readonly #options: ForwardingOptions
  #turn: Promise<void> | undefined
  #stopped = false

  constructor(options: ForwardingOptions) {
    this.#options = options
  }

  /** Passes on what waits, unless that is being done; resolves when it is. */
  async look(): Promise<void> {
    if (this.#stopped) return
    this.#turn ??= this.#all()
      .catch((error) => this.#options.log('error', 'forwarding', { reason: String(error) }))
      .finally(() => {
        this.#turn = undefined
      })
    await this.#turn
  }

  async stop(): Promise<void> {
    this.#stopped = true
    await this.#turn
  }

  async #all(): Promise<void> {
    const moved = await this.#options.store.forwardings()
    const next = async (): Promise<void> => {
      for (let one = moved.pop(); one && !this.#stopped; one = moved.pop()) await this.#one(one.device, one.to)
    }
    await Promise.all(Array.from({ length: AT_ONCE }, next))
  }

  async #one(device: string, to: string): Promise<void> {
    const { store, resolver } = this.#options
    const url = await endpointOf(resolver, to)
    while (url !== undefined && !this.#stopped) {
      const items = await store.mail(device, { limit: PAGE, maxBytes: MAX_DELIVERY_BYTES })
      if (items.length === 0) return
      for (const item of items) {
        if (!(await this.#pass(item, device, to, url))) return
        await store.removeMail(device, [item.id])
      }
    }
  }

  /** True when the new agency has it. To the mailbox of this device alone: the others have theirs. */
  async #pass({ bytes }: KeptMail, device: string, to: string, url: string): Promise<boolean> {
    const { resolver, random, keys, anywhere, post = postOutside } = this.#options
    const body = await wrapForward(bytes, { next: device, mediator: to, resolver, random, ephemerals: keys })
    return (await post({ url, headers: { 'content-type': ENCRYPTED_MEDIA_TYPE }, body }, { anywhere })) === 202
  }
}

/** Where an agency takes messages over HTTP; undefined when its DID does not say. */
export async function endpointOf(resolver: DidResolver, did: string): Promise<string | undefined> {
  const { didDocument } = await resolver.resolve(did)
  if (!didDocument) return undefined
  return messagingEndpoints(didDocument).find(({ uri }) => /^https?:/.test(uri))?.uri
}
