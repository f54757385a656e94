/** What both sides of a link have in common (DEVICE-1 to DEVICE-4): their record, their steps, the code. */
import { didOf, peerShortForm } from '@keystead/did'
import { LINK_STEPS, type LinkEvent, linkCode } from '../../protocols/device-link/ceremony.ts'
import { type Edge, fault, nowSeconds, queue, queueRecipient } from '../context.ts'
import type { Incoming } from '../inbox.ts'
import type { Linking } from '../records.ts'
import { type Change, put, remove } from '../store.ts'

/** A link as a person sees it. */
export interface LinkView {
  readonly role: Linking['role']
  readonly state: Linking['state']
  readonly name: string
  /** Seconds since 1970. */
  readonly expires: number
  /** What the new device shows to the one that approves. */
  readonly url?: string
  /** Eight digits that both devices show. */
  readonly code?: string
}

/** The newest that is not over. */
export async function openLink(edge: Edge, role: Linking['role']): Promise<Linking | undefined> {
  const all = (await edge.records.all('linking')).map(({ value }) => value)
  return all
    .filter((linking) => linking.role === role && !isOver(edge, linking))
    .sort((a, b) => b.expires - a.expires)[0]
}

/** Whether a device of this list let this one in, which has not joined it yet. */
export async function isWelcomedBy(edge: Edge, account: string): Promise<boolean> {
  const all = (await edge.records.all('linking')).map(({ value }) => value)
  return all.some(
    ({ role, state, welcome }) =>
      role === 'new' && state === 'approved' && welcome?.list.devices.some((device) => device.account === account),
  )
}

export function viewOf(linking: Linking): LinkView {
  const { role, state, name, expires, url } = linking
  const code = state === 'revealed' || state === 'approved' || state === 'linked' ? codeOf(linking) : undefined
  return { role, state, name, expires, ...(url === undefined ? {} : { url }), ...(code === undefined ? {} : { code }) }
}

export function codeOf({ role, session, own, peer = '', device, account = '', nonce, theirs = '' }: Linking): string {
  if (!device) throw fault('NOT_ALLOWED_NOW', 'the other device has not answered yet')
  const [from, to] = role === 'new' ? [own, peer] : [peer, own]
  const [a, b] = role === 'new' ? [nonce, theirs] : [theirs, nonce]
  return linkCode({ session, from: short(from), to: short(to), device, account, a, b })
}

/** The session that a message belongs to, from the device of that session. Throws `BAD_MESSAGE` or `INVITATION_EXPIRED`. */
export async function expected(
  edge: Edge,
  { from, own }: Incoming,
  session: string,
  event: LinkEvent,
): Promise<Linking> {
  const linking = await edge.records.get('linking', session)
  if (!linking || own.longForm !== linking.own) throw fault('BAD_MESSAGE', 'this belongs to no link of this device')
  if (linking.peer !== undefined && short(linking.peer) !== from)
    throw fault('BAD_MESSAGE', 'this is not the device of this session')
  if (linking.expires < nowSeconds(edge)) throw fault('INVITATION_EXPIRED', 'the time of this link is over')
  after(linking, event)
  return linking
}

/** What follows. Throws `BAD_MESSAGE` for what does not: a repeated or late message changes nothing. */
export function after({ role, state }: Linking, event: LinkEvent): Linking['state'] {
  const next = LINK_STEPS[role][state]?.[event]
  if (next === undefined) throw fault('BAD_MESSAGE', 'a link serves once, and in its order')
  return next
}

export function say(edge: Edge, { own, peer = '' }: Linking, type: string, body: { session: string }): Change {
  return queue(edge, { from: own, to: peer, type, body: { ...body } })
}

const short = (did: string): string => peerShortForm(didOf(did))

export function isOver(edge: Edge, { state, expires }: Linking): boolean {
  if (state === 'linked' || state === 'refused') return true
  return state !== 'approved' && expires < nowSeconds(edge)
}

/** Part of every sync: links that are over, and the DIDs made for them. */
export async function forgetLinks(edge: Edge): Promise<void> {
  for (const { name, value } of await edge.records.all('linking'))
    if (isOver(edge, value) && value.expires < nowSeconds(edge))
      await edge.records.commit([
        remove('linking', name),
        remove('own-did', short(value.own)),
        queueRecipient(edge, short(value.own), 'remove'),
      ])
}

export const keepLink = (linking: Linking): Change => put('linking', linking.session, linking)
