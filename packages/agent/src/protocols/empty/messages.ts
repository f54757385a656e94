/** The empty message (DIDComm v2.1, "The Empty Message"): headers alone, such as `ack`. */
export const EMPTY = 'https://didcomm.org/empty/1.0/empty'
