/** SQLite's result codes (https://sqlite.org/rescode.html) as codes of ours. */
import { isKeysteadError } from '@keystead/core'
import { refuse, type WalletErrorCode } from '../errors.ts'

const PRIMARY: Readonly<Record<number, { code: WalletErrorCode; text: string }>> = {
  // Our statements are fixed: what they do not find, or what they contradict, is a file that somebody changed.
  1: { code: 'WALLET_CORRUPT', text: "the wallet's file has not the form that a wallet writes" },
  5: { code: 'WALLET_IN_USE', text: 'another process has this wallet open' },
  6: { code: 'WALLET_IN_USE', text: 'this wallet is open already' },
  11: { code: 'WALLET_CORRUPT', text: "the wallet's file is damaged" },
  13: { code: 'DISK_FULL', text: 'there is no room left to store this; nothing was changed' },
  19: { code: 'WALLET_CORRUPT', text: "the wallet's file contradicts itself" },
  26: { code: 'WALLET_CORRUPT', text: "the wallet's file is not a database" },
}

/** Runs calls to SQLite; errors it has no code for pass as they are. */
export function sqlite<T>(call: () => T): T {
  try {
    return call()
  } catch (cause) {
    const errcode = (cause as { errcode?: unknown } | null)?.errcode
    // The low byte of an extended code is its primary code.
    const known = typeof errcode === 'number' && !isKeysteadError(cause) ? PRIMARY[errcode & 0xff] : undefined
    if (known) return refuse(known.code, known.text, { cause })
    throw cause
  }
}
