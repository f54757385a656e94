/** Bytes of an entry: a did:peer:4 long form with a few keys and a mediator, and signatures. */
export const MAX_ENTRY_BYTES = 16 * 1024

/** Device keys of one party. */
export const MAX_KEYS = 16

/** Recovery paths. */
export const MAX_RECOVERY_PATHS = 8

/** Entries of one log. */
export const MAX_SEQ = 2 ** 31

/** Vetoes of a recovery epoch, as on the ledger (rule 4). */
export const VETOES = 2

/** Entries at one place that are told apart. */
export const MAX_CONFLICT = 16

/** Longest delay a party may ask the other to wait, seconds: thirty days. */
export const MAX_DELAY = 30 * 86_400
