/** Our DIDs on the ledger: made, rotated, anchored with, deactivated. Private keys never leave this device's vault (rule 1). */
import { encodeMultikey, keyDigest, type PublicKey, type SigningKey } from '@keystead/crypto'
import {
  type Authority,
  type Body,
  bodyHash,
  type DidState,
  genesisOperation,
  keyUrl,
  makeBody,
  type Operation,
  operationAfter,
  operationHash,
  type RecoveryEntry,
  type Submission,
  signOperation,
} from '@keystead/did-dkms'
import { agencyOf, type Edge, fault, nowSeconds, profileOf, queueRecipient } from './context.ts'
import { perform, refuseWhilePending } from './operations.ts'
import type { Identity, IdentityKeys, OwnDid } from './records.ts'
import type { PathKeys } from './recovery/path-keys.ts'
import { newRecoverySet, openRecoverySet } from './recovery/recovery-set.ts'
import { type Change, put } from './store.ts'

/** How long a signed operation may wait for a block. */
const NOT_AFTER_SECONDS = 7 * 86_400

const ED25519 = { kind: 'signing', suite: 'ed25519' } as const
const X25519 = { kind: 'agreement', suite: 'x25519' } as const

export interface KeySet {
  readonly keys: Omit<IdentityKeys, 'did'>
  readonly authority: SigningKey
  readonly body: Body
  readonly auth: Authority
  readonly fragment: string
  readonly agreement: PublicKey
}

/** Makes an identity and registers it; `status` is `registering` while the ledger is away. */
export async function createIdentity(edge: Edge, options: { label: string; use: Identity['use'] }): Promise<Identity> {
  const { ledger } = edge.ports
  const set = await makeKeySet(edge, options.use)
  const recovery = await newRecoverySet(edge)
  const notAfter = nowSeconds(edge) + NOT_AFTER_SECONDS
  const parts = { auth: set.auth, body: set.body, recovery: recovery.entries, notAfter }
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

/** New keys everywhere: the committed next key takes over, the document gets new ones. */
export async function rotateIdentity(
  edge: Edge,
  did: string,
  options: { recovery?: readonly RecoveryEntry[]; compromisedSince?: number; also?: readonly Change[] } = {},
): Promise<Identity> {
  const { ledger, vault } = edge.ports
  const { identity, keys } = await usableIdentity(edge, did)
  const next = await vault.key(keys.next, ED25519)
  const set = await makeKeySet(edge, identity.use, { keyId: keys.next, key: next })
  const { recovery, compromisedSince: since } = options
  const operation = operationAfter(identity, ledger.net, nowSeconds(edge) + NOT_AFTER_SECONDS, {
    type: 'rotate',
    auth: set.auth,
    body: bodyHash(set.body),
    ...(recovery ? { recovery } : {}),
    ...(since === undefined ? {} : { reason: 'compromised', since, agents: [] }),
  })
  const submission = submissionOf(await signOperation(operation, [next]), set.body)
  const after = advanced(identity, submission, set)
  await perform(edge, {
    did,
    kind: 'rotate',
    submission,
    identity: after,
    keys: { did, ...set.keys },
    retire: [keys.authority, keys.signing, keys.agreement],
    ownDid: ownDidOf(did, set),
    ...(options.also ? { also: options.also } : {}),
  })
  return after
}

/** Rule 4: a rotation by the next key that stops a pending recovery. */
export async function vetoRecovery(edge: Edge, did: string, state: DidState): Promise<Identity> {
  const { ledger, vault } = edge.ports
  const { identity, keys } = await usableIdentity(edge, did)
  const next = await vault.key(keys.next, ED25519)
  const fresh = await vault.createKey(ED25519, 'ledger authority, next')
  const auth = authorityOf(next, fresh.key)
  const notAfter = nowSeconds(edge) + NOT_AFTER_SECONDS
  const operation = operationAfter(state, ledger.net, notAfter, { type: 'veto', auth })
  const submission = submissionOf(await signOperation(operation, [next]))
  const { alert: _, ...plain } = identity
  const after = { ...plain, auth, seq: operation.seq, head: submission.hash }
  const newKeys = { ...keys, authority: keys.next, next: fresh.keyId }
  await perform(edge, { did, kind: 'veto', submission, identity: after, keys: newKeys, retire: [keys.authority] })
  return after
}

/** A `recover` of a DID whose keys are lost: new keys for everything, in force when the path's delay is over (rules 1 to 4). */
export async function recoverIdentity(edge: Edge, identity: Identity, path: PathKeys): Promise<void> {
  const { did } = identity
  const { ledger } = edge.ports
  const { state } = await ledger.resolve(did)
  if (!state) throw fault('UNKNOWN_DID', 'the ledger proves that this DID does not exist')
  const recovery = await openRecoverySet(edge, did, state.recovery.entries, path)
  if (!recovery) throw fault('NO_RECOVERY_KEY', 'the backup holds no recovery key that the ledger knows')
  const set = await makeKeySet(edge, identity.use)
  const now = nowSeconds(edge)
  const operation = operationAfter(state, ledger.net, now + NOT_AFTER_SECONDS, {
    type: 'recover',
    auth: set.auth,
    // Set anew by the owner once authority is back, with a new kit and new shares.
    recovery: [],
    agents: [],
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
    also: [put('identity', did, after), put('identity-keys', did, { did, ...set.keys })],
  })
}

/** Records a Merkle root on the ledger (rule 13). Resolves with the operation's sequence number. */
export async function anchorRoot(edge: Edge, did: string, root: string): Promise<number> {
  const { ledger, vault } = edge.ports
  const { identity, keys } = await usableIdentity(edge, did)
  const notAfter = nowSeconds(edge) + NOT_AFTER_SECONDS
  const operation = operationAfter(identity, ledger.net, notAfter, { type: 'anchor', root })
  const submission = submissionOf(await signOperation(operation, [await vault.key(keys.authority, ED25519)]))
  const after = { ...identity, seq: operation.seq, head: submission.hash }
  const done = await perform(edge, { did, kind: 'anchor', submission, identity: after, keys, retire: [] })
  if (!done) throw fault('OPERATION_PENDING', 'the anchor has not reached the ledger yet')
  return operation.seq
}

/** Ends a DID for good, by its next keys. Held by the ledger where a recovery set stands. False while the ledger is away. */
export async function deactivateIdentity(edge: Edge, did: string): Promise<boolean> {
  const { ledger, vault } = edge.ports
  const { identity, keys } = await usableIdentity(edge, did)
  const next = await vault.key(keys.next, ED25519)
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

/** The identity this wallet speaks publicly as. Throws `NO_IDENTITY`. */
export async function publicIdentity(edge: Edge): Promise<Identity> {
  const all = (await edge.records.all('identity')).map(({ value }) => value)
  const found = all.find(({ use, status }) => use === 'public' && status !== 'lost' && status !== 'retired')
  if (!found) throw fault('NO_IDENTITY', 'this wallet has no public DID yet')
  return found
}

/** DID URL and handle of the key that authenticates and signs credentials. */
export async function identitySigner(edge: Edge, did: string): Promise<{ kid: string; key: SigningKey }> {
  const { identity, keys } = await usableIdentity(edge, did)
  return { kid: `${did}#${identity.fragment}`, key: await edge.ports.vault.key(keys.signing, ED25519) }
}

async function usableIdentity(edge: Edge, did: string): Promise<{ identity: Identity; keys: IdentityKeys }> {
  const [identity, keys] = [await edge.records.get('identity', did), await edge.records.get('identity-keys', did)]
  if (!identity || !keys) throw fault('NO_IDENTITY', 'this wallet has no keys of this DID')
  if (identity.status === 'recovering')
    throw fault('RECOVERY_UNDER_WAY', 'the recovery of this DID still waits its time')
  if (identity.status === 'retired') throw fault('NO_IDENTITY', 'this DID was ended for good')
  if (identity.status === 'lost') throw fault('NO_IDENTITY', 'this DID is no longer under this wallet’s control')
  await refuseWhilePending(edge, did)
  return { identity, keys }
}

/** `authority`: the key committed before, in a rotation; a new one otherwise. */
export async function makeKeySet(
  edge: Edge,
  use: Identity['use'],
  authority?: { keyId: string; key: SigningKey },
): Promise<KeySet> {
  const { vault, random } = edge.ports
  const current = authority ?? (await vault.createKey(ED25519, 'ledger authority'))
  const next = await vault.createKey(ED25519, 'ledger authority, next')
  const signing = await vault.createKey(ED25519, 'signing')
  const agreement = await vault.createKey(X25519, 'agreement')
  const { agency } = await profileOf(edge)
  const services =
    agency && use === 'public'
      ? [
          {
            id: 'didcomm',
            type: 'DIDCommMessaging',
            serviceEndpoint: { uri: (await agencyOf(edge)).did, accept: ['didcomm/v2'], routingKeys: [] },
          },
        ]
      : []
  const body = makeBody(
    [
      { k: encodeMultikey(signing.key.publicKey), purposes: ['authentication', 'assertionMethod'] },
      { k: encodeMultikey(agreement.key.publicKey), purposes: ['keyAgreement'] },
    ],
    services,
    random,
  )
  return {
    keys: { authority: current.keyId, next: next.keyId, signing: signing.keyId, agreement: agreement.keyId },
    authority: current.key,
    auth: authorityOf(current.key, next.key),
    body,
    fragment: keyDigest(signing.key.publicKey),
    agreement: agreement.key.publicKey,
  }
}

function authorityOf(now: SigningKey, next: SigningKey): Authority {
  return {
    keys: [{ k: encodeMultikey(now.publicKey), w: 1 }],
    threshold: 1,
    next: [{ h: keyDigest(next.publicKey), w: 1 }],
    nextThreshold: 1,
  }
}

export function ownDidOf(did: string, set: KeySet): OwnDid {
  return {
    did,
    longForm: did,
    authentication: { fragment: set.fragment, keyId: set.keys.signing },
    keyAgreement: {
      fragment: keyUrl(did, encodeMultikey(set.agreement)).split('#')[1] ?? '',
      keyId: set.keys.agreement,
    },
  }
}

export function submissionOf(operation: Operation, body?: Body): Submission {
  const hash = operationHash(operation)
  return body ? { operation, body, hash } : { operation, hash }
}

function advanced(identity: Identity, submission: Submission, set: KeySet): Identity {
  const { auth, body, fragment } = set
  return { ...identity, auth, body, fragment, seq: submission.operation.seq, head: submission.hash }
}
