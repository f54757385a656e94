/** The DID document as it follows from state and body (DKMS-30), and what the resolution metadata says about it. */
import type { JsonObject } from '@keystead/core'
import { decodeMultikey } from '@keystead/crypto'
import { type DidDocument, multikeyMethod, RELATIONSHIPS } from '@keystead/did'
import { keyDigestOf } from './identifier.ts'
import type { DidState } from './state.ts'
import { endOf, type Wait } from './time.ts'
import type { Body, BodyKey, BodyService, Purpose } from './types.ts'

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

/** JSON-LD contexts that define every term of the document: DID Core 1.0, Multikey, and DIDComm's where its service stands. */
const CONTEXTS = ['https://www.w3.org/ns/did/v1', 'https://w3id.org/security/multikey/v1']
const MESSAGING_CONTEXT = 'https://didcomm.org/messaging/contexts/v2'
const isMessaging = ({ type }: BodyService): boolean => type === 'DIDCommMessaging'

/** `body` must be the one whose hash the state holds; a deactivated DID has neither keys nor services. */
export function deriveDocument(state: DidState, body: Body | undefined): DidDocument {
  const context = [...CONTEXTS, ...(body?.services.some(isMessaging) ? [MESSAGING_CONTEXT] : [])]
  if (state.status === 'deactivated' || !body) return { '@context': CONTEXTS, id: state.did } as unknown as DidDocument
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

/** `<seq>-<hash>` of the newest operation, and `~1` once a delay that it began has changed the document (DKMS-32). */
export function versionIdOf(state: Pick<DidState, 'seq' | 'head' | 'settled'>): string {
  return `${state.seq}-${state.head}${state.settled === undefined ? '' : '~1'}`
}

/** Of a settled state. Times as XML dateTime; members of ours under `dkms`. */
export function documentMetadata(state: DidState, lost: number): JsonObject {
  const { pending, held } = state.recovery
  const until = (wait: Wait | undefined, name: string): JsonObject => (wait ? { [name]: iso(endOf(wait, lost)) } : {})
  return {
    created: iso(state.created),
    ...(state.seq > 0 || state.settled !== undefined ? { updated: iso(state.settled ?? state.updated) } : {}),
    versionId: versionIdOf(state),
    ...(state.status === 'deactivated' ? { deactivated: true } : {}),
    dkms: {
      seq: state.seq,
      recoveryEpoch: state.recovery.epoch,
      recoveryPaths: state.recovery.entries.length,
      vetoesLeft: state.recovery.vetoesLeft,
      agents: state.agents.length,
      ...until(pending, 'recoveryPendingUntil'),
      ...until(held, 'recoveryChangeHeldUntil'),
      ...until(state.deactivation, 'deactivationHeldUntil'),
      ...until(state.suspension, 'suspendedUntil'),
      ...(state.erased === undefined ? {} : { erasedUpTo: state.erased }),
      compromises: state.compromises.map(({ seq, since, at }) => ({ seq, since: iso(since), at: iso(at) })),
    },
  }
}

export function iso(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace('.000Z', 'Z')
}
