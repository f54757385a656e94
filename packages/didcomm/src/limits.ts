/** Every bound of this package, with its reason. */

/** Bytes of a packed message. What mediators of others accept by default; larger things travel as references. */
export const MAX_MESSAGE_BYTES = 1024 * 1024

/** Recipient keys of one envelope: a DID document holds at most 64 methods, a person has tens of devices. */
export const MAX_RECIPIENTS = 64

/** Signatures over one message. DIDComm has one signer; a few more are tolerated, each costs a verification. */
export const MAX_SIGNATURES = 4

/** Members of `to`: group messages name everyone, and the specification sends each DID its own envelope. */
export const MAX_TO = 100

/** A key id: a DID (the long form of did:peer:4 carries a document) and a fragment. */
export const MAX_KID_LENGTH = 33 * 1024

/** A protected header: an ephemeral key, `skid` and, as base64url of it, `apu`, each up to a key id's length. */
export const MAX_PROTECTED_LENGTH = 128 * 1024

/** `id` and `thid`: the text hints at 32 bytes, UUIDs have 36, others use longer ones. */
export const MAX_ID_LENGTH = 256

/** `type`: a URI. */
export const MAX_TYPE_LENGTH = 1024

export const MAX_ATTACHMENTS = 64

/** File names, media types and other short texts of an attachment. */
export const MAX_LABEL_LENGTH = 1024

/** A `from_prior` JWT: two DIDs and a key id, base64url. */
export const MAX_FROM_PRIOR_LENGTH = 192 * 1024
