/** Credentials and key proofs beside the signature each cannot do without. */

import { base64url, systemRandom } from '@keystead/core'
import { verifyCredential } from '@keystead/credentials'
import { nodeKeyProvider } from '@keystead/crypto/node'
import { judgeResponse } from '../../packages/agent/src/protocols/key-verify/judge.ts'
import { type Challenge, transcript } from '../../packages/agent/src/protocols/key-verify/messages.ts'
import { NOW, Party } from '../../packages/credentials/src/testing/party.ts'
import { type Budget, compare, type Row } from '../measure.ts'
import { rawSign, rawVerify } from '../raw.ts'

export async function credentials(budget: Budget): Promise<Row[]> {
  const issuer = await Party.create('QmIssuer')
  const credential = await issuer.issue('did:dkms:aaaaaaaaaaaaaaaa:QmSubject')
  const context = { issuer: issuer.evidence(), now: NOW }
  const key = await nodeKeyProvider().ephemeral({ kind: 'signing', suite: 'ed25519' })
  const publicKey = { suite: 'ed25519', bytes: key.publicKey.bytes } as const
  const challenge: Challenge = {
    nonce: base64url.encode(systemRandom(32)),
    audience: 'did:peer:4zQmAudience',
    purpose: 'key-verification',
    expires: NOW + 60,
    head: 'QmHead',
    epk: base64url.encode(systemRandom(32)),
  }
  const kid = 'did:peer:4zQmSubject#auth'
  const did = 'did:peer:4zQmSubject'
  const signed = transcript(challenge, { did, head: challenge.head, kid })
  const proofs = [{ kid, signature: base64url.encode(await key.sign(signed)) }]
  const response = { nonce: challenge.nonce, audience: challenge.audience, head: challenge.head, proofs, tokens: [] }
  const keys = [{ did, kid, publicKey }]
  const facts = { challenge, head: challenge.head, formerHeads: [], formerKids: new Set<string>(), keys, now: NOW }
  return [
    await compare(budget, {
      area: 'credentials',
      what: 'issue (eddsa-jcs-2022)',
      ours: () => issuer.issue('did:dkms:aaaaaaaaaaaaaaaa:QmSubject'),
      baseline: { name: 'raw Ed25519 sign', work: rawSign },
    }),
    await compare(budget, {
      area: 'credentials',
      what: 'verify (eddsa-jcs-2022)',
      ours: () => verifyCredential(credential, context),
      baseline: { name: 'raw Ed25519 verify', work: rawVerify },
    }),
    await compare(budget, {
      area: 'key-verify',
      what: 'judge an answer, one key',
      ours: () => judgeResponse(response, facts),
      baseline: { name: 'raw Ed25519 verify', work: rawVerify },
    }),
  ]
}
