/** The portable driver whole: for tests that hold it against the native one, and for whoever wants all of it. */
import { type CryptoDriver, installedDriver } from './driver.ts'
import { portableCiphers } from './portable/ciphers.ts'
import { portableHashes } from './portable/hashes.ts'
import { portableSignatures } from './portable/signatures.ts'

export const portableDriver: CryptoDriver = {
  name: 'portable',
  ...portableHashes,
  ...portableSignatures,
  ...portableCiphers,
}

export const driver = (): CryptoDriver => installedDriver() ?? portableDriver
