/**
 * An agency as an escrow agent (ESCROW-8 to ESCROW-10): what is asked is authenticated before the counter is touched, and a
 * guess is counted, and on disk, before it is evaluated.
 */
import { base64url, type JsonObject } from '@keystead/core'
import type { AgreementKey, KemKey, PublicKey, SigningKey } from '@keystead/crypto'
import {
  answerGuess,
  type EscrowStep,
  healthProof,
  openRegistration,
  registrationHealthKey,
  releaseFor,
  requestIsOwners,
  signDescriptor,
} from '@keystead/recovery'
import { ESCROW_DAYS, MAX_HEADS_BYTES } from '../limits.ts'
import * as escrow from '../protocols/escrow/messages.ts'
import { type CloudAgent, type Incoming, onlyAttachment, type Reply, refusal } from './agent.ts'
import { refuseWhileStayed } from './guards.ts'
import type { Handler } from './handlers.ts'
import type { StoredEscrow } from './store/port.ts'

/** What an agency needs to keep shares: the key registrations are sealed to, and its signed descriptor. */
export interface EscrowService {
  readonly kem: KemKey
  readonly descriptor: JsonObject
}

export interface EscrowIdentity {
  readonly did: string
  readonly key: { readonly kid: string; readonly key: AgreementKey }
  readonly signing: SigningKey
  readonly kem: KemKey
}

/** `operator`: who runs the agency, by the name owners read. `demonstration`: for trying things out. */
export async function escrowService(
  { did, signing, kem }: EscrowIdentity,
  { url, operator, demonstration }: { url: string; operator: string; demonstration: boolean },
): Promise<EscrowService> {
  const key: PublicKey<'x-wing'> = kem.publicKey
  return {
    kem,
    descriptor: await signDescriptor({ id: did, operator, endpoint: url, demonstration, kem: key }, signing),
  }
}

const sender = ({ account }: Incoming): string => account

async function register(agent: CloudAgent, incoming: Incoming): Promise<Reply> {
  const account = escrow.parseEscrowAccount(incoming.message.body)
  const { did, store, clock } = agent.options
  const record = await openRegistration(serviceOf(agent).kem, onlyAttachment(incoming.message), did)
  if (record.account !== account) throw refusal('ESCROW_REFUSED', 'the registration is of another account')
  await store.putEscrow(sender(incoming), record, clock.now())
  return { type: escrow.ESCROW_REGISTERED, body: { account } }
}

async function status(agent: CloudAgent, incoming: Incoming): Promise<Reply> {
  const { account, nonce } = escrow.parseEscrowStatusRequest(incoming.message.body)
  const { record, used } = await owned(agent, incoming, account)
  const { guesses, released } = record
  // Of the registration as it lies here; neither the PIN's key share nor the counter is used.
  const proof = base64url.encode(healthProof(registrationHealthKey(record), { nonce, subject: account }))
  const kept = Math.floor(agent.options.clock.now() / 1000) + ESCROW_DAYS * 86_400
  return { type: escrow.ESCROW_STATUS, body: { account, used, guesses, released, proof, kept } }
}

async function challenge(agent: CloudAgent, incoming: Incoming): Promise<Reply> {
  const account = escrow.parseEscrowAccount(incoming.message.body)
  return { type: escrow.ESCROW_CHALLENGE, body: { account, nonce: await agent.giveNonce(`escrow ${account}`) } }
}

async function open(agent: CloudAgent, incoming: Incoming): Promise<Reply> {
  const request = escrow.parseEscrowOpen(incoming.message.body)
  const { record, used } = await authenticated(agent, incoming, 'open', request)
  return {
    type: escrow.ESCROW_CARD,
    body: {
      account: request.account,
      nonce: await agent.giveNonce(`escrow ${request.account}`),
      left: Math.max(0, record.guesses - used),
    },
    attachments: [{ id: 'card', bytes: record.card }],
  }
}

async function evaluate(agent: CloudAgent, incoming: Incoming): Promise<Reply> {
  const request = escrow.parseEscrowEvaluate(incoming.message.body)
  const { record } = await authenticated(agent, incoming, 'evaluate', request)
  await refuseWhileStayed(agent, 'escrow', request.account)
  const { store, clock, random } = agent.options
  const { verdict, used } = await store.countGuess(request.account, request.content, clock.now())
  if (verdict === 'locked')
    throw refusal('ESCROW_LOCKED', 'too many PINs were tried here: this share is locked for good')
  const { evaluated, proof } = answerGuess(record, request.content, random)
  return {
    type: escrow.ESCROW_EVALUATION,
    body: {
      account: request.account,
      nonce: await agent.giveNonce(`escrow ${request.account}`),
      left: Math.max(0, record.guesses - used),
      evaluated: base64url.encode(evaluated),
      proof: base64url.encode(proof),
    },
  }
}

async function release(agent: CloudAgent, incoming: Incoming): Promise<Reply> {
  const request = escrow.parseEscrowRelease(incoming.message.body)
  const { record } = await authenticated(agent, incoming, 'release', request)
  await refuseWhileStayed(agent, 'escrow', request.account)
  const share = releaseFor(record, request.content)
  if (!share) throw refusal('ESCROW_REFUSED', 'this does not show that the PIN is known')
  await agent.options.store.markReleased(request.account)
  return {
    type: escrow.ESCROW_SHARE,
    body: { account: request.account },
    attachments: [{ id: 'share', bytes: share }],
  }
}

/** SYNC-9: sealed; the agent sees a number that grows. */
async function sayHeads(agent: CloudAgent, incoming: Incoming): Promise<Reply> {
  const { account, n } = escrow.parseEscrowHeads(incoming.message.body)
  await owned(agent, incoming, account)
  const box = onlyAttachment(incoming.message)
  if (box.length > MAX_HEADS_BYTES) throw refusal('MESSAGE_TOO_LARGE', `heads have at most ${MAX_HEADS_BYTES} bytes`)
  await agent.options.store.putHeads(account, n, box)
  return { type: escrow.ESCROW_HEADS, body: { account, n } }
}

/** To whoever has the locator; the guess counter is not touched. */
async function showHeads(agent: CloudAgent, incoming: Incoming): Promise<Reply> {
  const request = escrow.parseEscrowOpen(incoming.message.body)
  await authenticated(agent, incoming, 'heads', request)
  const { account } = request
  const heads = await agent.options.store.heads(account)
  const shown = heads ? { attachments: [{ id: 'heads', bytes: heads.box }] } : {}
  return { type: escrow.ESCROW_HEADS, body: { account, n: heads?.n ?? 0 }, ...shown }
}

async function removeEscrow(agent: CloudAgent, incoming: Incoming): Promise<Reply> {
  const { account, proof } = escrow.parseEscrowRemove(incoming.message.body)
  if (proof) {
    const { record } = await authenticated(agent, incoming, 'remove', proof)
    if (!releaseFor(record, proof.content)) throw refusal('ESCROW_REFUSED', 'this does not show that the PIN is known')
  } else await owned(agent, incoming, account)
  await agent.options.store.removeEscrow(account)
  return { type: escrow.ESCROW_REMOVED, body: { account } }
}

/** Throws `ESCROW_REFUSED`, in the same way for an unknown account, a wrong signature and a nonce that is used up. */
async function authenticated(
  agent: CloudAgent,
  incoming: Incoming,
  step: EscrowStep,
  { account, nonce, content, signature }: escrow.SignedEscrowRequest,
): Promise<{ record: StoredEscrow; used: number }> {
  const fresh = await agent.takeNonce(nonce, `escrow ${account}`)
  const found = await agent.options.store.escrow(account)
  const request = { step, agent: agent.options.did, sender: incoming.from ?? '', account, nonce, content }
  const theirs = requestIsOwners(found?.record.auth, request, signature)
  if (!fresh || !found || !theirs) throw refusal('ESCROW_REFUSED', 'this request is not of who registered here')
  await agent.options.store.touchEscrow(account, agent.options.clock.now())
  return found
}

async function owned(
  agent: CloudAgent,
  incoming: Incoming,
  account: string,
): Promise<{ record: StoredEscrow; used: number }> {
  const found = await agent.options.store.escrow(account)
  if (!found || found.record.owner !== sender(incoming))
    throw refusal('ESCROW_REFUSED', 'this account registered nothing here under that name')
  await agent.options.store.touchEscrow(account, agent.options.clock.now())
  return found
}

function serviceOf(agent: CloudAgent): EscrowService {
  const { escrow: service } = agent.options
  if (!service) throw refusal('ESCROW_OFF', 'this agency keeps no shares behind PINs')
  return service
}

export const ESCROW_HANDLERS: readonly (readonly [string, Handler])[] = [
  [escrow.ESCROW_REGISTER, { service: 'escrow', run: register }],
  [escrow.ESCROW_STATUS_REQUEST, { run: status }],
  [escrow.ESCROW_CHALLENGE_REQUEST, { run: challenge }],
  [escrow.ESCROW_OPEN, { run: open }],
  [escrow.ESCROW_EVALUATE, { run: evaluate }],
  [escrow.ESCROW_RELEASE, { run: release }],
  [escrow.ESCROW_SAY_HEADS, { run: sayHeads }],
  [escrow.ESCROW_SHOW_HEADS, { run: showHeads }],
  [escrow.ESCROW_REMOVE, { run: removeEscrow }],
]
