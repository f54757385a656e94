/** Which message the edge agent handles how. Only first contacts may come from a DID that is not yet the peer's. */
import { BASIC_MESSAGE } from '../protocols/basic-message/messages.ts'
import {
  CONNECT_REQUEST,
  CONNECT_RESPONSE,
  RELATIONSHIP_ACK,
  RELATIONSHIP_ALERT,
  RELATIONSHIP_ENTRY,
} from '../protocols/connect/messages.ts'
import {
  ISSUE_CREDENTIAL,
  OFFER_CREDENTIAL,
  PRESENTATION,
  REQUEST_CREDENTIAL,
  REQUEST_PRESENTATION,
} from '../protocols/credential/messages.ts'
import { DROP_PLACES } from '../protocols/dead-drop/messages.ts'
import {
  LINK_ANSWER,
  LINK_COMMITMENT,
  LINK_HELLO,
  LINK_REFUSE,
  LINK_REVEAL,
  LINK_WELCOME,
} from '../protocols/device-link/messages.ts'
import { DISCLOSE, QUERIES } from '../protocols/discover-features/messages.ts'
import { EMPTY } from '../protocols/empty/messages.ts'
import {
  GUARDIAN_ACCEPT,
  GUARDIAN_ACTED,
  GUARDIAN_APPOINT,
  GUARDIAN_DECLINE,
  GUARDIAN_WITHDRAWN,
} from '../protocols/guardian/messages.ts'
import { MEET_ACCEPT, MEET_END, MEET_REVEAL, MEET_SCANNED, MEET_START } from '../protocols/key-verify/in-person.ts'
import { KEY_CHALLENGE, KEY_RESPONSE } from '../protocols/key-verify/messages.ts'
import { MERCURY_REQUEST, MERCURY_RESPONSE } from '../protocols/mercury-connection/messages.ts'
import {
  HELP_ANNOUNCE,
  HELP_CEREMONY,
  HELP_HANDED,
  HELP_HELLO,
  SHARE,
  SHARE_DECLINED,
  SHARE_HEALTH,
  SHARE_HEALTH_ANSWER,
  SHARE_KEPT,
  SHARE_SUPERSEDED,
} from '../protocols/recovery/messages.ts'
import { PROBLEM_REPORT } from '../protocols/report-problem/messages.ts'
import { PING, PING_RESPONSE } from '../protocols/trust-ping/messages.ts'
import { REQUEST_PROFILE, USER_PROFILE } from '../protocols/user-profile/messages.ts'
import { onConnectRequest, onConnectResponse } from './connecting.ts'
import type { Edge } from './context.ts'
import { onDropPlaces } from './drop-record.ts'
import { onAccepted, onActed, onDeclined } from './guardian/owner.ts'
import { onAppoint, onWithdrawn } from './guardian/ward.ts'
import { onIssued, onOffer, onPresentationRequest } from './holding.ts'
import type { Incoming } from './inbox.ts'
import { onCredentialRequest } from './issuing.ts'
import { onChallenge, onResponse } from './key-verify.ts'
import { onLinkCommitment, onLinkReveal } from './linking/approving.ts'
import { onLinkAnswer, onLinkHello, onLinkRefused, onWelcome } from './linking/new-device.ts'
import { onMeetAccept, onMeetEnd, onMeetReveal, onMeetScanned, onMeetStart } from './meeting.ts'
import { onEntries, onEntryAck } from './peer-log.ts'
import { onCeremony } from './recovery/ceremony.ts'
import { onShare, onShareDeclined, onShareKept, onSuperseded } from './recovery/contacts.ts'
import { onAnnounce } from './recovery/helping.ts'
import { onHanded, onHello } from './recovery/rescue.ts'
import { onShareHealth, onShareHealthAnswer } from './recovery/share-health.ts'
import { onAlert } from './recovery/watch.ts'
import {
  onDisclose,
  onMercuryRequest,
  onPing,
  onPingResponse,
  onProblem,
  onProfile,
  onProfileRequest,
  onQueries,
  onText,
} from './standard.ts'
import type { Change } from './store.ts'
import { onPresentation } from './verifying.ts'

export interface Handler {
  readonly firstContact?: true
  /** Also understood from correspondents, whose software is not ours. */
  readonly standard?: true
  /** The changes to commit with the message's own mark; throws to refuse it. */
  readonly run: (edge: Edge, incoming: Incoming) => Promise<Change[]>
}

export const HANDLERS: ReadonlyMap<string, Handler> = new Map<string, Handler>([
  [CONNECT_REQUEST, { firstContact: true, run: onConnectRequest }],
  [CONNECT_RESPONSE, { firstContact: true, run: onConnectResponse }],
  [RELATIONSHIP_ENTRY, { firstContact: true, run: onEntries }],
  [RELATIONSHIP_ACK, { run: onEntryAck }],
  [LINK_HELLO, { firstContact: true, run: onLinkHello }],
  [LINK_COMMITMENT, { firstContact: true, run: onLinkCommitment }],
  [LINK_ANSWER, { firstContact: true, run: onLinkAnswer }],
  [LINK_REVEAL, { firstContact: true, run: onLinkReveal }],
  [LINK_WELCOME, { firstContact: true, run: onWelcome }],
  [LINK_REFUSE, { firstContact: true, run: onLinkRefused }],
  [RELATIONSHIP_ALERT, { run: onAlert }],
  [DROP_PLACES, { run: onDropPlaces }],
  [KEY_CHALLENGE, { run: onChallenge }],
  [KEY_RESPONSE, { run: onResponse }],
  [MEET_START, { run: onMeetStart }],
  [MEET_ACCEPT, { run: onMeetAccept }],
  [MEET_REVEAL, { run: onMeetReveal }],
  [MEET_END, { run: onMeetEnd }],
  [MEET_SCANNED, { run: onMeetScanned }],
  [OFFER_CREDENTIAL, { run: onOffer }],
  [REQUEST_CREDENTIAL, { run: onCredentialRequest }],
  [ISSUE_CREDENTIAL, { run: onIssued }],
  [REQUEST_PRESENTATION, { run: onPresentationRequest }],
  [PRESENTATION, { run: onPresentation }],
  [SHARE, { run: onShare }],
  [SHARE_KEPT, { run: onShareKept }],
  [SHARE_DECLINED, { run: onShareDeclined }],
  [SHARE_SUPERSEDED, { run: onSuperseded }],
  [SHARE_HEALTH, { run: onShareHealth }],
  [SHARE_HEALTH_ANSWER, { run: onShareHealthAnswer }],
  [HELP_HELLO, { firstContact: true, run: onHello }],
  [HELP_CEREMONY, { firstContact: true, run: onCeremony }],
  [HELP_HANDED, { firstContact: true, run: onHanded }],
  [HELP_ANNOUNCE, { run: onAnnounce }],
  [GUARDIAN_APPOINT, { run: onAppoint }],
  [GUARDIAN_ACCEPT, { run: onAccepted }],
  [GUARDIAN_DECLINE, { run: onDeclined }],
  [GUARDIAN_WITHDRAWN, { run: onWithdrawn }],
  [GUARDIAN_ACTED, { run: onActed }],
  [PING, { standard: true, run: onPing }],
  [PING_RESPONSE, { standard: true, run: onPingResponse }],
  [QUERIES, { standard: true, run: (edge, incoming) => onQueries(edge, incoming, HANDLERS.keys()) }],
  [DISCLOSE, { standard: true, run: onDisclose }],
  [BASIC_MESSAGE, { standard: true, run: onText }],
  [USER_PROFILE, { standard: true, run: onProfile }],
  [REQUEST_PROFILE, { standard: true, run: onProfileRequest }],
  [EMPTY, { standard: true, run: async () => [] }],
  [PROBLEM_REPORT, { standard: true, run: onProblem }],
  [MERCURY_REQUEST, { standard: true, run: onMercuryRequest }],
  [MERCURY_RESPONSE, { standard: true, run: async () => [] }],
])
