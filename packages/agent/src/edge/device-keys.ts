/** The devices' key sets in a document of ours (RELATIONSHIP-34): one key of each that authenticates, one for agreement. */
import { multihash, utf8 } from '@keystead/core'
import { encodeMultikey, sha256 } from '@keystead/crypto'
import { createDidPeer4, resolvePeer4, verificationMethods } from '@keystead/did'
import type { Entry, Standing } from '@keystead/microledger'
import type { KeySetOffer } from '../protocols/own-devices/messages.ts'
import type { Edge } from './context.ts'
import type { OwnDid, RelationshipKeys } from './records.ts'

export interface DeviceKeys {
  readonly k: string
  readonly agree: string
  /** Digest of the key it commits to. */
  readonly next: string
}

export function keySetsOf({ doc, keys, next }: Pick<Standing, 'doc' | 'keys' | 'next'>): DeviceKeys[] {
  const agreement = verificationMethods(resolvePeer4(doc, 'short'), 'keyAgreement').map(({ publicKey }) => publicKey)
  return keys.map((k, place) => {
    const agree = agreement[place]
    return { k, agree: agree ? encodeMultikey(agree) : '', next: next[place] ?? '' }
  })
}

/** Names of the keys of the device at a place of the document; the first is as a document of one device has it. */
const fragment = (name: string, place: number): string => (place === 0 ? name : `${name}-${place + 1}`)

export function documentOf(sets: readonly Pick<DeviceKeys, 'k' | 'agree'>[], mediator: string) {
  const all = (name: string): string[] => sets.map((_, place) => `#${fragment(name, place)}`)
  const method = (name: string, place: number, publicKeyMultibase: string) => ({
    id: `#${fragment(name, place)}`,
    type: 'Multikey',
    publicKeyMultibase,
  })
  return createDidPeer4({
    '@context': ['https://www.w3.org/ns/did/v1', 'https://w3id.org/security/multikey/v1'],
    verificationMethod: sets.flatMap(({ k, agree }, place) => [
      method('auth', place, k),
      method('agree', place, agree),
    ]),
    authentication: all('auth'),
    keyAgreement: all('agree'),
    service: [
      {
        id: '#didcomm',
        type: 'DIDCommMessaging',
        serviceEndpoint: { uri: mediator, accept: ['didcomm/v2'], routingKeys: [] },
      },
    ],
  })
}

/** A document as this device, at its place in it, answers for it. */
export function ownDidAt(
  place: number,
  { shortForm, longForm }: { shortForm: string; longForm: string },
  keys: { authentication: string; agreement: string },
  relationship?: string,
): OwnDid {
  return {
    did: shortForm,
    longForm,
    authentication: { fragment: fragment('auth', place), keyId: keys.authentication },
    keyAgreement: { fragment: fragment('agree', place), keyId: keys.agreement },
    ...(relationship === undefined ? {} : { relationship }),
  }
}

/** Where this device stands in a document, with its keys by their names in the vault. Undefined where it is not in it. */
export async function placeOfOurs(
  edge: Edge,
  now: Pick<Standing, 'doc' | 'keys' | 'next' | 'did'>,
  id: string,
): Promise<{ own: OwnDid; keys: RelationshipKeys; renew: boolean } | undefined> {
  const ids = new Map<string, string>()
  for (const { keyId, publicKey, purpose, state } of await edge.ports.vault.keys())
    if (state !== 'destroyed' && (purpose === 'relationship' || purpose === 'pairwise agreement')) {
      ids.set(encodeMultikey(publicKey), keyId)
      ids.set(digestOf(encodeMultikey(publicKey)), keyId)
    }
  const sets = keySetsOf(now)
  const place = sets.findIndex(({ k, agree, next }) => ids.has(agree) && (ids.has(k) || ids.has(next)))
  const set = sets[place]
  if (!set) return undefined
  const [agreement, next] = [ids.get(set.agree), ids.get(set.next)]
  if (agreement === undefined || next === undefined) return undefined
  // After a conflict an entry may stand whose key we have given up: the one it commits to takes over at the next rotation.
  const renew = !ids.has(set.k)
  const authentication = ids.get(set.k) ?? next
  const did = { shortForm: now.did, longForm: now.doc }
  return { own: ownDidAt(place, did, { authentication, agreement }, id), keys: { id, authentication, next }, renew }
}

export function digestOf(multikey: string): string {
  return multihash.encode(sha256(utf8(multikey)))
}

/**
 * Whose the keys are after an entry: those that stayed stay with their device, a new one is of the device that offered it or at
 * whose place it was committed to, and for the rest answers who brought the entry.
 */
export function holdersAfter(
  holders: Readonly<Record<string, string>>,
  before: Pick<Standing, 'keys' | 'next'>,
  { keys }: Pick<Entry, 'keys'>,
  { offers, sender }: { offers: readonly { device: string; set: Pick<KeySetOffer, 'k'> }[]; sender: string },
): Record<string, string> {
  const holderOf = (k: string): string | undefined => {
    if (before.keys.includes(k)) return holders[k]
    const offered = offers.find(({ set }) => set.k === k)?.device
    const place = before.next.indexOf(digestOf(k))
    return offered ?? (place < 0 ? undefined : holders[before.keys[place] ?? ''])
  }
  return Object.fromEntries(keys.map((k) => [k, holderOf(k) ?? sender]))
}

/** Of what a conflict brought back: a key is of whoever took up what was committed to at its place. */
export function holdersOfBase(
  holders: Readonly<Record<string, string>>,
  { keys, next }: Pick<Standing, 'keys' | 'next'>,
): Record<string, string> {
  const later = new Map(Object.entries(holders).map(([k, holder]) => [digestOf(k), holder]))
  return Object.fromEntries(
    keys.flatMap((k, place) => {
      const holder = holders[k] ?? later.get(next[place] ?? '')
      return holder === undefined ? [] : [[k, holder]]
    }),
  )
}
