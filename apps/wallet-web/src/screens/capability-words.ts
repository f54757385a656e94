/** What a device may do for the DID, in plain words, after "may". */
import type { Capability } from '@keystead/did-dkms'

export const WORDS: Readonly<Record<Capability, string>> = {
  PROVE: 'show others that it is one of yours',
  SUSPEND: 'stop everything in an emergency',
  ADMIN: 'add and revoke devices',
  AUTHENTICATE: 'present your credentials',
  ASSERT: 'sign credentials for you',
  KEY_AGREEMENT: 'read what is sealed to your DID',
  UPDATE_SERVICE: 'change where your DID is reached',
  ROTATE: 'change the keys in your DID’s document',
  PROVE_GRANT: 'let others show that they are yours',
  PROVE_REVOKE: 'end that',
  GUARDIAN: 'recover for you as your guardian',
}

/** What a second device usually gets. */
export const USUAL: readonly Capability[] = ['PROVE', 'SUSPEND', 'AUTHENTICATE']
