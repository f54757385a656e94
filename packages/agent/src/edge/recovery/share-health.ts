/**
 * Whether contacts still have their shares (RECOVERY-21): the owner's wallet asks each month by itself, the contact's answers
 * without its person. Neither side shows anything of a share.
 */
import { base64url } from '@keystead/core'
import { healthProof, healthProofHolds, packetHealthKey } from '@keystead/recovery'
import { SHARE_HEALTH_AGAIN_SECONDS, SHARE_HEALTH_SECONDS, SHARE_SILENT_SECONDS } from '../../limits.ts'
import {
  parseShareHealth,
  parseShareHealthAnswer,
  SHARE_HEALTH,
  SHARE_HEALTH_ANSWER,
} from '../../protocols/recovery/messages.ts'
import { type Edge, isReachable, nowSeconds, tell, toPeer } from '../context.ts'
import type { Incoming } from '../inbox.ts'
import { leaveToOthers, siblings } from '../own-devices/list.ts'
import { type Change, put } from '../store.ts'
import { packetOf } from './contacts.ts'
import type { RecoverySetup, ShareHealth } from './records.ts'
import { setups } from './recovery-set.ts'

type ContactHealth = ShareHealth['contacts'][number]

/** Part of every sync: asks whom it is time to ask. `now`: everybody who keeps a share of the newest deal. */
export async function askForShares(edge: Edge, { now = false } = {}): Promise<void> {
  const all = await setups(edge)
  for (const setup of all) {
    if (setup.supersededAt !== undefined) continue
    const health = await edge.records.get('share-health', String(setup.policy.epoch))
    if (!health) continue
    const asked: Change[] = []
    const contacts: ContactHealth[] = []
    for (const contact of health.contacts) {
      const ask = (now || isDue(contact, nowSeconds(edge))) && (await askOne(edge, setup, contact))
      contacts.push(ask ? ask.after : contact)
      if (ask) asked.push(ask.message)
    }
    if (asked.length > 0)
      await edge.records.commit([put('share-health', String(setup.policy.epoch), { ...health, contacts }), ...asked])
  }
}

function isDue({ asked, proven, nonce }: ContactHealth, now: number): boolean {
  if (proven === undefined) return false
  return nonce === undefined ? now >= proven + SHARE_HEALTH_SECONDS : now >= (asked ?? 0) + SHARE_HEALTH_AGAIN_SECONDS
}

/** Undefined where nobody can be asked: no share was taken, or the contact is gone. */
async function askOne(
  edge: Edge,
  setup: RecoverySetup,
  contact: ContactHealth,
): Promise<{ after: ContactHealth; message: Change } | undefined> {
  const relationship = await edge.records.get('relationship', contact.relationship)
  const { proven, open = nowSeconds(edge) } = contact
  if (proven === undefined || setup.set === undefined || !isReachable(relationship)) return undefined
  const nonce = base64url.encode(edge.ports.random(32))
  const message = toPeer(edge, relationship, { type: SHARE_HEALTH, body: { set: setup.set, nonce } })
  return { after: { ...contact, nonce, asked: nowSeconds(edge), open }, message }
}

/** The contact's side. Whoever asks for a share of somebody else learns what they would learn of one that never was. */
export async function onShareHealth(edge: Edge, { message, relationship }: Incoming): Promise<Change[]> {
  if (!relationship) return []
  const { set, nonce } = parseShareHealth(message.body)
  const share = await edge.records.get('share', set)
  const theirs = share && share.relationship === relationship.id
  const proof = theirs && healthProof(packetHealthKey(packetOf(share)), { nonce, subject: set })
  // Another device of ours may have taken it, and is asked the same.
  if (!proof && (await siblings(edge)).length > 0) return []
  const body = { set, nonce, ...(proof ? { proof: base64url.encode(proof) } : {}) }
  return [toPeer(edge, relationship, { type: SHARE_HEALTH_ANSWER, thid: message.id, body })]
}

export async function onShareHealthAnswer(edge: Edge, { message, relationship }: Incoming): Promise<Change[]> {
  const { set, nonce, proof } = parseShareHealthAnswer(message.body)
  const setup = (await setups(edge)).find((candidate) => candidate.set === set)
  const health = setup && (await edge.records.get('share-health', String(setup.policy.epoch)))
  const contact = health?.contacts.find((candidate) => candidate.relationship === relationship?.id)
  if (!setup || !health || !contact) return leaveToOthers(edge, 'this contact was not asked for a share of ours')
  // An answer to an earlier question says nothing of now.
  if (contact.nonce !== nonce) return []
  const { nonce: _, open: _o, lost: _l, ...rest } = contact
  const holds = proof && healthProofHolds(base64url.decode(contact.key), { nonce, subject: set }, proof)
  const after: ContactHealth = holds ? { ...rest, proven: nowSeconds(edge) } : { ...rest, lost: true }
  if (!holds && !contact.lost)
    tell(edge, {
      kind: 'share-lost',
      text: `${relationship?.label} no longer has the share of your recovery: choose somebody else, or deal anew`,
      ...(relationship ? { relationship: relationship.id } : {}),
    })
  const contacts = health.contacts.map((candidate) => (candidate === contact ? after : candidate))
  return [put('share-health', String(setup.policy.epoch), { ...health, contacts })]
}

/** The contact took the share, which is the first proof. */
export async function provenNow(edge: Edge, setup: RecoverySetup, relationship: string): Promise<Change[]> {
  const name = String(setup.policy.epoch)
  const health = await edge.records.get('share-health', name)
  if (!health) return []
  const contacts = health.contacts.map((contact) =>
    contact.relationship === relationship ? { ...contact, proven: nowSeconds(edge) } : contact,
  )
  return [put('share-health', name, { ...health, contacts })]
}

/** Days for which somebody who was asked has not answered; undefined while that is not long. */
export function silentDays({ open, proven }: Pick<ContactHealth, 'open' | 'proven'>, now: number): number | undefined {
  if (open === undefined || proven === undefined || now < open + SHARE_SILENT_SECONDS) return undefined
  return Math.floor((now - proven) / 86_400)
}
