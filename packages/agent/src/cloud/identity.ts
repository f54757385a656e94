/** The agency's own DID, a did:peer:2 made once (what other software knows best), and its keys in a file only it reads. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { base64url, type JsonObject, systemRandom } from '@keystead/core'
import type { AgreementKey, KemKey, KeyProvider, SigningKey } from '@keystead/crypto'
import { createDidPeer2, resolveDidPeer, verificationMethods } from '@keystead/did'
import webPush from 'web-push'
import type { VapidKeys } from './push/service.ts'

export interface AgencyIdentity {
  readonly did: string
  readonly key: { readonly kid: string; readonly key: AgreementKey }
  /** Signs the agency's descriptor. */
  readonly signing: SigningKey
  /** Signs wake-ups to push services (RFC 8292). */
  readonly vapid: VapidKeys
  /** What is given into its keeping is sealed to it. */
  readonly kem: KemKey
}

interface Stored {
  readonly v: 1
  readonly url: string
  readonly did: string
  readonly authentication: string
  readonly keyAgreement: string
  /** Independent of the other two, which a quantum computer finds from the DID. Absent in files of earlier versions. */
  readonly kem?: string
  /** P-256 private and public, base64url; public is uncompressed. Absent in files of earlier versions. */
  readonly vapid?: VapidKeys
}

/** `url`: public address. When it changes the agency gets a new DID with the same keys. */
export async function openIdentity(folder: string, url: string, keys: KeyProvider): Promise<AgencyIdentity> {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const file = join(folder, 'agency-keys.json')
  const stored = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Stored) : undefined
  const fresh = (): string => base64url.encode(systemRandom(32))
  const { authentication = fresh(), keyAgreement = fresh(), kem = fresh() }: Partial<Stored> = stored ?? {}
  const { vapid = webPush.generateVAPIDKeys() }: Partial<Stored> = stored ?? {}
  const secrets = { authentication, keyAgreement, kem, vapid }
  const signing = await keys.fromSecret({ kind: 'signing', suite: 'ed25519' }, base64url.decode(secrets.authentication))
  const agreement = await keys.fromSecret(
    { kind: 'agreement', suite: 'x25519' },
    base64url.decode(secrets.keyAgreement),
  )
  const sealing = await keys.fromSecret({ kind: 'kem', suite: 'x-wing' }, base64url.decode(secrets.kem))
  const did = stored?.url === url ? stored.did : agencyDid(url, signing.publicKey, agreement.publicKey)
  if (did !== stored?.did || stored.kem === undefined || stored.vapid === undefined)
    writeFileSync(file, JSON.stringify({ v: 1, url, did, ...secrets } satisfies Stored), { mode: 0o600, flush: true })
  const document = resolveDidPeer(did).didDocument
  const kid = document && verificationMethods(document, 'keyAgreement')[0]?.id
  if (!kid) throw new Error('the agency key file is damaged')
  return { did, key: { kid, key: agreement }, signing, kem: sealing, vapid }
}

function agencyDid(
  url: string,
  signing: Parameters<typeof createDidPeer2>[0][number]['key'],
  agreement: typeof signing,
): string {
  const endpoint = (uri: string): JsonObject => ({
    type: 'DIDCommMessaging',
    serviceEndpoint: { uri, accept: ['didcomm/v2'], routingKeys: [] },
  })
  return createDidPeer2(
    [
      { purpose: 'E', key: agreement },
      { purpose: 'V', key: signing },
    ],
    [endpoint(`${url}/`), endpoint(`${url.replace(/^http/, 'ws')}/`)],
  )
}
