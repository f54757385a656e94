/** DIDs of ours that live at an agency: the account with it, and one did:peer:4 for every relationship. */

import type { JsonObject } from '@keystead/core'
import { encodeMultikey, type PublicKey } from '@keystead/crypto'
import { createDidPeer2, didOf, peerShortForm } from '@keystead/did'
import type { SecretsPort, SenderPort, SigningPort } from '@keystead/didcomm'
import { type Edge, fault } from './context.ts'
import { documentOf, ownDidAt } from './device-keys.ts'
import { ED25519, X25519 } from './key-types.ts'
import type { OwnDid, OwnKey } from './records.ts'

/** A did:peer:4 whose messages go through the mediator, with the authentication key given (a relationship's own). */
export async function makePairwise(
  edge: Edge,
  authentication: { keyId: string; publicKey: PublicKey },
  mediator: string,
  relationship?: string,
): Promise<OwnDid> {
  const agreement = await edge.ports.vault.createKey(X25519, 'pairwise agreement')
  const set = { k: encodeMultikey(authentication.publicKey), agree: encodeMultikey(agreement.key.publicKey) }
  const keys = { authentication: authentication.keyId, agreement: agreement.keyId }
  return ownDidAt(0, documentOf([set], mediator), keys, relationship)
}

/** The did:peer:2 by which an agency knows us: nothing but keys, told to nobody else. */
export function makeAccount(edge: Edge): Promise<OwnDid> {
  return makeDidPeer2(edge, 'account', [])
}

/** A did:peer:2 whose messages go through the mediator: what software of others knows best. */
export async function makePlain(edge: Edge, mediator: string, correspondent: string): Promise<OwnDid> {
  const serviceEndpoint = { uri: mediator, accept: ['didcomm/v2'], routingKeys: [] }
  const own = await makeDidPeer2(edge, 'pairwise', [{ type: 'DIDCommMessaging', serviceEndpoint }])
  return { ...own, correspondent }
}

async function makeDidPeer2(edge: Edge, use: 'account' | 'pairwise', services: readonly JsonObject[]): Promise<OwnDid> {
  const { vault } = edge.ports
  const signing = await vault.createKey(ED25519, use === 'account' ? 'account authentication' : 'relationship')
  const agreement = await vault.createKey(X25519, `${use} agreement`)
  const did = createDidPeer2(
    [
      { purpose: 'E', key: agreement.key.publicKey },
      { purpose: 'V', key: signing.key.publicKey },
    ],
    services,
  )
  return {
    did,
    longForm: did,
    authentication: { fragment: 'key-2', keyId: signing.keyId },
    keyAgreement: { fragment: 'key-1', keyId: agreement.keyId },
  }
}

/** Our own DID in either form. */
export async function ownDid(edge: Edge, did: string): Promise<OwnDid | undefined> {
  const bare = didOf(did)
  return edge.records.get('own-did', bare.startsWith('did:peer:4') ? peerShortForm(bare) : bare)
}

/** Private keys for `unpack`, by the id the envelope has. */
export function secretsOf(edge: Edge): SecretsPort {
  return {
    agreementKey: async (kid) => {
      const own = await ownDid(edge, kid)
      if (!own) return undefined
      const keys = [own.keyAgreement, ...(own.replacedKeys ?? [])]
      const found = keys.find(({ fragment }) => fragment === kid.split('#')[1])
      return found && edge.ports.vault.key(found.keyId, X25519, 'process')
    },
  }
}

/** The key to send with, under the form of the DID the message names. */
export async function senderOf(edge: Edge, from: string): Promise<SenderPort> {
  const own = await requireOwn(edge, from)
  const key = await edge.ports.vault.key(own.keyAgreement.keyId, X25519)
  return { kid: kidOf(from, own.keyAgreement), key }
}

export async function signerOf(edge: Edge, did: string): Promise<SigningPort> {
  const own = await requireOwn(edge, did)
  const key = await edge.ports.vault.key(own.authentication.keyId, ED25519)
  return { kid: kidOf(did, own.authentication), key }
}

async function requireOwn(edge: Edge, did: string): Promise<OwnDid> {
  const own = await ownDid(edge, did)
  if (!own) throw fault('UNKNOWN_DID', 'this DID is not ours')
  return own
}

const kidOf = (did: string, key: OwnKey): string => `${didOf(did)}#${key.fragment}`
