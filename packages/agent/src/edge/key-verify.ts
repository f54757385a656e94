/**
 * Proof that a peer holds the keys of a relationship, and of the public DID they told, now (flow S3): over the mailbox, or
 * by hand when there is no way to send (a challenge and an answer as text, a QR code, a file).
 */
import { base64url, type JsonObject } from '@keystead/core'
import { verificationMethods } from '@keystead/did'
import { deriveDocument } from '@keystead/did-dkms'
import { CHALLENGE_SECONDS } from '../limits.ts'
import { judgeResponse, type Verdict } from '../protocols/key-verify/judge.ts'
import {
  type Challenge,
  type ChallengeResponse,
  KEY_CHALLENGE,
  KEY_RESPONSE,
  type KeyProof,
  parseChallenge,
  parseResponse,
  transcript,
} from '../protocols/key-verify/messages.ts'
import { type Edge, fault, nowSeconds, tell, toPeer } from './context.ts'
import { identitySigner } from './identities.ts'
import type { Incoming } from './inbox.ts'
import { signerOf } from './own-dids.ts'
import type { ChallengeRecord, Relationship } from './records.ts'
import { type Change, put } from './store.ts'

/** A new challenge for a connected peer, with the change that remembers it. */
export function makeChallenge(
  edge: Edge,
  relationship: Relationship,
  seconds = CHALLENGE_SECONDS,
): { challenge: Challenge; change: Change } {
  const { peer } = relationship
  if (relationship.status !== 'connected' || !peer)
    throw fault('NOT_ALLOWED_NOW', `${relationship.label || 'the contact'} is not connected`)
  const challenge: Challenge = {
    nonce: base64url.encode(edge.ports.random(32)),
    audience: relationship.mine.state.now.did,
    purpose: 'key-verification',
    expires: nowSeconds(edge) + seconds,
    head: peer.state.now.head,
    ...(peer.publicDid === undefined ? {} : { did: peer.publicDid }),
  }
  return { challenge, change: put('challenge', challenge.nonce, { relationship: relationship.id, challenge }) }
}

/** Sends a challenge; the answer comes through the inbox. */
export async function sendChallenge(edge: Edge, relationship: Relationship, seconds?: number): Promise<Challenge> {
  const { challenge, change } = makeChallenge(edge, relationship, seconds)
  const message = toPeer(edge, relationship, {
    type: KEY_CHALLENGE,
    body: { ...challenge } as JsonObject,
    thid: challenge.nonce,
    expires: challenge.expires,
  })
  await edge.records.commit([change, message])
  return challenge
}

/** Our answer: every key that the challenge asks for signs the same transcript. */
export async function answerChallenge(
  edge: Edge,
  relationship: Relationship,
  challenge: Challenge,
): Promise<ChallengeResponse> {
  const { did, head } = relationship.mine.state.now
  const proofs: KeyProof[] = []
  const prove = async (
    subject: string,
    signer: { kid: string; key: { sign(message: Uint8Array): Promise<Uint8Array> } },
  ) => {
    const signed = transcript(challenge, { did: subject, head, kid: signer.kid })
    proofs.push({ kid: signer.kid, signature: base64url.encode(await signer.key.sign(signed)) })
  }
  await prove(did, await signerOf(edge, did))
  // The public DID is proven only to whom it was told.
  if (challenge.did !== undefined && challenge.did === relationship.told)
    await prove(challenge.did, await identitySigner(edge, challenge.did))
  return { nonce: challenge.nonce, audience: challenge.audience, head, proofs }
}

export async function onChallenge(edge: Edge, { message, relationship }: Incoming): Promise<Change[]> {
  const challenge = parseChallenge(message.body)
  if (!relationship || challenge.audience !== relationship.peer?.state.now.did)
    throw fault('BAD_MESSAGE', 'the challenge was made for somebody else')
  const response = await answerChallenge(edge, relationship, challenge)
  tell(edge, {
    kind: 'challenge-answered',
    text: `proved our keys to ${relationship.label}`,
    relationship: relationship.id,
  })
  return [
    toPeer(edge, relationship, {
      type: KEY_RESPONSE,
      body: { ...response, proofs: response.proofs.map((proof) => ({ ...proof })) },
      thid: message.thid ?? message.id,
      expires: challenge.expires,
    }),
  ]
}

export async function onResponse(edge: Edge, { message, relationship }: Incoming): Promise<Change[]> {
  const response = parseResponse(message.body)
  if (!relationship) return []
  return (await judge(edge, relationship, response)).changes
}

/** Judges an answer, however it came. The first judgement of a challenge is kept; a second answer is a replay. */
export async function judge(
  edge: Edge,
  relationship: Relationship,
  response: ChallengeResponse,
): Promise<{ verdict: Verdict; changes: Change[] }> {
  const record = await edge.records.get('challenge', response.nonce)
  const ours = record?.relationship === relationship.id ? record : undefined
  const verdict = judgeResponse(response, {
    challenge: ours?.challenge,
    used: ours?.verdict !== undefined,
    head: relationship.peer?.state.now.head ?? '',
    keys: await expectedKeys(edge, relationship, ours?.challenge),
    now: nowSeconds(edge),
  })
  const changes: Change[] = []
  if (ours && !ours.verdict)
    changes.push(put('challenge', response.nonce, { ...ours, response, verdict } satisfies ChallengeRecord))
  if (verdict.result === 'proven')
    changes.push(
      put('relationship', relationship.id, { ...relationship, verified: { at: nowSeconds(edge), kids: verdict.kids } }),
    )
  const text =
    verdict.result === 'proven'
      ? `${relationship.label} holds ${verdict.kids.length} key${verdict.kids.length === 1 ? '' : 's'} now`
      : `the keys of ${relationship.label} were not proven: ${verdict.reason}`
  tell(edge, {
    kind: verdict.result === 'proven' ? 'keys-proven' : 'keys-not-proven',
    text,
    relationship: relationship.id,
  })
  return { verdict, changes }
}

/** The peer's keys as their log and, for the public DID, the ledger's proof have them today. */
async function expectedKeys(edge: Edge, relationship: Relationship, challenge: Challenge | undefined) {
  const { peer } = relationship
  if (!peer || !challenge || peer.state.status !== 'active') return []
  const { didDocument } = await edge.resolver.resolve(peer.state.now.did)
  const documents = didDocument ? [didDocument] : []
  if (challenge.did !== undefined) {
    const read = await edge.ports.ledger.resolve(challenge.did)
    if (!read.state) throw fault('UNKNOWN_DID', 'the ledger proves that the told DID does not exist')
    documents.push(deriveDocument(read.state, read.body))
  }
  return documents.flatMap((document) =>
    verificationMethods(document, 'authentication').flatMap(({ id, publicKey }) =>
      publicKey.suite === 'ed25519' || publicKey.suite === 'p256'
        ? [{ did: document.id, kid: id, publicKey: { suite: publicKey.suite, bytes: publicKey.bytes } }]
        : [],
    ),
  )
}
