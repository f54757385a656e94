/** Closed codes of this package, for misuse and malformed input; a verdict on a credential is a value, never an error. */
export type CredentialErrorCode =
  | 'BAD_ANCHOR_BATCH'
  | 'BAD_CREDENTIAL'
  | 'BAD_PRESENTATION'
  | 'BAD_PROOF'
  | 'BAD_RECEIPT'
  | 'BAD_STATUS_LIST'
  | 'STATUS_INDEX_OUT_OF_RANGE'
  | 'WRONG_KEY_TYPE'
