/** Refused operations of one DID that may still enter: more than a person tries by hand within their time, which is a week. */
export const MAX_REFUSED_OPERATIONS = 64

/** Bytes of an invitation: a did:peer:4 long form with a mediator's DID inside, twice over. */
export const MAX_INVITATION_BYTES = 8 * 1024

/** Characters of the name a person gives themselves or somebody else. */
export const MAX_LABEL = 64

/** Seconds a key challenge stays open; a person waits, a replay must not. */
export const CHALLENGE_SECONDS = 60

/** How often a challenge that we asked by ourselves is asked again when its answer came late. */
export const CHALLENGE_TRIES = 3

/** Seconds in which two people compare their code. */
export const MEETING_SECONDS = 600

/** What stood before in a peer's log, remembered to tell a revoked key from a strange one. */
export const FORMER_KEPT = 64

/** Entries of each log that are kept and sent along: a peer who was away catches up, and a contradiction can be shown. */
export const ENTRIES_KEPT = 16

/** DIDs made for issuers of which devices tell each other: each costs a key; more credentials than a wallet is made for. */
export const MAX_SUBJECT_DIDS = 1024

/** Seconds an invitation stays open unless its maker says otherwise: a day. */
export const INVITATION_SECONDS = 86_400

/** Seconds for which we try to tell a peer that the connection is over, before our keys of it go: a week. */
export const CLOSE_NOTICE_SECONDS = 7 * 86_400

/** Seconds between two tellings of a recovery that a peer has not taken: a hold is over within days, a mailbox is not filled. */
export const RECOVER_AGAIN_SECONDS = 6 * 3600

/** Seconds for which a change waits for the approval of another device: a week, as long as a device may lie in a drawer. */
export const APPROVAL_SECONDS = 7 * 86_400

/** How often a recovery is told: for thirty days, as long as an agency keeps the mail of somebody who is away. */
export const MAX_RECOVER_TOLD = 120

/** Seconds for which a DID or key of ours is still read after its successor took over: a day, for what was under way. */
export const REPLACED_SECONDS = 86_400

/** Keys of one DID that are kept for that; a DID that rotates more often in a day loses what came to the oldest. */
export const MAX_REPLACED_KEYS = 8

/** Longest time an agency keeps an invitation, and how many of one account. */
export const MAX_INVITATION_SECONDS = 90 * 86_400
export const MAX_INVITATIONS_PER_ACCOUNT = 256

/** People one invitation for many may connect. */
export const MAX_INVITATION_USES = 10_000

/** Strangers an hour whom a wallet hears through an open door: its public DID, or an invitation for many. */
export const STRANGERS_AN_HOUR = 100

/** Strangers who wait for a decision; more are refused. */
export const MAX_STRANGERS_WAITING = 50

/** Bytes of a credential or presentation on the wire. */
export const MAX_CREDENTIAL_BYTES = 64 * 1024

/** Characters of a recipient's DID: a did:peer:2 that names its mediator by a did:peer:2 has about 600. */
export const MAX_RECIPIENT_DID = 2048

/** Characters of the long form of a did:peer:4, which is a document: a key set for each of many devices fits. */
export const MAX_LONG_FORM = 16 * 1024

/** Recipients in one update, and messages in one delivery: a reply must fit into one DIDComm message. */
export const MAX_RECIPIENT_UPDATES = 100
export const MAX_DELIVERY = 50

/** Bytes of one delivery's messages, so that the packed reply stays under DIDComm's bound of 1 MiB. */
export const MAX_DELIVERY_BYTES = 400 * 1024

/** Bytes a socket may owe its client before it is given no more: a few deliveries. */
export const MAX_SOCKET_BACKLOG = 2 * 1024 * 1024

/** Slots shown at once: an entry has about a kilobyte, and an answer the bound of a delivery. */
export const MAX_SLOTS_SHOWN = 256

/** Bytes of one message a mailbox takes, leaving room for the delivery around it. */
export const MAX_MAIL_BYTES = 300 * 1024

/** Days a message waits before it is forgotten, unless the operator says otherwise: a month's absence loses nothing. */
export const MAIL_DAYS = 30

/** Requests of one address a second, in the long run and at once, before it has to wait; a household or an office is one. */
export const REQUESTS_PER_SECOND = 100
export const REQUESTS_AT_ONCE = 2000
/** Addresses remembered for that; beyond it the oldest are forgotten. */
export const MAX_ADDRESSES = 100_000

/** Sockets of one address. */
export const MAX_SOCKETS_PER_ADDRESS = 500

/** Bytes of a request's headers: a path and a content type need a few hundred. */
export const MAX_HEADER_BYTES = 8 * 1024

/** Time for a request's headers, and for all of it: a slow writer holds a connection no longer. */
export const HEADERS_TIMEOUT_MS = 10_000
export const REQUEST_TIMEOUT_MS = 60_000

/** Requests of one socket that wait for their turn; then it is not read. What was read already may be more: tiny ones are cut off. */
export const MAX_SOCKET_QUEUE = 64
export const MAX_SOCKET_FLOOD = 1024

/** Browsers of one account that are woken. */
export const MAX_PUSH_SUBSCRIPTIONS = 10

/** Mail that is taken within this time wakes nobody; and an account is woken no more often than this. */
export const PUSH_DELAY_MS = 5000
export const PUSH_INTERVAL_MS = 60_000

/** Attempts at one wake-up: at once, after 2 and after 8 seconds. The next message wakes anew. */
export const PUSH_ATTEMPTS = 3

/** Seconds a push service keeps a wake-up for a browser that is off: a day. */
export const PUSH_TTL_SECONDS = 86_400

/** Bytes free on the disk below which an instance says that it is not ready: what it is asked to keep needs some. */
export const MIN_FREE_DISK_BYTES = 64 * 1024 * 1024

/** Time for what is in hand when an instance is told to stop. */
export const DRAIN_MS = 10_000

/** What one account may leave at an agency. */
export const MAX_RECIPIENTS_PER_ACCOUNT = 10_000
export const MAX_MESSAGES_PER_ACCOUNT = 10_000
export const MAX_MAILBOX_BYTES = 256 * 1024 * 1024
export const MAX_FILES_PER_ACCOUNT = 64
/** One wallet has one vault, and a locator for each kit that was ever printed. */
export const MAX_VAULTS_PER_ACCOUNT = 8
export const MAX_LOCATORS_PER_ACCOUNT = 64

/** Devices of one account; a relationship's document has as many keys. */
export const MAX_DEVICES_PER_ACCOUNT = 16
/** Those that were removed among them: each is refused for good, and named in the list that every device reads. */
export const MAX_DEVICES_EVER = 64

/** Slots of one account, one a relationship, and bytes of what is in one: a sealed entry. */
export const MAX_SLOTS_PER_ACCOUNT = 10_000
export const MAX_SLOT_BYTES = 32 * 1024

/** Chains of one log: one a device, removed ones too. */
export const MAX_CHAINS_PER_VAULT = 64
/** Keys that may read a vault: a few for each deal of recovery, of which there is one a year. */
export const MAX_READERS_PER_VAULT = 64
/** Entries of a log's authority: two a deal, one a device. */
export const MAX_AUTHORITY_ENTRIES = 1000
/** Bytes of one log with what was trimmed: fifty times a wallet of 10,000 records. */
export const MAX_VAULT_BYTES = 128 * 1024 * 1024

/** Days a log is kept after its owner, or a recovery, was last there (rule 26). */
export const LOG_DAYS = 180

/** Days a share behind a PIN is kept after its owner, or a recovery, was last there: longer than anybody is away from every device. */
export const ESCROW_DAYS = 730

/** Days what a snapshot took the place of is kept for recoveries: whoever trimmed may have been a thief (rule 26). */
export const TRIMMED_DAYS = 30

/** Seconds a nonce for reading a backup is good for. */
export const READ_NONCE_SECONDS = 120

/** Nonces given out and not used; beyond it the oldest give way: whoever waits asks again. */
export const MAX_OPEN_NONCES = 100_000

/** Shares behind PINs of one account at one agency: the deal in force and those whose hold is not over (rule 5). */
export const MAX_ESCROWS_PER_ACCOUNT = 16

/** Seconds between two looks at how often a PIN was tried. */
export const ESCROW_LOOK_SECONDS = 3600

/** Seconds for which a contact keeps a share that another took the place of: twice the longest hold of rule 5, with 90 days. */
export const MAX_SHARE_KEEP_SECONDS = 2 * 2 * 90 * 86_400
/** Shares kept for one contact: the deal in force, a change of it, and those whose hold is not over. */
export const MAX_SHARES_PER_CONTACT = 8

/** Seconds for which a veto or an objection may stop a release: rule 27's 72 hours, and room for a slower network. */
export const MAX_GUARD_SECONDS = 30 * 86_400

/** Seconds between two questions whether a contact still has a share: a month, and a week while no answer comes. */
export const SHARE_HEALTH_SECONDS = 30 * 86_400
export const SHARE_HEALTH_AGAIN_SECONDS = 7 * 86_400
/** Seconds without an answer to the first question after which a contact does not count any more. */
export const SHARE_SILENT_SECONDS = 10 * 86_400
/** The same of an agent of the PIN, which is a server. */
export const AGENT_SILENT_SECONDS = 3 * 86_400

/** Seconds after which a rehearsal is due again, and between two reminders of what is wrong with a recovery. */
export const REHEARSAL_SECONDS = 180 * 86_400
export const REMINDER_SECONDS = 7 * 86_400

/** Bytes of operations, before compression, that are put into one batch: sealed they stay under its bound. */
export const BATCH_PLAIN_BYTES = 380 * 1024

/** Batches in one message, either way: a DIDComm message has at most 64 attachments. */
export const MAX_RUN_BATCHES = 50

/** Bytes of batches in one message to a holder: packed they stay under DIDComm's bound of 1 MiB. */
export const MAX_RUN_BYTES = 420 * 1024

/** Changes and seconds after which a log is said again whole, so that what came before can go. */
export const SNAPSHOT_AFTER_CHANGES = 1000
export const SNAPSHOT_AFTER_SECONDS = 7 * 86_400

/** Bytes of what a device says of its log, sealed: sixty-four heads and padding. */
export const MAX_HEADS_BYTES = 16 * 1024
/** Seconds between two words to the agents of the PIN on how far the log is, unless the owner asks for one. */
export const HEADS_SECONDS = 600

/** Seconds between two looks at what the holders of a log have. */
export const HOLDER_LOOK_SECONDS = 3600

/** Seconds a removal is remembered: a device that was away for longer joins anew. */
export const TOMBSTONE_SECONDS = 180 * 86_400

/** Seconds after which a device that was not let into the log of its owner's others asks again. */
export const LOG_OFFER_SECONDS = 86_400

/** Seconds a recovery ceremony with one contact stays open: a call, a wrong number, another call. */
export const CEREMONY_SECONDS = 3600

/** Seconds a new device's link for contacts is good: a day to reach them. */
export const HELP_SECONDS = 86_400

/** Ceremonies a new device takes part in: every contact may start anew a few times; a stranger cannot fill it up. */
export const MAX_HELP_SESSIONS = 64

/** Changes of a store that share one commit: a wait for the disk is spread well by then, and the first is not kept waiting. */
export const MAX_GROUP = 128

/** Characters of one text message. */
export const MAX_TEXT = 8 * 1024

/** Milliseconds an idle connection is kept: longer than clients keep theirs, so that none is closed just as it is used again. */
export const KEEP_ALIVE_MS = 65_000

/** Bytes of what lies in a dead drop, whatever it is: the newest rotations of a log whose documents are some KiB each. */
export const DROP_BYTES = 16 * 1024
/** Entries in it: as many as travel with a rotation. */
export const MAX_DROP_ENTRIES = 16
/** Agencies of one party at which drops are: the one now, and the one before. */
export const MAX_DROP_PLACES = 2
/** Seconds a box is kept, as backups are: half a year. */
export const DROP_SECONDS = 180 * 86_400
/** Boxes at one agency: 800 MiB; beyond it new ones are refused, so that a flood displaces none. */
export const MAX_DROPS = 50_000
/** Seconds by which a box may be ahead of the agency's clock. */
export const MAX_DROP_AHEAD_SECONDS = 300
/** Seconds after which a rotation that nobody acknowledged goes to the drops, though its message was brought. */
export const DROP_AFTER_SECONDS = 86_400
/** Seconds between two looks into a peer's drops while messages to them fail, and for which such messages are kept. */
export const DROP_LOOK_SECONDS = 600
export const DROP_KEEP_SECONDS = 30 * 86_400

/** A file of messages carried by hand: as many as a long ceremony has, each of DIDComm's bound at most. */
export const MAX_CARRIED_MESSAGES = 256
export const MAX_CARRIED_BYTES = 64 * 1024 * 1024
/** Bytes of what a new device is given at once: sixteen devices with their DIDs, and those that were revoked. */
export const MAX_WELCOME_BYTES = 128 * 1024

/** Seconds in which a new device is linked, and how often the code may be mistyped. */
export const LINK_SECONDS = 900
export const MAX_WRONG_CODES = 3

/** Bytes of the records in one message to another device, so that it fits into a mailbox. */
export const MAX_RECORDS_BYTES = 150 * 1024

/** Files of one message: more are a folder, which people pack. */
export const MAX_FILES_PER_MESSAGE = 16

/** Bytes of the files of one message that travel inside it: thrice base64 (attachment, and both envelopes) they take half a mailbox's bound. */
export const MAX_INLINE_BYTES = 64 * 1024

/** Bytes that are kept of all files of one message that came, links or contents: a mailbox takes no larger one, a file carried by hand may; the log of backups has to hold it in one batch. */
export const MAX_ATTACHED_BYTES: number = 340 * 1024

/** Bytes of one file sent by reference: a long scan, a minute of video. Whoever saves it holds its ciphertext in memory until the hash is found right. */
export const MAX_LINKED_BYTES = 64 * 1024 * 1024
/** The same, sealed: an age file has 16 bytes more for every 64 KiB, and a header. */
export const MAX_SEALED_BYTES: number = MAX_LINKED_BYTES + MAX_LINKED_BYTES / 4096 + 1024

/** Bytes of one part of an upload: twice base64 (attachment and envelope) and encrypted it stays under DIDComm's bound of 1 MiB. */
export const ATTACHMENT_PART_BYTES = 512 * 1024

/** Days an agency keeps what was attached, unless its operator says otherwise: as long as mail, which brings the link. */
export const ATTACHMENT_DAYS = 30
/** Hours an upload may take; what is not whole by then is forgotten, and its room is free again. */
export const UPLOAD_HOURS = 24

/** What one account may have attached at its agency, and all of them together, unless the operator says otherwise. */
export const MAX_ATTACHMENTS_PER_ACCOUNT = 256
export const MAX_ATTACHMENT_BYTES_PER_ACCOUNT = 256 * 1024 * 1024
export const MAX_ATTACHMENT_BYTES = 10 * 1024 * 1024 * 1024

/** Bytes that attached files leave free on the disk of an agency: mail and backups go on when it fills up. */
export const ATTACHMENTS_LEAVE_BYTES = 256 * 1024 * 1024

/** Downloads of one address at once, a household or an office: each holds one part in memory. */
export const MAX_DOWNLOADS_PER_ADDRESS = 32
/** Milliseconds for one download: 64 MiB over a slow line. */
export const DOWNLOAD_MS = 15 * 60_000

/** Addresses of one attachment that are tried, and characters of each. */
export const MAX_LINKS = 4
export const MAX_LINK_LENGTH = 2048

/** Characters and UTF-8 bytes of a file's name as it is kept: file systems take 255 bytes, and a suffix may have to be added. */
export const MAX_FILE_NAME_BYTES = 200

/** Times one part of an upload is tried, and milliseconds before the first repetition; the pause doubles: a minute's outage costs nothing. */
export const UPLOAD_TRIES = 7
export const UPLOAD_PAUSE_MS = 1000

/** Characters of a DID that a resolver is asked about: a did:peer:4 in its long form says itself what it is, and is not asked about. */
export const MAX_RESOLVE_DID = 2048
/** Bytes of a question to a resolver, or a multiple: the longest did:dkms, both parties' DIDs and options fit into one. */
export const PADDED_QUESTION = 4096
/** Bytes of the least answer: what proves a state, and its document, on a ledger of some ten validators. */
export const MIN_PADDED_ANSWER = 16 * 1024
/** And of the greatest: it is wrapped twice on its way through a relay, and stays under DIDComm's bound of 1 MiB. */
export const MAX_PADDED_ANSWER = 256 * 1024
/** Bytes of a result, so that with what stands around it, two DIDs and some headers, it is no more than that. */
export const MAX_RESULT_BYTES = MAX_PADDED_ANSWER - 8 * 1024
/** Bytes of one part of a history, so that its answer is a padded one; and parts: 2,000 operations, an issuer's of some years. */
export const HISTORY_PART_BYTES = 160 * 1024
export const MAX_HISTORY_PARTS = 26
/** Bytes and seconds for which an agency keeps in memory the histories that are being read in parts; the oldest go first. */
export const MAX_HISTORIES_HELD_BYTES = 32 * 1024 * 1024
export const HISTORY_HELD_SECONDS = 60
/** Resolutions that an agency has in hand for others; whoever comes then is told to come again. */
export const MAX_RESOLUTIONS_IN_HAND = 64

/** Bytes of a message that an agency carries to another, packed: a question, not mail. */
export const MAX_RELAYED_BYTES = 32 * 1024
/** Bytes of an answer that it carries back: the greatest padded one, packed. */
export const MAX_RELAY_ANSWER_BYTES = 400 * 1024
/** Bytes of what the ledger node answers to an account by its agency. */
export const MAX_LEDGER_READ_BYTES = 400 * 1024
/** Questions to others that one account has carried a second, in the long run and at once: a sync that looks at every contact. */
export const RELAYS_PER_SECOND = 10
export const RELAYS_AT_ONCE = 200
/** Those of one account on their way at once: its wallets look up one DID after the other. */
export const MAX_RELAYS_OF_ACCOUNT = 8
/** Those of all accounts on their way at once: each holds a connection to another agency. */
export const MAX_RELAYS_IN_HAND = 128
/** Agencies of other operators that a wallet may name as resolvers. */
export const MAX_RESOLVERS = 8
