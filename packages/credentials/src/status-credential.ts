/**
 * The status list as a credential of the issuer (CREDENTIAL-12; Bitstring Status List 1.0, section 2.2), with a member of ours:
 * `changes`, when each bit was set, so that a verifier can say since when. It tells nothing the bits do not.
 */
import { Fields, fail, type JsonObject, KeysteadError } from '@keystead/core'
import type { SigningKey } from '@keystead/crypto'
import { parseCredential, STATUS_LIST_TYPE, VC_CONTEXT } from './credential.ts'
import { addProof } from './data-integrity.ts'
import type { CredentialErrorCode } from './errors.ts'
import { MAX_STATUS_CHANGES, MAX_STATUS_LIST_BYTES, MAX_TIME } from './limits.ts'
import { decodeStatusList, encodeStatusList } from './status-list.ts'

export interface StatusList {
  readonly id: string
  readonly issuer: string
  readonly validFrom: string
  /** After it the list says nothing about credentials it does not revoke; without it an old list stays believable. */
  readonly validUntil?: string
  readonly list: Uint8Array<ArrayBuffer>
  /** Index and time (seconds since 1970) of each revocation, oldest first; the newest 4,096 are published. */
  readonly changes: readonly { readonly index: number; readonly at: number }[]
}

/** Rejects with `BAD_CREDENTIAL` or `BAD_STATUS_LIST` rather than sign what a verifier would refuse. */
export async function issueStatusList(
  status: StatusList,
  key: SigningKey,
  verificationMethod: string,
): Promise<JsonObject> {
  const document = {
    '@context': [VC_CONTEXT, 'https://www.w3.org/ns/credentials/undefined-terms/v2'],
    id: status.id,
    type: ['VerifiableCredential', STATUS_LIST_TYPE],
    issuer: status.issuer,
    validFrom: status.validFrom,
    ...(status.validUntil === undefined ? {} : { validUntil: status.validUntil }),
    credentialSubject: {
      id: `${status.id}#list`,
      type: 'BitstringStatusList',
      statusPurpose: 'revocation',
      encodedList: await encodeStatusList(status.list),
      changes: status.changes.slice(-MAX_STATUS_CHANGES),
    },
  } as unknown as JsonObject
  const proof = { verificationMethod, proofPurpose: 'assertionMethod', created: status.validFrom } as const
  const secured = await addProof(document, proof, key)
  await readStatusList(secured)
  return secured
}

/** Reads a list and believes it: see `openStatusList` for lists of others. Rejects with `BAD_STATUS_LIST` or `BAD_CREDENTIAL`. */
export async function readStatusList(value: unknown): Promise<StatusList> {
  const credential = parseCredential(value)
  try {
    if (!credential.types.includes(STATUS_LIST_TYPE)) fail('statusList.type', `must include ${STATUS_LIST_TYPE}`)
    const subject = new Fields(credential.document['credentialSubject'], 'statusList.credentialSubject')
    subject.literal('type', 'BitstringStatusList')
    subject.literal('statusPurpose', 'revocation')
    const changes = subject.optional('changes', (f, name) =>
      f.array(name, { max: MAX_STATUS_CHANGES }, (item, path) => {
        const change = new Fields(item, path)
        return {
          index: change.integer('index', { min: 0, max: MAX_STATUS_LIST_BYTES * 8 - 1 }),
          at: change.integer('at', { min: 0, max: MAX_TIME }),
        }
      }),
    )
    return {
      id: new Fields(credential.document).string('id', { max: 2048 }),
      issuer: credential.issuer,
      validFrom: credential.validFrom ?? '1970-01-01T00:00:00Z',
      ...(credential.validUntil === undefined ? {} : { validUntil: credential.validUntil }),
      list: await decodeStatusList(subject.string('encodedList', { max: MAX_STATUS_LIST_BYTES * 2 })),
      changes: changes ?? [],
    }
  } catch (cause) {
    throw new KeysteadError<CredentialErrorCode>('BAD_STATUS_LIST', 'this status list cannot be read', { cause })
  }
}
