/**
 * The owner's side of PIN escrow: dealing, bringing each agent its share, looking how often the PIN was tried, and removing
 * what is used up. What has to be brought is on disk first; each agent knows this device by a DID made for it alone.
 */
import { base64url, isKeysteadError } from '@keystead/core'
import {
  type AgentDescriptor,
  dealEscrow,
  type EscrowStep,
  healthProofHolds,
  requestTranscript,
} from '@keystead/recovery'
import { ESCROW_LOOK_SECONDS } from '../../limits.ts'
import { GRANT } from '../../protocols/cloud-agent/messages.ts'
import {
  ESCROW_CHALLENGE_REQUEST,
  ESCROW_REGISTER,
  ESCROW_REMOVE,
  ESCROW_STATUS_REQUEST,
  type EscrowStatus,
  parseEscrowChallenge,
  parseEscrowStatus,
} from '../../protocols/escrow/messages.ts'
import { LOCATOR_PUT } from '../../protocols/locator/messages.ts'
import { ask } from '../agency-link.ts'
import { type Edge, nowSeconds, tell } from '../context.ts'
import { destroyKeys } from '../key-life.ts'
import { ED25519 } from '../key-types.ts'
import { makeAccount } from '../own-dids.ts'
import { type Change, put, remove } from '../store.ts'
import type { EscrowProgress, SpentEscrow } from './records.ts'

export interface EscrowPlan {
  readonly pin: string
  /** Independent agents (`checkIndependence`). */
  readonly agents: readonly AgentDescriptor[]
  readonly threshold: number
  readonly guesses: number
}

export interface NewLocator {
  readonly account: string
  readonly record: string
}

/** `locatorAt`: the locator record for agents that keep it too, by address. Rejects with `WEAK_PIN`. */
export async function dealToAgents(
  edge: Edge,
  plan: EscrowPlan,
  deal: { secret: Uint8Array; locator: Uint8Array; epoch: number; locatorAt: ReadonlyMap<string, NewLocator> },
): Promise<Change[]> {
  const { keys, random } = edge.ports
  const { secret, locator, epoch, locatorAt } = deal
  const registrations = await dealEscrow({ ...plan, secret, locator, keys, random })
  const changes: Change[] = []
  const agents: EscrowProgress['agents'][number][] = []
  for (const [i, { id, operator, endpoint, demonstration }] of plan.agents.entries()) {
    const registration = registrations[i]
    if (!registration) continue
    const own = await makeAccount(edge)
    const record = locatorAt.get(endpoint)
    changes.push(put('own-did', own.did, own))
    agents.push({
      id,
      operator,
      endpoint,
      demonstration,
      sender: own.did,
      account: registration.account,
      registration: base64url.encode(registration.sealed),
      health: base64url.encode(registration.health),
      ...(record ? { locator: record } : {}),
    })
  }
  return [...changes, put('escrow', String(epoch), { agents, looked: nowSeconds(edge) })]
}

/** Brings every registration that is not confirmed. Who is away gets it later. */
export async function placeEscrow(edge: Edge): Promise<void> {
  for (const { name } of await edge.records.all('escrow')) await eachAgent(edge, name, placeAtAgent)
}

type Agent = EscrowProgress['agents'][number]

async function placeAtAgent(edge: Edge, agent: Agent): Promise<Agent | undefined> {
  const { id, sender, account, registration, locator } = agent
  if (registration === undefined) return undefined
  await ask(edge, id, sender, { type: GRANT, body: { services: ['escrow', ...(locator ? ['backup'] : [])] } })
  await ask(edge, id, sender, { type: ESCROW_REGISTER, body: { account }, attachment: base64url.decode(registration) })
  if (locator)
    await ask(edge, id, sender, {
      type: LOCATOR_PUT,
      body: { account: locator.account },
      attachment: base64url.decode(locator.record),
    })
  const { registration: _, locator: placed, ...rest } = agent
  return { ...rest, used: 0, released: false, proven: nowSeconds(edge), ...(placed ? { keepsLocator: true } : {}) }
}

/** Asks each agent, now and then, how often the PIN was tried: a thief's guess is an alarm. `now`: also when not due. */
export async function watchEscrow(edge: Edge, { now = false } = {}): Promise<void> {
  for (const { name, value } of await edge.records.all('escrow')) {
    if (!now && nowSeconds(edge) < value.looked + ESCROW_LOOK_SECONDS) continue
    await eachAgent(edge, name, lookAtAgent)
    const after = await edge.records.get('escrow', name)
    if (after) await edge.records.commit([put('escrow', name, { ...after, looked: nowSeconds(edge) })])
  }
}

/** Whose answer is missing or wrong is noted; what it said before stands until then. */
async function lookAtAgent(edge: Edge, agent: Agent): Promise<Agent | undefined> {
  if (agent.registration !== undefined) return undefined
  const { account, health, open: _, lost: _l, ...before } = agent
  const challenge = { nonce: base64url.encode(edge.ports.random(32)), subject: account }
  let status: EscrowStatus
  try {
    const body = { account, nonce: challenge.nonce }
    status = parseEscrowStatus((await ask(edge, agent.id, agent.sender, { type: ESCROW_STATUS_REQUEST, body })).body)
  } catch (error) {
    if (!isKeysteadError(error)) throw error
    tell(edge, { kind: 'waiting', text: `${agent.operator}, an agent of your PIN: ${error.message}` })
    if (error.code === 'ESCROW_REFUSED') return { ...agent, lost: true }
    return { ...agent, open: agent.open ?? nowSeconds(edge) }
  }
  const { used, guesses, released, proof, kept } = status
  if (used > (agent.used ?? 0))
    tell(edge, {
      kind: 'pin-tried',
      text: `your PIN was tried at ${agent.operator} (${used} of ${guesses} times); if it was not you, set recovery up again`,
      data: { operator: agent.operator, used, guesses },
    })
  if (released && agent.released !== true)
    tell(edge, {
      kind: 'pin-known',
      text: `somebody knew your PIN at ${agent.operator}; if it was not you, set recovery up again at once`,
      data: { operator: agent.operator },
    })
  const looked = { ...before, account, health, used, released, locked: used >= guesses, kept }
  if (healthProofHolds(base64url.decode(health), challenge, proof)) return { ...looked, proven: nowSeconds(edge) }
  return { ...looked, lost: true }
}

/** One agent after the other; each answer is on disk before the next is asked. */
export async function eachAgent(
  edge: Edge,
  name: string,
  work: (edge: Edge, agent: Agent) => Promise<Agent | undefined>,
): Promise<void> {
  for (const { id } of (await edge.records.get('escrow', name))?.agents ?? [])
    try {
      const progress = await edge.records.get('escrow', name)
      const agent = progress?.agents.find((candidate) => candidate.id === id)
      const after = agent && (await work(edge, agent))
      if (!progress || !after) continue
      const agents = progress.agents.map((candidate) => (candidate.id === id ? after : candidate))
      await edge.records.commit([put('escrow', name, { ...progress, agents })])
    } catch (error) {
      if (!isKeysteadError(error)) throw error
      tell(edge, { kind: 'waiting', text: `an agent of your PIN: ${error.message}` })
    }
}

/** What becomes of a deal's registrations when the deal is no longer served. */
export function spendEscrow(progress: EscrowProgress | undefined): Change[] {
  return (progress?.agents ?? []).map(({ id, sender, account }) =>
    put('escrow-spent', account, { agent: id, sender, account }),
  )
}

/** Removes registrations that are used up: of deals no longer served, and of a recovery once authority is back. */
export async function removeSpentEscrow(edge: Edge): Promise<void> {
  const all = await edge.records.all('escrow-spent')
  if (all.length === 0) return
  const waits = (await edge.records.all('identity')).some(({ value }) => value.status === 'recovering')
  for (const { name, value } of all) {
    if (value.proof && waits) continue
    try {
      await removeOne(edge, value)
    } catch (error) {
      if (!isKeysteadError(error)) throw error
      // An agent that does not know it has nothing to remove.
      if (error.code !== 'ESCROW_REFUSED') continue
    }
    const own = await edge.records.get('own-did', value.sender)
    await edge.records.commit([remove('escrow-spent', name), remove('own-did', value.sender)])
    if (own) await destroyKeys(edge, [own.authentication.keyId, own.keyAgreement.keyId])
  }
}

async function removeOne(edge: Edge, { agent, sender, account, proof }: SpentEscrow): Promise<void> {
  if (!proof) {
    await ask(edge, agent, sender, { type: ESCROW_REMOVE, body: { account } })
    return
  }
  const challenge = await ask(edge, agent, sender, { type: ESCROW_CHALLENGE_REQUEST, body: { account } })
  const { nonce } = parseEscrowChallenge(challenge.body)
  const tag = base64url.decode(proof.tag)
  const auth = base64url.decode(proof.auth)
  const signature = await signEscrow(edge, auth, { step: 'remove', agent, sender, account, nonce, content: tag })
  await ask(edge, agent, sender, {
    type: ESCROW_REMOVE,
    body: { account, proof: { account, nonce, tag: proof.tag, signature } },
  })
}

/** `auth`: the seed that the locator yields for this agent. */
export async function signEscrow(
  edge: Edge,
  auth: Uint8Array,
  request: {
    step: EscrowStep
    agent: string
    sender: string
    account: string
    nonce: string
    content: Uint8Array
  },
): Promise<string> {
  const key = await edge.ports.keys.fromSecret(ED25519, auth)
  try {
    return base64url.encode(await key.sign(requestTranscript(request)))
  } finally {
    key.destroy()
  }
}
