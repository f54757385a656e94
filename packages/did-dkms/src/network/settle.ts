/**
 * What time and proven misbehaviour do to the network (NET-9, NET-13). Settled at the beginning of a block, before its
 * operations, so that what an operation meets is a function of its block's time.
 */
import { equalBytes } from '@keystead/core'
import { MAX_MOVED, MAX_MOVES } from '../limits.ts'
import { isOver, type Now } from '../time.ts'
import type { ValidatorPower } from './genesis.ts'
import { addressOf, changedSet, movedPower } from './power.ts'
import type { NetworkState, ValidatorsLeaf } from './state.ts'

/** The same object when nothing is due. */
export function settleNetwork(state: NetworkState, now: Now): NetworkState {
  let settled = state
  const { validators, parameters, protocol } = state
  if (validators.pending && isOver(validators.pending, now)) {
    const { pending, ...leaf } = validators
    const after = pending.handover ? changedSet([], pending.changes) : changedSet(leaf.set, pending.changes)
    // Removals for misbehaviour may have come between: a change that would leave nobody lapses.
    const set = after.length > 0 ? after : leaf.set
    settled = { ...settled, validators: moved(leaf, set, now.time) }
  }
  if (parameters.pending && isOver(parameters.pending, now))
    settled = { ...settled, parameters: { now: parameters.pending.becomes } }
  if (protocol.pending && now.time >= protocol.pending.time) {
    const { version, rules } = protocol.pending
    settled = { ...settled, protocol: { version, rules } }
  }
  return settled
}

/**
 * NET-13: a validator that signed two blocks of one height loses its power at once; a change that would give it power again
 * lapses. The last one stays, for a chain without validators is no chain.
 */
export function removeMisbehaving(state: NetworkState, addresses: readonly Uint8Array[], time: number): NetworkState {
  const guilty = (k: string): boolean => addresses.some((address) => equalBytes(address, addressOf(k)))
  const { pending, ...leaf } = state.validators
  const set = leaf.set.filter(({ k }) => !guilty(k))
  if (set.length === leaf.set.length || set.length === 0) return state
  const kept = pending && !pending.changes.some(({ k, power }) => power > 0 && guilty(k)) ? { pending } : {}
  return { ...state, validators: { ...moved(leaf, set, time), ...kept } }
}

function moved(leaf: Omit<ValidatorsLeaf, 'pending'>, set: readonly ValidatorPower[], at: number): ValidatorsLeaf {
  const power = movedPower(leaf.set, set)
  if (power === 0) return { set, moved: leaf.moved }
  const last = leaf.moved.at(-1)
  if (!last || leaf.moved.length < MAX_MOVES) return { set, moved: [...leaf.moved, { at, power }] }
  // A full list takes the newest together: what moved before counts a little longer, and the leaf stays readable.
  return { set, moved: [...leaf.moved.slice(0, -1), { at, power: Math.min(MAX_MOVED, last.power + power) }] }
}
