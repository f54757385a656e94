/** A caller's own view of a shared key handle: destroying it ends this view, not the handle that others use. */
import { KeysteadError } from '@keystead/core'
import type { CryptoErrorCode, HandleOf, KeyHandle, KeyType } from '@keystead/crypto'

export function lease<T extends KeyType>(handle: HandleOf<T>): HandleOf<T> {
  return leaseOf(handle) as HandleOf<T>
}

function leaseOf(handle: KeyHandle): KeyHandle {
  let live = true
  const check = (): void => {
    if (!live) throw new KeysteadError<CryptoErrorCode>('KEY_DESTROYED', 'this key has been destroyed')
  }
  const destroy = (): void => {
    live = false
  }
  switch (handle.kind) {
    case 'signing':
      return {
        kind: handle.kind,
        publicKey: handle.publicKey,
        destroy,
        sign: async (message) => {
          check()
          return handle.sign(message)
        },
      }
    case 'agreement':
      return {
        kind: handle.kind,
        publicKey: handle.publicKey,
        destroy,
        agree: async (peer) => {
          check()
          return handle.agree(peer)
        },
      }
    case 'kem':
      return {
        kind: handle.kind,
        publicKey: handle.publicKey,
        destroy,
        decapsulate: async (ciphertext) => {
          check()
          return handle.decapsulate(ciphertext)
        },
      }
  }
}
