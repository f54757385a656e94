/**
 * Bad input by structure, as much as one wants: bodies to every parser, envelopes to `unpack`, and messages that are properly
 * encrypted and strange inside to an agency and to a wallet. Whatever comes in, a value or one of our codes comes out, nobody
 * passes for somebody else, and nothing takes long.
 */
import { base64url, isKeysteadError, type Json, type JsonObject, systemRandom, utf8, utf8Decode } from '@keystead/core'
import { didOf } from '@keystead/did'
import { type Message, PLAINTEXT_MEDIA_TYPE, pack, packPlaintext, packSigned, unpack } from '@keystead/didcomm'
import { HANDLERS as ASKED } from '../../../agent/src/cloud/handlers.ts'
import { HANDLERS as HEARD } from '../../../agent/src/edge/handlers.ts'
import { handleDelivery } from '../../../agent/src/edge/inbox.ts'
import { senderOf } from '../../../agent/src/edge/own-dids.ts'
import { PARSERS } from '../../../agent/src/protocols/testing/bodies.ts'
import { encrypt } from '../../../didcomm/src/encrypt.ts'
import { portableEphemerals } from '../../../didcomm/src/ephemeral.ts'
import type { EphemeralKeys, SenderPort } from '../../../didcomm/src/ports.ts'
import { recipientsOf } from '../../../didcomm/src/recipients.ts'
import { type Party, party, resolverOf } from '../../../didcomm/src/testing/parties.ts'
import { Network } from '../network.ts'
import type { Person } from '../person.ts'
import { type Draw, mutated, numbersFrom } from './mutate.ts'

/** What was sent and what came of it that must not be. */
export interface Finding {
  readonly kind: FuzzKind
  readonly seed: number
  readonly what: string
}

export type FuzzKind = 'body' | 'envelope' | 'inside' | 'agency' | 'wallet'

/** Longest that one case may hold a core, in milliseconds of its time: the machine may be busy. */
const SLOW_MS = 2000
const CODE = /^[A-Z][A-Z0-9_]{2,40}$/

export class Fuzz {
  readonly #network: Network
  readonly #parties: { alice: Party; bob: Party; mallory: Party }
  readonly #envelopes: readonly JsonObject[]
  readonly #people: { alice: Person; bob: Person }
  readonly outcomes = new Map<string, number>()

  private constructor(
    network: Network,
    parties: { alice: Party; bob: Party; mallory: Party },
    envelopes: readonly JsonObject[],
    people: { alice: Person; bob: Person },
  ) {
    this.#network = network
    this.#parties = parties
    this.#envelopes = envelopes
    this.#people = people
  }

  static async make(): Promise<Fuzz> {
    const network = await Network.open()
    const people = { alice: await network.person('alice'), bob: await network.person('bob') }
    await network.connect(people.alice, people.bob)
    const [alice, bob, mallory] = [await party('alice'), await party('bob'), await party('mallory')]
    const resolver = resolverOf(alice.document, bob.document, mallory.document)
    const message: Message = { id: '1', type: 'https://example.com/x', from: alice.did, to: [bob.did], body: { a: 1 } }
    const common = { to: bob.agreement.x25519.kid, resolver, random: systemRandom }
    const from = alice.agreement.x25519
    const packed = [
      await pack(message, { ...common, enc: 'A256GCM' }),
      await pack(message, { ...common, from }),
      await pack(message, { ...common, from, anonymous: true }),
      await packSigned(message, alice.signing.ed25519),
      await pack(message, { ...common, sign: alice.signing.p256 }),
      packPlaintext(message),
    ]
    const envelopes = packed.map((bytes) => JSON.parse(utf8Decode(bytes)) as JsonObject)
    return new Fuzz(network, { alice, bob, mallory }, envelopes, people)
  }

  /** One case, repeatable by its seed but for keys and randomness of encryption. */
  async run(kind: FuzzKind, seed: number): Promise<Finding | undefined> {
    const draw = numbersFrom(seed)
    const began = process.cpuUsage()
    const cases = { body: this.#body, envelope: this.#envelope, inside: this.#inside, agency: this.#agency }
    try {
      const outcome = await (kind === 'wallet' ? this.#wallet(draw) : cases[kind].call(this, draw))
      this.#count(kind, outcome)
      const { user, system } = process.cpuUsage(began)
      const took = (user + system) / 1000
      if (took > SLOW_MS) return { kind, seed, what: `took ${took.toFixed(0)} ms` }
    } catch (error) {
      if (!isKeysteadError(error) || !CODE.test(error.code)) return { kind, seed, what: describe(error) }
      this.#count(kind, error.code)
    }
    return undefined
  }

  close(): Promise<void> {
    return this.#network.close()
  }

  #count(kind: FuzzKind, outcome: string): void {
    const name = `${kind}: ${outcome}`
    this.outcomes.set(name, (this.outcomes.get(name) ?? 0) + 1)
  }

  async #body(draw: Draw): Promise<string> {
    const [parse, good] = pick(Object.values(PARSERS), draw)
    parse(mutated(good as Json, draw))
    return 'taken'
  }

  /** Outer members, protected headers, or parts of two envelopes mixed. */
  async #envelope(draw: Draw): Promise<string> {
    const original = pick(this.#envelopes, draw)
    const changed = draw(3) === 0 ? this.#mixed(original, draw) : draw(2) === 0 ? reheaded(original, draw) : undefined
    return this.#open(utf8(JSON.stringify(changed ?? mutated(original, draw))), this.#parties.alice)
  }

  #mixed(one: JsonObject, draw: Draw): JsonObject {
    const other = pick(this.#envelopes, draw)
    const name = pick(Object.keys(other), draw)
    return { ...one, [name]: other[name] as Json }
  }

  /** Mallory encrypts for Bob whatever text: it may open, and then it is from Mallory. */
  async #inside(draw: Draw): Promise<string> {
    const { alice, bob, mallory } = this.#parties
    const resolver = resolverOf(bob.document)
    const claimed = draw(2) === 0 ? mallory.did : alice.did
    const message = { id: '1', type: 'x', typ: PLAINTEXT_MEDIA_TYPE, from: claimed, to: [bob.did], body: {} }
    const bytes = await encrypt(utf8(JSON.stringify(mutated(message, draw))), {
      recipients: await recipientsOf(bob.agreement.x25519.kid, resolver),
      from: mallory.agreement.x25519,
      encryption: 'A256CBC-HS512',
      contentType: PLAINTEXT_MEDIA_TYPE,
      ephemerals: portableEphemerals(systemRandom),
      random: systemRandom,
    })
    return this.#open(bytes, mallory)
  }

  async #open(bytes: Uint8Array, author: Party): Promise<string> {
    const { alice, bob, mallory } = this.#parties
    const resolver = resolverOf(alice.document, bob.document, mallory.document)
    const { message, metadata } = await unpack(bytes, { secrets: bob.secrets, resolver })
    if (metadata.authenticated && didOf(message.from ?? '') !== author.did)
      throw new Error(`passes for ${String(message.from)}`)
    return metadata.authenticated ? 'opened' : 'opened, proving nothing'
  }

  /** From an account that may do everything. */
  async #agency(draw: Draw): Promise<string> {
    const { agent } = this.#people.bob
    const { account = '', did = '' } = (await agent.profile()).agency ?? {}
    const type = draw(20) === 0 ? 'https://example.com/unknown/1.0/ask' : pick([...ASKED.keys()], draw)
    const bytes = await this.#strange({ from: account, to: did, type, owner: this.#people.bob }, draw)
    const reply = await this.#network.agency.receive(bytes, draw(2) === 0 ? NOWHERE : undefined)
    return reply ? 'answered' : 'kept'
  }

  async #wallet(draw: Draw): Promise<string> {
    const { alice, bob } = this.#people
    const [contact] = await bob.agent.contacts()
    if (!contact?.peer) throw new Error('they are not connected any more')
    const message = {
      from: contact.mine.state.now.did,
      to: contact.peer.state.now.did,
      type: pick([...HEARD.keys()], draw),
      owner: bob,
    }
    const bytes = await this.#strange(message, draw)
    const delivery = {
      id: 'd',
      type: 'd',
      body: {},
      attachments: [{ id: 'one', data: { base64: base64url.encode(bytes) } }],
    }
    alice.events.length = 0
    const done = await alice.agent.edge.alone(() => handleDelivery(alice.agent.edge, delivery as Message))
    const [told] = alice.events.map(({ kind }) => kind)
    return `${done.length === 1 ? 'dealt with' : 'waits'}${told === undefined ? '' : `, ${told}`}`
  }

  /** Properly encrypted; strange in its body, or anywhere. */
  async #strange(
    { from, to, type, owner }: { from: string; to: string; type: string; owner: Person },
    draw: Draw,
  ): Promise<Uint8Array> {
    const { edge } = owner.agent
    const good = pick(Object.values(PARSERS), draw)[1] as JsonObject
    const message = {
      id: base64url.encode(systemRandom(8)),
      typ: PLAINTEXT_MEDIA_TYPE,
      type,
      from,
      to: [to],
      body: good,
      attachments: [{ ...LINKED, data: pick<JsonObject>([{ base64: 'AAAA' }, { json: good }, LINKED.data], draw) }],
    }
    const text = draw(3) === 0 ? mutated(message, draw) : { ...message, body: mutated(good, draw) }
    const sender: SenderPort = await senderOf(edge, from)
    return encrypt(utf8(JSON.stringify(text)), {
      recipients: await recipientsOf(to, edge.resolver, 'x25519'),
      from: sender,
      encryption: 'A256CBC-HS512',
      contentType: PLAINTEXT_MEDIA_TYPE,
      ephemerals: edge.ports.keys as EphemeralKeys,
      random: systemRandom,
    })
  }
}

/** A file by reference, as it stands in a message (ATTACH-2). */
const LINKED = {
  id: '0',
  filename: 'x.txt',
  media_type: 'text/plain',
  byte_count: 200,
  expires_time: 5,
  ciphering: {
    algorithm: 'age-encryption.org/v1',
    parameters: { key: `AGE-SECRET-KEY-1${'Q'.repeat(58)}`, byte_count: 3 },
  },
  data: { links: ['https://agency.test/x'], hash: `Qm${'a'.repeat(44)}` },
}

const NOWHERE = { push: () => {}, waiting: () => 0 }

/** The protected header of an encryption, or of a signature, changed and encoded again. */
function reheaded(envelope: JsonObject, draw: Draw): JsonObject {
  const change = (text: unknown): string => {
    const header = JSON.parse(utf8Decode(base64url.decode(String(text)))) as Json
    return base64url.encode(utf8(JSON.stringify(mutated(header, draw))))
  }
  const { protected: head, signatures } = envelope
  if (head !== undefined) return { ...envelope, protected: change(head) }
  const [first, ...rest] = (signatures ?? []) as readonly JsonObject[]
  if (!first) return mutated(envelope, draw) as JsonObject
  return { ...envelope, signatures: [{ ...first, protected: change(first['protected']) }, ...rest] }
}

const pick = <T>(items: readonly T[], draw: Draw): T => items[draw(items.length)] as T

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message).slice(0, 600) : String(error)
}
