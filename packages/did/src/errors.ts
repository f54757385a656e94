/** Closed codes of this package. */
export type DidErrorCode =
  | 'INVALID_DID'
  | 'INVALID_DID_DOCUMENT'
  | 'INVALID_OPTIONS'
  | 'FEATURE_NOT_SUPPORTED'
  | 'METHOD_NOT_SUPPORTED'
  | 'NOT_FOUND'
