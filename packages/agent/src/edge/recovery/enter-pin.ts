/**
 * A new device and the PIN (ESCROW-3 to ESCROW-7): all agents at once, each going on as soon as what it waits for is there.
 * The first `threshold` honest ones decide; a slow or lying one stops nobody.
 */
import { base64url, isKeysteadError } from '@keystead/core'
import { attachmentBytes, type Message } from '@keystead/didcomm'
import {
  beginEscrow,
  type EscrowAnswer,
  type EscrowClient,
  type EscrowStep,
  elementFor,
  escrowAccount,
  escrowAuthSeed,
  type LocatorRecord,
  type StretchedPin,
  stepEscrow,
  stretchPin,
  tagFor,
} from '@keystead/recovery'
import {
  ESCROW_CARD,
  ESCROW_CHALLENGE_REQUEST,
  ESCROW_EVALUATE,
  ESCROW_EVALUATION,
  ESCROW_OPEN,
  ESCROW_RELEASE,
  ESCROW_SHARE,
  parseEscrowAccount,
  parseEscrowCard,
  parseEscrowChallenge,
  parseEscrowEvaluation,
} from '../../protocols/escrow/messages.ts'
import { ask } from '../agency-link.ts'
import { type Edge, fault, tell } from '../context.ts'
import { makeAccount } from '../own-dids.ts'
import { type Change, put } from '../store.ts'
import { signEscrow } from './escrow-deal.ts'
import type { Rescue, SpentEscrow } from './records.ts'

export interface PinOutcome {
  /** Group secret E, base64url. */
  readonly secret: string
  /** With which the registrations are removed once authority is back. */
  readonly spent: readonly SpentEscrow[]
}

/** DIDs of this device for the agents, made once a recovery. */
export async function escrowSenders(
  edge: Edge,
  rescue: Rescue,
  { agents }: LocatorRecord,
): Promise<{ senders: ReadonlyMap<string, string>; changes: Change[]; after: Rescue }> {
  const known = new Map(rescue.escrow?.senders.map(({ agent, sender }) => [agent, sender]))
  const changes: Change[] = []
  for (const { id } of agents) {
    if (known.has(id)) continue
    const own = await makeAccount(edge)
    changes.push(put('own-did', own.did, own))
    known.set(id, own.did)
  }
  const senders = [...known].map(([agent, sender]) => ({ agent, sender }))
  const after: Rescue = { ...rescue, escrow: { ...rescue.escrow, senders } }
  return { senders: known, changes: [...changes, put('rescue', 'self', after)], after }
}

/** Rejects with `WRONG_PIN` (and how many guesses are left), `ESCROW_LOCKED` or `TOO_FEW_AGENTS`. */
export async function enterPin(
  edge: Edge,
  pin: string,
  { locator, record, senders }: { locator: Uint8Array; record: LocatorRecord; senders: ReadonlyMap<string, string> },
): Promise<PinOutcome> {
  const members = record.policy.groups.E
  if (!members) throw fault('NO_PIN', 'no PIN was set up for this wallet')
  const attempt = new Attempt(
    edge,
    pin,
    locator,
    record.agents.map(({ id }) => id),
    members.threshold,
    senders,
  )
  const { client, left } = await attempt.run()
  for (const liar of client.liars)
    tell(edge, { kind: 'agent-lied', text: `${operatorOf(record, liar)} gave a false answer` })
  if (client.state === 'released') {
    try {
      const secret = base64url.encode(client.secret)
      return { secret, spent: attempt.spent(client) }
    } finally {
      client.secret.fill(0)
    }
  }
  const lockedAgents = Object.values(client.away).filter((code) => code === 'ESCROW_LOCKED').length
  if (client.state === 'wrong-pin') {
    // What at least a threshold of agents will still answer; a liar's number counts for one.
    const guesses = [...left.values()].sort((a, b) => b - a)[members.threshold - 1] ?? 0
    throw fault(
      'WRONG_PIN',
      guesses === 0
        ? 'this is not the PIN, and no guess is left'
        : `this is not the PIN; ${guesses} guess(es) are left`,
    )
  }
  if (lockedAgents > record.agents.length - members.threshold)
    throw fault('ESCROW_LOCKED', 'too many wrong PINs were tried: the PIN is locked for good, use another way')
  const why = Object.entries(client.away).map(([id, code]) => `${operatorOf(record, id)}: ${code}`)
  throw fault(
    'TOO_FEW_AGENTS',
    `too few agents of the PIN could help (${why.join(', ') || 'they disagree'}); try again`,
  )
}

function operatorOf({ agents }: LocatorRecord, id: string): string {
  return agents.find((agent) => agent.id === id)?.operator ?? 'an agent'
}

class Attempt {
  readonly #edge: Edge
  readonly #pin: string
  readonly #senders: ReadonlyMap<string, string>
  readonly #left = new Map<string, number>()
  readonly #waiting: (() => void)[] = []
  #client: EscrowClient
  #stretching = false
  #stretched: StretchedPin | undefined

  constructor(
    edge: Edge,
    pin: string,
    locator: Uint8Array,
    agents: readonly string[],
    threshold: number,
    senders: ReadonlyMap<string, string>,
  ) {
    this.#edge = edge
    this.#pin = pin
    this.#senders = senders
    this.#client = beginEscrow(locator, agents, threshold)
  }

  async run(): Promise<{ client: EscrowClient; left: ReadonlyMap<string, number> }> {
    const everybody = Promise.all(this.#client.agents.map((agent) => this.#talkTo(agent)))
    try {
      // Over as soon as it is decided: nobody waits for an agent that hangs.
      await Promise.race([everybody, this.#until(({ state }) => FINAL.has(state))])
      return { client: this.#client, left: this.#left }
    } finally {
      everybody.catch(() => {})
      this.#stretched?.access.fill(0)
      this.#stretched?.seed.fill(0)
    }
  }

  spent(client: EscrowClient): SpentEscrow[] {
    return client.agents.flatMap((agent) => {
      const [tag, sender] = [tagFor(client, agent), this.#senders.get(agent)]
      if (!tag || !sender) return []
      const auth = base64url.encode(escrowAuthSeed(client.locator, agent))
      const account = escrowAccount(client.locator, agent)
      return [{ agent, sender, account, proof: { tag: base64url.encode(tag), auth } }]
    })
  }

  /** One agent through the three phases. Only a fault of our own rejects. */
  async #talkTo(agent: string): Promise<void> {
    const account = escrowAccount(this.#client.locator, agent)
    try {
      const challenge = await this.#ask(agent, ESCROW_CHALLENGE_REQUEST, { account })
      let { nonce } = read(challenge, parseEscrowChallenge)
      const opened = await this.#signed(agent, 'open', ESCROW_OPEN, nonce, new Uint8Array(0))
      const card = readCard(opened)
      nonce = card.nonce
      this.#step({ type: 'card', agent, sealed: card.sealed })
      await this.#stretch()
      await this.#until(({ state }) => state !== 'opening' && state !== 'ready')
      const element = elementFor(this.#client, agent)
      if (!element || this.#client.state !== 'guessing' || this.#out(agent)) return
      const answer = await this.#signed(agent, 'evaluate', ESCROW_EVALUATE, nonce, element)
      if (answer.type !== ESCROW_EVALUATION) throw new Nonsense()
      const evaluation = read(answer, parseEscrowEvaluation)
      nonce = evaluation.nonce
      this.#left.set(agent, evaluation.left)
      this.#step({ type: 'evaluation', agent, evaluated: evaluation.evaluated, proof: evaluation.proof })
      await this.#until(({ state }) => state !== 'guessing')
      const tag = tagFor(this.#client, agent)
      if (!tag || this.#out(agent)) return
      const share = await this.#signed(agent, 'release', ESCROW_RELEASE, nonce, tag)
      this.#step({ type: 'share', agent, sealed: readShare(share) })
    } catch (error) {
      if (error instanceof Nonsense) this.#step({ type: 'nonsense', agent })
      else if (isKeysteadError(error)) this.#step({ type: 'away', agent, code: error.code })
      else throw error
    }
  }

  #out(agent: string): boolean {
    return this.#client.liars.includes(agent)
  }

  async #signed(agent: string, step: EscrowStep, type: string, nonce: string, content: Uint8Array): Promise<Message> {
    const { locator } = this.#client
    const account = escrowAccount(locator, agent)
    const sender = this.#senders.get(agent) ?? ''
    const auth = escrowAuthSeed(locator, agent)
    const signature = await signEscrow(this.#edge, auth, { step, agent, sender, account, nonce, content })
    const name = step === 'evaluate' ? 'element' : 'tag'
    const body = { account, nonce, signature, ...(content.length > 0 ? { [name]: base64url.encode(content) } : {}) }
    return this.#ask(agent, type, body)
  }

  #ask(agent: string, type: string, body: { [name: string]: string }): Promise<Message> {
    return ask(this.#edge, agent, this.#senders.get(agent) ?? '', { type, body })
  }

  #step(answer: EscrowAnswer): void {
    this.#client = stepEscrow(this.#client, answer, this.#edge.ports.random)
    for (const wake of this.#waiting.splice(0)) wake()
  }

  /** Once, by whose card made the quorum. */
  async #stretch(): Promise<void> {
    if (this.#client.state !== 'ready' || this.#stretching) return
    this.#stretching = true
    this.#stretched = await stretchPin(this.#pin, this.#client.card.version, this.#client.locator)
    this.#step({ type: 'pin', stretched: this.#stretched })
  }

  async #until(met: (client: EscrowClient) => boolean): Promise<void> {
    while (!met(this.#client) && !FINAL.has(this.#client.state))
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
  }
}

const FINAL: ReadonlySet<string> = new Set(['released', 'wrong-pin', 'failed'])

/** An answer that no honest agent gives. */
class Nonsense extends Error {}

function read<T>(message: Message, parse: (body: unknown) => T): T {
  try {
    return parse(message.body)
  } catch (error) {
    if (isKeysteadError(error)) throw new Nonsense()
    throw error
  }
}

function readCard(message: Message): { nonce: string; sealed: Uint8Array } {
  if (message.type !== ESCROW_CARD) throw new Nonsense()
  return { nonce: read(message, parseEscrowCard).nonce, sealed: only(message) }
}

function readShare(message: Message): Uint8Array {
  if (message.type !== ESCROW_SHARE) throw new Nonsense()
  read(message, parseEscrowAccount)
  return only(message)
}

function only({ attachments }: Message): Uint8Array {
  const [attachment] = attachments ?? []
  if (!attachment) throw new Nonsense()
  try {
    return attachmentBytes(attachment)
  } catch {
    throw new Nonsense()
  }
}
