/**
 * age files (age-encryption.org/v1) around what leaves a wallet as data: for recipients, X25519 or hybrid with ML-KEM-768, or
 * for a passphrase (scrypt). The format is authenticated to its end, and says nothing about who wrote it.
 */
import type { Bytes } from '@keystead/core'
import { Decrypter, Encrypter } from 'age-encryption'
import { refuse } from './errors.ts'
import { EXPORT_SCRYPT_LOG_N, MAX_EXPORT_BYTES, MAX_EXPORT_RECIPIENTS } from './limits.ts'

/** Whom an export is for: public recipients, or whoever knows a passphrase. */
export type ExportTo = { readonly recipients: readonly string[] } | { readonly passphrase: string }

/** What opens one: an identity (`AGE-SECRET-KEY-...`), or the passphrase. */
export type ExportKey = { readonly identities: readonly string[] } | { readonly passphrase: string }

/** Rejects with `BAD_RECIPIENT`. */
export async function sealAge(plain: Bytes, to: ExportTo, logN: number = EXPORT_SCRYPT_LOG_N): Promise<Bytes> {
  const age = new Encrypter()
  if ('passphrase' in to) {
    age.setPassphrase(to.passphrase)
    age.setScryptWorkFactor(logN)
  } else addAll(to.recipients, 'recipient', (recipient) => age.addRecipient(recipient))
  return new Uint8Array(await age.encrypt(plain))
}

/** Rejects with `BAD_RECIPIENT` for an ill-formed identity, and `BAD_EXPORT` for whatever does not open. */
export async function openAge(file: Bytes, key: ExportKey): Promise<Bytes> {
  if (file.length > MAX_EXPORT_BYTES) refuse('BAD_EXPORT', `an export has at most ${MAX_EXPORT_BYTES} bytes`)
  const age = new Decrypter()
  if ('passphrase' in key) age.addPassphrase(key.passphrase)
  else addAll(key.identities, 'identity', (identity) => age.addIdentity(identity))
  try {
    return new Uint8Array(await age.decrypt(file))
  } catch (cause) {
    return refuse('BAD_EXPORT', 'this is no age file, was changed, or is for another key or passphrase', { cause })
  }
}

function addAll(names: readonly string[], what: 'recipient' | 'identity', add: (name: string) => void): void {
  if (names.length < 1 || names.length > MAX_EXPORT_RECIPIENTS)
    refuse(
      'BAD_RECIPIENT',
      `give 1 to ${MAX_EXPORT_RECIPIENTS} age ${what === 'recipient' ? 'recipients' : 'identities'}`,
    )
  for (const name of names)
    try {
      add(name)
    } catch {
      // Not the library's message, nor the text: it may be a secret key.
      refuse('BAD_RECIPIENT', `not an age ${what} that we know (X25519, or hybrid with ML-KEM-768)`)
    }
}
