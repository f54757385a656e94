/** Verification methods and services in one document: a person has tens of devices, not hundreds. */
export const MAX_METHODS = 64
export const MAX_SERVICES = 32

/** Bytes of a DID document, ours or others'. */
export const MAX_DOCUMENT_BYTES = 64 * 1024

/** Entries of a did:webvh log, its bytes and those of its witnesses' proofs: an organization that rotates monthly for decades. */
export const MAX_WEBVH_ENTRIES = 1000
export const MAX_WEBVH_LOG_BYTES = 8 * 1024 * 1024
export const MAX_WEBVH_WITNESS_BYTES = 2 * 1024 * 1024

/** Characters of one resolution option: a DID URL parameter, nothing longer. */
export const MAX_OPTION_LENGTH = 512

/** Bytes of a did:plc audit log: operations have at most 7,500 bytes each (did:plc, "Operation Serialization"). */
export const MAX_PLC_LOG_BYTES = 8 * 1024 * 1024
export const MAX_PLC_OPERATIONS = 1000
export const MAX_PLC_OPERATION_BYTES = 7500
/** The specification says 5, the directory has taken 10; each costs a verification when it is not the one. */
export const MAX_PLC_ROTATION_KEYS = 10

/** Bytes of another resolver's answer: the document and as much again of metadata. */
export const MAX_RESOLUTION_BYTES = 2 * MAX_DOCUMENT_BYTES
