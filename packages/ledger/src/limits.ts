/** Operations in one block: at 4 KiB each a megabyte, and well under a second to verify. */
export const MAX_BLOCK_OPERATIONS = 500

/** Of them kept for operations that protect an owner (rule 15): a flood of others leaves room for 50 vetoes a block. */
export const RESERVED_BLOCK_OPERATIONS = 50

/** Operations that may wait for a block before new ones are turned away. */
export const MAX_WAITING_OPERATIONS = 5_000

/** Milliseconds that a block works before whoever waits for a read gets a turn. */
export const TURN_MILLISECONDS = 3

/** Heights after which a block's header is dropped: 70 MB of them, for clients whose checkpoint is that old. */
export const KEEP_BLOCKS = 100_000

/** Earlier heights whose state can be read and proven: a reader needs one or two, the rest is for one that was held up. */
export const VERSIONS_KEPT = 16

/** Milliseconds an idle connection is kept: longer than clients keep theirs, so that none is closed just as it is used again. */
export const KEEP_ALIVE_MS = 65_000

/** Bytes of a block part: CometBFT's BlockPartSizeBytes. */
export const BLOCK_PART_BYTES = 65_536

/** Entries of a history that one answer carries. */
export const MAX_HISTORY_ENTRIES = 10_000

/** Bytes at which a chunk of a snapshot is closed: CometBFT carries 16 MB at most, and a refused chunk should cost little. */
export const SNAPSHOT_CHUNK_BYTES = 2 * 1024 * 1024

/** Chunks of a snapshot: their hashes must fit into CometBFT's 4 MB message; 80,000 are 160 GB of state. */
export const MAX_SNAPSHOT_CHUNKS = 80_000

/** Bytes of a snapshot's metadata: the hashes of all chunks. */
export const MAX_SNAPSHOT_METADATA_BYTES = 4_000_000

/** Bytes of one record: the largest state in base64, or the largest submission. */
export const MAX_SNAPSHOT_RECORD_BYTES = 64 * 1024

/** Submissions in one transaction of a network: enough that transport and gossip cost little for each. */
export const MAX_ENVELOPE_SUBMISSIONS = 64

/** Bytes of such a transaction, well under CometBFT's megabyte. */
export const MAX_ENVELOPE_BYTES = 512 * 1024

/** Operations in one block of a network: well under a second to execute, so that no round times out. */
export const MAX_NETWORK_BLOCK_OPERATIONS = 2_000

/** Parsed submissions a validator remembers between checking, proposing and executing them: a full mempool, about 100 MB. */
export const REMEMBER_SUBMISSIONS = 30_000

/** Of the queue, kept for the same: who floods a node does not shut out a veto. */
export const RESERVED_WAITING_OPERATIONS = 500

/** Seconds in which a node promises to bring an operation into the log: many blocks even of a network that changes proposers. */
export const INCLUSION_SECONDS = 60

/** Milliseconds after which a submission is answered with its receipt alone: well before a client's own timeout of 20 s. */
export const ANSWER_WITHIN_MS = 10_000

/** Zero bits of work for a DID where a node asks for work and names no number: a second or two of one core. */
export const DEFAULT_WORK_BITS = 18

/** DIDs that a sponsor may stamp in a day at one node: a large agency's busiest. */
export const SPONSOR_QUOTA_PER_DAY = 1000

/** Bytes of the options of one resolution: a handful of short texts. */
export const MAX_OPTIONS_BYTES = 4096

/** Faults that `fsck` names: a disk with more is to be replaced, not read. */
export const MAX_FAULTS = 1_000

/** Entries that one page of an export carries: about two megabytes, executed in a second by a mirror. */
export const EXPORT_PAGE_ENTRIES = 1_000

/** Bytes of a line of an export: the largest submission, or a head with 128 signatures and the network's leaves. */
export const MAX_EXPORT_LINE_BYTES = 256 * 1024

/** Mirrors that follow one node: each costs a socket and a page in memory. */
export const MAX_EXPORT_STREAMS = 64

/** Files of a validator's backup: CometBFT's databases have a file for each two megabytes. */
export const MAX_VALIDATOR_FILES = 100_000

/** Witnesses of one node: each is asked for every new checkpoint. */
export const MAX_WITNESSES = 32

/** Blocks that CometBFT keeps: those that evidence may still name (`max_age_num_blocks` of our genesis). */
export const KEEP_NETWORK_BLOCKS = 100_000

/** Snapshots that a validator keeps: the newest, and the one that somebody may be fetching. */
export const KEEP_SNAPSHOTS = 2

/** Blocks between two snapshots: minutes of a busy chain, hours of an idle one. */
export const SNAPSHOT_EVERY_BLOCKS = 1_000

/** Of what a process of a validator said before it ended, for the error: lines, and characters of each. */
export const LAST_LINES = 5
export const LAST_LINE_CHARACTERS = 200
