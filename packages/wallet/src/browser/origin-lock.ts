/** One open wallet of a name in all tabs and workers of an origin, by the Web Locks API; without it, in this realm. */
import { refuse } from '../errors.ts'

const held = new Set<string>()

/** The function that gives the lock back. Rejects with `WALLET_IN_USE` at once. The browser frees locks of closed tabs. */
export async function takeOriginLock(name: string): Promise<() => void> {
  const locks = globalThis.navigator?.locks as LockManager | undefined
  return locks ? takeWebLock(locks, name) : takeLocalLock(name)
}

function takeWebLock(locks: LockManager, name: string): Promise<() => void> {
  return new Promise((resolve, reject) => {
    locks
      .request(name, { ifAvailable: true }, (lock) => {
        // The lock is held until the promise that is returned here settles.
        if (lock) return new Promise<void>((release) => resolve(() => release()))
        return refuse('WALLET_IN_USE', 'another tab has this wallet open')
      })
      .catch(reject)
  })
}

function takeLocalLock(name: string): () => void {
  if (held.has(name)) return refuse('WALLET_IN_USE', 'this wallet is open already')
  held.add(name)
  return () => {
    held.delete(name)
  }
}
