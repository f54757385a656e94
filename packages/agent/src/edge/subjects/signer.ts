/** With which key this device signs as a DID that was made for an issuer (CREDENTIAL-19). */
import type { SigningKey } from '@keystead/crypto'
import { CAPABILITY, capabilitiesOf, keyUrl, type Opening } from '@keystead/did-dkms'
import { type Edge, fault } from '../context.ts'
import { identitySigner } from '../identities.ts'
import { ED25519 } from '../key-types.ts'
import { requireAuthenticate } from './allowed.ts'
import { askForEntry } from './telling.ts'

export interface SubjectSigner {
  readonly kid: string
  readonly key: SigningKey
  /** Of an agent's key, which no document shows: it goes along with what it signs. */
  readonly opening?: Opening
}

/** The key of the document on the device that made the DID, its own agent's key on any other. Undefined: it has none there yet. */
export async function subjectSigner(edge: Edge, did: string): Promise<SubjectSigner | undefined> {
  if (await edge.records.get('identity-keys', did)) return identitySigner(edge, did)
  const own = await edge.records.get('subject-key', did)
  if (!own) return undefined
  const { state, at } = await edge.ports.ledger.resolve(did)
  const opening = { k: own.k, salt: own.salt }
  if (!state || (capabilitiesOf(state, opening, at.time) & CAPABILITY.AUTHENTICATE) === 0) return undefined
  return { kid: keyUrl(did, own.k), key: await edge.ports.vault.key(own.keyId, ED25519), opening }
}

/**
 * Throws `KEY_NOT_THERE_YET` where another device has still to put this one's key on the ledger, which it is asked for at once;
 * what `requireAuthenticate` throws on a device that may not.
 */
export async function requireSubjectSigner(edge: Edge, did: string): Promise<SubjectSigner> {
  const signer = await subjectSigner(edge, did)
  if (signer) return signer
  await requireAuthenticate(edge)
  await askForEntry(edge, did)
  throw fault(
    'KEY_NOT_THERE_YET',
    'the ledger does not know this device’s key for that yet: your other devices were asked to put it there; when one of them has synced, do this again',
  )
}
