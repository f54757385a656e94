/**
 * The status list as a credential of the issuer (Bitstring Status List 1.0, section 2.2), with one member of ours:
 * `changes`, when each bit was set, so that a verifier can say since when. It tells nothing the bits do not.
 */
import { Fields, type JsonObject, KeysteadError } from '@keystead/core'
import type { SigningKey } from '@keystead/crypto'
import { parseCredential, VC_CONTEXT } from './credential.ts'
import { addProof } from './data-integrity.ts'
import type { CredentialErrorCode } from './errors.ts'
import { decodeStatusList, encodeStatusList } from './status-list.ts'

export interface StatusList {
  readonly id: string
  readonly issuer: string
  readonly validFrom: string
  readonly list: Uint8Array<ArrayBuffer>
  /** Index and time (seconds since 1970) of each revocation. */
  readonly changes: readonly { readonly index: number; readonly at: number }[]
}

export async function issueStatusList(
  status: StatusList,
  key: SigningKey,
  verificationMethod: string,
): Promise<JsonObject> {
  const document = {
    '@context': [VC_CONTEXT, 'https://www.w3.org/ns/credentials/undefined-terms/v2'],
    id: status.id,
    type: ['VerifiableCredential', 'BitstringStatusListCredential'],
    issuer: status.issuer,
    validFrom: status.validFrom,
    credentialSubject: {
      id: `${status.id}#list`,
      type: 'BitstringStatusList',
      statusPurpose: 'revocation',
      encodedList: await encodeStatusList(status.list),
      changes: status.changes,
    },
  } as unknown as JsonObject
  return addProof(document, { verificationMethod, proofPurpose: 'assertionMethod', created: status.validFrom }, key)
}

/** Reads a list; its proof is checked like any credential's. Rejects with `BAD_STATUS_LIST` or `BAD_CREDENTIAL`. */
export async function readStatusList(value: unknown): Promise<StatusList> {
  const credential = parseCredential(value)
  try {
    const subject = new Fields(credential.document['credentialSubject'], 'statusList.credentialSubject')
    subject.literal('type', 'BitstringStatusList')
    subject.literal('statusPurpose', 'revocation')
    const changes = subject.optional('changes', (f, name) =>
      f.array(name, { max: 4096 }, (item, path) => {
        const change = new Fields(item, path)
        return {
          index: change.integer('index', { min: 0, max: 2 ** 24 }),
          at: change.integer('at', { min: 0, max: Number.MAX_SAFE_INTEGER }),
        }
      }),
    )
    return {
      id: new Fields(credential.document).string('id', { max: 2048 }),
      issuer: credential.issuer,
      validFrom: credential.validFrom ?? '1970-01-01T00:00:00Z',
      list: await decodeStatusList(subject.string('encodedList', { max: 256 * 1024 })),
      changes: changes ?? [],
    }
  } catch (cause) {
    throw new KeysteadError<CredentialErrorCode>('BAD_STATUS_LIST', 'this status list cannot be read', { cause })
  }
}
