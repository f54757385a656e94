/**
 * The recovering device's side of the escrow as a state machine: what agents answered goes in, what to do next comes out.
 * It needs a threshold of honest agents and no more; an agent that lies is named, one that is away is passed over.
 *
 *   opening    --a card that `threshold` agents say alike--> ready
 *   ready      --the stretched PIN-------------------------> guessing: a blinded element for each agent
 *   guessing   --`threshold` proven evaluations------------> releasing, or wrong-pin by the card's commitment
 *   releasing  --`threshold` shares that open--------------> released: group secret E
 *   any        --too many agents lied, locked or are away---> failed
 */
import { type Bytes, equalBytes, isKeysteadError, type Random } from '@keystead/core'
import { cardText, type EscrowCard, openCard } from './card.ts'
import { openRelease, openSlot, releaseTag, type StretchedPin, unlockOf } from './keys.ts'
import {
  type Blinded,
  blindInput,
  combineEvaluations,
  combineScalar,
  type Evaluation,
  evaluationHolds,
} from './oprf.ts'

interface Common {
  readonly locator: Bytes
  /** DIDs of the agents that the locator record names, in the order of their shares. */
  readonly agents: readonly string[]
  /** Agents needed, as the record's policy has it: no card may ask for fewer. */
  readonly threshold: number
  /** Agents that answered something which nobody honest answers. */
  readonly liars: readonly string[]
  /** Agents that cannot help now, and the code they or the network gave. */
  readonly away: Readonly<Record<string, string>>
}

interface Guess {
  readonly card: EscrowCard
  readonly pin: StretchedPin
  readonly blinded: Readonly<Record<string, Blinded>>
}

export type EscrowClient = Common &
  (
    | { readonly state: 'opening'; readonly cards: Readonly<Record<string, EscrowCard>> }
    | { readonly state: 'ready'; readonly card: EscrowCard }
    | ({ readonly state: 'guessing'; readonly evaluated: Readonly<Record<string, Bytes>> } & Guess)
    | ({
        readonly state: 'releasing'
        readonly unlockKey: Bytes
        readonly shares: Readonly<Record<string, Bytes>>
      } & Guess)
    | { readonly state: 'released'; readonly card: EscrowCard; readonly unlockKey: Bytes; readonly secret: Bytes }
    | { readonly state: 'wrong-pin'; readonly card: EscrowCard }
    | { readonly state: 'failed' }
  )

export type EscrowAnswer =
  | { readonly type: 'card'; readonly agent: string; readonly sealed: Uint8Array }
  | { readonly type: 'pin'; readonly stretched: StretchedPin }
  | ({ readonly type: 'evaluation'; readonly agent: string } & Evaluation)
  | { readonly type: 'share'; readonly agent: string; readonly sealed: Uint8Array }
  /** An answer that could not be read at all. */
  | { readonly type: 'nonsense'; readonly agent: string }
  | { readonly type: 'away'; readonly agent: string; readonly code: string }

export function beginEscrow(locator: Uint8Array, agents: readonly string[], threshold: number): EscrowClient {
  return { state: 'opening', locator: Uint8Array.from(locator), agents, threshold, liars: [], away: {}, cards: {} }
}

/** Never throws for anything an agent may send. */
export function stepEscrow(client: EscrowClient, answer: EscrowAnswer, random: Random): EscrowClient {
  switch (answer.type) {
    case 'card':
      return settled(onCard(client, answer))
    case 'pin':
      return onPin(client, answer.stretched, random)
    case 'evaluation':
      return settled(onEvaluation(client, answer))
    case 'share':
      return settled(onShare(client, answer))
    case 'nonsense':
      return settled(blame(client, answer.agent))
    case 'away':
      return settled({ ...client, away: { ...client.away, [answer.agent]: answer.code } })
  }
}

/** The blinded element for an agent, while a guess is made. */
export function elementFor(client: EscrowClient, agent: string): Bytes | undefined {
  return client.state === 'guessing' || client.state === 'releasing' ? client.blinded[agent]?.element : undefined
}

/** The tag for an agent, once the PIN is known to be right. */
export function tagFor(client: EscrowClient, agent: string): Bytes | undefined {
  return client.state === 'releasing' || client.state === 'released' ? releaseTag(client.unlockKey, agent) : undefined
}

function onCard(client: EscrowClient, { agent, sealed }: Extract<EscrowAnswer, { type: 'card' }>): EscrowClient {
  if (!client.agents.includes(agent)) return client
  let card: EscrowCard
  try {
    card = openCard(client.locator, agent, sealed)
  } catch (error) {
    if (!isKeysteadError(error, 'BAD_ESCROW')) throw error
    return blame(client, agent)
  }
  const named = card.agents.map(({ id }) => id)
  if (card.threshold !== client.threshold || named.join(' ') !== client.agents.join(' ')) return blame(client, agent)
  if (client.state !== 'opening') {
    const agreed = 'card' in client ? cardText(client.card) : undefined
    return agreed !== undefined && cardText(card) !== agreed ? blame(client, agent) : client
  }
  const cards = { ...client.cards, [agent]: card }
  const alike = Object.entries(cards).filter(([, other]) => cardText(other) === cardText(card))
  if (alike.length < client.threshold) return { ...client, cards }
  const liars = Object.keys(cards).filter((id) => !alike.some(([other]) => other === id))
  return { ...common(client), state: 'ready', liars: [...new Set([...client.liars, ...liars])], card }
}

function onPin(client: EscrowClient, pin: StretchedPin, random: Random): EscrowClient {
  if (client.state !== 'ready') return client
  const { card } = client
  const blinded = Object.fromEntries(card.agents.map(({ id }) => [id, blindInput(pin.access, random)]))
  return { ...client, state: 'guessing', pin, blinded, evaluated: {} }
}

function onEvaluation(
  client: EscrowClient,
  { agent, evaluated, proof }: Extract<EscrowAnswer, { type: 'evaluation' }>,
): EscrowClient {
  if (client.state !== 'guessing' && client.state !== 'releasing') return client
  const key = client.card.agents.find(({ id }) => id === agent)?.key
  const blinded = client.blinded[agent]
  if (!key || !blinded) return client
  if (!evaluationHolds(key, blinded, { evaluated, proof })) return blame(client, agent)
  if (client.state === 'releasing') return client
  const known = { ...client.evaluated, [agent]: Uint8Array.from(evaluated) }
  const { card, pin } = client
  const parts = card.agents.flatMap(({ id }, i) => {
    const [element, blind] = [known[id], client.blinded[id]?.blind]
    return element && blind ? [{ index: i + 1, blind, evaluated: element }] : []
  })
  if (parts.length < card.threshold) return { ...client, evaluated: known }
  // Every part is proven, so what comes out is the function's value: the commitment judges the PIN and nobody else.
  const { key: unlockKey, commitment } = unlockOf(combineEvaluations(pin.access, parts), card.version)
  if (!equalBytes(commitment, card.commitment)) return { ...common(client), state: 'wrong-pin', card }
  return { ...common(client), state: 'releasing', card, pin, blinded: client.blinded, unlockKey, shares: {} }
}

function onShare(client: EscrowClient, { agent, sealed }: Extract<EscrowAnswer, { type: 'share' }>): EscrowClient {
  if (client.state !== 'releasing' && client.state !== 'released') return client
  const { card, unlockKey } = client
  if (!card.agents.some(({ id }) => id === agent)) return client
  let share: Bytes
  try {
    share = openRelease(unlockKey, sealed, agent)
  } catch (error) {
    if (!isKeysteadError(error, 'BAD_ESCROW')) throw error
    return blame(client, agent)
  }
  if (client.state === 'released') return client
  const shares = { ...client.shares, [agent]: share }
  const parts = card.agents.flatMap(({ id }, i) => {
    const secret = shares[id]
    return secret ? [{ index: i + 1, secret }] : []
  })
  if (parts.length < card.threshold) return { ...client, shares }
  const z = combineScalar(parts, { threshold: card.threshold, count: card.agents.length })
  const secret = openSlot(card.slot, z, client.pin.seed, card.version)
  return { ...common(client), state: 'released', card, unlockKey, secret }
}

function common({ locator, agents, threshold, liars, away }: EscrowClient): Common {
  return { locator, agents, threshold, liars, away }
}

function blame<C extends EscrowClient>(client: C, agent: string): C {
  return client.liars.includes(agent) ? client : { ...client, liars: [...client.liars, agent] }
}

/** Failed as soon as those who may still answer are too few. */
function settled(client: EscrowClient): EscrowClient {
  const out = (id: string): boolean => client.liars.includes(id) || client.away[id] !== undefined
  const failed: EscrowClient = { ...common(client), state: 'failed' }
  if (client.state === 'opening') {
    const open = client.agents.filter((id) => !out(id) && !client.cards[id]).length
    const texts = Object.values(client.cards).map(cardText)
    const most = Math.max(0, ...texts.map((text) => texts.filter((other) => other === text).length))
    return most + open < client.threshold ? failed : client
  }
  if (client.state !== 'guessing' && client.state !== 'releasing') return client
  const have = client.state === 'guessing' ? client.evaluated : client.shares
  const open = client.card.agents.filter(({ id }) => have[id] || !out(id)).length
  return open < client.card.threshold ? failed : client
}
