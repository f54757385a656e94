/**
 * Which of the owner's devices write the log (SYNC-13), said by one that may. The agency takes what it says by compare and swap,
 * so each step is asked of the newest that holds, and can be done again.
 */
import { base64url } from '@keystead/core'
import { encodeMultikey, sha256 } from '@keystead/crypto'
import type { LogDevice } from '@keystead/wallet'
import type { LogInvitation } from '../../protocols/own-devices/log-membership.ts'
import type { OwnDevice } from '../../protocols/own-devices/messages.ts'
import { agencyOf, type Edge, fault } from '../context.ts'
import { put } from '../store.ts'
import { aboutOf, currentEntry, nextEntry, ownLog, requireLog } from './authority.ts'
import { followDevices } from './follow.ts'
import { goOnWithout } from './go-on.ts'
import { claimEntry, OWN_HOLDER } from './holder-link.ts'
import { planHolders } from './holder-plan.ts'
import { bringToHolders } from './holders.ts'

/**
 * Lists a device, and returns what it begins with; the same again gives the same. Rejects with `BAD_DEVICE` for a chain that is
 * another's or ended, or a second one, and with `NOT_ALLOWED_NOW` when another device changed the log at the same time.
 */
export async function admitToLog(edge: Edge, of: OwnDevice, device: LogDevice): Promise<LogInvitation> {
  await requireLog(edge)
  if (!(await edge.records.get('holder', OWN_HOLDER))) await placeAtAgency(edge)
  await newestOf(edge)
  const own = await requireLog(edge)
  const before = await currentEntry(edge, own)
  const about = aboutOf(own, before)
  const account = digestOf(of.account)
  const listed = before.devices.find(({ chain }) => chain === device.chain)
  if (listed && (listed.end !== undefined || encodeMultikey(listed.key) !== encodeMultikey(device.key)))
    throw fault('BAD_DEVICE', `the chain that ${of.name} offers is another’s, or was ended`)
  // One that had two would keep the second when its first is ended.
  if (!listed && Object.values(about.accounts).includes(account))
    throw fault('BAD_DEVICE', `${of.name} has a chain of this log already`)
  if (!listed) {
    const { entry, changes } = await nextEntry(edge, own, {
      devices: [...before.devices, of.admin ? device : { ...device, limited: true }],
      about: {
        devices: { ...about.devices, [device.chain]: of.name },
        accounts: {
          [own.chain]: digestOf((await agencyOf(edge)).account),
          ...about.accounts,
          [device.chain]: account,
        },
      },
      freshKey: false,
    })
    await claimEntry(edge, entry)
    await edge.records.commit(changes)
  }
  const { log, authority } = await requireLog(edge)
  const vault = (await edge.records.get('holder', OWN_HOLDER))?.vault ?? ''
  return { log, vault, seq: authority.seq, hash: authority.hash }
}

/**
 * A device that was revoked (flow V12) writes nothing more that counts beyond what was taken in, and reads nothing new. Nothing
 * where it has ended already. Rejects as `admitToLog` does.
 */
export async function endInLog(edge: Edge, chain: string): Promise<void> {
  await newestOf(edge)
  const own = await requireLog(edge)
  const before = await currentEntry(edge, own)
  if (!before.devices.some((device) => device.chain === chain && device.end === undefined)) return
  const head = own.heads.find((one) => one.chain === chain)
  const end = head ? { seq: head.seq, hash: head.hash } : ('none' as const)
  const devices = before.devices.map((device) => (device.chain === chain ? { ...device, end } : device))
  const { entry, changes } = await nextEntry(edge, own, { devices, freshKey: true })
  await claimEntry(edge, entry)
  await edge.records.commit(changes)
}

/**
 * Chains of a device to which the newest data key is still sealed, as far as this one knows: by what the log says of its account,
 * and by what the devices say of it, whose account may be another by now.
 */
export async function chainsOf(edge: Edge, { account, chain }: OwnDevice): Promise<string[]> {
  const own = await ownLog(edge)
  if (own?.dataKeys[own.epoch] === undefined) return []
  const entry = await currentEntry(edge, own)
  const { accounts } = aboutOf(own, entry)
  return entry.devices
    .filter((device) => device.chain === chain || accounts[device.chain] === digestOf(account))
    .flatMap((device) => (device.end === undefined ? [device.chain] : []))
}

const digestOf = (account: string): string => base64url.encode(sha256(account))

/**
 * Entries come in order: what is here is brought first, and what another device, or this one before a crash, has decided is taken
 * in. A chain that does not fit must not keep its device from being taken out.
 */
async function newestOf(edge: Edge): Promise<void> {
  await bringToHolders(edge)
  await goOnWithout(edge, () => followDevices(edge, { alone: true }))
}

/** A log that no recovery is set up for yet lies at the agency all the same, for the other devices. */
async function placeAtAgency(edge: Edge): Promise<void> {
  const [planned] = await planHolders(edge, await agencyOf(edge), [])
  if (planned) await edge.records.commit([put('holder', planned.name, planned.holder)])
}
