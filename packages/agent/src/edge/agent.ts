/**
 * The edge agent as apps use it: one object over the ports, each promise of the flows one method. What changes something is
 * done one thing at a time and what it queued is sent before it resolves, or said to wait.
 */
import type { Bytes, JsonObject } from '@keystead/core'
import type { AnchorReceipt, Verdict } from '@keystead/credentials'
import type { DidResolver, ResolutionOptions, ResolutionResult } from '@keystead/did'
import type { VerifiedHistory, VerifiedPolicy } from '@keystead/light-client'
import type { ExportKey, ExportTo } from '@keystead/wallet'
import { type CloudService, DEFAULT_SERVICES } from '../protocols/cloud-agent/messages.ts'
import { type Invitation, parseInvitationUrl } from '../protocols/connect/messages.ts'
import type { InvitationForm } from '../protocols/invitation/messages.ts'
import type { Verdict as KeyVerdict } from '../protocols/key-verify/judge.ts'
import {
  type Challenge,
  type ChallengeResponse,
  parseChallenge,
  parseResponse,
} from '../protocols/key-verify/messages.ts'
import type { Forgotten } from '../protocols/move/messages.ts'
import type { PushSubscription } from '../protocols/push/messages.ts'
import { type AttachmentSource, attach, type TransferOptions, takeBack } from './attachments/attach.ts'
import { type OpenedAttachment, openAttachment, withdrawAttachment } from './attachments/open.ts'
import { type AttachmentView, type TextView, textViews } from './attachments/view.ts'
import { type Carried, carryIn, carryOut } from './carry.ts'
import { acceptInvitation, type ConnectOptions, connectToDid, invite } from './connecting.ts'
import { type Edge, fault, findContact, profileOf } from './context.ts'
import { acceptPlainly, invitePlainly } from './correspondents.ts'
import { DevicesAgent } from './devices.ts'
import { GuardiansAgent } from './guardian/agent.ts'
import { answerAppointment } from './guardian/ward.ts'
import { acceptOffer, present } from './holding.ts'
import { createIdentity, publicIdentity } from './identities.ts'
import { deactivateIdentity } from './identity-operations.ts'
import { anchorAs, issuerHere } from './issuer.ts'
import { offerCredential, signOffline } from './issuing.ts'
import { answerChallenge, judge, makeChallenge, sendChallenge } from './key-verify.ts'
import { listen } from './live.ts'
import { type BackupStatus, backUp, backupStatus, dropHolder, passOn } from './log/backup.ts'
import { makeEdge } from './make-edge.ts'
import { type MeetingView, meet, scanMeeting, showMeeting, typed, viewMeeting } from './meeting.ts'
import { giveUpFormer } from './moving/gone.ts'
import { type MoveOptions, moveTo } from './moving/move.ts'
import { stopForwarding } from './moving/stop.ts'
import { type MovingView, movingView } from './moving/view.ts'
import { flushOutbox } from './outbox.ts'
import { approvalRequests } from './own-devices/cosigning.ts'
import { exportWallet, type Imported, importWallet } from './portability.ts'
import type { EdgePorts } from './ports.ts'
import { addCloudAgent, announceIdentities } from './provisioning.ts'
import { pushKey, wakeBy, wakeNoMore } from './push.ts'
import type {
  Blocked,
  Correspondent,
  HeldCredential,
  Identity,
  IssuedCredential,
  OpenInvitation,
  PendingRequest,
  Profile,
  Relationship,
} from './records.ts'
import { RecoveryAgent } from './recovery/agent.ts'
import { answerShare } from './recovery/contacts.ts'
import { sayHeads } from './recovery/heads.ts'
import { finishRemovals, type RemovalOptions, removeContact } from './removal.ts'
import { type PlannedReplacement, planFor, replaceCompromised } from './replacement/replace.ts'
import { resolversNow, useNoResolvers, useResolvers } from './resolution/choosing.ts'
import { lookUp, lookUpHistory } from './resolution/lookup.ts'
import { remoteResolver } from './resolution/remote.ts'
import { type ResolutionSettings, resolutionSettings } from './resolution/settings.ts'
import { freshResolver } from './resolver.ts'
import { rotateEverything } from './rotation.ts'
import { expand, shorten, shortenForPage } from './short-link.ts'
import { findAnyContact, sendText } from './standard.ts'
import { revokeCredential } from './status-lists.ts'
import { put, remove } from './store.ts'
import { acceptStranger, endInvitation, inviteMany, type ManyOptions } from './strangers.ts'
import { type SyncResult, sync, syncUntil } from './sync.ts'
import { askForCredential, checkAgain, checkCredential } from './verifying.ts'

export class EdgeAgent {
  readonly edge: Edge
  readonly recovery: RecoveryAgent
  readonly devices: DevicesAgent
  readonly guardians: GuardiansAgent

  constructor(ports: EdgePorts) {
    this.edge = makeEdge(ports)
    this.recovery = new RecoveryAgent(this.edge)
    this.devices = new DevicesAgent(this.edge)
    this.guardians = new GuardiansAgent(this.edge, this.devices)
  }

  // --- who we are ---------------------------------------------------------------------------------------------------------

  profile(): Promise<Profile> {
    return profileOf(this.edge)
  }

  setLabel(label: string): Promise<void> {
    return this.#act(async () =>
      this.edge.records.commit([put('profile', 'self', { ...(await this.profile()), label })]),
    )
  }

  createIdentity(label = 'public', use: Identity['use'] = 'public'): Promise<Identity> {
    return this.#act(() => createIdentity(this.edge, { label, use }))
  }

  async identities(): Promise<Identity[]> {
    return (await this.edge.records.all('identity')).map(({ value }) => value)
  }

  /** What was kept when a ledger or a contact contradicted itself (row N10): for others to check. */
  async evidence(): Promise<JsonObject[]> {
    return (await this.edge.records.all('evidence')).map(({ value }) => value)
  }

  publicIdentity(): Promise<Identity> {
    return publicIdentity(this.edge)
  }

  /** Flow V5. `services` is what the owner agreed to. */
  addCloudAgent(
    agency: { did: string; url: string },
    services: readonly CloudService[] = DEFAULT_SERVICES,
  ): Promise<void> {
    return this.#act(() => addCloudAgent(this.edge, agency, services))
  }

  /** Flow V19: to another agency, keeping every relationship; the old one forwards until `stopForwarding`. */
  moveTo(agency: { did: string; url: string }, options: MoveOptions = {}): Promise<void> {
    return this.#act(() => moveTo(this.edge, agency, options))
  }

  /** How far a move is; undefined where none is under way. */
  moving(): Promise<MovingView | undefined> {
    return movingView(this.edge)
  }

  /** The agency before forgets us; resolves to what it says it still has. */
  stopForwarding(options: { anyway?: boolean } = {}): Promise<Forgotten> {
    return this.#act(() => stopForwarding(this.edge, options))
  }

  /** The agency before is gone, too: nothing is asked of it. Rejects with `NOT_ALLOWED_NOW` while it answers. */
  giveUpFormer(): Promise<void> {
    return this.#act(() => giveUpFormer(this.edge))
  }

  /** Lets the agency wake this browser when mail waits (AGENCY-15); the key is what the browser subscribes with. */
  pushKey(): Promise<string> {
    return pushKey(this.edge)
  }

  wakeBy(subscription: PushSubscription): Promise<void> {
    return wakeBy(this.edge, subscription)
  }

  wakeNoMore(endpoint: string): Promise<void> {
    return wakeNoMore(this.edge, endpoint)
  }

  /** DIDs registered before there was a cloud agent are registered with it now. */
  announceIdentities(): Promise<void> {
    return this.#act(() => announceIdentities(this.edge))
  }

  /** Resolves a DID as every part of this agent does: of the ledger by whom the owner chose, verified here, its level said. */
  resolve(did: string, options: ResolutionOptions = {}): Promise<ResolutionResult> {
    return this.edge.resolver.resolve(did, options)
  }

  /** The same as a resolver. `maxAge`: seconds that the header of a proof may be old. */
  resolver(reading: { readonly maxAge?: number | undefined } = {}): DidResolver {
    return freshResolver(this.edge, reading.maxAge)
  }

  /** Who may do what for somebody's did:dkms (DKMS-33), likewise. */
  policy(did: string): Promise<VerifiedPolicy> {
    return lookUp(this.edge, did, (how) => this.edge.ports.ledger.policy(did, how))
  }

  /** Every operation of somebody's did:dkms, verified, by whom the owner chose. Rejects with why it cannot be read. */
  history(did: string): Promise<VerifiedHistory> {
    return lookUpHistory(this.edge, did)
  }

  /** Undefined: the ledger node is asked about DIDs. */
  resolution(): Promise<ResolutionSettings | undefined> {
    return resolutionSettings(this.edge)
  }

  /**
   * Has agencies of other operators asked about DIDs from now on (RESOLVE-8), by address or DID; none named: those of the PIN. Rejects with
   * `NO_RESOLVER`.
   */
  useResolvers(named: readonly string[] = [], options: { openly?: boolean } = {}): Promise<ResolutionSettings> {
    return this.edge.alone(() => useResolvers(this.edge, named, options))
  }

  /** Has the ledger node asked again. */
  useNoResolvers(): Promise<void> {
    return this.edge.alone(() => useNoResolvers(this.edge))
  }

  /** A resolver for this once, over DIDComm: of the agencies named, by DID or a known address, or chosen, or of the PIN. Rejects with `NO_RESOLVER`. */
  async resolverBy(named: readonly string[] = [], maxAge?: number): Promise<DidResolver> {
    return remoteResolver(this.edge, await resolversNow(this.edge, named), maxAge)
  }

  /** New keys for everything. Peers follow by themselves. */
  rotateAll(): Promise<{ identities: number; relationships: number }> {
    return this.#act(() => rotateEverything(this.edge))
  }

  /** Data and metadata as an age file; no private key is in it. */
  exportWallet(to: ExportTo): Promise<{ file: Bytes; records: number; keys: number }> {
    return this.edge.alone(() => exportWallet(this.edge, to))
  }

  /** What another wallet exported; what this one has already stays. */
  importWallet(file: Bytes, key: ExportKey): Promise<Imported> {
    return this.edge.alone(() => importWallet(this.edge, file, key))
  }

  /** What depends on a key, by id or its beginning, and how it would be replaced; `since` in seconds since 1970. */
  replacementPlan(key: string, since?: number): Promise<PlannedReplacement> {
    return planFor(this.edge, key, since)
  }

  /** Marks a key compromised and runs its plan; again, it goes on with what waits. */
  replaceCompromised(key: string, since?: number): Promise<PlannedReplacement> {
    return this.#act(() => replaceCompromised(this.edge, key, since))
  }

  /** Records a digest on the ledger, by the public DID: it existed by then, and we vouch for it (rule 13). */
  anchor(root: string): Promise<number> {
    return this.#act(async () => anchorAs(this.edge, await issuerHere(this.edge), root))
  }

  /** Ends the public DID for good; `done` is false while the ledger does not have it yet. */
  retire(): Promise<{ did: string; done: boolean }> {
    return this.#act(async () => {
      const { did } = await publicIdentity(this.edge)
      return { did, done: await deactivateIdentity(this.edge, did) }
    })
  }

  // --- the log and its copies ---------------------------------------------------------------------------------------------

  /** Writes what changed and brings it to every holder of the log, and looks what each of them has. */
  backUp(): Promise<BackupStatus> {
    return this.#act(async () => {
      await backUp(this.edge, { look: true })
      await sayHeads(this.edge, { now: true })
      return backupStatus(this.edge)
    })
  }

  /** By address. Rejects with `UNKNOWN_HOLDER`. */
  dropHolder(address: string): Promise<void> {
    return this.#act(() => dropHolder(this.edge, address))
  }

  backupStatus(): Promise<BackupStatus> {
    return backupStatus(this.edge)
  }

  // --- relationships ------------------------------------------------------------------------------------------------------

  invite(
    base: string,
    options: ConnectOptions & { seconds?: number } = {},
  ): Promise<{ relationship: Relationship; url: string }> {
    return this.#act(() => invite(this.edge, base, options))
  }

  accept(url: string, options: ConnectOptions = {}): Promise<Relationship> {
    return this.#act(() => acceptInvitation(this.edge, url, options))
  }

  connect(did: string, options: ConnectOptions = {}): Promise<Relationship> {
    return this.#act(() => connectToDid(this.edge, did, options))
  }

  /** An invitation for several people. */
  inviteMany(base: string, options: ManyOptions): Promise<OpenInvitation> {
    return this.#act(() => inviteMany(this.edge, base, options))
  }

  /** Invitations for several people that are still good. */
  async invitations(): Promise<OpenInvitation[]> {
    return (await this.edge.records.all('invitation')).map(({ value }) => value)
  }

  /** By the beginning of its id. Rejects with `UNKNOWN_REQUEST`. */
  endInvitation(id: string): Promise<void> {
    return this.#act(async () => {
      const [found, ...others] = (await this.invitations()).filter((invitation) => invitation.id.startsWith(id))
      if (!found || others.length > 0) throw fault('UNKNOWN_REQUEST', `no single invitation is called "${id}"`)
      await endInvitation(this.edge, found)
    })
  }

  /**
   * Has the agency keep the invitation of a long link, so that its link fits a QR code: sealed, or plain for software of others.
   * Rejects with the agency's reason.
   */
  shorten(url: string, form: InvitationForm = 'sealed'): Promise<string> {
    return this.edge.alone(() => shorten(this.edge, url, form))
  }

  /** The same, sealed, in a link that opens the page which the long one opens. */
  shortenForPage(url: string): Promise<string> {
    return this.edge.alone(() => shortenForPage(this.edge, url))
  }

  /** What a link says, before anything is agreed to. Rejects as `accept` does. */
  async readInvitation(link: string): Promise<Invitation> {
    return parseInvitationUrl(await expand(this.edge, link))
  }

  /** What becomes of strangers who come to the public DID. */
  setStrangers(strangers: 'open' | 'ask' | 'closed'): Promise<void> {
    if (!['open', 'ask', 'closed'].includes(strangers))
      throw fault('NOT_ALLOWED_NOW', 'strangers are taken "open", "ask" or "closed"')
    return this.#act(async () =>
      this.edge.records.commit([put('profile', 'self', { ...(await this.profile()), strangers })]),
    )
  }

  /** An invitation for somebody whose software is not ours. */
  invitePlainly(base: string, options: { alias?: string; seconds?: number } = {}) {
    return this.#act(() => invitePlainly(this.edge, base, options))
  }

  /** Accepts an invitation that other software made; `isPlainInvitation` tells them apart. */
  acceptPlainly(url: string, options: { alias?: string } = {}): Promise<Correspondent> {
    return this.#act(() => acceptPlainly(this.edge, url, options))
  }

  async correspondents(): Promise<Correspondent[]> {
    return (await this.edge.records.all('correspondent')).map(({ value }) => value)
  }

  /**
   * A line of text to a contact, with files perhaps. Rejects with `UNKNOWN_CONTACT` or `AMBIGUOUS_CONTACT`, and as `attach` does: then
   * nothing was sent. Others may use the wallet while files are brought.
   */
  async sendText(
    name: string,
    text: string,
    { attach: files = [], ...options }: TransferOptions & { readonly attach?: readonly AttachmentSource[] } = {},
  ): Promise<void> {
    if (files.length > 0) await findAnyContact(this.edge, name)
    const attached = await attach(this.edge, files, options)
    return this.#act(async () => {
      try {
        await sendText(this.edge, await findAnyContact(this.edge, name), text, attached)
      } catch (error) {
        await takeBack(this.edge, attached)
        throw error
      }
    })
  }

  /** Texts exchanged, oldest first; of one contact, or of all. */
  async texts(name?: string): Promise<TextView[]> {
    const contact = name === undefined ? undefined : await findAnyContact(this.edge, name)
    const id = contact && ('relationship' in contact ? contact.relationship : contact.correspondent).id
    return (await textViews(this.edge)).filter((message) => id === undefined || message.contact === id)
  }

  /** A file that came or went with a text, by the beginning of its id; fetched where it lies elsewhere. */
  openAttachment(id: string, options: TransferOptions = {}): Promise<OpenedAttachment> {
    return openAttachment(this.edge, id, options)
  }

  /** Takes back a file that was sent by reference, as far as it was not fetched yet. */
  withdrawAttachment(id: string): Promise<AttachmentView> {
    return this.#act(() => withdrawAttachment(this.edge, id))
  }

  /** Ends a contact (flow V11); also one who has ended it. False while the peer is still to be told. */
  removeContact(name: string, options: RemovalOptions = {}): Promise<boolean> {
    return this.#act(async () => {
      const contact = await findAnyContact(this.edge, name, 'closed')
      await removeContact(this.edge, contact, options)
      await flushOutbox(this.edge)
      await finishRemovals(this.edge)
      return !('relationship' in contact) || (await this.relationship(contact.relationship.id)) === undefined
    })
  }

  async blocked(): Promise<(Blocked & { readonly did: string })[]> {
    return (await this.edge.records.all('blocked')).map(({ name, value }) => ({ did: name, ...value }))
  }

  /** By what they were called, or by a DID of theirs. Rejects with `UNKNOWN_CONTACT`. */
  unblock(name: string): Promise<void> {
    return this.#act(async () => {
      const found = (await this.blocked()).filter(({ did, label }) => did === name || label === name)
      if (found.length === 0) throw fault('UNKNOWN_CONTACT', `nobody called "${name}" is blocked`)
      await this.edge.records.commit(found.map(({ did }) => remove('blocked', did)))
    })
  }

  async contacts(): Promise<Relationship[]> {
    return (await this.edge.records.all('relationship')).map(({ value }) => value)
  }

  /** By name or id. Rejects with `UNKNOWN_CONTACT` or `AMBIGUOUS_CONTACT`. */
  contact(name: string): Promise<Relationship> {
    return findContact(this.edge, name)
  }

  relationship(id: string): Promise<Relationship | undefined> {
    return this.edge.records.get('relationship', id)
  }

  // --- keys proven now ----------------------------------------------------------------------------------------------------

  /** Sends a challenge and waits for the answer. Rejects with `NO_ANSWER`. */
  async verify(name: string, options: { seconds?: number; signal?: AbortSignal } = {}): Promise<KeyVerdict> {
    const { nonce, expires } = await this.#act(async () =>
      sendChallenge(this.edge, await this.contact(name), options.seconds),
    )
    const found = async (): Promise<KeyVerdict | undefined> =>
      (await this.edge.records.get('challenge', nonce))?.verdict
    // Of several devices each answers for its own keys: what one lacks another may prove.
    const look = async (): Promise<KeyVerdict | undefined> => {
      const now = await found()
      return now?.result === 'failed' && now.reason === 'no-proof' ? undefined : now
    }
    const verdict = (await this.waitFor(look, expires, options.signal)) ?? (await found())
    if (!verdict) throw fault('NO_ANSWER', `${name} did not answer in time`)
    return verdict
  }

  /** A challenge to carry by hand. */
  challengeOf(name: string, seconds?: number): Promise<Challenge> {
    return this.#act(async () => {
      const options = seconds === undefined ? {} : { seconds }
      const { challenge, change } = await makeChallenge(this.edge, await this.contact(name), options)
      await this.edge.records.commit([change])
      return challenge
    })
  }

  /** Our answer to a challenge that came by hand; `as` names the contact whose challenge it is. */
  async answerTo(challenge: JsonObject, as: string): Promise<ChallengeResponse> {
    return answerChallenge(this.edge, await this.contact(as), parseChallenge(challenge))
  }

  judgeAnswer(name: string, answer: JsonObject): Promise<KeyVerdict> {
    return this.#act(async () => {
      const { verdict, changes } = await judge(this.edge, await this.contact(name), parseResponse(answer))
      await this.edge.records.commit(changes)
      return verdict
    })
  }

  // --- people make sure of each other ---------------------------------------------------------------------------------------

  /** Agrees to a verification in person that the contact began, or begins one. `meeting` says how far it is. */
  meet(name: string): Promise<void> {
    return this.#act(async () => meet(this.edge, await this.contact(name)))
  }

  async meeting(name: string): Promise<MeetingView | undefined> {
    return viewMeeting(this.edge, await this.contact(name))
  }

  /** The digits that the contact read out; false, and nobody is verified, when they are others. */
  typeCode(name: string, digits: string): Promise<boolean> {
    return this.#act(async () => typed(this.edge, await this.contact(name), digits))
  }

  /** The text of a QR code for the contact to scan from this screen. */
  showCode(name: string): Promise<string> {
    return this.#act(async () => showMeeting(this.edge, await this.contact(name)))
  }

  /** What was scanned from the contact's screen. Rejects with `CODE_MISMATCH`. */
  scanCode(name: string, text: string): Promise<void> {
    return this.#act(async () => scanMeeting(this.edge, await this.contact(name), text))
  }

  // --- credentials --------------------------------------------------------------------------------------------------------

  offer(name: string, type: string, claims: JsonObject): Promise<IssuedCredential> {
    return this.#act(async () => offerCredential(this.edge, await this.contact(name), { type, claims }))
  }

  async issued(): Promise<IssuedCredential[]> {
    return (await this.edge.records.all('issued')).map(({ value }) => value)
  }

  revoke(id: string): Promise<IssuedCredential> {
    return this.#act(() => revokeCredential(this.edge, id))
  }

  /** A credential signed here and now without an anchor; `validFrom` in seconds since 1970. */
  async signOffline(parts: {
    type: string
    claims: JsonObject
    subject: string
    validFrom: number
  }): Promise<JsonObject> {
    return signOffline(this.edge, parts)
  }

  /** Resolves with the id under which `recheck` judges what they show. */
  askFor(name: string, asked: { type: string; domain: string; issuers?: readonly string[] }): Promise<string> {
    return this.#act(async () => askForCredential(this.edge, await this.contact(name), asked))
  }

  async presentations() {
    return (await this.edge.records.all('presentation')).map(({ value }) => value)
  }

  async credentials(): Promise<(HeldCredential & { readonly id: string })[]> {
    return (await this.edge.records.all('credential')).map(({ name, value }) => ({ id: name, ...value }))
  }

  /** A presentation judged by the status and the ledger of now. */
  recheck(id: string): Promise<Verdict & { credentials: Verdict[] }> {
    return checkAgain(this.edge, id)
  }

  check(credential: JsonObject, receipt?: AnchorReceipt): Promise<Verdict> {
    return checkCredential(this.edge, credential, receipt)
  }

  // --- what a person decides ----------------------------------------------------------------------------------------------

  async requests(): Promise<PendingRequest[]> {
    const asked = (await this.edge.records.all('request')).map(({ value }) => value)
    return [...asked, ...(await approvalRequests(this.edge))]
  }

  /** Finds a request by id or the beginning of one; without a name, the only one. Throws `UNKNOWN_REQUEST`. */
  async request(id?: string): Promise<PendingRequest> {
    const matches = (await this.requests()).filter((request) => id === undefined || request.id.startsWith(id))
    const [found, ...others] = matches
    if (!found)
      throw fault('UNKNOWN_REQUEST', id === undefined ? 'nothing waits for a decision' : `no request is called "${id}"`)
    if (others.length > 0) throw fault('UNKNOWN_REQUEST', `${matches.length} requests wait; name one`)
    return found
  }

  approve(id?: string): Promise<PendingRequest> {
    return this.#decide(id, true, async (pending, relationship) => {
      if (pending.kind === 'credential-offer') await acceptOffer(this.edge, pending, relationship)
      else if (pending.kind === 'presentation-request') await present(this.edge, pending, relationship)
      else if (pending.kind === 'guardianship') await answerAppointment(this.edge, pending, relationship, true)
      else await answerShare(this.edge, pending, relationship, true)
    })
  }

  decline(id?: string): Promise<PendingRequest> {
    return this.#decide(id, false, async (pending, relationship) => {
      if (pending.kind === 'recovery-contact') await answerShare(this.edge, pending, relationship, false)
      else if (pending.kind === 'guardianship') await answerAppointment(this.edge, pending, relationship, false)
      else await this.edge.records.commit([remove('request', pending.id)])
    })
  }

  #decide(
    id: string | undefined,
    yes: boolean,
    decide: (pending: PendingRequest, relationship: Relationship) => Promise<void>,
  ): Promise<PendingRequest> {
    return this.#act(async () => {
      const pending = await this.request(id)
      if (pending.kind === 'device-approval') {
        // A person says yes to what they have read, not to what came since.
        if (id === undefined) throw fault('UNKNOWN_REQUEST', 'name the request: it is of another device of yours')
        await this.devices.decide(pending.id, yes)
        return pending
      }
      if (pending.kind === 'connection') {
        if (yes) await acceptStranger(this.edge, pending)
        else await this.edge.records.commit([remove('request', pending.id)])
        return pending
      }
      await decide(pending, await this.contact(pending.relationship))
      return pending
    })
  }

  // --- the outside --------------------------------------------------------------------------------------------------------

  /** Everything that waits, in both directions. Never rejects because somebody is away; the result says what waits. */
  sync(): Promise<SyncResult> {
    return this.edge.alone(() => sync(this.edge))
  }

  /** What waits to be sent, or what is for one contact, into a file to be carried by hand; see `carryOut`. */
  carryOut(write: (file: Bytes) => void | Promise<void>, to?: string): Promise<Carried> {
    return this.edge.alone(() => carryOut(this.edge, write, to))
  }

  /** Handles what a file brings. Rejects with `BAD_FILE`. */
  carryIn(file: Uint8Array): Promise<Carried> {
    return this.edge.alone(() => carryIn(this.edge, file))
  }

  /** Stays connected and answers until aborted. */
  listen(signal: AbortSignal): Promise<void> {
    return listen(this.edge, signal)
  }

  /** Syncs until `look` finds something or the time (seconds since 1970) is over. */
  waitFor<T>(look: () => Promise<T | undefined>, until: number, signal?: AbortSignal): Promise<T | undefined> {
    return syncUntil(this.edge, look, until, signal)
  }

  #act<T>(work: () => Promise<T>): Promise<T> {
    return this.edge.alone(async () => {
      const done = await work()
      await flushOutbox(this.edge)
      await passOn(this.edge)
      return done
    })
  }
}
