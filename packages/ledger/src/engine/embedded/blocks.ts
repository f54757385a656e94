/** Blocks as they lie on disk: header, commit and roots, and the sets of validators that they name. */
import { base64url, concatBytes, uint32 } from '@keystead/core'
import type { ValidatorPower } from '@keystead/did-dkms'
import { decodeHead, encodeHead, type Head, type LightBlock, validatorsOf } from '@keystead/light-client'
import { type Batch, numberKey, type Reader } from '../../state/store.ts'

export interface StoredBlock {
  /** How many operations it carried. */
  readonly results: number
  readonly head: Head
}

/** `block = results (32 bits) || head`. `next`: the set that signs the block after it. */
export function putBlock(batch: Batch, { head, results }: StoredBlock, next: readonly ValidatorPower[]): void {
  const { height, nextValidatorsHash } = head.header
  if (!batch.get('m', setName(nextValidatorsHash))) batch.putJson('m', setName(nextValidatorsHash), next)
  batch.put('k', numberKey(height), concatBytes(uint32(results), encodeHead(head)))
  batch.putJson('m', 'tip', height)
}

/** Throws `BAD_ENCODING`. */
export function readBlock(store: Pick<Reader, 'get'>, height: number): StoredBlock | undefined {
  const bytes = store.get('k', numberKey(height))
  return (
    bytes && { results: new DataView(bytes.buffer, bytes.byteOffset).getUint32(0), head: decodeHead(bytes.slice(4)) }
  )
}

/** The newest block. */
export function readTip(store: Reader): StoredBlock | undefined {
  return readBlock(store, store.json<number>('m', 'tip') ?? 0)
}

export function readSet(store: Reader, hash: Uint8Array): readonly ValidatorPower[] | undefined {
  return store.json<readonly ValidatorPower[]>('m', setName(hash))
}

/** Where a set of validators lies, by its hash. */
const setName = (hash: Uint8Array): string => `validators ${base64url.encode(hash)}`

/** The block with the sets it names; undefined where it is not there (any more). */
export function readLightBlock(store: Reader, height: number): LightBlock | undefined {
  const stored = readBlock(store, height)
  if (!stored) return undefined
  const { header, commit } = stored.head
  const validators = readSet(store, header.validatorsHash)
  const nextValidators = readSet(store, header.nextValidatorsHash)
  if (!validators || !nextValidators) return undefined
  return { header, commit, validators: validatorsOf(validators), nextValidators: validatorsOf(nextValidators) }
}
