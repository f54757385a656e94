/** Every bound of this package, with its reason. */
import { MAX_DID_LENGTH } from '@keystead/core'

/** Characters of a category: a word of the program, never of a user. */
export const MAX_CATEGORY = 128

/** Characters of a record's name, and of a tag's value: either may be a DID in its long form. */
export const MAX_NAME = MAX_DID_LENGTH

/** Characters of a tag's name: a word of the program. */
export const MAX_TAG_NAME = 128

/** Tags of a record: each is a row of the index; nothing we keep has more than a handful. */
export const MAX_TAGS = 32

/** Bytes of a record in canonical JSON: a status list or a long message fits, a film does not. */
export const MAX_RECORD_BYTES = 4 * 1024 * 1024

/** Characters of a key's owner: a DID in short form, or the name of something in the wallet. */
export const MAX_LABEL = 256

/** State changes a key's record holds: NIST's longest way has five, with many suspensions between. */
export const MAX_KEY_EVENTS = 64

/** Uses of a key that are written down ahead: so many are counted too many after a power cut, none too few. */
export const USES_AHEAD = 64

/** What makes keys here, as it is kept with each. */
export const PRODUCT = 'keystead 0.1.0'

/** Characters of a product: a name and a version. */
export const MAX_PRODUCT = 64

/** Approvers of a wallet: a board has no more, and each signature is checked. */
export const MAX_APPROVERS = 16

/** Rules of an access policy: the functions that can have one, for a handful of purposes each. */
export const MAX_ACCESS_RULES = 64

/** Characters of an approver's name. */
export const MAX_APPROVER_NAME = 64

/** Characters of the reason that people read before they approve. */
export const MAX_ACCESS_REASON = 512

/** Uses of one approval: an approver should know what they let happen. */
export const MAX_GRANT_USES = 1000

/** Milliseconds an approval may hold: who approved may have left after a month. */
export const MAX_GRANT_TIME = 30 * 86_400_000

/** Approvals that stand at a time, used up ones included until their time is over. */
export const MAX_GRANTS = 64

/** Keyslots: each one that is tried costs an Argon2id of a second, and nobody has more ways in than this. */
export const MAX_KEYSLOTS = 16

/** Bytes of a stored header or keyslot: they have a few hundred. */
export const MAX_HEADER_BYTES = 4096

/** Bytes of an unlock key of kind `raw`: less would be a password, which wants Argon2id. */
export const RAW_KEY_BYTES = 32

/** Argon2id as the recovery research measured it: half a second on a phone, 64 MiB in a browser. */
export const DEFAULT_ARGON2 = { memoryKiB: 64 * 1024, passes: 3 } as const

/**
 * The weakest Argon2id a passphrase slot may have, also when somebody else wrote the file: OWASP's least memory, and the work
 * of its 19 MiB twice over. A store must not be able to make a wallet cheap to guess.
 */
export const MIN_ARGON2 = { memoryKiB: 19 * 1024, memoryTimesPasses: 38 * 1024 } as const

/** Characters of a keyslot's label: "laptop", "blue security key". */
export const MAX_SLOT_LABEL = 64

/** Bytes of a passkey's credential id (WebAuthn level 3, section 4). */
export const MAX_CREDENTIAL_ID = 1023

/** What a file may ask of us, the same as `argon2id` of crypto will compute. */
export const MAX_ARGON2 = { memoryKiB: 1024 * 1024, passes: 64 } as const

/** Bytes of an export: a hundred thousand records of a few KiB; it is held in memory whole. */
export const MAX_EXPORT_BYTES = 512 * 1024 * 1024

/** Recipients of an export, and identities tried on one: an age header line each. */
export const MAX_EXPORT_RECIPIENTS = 16

/** scrypt work factor of an export under a passphrase, as the age command has it: 256 MiB. */
export const EXPORT_SCRYPT_LOG_N = 18

/** Characters of a stamp as text: sixteen digits, eight digits, a chain. */
export const MAX_STAMP = 64

/** The last millisecond that JavaScript's Date knows. */
export const MAX_WALL = 8_640_000_000_000_000

/** Changes of one millisecond that a stamp tells apart; beyond it the clock is moved on by one. */
export const MAX_STAMP_COUNT = 9_999_999

/** How far a stamp may be ahead of our clock: what phones differ by; more would win every conflict for ever. */
export const MAX_AHEAD_MS = 5 * 60_000

/** Batches of a chain, entries of an authority chain's numbering, data keys of a log. */
export const MAX_SEQ = 2 ** 31 - 1
export const MAX_EPOCH = 2 ** 31 - 1

/** Bytes of a batch: two messages of its size still fit a DIDComm message of 1 MiB. */
export const MAX_BATCH_BYTES = 400 * 1024

/** Bytes a batch may unpack to: a record of the largest size, and far less than memory. */
export const MAX_BATCH_PLAIN = 16 * 1024 * 1024

/** Operations of one batch: a smallest one has some eighty bytes. */
export const MAX_OPERATIONS = 100_000

/** A padded batch is never smaller: a word more or less does not show. */
export const MIN_PADDED_BATCH = 256

/** Statements of heads are all of one size until a log has many devices. */
export const MIN_PADDED_HEADS = 2048
export const MAX_HEADS_BYTES = 16 * 1024

/** Devices that a log ever had. Removed ones stay listed, so that what they wrote can be judged. */
export const MAX_CHAINS = 64

/** Recovery paths of a log: every pair of three groups, twice while two deals overlap, and some room. */
export const MAX_LOG_PATHS = 12

/** Bytes of an authority entry: a kilobyte and a half for each device and path, twice. */
export const MAX_AUTHORITY_BYTES = 300 * 1024

/** Bytes of what an authority entry says beside keys, in its sealed part: names, the recovery policy. */
export const MAX_ABOUT_BYTES = 32 * 1024
