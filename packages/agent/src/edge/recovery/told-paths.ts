/**
 * CREDENTIAL-22: a DID that another device makes for an issuer can be recovered by the same kit and contacts. That device is told the
 * public keys of the paths; what opens them it never has.
 */
import type { JsonObject } from '@keystead/core'
import type { OwnDevice } from '../../protocols/own-devices/messages.ts'
import { RECOVERY_PATHS, type ToldPaths } from '../../protocols/own-devices/recovery-paths.ts'
import { type Edge, fault } from '../context.ts'
import { deviceList, holdsAuthority, siblings, tellDevices, thisDevice } from '../own-devices/list.ts'
import { type Change, put } from '../store.ts'
import { currentPaths } from './recovery-set.ts'

/** Part of every sync, on the device that has set up recovery. */
export async function tellRecoveryPaths(edge: Edge): Promise<void> {
  if (!(await deviceList(edge)) || !holdsAuthority(await thisDevice(edge))) return
  const paths = await currentPaths(edge, 'public')
  if (!paths) return
  const before = await edge.records.get('told-paths', 'self')
  const told = before?.epoch === paths.epoch ? before.told : []
  const untold = (await siblings(edge)).map(({ account }) => account).filter((account) => !told.includes(account))
  if (untold.length === 0) return
  const changes: Change[] = [put('told-paths', 'self', { epoch: paths.epoch, told: [...told, ...untold] })]
  for (const account of untold)
    changes.push(...(await tellDevices(edge, RECOVERY_PATHS, paths as unknown as JsonObject, account)))
  await edge.records.commit(changes)
}

/** Whoever could say so to another device could recover what that one makes. Throws `NOT_ALLOWED_NOW`. */
export async function onRecoveryPaths(edge: Edge, sender: OwnDevice, told: ToldPaths): Promise<Change[]> {
  if (!holdsAuthority(sender)) throw fault('NOT_ALLOWED_NOW', `${sender.name} may not say how this wallet is recovered`)
  const before = await edge.records.get('recovery-paths', 'self')
  return before && before.epoch >= told.epoch ? [] : [put('recovery-paths', 'self', told)]
}
