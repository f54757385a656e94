/** DEVICE-19: the registry after a change that two devices sign, which does at once what a lone ADMIN's would wait for. */
import type { AgentEntry, DidState, Quorums } from '@keystead/did-dkms'
import { type Edge, nowSeconds } from '../context.ts'
import { deviceList, thisDevice } from '../own-devices/list.ts'
import { ENTRY_SECONDS, OWN_CAPS } from '../registry/new-entry.ts'

/**
 * This device's entry holds for another year, and those of revoked devices are gone. `only`: nothing but this device's stays. Nothing
 * is said of the registry while another removal waits there, which this would decide.
 */
export async function registryAfter(
  edge: Edge,
  { agents, quorums, removals = [] }: DidState,
  only: boolean,
): Promise<{ agents?: readonly AgentEntry[]; quorums?: Quorums }> {
  const { h: own } = await thisDevice(edge)
  const entry = own === undefined ? [] : [{ h: own, caps: OWN_CAPS, exp: nowSeconds(edge) + ENTRY_SECONDS }]
  if (only) return { agents: entry }
  const { devices = [] } = (await deviceList(edge)) ?? {}
  const gone = new Set(devices.flatMap(({ h, revoked }) => (h !== undefined && revoked !== undefined ? [h] : [])))
  if (removals.some(({ h, contested }) => contested || !gone.has(h))) return {}
  const kept = agents.filter(({ h }) => h !== own && !gone.has(h))
  return { agents: [...entry, ...kept], ...(quorums ? { quorums } : {}) }
}
