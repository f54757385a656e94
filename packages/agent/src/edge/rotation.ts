/** New keys for everything in one action (flows S5, V10). */
import { isKeysteadError } from '@keystead/core'
import { type Edge, fault, tell } from './context.ts'
import { rotateCorrespondent } from './correspondents.ts'
import { followLedger } from './identities.ts'
import { rotateIdentity } from './identity-operations.ts'
import { deviceList } from './own-devices/list.ts'
import { rotateRelationship } from './own-log.ts'
import { quietly } from './quietly.ts'
import type { Identity } from './records.ts'
import { keepOwnEntry } from './registry/keep-entry.ts'
import { put } from './store.ts'
import { rotateLater } from './subjects/times.ts'

/** DIDs on the ledger first, then every relationship; peers follow by themselves, DIDs of credentials within a day (CREDENTIAL-21). Rejects with `NO_IDENTITY`. */
export async function rotateEverything(edge: Edge): Promise<{ identities: number; relationships: number }> {
  const all = (await edge.records.all('identity')).map(({ value }) => value)
  const held = await heldHere(edge)
  if (all.some(({ status }) => status === 'recovering'))
    throw fault('RECOVERY_UNDER_WAY', 'the recovery of this wallet still waits its time')
  if (!held.some(({ use }) => use === 'public') && !(await deviceList(edge)))
    throw fault('NO_IDENTITY', 'no public DID is under the control of this wallet')
  const rotated = { identities: await rotateIdentities(edge), relationships: await rotateRelationships(edge) }
  await quietly(edge, () => keepOwnEntry(edge), undefined)
  return rotated
}

/** Every DID on the ledger that is under our control, or those of them that are wanted; resolves to how many. */
export async function rotateIdentities(
  edge: Edge,
  wanted: (identity: Identity) => boolean = () => true,
): Promise<number> {
  const identities = (await heldHere(edge)).filter(wanted)
  for (const { did, use } of identities) {
    if (use === 'subject') {
      await rotateLater(edge, did)
      continue
    }
    // Another device may have granted or revoked something since.
    await followLedger(edge, did)
    try {
      await rotateIdentity(edge, did)
    } catch (error) {
      if (!isKeysteadError(error, 'NEEDS_RECOVERY')) throw error
      tell(edge, { kind: 'needs-recovery', text: error.message })
    }
  }
  // Status lists are signed anew with the new key.
  const issuers = (await edge.records.all('issuer')).map(({ name, value }) =>
    put('issuer', name, { ...value, published: false }),
  )
  await edge.records.commit(issuers)
  return identities.length
}

/** Those whose keys are on this device. */
async function heldHere(edge: Edge): Promise<Identity[]> {
  const held = new Set((await edge.records.all('identity-keys')).map(({ name }) => name))
  const all = (await edge.records.all('identity')).map(({ value }) => value)
  return all.filter(({ did, status, alert }) => status === 'active' && !alert && held.has(did))
}

/** Every contact; peers follow by themselves. Resolves to how many. */
export async function rotateRelationships(edge: Edge): Promise<number> {
  const relationships = (await edge.records.all('relationship'))
    .map(({ value }) => value)
    .filter(({ status, recovering, alert, joining }) => status === 'connected' && !recovering && !alert && !joining)
  for (const relationship of relationships) await rotateRelationship(edge, relationship)
  const correspondents = (await edge.records.all('correspondent'))
    .map(({ value }) => value)
    .filter(({ status, joining }) => status === 'connected' && !joining)
  for (const correspondent of correspondents) await rotateCorrespondent(edge, correspondent)
  return relationships.length + correspondents.length
}
