/** DEVICE-13: how many of the owner's devices a change of a relationship needs. One raises it; it takes two to lower it again. */
import { APPROVAL_SECONDS } from '../../limits.ts'
import { LOWER, type Lower, parseLower, WITHDRAW } from '../../protocols/own-devices/approvals.ts'
import type { Approvals, OwnDevice } from '../../protocols/own-devices/messages.ts'
import { agencyOf, type Edge, fault, nowSeconds, randomId, tell } from '../context.ts'
import { rotateRelationship } from '../own-log.ts'
import type { Approval, LowerVote, OwnDevices } from '../records.ts'
import { type Change, put, remove } from '../store.ts'
import { isOpen } from './key-sets.ts'
import { deviceList, siblings, tellDevices } from './list.ts'
import { requireAdmin, tellList } from './membership.ts'

/** Throws `NOT_ALLOWED_NOW` where it would keep the owner out, or on a device that may not say so. */
export async function requireTwo(edge: Edge): Promise<void> {
  const list = await requireSeveral(edge)
  await requireAdmin(edge)
  if (list.approvals?.needed === 2) return withdrawVote(edge)
  const others = (await siblings(edge)).filter(({ account }) => !list.waiting?.includes(account))
  if (others.length === 0)
    throw fault('NOT_ALLOWED_NOW', 'it takes two devices: "keystead device link" brings the second')
  if (others.length === 1) await requireRecovery(edge)
  const { account } = await agencyOf(edge)
  const approvals: Approvals = { needed: 2, epoch: (list.approvals?.epoch ?? 0) + 1, by: account }
  const after = { ...list, approvals }
  await edge.records.commit([put('own-devices', 'self', after), ...(await tellList(edge, after))])
  await raiseThresholds(edge)
}

/** Of two devices the loss of one leaves a recovery alone: there has to be one. */
async function requireRecovery(edge: Edge): Promise<void> {
  for (const { value } of await edge.records.all('relationship'))
    if (value.status === 'connected' && value.mine.state.recovery.entries.length === 0)
      throw fault(
        'NOT_ALLOWED_NOW',
        `with two devices, the loss of one leaves you nothing but recovery, and ${value.label} knows of none of yours: set it up first ("keystead recovery setup"), or link a third device`,
      )
}

async function requireSeveral(edge: Edge): Promise<OwnDevices> {
  const list = await deviceList(edge)
  if (!list) throw fault('NOT_ALLOWED_NOW', 'it takes two devices: "keystead device link" brings the second')
  return list
}

/** Part of every sync on the device where it was said: relationships that still let one device alone change them follow. */
export async function raiseThresholds(edge: Edge): Promise<void> {
  const { approvals } = (await deviceList(edge)) ?? {}
  if (approvals?.needed !== 2 || approvals.by !== (await agencyOf(edge)).account) return
  for (const { value } of await edge.records.all('relationship')) {
    const { keys, nextThreshold } = value.mine.state.now
    if (isOpen(value) && keys.length > 1 && nextThreshold < 2) await rotateRelationship(edge, value)
  }
}

/** One is enough again once a second device says so, too. True when it is so now. */
export async function requireOne(edge: Edge): Promise<boolean> {
  const { approvals } = await requireSeveral(edge)
  if (approvals?.needed !== 2) return true
  if ((await siblings(edge)).length === 0)
    throw fault(
      'NEEDS_RECOVERY',
      'it takes two devices to say so, and no other one is left: recover with your kit and contacts in a new wallet ("keystead recover")',
    )
  await say(edge, { id: randomId(edge), expires: nowSeconds(edge) + APPROVAL_SECONDS, epoch: approvals.epoch })
  return (await deviceList(edge))?.approvals?.needed !== 2
}

/** The second voice. */
export async function approveLower(edge: Edge, { id, expires, lower: epoch = 0 }: Approval): Promise<void> {
  await say(edge, { id, expires, epoch })
  await edge.records.commit([remove('approval', id)])
}

async function say(edge: Edge, lower: Lower): Promise<void> {
  const { account } = await agencyOf(edge)
  const told = await tellDevices(edge, LOWER, { ...lower })
  await edge.records.commit([...(await vote(edge, account, lower)), ...told])
}

export async function onLower(edge: Edge, sender: OwnDevice, body: unknown): Promise<Change[]> {
  const { id, expires, epoch } = parseLower(body)
  const now = nowSeconds(edge)
  const { approvals } = (await deviceList(edge)) ?? {}
  if (approvals?.needed !== 2 || approvals.epoch !== epoch || expires <= now) return []
  const until = Math.min(expires, now + APPROVAL_SECONDS)
  const changes = await vote(edge, sender.account, { id, expires: until, epoch })
  if (changes.some(({ category }) => category === 'own-devices')) return changes
  if (await edge.records.get('approval', id)) throw fault('BAD_MESSAGE', 'another request has this id already')
  const asked = (await edge.records.all('approval')).filter(
    ({ value }) => value.lower !== undefined && value.device === sender.account,
  )
  tell(edge, {
    kind: 'approval-asked',
    text: `${sender.name} wants one device alone to be enough again: "keystead approve ${id.slice(0, 8)}"`,
  })
  const approval: Approval = { id, device: sender.account, received: now, expires: until, lower: epoch }
  return [...changes, ...asked.map(({ name }) => remove('approval', name)), put('approval', id, approval)]
}

async function vote(edge: Edge, account: string, lower: Lower): Promise<Change[]> {
  const list = await requireSeveral(edge)
  const standing = new Set(list.devices.filter(({ revoked }) => revoked === undefined).map((device) => device.account))
  const votes = [...(await votesHere(edge)), { account, ...lower }].filter(
    (one, n, all) =>
      standing.has(one.account) &&
      one.epoch === lower.epoch &&
      one.expires > nowSeconds(edge) &&
      all.findLastIndex((other) => other.account === one.account) === n,
  )
  if (votes.length < 2) return [put('lower-votes', 'self', { votes })]
  const asked = (await edge.records.all('approval')).filter(({ value }) => value.lower !== undefined)
  tell(edge, {
    kind: 'approvals-lowered',
    text: 'one of your devices is enough again to change your keys towards contacts',
  })
  return [
    put('own-devices', 'self', { ...list, approvals: { needed: 1, epoch: lower.epoch + 1, by: account } }),
    remove('lower-votes', 'self'),
    ...asked.map(({ name }) => remove('approval', name)),
  ]
}

const votesHere = async (edge: Edge): Promise<readonly LowerVote[]> =>
  (await edge.records.get('lower-votes', 'self'))?.votes ?? []

/** Whoever wanted one device to be enough wants two again. */
async function withdrawVote(edge: Edge): Promise<void> {
  const { account } = await agencyOf(edge)
  const votes = await votesHere(edge)
  const own = votes.find((vote) => vote.account === account)
  if (!own) return
  await edge.records.commit([
    put('lower-votes', 'self', { votes: votes.filter((vote) => vote !== own) }),
    ...(await tellDevices(edge, WITHDRAW, { id: own.id })),
  ])
}
