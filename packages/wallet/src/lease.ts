/** A caller's own view of a shared key handle: destroying it ends this view, not the handle that others use. */
import { KeysteadError } from '@keystead/core'
import type { CryptoErrorCode, HandleOf, KeyHandle, KeyType } from '@keystead/crypto'

/** `counted` is awaited before each use; it rejects when the key may not be used any more. */
export function lease<T extends KeyType>(handle: HandleOf<T>, counted: () => Promise<void>): HandleOf<T> {
  return leaseOf(handle, counted) as HandleOf<T>
}

function leaseOf(handle: KeyHandle, counted: () => Promise<void>): KeyHandle {
  let live = true
  const destroy = (): void => {
    live = false
  }
  const use = async <R>(work: () => Promise<R>): Promise<R> => {
    if (!live) throw new KeysteadError<CryptoErrorCode>('KEY_DESTROYED', 'this key has been destroyed')
    await counted()
    return work()
  }
  switch (handle.kind) {
    case 'signing':
      return {
        kind: handle.kind,
        publicKey: handle.publicKey,
        destroy,
        sign: (message) => use(() => handle.sign(message)),
      }
    case 'agreement':
      return {
        kind: handle.kind,
        publicKey: handle.publicKey,
        destroy,
        agree: (peer, stays) => use(() => handle.agree(peer, stays)),
        known: (peer) => handle.known?.(peer),
      }
    case 'kem':
      return {
        kind: handle.kind,
        publicKey: handle.publicKey,
        destroy,
        decapsulate: (sealed) => use(() => handle.decapsulate(sealed)),
      }
  }
}
