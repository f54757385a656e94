/** What this package needs of its caller: private keys by their ids. */
import type { AgreementKey, AgreementSuite, SigningKey } from '@keystead/crypto'

export interface SecretsPort {
  /**
   * The private key of a `keyAgreement` method, by the id the envelope has (absolute; for did:peer:4 of either form).
   * Undefined when it is not ours; throws when that cannot be found out (a locked wallet).
   */
  agreementKey(kid: string): Promise<AgreementKey | undefined>
}

/** A key in our DID's `keyAgreement`, to send with. */
export interface SenderPort {
  readonly kid: string
  readonly key: AgreementKey
}

/** A key in our DID's `authentication`, to sign with. */
export interface SigningPort {
  readonly kid: string
  readonly key: SigningKey
}

/** Makes the one-time key of an envelope; a `KeyProvider` is one. */
export interface EphemeralKeys {
  ephemeral(type: { readonly kind: 'agreement'; readonly suite: AgreementSuite }): Promise<AgreementKey>
}
