/** The new device's side of SYNC-13: it takes its place in the log that it was invited to, and knows the keys of all that is in it. */
import { encodeMultikey } from '@keystead/crypto'
import { readAuthority } from '@keystead/wallet'
import type { LogInvitation } from '../../protocols/own-devices/log-membership.ts'
import { agencyOf, type Edge, fault } from '../context.ts'
import { put, remove } from '../store.ts'
import { emptyLog, ownLog, takeAuthority } from './authority.ts'
import { listedAs } from './candidate.ts'
import { fetchAuthority } from './fetch.ts'
import { OWN_HOLDER } from './holder-link.ts'
import { planHolders } from './holder-plan.ts'
import type { LogCandidate } from './records.ts'

/**
 * What the others wrote comes with the next look at their chains. Rejects with `BAD_DEVICE` for a log that does not list this
 * device, and with what an authority is that does not go on from the entry to trust.
 */
export async function joinLog(
  edge: Edge,
  made: LogCandidate,
  { log, vault, ...trusted }: LogInvitation,
): Promise<void> {
  if (await ownLog(edge)) throw fault('NOT_ALLOWED_NOW', 'this device writes a log already')
  const { chain, signing, sealing } = made
  const entries = await fetchAuthority(edge, vault)
  const authority = readAuthority(log, entries, trusted)
  const self = await listedAs(edge, made)
  const listed = authority.entry.devices.find((device) => device.chain === chain)
  if (listed?.end !== undefined || !listed || encodeMultikey(listed.key) !== encodeMultikey(self.key))
    throw fault('BAD_DEVICE', 'the log that this device was invited to does not list it')
  // What this device has from before is older than all that was said there.
  const empty = { ...emptyLog(edge, { log, chain, signing, sealing }), founded: 0 }
  const { own, changes } = await takeAuthority(edge, empty, authority)
  const [planned] = await planHolders(edge, await agencyOf(edge), [])
  if (!planned) throw fault('NO_AGENT', 'this wallet has no cloud agent yet')
  // The agency has the authority up to here: this device brings what it decides itself.
  const holder = { ...planned.holder, vault, entries: own.authority.seq + 1 }
  await edge.records.commit([...changes, put('holder', OWN_HOLDER, holder), remove('log-candidate', 'self')])
}
