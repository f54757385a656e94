/**
 * Part of every sync on the device that holds the authority (DEVICE-18): its entry is in the registry, of the authority key in
 * force, and not about to end. So also in a wallet that was made before devices had one.
 */
import { type DidState, MAX_AGENTS } from '@keystead/did-dkms'
import { isShared } from '../authority/together.ts'
import { type Edge, nowSeconds } from '../context.ts'
import { performByAuthority } from '../identity-operations.ts'
import { giveUp } from '../key-life.ts'
import { deviceList, thisDevice } from '../own-devices/list.ts'
import { sayOwnEntry } from '../own-devices/membership.ts'
import type { AgentKey, Identity } from '../records.ts'
import { put, remove } from '../store.ts'
import { entryOf, FIRST_DEVICE, newOwnKey } from './new-entry.ts'

/** Before an entry ends: a wallet that is opened once a month keeps one. */
const RENEW_SECONDS = 30 * 86_400

/** Each step is on disk before the next, and may be done again. */
export async function keepOwnEntry(edge: Edge): Promise<void> {
  // Where two devices hold the authority, the registry changes with that (`authority/registry.ts`).
  const { did, authority } = (await heldHere(edge)) ?? {}
  if (did === undefined || authority === undefined) return
  const known = (await edge.records.all('agent-key')).map(({ value }) => value)
  const all = known.filter(isOwn)
  const current = all.find(({ own }) => own.authority === authority && own.exp > nowSeconds(edge) + RENEW_SECONDS)
  const listed = (await deviceList(edge)) && (await thisDevice(edge)).h
  const former = known.filter((key) => (isOwn(key) || key.h === listed) && key !== current)
  if (current?.own.there && former.length === 0) return edge.records.commit(await sayOwnEntry(edge, current.h))
  const { state } = await edge.ports.ledger.resolve(did)
  if (!state || !takesChanges(state)) return
  const key = current ?? (await makeKey(edge, authority))
  const there = (h: string): boolean => state.agents.some((entry) => entry.h === h)
  const drop = former.map(({ h }) => h).filter(there)
  if (!there(key.h) && state.agents.length - drop.length >= MAX_AGENTS) return
  if (!there(key.h) || drop.length > 0) {
    const [added, gone] = [there(key.h) ? {} : { put: [entryOf(key)] }, drop.length > 0 ? { drop } : {}]
    await performByAuthority(edge, state, { type: 'agents', ...added, ...gone })
  }
  await edge.records.commit([
    put('agent-key', key.h, { ...key, own: { ...key.own, there: true } }),
    ...former.map(({ h }) => remove('agent-key', h)),
    ...(await sayOwnEntry(edge, key.h)),
  ])
  await giveUp(
    edge,
    former.map(({ keyId }) => keyId),
  )
}

const isOwn = (key: AgentKey): key is Required<AgentKey> => key.own !== undefined

async function makeKey(edge: Edge, authority: string): Promise<Required<AgentKey>> {
  const name = (await deviceList(edge)) ? (await thisDevice(edge)).name : FIRST_DEVICE
  const made = await newOwnKey(edge, authority, name)
  await edge.records.commit([put('agent-key', made.h, made)])
  return made
}

/** The public DID, where its authority is here and no operation is on its way, or refused and may still enter, with another entry. */
async function heldHere(edge: Edge): Promise<{ did: string; authority: string } | undefined> {
  const all = (await edge.records.all('identity')).map(({ value }) => value)
  const found = all.find(isQuiet)
  const keys = found && (await edge.records.get('identity-keys', found.did))
  const underWay = [...(await edge.records.all('operation')), ...(await edge.records.all('refused-operation'))]
  const waits = underWay.some(({ value }) => value.did === found?.did)
  return keys && !waits ? { did: keys.did, authority: keys.authority } : undefined
}

const isQuiet = ({ use, status, alert, auth }: Identity): boolean =>
  use === 'public' && status === 'active' && !alert && !isShared(auth)

/** DKMS-21: what may be taken while nothing stands or waits. */
export function takesChanges({ status, suspension, deactivation, recovery }: DidState): boolean {
  return status === 'active' && !suspension && !deactivation && !recovery.pending
}
