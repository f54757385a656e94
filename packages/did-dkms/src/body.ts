/** Hashes of a document body (DKMS-6): a tree of two leaves, keys and services, so that one half can be shown to stay. */
import { type Bytes, canonicalText, multihash } from '@keystead/core'
import { sha256 } from '@keystead/crypto'
import type { Body, HalfChange } from './types.ts'

/** Before two digests, so that no half's text is ever taken for a tree (RFC 9162, section 2.1.1, does likewise). */
const NODE = Uint8Array.of(1)

function keysDigest({ keys, keysSalt }: Body): Bytes {
  return sha256(canonicalText({ keys, keysSalt }))
}

function servicesDigest({ services, servicesSalt }: Body): Bytes {
  return sha256(canonicalText({ services, servicesSalt }))
}

function joined(keys: Bytes, services: Bytes): string {
  return multihash.encode(sha256(NODE, keys, services))
}

export function bodyHash(body: Body): string {
  return joined(keysDigest(body), servicesDigest(body))
}

/** The hashes of the body before and after a change of one half. */
export function hashesOfChange({ half, kept, before, after }: HalfChange): { before: string; after: string } {
  const other = multihash.decode(kept)
  const join = (changed: Bytes): string => (half === 'keys' ? joined(changed, other) : joined(other, changed))
  return { before: join(multihash.decode(before)), after: join(multihash.decode(after)) }
}

/** What an agent's update says of the half it changes; the other half, salt included, is the same in both. */
export function changeOfHalf(half: HalfChange['half'], before: Body, after: Body): HalfChange {
  const [changed, kept] = half === 'keys' ? [keysDigest, servicesDigest] : [servicesDigest, keysDigest]
  const name = multihash.encode
  return { half, kept: name(kept(after)), before: name(changed(before)), after: name(changed(after)) }
}
