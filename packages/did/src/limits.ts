/** Verification methods and services in one document: a person has tens of devices, not hundreds. */
export const MAX_METHODS = 64
export const MAX_SERVICES = 32

/** Bytes of a DID document, ours or others'. */
export const MAX_DOCUMENT_BYTES = 64 * 1024
