/** The DID document as it follows from state and body (DKMS-30), and what the resolution metadata says about it. */
import type { JsonObject } from '@keystead/core'
import { decodeMultikey } from '@keystead/crypto'
import { type DidDocument, multikeyMethod, RELATIONSHIPS } from '@keystead/did'
import { keyDigestOf } from './identifier.ts'
import type { DidState } from './state.ts'
import { endOf } from './time.ts'
import type { Body, BodyKey, Purpose } from './types.ts'

/** Every key of the document with its purposes: those of the body, and authority keys that weigh something. */
export function documentKeys(state: Pick<DidState, 'auth'>, body: Body): BodyKey[] {
  const purposes = new Map<string, Set<Purpose>>()
  for (const { k, w } of state.auth.keys) if (w > 0) purposes.set(k, new Set(['capabilityInvocation']))
  for (const key of body.keys) {
    const own = purposes.get(key.k) ?? new Set<Purpose>()
    for (const purpose of key.purposes) own.add(purpose)
    purposes.set(key.k, own)
  }
  return [...purposes].map(([k, set]) => ({ k, purposes: RELATIONSHIPS.filter((name) => set.has(name)) }))
}

/** DID URL of a key: the fragment is its digest. */
export function keyUrl(did: string, multikey: string): string {
  return `${did}#${keyDigestOf(multikey)}`
}

/** `body` must be the one whose hash the state holds; a deactivated DID has neither keys nor services. */
export function deriveDocument(state: DidState, body: Body | undefined): DidDocument {
  const context = ['https://www.w3.org/ns/did/v1', 'https://w3id.org/security/multikey/v1']
  if (state.status === 'deactivated' || !body) return { '@context': context, id: state.did } as unknown as DidDocument
  const keys = documentKeys(state, body)
  const related = Object.fromEntries(
    RELATIONSHIPS.flatMap((name) => {
      const urls = keys.filter((key) => key.purposes.includes(name)).map((key) => keyUrl(state.did, key.k))
      return urls.length > 0 ? [[name, urls]] : []
    }),
  )
  return {
    '@context': context,
    id: state.did,
    verificationMethod: keys.map((key) => multikeyMethod(state.did, decodeMultikey(key.k), keyDigestOf(key.k))),
    ...related,
    ...(body.services.length === 0
      ? {}
      : { service: body.services.map((service) => ({ ...service, id: `${state.did}#${service.id}` })) }),
  } as unknown as DidDocument
}

/** Of a settled state. Times as XML dateTime; members of ours under `dkms`. */
export function documentMetadata(state: DidState, lost: number): JsonObject {
  const { pending, held } = state.recovery
  return {
    created: iso(state.created),
    updated: iso(state.updated),
    versionId: `${state.seq}-${state.head}`,
    ...(state.status === 'deactivated' ? { deactivated: true } : {}),
    dkms: {
      seq: state.seq,
      recoveryEpoch: state.recovery.epoch,
      recoveryPaths: state.recovery.entries.length,
      vetoesLeft: state.recovery.vetoesLeft,
      ...(pending ? { recoveryPendingUntil: iso(endOf(pending, lost)) } : {}),
      ...(held ? { recoveryChangeHeldUntil: iso(endOf(held, lost)) } : {}),
      ...(state.deactivation ? { deactivationHeldUntil: iso(endOf(state.deactivation, lost)) } : {}),
      compromises: state.compromises.map(({ seq, since, at }) => ({ seq, since: iso(since), at: iso(at) })),
    },
  }
}

function iso(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace('.000Z', 'Z')
}
