/** The devices' key sets in a did:peer:2 of ours (DEVICE-17): of each device an agreement key and one that authenticates, in this order. */
import { decodeMultikey, encodeMultikey } from '@keystead/crypto'
import { createDidPeer2, verificationMethods } from '@keystead/did'
import { MAX_RECIPIENT_DID } from '../../limits.ts'
import type { PlainSet } from '../../protocols/own-devices/correspondents.ts'
import { type Edge, fault } from '../context.ts'
import { ED25519, X25519 } from '../key-types.ts'
import type { OwnDid } from '../records.ts'

interface StandingSet extends PlainSet {
  readonly fragments: { readonly auth: string; readonly agree: string }
}

/** Throws `UNKNOWN_DID`. */
export async function plainSets(edge: Edge, did: string): Promise<StandingSet[]> {
  const { didDocument } = await edge.resolver.resolve(did)
  if (!didDocument) throw fault('UNKNOWN_DID', 'a DID of ours does not resolve')
  const auth = verificationMethods(didDocument, 'authentication')
  return verificationMethods(didDocument, 'keyAgreement').flatMap((agree, place) => {
    const other = auth[place]
    if (!other) return []
    const fragments = { auth: other.id.split('#')[1] ?? '', agree: agree.id.split('#')[1] ?? '' }
    return [{ auth: encodeMultikey(other.publicKey), agree: encodeMultikey(agree.publicKey), fragments }]
  })
}

/** The DID of these sets; of those that would make it longer than an agency takes the last are left out. */
export function plainDid(
  sets: readonly PlainSet[],
  mediator: string,
): { readonly did: string; readonly sets: readonly PlainSet[] } {
  const serviceEndpoint = { uri: mediator, accept: ['didcomm/v2'], routingKeys: [] }
  const keys = sets.flatMap(({ auth, agree }) => [
    { purpose: 'E' as const, key: decodeMultikey(agree) as never },
    { purpose: 'V' as const, key: decodeMultikey(auth) as never },
  ])
  const did = createDidPeer2(keys, [{ type: 'DIDCommMessaging', serviceEndpoint }])
  return did.length > MAX_RECIPIENT_DID && sets.length > 1 ? plainDid(sets.slice(0, -1), mediator) : { did, sets }
}

export interface PlainKeys {
  readonly set: PlainSet
  readonly authentication: string
  readonly agreement: string
}

export async function makePlainKeys(edge: Edge): Promise<PlainKeys> {
  const authentication = await edge.ports.vault.createKey(ED25519, 'relationship')
  const agreement = await edge.ports.vault.createKey(X25519, 'pairwise agreement')
  const set = {
    auth: encodeMultikey(authentication.key.publicKey),
    agree: encodeMultikey(agreement.key.publicKey),
  }
  return { set, authentication: authentication.keyId, agreement: agreement.keyId }
}

/** A did:peer:2 of ours as this device, with its own keys, answers for it. Undefined where it is not in it. */
export async function plainOwn(edge: Edge, did: string, correspondent: string): Promise<OwnDid | undefined> {
  const ids = new Map<string, string>()
  for (const { keyId, publicKey, purpose, state } of await edge.ports.vault.keys())
    if (state !== 'destroyed' && (purpose === 'relationship' || purpose === 'pairwise agreement'))
      ids.set(encodeMultikey(publicKey), keyId)
  for (const { auth, agree, fragments } of await plainSets(edge, did)) {
    const [authentication, agreement] = [ids.get(auth), ids.get(agree)]
    if (authentication === undefined || agreement === undefined) continue
    return {
      did,
      longForm: did,
      authentication: { fragment: fragments.auth, keyId: authentication },
      keyAgreement: { fragment: fragments.agree, keyId: agreement },
      correspondent,
    }
  }
  return undefined
}
