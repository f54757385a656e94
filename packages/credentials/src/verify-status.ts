/** Opening a status list that came from anybody's hands (CREDENTIAL-12). */
import type { JsonObject } from '@keystead/core'
import { parseCredential } from './credential.ts'
import type { DidEvidence } from './evidence.ts'
import { readStatusList, type StatusList } from './status-credential.ts'
import { checkProof } from './verify-credential.ts'

/**
 * The list, if its issuer signed it with a key in use today; undefined when it is somebody else's or cannot be judged.
 * Whether it is out of date is judged with the credential. Rejects with `BAD_CREDENTIAL` or `BAD_STATUS_LIST`.
 */
export async function openStatusList(
  value: JsonObject,
  issuer: DidEvidence | null | undefined,
): Promise<StatusList | undefined> {
  const credential = parseCredential(value)
  const proven = checkProof(credential, { issuer }).every((check) => check.outcome === 'valid')
  return proven ? readStatusList(credential.document) : undefined
}
