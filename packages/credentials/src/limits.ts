/** Bytes of a presentation: text and a small picture, never a document store. */
export const MAX_PRESENTATION_BYTES = 64 * 1024

/** Bytes of a credential: what is issued must fit into a presentation of it. */
export const MAX_CREDENTIAL_BYTES = 60 * 1024

/** Credentials in one presentation. */
export const MAX_CREDENTIALS = 16

/** Entries of a status list: Bitstring Status List 1.0, section 3.1, asks for 131,072 at least, the herd one hides in. */
export const STATUS_LIST_ENTRIES = 131_072

/** Bytes a status list may inflate to: eight times the default, so that a bomb ends early. */
export const MAX_STATUS_LIST_BYTES = 128 * 1024

/** Dated revocations in a status list, about 33 bytes each; beyond it the oldest lose their date, never their bit. */
export const MAX_STATUS_CHANGES = 4096

/** Bytes of a status list credential: 22 KiB for a full list of the default size, 135 KiB for its dates, and room. */
export const MAX_STATUS_CREDENTIAL_BYTES = 192 * 1024

/** Levels of an anchor's Merkle path: batches of up to 2^20 credentials. */
export const MAX_ANCHOR_PATH = 20

/** Bytes of the salt that hides a credential behind its anchor: as hard to guess as a key. */
export const ANCHOR_SALT_BYTES = 16

/** Seconds since 1970 of any time in a document: the end of the year 9999, the last that text can say. */
export const MAX_TIME = 253_402_300_799

/** Seconds by which clocks of issuer and verifier may differ. */
export const CLOCK_SKEW_SECONDS = 60
