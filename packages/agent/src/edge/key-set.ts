/** A complete new set of keys for a DID: authority, its successor, signing and agreement, with the document that shows them. */

import { encodeMultikey, keyDigest, type PublicKey, type SigningKey } from '@keystead/crypto'
import {
  type Authority,
  type Body,
  keyUrl,
  makeBody,
  type Operation,
  operationHash,
  type Submission,
} from '@keystead/did-dkms'
import { agencyOf, type Edge, profileOf } from './context.ts'
import { commitKey } from './key-life.ts'
import { ED25519, X25519 } from './key-types.ts'
import type { Identity, IdentityKeys, OwnDid } from './records.ts'

/** How long a signed operation may wait for a block. */
export const NOT_AFTER_SECONDS = 7 * 86_400

export interface KeySet {
  readonly keys: Omit<IdentityKeys, 'did'>
  readonly authority: SigningKey
  readonly body: Body
  readonly auth: Authority
  readonly fragment: string
  readonly agreement: PublicKey
}

/** `authority`: the key committed before, in a rotation; a new one otherwise. */
export async function makeKeySet(
  edge: Edge,
  use: Identity['use'],
  authority?: { keyId: string; key: SigningKey },
): Promise<KeySet> {
  const { vault, random } = edge.ports
  const current = authority ?? (await vault.createKey(ED25519, 'ledger authority'))
  const next = await commitKey(edge, 'ledger authority')
  const signing = await vault.createKey(ED25519, 'signing')
  const agreement = await vault.createKey(X25519, 'agreement')
  const { agency } = await profileOf(edge)
  const services =
    agency && use === 'public'
      ? [
          {
            id: 'didcomm',
            type: 'DIDCommMessaging',
            serviceEndpoint: { uri: (await agencyOf(edge)).did, accept: ['didcomm/v2'], routingKeys: [] },
          },
        ]
      : []
  const body = makeBody(
    [
      { k: encodeMultikey(signing.key.publicKey), purposes: ['authentication', 'assertionMethod'] },
      { k: encodeMultikey(agreement.key.publicKey), purposes: ['keyAgreement'] },
    ],
    services,
    random,
  )
  return {
    keys: { authority: current.keyId, next: next.keyId, signing: signing.keyId, agreement: agreement.keyId },
    authority: current.key,
    auth: authorityOf(current.key, next.key),
    body,
    fragment: keyDigest(signing.key.publicKey),
    agreement: agreement.key.publicKey,
  }
}

export function authorityOf(now: SigningKey, next: SigningKey): Authority {
  return {
    keys: [{ k: encodeMultikey(now.publicKey), w: 1 }],
    threshold: 1,
    next: [{ h: keyDigest(next.publicKey), w: 1 }],
    nextThreshold: 1,
  }
}

export function ownDidOf(did: string, set: KeySet): OwnDid {
  return {
    did,
    longForm: did,
    authentication: { fragment: set.fragment, keyId: set.keys.signing },
    keyAgreement: {
      fragment: keyUrl(did, encodeMultikey(set.agreement)).split('#')[1] ?? '',
      keyId: set.keys.agreement,
    },
  }
}

export function submissionOf(operation: Operation, body?: Body): Submission {
  const hash = operationHash(operation)
  return body ? { operation, body, hash } : { operation, hash }
}
