/**
 * The validator's key and the record of what it last signed (rule 18). Both lie outside the ledger's data, so that a restored
 * backup cannot make the validator sign a height twice: behind its own record it refuses.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { KeysteadError } from '@keystead/core'
import { encodeMultikey, type KeyProvider, type SigningKey } from '@keystead/crypto'
import { destroyFileDurably, openKeyFile, writeFileDurably } from '@keystead/crypto/key-file'
import type { LedgerErrorCode } from '../../errors.ts'
import { type LastSigned, readLastSigned, replaceLastSigned, writeLastSigned } from './signed-record.ts'

const DESTROYED_FILE = 'validator-key.destroyed.json'

const KEY_FILE = 'validator-key.json'

export class Signer {
  readonly key: SigningKey
  readonly #folder: string

  private constructor(key: SigningKey, folder: string) {
    this.key = key
    this.#folder = folder
  }

  /** True if the folder holds a validator's key. */
  static exists(folder: string): boolean {
    return existsSync(join(folder, KEY_FILE))
  }

  /** Loads the key from the folder, making both the first time. Throws `VALIDATOR_KEY_DESTROYED` after a handover. */
  static async open(folder: string, keys: KeyProvider): Promise<Signer> {
    if (existsSync(join(folder, DESTROYED_FILE)))
      throw new KeysteadError<LedgerErrorCode>(
        'VALIDATOR_KEY_DESTROYED',
        'the validator key of this folder was destroyed when its chain was handed over',
      )
    const key = await openKeyFile(join(folder, KEY_FILE), keys)
    return new Signer(key, folder)
  }

  /** Throws `LEDGER_BEHIND_SIGNER` when the data are older than what was signed. */
  check(tip: LastSigned): void {
    const last = readLastSigned(this.#file(tip.chainId))
    if (!last) return
    if (last.height < tip.height || (last.height === tip.height && last.hash === tip.hash)) return
    throw new KeysteadError<LedgerErrorCode>(
      'LEDGER_BEHIND_SIGNER',
      `this ledger ends at height ${tip.height}, but its validator signed height ${last.height}: the data are an older copy, and going on would show two histories`,
      { details: { height: tip.height, signed: last.height } },
    )
  }

  record(signed: LastSigned): void {
    writeLastSigned(this.#file(signed.chainId), signed)
  }

  /** Rule 18: after a handover nobody signs with this key again. The record of what it signed stays. */
  destroy(): void {
    const said = { v: 1, k: encodeMultikey(this.key.publicKey) }
    writeFileDurably(join(this.#folder, DESTROYED_FILE), `${JSON.stringify(said)}\n`)
    destroyFileDurably(join(this.#folder, KEY_FILE))
  }

  /**
   * Makes `tip` the newest signed block although a later one was signed; the operator takes that upon themselves. The later
   * record is kept beside it. Returns what is given up.
   */
  abandon(tip: LastSigned): LastSigned | undefined {
    const file = this.#file(tip.chainId)
    const last = readLastSigned(file)
    const given = last && (last.height > tip.height || last.hash !== tip.hash) ? last : undefined
    if (given) writeFileDurably(`${file}.abandoned-${given.height}`, JSON.stringify(given))
    replaceLastSigned(file, tip)
    return given
  }

  #file(chainId: string): string {
    return join(this.#folder, `${chainId}.signed.json`)
  }
}
