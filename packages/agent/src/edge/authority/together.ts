/** DEVICE-19: which devices hold the authority of the public DID together, now and after the next change. */
import { type Authority, type DidState, keyDigestOf } from '@keystead/did-dkms'
import { type Edge, fault } from '../context.ts'
import { deviceList, devicesNeeded, siblings } from '../own-devices/list.ts'
import type { AuthorityOffer, Identity } from '../records.ts'
import { activePublic } from './share.ts'

export interface Offered extends AuthorityOffer {
  readonly account: string
  readonly name: string
}

/** Two devices have to sign the next change. */
export const isShared = ({ nextThreshold }: Pick<Authority, 'nextThreshold'>): boolean => nextThreshold > 1

/** What devices with ADMIN that stand, and have answered since they were approved, have offered for this DID. */
export async function offersOf(edge: Edge, did: string): Promise<Offered[]> {
  const { waiting = [] } = (await deviceList(edge)) ?? {}
  const offers: Offered[] = []
  for (const { account, name, admin } of await siblings(edge)) {
    const offer = await edge.records.get('authority-offer', account)
    if (admin && offer?.did === did && !waiting.includes(account)) offers.push({ ...offer, account, name })
  }
  return offers
}

/**
 * Those that are to hold it together with this device; none where one device is enough. Of two the loss of one leaves a recovery alone:
 * there has to be one.
 */
export async function wantedWith(edge: Edge, { did, auth }: Pick<Identity, 'did' | 'auth'>): Promise<Offered[]> {
  if ((await devicesNeeded(edge)) < 2) return []
  const offers = await offersOf(edge, did)
  if (offers.length !== 1 || isShared(auth)) return offers
  const { state } = await edge.ports.ledger.resolve(did)
  return state && state.recovery.entries.length > 0 ? offers : []
}

/**
 * Each of them signs for one, and two are needed; this device alone where there is no other. `leaving`: who signs this change, and has
 * nothing to say from then on.
 */
export function authorityWith(
  own: Authority,
  offers: readonly AuthorityOffer[],
  leaving: readonly AuthorityOffer[] = [],
): Authority {
  if (offers.length === 0) return { ...own, keys: [...own.keys, ...leaving.map(({ k }) => ({ k, w: 0 }))] }
  return {
    keys: [...own.keys, ...offers.map(({ k }) => ({ k, w: 1 }))],
    threshold: 2,
    next: [...own.next, ...offers.map(({ next }) => ({ h: next, w: 1 }))],
    nextThreshold: 2,
  }
}

/** Its signature counts for what was committed to. One that has not answered since the last change keeps its place and signs nothing. */
export const isCommitted = ({ next }: Pick<Authority, 'next'>, { k }: Pick<AuthorityOffer, 'k'>): boolean =>
  next.some(({ h }) => h === keyDigestOf(k))

/** It has a say now, whether or not it has answered since the last change. */
export const isIn = (auth: Pick<Authority, 'keys' | 'next'>, offer: AuthorityOffer): boolean =>
  isCommitted(auth, offer) || auth.keys.some(({ k }) => k === offer.k)

/** Whether the authority is with whom it is to be with. */
export function isAsWanted({ keys, next }: Authority, wanted: readonly AuthorityOffer[]): boolean {
  const inForce = keys.filter(({ w }) => w > 0)
  return inForce.length === 1 + wanted.length && wanted.every((offer) => isIn({ keys: inForce, next }, offer))
}

export interface Together {
  /** The newest, proven. */
  readonly state: DidState
  /** Who holds the authority from then on beside this device; none where it alone does. */
  readonly wanted: readonly Offered[]
  /** Who can sign the change; one of them has to. */
  readonly to: readonly Offered[]
}

/**
 * Where a change of this DID's authority needs another device; undefined where this one is enough. Throws `NEEDS_RECOVERY` where no
 * other is left that has a say, and `NOT_ALLOWED_NOW` where none has answered since the last change.
 */
export async function together(edge: Edge, identity: Identity): Promise<Together | undefined> {
  const { did, use } = identity
  const wanted = use === 'public' ? await wantedWith(edge, identity) : []
  if (!isShared(identity.auth) && wanted.length === 0) return undefined
  const { state } = await edge.ports.ledger.resolve(did)
  if (!state) throw fault('UNKNOWN_DID', 'the ledger proves that this DID does not exist')
  if (!isShared(state.auth)) return wanted.length === 0 ? undefined : { state, wanted, to: wanted }
  const offers = await offersOf(edge, did)
  const to = offers.filter((offer) => isCommitted(state.auth, offer))
  if (to.length > 0) return { state, wanted, to }
  if (offers.some((offer) => isIn(state.auth, offer)))
    throw fault('NOT_ALLOWED_NOW', 'no other device of yours has answered since the last change: "keystead sync" there')
  throw fault(
    'NEEDS_RECOVERY',
    'what changes the authority of your DID needs two of your devices, and no other one is left: recover with your kit and contacts in a new wallet ("keystead recover"), which needs none of them',
  )
}

/** The authority after a change, of which `own` is this device's part. */
export const authorityAfter = (own: Authority, { wanted, to }: Together): Authority => authorityWith(own, wanted, to)

/** Without the device of this account nobody is left to change the authority of the public DID with this one (DEVICE-16). */
export async function isLastBut(edge: Edge, account: string): Promise<boolean> {
  const identity = await activePublic(edge)
  if (!identity || !isShared(identity.auth)) return false
  const offers = await offersOf(edge, identity.did)
  const here = (await edge.records.get('identity-keys', identity.did)) !== undefined
  const holder = here ? 0 : 1
  const left = offers.filter((offer) => offer.account !== account && isIn(identity.auth, offer)).length
  // Beside those that have offered there is the one that has the document's keys, unless it is that one.
  const isHolder = !here && !offers.some((offer) => offer.account === account)
  return left + (isHolder ? 0 : holder) === 0
}
