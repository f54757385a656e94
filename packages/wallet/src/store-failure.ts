/** Maps what platforms throw when storing fails to closed codes, so that no caller knows one storage from another. */
import { isKeysteadError } from '@keystead/core'
import { refuse } from './errors.ts'

const FULL = new Set(['ENOSPC', 'EDQUOT', 'QuotaExceededError'])

/** Runs one call to a store. Errors of ours pass; others become `DISK_FULL` or `STORE_FAILED`. */
export async function storing<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call()
  } catch (cause) {
    if (isKeysteadError(cause)) throw cause
    if (isFull(cause)) return refuse('DISK_FULL', 'there is no room left to store this; nothing was changed', { cause })
    return refuse('STORE_FAILED', 'the storage failed', { cause })
  }
}

function isFull(cause: unknown): boolean {
  if (typeof cause !== 'object' || cause === null) return false
  const { code, name } = cause as { code?: unknown; name?: unknown }
  return FULL.has(String(code)) || FULL.has(String(name))
}
