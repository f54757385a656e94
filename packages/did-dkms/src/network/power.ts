/** Validators and their voting power: the wire form, and how much of it a change moves (NET-12). */
import { Fields, fail } from '@keystead/core'
import { decodeMultikey, sha256 } from '@keystead/crypto'
import { MAX_POWER, MAX_VALIDATORS } from '../limits.ts'
import type { ValidatorPower } from './genesis.ts'

/** `least`: 1 in a set, 0 in a change, where it removes. Throws errors of `Fields`. */
export function parsePower(f: Fields, name: string, least: 0 | 1): ValidatorPower[] {
  const entries = f.array(name, { min: 1, max: MAX_VALIDATORS }, (item, path) => {
    const v = new Fields(item, path)
    const k = v.string('k', { max: 64, pattern: /^z6Mk/ })
    if (!isEd25519(k)) fail(`${path}.k`, 'must be an Ed25519 Multikey')
    const parsed = { k, power: v.integer('power', { min: least, max: MAX_POWER }) }
    v.end()
    return parsed
  })
  if (new Set(entries.map(({ k }) => k)).size !== entries.length) fail(`${f.path}.${name}`, 'must not repeat itself')
  return entries
}

function isEd25519(k: string): boolean {
  try {
    return decodeMultikey(k).suite === 'ed25519'
  } catch {
    return false
  }
}

export function totalPower(set: readonly ValidatorPower[]): number {
  return set.reduce((sum, { power }) => sum + power, 0)
}

/** The set after the changes, in order of the keys' text; power 0 removes. */
export function changedSet(set: readonly ValidatorPower[], changes: readonly ValidatorPower[]): ValidatorPower[] {
  const powers = new Map(set.map(({ k, power }) => [k, power]))
  for (const { k, power } of changes) powers.set(k, power)
  return [...powers]
    .map(([k, power]) => ({ k, power }))
    .filter(({ power }) => power > 0)
    .sort((a, b) => (a.k < b.k ? -1 : 1))
}

/** Each validator whose power differs, with its new power: what an engine must be told. */
export function setDifference(before: readonly ValidatorPower[], after: readonly ValidatorPower[]): ValidatorPower[] {
  const old = new Map(before.map(({ k, power }) => [k, power]))
  const now = new Map(after.map(({ k, power }) => [k, power]))
  return [...new Set([...old.keys(), ...now.keys()])]
    .sort()
    .map((k) => ({ k, power: now.get(k) ?? 0 }))
    .filter(({ k, power }) => (old.get(k) ?? 0) !== power)
}

/** Sum of the differences. */
export function movedPower(before: readonly ValidatorPower[], after: readonly ValidatorPower[]): number {
  const old = new Map(before.map(({ k, power }) => [k, power]))
  return setDifference(before, after).reduce((sum, { k, power }) => sum + Math.abs(power - (old.get(k) ?? 0)), 0)
}

/** CometBFT's address of a validator: the first 20 bytes of SHA-256 of its key. */
export function addressOf(k: string): Uint8Array {
  return sha256(decodeMultikey(k).bytes).subarray(0, 20)
}
