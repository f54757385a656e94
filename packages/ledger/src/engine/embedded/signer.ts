/**
 * The validator's key and the record of what it last signed (rule 18). Both lie outside the ledger's data, so that a restored
 * backup cannot make the validator sign a height twice: behind its own record it refuses.
 */
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { base64url, KeysteadError, systemRandom } from '@keystead/core'
import type { KeyProvider, SigningKey } from '@keystead/crypto'
import type { LedgerErrorCode } from '../../errors.ts'

export interface LastSigned {
  readonly chainId: string
  readonly height: number
  /** Header hash, base64url. */
  readonly hash: string
}

export class Signer {
  readonly key: SigningKey
  readonly #folder: string

  private constructor(key: SigningKey, folder: string) {
    this.key = key
    this.#folder = folder
  }

  /** Loads the key from the folder, making both the first time. */
  static async open(folder: string, keys: KeyProvider): Promise<Signer> {
    const file = join(folder, 'validator-key.json')
    if (!existsSync(file)) {
      mkdirSync(folder, { recursive: true, mode: 0o700 })
      const seed = systemRandom(32)
      writeDurably(file, JSON.stringify({ v: 1, suite: 'ed25519', seed: base64url.encode(seed) }))
      seed.fill(0)
    }
    const { seed } = JSON.parse(readFileSync(file, 'utf8')) as { seed: string }
    const secret = base64url.decode(seed)
    const key = await keys.fromSecret({ kind: 'signing', suite: 'ed25519' }, secret)
    secret.fill(0)
    return new Signer(key, folder)
  }

  /** Throws `LEDGER_BEHIND_SIGNER` when the data are older than what was signed. */
  check(tip: LastSigned): void {
    const file = this.#file(tip.chainId)
    if (!existsSync(file)) return
    const last = JSON.parse(readFileSync(file, 'utf8')) as LastSigned
    if (last.height < tip.height || (last.height === tip.height && last.hash === tip.hash)) return
    throw new KeysteadError<LedgerErrorCode>(
      'LEDGER_BEHIND_SIGNER',
      `this ledger ends at height ${tip.height}, but its validator signed height ${last.height}: the data are an older copy, and going on would show two histories`,
      { details: { height: tip.height, signed: last.height } },
    )
  }

  record(signed: LastSigned): void {
    writeDurably(this.#file(signed.chainId), JSON.stringify(signed))
  }

  #file(chainId: string): string {
    return join(this.#folder, `${chainId}.signed.json`)
  }
}

function writeDurably(file: string, text: string): void {
  const temporary = `${file}.new`
  const descriptor = openSync(temporary, 'w', 0o600)
  try {
    writeSync(descriptor, text)
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
  renameSync(temporary, file)
  const folder = openSync(dirname(file), 'r')
  try {
    fsyncSync(folder)
  } finally {
    closeSync(folder)
  }
}
