/** Phase 1, register: the owner's device deals group secret E to the agents and forgets everything (ESCROW-1). */
import type { Bytes, Random } from '@keystead/core'
import type { KeyProvider, PublicKey } from '@keystead/crypto'
import { refuse } from '../errors.ts'
import { registrationHealthKey } from '../health.ts'
import { LOCATOR_BYTES, MAX_GUESSES, SECRET_BYTES } from '../limits.ts'
import { checkMembers, type EscrowCard, sealCard } from './card.ts'
import { releaseTag, sealRelease, sealSlot, stretchPin, unlockOf, VERSION_BYTES } from './keys.ts'
import { blindInput, combineEvaluations, combineScalar, dealScalar, evaluateBlinded, type KeyShare } from './oprf.ts'
import { checkPin } from './pin.ts'
import { escrowAccount, escrowAuthSeed, sealRegistration, tagDigest } from './registration.ts'

export interface NewEscrow {
  /** Group secret E. */
  readonly secret: Uint8Array
  readonly pin: string
  readonly locator: Uint8Array
  /** Independent agents (`checkIndependence`): DID, and the X-Wing key of its descriptor. */
  readonly agents: readonly { readonly id: string; readonly kem: PublicKey<'x-wing'> }[]
  readonly threshold: number
  readonly guesses: number
  readonly keys: KeyProvider
  readonly random: Random
}

/** For one agent, which alone can open it. */
export interface EscrowRegistration {
  readonly agent: string
  readonly account: string
  readonly sealed: Bytes
  /** What the owner keeps, to ask later whether the agent still has it. */
  readonly health: Bytes
}

/** Rejects with `WEAK_PIN` or `BAD_PARAMETERS`. */
export async function dealEscrow(escrow: NewEscrow): Promise<EscrowRegistration[]> {
  const { secret, pin, locator, agents, threshold, guesses, random } = escrow
  checkPin(pin)
  const members = { threshold, count: agents.length }
  if (!checkMembers(members))
    refuse('BAD_PARAMETERS', 'PIN escrow needs at least three agents, and more than half of them')
  if (secret.length !== SECRET_BYTES || locator.length !== LOCATOR_BYTES || guesses < 1 || guesses > MAX_GUESSES)
    refuse('BAD_PARAMETERS', 'these are not parameters of an escrow')
  const version = random(VERSION_BYTES)
  const { access, seed } = await stretchPin(pin, version, locator)
  const [keyShares, zShares] = [dealScalar(members, random), dealScalar(members, random)]
  const z = combineScalar(zShares, members)
  const unlock = unlockOf(evaluateWhole(access, keyShares, threshold, random), version)
  try {
    const card: EscrowCard = {
      version,
      threshold,
      guesses,
      agents: agents.map(({ id }, i) => ({ id, key: (keyShares[i] as KeyShare).publicKey })),
      commitment: unlock.commitment,
      slot: sealSlot(secret, z, seed, version, random),
    }
    return await Promise.all(
      agents.map(async ({ id, kem }, i) => {
        const account = escrowAccount(locator, id)
        const record = {
          account,
          auth: await authKey(escrow, id),
          share: (keyShares[i] as KeyShare).secret,
          guesses,
          card: sealCard(locator, id, card, random),
          release: sealRelease(unlock.key, (zShares[i] as KeyShare).secret, id, random),
          tag: tagDigest(releaseTag(unlock.key, id)),
        }
        return { agent: id, account, sealed: sealRegistration(record, id, kem), health: registrationHealthKey(record) }
      }),
    )
  } finally {
    for (const bytes of [access, seed, z, unlock.key]) bytes.fill(0)
    for (const { secret: share } of [...keyShares, ...zShares]) share.fill(0)
  }
}

/** `Evaluate(k, access)` by the same road that a recovery takes. */
function evaluateWhole(access: Uint8Array, shares: readonly KeyShare[], threshold: number, random: Random): Bytes {
  const { blind, element } = blindInput(access, random)
  const parts = shares.slice(0, threshold).map(({ index, secret }) => ({
    index,
    blind,
    evaluated: evaluateBlinded(secret, element, random).evaluated,
  }))
  return combineEvaluations(access, parts)
}

async function authKey({ locator, keys }: NewEscrow, agent: string): Promise<Bytes> {
  const seed = escrowAuthSeed(locator, agent)
  const key = await keys.fromSecret({ kind: 'signing', suite: 'ed25519' }, seed)
  try {
    return Uint8Array.from(key.publicKey.bytes)
  } finally {
    key.destroy()
    seed.fill(0)
  }
}
