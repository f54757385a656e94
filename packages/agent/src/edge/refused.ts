/**
 * Operations that a ledger node refused. A refusal is a node's word: whoever holds a signed operation can bring it again until its
 * `notAfter`. So what it would put into force is kept, though nothing waits for it, until the proven ledger shows what became of it.
 */
import { isKeysteadError, type Json } from '@keystead/core'
import { parseSubmissionJson } from '@keystead/did-dkms'
import { MAX_REFUSED_OPERATIONS } from '../limits.ts'
import { type Edge, fault, tell } from './context.ts'
import { giveUp } from './key-life.ts'
import type { PendingOperation } from './records.ts'
import { withoutKeysOf } from './recovery/recovery-set.ts'
import { withReplacedKeys } from './replaced.ts'
import { type Change, put, remove } from './store.ts'

/** What an operation of ours puts into force once the ledger has it. */
export function inForce({ did, identity, keys }: PendingOperation): Change[] {
  return [put('identity', did, identity), put('identity-keys', did, keys)]
}

/** Throws `TOO_MANY_REFUSED`: a refused operation may still enter, so it is not forgotten for another one's sake. */
export async function refuseAfterManyRefusals(edge: Edge, did: string): Promise<void> {
  const all = (await edge.records.all('refused-operation')).filter(({ value }) => value.did === did)
  if (all.length >= MAX_REFUSED_OPERATIONS)
    throw fault('TOO_MANY_REFUSED', 'the ledger refused many operations of this DID, any of which may still enter')
}

/** Looks what became of every refused operation. The DIDs of which nothing is proven now. */
export async function reconsiderRefused(edge: Edge): Promise<ReadonlySet<string>> {
  const unknown = new Set<string>()
  for (const { name, value } of await edge.records.all('refused-operation')) {
    if (unknown.has(value.did)) continue
    try {
      const became = await fate(edge, name, value)
      if (became === 'entered') await adopt(edge, name, value)
      else if (became === 'never')
        await edge.records.commit([remove('refused-operation', name), ...(await withoutKeysOf(edge, value))])
    } catch (error) {
      if (!isKeysteadError(error)) throw error
      unknown.add(value.did)
    }
  }
  return unknown
}

/** `open`: the newest proven block could still be followed by one that carries it. */
export async function fate(edge: Edge, hash: string, refused: PendingOperation): Promise<'entered' | 'never' | 'open'> {
  const { ledger } = edge.ports
  const { seq, notAfter } = parseSubmissionJson(refused.submission as unknown as Json).operation
  const { state, at } = await ledger.resolve(refused.did)
  if (!state || state.seq < seq) return at.time > notAfter ? 'never' : 'open'
  if (state.head === hash) return 'entered'
  if (state.seq === seq) return 'never'
  const { history } = await ledger.history(refused.did)
  return history.versions.some((version) => version.state.head === hash) ? 'entered' : 'never'
}

async function adopt(edge: Edge, hash: string, refused: PendingOperation): Promise<void> {
  const { did, ownDid } = refused
  const own = ownDid ? [put('own-did', did, await withReplacedKeys(edge, ownDid))] : []
  await edge.records.commit([...inForce(refused), ...own, remove('refused-operation', hash)])
  await giveUp(edge, refused.retire)
  tell(edge, {
    kind: 'operation-entered',
    text: `the ledger has taken an operation (${refused.kind}) of "${refused.identity.label}" that it had refused before`,
  })
}
