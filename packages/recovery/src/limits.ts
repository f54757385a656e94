/** Every bound of this package, with its reason. */

/** SLIP-39 fields of four bits: groups, and members of a group. */
export const MAX_GROUPS = 16
export const MAX_MEMBERS = 16

/** SLIP-39 asks for at least 128 bits; no secret of ours has more than 64 bytes, so PBKDF2 stays at one block. */
export const MIN_SECRET_BYTES = 16
export const MAX_SECRET_BYTES = 64

/** 10,000 * 2^6 rounds of HMAC take seconds; the format's 15 would take hours, at the will of whoever wrote a share. */
export const MAX_ITERATION_EXPONENT = 6

/** Characters of a mnemonic: 59 words (64 bytes) of at most eight letters, with some white space. */
export const MAX_MNEMONIC_CHARACTERS = 1024

/** Group secrets, path secrets, seeds. */
export const SECRET_BYTES = 32

/** Contacts of a policy: SLIP-39's members, and as many commitments as a share packet has room for. */
export const MIN_CONTACT_THRESHOLD = 2
export const MAX_CONTACTS = MAX_MEMBERS

/** Recovery delay: 90 days, longer than any default; a longer one locks the owner out more than a thief. */
export const MAX_DELAY_SECONDS = 90 * 86_400

/** Epochs count changes of the recovery set, each held for days. */
export const MAX_EPOCH = 2 ** 31 - 1

/** Entries of a log's authority. */
export const MAX_LOG_SEQ = 2 ** 31 - 1

/** Bytes of a share packet, whatever its content, so that packets tell nothing apart. */
export const SHARE_PACKET_BYTES = 2048

/** Characters of a name shown to people, and the bytes it may take in a share packet. */
export const MAX_LABEL = 64
export const MAX_LABEL_BYTES = 128

/** Agencies a packet or kit names: rule 24 wants two operators; paper has room for four. */
export const MAX_PACKET_AGENCIES = 2
export const MAX_AGENCIES = 4
/** Characters of an agency's DID or URL that still fit a packet and a printed line. */
export const MAX_AGENCY = 150

/** Bytes of the locator (rule 24: 128 bits). */
export const LOCATOR_BYTES = 16

/** Agents, stores and vouchers of a locator record, and its bytes. */
export const MAX_RECORD_ENTRIES = 16
export const MAX_RECORD_BYTES = 32 * 1024
/** A sealed record is never smaller: its size does not count the agents. */
export const MIN_PADDED_RECORD = 4096

/** Characters of a kit's text: a page of print. */
export const MAX_KIT_CHARACTERS = 8 * 1024

/** Block heights. */
export const MAX_HEIGHT = Number.MAX_SAFE_INTEGER

/** Wrong entries of the ceremony's code, after which it is refused: three guesses at one in 10^8. */
export const MAX_WRONG_CODES = 3

/** Bytes of a ceremony's nonce. */
export const NONCE_BYTES = 32

/** Agents that keep group E between them: three operators at least (rule 25); seven are more than anybody looks after. */
export const MIN_ESCROW_AGENTS = 3
export const MAX_ESCROW_AGENTS = 7

/** Uses of a kit's veto code in one deal: who found the kit can hold its owner up no longer than that (rule 27). */
export const MAX_KIT_VETOES = 2

/** Guesses at one agent: five honest mistakes; ten double what a thief may try. */
export const DEFAULT_GUESSES = 5
export const MAX_GUESSES = 10

/** Digits of a PIN: fewer give a thief too much a guess, more are not remembered. */
export const MIN_PIN_DIGITS = 6
export const MAX_PIN_DIGITS = 12

/** Bytes of an escrow card: seven agents' DIDs and keys. It is padded to this, so that no card counts its agents. */
export const ESCROW_CARD_BYTES = 16 * 1024

/** Bytes of a registration as an agent opens it: the card, base64url, and some hundred more. */
export const MAX_REGISTRATION_BYTES = 48 * 1024

/** Characters of an agent's DID: a did:peer:2 with two addresses. */
export const MAX_AGENT_ID = 1536
