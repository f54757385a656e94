/** The edge agent as apps use it: one object over the ports, each promise of the flows one method. */
import type { JsonObject } from '@keystead/core'
import type { AnchorReceipt, Verdict } from '@keystead/credentials'
import { type CloudService, GRANT, SERVICES } from '../protocols/cloud-agent/messages.ts'
import type { Verdict as KeyVerdict } from '../protocols/key-verify/judge.ts'
import {
  type Challenge,
  type ChallengeResponse,
  parseChallenge,
  parseResponse,
} from '../protocols/key-verify/messages.ts'
import { MEDIATE_REQUEST } from '../protocols/mediation/messages.ts'
import { ask } from './agency-link.ts'
import { type Edge, fault, findContact, makeEdge, nowSeconds, profileOf, queueRecipient } from './context.ts'
import { acceptOffer, present } from './holding.ts'
import { createIdentity, deactivateIdentity, publicIdentity, rotateIdentity } from './identities.ts'
import { emptyMailbox, forgetOldMessages } from './inbox.ts'
import { offerCredential, publishPending, revokeCredential, signCredential } from './issuing.ts'
import { answerChallenge, judge, makeChallenge, sendChallenge } from './key-verify.ts'
import { listen } from './live.ts'
import { resumeOperations } from './operations.ts'
import { flushOutbox } from './outbox.ts'
import { makeAccount } from './own-dids.ts'
import type { EdgePorts } from './ports.ts'
import type { Identity, IssuedCredential, PendingRequest, Profile, Relationship } from './records.ts'
import { RecoveryAgent } from './recovery/agent.ts'
import { answerShare } from './recovery/contacts.ts'
import { forgetHelping } from './recovery/helping.ts'
import { goOnVetoing, settleOwnSide, watchIdentities } from './recovery/watch.ts'
import {
  acceptInvitation,
  type ConnectOptions,
  connectToDid,
  invite,
  rotateRelationship,
  settleRelationships,
} from './relationships.ts'
import { put, remove } from './store.ts'
import { askForCredential, checkAgain, checkCredential } from './verifying.ts'

export interface SyncResult {
  readonly handled: number
  readonly sent: number
  /** Messages that could not be brought yet. */
  readonly waiting: number
  /** Ledger operations that could not be brought yet. */
  readonly operations: number
}

export class EdgeAgent {
  readonly edge: Edge
  readonly recovery: RecoveryAgent

  constructor(ports: EdgePorts) {
    this.edge = makeEdge(ports)
    this.recovery = new RecoveryAgent(this.edge)
  }

  // --- who we are ---------------------------------------------------------------------------------------------------------

  profile(): Promise<Profile> {
    return profileOf(this.edge)
  }

  async setLabel(label: string): Promise<void> {
    await this.edge.records.commit([put('profile', 'self', { ...(await this.profile()), label })])
  }

  createIdentity(label = 'public', use: Identity['use'] = 'public'): Promise<Identity> {
    return createIdentity(this.edge, { label, use })
  }

  async identities(): Promise<Identity[]> {
    return (await this.edge.records.all('identity')).map(({ value }) => value)
  }

  publicIdentity(): Promise<Identity> {
    return publicIdentity(this.edge)
  }

  /** Flow V5: account, grant, mailbox. `services` is what the owner agreed to. */
  async addCloudAgent(
    agency: { did: string; url: string },
    services: readonly CloudService[] = Object.keys(SERVICES) as CloudService[],
  ): Promise<void> {
    const { edge } = this
    const profile = await this.profile()
    const before = profile.agency
    if (before && before.did !== agency.did) throw fault('NOT_ALLOWED_NOW', 'this wallet has a cloud agent already')
    let account = before?.account
    if (!account) {
      const own = await makeAccount(edge)
      await edge.records.commit([put('own-did', own.did, own)])
      account = own.did
    }
    await ask(edge, agency.did, account, { type: GRANT, body: { services: [...services] } })
    if (services.includes('mailbox')) await ask(edge, agency.did, account, { type: MEDIATE_REQUEST, body: {} })
    await edge.records.commit([put('profile', 'self', { ...profile, agency: { ...agency, account, services } })])
  }

  /** New keys for everything: DIDs on the ledger, then every relationship. Peers follow by themselves. */
  async rotateAll(): Promise<{ identities: number; relationships: number }> {
    const identities = (await this.identities()).filter(({ status, alert }) => status === 'active' && !alert)
    if (identities.length === 0) throw fault('NO_IDENTITY', 'no DID is under the control of this wallet')
    for (const { did } of identities) await rotateIdentity(this.edge, did)
    const issuers = (await this.edge.records.all('issuer')).map(({ name, value }) =>
      put('issuer', name, { ...value, published: false }),
    )
    await this.edge.records.commit(issuers)
    const relationships = (await this.contacts()).filter(
      ({ status, recovering, alert }) => status === 'connected' && !recovering && !alert,
    )
    for (const relationship of relationships) await rotateRelationship(this.edge, relationship)
    await this.flush()
    return { identities: identities.length, relationships: relationships.length }
  }

  /** Ends the public DID for good. False while the ledger does not have it yet. */
  async retire(): Promise<{ did: string; done: boolean }> {
    const { did } = await publicIdentity(this.edge)
    return { did, done: await deactivateIdentity(this.edge, did) }
  }

  // --- relationships ------------------------------------------------------------------------------------------------------

  async invite(
    base: string,
    options: ConnectOptions & { seconds?: number } = {},
  ): Promise<{ relationship: Relationship; url: string }> {
    const invitation = await invite(this.edge, base, options)
    await this.flush()
    return invitation
  }

  async accept(url: string, options: ConnectOptions = {}): Promise<Relationship> {
    const relationship = await acceptInvitation(this.edge, url, options)
    await this.flush()
    return relationship
  }

  async connect(did: string, options: ConnectOptions = {}): Promise<Relationship> {
    const relationship = await connectToDid(this.edge, did, options)
    await this.flush()
    return relationship
  }

  async contacts(): Promise<Relationship[]> {
    return (await this.edge.records.all('relationship')).map(({ value }) => value)
  }

  contact(name: string): Promise<Relationship> {
    return findContact(this.edge, name)
  }

  async relationship(id: string): Promise<Relationship | undefined> {
    return this.edge.records.get('relationship', id)
  }

  // --- keys proven now ----------------------------------------------------------------------------------------------------

  /** Sends a challenge and waits for the answer. Rejects with `NO_ANSWER`. */
  async verify(name: string, options: { seconds?: number; signal?: AbortSignal } = {}): Promise<KeyVerdict> {
    const challenge = await sendChallenge(this.edge, await this.contact(name), options.seconds)
    await this.flush()
    const verdict = await this.waitFor(
      async () => (await this.edge.records.get('challenge', challenge.nonce))?.verdict,
      challenge.expires,
      options.signal,
    )
    if (!verdict) throw fault('NO_ANSWER', `${name} did not answer in time`)
    return verdict
  }

  /** A challenge to carry by hand. */
  async challengeOf(name: string, seconds?: number): Promise<Challenge> {
    const { challenge, change } = makeChallenge(this.edge, await this.contact(name), seconds)
    await this.edge.records.commit([change])
    return challenge
  }

  /** Our answer to a challenge that came by hand; `as` names the contact whose challenge it is. */
  async answerTo(challenge: JsonObject, as: string): Promise<ChallengeResponse> {
    return answerChallenge(this.edge, await this.contact(as), parseChallenge(challenge))
  }

  async judgeAnswer(name: string, answer: JsonObject): Promise<KeyVerdict> {
    const { verdict, changes } = await judge(this.edge, await this.contact(name), parseResponse(answer))
    await this.edge.records.commit(changes)
    return verdict
  }

  // --- credentials --------------------------------------------------------------------------------------------------------

  async offer(name: string, type: string, claims: JsonObject): Promise<IssuedCredential> {
    const issued = await offerCredential(this.edge, await this.contact(name), { type, claims })
    await this.flush()
    return issued
  }

  async issued(): Promise<IssuedCredential[]> {
    return (await this.edge.records.all('issued')).map(({ value }) => value)
  }

  revoke(id: string): Promise<IssuedCredential> {
    return revokeCredential(this.edge, id)
  }

  /** A credential signed here and now without an anchor. */
  async signOffline(parts: {
    type: string
    claims: JsonObject
    subject: string
    validFrom: number
  }): Promise<JsonObject> {
    return signCredential(this.edge, (await this.publicIdentity()).did, parts)
  }

  async askFor(name: string, asked: { type: string; domain: string; issuers?: readonly string[] }): Promise<string> {
    const id = await askForCredential(this.edge, await this.contact(name), asked)
    await this.flush()
    return id
  }

  async presentations() {
    return (await this.edge.records.all('presentation')).map(({ value }) => value)
  }

  async credentials() {
    return (await this.edge.records.all('credential')).map(({ name, value }) => ({ id: name, ...value }))
  }

  recheck(id: string): Promise<Verdict & { credentials: Verdict[] }> {
    return checkAgain(this.edge, id)
  }

  check(credential: JsonObject, receipt?: AnchorReceipt): Promise<Verdict> {
    return checkCredential(this.edge, credential, receipt)
  }

  // --- what a person decides ----------------------------------------------------------------------------------------------

  async requests(): Promise<PendingRequest[]> {
    return (await this.edge.records.all('request')).map(({ value }) => value)
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

  async approve(id?: string): Promise<PendingRequest> {
    const pending = await this.request(id)
    const relationship = await this.contact(pending.relationship)
    if (pending.kind === 'credential-offer') await acceptOffer(this.edge, pending, relationship)
    else if (pending.kind === 'presentation-request') await present(this.edge, pending, relationship)
    else await answerShare(this.edge, pending, relationship, true)
    await this.flush()
    return pending
  }

  async decline(id?: string): Promise<PendingRequest> {
    const pending = await this.request(id)
    if (pending.kind === 'recovery-contact')
      await answerShare(this.edge, pending, await this.contact(pending.relationship), false)
    else await this.edge.records.commit([remove('request', pending.id)])
    await this.flush()
    return pending
  }

  // --- the outside --------------------------------------------------------------------------------------------------------

  /** Everything that waits, in both directions. Never rejects because somebody is away; the result says what waits. */
  async sync(): Promise<SyncResult> {
    const { edge } = this
    await settleRelationships(edge)
    await settleOwnSide(edge)
    await resumeOperations(edge)
    await quietly(edge, () => watchIdentities(edge), undefined)
    let handled = 0
    if ((await this.profile()).agency) {
      handled = await quietly(edge, () => emptyMailbox(edge), 0)
      await quietly(edge, () => publishPending(edge), undefined)
    }
    await quietly(edge, () => goOnVetoing(edge), undefined)
    const { sent, waiting } = await this.flush()
    await quietly(edge, () => this.recovery.carryOn(), undefined)
    await forgetHelping(edge)
    await forgetOldMessages(edge)
    return { handled, sent, waiting, operations: (await edge.records.all('operation')).length }
  }

  async flush(): Promise<{ sent: number; waiting: number }> {
    return flushOutbox(this.edge)
  }

  /** Stays connected and answers until aborted. */
  listen(signal: AbortSignal): Promise<void> {
    return listen(this.edge, () => this.sync(), signal)
  }

  /** Syncs until `look` finds something or the time (seconds since 1970) is over. */
  async waitFor<T>(look: () => Promise<T | undefined>, until: number, signal?: AbortSignal): Promise<T | undefined> {
    for (;;) {
      await this.sync()
      const found = await look()
      if (found !== undefined) return found
      if (nowSeconds(this.edge) > until) return undefined
      await this.edge.ports.clock.sleep(300, signal)
    }
  }

  /** DIDs registered before there was a cloud agent are registered with it now. */
  async announceIdentities(): Promise<void> {
    const publics = (await this.identities()).filter(({ use }) => use === 'public')
    await this.edge.records.commit(publics.map(({ did }) => queueRecipient(this.edge, did, 'add')))
    await this.flush()
  }
}

/** The network's trouble is told, not thrown. */
async function quietly<T>(edge: Edge, work: () => Promise<T>, otherwise: T): Promise<T> {
  try {
    return await work()
  } catch (error) {
    const { code, message } = error as { code?: string; message: string }
    if (code === undefined || code === 'WALLET_LOCKED' || code === 'DISK_FULL') throw error
    edge.ports.onEvent?.({ kind: 'waiting', text: message })
    return otherwise
  }
}
