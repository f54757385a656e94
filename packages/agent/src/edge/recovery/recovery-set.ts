/** Recovery signing keys (rule 2): a fresh one for every path of every DID and relationship, sealed to the path's key. */

import { base64url, isKeysteadError, type Json } from '@keystead/core'
import { decodeMultikey, encodeMultikey, keyDigest, type PublicKey, type SigningKey } from '@keystead/crypto'
import { parseSubmissionJson, type RecoveryEntry } from '@keystead/did-dkms'
import { isFirm, openRecoveryKey, type RecoveryKeyContext, sealRecoveryKey } from '@keystead/recovery'
import type { ToldPaths } from '../../protocols/own-devices/recovery-paths.ts'
import { type Edge, fault } from '../context.ts'
import { ED25519 } from '../key-types.ts'
import type { Identity, PendingOperation } from '../records.ts'
import { type Change, put } from '../store.ts'
import type { PathKeys } from './path-keys.ts'
import type { RecoverySetup } from './records.ts'

export interface RecoverySet {
  /** What the ledger, or the peer, commits to. Empty while no recovery is set up. */
  readonly entries: readonly RecoveryEntry[]
  /** The private halves, sealed under the name of what they recover: a DID, or a relationship's id. */
  seal(subject: string): Promise<Change[]>
}

/** The deals that are served, oldest first. */
export async function setups(edge: Edge): Promise<RecoverySetup[]> {
  const all = (await edge.records.all('setup')).map(({ value }) => value)
  return all.sort((a, b) => a.policy.epoch - b.policy.epoch)
}

/** The deal in force. */
export async function currentSetup(edge: Edge): Promise<RecoverySetup | undefined> {
  return (await setups(edge)).findLast(({ proposed }) => !proposed)
}

/** The change that waits for its quorum, if there is one. */
export async function proposedSetup(edge: Edge): Promise<RecoverySetup | undefined> {
  return (await setups(edge)).find(({ proposed }) => proposed)
}

/**
 * To what recovery keys are sealed: by the deal in force, or, for a DID that was made for an issuer, as the device that has set up
 * recovery says.
 */
export async function currentPaths(edge: Edge, use: Identity['use']): Promise<ToldPaths | undefined> {
  const setup = await currentSetup(edge)
  if (!setup) return use === 'subject' ? edge.records.get('recovery-paths', 'self') : undefined
  if (setup.supersededAt !== undefined) return undefined
  const kems = new Map(setup.paths.map(({ id, kem }) => [id, kem]))
  const paths = setup.policy.paths.map(({ id, delay }) => ({ id, delay, kem: kems.get(id) ?? '' }))
  return { epoch: setup.policy.epoch, paths }
}

export async function newRecoverySet(edge: Edge, use: Identity['use'] = 'public'): Promise<RecoverySet> {
  const current = await currentPaths(edge, use)
  if (!current) return { entries: [], seal: async () => [] }
  const { epoch } = current
  const made = await Promise.all(
    current.paths.map(async ({ id, delay, kem }) => {
      const seed = edge.ports.random(32)
      const key = await edge.ports.keys.fromSecret(ED25519, seed)
      const h = keyDigest(key.publicKey)
      key.destroy()
      return { path: id, kem, delay, h, seed, ...(isFirm(id) ? { firm: true as const } : {}) }
    }),
  )
  return {
    entries: made.map(({ h, delay, firm }) => ({ h, delay, ...(firm ? { firm } : {}) })),
    seal: async (subject) => {
      const before = (await edge.records.get('recovery-key', subject))?.keys ?? []
      const own = (await setups(edge)).map(({ policy }) => policy.epoch)
      // Who is told of paths does not know until when the ones before are served: the last stay.
      const last = Math.max(...before.flatMap((key) => (key.epoch === epoch ? [] : [key.epoch])))
      const served = new Set(own.length > 0 ? own : [last])
      const keys = made.map(({ path, kem, h, seed }) => {
        const sealed = base64url.encode(sealRecoveryKey(seed, kemOf(kem), { subject, path, epoch }))
        seed.fill(0)
        return { path, epoch, h, sealed }
      })
      const kept = before.filter((key) => key.epoch !== epoch && served.has(key.epoch))
      return [put('recovery-key', subject, { subject, keys: [...kept, ...keys] })]
    },
  }
}

/** Recovery keys of a DID that an operation names which the ledger refused: no commitment yet, though it may still become one. */
export async function refusedKeys(edge: Edge, did: string): Promise<ReadonlySet<string>> {
  const refused = (await edge.records.all('refused-operation')).filter(({ value }) => value.did === did)
  return new Set(refused.flatMap(({ value }) => keysIn(value)))
}

/** What is left of a DID's sealed keys once it is proven that an operation never enters. */
export async function withoutKeysOf(edge: Edge, never: PendingOperation): Promise<Change[]> {
  const named = new Set(keysIn(never))
  const record = await edge.records.get('recovery-key', never.did)
  if (!record?.keys.some(({ h }) => named.has(h))) return []
  return [put('recovery-key', never.did, { ...record, keys: record.keys.filter(({ h }) => !named.has(h)) })]
}

function keysIn({ submission }: PendingOperation): string[] {
  const { operation } = parseSubmissionJson(submission as unknown as Json)
  return operation.type === 'rotate' ? (operation.recovery ?? []).map(({ h }) => h) : []
}

export interface OpenedKey {
  readonly key: SigningKey
  readonly multikey: string
  readonly delay: number
}

/** `openPath` by what overrules a veto, where that is given and opens anything, and otherwise by the path. */
export async function openRecoverySet(
  edge: Edge,
  subject: string,
  entries: readonly RecoveryEntry[],
  { path, overruling }: { readonly path: PathKeys; readonly overruling?: PathKeys | undefined },
): Promise<OpenedKey | undefined> {
  const firm = overruling && (await openPath(edge, subject, entries, overruling).catch(ofAnotherSet))
  return firm ?? openPath(edge, subject, entries, path)
}

/** What contacts gave in person may be of another deal, or of none; that stops no recovery by their shares. */
function ofAnotherSet(error: unknown): undefined {
  if (!isKeysteadError(error, 'ANOTHER_SET_COUNTS')) throw error
}

/**
 * The key that the path opens and one of `entries` commits to, if there is one. The caller destroys it. Rejects with
 * `ANOTHER_SET_COUNTS` where they commit to keys of another deal of ours.
 */
async function openPath(
  edge: Edge,
  subject: string,
  entries: readonly RecoveryEntry[],
  path: PathKeys,
): Promise<OpenedKey | undefined> {
  const record = await edge.records.get('recovery-key', subject)
  const others = new Set<number>()
  for (const { path: id, epoch, h, sealed } of record?.keys ?? []) {
    const committed = entries.find((entry) => entry.h === h)
    if (!committed) continue
    const seed = id === path.id && (await openSeed(path, sealed, { subject, path: id, epoch }))
    if (!seed) {
      others.add(epoch)
      continue
    }
    const key = await edge.ports.keys.fromSecret(ED25519, seed)
    seed.fill(0)
    const { delay } = committed
    if (keyDigest(key.publicKey) === h) return { key, multikey: encodeMultikey(key.publicKey), delay }
    key.destroy()
  }
  if (others.size > 0)
    throw fault(
      'ANOTHER_SET_COUNTS',
      `what counts now is recovery set-up number ${[...others].join(' or ')}: use its kit and shares, or try again when its hold is over`,
    )
  return undefined
}

/** Undefined where the key was sealed to the path of another deal. */
async function openSeed(path: PathKeys, sealed: string, context: RecoveryKeyContext): Promise<Uint8Array | undefined> {
  try {
    return await openRecoveryKey(path.kem, base64url.decode(sealed), context)
  } catch (error) {
    if (isKeysteadError(error, 'NOT_A_RECIPIENT')) return undefined
    throw error
  }
}

const kemOf = (kem: string): PublicKey<'x-wing'> => ({ suite: 'x-wing', bytes: decodeMultikey(kem).bytes })
