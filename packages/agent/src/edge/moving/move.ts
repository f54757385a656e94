/**
 * Flow V19: to another agency, keeping every relationship. One device that may takes the places there, for itself and the owner's
 * other devices; the agency before decides nothing more from then on and passes mail on; then peers learn the new way by rotations.
 * Each step is written down and can be repeated, so that a crash costs nothing. The agency before forwards until it is told to stop.
 */
import { isKeysteadError } from '@keystead/core'
import { MAIL_DAYS } from '../../limits.ts'
import { MOVE_FORWARD } from '../../protocols/move/messages.ts'
import { ask } from '../agency-link.ts'
import { agencyOf, type Edge, fault, profileOf, tell } from '../context.ts'
import { flushOutbox } from '../outbox.ts'
import { deviceList, siblings } from '../own-devices/list.ts'
import { requireAdmin } from '../own-devices/membership.ts'
import { quietly } from '../quietly.ts'
import { put } from '../store.ts'
import { arrive, type Former, type Next } from './arrive.ts'
import { follow } from './follow.ts'
import { requireGone, requireLead } from './gone.ts'
import { addMissing, copySlots, takePlaces } from './places.ts'
import { isNamed, rotateWhatNames } from './rotations.ts'
import { withoutFormer } from './stop.ts'

export interface MoveOptions {
  /** The agency before answers nobody any more: what waited there is lost. */
  readonly gone?: boolean
}

/** Rejects with `NOT_ALLOWED_NOW`, `AGENCY_UNREACHABLE` or a refusal; what was begun goes on with the next sync. */
export async function moveTo(
  edge: Edge,
  target: { did: string; url: string },
  { gone = false }: MoveOptions = {},
): Promise<void> {
  if ((await siblings(edge)).length > 0) await requireAdmin(edge)
  const profile = await profileOf(edge)
  const { did, account, services } = await agencyOf(edge)
  if (profile.former) throw fault('NOT_ALLOWED_NOW', 'the agency before still forwards: tell it to stop first')
  if (profile.next && profile.next.did !== target.did)
    throw fault('NOT_ALLOWED_NOW', `a move to ${profile.next.url} is under way: it goes on with "keystead sync"`)
  if (did === target.did) throw fault('NOT_ALLOWED_NOW', 'your cloud agent is at this agency already')
  if (gone) {
    await requireLead(edge)
    await requireGone(edge, { did, account })
  }
  const { did: to, url } = target
  const next: Next = { did: to, url, services, account, mover: true, ...(gone ? { gone } : {}) }
  await takePlaces(edge, next)
  await edge.records.commit([put('profile', 'self', { ...profile, next })])
  if (!(await changeAgency(edge)))
    throw fault(
      'NOT_ALLOWED_NOW',
      'the agency does not let go: another device of yours has moved this wallet meanwhile',
    )
  await goOnMoving(edge)
}

/**
 * Part of every sync: this device goes where its account goes. True when it is there now, and has not read what is there. `away`:
 * its agency does not answer, and may be gone.
 */
export async function changeAgency(edge: Edge, { away = false } = {}): Promise<boolean> {
  const { next, left } = await profileOf(edge)
  if (next?.mover) return leave(edge, next)
  return next || left || (away && (await deviceList(edge))) ? follow(edge, next) : false
}

/** The agency before decides nothing from `forward` on, so what stood there is all there is to bring along. */
async function leave(edge: Edge, next: Next): Promise<boolean> {
  const before = await agencyOf(edge)
  await takePlaces(edge, next)
  if (next.gone) {
    await arriveFirst(edge, next)
    return true
  }
  try {
    await ask(edge, before.did, before.account, { type: MOVE_FORWARD, body: { to: next.did } })
  } catch (error) {
    // Another device has moved it elsewhere, or this agency knows nothing of what this device may.
    if (!isKeysteadError(error, 'MOVE_REFUSED') && !isKeysteadError(error, 'NOT_GRANTED')) throw error
    tell(edge, { kind: 'waiting', text: `this wallet does not move to ${next.url}: ${error.message}` })
    const { next: _, ...profile } = await profileOf(edge)
    await edge.records.commit([put('profile', 'self', profile)])
    return false
  }
  if ((await siblings(edge)).length > 0) await copySlots(edge, before, next)
  await arriveFirst(edge, next)
  return true
}

/** Whoever woke this wallet for the agency before is told, too: what a browser gave out is for one agency (AGENCY-15). */
async function arriveFirst(edge: Edge, next: Next): Promise<void> {
  await arrive(edge, next, {})
  tell(edge, { kind: 'agency-changed', text: `your cloud agent is at ${next.url} now` })
}

/** Part of every sync: the next steps of a move, as far as they go now. */
export async function goOnMoving(edge: Edge): Promise<void> {
  const { former } = await profileOf(edge)
  if (!former) return
  if (former.untold) await quietly(edge, () => haveForwarded(edge, former), undefined)
  await quietly(edge, () => addMissing(edge), undefined)
  if (former.step === 'rotations') await flushOutbox(edge)
  // Peers write to the new agency when it receives for what they write to.
  if ((await edge.records.all('outbox')).some(({ value }) => value.kind === 'recipient')) return
  await rotateWhatNames(edge, former.did)
  if (former.gone && !(await isNamed(edge, former.did)))
    return edge.records.commit(await withoutFormer(edge, former.did))
  if (former.step === 'rotations') await change(edge, ({ step: _, ...rest }) => ({ ...rest, step: 'forwards' }))
}

/** A device that followed: what still comes for it at the agency before is passed on, where that one knows it. */
async function haveForwarded(edge: Edge, { did, account, since }: Former): Promise<void> {
  const { did: to } = await agencyOf(edge)
  try {
    await ask(edge, did, account, { type: MOVE_FORWARD, body: { to } })
  } catch (error) {
    // Whatever waited there is forgotten by now.
    const over = edge.ports.clock.now() > since + MAIL_DAYS * 86_400_000
    if (over && isKeysteadError(error, 'AGENCY_UNREACHABLE')) return edge.records.commit(await withoutFormer(edge, did))
    // It was told to forget the account meanwhile.
    if (!isKeysteadError(error, 'NOT_GRANTED')) throw error
  }
  await change(edge, ({ untold: _, ...rest }) => rest)
}

async function change(edge: Edge, after: (former: Former) => Former): Promise<void> {
  const profile = await profileOf(edge)
  if (profile.former) await edge.records.commit([put('profile', 'self', { ...profile, former: after(profile.former) })])
}
