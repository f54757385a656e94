/**
 * The card: what a client must know of a registration before it guesses. Every agent keeps one, each sealed under the
 * locator on its own, so that no two agents hold a common byte; a client believes what at least `threshold` agents say alike.
 *
 *   card   = JCS { v: 1, version, threshold, guesses, agents: [{ id, key }], commitment, slot }
 *   sealed = XChaCha20-Poly1305(HKDF(locator, "escrow-card|" agent), padded card)
 *
 * The agent at place i has share i + 1. With a quorum of the card more than half of the agents, two cards cannot both have one.
 */
import {
  type Bytes,
  base64url,
  canonicalJson,
  Fields,
  fail,
  type JsonObject,
  pad,
  parseCanonicalJson,
  type Random,
  unpad,
  utf8,
} from '@keystead/core'
import { hkdfSha256, open, seal } from '@keystead/crypto'
import { refuse, under } from '../errors.ts'
import {
  ESCROW_CARD_BYTES,
  LOCATOR_BYTES,
  MAX_AGENT_ID,
  MAX_ESCROW_AGENTS,
  MAX_GUESSES,
  MIN_ESCROW_AGENTS,
} from '../limits.ts'
import { bytesField } from '../wire.ts'
import { COMMITMENT_BYTES, SLOT_BYTES, VERSION_BYTES } from './keys.ts'
import { ELEMENT_BYTES, isElement } from './oprf.ts'

export interface EscrowCard {
  readonly version: Bytes
  readonly threshold: number
  /** Guesses at each agent. */
  readonly guesses: number
  /** The agents' DIDs and the public keys of their shares. */
  readonly agents: readonly { readonly id: string; readonly key: Bytes }[]
  readonly commitment: Bytes
  readonly slot: Bytes
}

const SALT = utf8('keystead/locator/v1')
const AAD = utf8('keystead/escrow/card/v1')

/** Throws `BAD_PARAMETERS`. */
export function sealCard(locator: Uint8Array, agent: string, card: EscrowCard, random: Random): Bytes {
  const bytes = under('BAD_PARAMETERS', 'this card would not be readable', () => {
    const json = canonicalJson(cardToJson(card))
    readCard(parseCanonicalJson(json, ESCROW_CARD_BYTES))
    return json
  })
  return seal(cardKey(locator, agent), pad(bytes, ESCROW_CARD_BYTES), AAD, random(24))
}

/** Throws `BAD_ESCROW`. */
export function openCard(locator: Uint8Array, agent: string, sealed: Uint8Array): EscrowCard {
  return under('BAD_ESCROW', 'this agent’s card is not of this locator', () => {
    if (sealed.length > 2 * ESCROW_CARD_BYTES) refuse('BAD_ESCROW', 'too long for a card')
    const padded = open(cardKey(locator, agent), sealed, AAD)
    const json = unpad(padded, ESCROW_CARD_BYTES) ?? refuse('BAD_ESCROW', 'the padding is wrong')
    return readCard(parseCanonicalJson(json, ESCROW_CARD_BYTES))
  })
}

/** Equal exactly for equal cards. */
export function cardText(card: EscrowCard): string {
  return base64url.encode(canonicalJson(cardToJson(card)))
}

/** Rule 25: more than half of at least three. */
export function checkMembers({ threshold, count }: { threshold: number; count: number }): boolean {
  return count >= MIN_ESCROW_AGENTS && count <= MAX_ESCROW_AGENTS && threshold <= count && 2 * threshold > count
}

function cardKey(locator: Uint8Array, agent: string): Bytes {
  if (locator.length !== LOCATOR_BYTES) refuse('BAD_PARAMETERS', `a locator has ${LOCATOR_BYTES} bytes`)
  return hkdfSha256(locator, SALT, utf8(`escrow-card|${agent}`), 32)
}

function cardToJson(card: EscrowCard): JsonObject {
  return {
    v: 1,
    version: base64url.encode(card.version),
    threshold: card.threshold,
    guesses: card.guesses,
    agents: card.agents.map(({ id, key }) => ({ id, key: base64url.encode(key) })),
    commitment: base64url.encode(card.commitment),
    slot: base64url.encode(card.slot),
  }
}

function readCard(value: unknown): EscrowCard {
  const fields = new Fields(value, 'card')
  fields.literal('v', 1)
  const card: EscrowCard = {
    version: bytesField(fields, 'version', VERSION_BYTES),
    threshold: fields.integer('threshold', { min: 2, max: MAX_ESCROW_AGENTS }),
    guesses: fields.integer('guesses', { min: 1, max: MAX_GUESSES }),
    agents: fields.array('agents', { min: MIN_ESCROW_AGENTS, max: MAX_ESCROW_AGENTS }, (item, path) => {
      const entry = new Fields(item, path)
      const agent = { id: agentIdField(entry, 'id'), key: bytesField(entry, 'key', ELEMENT_BYTES) }
      entry.end()
      return isElement(agent.key) ? agent : fail(path, 'has no key of the group')
    }),
    commitment: bytesField(fields, 'commitment', COMMITMENT_BYTES),
    slot: bytesField(fields, 'slot', SLOT_BYTES),
  }
  fields.end()
  const { threshold, agents } = card
  if (!checkMembers({ threshold, count: agents.length })) fail('card.threshold', 'must be more than half of the agents')
  if (new Set(agents.map(({ id }) => id)).size < agents.length) fail('card.agents', 'must be different agents')
  return card
}

/** A DID of an escrow agent. */
export function agentIdField(fields: Fields, name: string): string {
  return fields.string(name, { max: MAX_AGENT_ID, pattern: /^did:[a-z0-9]+:[!#-[\]-~]+$/ })
}
