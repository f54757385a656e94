/** A `recover` as the owner of a path's key makes it. */
import { encodeMultikey, keyDigest, type SigningKey } from '@keystead/crypto'
import type { Standing } from '../apply.ts'
import { type Entry, signEntry } from '../entry.ts'
import { documentOf, makeKey } from './devices.ts'

export const multikeyOf = (key: SigningKey): string => encodeMultikey(key.publicKey)

export async function recoverEntry(rel: string, now: Standing, path: SigningKey, fresh: SigningKey): Promise<Entry> {
  const keys = [multikeyOf(fresh)]
  const next = [keyDigest((await makeKey()).publicKey)]
  const place = { v: 1, rel, seq: now.seq + 1, prev: now.head, type: 'recover' } as const
  const rest = { doc: documentOf(keys), keys, threshold: 1, next, nextThreshold: 1, recovery: [] }
  return signEntry({ ...place, ...rest, key: multikeyOf(path) }, [path, fresh])
}
