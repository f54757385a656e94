/** Bytes of a credential or presentation: text and a small picture, never a document store. */
export const MAX_CREDENTIAL_BYTES = 64 * 1024

/** Credentials in one presentation. */
export const MAX_CREDENTIALS = 16

/** Entries of a status list: Bitstring Status List 1.0, section 3.1, asks for 131,072 at least, the herd one hides in. */
export const STATUS_LIST_ENTRIES = 131_072

/** Bytes a status list may inflate to: eight times the default, so that a bomb ends early. */
export const MAX_STATUS_LIST_BYTES = 128 * 1024

/** Levels of an anchor's Merkle path: batches of up to 2^20 credentials. */
export const MAX_ANCHOR_PATH = 20

/** Seconds by which clocks of issuer and verifier may differ. */
export const CLOCK_SKEW_SECONDS = 60
