/** Media types (DIDComm v2.1, "DIDComm Messaging message types") and the comparison RFC 7515, section 4.1.9 asks for. */
import { failure } from './errors.ts'

export const PLAINTEXT_MEDIA_TYPE = 'application/didcomm-plain+json'
export const SIGNED_MEDIA_TYPE = 'application/didcomm-signed+json'
export const ENCRYPTED_MEDIA_TYPE = 'application/didcomm-encrypted+json'

export type DidcommMediaType = typeof PLAINTEXT_MEDIA_TYPE | typeof SIGNED_MEDIA_TYPE | typeof ENCRYPTED_MEDIA_TYPE

/** True for either spelling, with `application/` or without, in any case. */
export function isMediaType(text: string, type: DidcommMediaType): boolean {
  const lower = text.toLowerCase()
  return lower === type || `application/${lower}` === type
}

/** Throws `BAD_MESSAGE` when a `typ` or `cty` is stated and says something else. */
export function checkMediaType(stated: string | undefined, type: DidcommMediaType): void {
  if (stated !== undefined && !isMediaType(stated, type))
    throw failure('BAD_MESSAGE', `the envelope says it is "${stated.slice(0, 64)}", which it is not`)
}
