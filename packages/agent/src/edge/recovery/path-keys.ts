/** The keys of a recovery path, alive only while a deal is made or a recovery runs. */

import type { KemKey, PublicKey, SigningKey } from '@keystead/crypto'
import { derivePath, type GroupSecrets, type PathId } from '@keystead/recovery'
import type { Edge } from '../context.ts'
import { ED25519, XWING } from '../key-types.ts'

export interface PathKeys {
  readonly id: PathId
  /** Opens backups and recovery keys. */
  readonly kem: KemKey
  /** Shows the right to read, and vouches for streams. */
  readonly reader: SigningKey & { readonly publicKey: PublicKey<'ed25519'> }
  destroy(): void
}

export async function pathKeys(edge: Edge, id: PathId, secrets: GroupSecrets): Promise<PathKeys> {
  const { kemSeed, readerSeed } = derivePath(id, secrets)
  try {
    const kem = await edge.ports.keys.fromSecret(XWING, kemSeed)
    const reader = await edge.ports.keys.fromSecret(ED25519, readerSeed)
    return {
      id,
      kem,
      reader: reader as PathKeys['reader'],
      destroy: () => {
        kem.destroy()
        reader.destroy()
      },
    }
  } finally {
    kemSeed.fill(0)
    readerSeed.fill(0)
  }
}
