/** Nesting depth of any JSON we accept: deeper input is an attack on recursive code, never a real record. */
export const MAX_JSON_DEPTH = 32

/** Characters of a DID or DID URL: the long form of did:peer:4 carries a whole document, nothing needs more. */
export const MAX_DID_LENGTH = 32 * 1024
