/** Bytes of a submission: a 2-of-3 rotation with a full body is about 4 KiB; room for post-quantum proofs comes with them. */
export const MAX_SUBMISSION_BYTES = 16 * 1024

/** Authority keys and pre-rotated digests: a board of directors fits. */
export const MAX_AUTH_KEYS = 16

/** Weights (rule 9): large enough for any share, small enough that sums stay exact. */
export const MAX_WEIGHT = 2 ** 16

/** Recovery paths: every pair of three groups, and as many again while groups are exchanged. */
export const MAX_RECOVERY_PATHS = 8

/** Longest a vetoed path rests, seconds: a day to set another path going, and not much more of an owner's waiting. */
export const MAX_PATH_REST = 86_400

/** Agent entries (rule 8), padding among them. */
export const MAX_AGENTS = 16

/** Bits of `caps`: eleven have names, one is free for a later protocol version. */
export const MAX_CAPABILITIES = 2 ** 12 - 1

/** Keys that used up their suspension in an authority epoch: all authority keys and all agents once. */
export const MAX_SUSPENDERS = 32

/** Keys and services of a document body. */
export const MAX_BODY_KEYS = 20
export const MAX_BODY_SERVICES = 10

/** Characters of a service id and endpoint text. */
export const MAX_SERVICE_ID = 32
export const MAX_ENDPOINT = 2048

/** Compromise marks a state remembers; the log keeps all. */
export const MAX_COMPROMISES = 8

/** Largest time we accept, seconds: the year 9999. */
export const MAX_TIME = 253_402_300_799

/** Operations of one DID. */
export const MAX_SEQ = 2 ** 31

/** Bytes of a state: two authorities of sixteen keys, three recovery sets, sixteen agents twice over, who suspended, what is being removed. */
export const MAX_STATE_BYTES = 24 * 1024

/** Validators and so signatures of a commit: with more, consensus takes seconds. */
export const MAX_VALIDATORS = 128

/** Voting power of a validator: 128 of them stay far below CometBFT's bound of 2^60. */
export const MAX_POWER = 2 ** 31

/** Entries of the list of moved power: two for each validator within a trusting period. */
export const MAX_MOVES = 2 * MAX_VALIDATORS
/** Power in one of them. */
export const MAX_MOVED = 2 ** 40

/** Protocol versions there may ever be. */
export const MAX_PROTOCOL = 1000

/** Bytes of a network leaf: 128 validators with as many changes waiting and remembered. */
export const MAX_NETWORK_LEAF_BYTES = 64 * 1024
