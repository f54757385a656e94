/** Bytes of an invitation: a did:peer:4 long form with a mediator's DID inside, twice over. */
export const MAX_INVITATION_BYTES = 8 * 1024

/** Characters of the name a person gives themselves or somebody else. */
export const MAX_LABEL = 64

/** Seconds a key challenge stays open; a person waits, a replay must not. */
export const CHALLENGE_SECONDS = 60

/** Seconds an invitation stays open unless its maker says otherwise: a day. */
export const INVITATION_SECONDS = 86_400

/** Bytes of a credential or presentation on the wire. */
export const MAX_CREDENTIAL_BYTES = 64 * 1024
