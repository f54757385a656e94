/** Closed codes of this package. None ever carries key material. */
export type CryptoErrorCode =
  | 'BAD_PUBLIC_KEY'
  | 'BAD_SECRET_KEY'
  | 'BAD_PARAMETERS'
  | 'DECRYPTION_FAILED'
  | 'KEY_DESTROYED'
  | 'UNSUPPORTED_SUITE'
  | 'OUT_OF_KEY_SLOTS'
  /** An algorithm does not give on this machine what its specification says. */
  | 'SELF_TEST_FAILED'
