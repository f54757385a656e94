/**
 * Another device of the same owner writes the same log (SYNC-13). It makes its own chain and keys; a device that is in puts them
 * into the authority, and gives it, sealed by whoever links them, what it needs to begin: no private key is among it.
 *
 *   new device  logCandidate(edge)              -> candidate, in the clear
 *   one that is admitToLog(edge, candidate)     -> invitation, to be sealed to the new device
 *   new device  joinLog(edge, invitation)
 */
import { base64url, Fields, type JsonObject } from '@keystead/core'
import { decodeMultikey, encodeMultikey } from '@keystead/crypto'
import { type LogDevice, parseEntry, readAuthority } from '@keystead/wallet'
import { agencyOf, type Edge, fault } from '../context.ts'
import { type Change, put, remove } from '../store.ts'
import {
  aboutOf,
  currentEntry,
  emptyLog,
  newLogDevice,
  nextEntry,
  ownLog,
  putEntry,
  requireLog,
  takeAuthority,
} from './authority.ts'
import { followDevices } from './follow.ts'
import { planHolders } from './holder-plan.ts'
import { bringToHolders, claimEntry, OWN_HOLDER } from './holders.ts'

/** On the device that is to come in: chain and public keys, made once. */
export async function logCandidate(edge: Edge): Promise<JsonObject> {
  if (await ownLog(edge)) throw fault('NOT_ALLOWED_NOW', 'this wallet writes a log of its own')
  const known = await edge.records.get('log-candidate', 'self')
  const made = known ?? (await makeCandidate(edge))
  return { chain: made.chain, key: made.key, kem: made.kem }
}

async function makeCandidate(edge: Edge) {
  const { listed, signing, sealing } = await newLogDevice(edge)
  const { chain, key, kem } = listed
  const made = { chain, key: encodeMultikey(key), kem: encodeMultikey(kem), signing, sealing }
  await edge.records.commit([put('log-candidate', 'self', made)])
  return made
}

/**
 * On a device that is in: lists the new one, online where there are several, and returns what it begins with. The same candidate
 * again gives the same. Rejects with `BAD_DEVICE`, or `NOT_ALLOWED_NOW` when another device changed the log at the same time.
 */
export async function admitToLog(edge: Edge, candidate: unknown, name: string): Promise<JsonObject> {
  const device = readCandidate(candidate)
  await requireLog(edge)
  if (!(await edge.records.get('holder', OWN_HOLDER))) await placeAtAgency(edge)
  // What is here is brought first, since entries come in order; and what this device decided before a crash is there already.
  await bringToHolders(edge)
  await followDevices(edge, { alone: true })
  const own = await requireLog(edge)
  const before = await currentEntry(edge, own)
  const listed = before.devices.find(({ chain }) => chain === device.chain)
  if (listed && encodeMultikey(listed.key) !== encodeMultikey(device.key))
    throw fault('BAD_DEVICE', 'another device has this chain')
  if (!listed) {
    const about = aboutOf(own, before)
    const { entry, changes } = await nextEntry(edge, own, {
      devices: [...before.devices, device],
      about: { devices: { ...about.devices, [device.chain]: name.slice(0, 64) } },
      freshKey: false,
    })
    await claimEntry(edge, entry)
    await edge.records.commit(changes)
  }
  const { log, authority } = (await ownLog(edge)) ?? own
  const holder = await edge.records.get('holder', OWN_HOLDER)
  const entry = await currentEntry(edge, (await ownLog(edge)) ?? own)
  return {
    log,
    vault: holder?.vault ?? '',
    seq: authority.seq,
    hash: authority.hash,
    entry: base64url.encode(entry.bytes),
  }
}

/** On the new device, which belongs to the account already (AGENCY-20). What the others wrote comes with the next sync. */
export async function joinLog(edge: Edge, invitation: unknown): Promise<void> {
  const made = await edge.records.get('log-candidate', 'self')
  if (!made || (await ownLog(edge))) throw fault('NOT_ALLOWED_NOW', 'this device was not to join a log')
  const f = new Fields(invitation, 'invitation')
  const [log, vault] = [f.string('log', ID), f.string('vault', ID)]
  const trusted = { seq: f.integer('seq', { min: 0, max: 2 ** 31 - 1 }), hash: f.string('hash', { min: 43, max: 43 }) }
  const entry = parseEntry(f.decoded('entry', 512 * 1024, base64url.decode))
  f.end()
  const { chain, signing, sealing } = made
  const empty = emptyLog(edge, { log, chain, signing, sealing })
  const { own } = await takeAuthority(edge, empty, readAuthority(log, [entry], trusted))
  if (own.dataKeys[own.epoch] === undefined) throw fault('BAD_DEVICE', 'the log does not list this device')
  const agency = await agencyOf(edge)
  const [planned] = await planHolders(edge, agency, [])
  if (!planned) throw fault('NO_AGENT', 'this wallet has no cloud agent yet')
  // The agency has the authority up to here: this device brings what it decides itself.
  const holder = { ...planned.holder, vault, entries: entry.seq + 1 }
  const changes: Change[] = [put('log', 'self', own), putEntry(entry), put('holder', OWN_HOLDER, holder)]
  await edge.records.commit([...changes, remove('log-candidate', 'self')])
}

/**
 * A device that was removed (flow V12) writes nothing more that counts, from what is known here on, and reads nothing new. Rejects
 * with `UNKNOWN_DEVICE`.
 */
export async function removeFromLog(edge: Edge, chain: string): Promise<void> {
  await followDevices(edge)
  const own = await ownLog(edge)
  const before = own && (await currentEntry(edge, own))
  if (!own || !before?.devices.some((device) => device.chain === chain && device.end === undefined))
    throw fault('UNKNOWN_DEVICE', 'no device writes this chain')
  const head = own.heads.find((one) => one.chain === chain)
  const end = head ? { seq: head.seq, hash: head.hash } : ('none' as const)
  const devices = before.devices.map((device) => (device.chain === chain ? { ...device, end } : device))
  const { entry, changes } = await nextEntry(edge, own, { devices, freshKey: true })
  await bringToHolders(edge)
  await claimEntry(edge, entry)
  await edge.records.commit(changes)
}

/** A log that no recovery is set up for yet lies at the agency all the same, for the other devices. */
async function placeAtAgency(edge: Edge): Promise<void> {
  const [planned] = await planHolders(edge, await agencyOf(edge), [])
  if (planned) await edge.records.commit([put('holder', planned.name, planned.holder)])
}

const ID = { min: 22, max: 22, pattern: /^[A-Za-z0-9_-]{22}$/ }

function readCandidate(value: unknown): LogDevice {
  const f = new Fields(value, 'candidate')
  const chain = f.string('chain', ID)
  const key = f.decoded('key', 64, decodeMultikey)
  const kem = f.decoded('kem', 2048, decodeMultikey)
  f.end()
  if (key.suite !== 'ed25519' || kem.suite !== 'x-wing') throw fault('BAD_DEVICE', 'keys of another kind')
  return { chain, key: { suite: key.suite, bytes: key.bytes }, kem: { suite: kem.suite, bytes: kem.bytes } }
}
