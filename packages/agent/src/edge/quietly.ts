/** Work of which nobody waits for the end: what it is refused, or who is away, is told, and keeps nothing else from being done. */
import { isKeysteadError, type KeysteadError } from '@keystead/core'
import type { Edge } from './context.ts'

/** Trouble of this wallet itself: whatever comes next meets it too, and its owner has to know. */
const WHOLE_WALLET: ReadonlySet<string> = new Set(['WALLET_LOCKED', 'WALLET_CORRUPT', 'DISK_FULL', 'STORE_FAILED'])

/** What a network or somebody else is to blame for. All else, a fault of ours or of the platform's too, stops the whole wallet. */
export function isOthersTrouble(error: unknown): error is KeysteadError {
  return isKeysteadError(error) && !WHOLE_WALLET.has(error.code)
}

/** Rejects for what stops the whole wallet alone. */
export async function quietly<T>(edge: Edge, work: () => Promise<T>, otherwise: T): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!isOthersTrouble(error)) throw error
    edge.ports.onEvent?.({ kind: 'waiting', text: error.message })
    return otherwise
  }
}
