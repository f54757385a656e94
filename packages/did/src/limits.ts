/** Verification methods and services in one document: a person has tens of devices, not hundreds. */
export const MAX_METHODS = 64
export const MAX_SERVICES = 32

/** Bytes of a DID document, ours or others'. */
export const MAX_DOCUMENT_BYTES = 64 * 1024

/** Entries of a did:webvh log, its bytes and those of its witnesses' proofs: an organization that rotates monthly for decades. */
export const MAX_WEBVH_ENTRIES = 1000
export const MAX_WEBVH_LOG_BYTES = 8 * 1024 * 1024
export const MAX_WEBVH_WITNESS_BYTES = 2 * 1024 * 1024
