/**
 * What the devices of an owner are granted on a DID made for one issuer, and what the registry of such a DID looks like to
 * everybody: as many entries of either kind whether they are devices or padding, none of which ends at a time that tells them
 * apart or is found on another DID (CREDENTIAL-20).
 */
import type { Random } from '@keystead/core'
import { type AgentEntry, capabilitySet, MAX_TIME, spareDigest } from '@keystead/did-dkms'

/** Any device with AUTHENTICATE presents. */
export const PRESENTS = capabilitySet(['AUTHENTICATE'])

/** One that has ADMIN, too, takes others out, and the key of a maker that was revoked out of the document. */
export const ADMINISTERS = capabilitySet(['AUTHENTICATE', 'ADMIN', 'ROTATE'])

/** Of each kind: with the device that made the DID, room for as many as people have. */
const PADDED = 2

export const grantOf = (h: string, admin: boolean): AgentEntry => ({
  h,
  caps: admin ? ADMINISTERS : PRESENTS,
  exp: MAX_TIME,
})

/** An entry without a key. */
export const paddingLike = (random: Random, { caps }: Pick<AgentEntry, 'caps'>): AgentEntry => ({
  h: spareDigest(random(16)),
  caps,
  exp: MAX_TIME,
})

export function paddedRegistry(random: Random): AgentEntry[] {
  return [ADMINISTERS, PRESENTS].flatMap((caps) => Array.from({ length: PADDED }, () => paddingLike(random, { caps })))
}
