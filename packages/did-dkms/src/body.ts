/** Hashes of a document body (DKMS-6): a tree of two leaves, keys and services, so that one half can be shown to stay. */
import { canonicalJson, multihash } from '@keystead/core'
import { sha256 } from '@keystead/crypto'
import type { Body, HalfChange } from './types.ts'

const hash = (value: object): string => multihash.encode(sha256(canonicalJson(value)))

export function keysHash({ keys, keysSalt }: Pick<Body, 'keys' | 'keysSalt'>): string {
  return hash({ keys, keysSalt })
}

export function servicesHash({ services, servicesSalt }: Pick<Body, 'services' | 'servicesSalt'>): string {
  return hash({ services, servicesSalt })
}

export function bodyHash(body: Body): string {
  return joinHalves(keysHash(body), servicesHash(body))
}

function joinHalves(keys: string, services: string): string {
  return hash({ keys, services })
}

/** The hashes of the body before and after a change of one half. */
export function hashesOfChange({ half, kept, before, after }: HalfChange): { before: string; after: string } {
  const join = (changed: string): string => (half === 'keys' ? joinHalves(changed, kept) : joinHalves(kept, changed))
  return { before: join(before), after: join(after) }
}

/** What an agent's update says of the half it changes; the other half, salt included, is the same in both. */
export function changeOfHalf(half: HalfChange['half'], before: Body, after: Body): HalfChange {
  const [changed, kept] = half === 'keys' ? [keysHash, servicesHash] : [servicesHash, keysHash]
  return { half, kept: kept(after), before: changed(before), after: changed(after) }
}
