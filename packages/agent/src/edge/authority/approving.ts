/**
 * DEVICE-19: a change of the public DID's authority that another device of the owner's asks a person to approve on this one, which
 * judges the operation itself by the proven ledger, signs it, and brings it there.
 */
import { canonicalText } from '@keystead/core'
import { type AgentEntry, type DidState, type Rotate, signOperation } from '@keystead/did-dkms'
import { APPROVAL_SECONDS } from '../../limits.ts'
import { parseAuthorityAsk, parseRotation, type Rotation } from '../../protocols/own-devices/authority.ts'
import type { OwnDevice } from '../../protocols/own-devices/messages.ts'
import { type Edge, fault, nowSeconds, tell } from '../context.ts'
import { takeUp } from '../key-life.ts'
import { deviceList, devicesNeeded, findByAccount, holdsAuthority } from '../own-devices/list.ts'
import type { Approval, Identity } from '../records.ts'
import { ENTRY_SECONDS, OWN_CAPS } from '../registry/new-entry.ts'
import { type Change, put, remove } from '../store.ts'
import { activePublic, keepShare, offerOf } from './share.ts'
import { isCommitted, isIn, isShared, type Offered, offersOf } from './together.ts'
import { rotationWords } from './words.ts'

/** One at a time: a later one takes the place of what the same device asked before. Its id is never given to something else. */
export async function onAuthorityAsked(edge: Edge, sender: OwnDevice, body: unknown): Promise<Change[]> {
  const { id, expires, submission } = parseAuthorityAsk(body)
  const now = nowSeconds(edge)
  const rotation = parseRotation(submission)
  if (!sender.admin) throw fault('NOT_ALLOWED_NOW', `${sender.name} has no say in the authority of your DID`)
  if (await edge.records.get('approval', id)) throw fault('BAD_MESSAGE', 'another request has this id already')
  if ((await activePublic(edge))?.did !== rotation.operation.did || expires <= now) return []
  const earlier = (await edge.records.all('approval')).filter(
    ({ value }) => value.operation !== undefined && value.device === sender.account,
  )
  const until = Math.min(expires, now + APPROVAL_SECONDS)
  const approval: Approval = { id, device: sender.account, received: now, expires: until, operation: submission }
  tell(edge, {
    kind: 'approval-asked',
    text: `your device "${sender.name}" wants to ${await rotationWords(edge, rotation, sender.account)}: "keystead approve ${id.slice(0, 8)}"`,
  })
  return [...earlier.map(({ name }) => remove('approval', name)), put('approval', id, approval)]
}

/** In words for the person, where it is an operation. */
export async function operationSummary(edge: Edge, { device, operation }: Approval): Promise<string> {
  return operation ? rotationWords(edge, parseRotation(operation), device) : ''
}

/** Whether another operation came first: what was asked can be signed no more. */
export function isStale({ operation }: Approval, identity: Identity | undefined): boolean {
  if (!operation) return false
  const { did, seq } = parseRotation(operation).operation
  return identity?.did !== did || identity.seq >= seq
}

/**
 * Part of every sync: where the proven ledger lets one device be enough still, the signature that makes it two says only that the key
 * is here, and no person is asked.
 */
export async function joinAuthority(edge: Edge): Promise<void> {
  for (const { value } of await edge.records.all('approval')) {
    if (!value.operation || isStale(value, await activePublic(edge))) continue
    const { operation } = parseRotation(value.operation)
    const { state } = await edge.ports.ledger.resolve(operation.did)
    if (state && !isShared(state.auth) && isShared(operation.auth)) await approveRotation(edge, value)
  }
}

/** Signs and brings it. Throws `NOT_ALLOWED_NOW` for what does more than its words say, and what the ledger says. */
export async function approveRotation(edge: Edge, { id, device, operation: json }: Approval): Promise<void> {
  const rotation = parseRotation(json ?? {})
  const { ledger } = edge.ports
  const { operation, body, hash } = rotation
  const { state } = await ledger.resolve(operation.did)
  const share = await edge.records.get('authority-share', 'self')
  if (!state || share?.did !== operation.did)
    throw fault('NOT_ALLOWED_NOW', 'this device has no say in the authority of that DID')
  if (operation.prev !== state.head) throw fault('NOT_ALLOWED_NOW', 'your DID was changed meanwhile: sync both devices')
  await requireFit(edge, state, rotation, device, offerOf(share))
  const { proof, ...unsigned } = operation
  const signed = await signOperation(unsigned, [await takeUp(edge, share.next.keyId)])
  const whole = { ...operation, proof: [...proof, ...signed.proof] }
  await ledger.submit(body ? { operation: whole, body, hash } : { operation: whole, hash })
  await edge.records.commit([remove('approval', id)])
  // What this device offers next goes out with what it just did.
  const { state: now } = await ledger.resolve(operation.did)
  const identity = await activePublic(edge)
  if (!now || identity?.did !== now.did) return
  await edge.records.commit([put('identity', now.did, { ...identity, seq: now.seq, head: now.head, auth: now.auth })])
  await keepShare(edge)
}

/** What words alone do not hold: whose keys come into force, how many are needed, and who may do what. */
async function requireFit(
  edge: Edge,
  state: DidState,
  { operation }: Rotation,
  asker: string,
  own: { readonly k: string; readonly next: string },
): Promise<void> {
  const { auth, type } = operation
  const device = await findByAccount(edge, asker)
  if (!device?.admin || device.revoked !== undefined)
    throw fault('NOT_ALLOWED_NOW', 'the device that asks has no say in this')
  const needed = await devicesNeeded(edge)
  const together = isShared(auth) && auth.threshold > 1
  if (needed > 1 && !together)
    throw fault(
      'NOT_ALLOWED_NOW',
      'it would let one device be enough: "keystead device approvals 1" asks for that alone',
    )
  const offers = await offersOf(edge, state.did)
  const others = offers.filter(({ account }) => account !== asker)
  const known = [own, ...others]
  const keys = auth.keys.filter(({ w, k }) => w > 1 || !known.some((offer) => offer.k === k))
  const next = auth.next.filter(({ w, h }) => w > 1 || !known.some((offer) => offer.next === h))
  // Beside devices of the owner's, the one that asks, once.
  if (keys.length !== 1 || next.length !== 1)
    throw fault('NOT_ALLOWED_NOW', 'it would put keys in force that no device of yours has offered here: sync it')
  const stays = auth.keys.some(({ k, w }) => k === own.k && w === 1) && auth.next.some(({ h }) => h === own.next)
  if (together && !stays) throw fault('NOT_ALLOWED_NOW', 'it would take out this very device')
  if (together) await requireNobodyOut(edge, state, operation, device, offers)
  if (type === 'veto' && !state.recovery.pending) throw fault('NOT_ALLOWED_NOW', 'no recovery of your DID is under way')
  if (operation.type !== 'rotate') return
  const { devices = [] } = (await deviceList(edge)) ?? {}
  const gone = new Set(devices.flatMap(({ h, revoked }) => (h !== undefined && revoked !== undefined ? [h] : [])))
  requireRegistry(state, operation, device.h, gone)
}

/** Whoever has a say keeps it until a person has revoked it; the device that asks takes the place of one that was. */
async function requireNobodyOut(
  edge: Edge,
  state: DidState,
  { auth }: Pick<Rotation['operation'], 'auth'>,
  { account }: OwnDevice,
  offers: readonly Offered[],
): Promise<void> {
  const { devices = [] } = (await deviceList(edge)) ?? {}
  const replaces = offers.some((offer) => offer.account === account && isCommitted(state.auth, offer))
  const revoked = devices.some((device) => holdsAuthority(device) && device.revoked !== undefined)
  const out = offers.find(
    (offer) => offer.account !== account && isIn(state.auth, offer) && !auth.keys.some(({ k }) => k === offer.k),
  )
  if (out || (replaces && !revoked))
    throw fault(
      'NOT_ALLOWED_NOW',
      `it would take out ${out?.name ?? 'a device of yours'}, which was not revoked here: sync it`,
    )
}

/** Entries stay as they are; only the one of the device that asks may hold longer, and those of revoked devices go. */
function requireRegistry(
  state: DidState,
  operation: Rotate,
  asker: string | undefined,
  gone: ReadonlySet<string>,
): void {
  const { agents, quorums = {}, since } = operation
  if (!agents) return
  const latest = operation.notAfter + ENTRY_SECONDS
  const before = new Map(state.agents.map((entry) => [entry.h, entry]))
  const stays = ({ h, caps, exp }: AgentEntry): boolean => before.get(h)?.caps === caps && before.get(h)?.exp === exp
  const askers = ({ h, caps, exp }: AgentEntry): boolean =>
    h === asker && (caps & ~(OWN_CAPS | (before.get(h)?.caps ?? 0))) === 0 && exp <= latest
  const lost = state.agents.filter(({ h }) => h !== asker && !gone.has(h) && !agents.some((entry) => entry.h === h))
  const same = canonicalText(quorums) === canonicalText(state.quorums ?? {})
  // A rotation for compromise replaces all of it, and its words say so.
  const complete = since !== undefined || (lost.length === 0 && same)
  if (!complete || !agents.every((entry) => stays(entry) || askers(entry)))
    throw fault('NOT_ALLOWED_NOW', 'it would change who may act for your DID')
}
