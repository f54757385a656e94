/** What becomes of a DID of ours on the ledger after its genesis, one operation a function (`spec/did-dkms.md`). */

import { encodeMultikey } from '@keystead/crypto'
import {
  type AgentEntry,
  bodyHash,
  type DidState,
  operationAfter,
  type RecoveryEntry,
  type Submission,
  signOperation,
} from '@keystead/did-dkms'
import { registryAfter } from './authority/registry.ts'
import { authorityAfter, isShared, together } from './authority/together.ts'
import { type Edge, fault, nowSeconds } from './context.ts'
import { followLedger, heldIdentity, usableIdentity } from './identities.ts'
import { commitKey, takeUp } from './key-life.ts'
import { authorityOf, type KeySet, makeKeySet, NOT_AFTER_SECONDS, ownDidOf, submissionOf } from './key-set.ts'
import { ED25519 } from './key-types.ts'
import { perform, performAgain, performWith, resumeOperations } from './operations.ts'
import type { Identity } from './records.ts'
import type { PathKeys } from './recovery/path-keys.ts'
import { openRecoverySet } from './recovery/recovery-set.ts'
import { inForce } from './refused.ts'
import { performAsAgent } from './registry/as-agent.ts'
import { newRegistry } from './registry/new-entry.ts'
import { type Change, put } from './store.ts'

/** Changes of the registry, at least one. */
export interface AgentsMembers {
  readonly put?: readonly AgentEntry[]
  readonly drop?: readonly string[]
}

/** New keys everywhere: the committed next key takes over, the document gets new ones. */
export async function rotateIdentity(edge: Edge, did: string, options: RotateOptions = {}): Promise<Identity> {
  const { identity, keys } = await usableIdentity(edge, did)
  return rotateFrom(
    edge,
    identity,
    { next: keys.next, retire: [keys.authority, keys.signing, keys.agreement] },
    options,
  )
}

export interface RotateOptions {
  readonly recovery?: readonly RecoveryEntry[]
  readonly compromisedSince?: number
  readonly also?: readonly Change[]
}

/** By the key that this device is committed with. Where two have to agree, another device is asked (DEVICE-19). */
export async function rotateFrom(
  edge: Edge,
  identity: Identity,
  own: { readonly next: string; readonly retire: readonly string[] },
  { recovery, compromisedSince: since, also = [] }: RotateOptions = {},
): Promise<Identity> {
  const { ledger } = edge.ports
  const { did } = identity
  const others = await together(edge, identity)
  const next = await takeUp(edge, own.next)
  const made = await makeKeySet(edge, identity.use, { keyId: own.next, key: next })
  const set = others ? { ...made, auth: authorityAfter(made.auth, others) } : made
  const registry = others || since === undefined ? undefined : await newRegistry(edge, identity.use, own.next)
  const operation = operationAfter(others?.state ?? identity, ledger.net, nowSeconds(edge) + NOT_AFTER_SECONDS, {
    type: 'rotate',
    auth: set.auth,
    body: bodyHash(set.body),
    ...(recovery ? { recovery } : {}),
    ...(others ? await registryAfter(edge, others.state, since !== undefined) : {}),
    ...(since === undefined ? {} : { reason: 'compromised', since, ...(registry ? { agents: registry.agents } : {}) }),
  })
  const submission = submissionOf(await signOperation(operation, [next]), set.body)
  const after = advanced(identity, submission, set)
  const pending = {
    did,
    kind: 'rotate',
    submission,
    identity: after,
    keys: { did, ...set.keys },
    retire: own.retire,
    ownDid: ownDidOf(did, set),
    also: [...also, ...(registry ? [registry.keep(did)] : [])],
  }
  return (await performWithOthers(edge, pending, others)) ? identity : after
}

/** Alone, or with another device's signature where devices hold the authority together; then true, and nothing is changed yet. */
async function performWithOthers(
  edge: Edge,
  pending: Parameters<typeof perform>[1],
  others: Awaited<ReturnType<typeof together>>,
): Promise<boolean> {
  if (!others) await perform(edge, pending)
  else {
    const accounts = others.to.map(({ account }) => account)
    await performWith(edge, pending, accounts)
  }
  return others !== undefined
}

/** Rule 4: a rotation by the next key that stops a pending recovery. */
export async function vetoRecovery(edge: Edge, did: string, state: DidState): Promise<Identity> {
  const { ledger } = edge.ports
  // What was asked before the recovery began is over with it.
  await resumeOperations(edge)
  const { identity, keys } = await usableIdentity(edge, did)
  const others = isShared(state.auth) ? await together(edge, identity) : undefined
  if (!others && (await performAgain(edge, state, ({ type }) => type === 'veto')) !== undefined)
    return (await edge.records.get('identity', did)) ?? identity
  const next = await takeUp(edge, keys.next)
  const fresh = await commitKey(edge, 'ledger authority')
  const own = authorityOf(next, fresh.key)
  const auth = others ? authorityAfter(own, others) : own
  const notAfter = nowSeconds(edge) + NOT_AFTER_SECONDS
  const operation = operationAfter(state, ledger.net, notAfter, { type: 'veto', auth })
  const submission = submissionOf(await signOperation(operation, [next]))
  const { alert: _, ...plain } = identity
  const after = { ...plain, auth, seq: operation.seq, head: submission.hash }
  const newKeys = { ...keys, authority: keys.next, next: fresh.keyId }
  const pending = { did, kind: 'veto' as const, submission, identity: after, keys: newKeys, retire: [keys.authority] }
  return (await performWithOthers(edge, pending, others)) ? identity : after
}

/**
 * A `recover` of a DID whose keys are lost: new keys for everything, in force when the path's delay is over (rules 1 to 4).
 * `overruling`: taken where a recovery of it was vetoed (rule 27).
 */
export async function recoverIdentity(
  edge: Edge,
  identity: Identity,
  path: PathKeys,
  overruling?: PathKeys,
): Promise<void> {
  const { did } = identity
  const { ledger } = edge.ports
  const { state, parameters } = await ledger.resolve(did)
  if (!state) throw fault('UNKNOWN_DID', 'the ledger proves that this DID does not exist')
  if ((await performAgain(edge, state, ({ type }) => type === 'recover', inForce)) !== undefined) return
  const keys = { path, ...(state.recovery.vetoesLeft < parameters.vetoes ? { overruling } : {}) }
  const recovery = await openRecoverySet(edge, did, state.recovery.entries, keys)
  if (!recovery) throw fault('NO_RECOVERY_KEY', 'the backup holds no recovery key that the ledger knows')
  const set = await makeKeySet(edge, identity.use)
  const registry = await newRegistry(edge, identity.use, set.keys.authority)
  const now = nowSeconds(edge)
  const operation = operationAfter(state, ledger.net, now + NOT_AFTER_SECONDS, {
    type: 'recover',
    auth: set.auth,
    // Set anew by the owner once authority is back, with a new kit and new shares.
    recovery: [],
    agents: registry.agents,
    body: bodyHash(set.body),
    key: recovery.multikey,
  })
  const submission = submissionOf(await signOperation(operation, [recovery.key, set.authority]), set.body)
  recovery.key.destroy()
  const after: Identity = {
    ...advanced(identity, submission, set),
    status: 'recovering',
    pendingUntil: now + recovery.delay,
  }
  await perform(edge, {
    did,
    kind: 'recover',
    submission,
    identity: after,
    keys: { did, ...set.keys },
    retire: [],
    ownDid: ownDidOf(did, set),
    also: [put('identity', did, after), put('identity-keys', did, { did, ...set.keys }), registry.keep(did)],
  })
}

/** Records a Merkle root on the ledger (rule 13). Resolves with the operation's sequence number. */
export async function anchorRoot(edge: Edge, did: string, root: string): Promise<number> {
  const { ledger, vault } = edge.ports
  await followLedger(edge, did)
  const { auth } = (await edge.records.get('identity', did)) ?? {}
  if (auth && isShared(auth)) return anchorAsAgent(edge, did, root)
  const { identity, keys } = await usableIdentity(edge, did)
  const notAfter = nowSeconds(edge) + NOT_AFTER_SECONDS
  const operation = operationAfter(identity, ledger.net, notAfter, { type: 'anchor', root })
  const submission = submissionOf(await signOperation(operation, [await vault.key(keys.authority, ED25519)]))
  const after = { ...identity, seq: operation.seq, head: submission.hash }
  const done = await perform(edge, { did, kind: 'anchor', submission, identity: after, keys, retire: [] })
  if (!done) throw fault('OPERATION_PENDING', 'the anchor has not reached the ledger yet')
  return operation.seq
}

/** DEVICE-19: where two devices hold the authority, this one vouches by its entry. */
async function anchorAsAgent(edge: Edge, did: string, root: string): Promise<number> {
  const { state } = await edge.ports.ledger.resolve(did)
  if (!state) throw fault('UNKNOWN_DID', 'the ledger proves that this DID does not exist')
  await performAsAgent(edge, state, { type: 'anchor', root })
  return state.seq + 1
}

/** By the authority key, after the newest operation of whichever device. Rejects with `OPERATION_PENDING` while it waits. */
export async function performByAuthority(
  edge: Edge,
  state: DidState,
  members: { readonly type: 'suspend' | 'resume' } | ({ readonly type: 'agents' } & AgentsMembers),
): Promise<void> {
  const { ledger, vault } = edge.ports
  const { did } = state
  // One key stops a DID, also while something else of it waits for another device.
  const stops = members.type === 'suspend'
  if (!stops) requireAlone(state)
  const { identity, keys } = await (stops ? heldIdentity : usableIdentity)(edge, did)
  const operation = operationAfter(state, ledger.net, nowSeconds(edge) + NOT_AFTER_SECONDS, members)
  const submission = submissionOf(await signOperation(operation, [await vault.key(keys.authority, ED25519)]))
  const after = { ...identity, seq: submission.operation.seq, head: submission.hash }
  const done = await perform(edge, { did, kind: members.type, submission, identity: after, keys, retire: [] })
  if (!done) throw fault('OPERATION_PENDING', 'the ledger is away; the change waits for it')
}

/** Throws `NOT_ALLOWED_NOW` where what this device signs alone does not count. */
function requireAlone({ auth }: Pick<DidState, 'auth'>): void {
  if (isShared(auth))
    throw fault(
      'NOT_ALLOWED_NOW',
      'two of your devices hold the authority of your DID together: let one be enough first ("keystead device approvals 1")',
    )
}

/** Ends a DID for good, by its next keys. Held by the ledger where a recovery set stands. False while the ledger is away. */
export async function deactivateIdentity(edge: Edge, did: string): Promise<boolean> {
  const { ledger } = edge.ports
  requireAlone((await heldIdentity(edge, did)).identity)
  const { identity, keys } = await usableIdentity(edge, did)
  const next = await takeUp(edge, keys.next)
  const notAfter = nowSeconds(edge) + NOT_AFTER_SECONDS
  const reveal = [encodeMultikey(next.publicKey)]
  const operation = operationAfter(identity, ledger.net, notAfter, { type: 'deactivate', reveal })
  const submission = submissionOf(await signOperation(operation, [next]))
  const after: Identity = { ...identity, status: 'retired', seq: operation.seq, head: submission.hash }
  return perform(edge, {
    did,
    kind: 'deactivate',
    submission,
    identity: after,
    keys,
    retire: Object.values(keys).slice(1),
  })
}

function advanced(identity: Identity, submission: Submission, set: KeySet): Identity {
  const { auth, body, fragment } = set
  const { strange: _, ...plain } = identity
  return { ...plain, auth, body, fragment, seq: submission.operation.seq, head: submission.hash }
}
