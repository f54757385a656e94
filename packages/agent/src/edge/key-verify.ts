/**
 * Proof that a peer holds the keys of a relationship, and of the public DID they told, now (flow S3): over the mailbox, by
 * itself after connecting and after a rotation, or by hand when there is no way to send.
 */
import { base64url, isKeysteadError, type JsonObject } from '@keystead/core'
import { type AgreementKey, hmacSha256 } from '@keystead/crypto'
import { type DidDocument, didOf, peerShortForm, resolvePeer4, verificationMethods } from '@keystead/did'
import { deriveDocument } from '@keystead/did-dkms'
import { CHALLENGE_SECONDS, CHALLENGE_TRIES } from '../limits.ts'
import { type AskedKey, judgeResponse, type Verdict, type VerdictReason } from '../protocols/key-verify/judge.ts'
import {
  agreementToken,
  type Challenge,
  type ChallengeResponse,
  KEY_CHALLENGE,
  KEY_RESPONSE,
  type KeyProof,
  parseChallenge,
  parseResponse,
  type TokenProof,
  transcript,
} from '../protocols/key-verify/messages.ts'
import { type Edge, fault, isReachable, nowSeconds, tell, toPeer } from './context.ts'
import { heldIdentity, identitySigner } from './identities.ts'
import type { Incoming } from './inbox.ts'
import { X25519 } from './key-types.ts'
import { deviceList } from './own-devices/list.ts'
import { ownDid, signerOf } from './own-dids.ts'
import type { ChallengeRecord, OwnDid, Relationship } from './records.ts'
import { lookUpHistory, lookUpState } from './resolution/lookup.ts'
import { strangeEntry } from './self-monitoring.ts'
import { type Change, put } from './store.ts'

/** A new challenge for a connected peer, with the change that remembers it. */
export async function makeChallenge(
  edge: Edge,
  relationship: Relationship,
  { seconds = CHALLENGE_SECONDS, tries }: { seconds?: number; tries?: number } = {},
): Promise<{ challenge: Challenge; change: Change }> {
  const { peer } = relationship
  if (relationship.status !== 'connected' || !peer)
    throw fault('NOT_ALLOWED_NOW', `${relationship.label || 'the contact'} is not connected`)
  const ephemeral = await edge.ports.keys.ephemeral(X25519)
  const challenge: Challenge = {
    nonce: base64url.encode(edge.ports.random(32)),
    audience: relationship.mine.state.now.did,
    purpose: 'key-verification',
    expires: nowSeconds(edge) + seconds,
    head: peer.state.now.head,
    epk: base64url.encode(ephemeral.publicKey.bytes),
    ...(peer.publicDid === undefined ? {} : { did: peer.publicDid }),
  }
  // Where the ledger is away, only the keys of the relationship are asked for a token.
  const published = peer.publicDid === undefined ? undefined : await publicDocument(edge, peer.publicDid).catch(ifAway)
  const documents = [resolvePeer4(peer.state.now.doc, 'short'), ...(published ? [published.document] : [])]
  const tokens = await Promise.all(documents.map((document) => tokensOf(document, challenge, ephemeral)))
  ephemeral.destroy()
  const record: ChallengeRecord = {
    relationship: relationship.id,
    challenge,
    tokens: tokens.flat(),
    ...(tries === undefined ? {} : { tries }),
  }
  return { challenge, change: put('challenge', challenge.nonce, record) }
}

function ifAway(error: unknown): undefined {
  if (!isKeysteadError(error)) throw error
  return undefined
}

async function tokensOf(document: DidDocument, challenge: Challenge, ephemeral: AgreementKey) {
  const tokens: { did: string; kid: string; token: string }[] = []
  for (const { id: kid, publicKey } of verificationMethods(document, 'keyAgreement')) {
    if (publicKey.suite !== 'x25519') continue
    const shared = await ephemeral.agree({ suite: 'x25519', bytes: publicKey.bytes })
    tokens.push({ did: document.id, kid, token: base64url.encode(agreementToken(shared, challenge, kid)) })
  }
  return tokens
}

/** Sends a challenge; the answer comes through the inbox. */
export async function sendChallenge(edge: Edge, relationship: Relationship, seconds?: number): Promise<Challenge> {
  const { challenge, changes } = await challengePeer(edge, relationship, seconds === undefined ? {} : { seconds })
  await edge.records.commit(changes)
  return challenge
}

/** KEYVERIFY-7: asked without a person, when keys are new to us. */
export async function challengeByItself(edge: Edge, relationship: Relationship, tries = 1): Promise<Change[]> {
  if (!isReachable(relationship)) return []
  return (await challengePeer(edge, relationship, { tries })).changes
}

async function challengePeer(edge: Edge, relationship: Relationship, options: { seconds?: number; tries?: number }) {
  const { challenge, change } = await makeChallenge(edge, relationship, options)
  const message = toPeer(edge, relationship, {
    type: KEY_CHALLENGE,
    body: { ...challenge } as JsonObject,
    thid: challenge.nonce,
    // Not told as `expires_time`: the peer's clock may be wrong, ours judges.
    dropAfter: challenge.expires,
  })
  return { challenge, changes: [change, message] }
}

/** Our answer: every key that the challenge asks for answers for the same transcript. */
export async function answerChallenge(
  edge: Edge,
  relationship: Relationship,
  challenge: Challenge,
): Promise<ChallengeResponse> {
  const { did, head } = relationship.mine.state.now
  const pairwise = await ownDid(edge, did)
  if (!pairwise) throw fault('UNKNOWN_DID', 'this DID is not ours')
  const proofs = [await proofBy(challenge, head, did, await signerOf(edge, did))]
  const tokens = [await tokenBy(edge, challenge, head, pairwise)]
  const common = { nonce: challenge.nonce, audience: challenge.audience, head, proofs, tokens }
  // The public DID is proven only to whom it was told.
  if (challenge.did === undefined || challenge.did !== relationship.told) return common
  // Another device of ours holds its keys, and answers for them.
  if (!(await edge.records.get('identity-keys', challenge.did)) && (await deviceList(edge))) return common
  const { identity } = await heldIdentity(edge, challenge.did)
  const published = await ownDid(edge, challenge.did)
  proofs.push(await proofBy(challenge, head, challenge.did, await identitySigner(edge, challenge.did)))
  if (published) tokens.push(await tokenBy(edge, challenge, head, published))
  return { ...common, seq: identity.seq }
}

async function proofBy(
  challenge: Challenge,
  head: string,
  did: string,
  { kid, key }: { kid: string; key: { sign(message: Uint8Array): Promise<Uint8Array> } },
): Promise<KeyProof> {
  return { kid, signature: base64url.encode(await key.sign(transcript(challenge, { did, head, kid }))) }
}

async function tokenBy(edge: Edge, challenge: Challenge, head: string, own: OwnDid): Promise<TokenProof> {
  const kid = `${own.did}#${own.keyAgreement.fragment}`
  const key = await edge.ports.vault.key(own.keyAgreement.keyId, X25519)
  const shared = await key.agree({ suite: 'x25519', bytes: base64url.decode(challenge.epk) })
  const token = agreementToken(shared, challenge, kid)
  return { kid, mac: base64url.encode(hmacSha256(token, transcript(challenge, { did: own.did, head, kid }))) }
}

export async function onChallenge(edge: Edge, { message, relationship }: Incoming): Promise<Change[]> {
  const challenge = parseChallenge(message.body)
  if (!relationship || challenge.audience !== relationship.peer?.state.now.did)
    throw fault('BAD_MESSAGE', 'the challenge was made for somebody else')
  const strange = strangeEntry(edge, relationship, challenge.head)
  const response = await answerChallenge(edge, relationship, challenge)
  tell(edge, {
    kind: 'challenge-answered',
    text: `proved our keys to ${relationship.label}`,
    relationship: relationship.id,
  })
  const answer = toPeer(edge, relationship, {
    type: KEY_RESPONSE,
    body: JSON.parse(JSON.stringify(response)) as JsonObject,
    thid: message.thid ?? message.id,
  })
  return [...strange, answer]
}

export async function onResponse(edge: Edge, { message, relationship, senderKid }: Incoming): Promise<Change[]> {
  const response = parseResponse(message.body)
  if (!relationship) return []
  return (await judge(edge, relationship, response, senderKid)).changes
}

/** Judges an answer, however it came. Of several devices each answers for its own keys; no key answers twice. */
export async function judge(
  edge: Edge,
  relationship: Relationship,
  response: ChallengeResponse,
  senderKid?: string,
): Promise<{ verdict: Verdict; changes: Change[] }> {
  const record = await edge.records.get('challenge', response.nonce)
  const ours = record?.relationship === relationship.id ? record : undefined
  const { keys, notAsked, seq } = await askedKeys(edge, relationship, ours)
  const { peer } = relationship
  const verdict = judgeResponse(response, {
    challenge: ours?.challenge,
    before: ours?.verdict,
    head: peer?.state.now.head ?? '',
    formerHeads: (peer?.former ?? []).map(({ head }) => head),
    seq,
    keys,
    notAsked,
    formerKids: await formerKids(edge, relationship, response, keys),
    sender: senderKid === undefined ? undefined : shortKid(senderKid),
    now: nowSeconds(edge),
  })
  const changes: Change[] = []
  if (ours && !(verdict.result === 'failed' && verdict.reason === 'replayed'))
    changes.push(put('challenge', response.nonce, { ...ours, response, verdict } satisfies ChallengeRecord))
  const at = nowSeconds(edge)
  if (verdict.result === 'proven')
    changes.push(put('relationship', relationship.id, { ...relationship, verified: { at, kids: verdict.kids } }))
  else if (verdict.reason === 'rolled-back')
    changes.push(put('relationship', relationship.id, { ...relationship, blocked: { why: 'rolled-back', at } }))
  else if (verdict.reason === 'late' && ours?.tries !== undefined && ours.tries < CHALLENGE_TRIES)
    changes.push(...(await challengeByItself(edge, relationship, ours.tries + 1)))
  report(edge, relationship, verdict)
  return { verdict, changes }
}

/** For people, who may have been offline themselves; the reason stays beside it, for those who look it up (KEYVERIFY-5). */
const WHY: Readonly<Record<VerdictReason, string>> = {
  'unknown-challenge': 'the answer is to a question that was not asked',
  replayed: 'the question was answered before',
  late: 'the answer came too late',
  'wrong-audience': 'the answer is for somebody else',
  'rolled-back': 'the answer is from before a change of keys',
  'stale-state': 'the answer is by another view of their keys than ours',
  revoked: 'a key answered that was replaced meanwhile',
  'no-proof': 'a key that had to answer did not',
  'wrong-key': 'a key answered that is not theirs',
}

function report(edge: Edge, { id, label }: Relationship, verdict: Verdict): void {
  const proven = verdict.result === 'proven'
  const text = proven
    ? `${label} holds ${verdict.kids.length} key${verdict.kids.length === 1 ? '' : 's'} now`
    : `the keys of ${label} were not proven: ${WHY[verdict.reason]} (${verdict.reason})`
  tell(edge, { kind: proven ? 'keys-proven' : 'keys-not-proven', text, relationship: id })
}

/** The peer's keys as their log and, for the public DID, the ledger's proof have them today. */
async function askedKeys(
  edge: Edge,
  { peer }: Relationship,
  record: ChallengeRecord | undefined,
): Promise<{ keys: AskedKey[]; notAsked: Set<string>; seq?: number }> {
  if (!peer || !record || peer.state.status !== 'active') return { keys: [], notAsked: new Set() }
  const documents = [resolvePeer4(peer.state.now.doc, 'short')]
  const { did } = record.challenge
  const published = did === undefined ? undefined : await publicDocument(edge, did)
  if (published) documents.push(published.document)
  const keys = documents.flatMap((document): AskedKey[] => {
    const agreement = new Set(verificationMethods(document, 'keyAgreement').map(({ id }) => id))
    return [
      ...verificationMethods(document, 'authentication').flatMap(({ id, publicKey: { suite, bytes } }) =>
        suite === 'ed25519' || suite === 'p256' ? [{ did: document.id, kid: id, publicKey: { suite, bytes } }] : [],
      ),
      ...record.tokens
        .filter(({ kid }) => agreement.has(kid))
        .map(({ kid, token }) => ({ did: document.id, kid, token: base64url.decode(token) })),
    ]
  })
  const asked = new Set(record.tokens.map(({ kid }) => kid))
  const agreement = documents.flatMap((document) => verificationMethods(document, 'keyAgreement').map(({ id }) => id))
  const notAsked = new Set(agreement.filter((kid) => !asked.has(kid)))
  return { keys, notAsked, ...(published ? { seq: published.seq } : {}) }
}

/** From the ledger, never from a cache: a revoked key must not answer out of it. */
async function publicDocument(edge: Edge, did: string): Promise<{ document: DidDocument; seq: number }> {
  const { state, body } = await lookUpState(edge, did)
  if (!state) throw fault('UNKNOWN_DID', 'the ledger proves that the told DID does not exist')
  return { document: deriveDocument(state, body), seq: state.seq }
}

/** Of the keys that answered without being asked: those that were the peer's once. */
async function formerKids(
  edge: Edge,
  { peer }: Relationship,
  response: ChallengeResponse,
  keys: readonly AskedKey[],
): Promise<Set<string>> {
  const asked = new Set(keys.map(({ kid }) => kid))
  const strange = [...response.proofs, ...response.tokens].map(({ kid }) => kid).filter((kid) => !asked.has(kid))
  const dids = new Set((peer?.former ?? []).map(({ did }) => did))
  const former = new Set(strange.filter((kid) => dids.has(didOf(kid))))
  const publicDid = peer?.publicDid
  if (publicDid === undefined || !strange.some((kid) => didOf(kid) === publicDid)) return former
  const { history } = await lookUpHistory(edge, publicDid)
  for (const { kid } of history.keys) if (strange.includes(kid)) former.add(kid)
  return former
}

function shortKid(kid: string): string {
  return `${peerShortForm(didOf(kid))}#${kid.split('#')[1] ?? ''}`
}
