/** The moment of a move: from then on the agency is the new one, in one write with all that follows from it. */
import { type Edge, profileOf, queueRecipient } from '../context.ts'
import { deviceList } from '../own-devices/list.ts'
import type { OwnDevices, Profile } from '../records.ts'
import { put } from '../store.ts'
import { noticesOf, ownRoutes } from './places.ts'

export type Former = NonNullable<Profile['former']>
export type Next = NonNullable<Profile['next']>

/** `untold`: the agency before has still to be told that this device has gone. */
export async function arrive(edge: Edge, next: Next, { untold = false } = {}): Promise<void> {
  const { agency: before, next: _, left: _l, ...profile } = await profileOf(edge)
  if (!before) return
  const { did, url, services, account = before.account, mover, gone } = next
  const agency = { did, url, services, account: before.account }
  const former: Former = {
    ...before,
    step: 'rotations',
    since: edge.ports.clock.now(),
    ...(untold ? { untold: true } : {}),
    ...(gone ? { gone } : {}),
  }
  const list = await deviceList(edge)
  const routes = await ownRoutes(edge, before)
  await edge.records.commit([
    put('profile', 'self', { ...profile, agency, former }),
    ...(list ? [put('own-devices', 'self', atAccount(list, account))] : []),
    ...routes.map((route) => queueRecipient(edge, route, 'add')),
    ...(mover && !gone ? await noticesOf(edge, former, { agency, account }) : []),
  ])
}

/** Who was cut off at the agency before is so at this one when it was asked. */
function atAccount({ cut: _, ...list }: OwnDevices, account: string): OwnDevices {
  return { ...list, account, accountBefore: list.account }
}
