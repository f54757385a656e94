/**
 * Stopping a release without any device of the owner's (rule 27, RECOVERY-25): guards are set where a deal lies, and used by
 * the kit's veto code or by a contact's objection. Whoever uses one is nobody to the agency.
 */
import { base64url, isKeysteadError } from '@keystead/core'
import { encodeMultikey } from '@keystead/crypto'
import { attachmentBytes } from '@keystead/didcomm'
import {
  DEFAULT_DELAYS,
  escrowAccount,
  type Kit,
  type LocatorRecord,
  locatorAccount,
  objectionToken,
  openLocatorRecord,
  parseSharePacket,
  vetoToken,
} from '@keystead/recovery'
import { RELATIONSHIP_ACK } from '../../protocols/connect/messages.ts'
import {
  GUARD_SET,
  GUARD_STAY,
  guardedSubject,
  parseGuardStayed,
  readerName,
} from '../../protocols/recovery-guard/messages.ts'
import { ask, askAsNobody } from '../agency-link.ts'
import { type Edge, fault, nowSeconds, queue, tell } from '../context.ts'
import { agencyDescriptor } from '../discovery.ts'
import type { Relationship } from '../records.ts'
import { type Change, put, remove } from '../store.ts'
import { packetOf, sharesOf } from './contacts.ts'
import type { Lead } from './rescue.ts'

/** 72 hours, shortened as the network shortens its delays. */
export function stayDelay(edge: Edge): number {
  const { minRecoveryDelay } = edge.ports.ledger.genesis.parameters
  return Math.max(minRecoveryDelay, Math.round((DEFAULT_DELAYS['P+S'] * minRecoveryDelay) / 3600))
}

/** Part of every sync: guards that are not where they belong yet, as what they guard may not be. */
export async function placeGuards(edge: Edge): Promise<void> {
  for (const { name, value } of await edge.records.all('guard')) {
    const agents = (await edge.records.get('escrow', name))?.agents ?? []
    for (const item of value.waiting) {
      // Who has not taken its share yet has nothing to guard, and may be away.
      if (agents.some(({ id, registration }) => id === item.agency && registration !== undefined)) continue
      try {
        const { seconds, veto, objections } = item.guard
        const body = { subject: item.subject, seconds, veto, objections: [...objections] }
        await ask(edge, item.agency, item.sender, { type: GUARD_SET, body })
      } catch (error) {
        if (!isKeysteadError(error)) throw error
        // Refused for good where another guard stands; where what it guards is not there yet, the next sync asks again.
        continue
      }
      const waiting = ((await edge.records.get('guard', name))?.waiting ?? []).filter(
        ({ subject }) => subject !== item.subject,
      )
      await edge.records.commit([waiting.length > 0 ? put('guard', name, { waiting }) : remove('guard', name)])
    }
  }
}

export interface Stayed {
  /** Agencies that release nothing for a time, and until when the last of them does (seconds since 1970). */
  readonly agencies: number
  readonly until: number
}

/** With the kit, from any wallet: nothing of the deal is released for a time. Rejects with `STAY_SPENT`, `AGENCY_UNREACHABLE`. */
export function vetoWithKit(edge: Edge, kit: Kit): Promise<Stayed> {
  return stay(edge, kit, (subject) => vetoToken(kit.veto, subject))
}

/**
 * A contact objects to a recovery of the owner of `relationship`: once a deal at its agencies, and once for what the contact
 * themself would accept. Rejects with `NO_SHARE` where neither can be.
 */
export async function objectTo(edge: Edge, relationship: Relationship): Promise<Stayed> {
  let [agencies, until] = [0, 0]
  let last: unknown
  const own = await delayOwn(edge, relationship)
  for (const { value } of await sharesOf(edge, relationship.id))
    try {
      const packet = packetOf(value)
      const stayed = await stay(edge, parseSharePacket(packet), (subject) => objectionToken(packet, subject))
      agencies += stayed.agencies
      until = Math.max(until, stayed.until)
    } catch (error) {
      if (!isKeysteadError(error)) throw error
      last = error
    }
  if (agencies === 0 && own === 0)
    throw last ?? fault('NO_SHARE', `you keep no share for ${relationship.label}, and no recovery of theirs waits here`)
  return { agencies, until: Math.max(until, own) }
}

/** Of this relationship alone: the owner's new device is told the new end. Once a recovery set; 0 where nothing waits. */
async function delayOwn(edge: Edge, relationship: Relationship): Promise<number> {
  const { peer } = relationship
  const pending = peer?.state.recovery.pending
  if (!peer || !pending || relationship.objected === peer.state.recovery.epoch) return 0
  const until = Math.max(pending.until, nowSeconds(edge)) + stayDelay(edge)
  const state = { ...peer.state, recovery: { ...peer.state.recovery, pending: { ...pending, until } } }
  const changes: Change[] = [
    put('relationship', relationship.id, {
      ...relationship,
      objected: peer.state.recovery.epoch,
      peer: { ...peer, state },
    }),
    queue(edge, {
      from: relationship.mine.state.now.did,
      to: pending.entry.doc,
      type: RELATIONSHIP_ACK,
      body: { seq: pending.entry.seq, head: state.now.head, pendingUntil: until },
    }),
  ]
  await edge.records.commit(changes)
  return until
}

/** The record first: it names the other parts, and comes with the answer, for it may be stayed already. */
async function stay(edge: Edge, lead: Lead, token: (subject: string) => Uint8Array): Promise<Stayed> {
  const until: number[] = []
  let record: LocatorRecord | undefined
  let last: unknown
  const show = async ({ agency, subject }: Guarded): Promise<void> => {
    try {
      const body = { subject, token: base64url.encode(token(subject)) }
      const answer = await askAsNobody(edge, await agency(), { type: GUARD_STAY, body })
      until.push(parseGuardStayed(answer.body).until)
      const [attachment] = answer.attachments ?? []
      if (attachment) record = openLocatorRecord(lead.locator, attachmentBytes(attachment))
    } catch (error) {
      if (!isKeysteadError(error)) throw error
      if (error.code !== 'STAY_SPENT') tell(edge, { kind: 'waiting', text: `an objection: ${error.message}` })
      last = error
    }
  }
  for (const part of recordsOf(edge, lead)) await show(part)
  if (record) for (const part of partsOf(edge, record, lead.locator)) await show(part)
  if (until.length === 0) throw last
  return { agencies: until.length, until: Math.max(...until) }
}

interface Guarded {
  readonly agency: () => Promise<string>
  readonly subject: string
}

function recordsOf(edge: Edge, { locator, agencies }: Lead): Guarded[] {
  return agencies.map((url) => ({
    agency: didAt(edge, url),
    subject: guardedSubject('locator', base64url.encode(locatorAccount(locator, url))),
  }))
}

/** The log, to each path's reader key, and the shares behind the PIN. */
function partsOf(edge: Edge, record: LocatorRecord, locator: Uint8Array): Guarded[] {
  const readers = record.log.vouchers.map(({ by }) => readerName(encodeMultikey(by)))
  return [
    ...record.stores.flatMap(({ endpoint }) =>
      readers.map((reader) => ({ agency: didAt(edge, endpoint), subject: guardedSubject('reader', reader) })),
    ),
    ...(record.policy.groups.E ? record.agents : []).map(({ id }) => ({
      agency: async () => id,
      subject: guardedSubject('escrow', escrowAccount(locator, id)),
    })),
  ]
}

function didAt(edge: Edge, url: string): () => Promise<string> {
  return async () => (await agencyDescriptor(edge.ports.fetch, url)).did
}
