/**
 * A passkey that opens the wallet of this browser: its PRF (WebAuthn level 3, section 10.1.4) gives 32 bytes that nothing keeps.
 * It dies with the page's domain (rule 29), so the passphrase stays beside it.
 */
import { type Bytes, KeysteadError, systemRandom, utf8 } from '@keystead/core'
import { sha256 } from '@keystead/crypto'

export interface Passkey {
  readonly credentialId: Bytes
  readonly key: Bytes
}

/** The same for every passkey of a wallet; the keyslot has a salt of its own. */
const saltOf = (walletId: string): Bytes => sha256(utf8(`keystead/passkey/v1|${walletId}`))

export const passkeysWork = (): boolean => 'credentials' in navigator && 'PublicKeyCredential' in window

/** Asks the person for a new passkey, and once more for what it says. Rejects with `NO_PASSKEY`. */
export async function makePasskey(walletId: string, label: string): Promise<Passkey> {
  const made = await asking(() =>
    navigator.credentials.create({
      publicKey: {
        rp: { name: 'Keystead' },
        // A handle of this passkey alone: nothing about its owner is in it.
        user: { id: systemRandom(16), name: label, displayName: label },
        challenge: systemRandom(32),
        // EdDSA, ES256, RS256: nothing is ever signed with it, only its PRF is used.
        pubKeyCredParams: [-8, -7, -257].map((alg) => ({ type: 'public-key', alg })),
        authenticatorSelection: { residentKey: 'preferred', userVerification: 'required' },
        extensions: { prf: {} },
      },
    }),
  )
  const credentialId = new Uint8Array(made.rawId)
  return readPasskey(walletId, [credentialId])
}

/** Asks the person for one of these. Rejects with `NO_PASSKEY` when they do not, or it has no PRF. */
export async function readPasskey(walletId: string, credentialIds: readonly Bytes[]): Promise<Passkey> {
  const found = await asking(() =>
    navigator.credentials.get({
      publicKey: {
        challenge: systemRandom(32),
        allowCredentials: credentialIds.map((id) => ({ type: 'public-key', id })),
        userVerification: 'required',
        extensions: { prf: { eval: { first: saltOf(walletId) } } },
      },
    }),
  )
  const first = found.getClientExtensionResults().prf?.results?.first
  const key = first === undefined ? undefined : new Uint8Array(first as ArrayBuffer)
  if (key?.length !== 32) throw noPasskey('this passkey cannot give a key: use another, or the passphrase')
  return { credentialId: new Uint8Array(found.rawId), key }
}

async function asking(ask: () => Promise<Credential | null>): Promise<PublicKeyCredential> {
  let answer: Credential | null
  try {
    answer = await ask()
  } catch (cause) {
    throw noPasskey('no passkey was given', cause)
  }
  if (!(answer instanceof PublicKeyCredential)) throw noPasskey('no passkey was given')
  return answer
}

const noPasskey = (message: string, cause?: unknown): KeysteadError<'NO_PASSKEY'> =>
  new KeysteadError('NO_PASSKEY', message, cause === undefined ? {} : { cause })
