/** Which waiting operations enter the next block (NET-31): in their order, with room kept for those that protect an owner. */
import { isNetworkSubmission, isUrgent, type NetworkSubmission, type Submission } from '@keystead/did-dkms'
import { MAX_BLOCK_OPERATIONS, RESERVED_BLOCK_OPERATIONS } from './limits.ts'

/** Recoveries, vetoes, suspensions and rotations for compromise; and what governs the network. */
export function hasReservedSpace(submission: Submission | NetworkSubmission): boolean {
  return isNetworkSubmission(submission) || isUrgent(submission.operation)
}

/**
 * Splits what waits into the next block's operations and the rest, both in their order. Ordinary operations fill at most
 * what is not reserved; an operation never overtakes an earlier one of its own DID, which it builds on.
 */
export function fillBlock<T extends { readonly submission: Submission | NetworkSubmission }>(
  waiting: readonly T[],
  size = MAX_BLOCK_OPERATIONS,
  reserved = RESERVED_BLOCK_OPERATIONS,
): { block: T[]; rest: T[] } {
  if (waiting.length <= size - reserved) return { block: [...waiting], rest: [] }
  const block: T[] = []
  const rest: T[] = []
  const delayed = new Set<string>()
  let ordinary = 0
  for (const one of waiting) {
    const { did } = one.submission.operation
    const urgent = hasReservedSpace(one.submission)
    const fits = block.length < size && (urgent || ordinary < size - reserved) && !delayed.has(did)
    if (fits) {
      block.push(one)
      if (!urgent) ordinary++
    } else {
      rest.push(one)
      delayed.add(did)
    }
  }
  return { block, rest }
}
