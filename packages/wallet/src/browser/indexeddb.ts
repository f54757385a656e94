/** The little of IndexedDB that the store needs, as promises. */

export const META = 'meta'
export const KEYSLOTS = 'keyslots'
export const RECORDS = 'records'
export const TOKENS = 'tokens'
const VERSION = 1

/** Undefined when there is no database of that name and none is to be made. */
export function openDatabase(name: string, mode: 'create' | 'existing'): Promise<IDBDatabase | undefined> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(name, VERSION)
    let absent = false
    request.onupgradeneeded = ({ oldVersion }) => {
      absent = oldVersion === 0 && mode === 'existing'
      // Aborting the first upgrade leaves no database behind.
      if (absent) request.transaction?.abort()
      else createStores(request.result)
    }
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => (absent ? resolve(undefined) : reject(request.error))
  })
}

function createStores(database: IDBDatabase): void {
  database.createObjectStore(META)
  database.createObjectStore(KEYSLOTS, { keyPath: 'slotId' })
  database.createObjectStore(RECORDS, { keyPath: 'id' }).createIndex(TOKENS, 'tokens', { multiEntry: true })
}

export function result<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error)
  })
}

/** Resolves when the transaction is on disk: `durability: strict` asks the browser to flush first. */
export function written(
  database: IDBDatabase,
  stores: readonly string[],
  change: (transaction: IDBTransaction) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const transaction = database.transaction([...stores], 'readwrite', { durability: 'strict' })
    transaction.oncomplete = () => resolve()
    transaction.onabort = () => reject(transaction.error ?? new DOMException('the transaction ended', 'AbortError'))
    try {
      change(transaction)
    } catch (error) {
      transaction.abort()
      reject(error)
    }
  })
}
