/** Escrow agents in memory, honest and otherwise, and a client that asks them. */
import { type Bytes, type Random, seededRandom } from '@keystead/core'
import { answerGuess, judgeGuess, releaseFor } from '../escrow/agent.ts'
import { beginEscrow, type EscrowClient, elementFor, stepEscrow, tagFor } from '../escrow/client.ts'
import { dealEscrow } from '../escrow/deal.ts'
import { type StretchedPin, stretchPin } from '../escrow/keys.ts'
import { type EscrowRecord, openRegistration } from '../escrow/registration.ts'

import { kemKey, provider } from './keys.ts'

export type Lie = 'card' | 'old card' | 'evaluation' | 'element' | 'share' | 'other share'

export interface Deal {
  readonly locator: Bytes
  readonly secret: Bytes
  readonly threshold: number
  readonly ids: readonly string[]
  readonly records: readonly EscrowRecord[]
}

export async function deal(
  pin: string,
  seed: number,
  members = { threshold: 3, count: 5 },
  guesses = 5,
): Promise<Deal> {
  const random = seededRandom(seed)
  const [locator, secret] = [random(16), random(32)]
  const { threshold, count } = members
  const ids = Array.from({ length: count }, (_, i) => `did:example:agent${i}`)
  const kems = await Promise.all(ids.map((_, i) => kemKey(1000 + i)))
  const agents = ids.map((id, i) => ({ id, kem: (kems[i] as (typeof kems)[number]).publicKey }))
  const registrations = await dealEscrow({ secret, pin, locator, agents, threshold, guesses, keys: provider, random })
  const records = await Promise.all(
    registrations.map(({ sealed, agent }, i) =>
      openRegistration((kems[i] as (typeof kems)[number]).key, sealed, agent),
    ),
  )
  return { locator, secret, threshold, ids, records }
}

/** One agent in memory. `lie` says how it deceives, `other` what it deceives with. */
export class FakeAgent {
  readonly counted: Uint8Array[] = []
  readonly record: EscrowRecord
  readonly lie: Lie | undefined
  readonly other: EscrowRecord

  constructor(record: EscrowRecord, lie?: Lie, other: EscrowRecord = record) {
    this.record = record
    this.lie = lie
    this.other = other
  }

  card(): Bytes {
    if (this.lie === 'old card') return this.other.card
    return this.lie === 'card' ? changed(this.record.card) : this.record.card
  }

  /** Undefined when it is locked. */
  evaluate(element: Uint8Array, random: Random) {
    const verdict = judgeGuess(this.record, this.counted, element)
    if (verdict === 'locked') return undefined
    if (verdict === 'counted') this.counted.push(element)
    const { share } = this.lie === 'evaluation' ? this.other : this.record
    const answer = answerGuess({ share }, element, random)
    return this.lie === 'element' ? { ...answer, evaluated: new Uint8Array(32) } : answer
  }

  release(tag: Uint8Array): Bytes | undefined {
    const sealed = releaseFor(this.record, tag)
    if (this.lie === 'share' && sealed) return changed(sealed)
    return this.lie === 'other share' ? this.other.release : sealed
  }
}

export const stretched = new Map<string, StretchedPin>()

/** A whole recovery: every agent in the order given; undefined stands for one that is away. */
export async function recover(
  { locator, ids, threshold }: Deal,
  pin: string,
  agents: readonly (FakeAgent | undefined)[],
  order: readonly number[] = agents.map((_, i) => i),
): Promise<EscrowClient> {
  const random = seededRandom(77)
  let client = beginEscrow(locator, ids, threshold)
  const each = (work: (agent: FakeAgent, id: string) => void): void => {
    for (const i of order) {
      const [agent, id] = [agents[i], ids[i] as string]
      if (agent) work(agent, id)
      else client = stepEscrow(client, { type: 'away', agent: id, code: 'AGENCY_UNREACHABLE' }, random)
    }
  }
  each((agent, id) => {
    client = stepEscrow(client, { type: 'card', agent: id, sealed: agent.card() }, random)
  })
  if (client.state !== 'ready') return client
  const { version } = client.card
  const name = `${Buffer.from(version).toString('hex')} ${pin}`
  const known = stretched.get(name) ?? (await stretchPin(pin, version, locator))
  stretched.set(name, known)
  client = stepEscrow(client, { type: 'pin', stretched: known }, random)
  each((agent, id) => {
    const element = elementFor(client, id)
    if (!element) return
    const answer = agent.evaluate(element, random)
    client = answer
      ? stepEscrow(client, { type: 'evaluation', agent: id, ...answer }, random)
      : stepEscrow(client, { type: 'away', agent: id, code: 'ESCROW_LOCKED' }, random)
  })
  each((agent, id) => {
    const tag = tagFor(client, id)
    const sealed = tag && agent.release(tag)
    if (sealed) client = stepEscrow(client, { type: 'share', agent: id, sealed }, random)
  })
  return client
}

function changed(bytes: Uint8Array): Bytes {
  const copy = Uint8Array.from(bytes)
  const at = copy.length >> 1
  copy[at] = (copy[at] ?? 0) ^ 1
  return copy
}
