/** Operations in one block: at 4 KiB each a megabyte, and well under a second to verify. */
export const MAX_BLOCK_OPERATIONS = 500

/** Operations that may wait for a block before new ones are turned away. */
export const MAX_WAITING_OPERATIONS = 5_000

/** Heights after which the header of a block without operations is dropped. */
export const KEEP_EMPTY_BLOCKS = 10_000

/** Bytes of a block part: CometBFT's BlockPartSizeBytes. */
export const BLOCK_PART_BYTES = 65_536

/** Entries of a history that one answer carries. */
export const MAX_HISTORY_ENTRIES = 10_000
