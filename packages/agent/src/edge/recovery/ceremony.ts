/** A message of the approval ceremony, given to the side of it that we are on. */
import { type CeremonyMessage, parseCeremonyMessage } from '@keystead/recovery'
import { parseCeremony } from '../../protocols/recovery/messages.ts'
import { type Edge, fault } from '../context.ts'
import type { Incoming } from '../inbox.ts'
import type { Change } from '../store.ts'
import { onContactCeremony } from './helping.ts'
import { onNewDeviceCeremony } from './rescue.ts'

export async function onCeremony(edge: Edge, incoming: Incoming): Promise<Change[]> {
  const message: CeremonyMessage = parseCeremonyMessage(parseCeremony(incoming.message.body))
  const helping = await edge.records.get('helping', message.session)
  if (helping) {
    if (message.type === 'nonce') throw fault('BAD_MESSAGE', 'a nonce is the contact’s to send')
    return onContactCeremony(edge, incoming, helping, message)
  }
  if (message.type === 'commitment' || message.type === 'reveal')
    throw fault('BAD_MESSAGE', 'this is the new device’s to send')
  return onNewDeviceCeremony(edge, incoming, message.session, message)
}
