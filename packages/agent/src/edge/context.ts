/** What every part of the edge agent works with: the ports, the records, the resolver, and small common errands. */
import { hexadecimal, KeysteadError } from '@keystead/core'
import type { DidResolver } from '@keystead/did'
import type { EdgeErrorCode } from './errors.ts'
import type { AgentEvent, EdgePorts } from './ports.ts'
import type { Outgoing, PeerLog, Profile, Relationship } from './records.ts'
import { type Change, put, type RecordStore } from './store.ts'

export interface Edge {
  readonly ports: EdgePorts
  readonly records: RecordStore
  readonly resolver: DidResolver
  /** One thing at a time: what is read is still so when it is written, whoever else is at work. Not to be nested. */
  readonly alone: <T>(work: () => Promise<T>) => Promise<T>
}

/** Seconds since 1970 by our own clock. */
export const nowSeconds = (edge: Edge): number => Math.floor(edge.ports.clock.now() / 1000)

/** 16 random bytes as text: ids that say nothing, and that people can type (none begins with a hyphen). */
export const randomId = (edge: Edge): string => hexadecimal.encode(edge.ports.random(16))

export function tell(edge: Edge, event: AgentEvent): void {
  edge.ports.onEvent?.(event)
}

export function fault(code: EdgeErrorCode, message: string, cause?: unknown): KeysteadError<EdgeErrorCode> {
  return new KeysteadError(code, message, cause === undefined ? {} : { cause })
}

export async function profileOf(edge: Edge): Promise<Profile> {
  return (await edge.records.get('profile', 'self')) ?? { label: '' }
}

/** Throws `NO_AGENT`. */
export async function agencyOf(edge: Edge): Promise<NonNullable<Profile['agency']>> {
  const { agency } = await profileOf(edge)
  if (!agency) throw fault('NO_AGENT', 'this wallet has no cloud agent yet')
  return agency
}

let counter = 0

/** A message for the outbox; it leaves when the change is committed and the outbox flushed. Order of queueing is kept. */
export function queue(edge: Edge, message: Omit<Outgoing, 'id'> & { id?: string }): Change {
  const queued = edge.ports.clock.now()
  return put('outbox', sequentialName(edge), {
    kind: 'message',
    queued,
    message: { ...message, id: message.id ?? randomId(edge) },
  })
}

export function queueRecipient(edge: Edge, did: string, action: 'add' | 'remove'): Change {
  return put('outbox', sequentialName(edge), { kind: 'recipient', did, action, queued: edge.ports.clock.now() })
}

/** Names that sort in the order they were made, also across restarts. */
export function sequentialName(edge: Edge): string {
  const time = String(edge.ports.clock.now()).padStart(15, '0')
  return `${time}.${String(counter++).padStart(6, '0')}.${hexadecimal.encode(edge.ports.random(4))}`
}

/** Finds a relationship by id or by a person's name for it; `closed` ones only where asked for. Throws `UNKNOWN_CONTACT` or `AMBIGUOUS_CONTACT`. */
export async function findContact(edge: Edge, name: string, also?: 'closed'): Promise<Relationship> {
  const all = (await edge.records.all('relationship')).map(({ value }) => value)
  const exact = all.find((relationship) => relationship.id === name)
  if (exact) return exact
  const named = all.filter(
    ({ label, status }) =>
      label.toLowerCase() === name.toLowerCase() && status !== 'closing' && (status !== 'closed' || also === 'closed'),
  )
  const connected = named.filter(({ status }) => status === 'connected')
  const [found, ...others] = connected.length > 0 ? connected : named
  if (!found) throw fault('UNKNOWN_CONTACT', `there is no contact "${name}"`)
  if (others.length > 0) throw fault('AMBIGUOUS_CONTACT', `several contacts are called "${name}"; use the id`)
  return found
}

/** Whether `toPeer` has somebody to say something to. */
export function isReachable(contact: Relationship | undefined): contact is Relationship & { readonly peer: PeerLog } {
  if (contact?.status !== 'connected' || !contact.peer) return false
  return !contact.joining && !contact.recovering && !contact.blocked
}

/** A message to a connected peer, from our DID of the relationship. Throws where it is not reachable, and says why. */
export function toPeer(
  edge: Edge,
  relationship: Relationship,
  message: Omit<Outgoing, 'id' | 'from' | 'to' | 'fromPrior'>,
): Change {
  const name = relationship.label || 'the contact'
  if (!relationship.peer) throw fault('NOT_ALLOWED_NOW', `${name} has not answered yet`)
  if (relationship.joining) throw fault('NOT_ALLOWED_NOW', `${name} does not know this device yet: sync both of yours`)
  if (relationship.recovering) throw fault('RECOVERY_UNDER_WAY', `${name} does not accept this device yet`)
  if (relationship.blocked)
    throw fault('CONTACT_BLOCKED', `the log of ${name} contradicts itself; nothing is said to them until it is settled`)
  return queue(edge, {
    ...message,
    from: relationship.mine.state.now.did,
    to: relationship.peer.state.now.did,
  })
}
