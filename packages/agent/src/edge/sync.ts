/** Bringing a wallet up to date, in both directions. The network's trouble is told, not thrown. */
import { isKeysteadError } from '@keystead/core'
import { joinAuthority } from './authority/approving.ts'
import { keepAuthority } from './authority/keeping.ts'
import { keepShare } from './authority/share.ts'
import type { Edge } from './context.ts'
import { nowSeconds, profileOf } from './context.ts'
import { goOnDrops, tellDropPlaces } from './dead-drops.ts'
import { DevicesAgent } from './devices.ts'
import { goOnGuardians } from './guardian/owner.ts'
import { emptyMailbox, forgetOldMessages } from './inbox.ts'
import { goOnApproving } from './linking/approving.ts'
import { goOnJoining } from './linking/new-device.ts'
import { forgetLinks } from './linking/session.ts'
import { backUp } from './log/backup.ts'
import { changeAgency, goOnMoving } from './moving/move.ts'
import { resumeOperations } from './operations.ts'
import { flushOutbox } from './outbox.ts'
import { raiseThresholds } from './own-devices/approvals.ts'
import { resumeEntries } from './own-devices/claims.ts'
import { forgetApprovals } from './own-devices/cosigning.ts'
import { includeOffers, offerKeySets, renewPlaces } from './own-devices/key-sets.ts'
import { goOnSharingLog } from './own-devices/log-membership.ts'
import { goOnRevoking } from './own-devices/membership.ts'
import { offerPlainKeys, renewPlain } from './own-devices/plain-keys.ts'
import { shareCorrespondents } from './own-devices/plain-sharing.ts'
import { resumePlainTurns } from './own-devices/plain-turns.ts'
import { renewProposals } from './own-devices/renewing.ts'
import { shareChanges } from './own-devices/sharing.ts'
import { settleRelationships } from './peer-log.ts'
import { quietly } from './quietly.ts'
import { commitChange } from './recovery/changes.ts'
import { forgetShares } from './recovery/contacts.ts'
import { placeEscrow, removeSpentEscrow, watchEscrow } from './recovery/escrow-deal.ts'
import { placeGuards } from './recovery/guards.ts'
import { sayHeads } from './recovery/heads.ts'
import { forgetHelping } from './recovery/helping.ts'
import { remind } from './recovery/reminders.ts'
import { commitRecoverySets } from './recovery/setup.ts'
import { askForShares } from './recovery/share-health.ts'
import { tellRecoveriesAgain } from './recovery/tell-again.ts'
import { tellRecoveryPaths } from './recovery/told-paths.ts'
import { goOnVetoing, settleOwnSide, watchIdentities } from './recovery/watch.ts'
import { keepOwnEntry } from './registry/keep-entry.ts'
import { finishRemovals, resumeRemovals } from './removal.ts'
import { forgetReplaced } from './replaced.ts'
import { publishPending } from './status-lists.ts'
import { endInvitations } from './strangers.ts'
import { placeSubjectKeys } from './subjects/placing.ts'
import { tellSubjectKeys } from './subjects/telling.ts'
import { rotateDue } from './subjects/times.ts'

export interface SyncResult {
  readonly handled: number
  readonly sent: number
  /** Messages that could not be brought yet. */
  readonly waiting: number
  /** Ledger operations that could not be brought yet. */
  readonly operations: number
  /** Contacts whose keys are to change once another device of ours has approved it, and DIDs of which the same is so. */
  readonly approvals: number
}

/** Everything that waits. Never rejects because somebody is away; the result says what still waits. */
export async function sync(edge: Edge): Promise<SyncResult> {
  await resumeOperations(edge)
  await quietly(edge, () => watchIdentities(edge), undefined)
  await quietly(edge, () => keepOwnEntry(edge), undefined)
  let handled = 0
  if ((await profileOf(edge)).agency) {
    let away = false
    const read = () =>
      readEverything(edge).catch((error) => {
        away = isKeysteadError(error, 'AGENCY_UNREACHABLE')
        throw error
      })
    handled = await quietly(edge, read, 0)
    // What the others told meanwhile is read before anything is decided there.
    if (await quietly(edge, () => changeAgency(edge, { away }), false))
      handled += await quietly(edge, () => readEverything(edge), 0)
    await quietly(edge, () => goOnMoving(edge), undefined)
    await quietly(edge, () => goOnWithDevices(edge), undefined)
    await quietly(edge, () => goOnSharingLog(edge), undefined)
    await quietly(edge, () => publishPending(edge), undefined)
    await quietly(edge, () => goOnGuardians(edge, new DevicesAgent(edge)), undefined)
  }
  await quietly(edge, () => goOnVetoing(edge), undefined)
  await commitChange(edge)
  await quietly(edge, () => commitRecoverySets(edge), undefined)
  await quietly(edge, () => rotateDue(edge), undefined)
  await askForShares(edge)
  await tellDropPlaces(edge)
  await tellRecoveriesAgain(edge)
  const flushed = await flushOutbox(edge)
  const { sent, waiting } = (await goOnDrops(edge)) ? await flushOutbox(edge) : flushed
  await finishRemovals(edge)
  await endInvitations(edge)
  await quietly(edge, () => placeEscrow(edge), undefined)
  await quietly(edge, () => backUp(edge), undefined)
  await placeGuards(edge)
  await quietly(edge, () => sayHeads(edge), undefined)
  await quietly(edge, () => watchEscrow(edge), undefined)
  await remind(edge)
  await quietly(edge, () => removeSpentEscrow(edge), undefined)
  await forgetHelping(edge)
  await forgetShares(edge)
  await forgetReplaced(edge)
  await forgetLinks(edge)
  await forgetOldMessages(edge)
  const [operations, approvals] = [await edge.records.all('operation'), await edge.records.all('proposal')]
  const asked = operations.filter(({ value }) => value.asked).length
  return { handled, sent, waiting, operations: operations.length - asked, approvals: approvals.length + asked }
}

/**
 * Links under way, then what the owner's devices owe each other, and what is left of revoked ones. Each by itself: what one of them is
 * refused keeps no other from being done, a revocation least of all.
 */
async function goOnWithDevices(edge: Edge): Promise<void> {
  const devices = new DevicesAgent(edge)
  for (const step of [
    () => goOnApproving(edge, devices),
    () => goOnJoining(edge),
    () => resumeEntries(edge),
    () => resumePlainTurns(edge),
    () => resumeRemovals(edge),
    () => goOnRevoking(edge),
    () => renewPlain(edge),
    () => devices.dropRevoked(),
    () => devices.suspendLost(),
    () => keepShare(edge),
    () => joinAuthority(edge),
    () => keepAuthority(edge),
    () => includeOffers(edge),
    () => renewPlaces(edge),
    () => raiseThresholds(edge),
    () => renewProposals(edge),
    () => forgetApprovals(edge),
    () => offerKeySets(edge),
    () => offerPlainKeys(edge),
    () => shareChanges(edge),
    () => shareCorrespondents(edge),
    () => tellRecoveryPaths(edge),
    () => tellSubjectKeys(edge),
    () => placeSubjectKeys(edge),
  ])
    await quietly(edge, step, undefined)
}

/** The mailbox first: delays that are over take effect on what was said in time. */
async function readEverything(edge: Edge): Promise<number> {
  const handled = await emptyMailbox(edge)
  await settleOwnSide(edge)
  return (await settleRelationships(edge)) ? handled + (await emptyMailbox(edge)) : handled
}

/** Syncs, one turn at a time, until `look` finds something or the time (seconds since 1970) is over. */
export async function syncUntil<T>(
  edge: Edge,
  look: () => Promise<T | undefined>,
  until: number,
  signal?: AbortSignal,
): Promise<T | undefined> {
  for (;;) {
    await edge.alone(() => sync(edge))
    const found = await look()
    if (found !== undefined) return found
    if (nowSeconds(edge) > until) return undefined
    await edge.ports.clock.sleep(300, signal)
  }
}
