/** Every parser of every protocol with a body that it takes: what tests of bad input begin with. */
import { encodeMultikey } from '@keystead/crypto'
import * as accountDevices from '../account-devices/messages.ts'
import * as attachment from '../attachment/messages.ts'
import * as basicMessage from '../basic-message/messages.ts'
import * as cloudAgent from '../cloud-agent/messages.ts'
import * as connect from '../connect/messages.ts'
import * as credential from '../credential/messages.ts'
import * as drop from '../dead-drop/messages.ts'
import * as deviceLink from '../device-link/messages.ts'
import * as resolution from '../did-resolution/messages.ts'
import * as discover from '../discover-features/messages.ts'
import * as escrow from '../escrow/messages.ts'
import * as guardian from '../guardian/messages.ts'
import * as invitation from '../invitation/messages.ts'
import * as inPerson from '../key-verify/in-person.ts'
import * as keyVerify from '../key-verify/messages.ts'
import * as ledgerRead from '../ledger-read/messages.ts'
import * as locator from '../locator/messages.ts'
import * as log from '../log/messages.ts'
import * as mediation from '../mediation/messages.ts'
import * as mercury from '../mercury-connection/messages.ts'
import * as move from '../move/messages.ts'
import * as approvals from '../own-devices/approvals.ts'
import * as correspondents from '../own-devices/correspondents.ts'
import * as logMembership from '../own-devices/log-membership.ts'
import * as ownDevices from '../own-devices/messages.ts'
import * as recoveryPaths from '../own-devices/recovery-paths.ts'
import * as subjectKeys from '../own-devices/subject-keys.ts'
import * as pickup from '../pickup/messages.ts'
import * as publish from '../publish/messages.ts'
import * as push from '../push/messages.ts'
import * as recovery from '../recovery/messages.ts'
import * as guard from '../recovery-guard/messages.ts'
import * as relay from '../relay/messages.ts'
import * as report from '../report-problem/messages.ts'
import * as trustPing from '../trust-ping/messages.ts'
import * as userProfile from '../user-profile/messages.ts'

const id = 'A'.repeat(22)
const long = 'A'.repeat(43)
const session = '0'.repeat(32)
const sig = 'A'.repeat(86)
const digest = `Qm${'a'.repeat(44)}`
const keys = {
  k: 'z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK',
  agree: 'z6LSbysY2xFMRpGMhb7tFTLMpeuPRaqaWM1yECx2AtzE3KCc',
  next: digest,
}
const XWING = encodeMultikey({ suite: 'x-wing', bytes: new Uint8Array(1216) })

export const PARSERS: Readonly<Record<string, readonly [(body: unknown) => unknown, object]>> = {
  'log vault': [log.parseVault, { vault: id }],
  'log put': [log.parseLogPut, { vault: id, log: id, key: `z6Mk${'a'.repeat(44)}` }],
  'log trim': [log.parseTrim, { vault: id, chain: id, before: 1 }],
  'log readers': [log.parseReaders, { vault: id, readers: [`z6Mk${'a'.repeat(44)}`] }],
  'log fetch': [log.parseFetch, { vault: id, from: [{ chain: id, seq: 1 }], entries: 0 }],
  'log read': [
    log.parseLogRead,
    { vault: id, from: [], entries: 0, reader: `z6Mk${'a'.repeat(44)}`, nonce: long, signature: 'AAAA' },
  ],
  'log held': [log.parseHeld, { vault: id, heads: [{ chain: id, seq: 1, hash: long }], entries: 1 }],
  'log shown': [log.parseShown, { vault: id, heads: [], entries: 1, more: false, nonce: long }],
  resolve: [
    resolution.parseResolve,
    { did: 'did:x:y', input_options: { result_type: 'resolution-result', no_cache: true }, padding: '0' },
  ],
  'resolve of a version': [resolution.parseResolve, { did: 'did:x:y', input_options: { version_id: '0-x' } }],
  history: [resolution.parseHistory, { did: 'did:dkms:x:y' }],
  'history of a handle': [resolution.parseHistory, { handle: id, part: 1 }],
  'history part': [resolution.parseHistoryPart, { part: 0, parts: 2, handle: id }],
  'resolve result': [
    resolution.parseResult,
    { did_document: null, did_resolution_metadata: {}, did_document_metadata: {}, padding: '0' },
  ],
  'ledger read': [ledgerRead.parseLedgerRead, { path: '/v1/consistency/1/2' }],
  'relay send': [relay.parseRelaySend, { to: 'did:peer:2x' }],
  'recovery paths': [recoveryPaths.parseRecoveryPaths, { epoch: 1, paths: [{ id: 'P+S', delay: 3600, kem: XWING }] }],
  'subject keys': [subjectKeys.parseSubjectKeys, { keys: [{ did: 'did:dkms:a:b', h: digest, now: true }] }],
  'link session': [deviceLink.parseSession, { session }],
  'link commitment': [deviceLink.parseLinkCommitment, { session, commitment: long }],
  'link answer': [deviceLink.parseLinkAnswer, { session, account: 'did:peer:2x', nonce: long }],
  'sealed welcome': [deviceLink.parseSealedWelcome, { sealed: 'AAAA' }],
  'own devices': [
    ownDevices.parseDeviceList,
    { account: 'did:peer:2x', devices: [{ account: 'did:peer:2x', name: 'x', admin: true }], secret: long },
  ],
  'own devices that need two': [
    ownDevices.parseDeviceList,
    {
      account: 'did:peer:2x',
      devices: [{ account: 'did:peer:2x', name: 'x', admin: true }],
      secret: long,
      approvals: { needed: 2, epoch: 1, by: 'did:peer:2x' },
    },
  ],
  'proposed entries': [
    approvals.parseProposed,
    {
      id: session,
      expires: 5,
      items: [
        {
          relationship: session,
          prev: digest,
          planned: {
            type: 'rotate',
            mediator: 'did:peer:2x',
            needed: 2,
            recovery: [{ h: digest, delay: 5 }],
            vetoes: digest,
            add: [{ relationship: session, ...keys }],
            drop: [keys.k],
          },
          set: keys,
        },
      ],
    },
  ],
  'cosigned entries': [
    approvals.parseCosigned,
    { id: session, items: [{ relationship: session, set: keys, s: `z${'1'.repeat(64)}` }] },
  ],
  'proposal id': [approvals.parseProposalId, { id: session }],
  'own correspondents': [
    correspondents.parseCorrespondents,
    {
      known: [
        {
          id: session,
          label: 'x',
          own: 'did:peer:2x',
          peer: 'did:peer:2y',
          invitation: { id: 'x', expires: 1, url: '' },
          rotation: { jwt: 'x' },
          rotated: 1,
          turn: 1,
          holders: { x: 'did:peer:2x' },
        },
      ],
      removed: [session],
    },
  ],
  'plain keys': [
    correspondents.parsePlainKeys,
    { sets: [{ correspondent: session, auth: keys.k, agree: keys.agree }] },
  ],
  'plain turn': [correspondents.parsePlainTurn, { did: 'did:peer:2x', jwt: 'x', holders: {} }],
  'lower vote': [approvals.parseLower, { id: session, expires: 5, epoch: 1 }],
  'own agency': [
    ownDevices.parseNewAgency,
    {
      agency: { did: 'did:peer:2x', url: 'https://agency.test', services: ['mailbox'] },
      account: 'did:peer:2x',
    },
  ],
  'agency left': [ownDevices.parseAgencyLeft, { agency: 'did:peer:2x' }],
  'own records': [ownDevices.parseRecords, { records: [{ category: 'text', name: 'x', value: {} }], removed: [] }],
  'log candidate': [logMembership.parseCandidate, { chain: id, key: keys.k, kem: XWING, sig }],
  'log invitation': [logMembership.parseInvitation, { log: id, vault: id, seq: 1, hash: long }],
  'device add': [accountDevices.parseDeviceAdd, { device: 'did:peer:2x', admin: false }],
  'device join': [accountDevices.parseDeviceJoin, { account: 'did:peer:2x' }],
  'device remove': [accountDevices.parseDeviceRemove, { device: 'did:peer:2x' }],
  devices: [accountDevices.parseDevices, { devices: [{ device: 'did:peer:2x', admin: true, state: 'member' }] }],
  'slot swap': [accountDevices.parseSlotSwap, { slot: 'x', after: 0, seq: 1 }],
  'slots read': [accountDevices.parseSlotsRead, { after: '' }],
  slots: [accountDevices.parseSlots, { slots: [{ slot: 'x', seq: 1 }], more: false }],
  'slot held': [accountDevices.parseSlotHeld, { slot: 'x', seq: 1 }],
  grant: [cloudAgent.parseServices, { services: ['mailbox'] }],
  introduction: [
    connect.parseIntroduction,
    { entry: {}, label: 'x', did: 'did:dkms:a', drop: { half: long, places: ['did:peer:2.E'] } },
  ],
  'drop places': [drop.parseDropPlaces, { places: ['did:peer:2.E'] }],
  'drop put': [
    drop.parseDropPut,
    { address: long, key: 'z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK', seq: 1, signature: 'AAAA' },
  ],
  'drop get': [drop.parseDropGet, { address: long }],
  'drop box': [drop.parseDropBox, { address: long, seq: 1 }],
  'guard set': [
    guard.parseGuardSet,
    { subject: `locator|${long}`, seconds: 5, veto: long, objections: Array(16).fill(long) },
  ],
  'guard stay': [guard.parseGuardStay, { subject: `escrow|${long}`, token: long }],
  'guard stayed': [guard.parseGuardStayed, { subject: `reader|${long}`, until: 5 }],
  entries: [connect.parseEntries, { entries: [{}] }],
  ack: [connect.parseRelationshipAck, { seq: 1, head: 'x', pendingUntil: 5 }],
  offer: [credential.parseOffer, { credentialType: 'Card', issuer: 'did:dkms:a', claims: {}, nonce: long }],
  'credential request': [
    credential.parseCredentialRequest,
    { subject: 'did:dkms:a', kid: 'did:dkms:a#b', signature: sig },
  ],
  'presentation request': [
    credential.parsePresentationRequest,
    { credentialType: 'Card', issuers: ['did:dkms:a'], challenge: long, domain: 'x' },
  ],
  'status request': [pickup.parseStatusRequest, { recipient_did: 'did:x:y' }],
  challenge: [
    keyVerify.parseChallenge,
    { nonce: long, audience: 'did:x', purpose: 'p', expires: 1, head: 'h', epk: long, did: 'did:y' },
  ],
  response: [
    keyVerify.parseResponse,
    {
      nonce: long,
      audience: 'did:x',
      head: 'h',
      proofs: [{ kid: 'did:x#a', signature: 'AAAA' }],
      tokens: [{ kid: 'did:x#b', mac: long }],
    },
  ],
  'meeting start': [inPerson.parseStart, { session, commitment: long, heads: ['a', 'b'] }],
  'meeting nonce': [inPerson.parseNonce, { session, nonce: long }],
  'meeting end': [inPerson.parseEnd, { session, matched: true }],
  'meeting scanned': [inPerson.parseScanned, { session, mac: long }],
  'keep invitation': [invitation.parseKeepInvitation, { id: session, expires: 1, form: 'sealed' }],
  'invitation kept': [invitation.parseInvitationKept, { url: 'https://agency.example/i' }],
  'withdraw invitation': [invitation.parseWithdrawInvitation, { id: session }],
  'escrow account': [escrow.parseEscrowAccount, { account: long }],
  'escrow heads': [escrow.parseEscrowHeads, { account: long, n: 1 }],
  'escrow open': [escrow.parseEscrowOpen, { account: long, nonce: long, signature: sig }],
  'escrow evaluate': [escrow.parseEscrowEvaluate, { account: long, nonce: long, signature: sig, element: long }],
  'escrow release': [escrow.parseEscrowRelease, { account: long, nonce: long, signature: sig, tag: long }],
  'escrow remove': [
    escrow.parseEscrowRemove,
    { account: long, proof: { account: long, nonce: long, signature: sig, tag: long } },
  ],
  'escrow status': [
    escrow.parseEscrowStatus,
    { account: long, used: 1, guesses: 5, released: true, proof: long, kept: 5 },
  ],
  'escrow status request': [escrow.parseEscrowStatusRequest, { account: long, nonce: long }],
  'escrow challenge': [escrow.parseEscrowChallenge, { account: long, nonce: long }],
  'escrow card': [escrow.parseEscrowCard, { account: long, nonce: long, left: 5 }],
  'escrow evaluation': [
    escrow.parseEscrowEvaluation,
    { account: long, nonce: long, left: 5, evaluated: long, proof: sig },
  ],
  locator: [locator.parseLocatorAccount, { account: long }],
  recipients: [
    mediation.parseRecipientUpdate,
    { updates: [{ recipient_did: 'did:x:y', action: 'add', proof: { kid: 'k', signature: 'AAAA' } }] },
  ],
  'update results': [mediation.parseUpdateResults, { updated: [{ result: 'success' }] }],
  'delivery request': [pickup.parseDeliveryRequest, { limit: 3 }],
  'delivery request 4.0': [(body) => pickup.parseDeliveryRequest(body, true), { message_count_limit: 3 }],
  ping: [trustPing.wantsPingResponse, { response_requested: false }],
  queries: [(body) => discover.disclose(body, []), { queries: [{ 'feature-type': 'protocol', match: 'a*b*c' }] }],
  disclosures: [discover.parseDisclosures, { disclosures: [{ 'feature-type': 'protocol', id: 'x' }] }],
  text: [basicMessage.parseBasicMessage, { content: 'x' }],
  profile: [userProfile.parseProfile, { profile: { displayName: 'x' }, send_back_yours: true }],
  'mercury connection': [mercury.parseMercury, { goal: 'x', goal_code: 'y' }],
  problem: [report.parseProblem, { code: 'e.p.x', comment: 'of {1}', args: ['x'] }],
  'messages received': [pickup.parseMessagesReceived, { message_id_list: ['a'] }],
  'live delivery': [pickup.parseLiveDelivery, { live_delivery: true }],
  'move forward': [move.parseMoveForward, { to: 'did:peer:2.E' }],
  'move forgotten': [
    move.parseForgotten,
    { messages: 0, recipients: 0, services: 0, files: 0, attachments: 0, backups: 3 },
  ],
  'attachment put': [attachment.parseAttachmentPut, { id: long, size: 600_000, n: 1 }],
  'attachment held': [attachment.parseAttachmentHeld, { id: long, next: 2, expires: 5 }],
  'attachment remove': [attachment.parseAttachmentId, { id: long }],
  'push subscription': [
    push.parsePushSet,
    { endpoint: 'https://push.example/x', p256dh: `B${'a'.repeat(86)}`, auth: id },
  ],
  'push removal': [push.parsePushRemove, { endpoint: 'https://push.example/x' }],
  'push key': [push.parsePushKey, { key: `B${'a'.repeat(86)}` }],
  published: [publish.parsePublished, { url: 'https://agency.example/f' }],
  publish: [publish.parsePublish, { name: id, mediaType: 'application/vc' }],
  share: [recovery.parseShareOffer, { set: long, epoch: 1, threshold: 2, count: 3, keep: 60 }],
  'share answer': [recovery.parseShareAnswer, { set: long }],
  'share health': [recovery.parseShareHealth, { set: long, nonce: long }],
  'share health answer': [recovery.parseShareHealthAnswer, { set: long, nonce: long, proof: long }],
  packet: [recovery.parsePacketAttachment, { packet: 'AAAA' }],
  hello: [recovery.parseHello, { session: id, label: 'x' }],
  ceremony: [recovery.parseCeremony, { message: {} }],
  announce: [recovery.parseAnnounce, { guardian: 'x' }],
  appointment: [
    guardian.parseAppointment,
    { did: `did:dkms:${'a'.repeat(16)}:Qm1`, can: ['GUARDIAN', 'SUSPEND'], until: 5 },
  ],
  'guardian opening': [
    guardian.parseOpening,
    { k: 'z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK', salt: 'A'.repeat(22) },
  ],
  'guardian acted': [guardian.parseActed, { what: 'recovery' }],
  handed: [recovery.parseHanded, { session: id, sealed: 'AAAA' }],
}
