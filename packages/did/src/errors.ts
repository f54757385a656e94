/** Closed codes of this package. */
export type DidErrorCode = 'INVALID_DID' | 'INVALID_DID_DOCUMENT' | 'METHOD_NOT_SUPPORTED' | 'NOT_FOUND'
