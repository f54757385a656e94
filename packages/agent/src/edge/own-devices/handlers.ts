/** Which message of another device of the owner's is handled how (DEVICE-6): whoever is none of them is refused before. */
import { didOf } from '@keystead/did'
import type { Message } from '@keystead/didcomm'
import { COSIGN, DECLINE, LOWER, PROPOSE, WITHDRAW } from '../../protocols/own-devices/approvals.ts'
import { AUTHORITY_ASK, AUTHORITY_OFFER } from '../../protocols/own-devices/authority.ts'
import { CORRESPONDENTS, PLAIN_KEYS } from '../../protocols/own-devices/correspondents.ts'
import { LOG_CANDIDATE, LOG_INVITATION } from '../../protocols/own-devices/log-membership.ts'
import {
  AGENCY_LEFT,
  DEVICE_JOINED,
  KEY_SETS,
  OWN_AGENCY,
  OWN_DEVICES,
  OWN_RECORDS,
  type OwnDevice,
  parseAgencyLeft,
  parseDeviceList,
  parseKeySets,
  parseNewAgency,
  parseRecords,
} from '../../protocols/own-devices/messages.ts'
import { parseRecoveryPaths, RECOVERY_PATHS } from '../../protocols/own-devices/recovery-paths.ts'
import { parseSubjectKeys, SUBJECT_KEYS } from '../../protocols/own-devices/subject-keys.ts'
import { onAuthorityAsked } from '../authority/approving.ts'
import { onAuthorityOffer } from '../authority/share.ts'
import { type Edge, fault, tell } from '../context.ts'
import { isWelcomedBy } from '../linking/session.ts'
import { noticeAgain } from '../moving/places.ts'
import { withoutFormer } from '../moving/stop.ts'
import { onRecoveryPaths } from '../recovery/told-paths.ts'
import type { Change } from '../store.ts'
import { onSubjectKeys } from '../subjects/telling.ts'
import { onLower } from './approvals.ts'
import { onProposed, onWithdrawn } from './cosigning.ts'
import { onKeySets } from './key-sets.ts'
import { senderDevice, thisDevice } from './list.ts'
import { onLogCandidate, onLogInvitation } from './log-membership.ts'
import { joined, onDeviceList, tellList } from './membership.ts'
import { onNewAgency } from './moved.ts'
import { onPlainKeys } from './plain-keys.ts'
import { onCorrespondents, shareAllCorrespondents } from './plain-sharing.ts'
import { onCosigned, onDeclined } from './proposing.ts'
import { onRecords, shareEverything } from './sharing.ts'

type Handler = (edge: Edge, sender: OwnDevice, message: Message) => Promise<Change[]>

const HANDLERS: ReadonlyMap<string, Handler> = new Map<string, Handler>([
  [
    DEVICE_JOINED,
    async (edge, { account, name }) => {
      if (!(await thisDevice(edge)).admin) return []
      tell(edge, { kind: 'device-joined', text: `${name} is one of your devices now` })
      return [
        ...(await joined(edge, account)),
        ...(await tellList(edge)),
        ...(await shareEverything(edge, account)),
        ...(await shareAllCorrespondents(edge, account)),
        ...(await noticeAgain(edge, account)),
      ]
    },
  ],
  [OWN_DEVICES, (edge, sender, { body }) => onDeviceList(edge, sender, parseDeviceList(body))],
  [OWN_RECORDS, (edge, sender, { body }) => onRecords(edge, sender, parseRecords(body))],
  [OWN_AGENCY, (edge, sender, { body }) => onNewAgency(edge, sender, parseNewAgency(body))],
  [
    AGENCY_LEFT,
    async (edge, sender, { body }) => {
      if (!sender.admin) throw fault('NOT_ALLOWED_NOW', `${sender.name} may not move this wallet`)
      return withoutFormer(edge, parseAgencyLeft(body))
    },
  ],
  [LOG_CANDIDATE, onLogCandidate],
  [LOG_INVITATION, onLogInvitation],
  [KEY_SETS, (edge, sender, { body }) => onKeySets(edge, sender, parseKeySets(body))],
  [PROPOSE, (edge, sender, { body }) => onProposed(edge, sender, body)],
  [COSIGN, (edge, sender, { body }) => onCosigned(edge, sender, body)],
  [DECLINE, (edge, sender, { body }) => onDeclined(edge, sender, body)],
  [WITHDRAW, (edge, sender, { body }) => onWithdrawn(edge, sender, body)],
  [RECOVERY_PATHS, (edge, sender, { body }) => onRecoveryPaths(edge, sender, parseRecoveryPaths(body))],
  [SUBJECT_KEYS, (edge, sender, { body }) => onSubjectKeys(edge, sender, parseSubjectKeys(body))],
  [CORRESPONDENTS, (edge, sender, { body }) => onCorrespondents(edge, sender, body)],
  [PLAIN_KEYS, (edge, sender, { body }) => onPlainKeys(edge, sender, body)],
  [LOWER, (edge, sender, { body }) => onLower(edge, sender, body)],
  [AUTHORITY_OFFER, (edge, sender, { body }) => onAuthorityOffer(edge, sender, body)],
  [AUTHORITY_ASK, (edge, sender, { body }) => onAuthorityAsked(edge, sender, body)],
])

/** Rejects with `LINK_UNFINISHED` for what a device says that has welcomed this one, until this one has taken its place. */
export async function fromOwnDevice(edge: Edge, message: Message): Promise<Change[]> {
  if (await isWelcomedBy(edge, didOf(message.from ?? '')))
    throw fault('LINK_UNFINISHED', 'this device takes its place among yours first')
  const sender = await senderDevice(edge, didOf(message.from ?? ''))
  const handler = HANDLERS.get(message.type)
  if (!handler) throw fault('BAD_MESSAGE', 'devices do not send each other such messages')
  return handler(edge, sender, message)
}
