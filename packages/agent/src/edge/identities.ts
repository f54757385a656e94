/** Our DIDs on the ledger: made, found, signed with. Private keys never leave this device's vault (rule 1). */

import { canonicalText, isKeysteadError } from '@keystead/core'
import type { SigningKey } from '@keystead/crypto'
import { genesisOperation, signOperation } from '@keystead/did-dkms'
import { type Edge, fault, nowSeconds, profileOf, queueRecipient } from './context.ts'
import { makeKeySet, NOT_AFTER_SECONDS, ownDidOf, submissionOf } from './key-set.ts'
import { ED25519 } from './key-types.ts'
import { perform, refuseWhilePending } from './operations.ts'
import type { Identity, IdentityKeys } from './records.ts'
import { newRecoverySet } from './recovery/recovery-set.ts'
import { newRegistry } from './registry/new-entry.ts'
import { type Change, put } from './store.ts'

/** Makes an identity and registers it; `status` is `registering` while the ledger is away. */
export async function createIdentity(edge: Edge, options: { label: string; use: Identity['use'] }): Promise<Identity> {
  const { ledger } = edge.ports
  const set = await makeKeySet(edge, options.use)
  const recovery = await newRecoverySet(edge, options.use)
  const notAfter = nowSeconds(edge) + NOT_AFTER_SECONDS
  const { agents, keep } = await newRegistry(edge, options.use, set.keys.authority)
  const parts = { auth: set.auth, body: set.body, recovery: recovery.entries, agents, notAfter }
  const unsigned = genesisOperation(ledger.net, parts)
  const submission = submissionOf(await signOperation(unsigned, [set.authority]), set.body)
  const identity: Identity = {
    did: unsigned.did,
    ...options,
    status: 'active',
    seq: 0,
    head: submission.hash,
    auth: set.auth,
    body: set.body,
    fragment: set.fragment,
  }
  const keys = { did: unsigned.did, ...set.keys }
  const registering: Identity = { ...identity, status: 'registering' }
  const { agency } = await profileOf(edge)
  const also: Change[] = [
    put('identity', identity.did, registering),
    put('identity-keys', identity.did, keys),
    ...(agency && options.use === 'public' ? [queueRecipient(edge, identity.did, 'add')] : []),
    ...(await recovery.seal(identity.did)),
    keep(identity.did),
  ]
  const ownDid = ownDidOf(identity.did, set)
  const done = await perform(edge, {
    did: identity.did,
    kind: 'genesis',
    submission,
    identity,
    keys,
    retire: [],
    ownDid,
    also,
  })
  return done ? identity : registering
}

/** The identity this wallet speaks publicly as. Throws `NO_IDENTITY`. */
export async function publicIdentity(edge: Edge): Promise<Identity> {
  const all = (await edge.records.all('identity')).map(({ value }) => value)
  const found = all.find(({ use, status }) => use === 'public' && status !== 'lost' && status !== 'retired')
  if (!found) throw fault('NO_IDENTITY', 'this wallet has no public DID yet')
  return found
}

/** DID URL and handle of the key that authenticates and signs credentials. */
export async function identitySigner(edge: Edge, did: string): Promise<{ kid: string; key: SigningKey }> {
  const { identity, keys } = await heldIdentity(edge, did)
  return { kid: `${did}#${identity.fragment}`, key: await edge.ports.vault.key(keys.signing, ED25519) }
}

/** As `heldIdentity`, where nothing waits. Throws `OPERATION_PENDING`. */
export async function usableIdentity(edge: Edge, did: string): Promise<{ identity: Identity; keys: IdentityKeys }> {
  const held = await heldIdentity(edge, did)
  await refuseWhilePending(edge, did)
  return held
}

/**
 * Its keys in force; what waits for another device's approval changes them only then. Throws `NO_IDENTITY`, `RECOVERY_UNDER_WAY`, and
 * `OPERATION_PENDING` while the ledger may have others already.
 */
export async function heldIdentity(edge: Edge, did: string): Promise<{ identity: Identity; keys: IdentityKeys }> {
  const [identity, keys] = [await edge.records.get('identity', did), await edge.records.get('identity-keys', did)]
  if (!identity || !keys) throw fault('NO_IDENTITY', 'this wallet has no keys of this DID')
  if (identity.status === 'recovering')
    throw fault('RECOVERY_UNDER_WAY', 'the recovery of this DID still waits its time')
  if (identity.status === 'retired') throw fault('NO_IDENTITY', 'this DID was ended for good')
  if (identity.status === 'lost') throw fault('NO_IDENTITY', 'this DID is no longer under this wallet’s control')
  const waits = (await edge.records.all('operation')).some(({ value }) => value.did === did && !value.asked)
  if (waits) await refuseWhilePending(edge, did)
  return { identity, keys }
}

/** Another device of ours may have spoken for this DID: what we do next follows that. Nothing where the ledger is away. */
export async function followLedger(edge: Edge, did: string): Promise<void> {
  const identity = await edge.records.get('identity', did)
  if (identity?.status !== 'active') return
  const state = await edge.ports.ledger.resolve(did).then(
    (read) => read.state,
    (error) => {
      if (isKeysteadError(error)) return null
      throw error
    },
  )
  if (!state || state.seq <= identity.seq || canonicalText(state.auth) !== canonicalText(identity.auth)) return
  await edge.records.commit([put('identity', did, { ...identity, seq: state.seq, head: state.head })])
}
