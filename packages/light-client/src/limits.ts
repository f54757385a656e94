/** Bytes of one resolution: a state, a body, two map paths, a header and 128 signatures. */
export const MAX_BUNDLE_BYTES = 256 * 1024

/** Bytes of a history: a DID that rotated a thousand times. */
export const MAX_HISTORY_BYTES = 32 * 1024 * 1024

/** Entries of a history. */
export const MAX_HISTORY_ENTRIES = 10_000

/** The network's parameters in force and to come, as a bundle shows them. */
export const MAX_NETWORK_BYTES = 16 * 1024

/** States and bodies that a reader keeps decoded, to know them again by their bytes: of the people one is in touch with today. */
export const MAX_KNOWN_STATES = 256

/** Levels of a map path: bits of a key. */
export const MAX_MAP_PATH = 256

/** Levels of a log path: 2^53 entries. */
export const MAX_LOG_PATH = 54

/** Validators and so signatures of a commit. */
export const MAX_VALIDATORS = 128

/** Voting power of a set: thrice its double is still an exact number. CometBFT allows 2^60. */
export const MAX_TOTAL_POWER = 2 ** 50

/** The year 9999, the last that Protocol Buffers' Timestamp knows. */
export const MAX_TIME_SECONDS = 253_402_300_799

/** Seconds a header may lie ahead of our clock (rule 11). */
export const MAX_AHEAD_SECONDS = 10

/** Seconds a header may be old unless the caller says otherwise: two heartbeats of an idle chain. */
export const MAX_AGE_SECONDS = 600

/** Signatures of a note: C2SP signed-note asks for at least 16; room for every validator and as many witnesses. */
export const MAX_NOTE_SIGNATURES = 256

/** Characters of a note: its signatures with long names. */
export const MAX_NOTE_BYTES = 64 * 1024

/** Bytes of a stored pin with 128 validators. */
export const MAX_PIN_BYTES = 1024 * 1024

/** Other nodes that a reader asks about each new head. */
export const MAX_OTHER_NODES = 16

/** Witnesses whom a reader may name. */
export const MAX_POLICY_WITNESSES = 64

/** Seconds that a cosignature may be old at most, whatever a reader configures: a week. */
export const MAX_WITNESS_AGE_SECONDS = 7 * 86_400

/** Light blocks fetched to get from the pin to one newer head; bisection of 2^40 blocks needs fewer. */
export const MAX_BISECTION_FETCHES = 100

/** Accepted heads that a wallet remembers beside its pin, to know its own past again. */
export const MAX_REMEMBERED_HEADS = 64

/** Bytes of a head that a peer sends along. */
export const MAX_GOSSIP_BYTES = 16 * 1024

/** Bits of work that a node may ask of a newcomer: a minute or two of one core; for more ask another node. */
export const MAX_WORK_BITS = 24
