/**
 * Which parameters an operation met (NET-17): the network's log replayed from the genesis document. Pure; whoever calls it has
 * checked that the operations are in the log.
 */
import { KeysteadError } from '@keystead/core'
import type { OperationErrorCode } from '../errors.ts'
import { type LogEntry, signedOperationHash } from '../log.ts'
import { type RulesTable, rulesFor } from '../rules.ts'
import { isOver, type Now, type Wait } from '../time.ts'
import { applyNetwork } from './apply.ts'
import { type NetworkGenesis, networkHash } from './genesis.ts'
import type { NetworkParameters } from './parameters.ts'
import { settleNetwork } from './settle.ts'
import { type GovernanceLeaf, initialNetwork } from './state.ts'
import type { NetworkSubmission } from './types.ts'

export interface NetworkHistoryEntry {
  readonly entry: LogEntry
  readonly submission: NetworkSubmission
}

export interface NetworkHistory {
  /** Number and hash of the newest operation, and the governance keys in force. */
  readonly governance: GovernanceLeaf
  /** Parameters that an operation met in a block of this time. */
  readonly parametersAt: (now: Now) => NetworkParameters
}

/**
 * Governance, parameters and protocol as the validators had them. Of the validators' own changes only who ordered them is
 * checked again: a removal for misbehaviour is in a block's evidence, not in the log. Throws the code with which an entry is
 * refused, `STATE_INVALID` for a misordered history, `UPDATE_REQUIRED` for a version we do not know.
 */
export function replayNetwork(
  genesis: NetworkGenesis,
  entries: readonly NetworkHistoryEntry[],
  rules?: RulesTable,
): NetworkHistory {
  const net = networkHash(genesis)
  const changes: { wait: Wait; seq: number; parameters: NetworkParameters }[] = []
  let state = initialNetwork(genesis)
  for (const { entry, submission } of entries) {
    const { operation } = submission
    if (entry.s !== signedOperationHash(operation))
      throw new KeysteadError<OperationErrorCode>('STATE_INVALID', 'the log names another operation here')
    const now = { time: entry.t, lost: entry.lost }
    const { suites } = rulesFor(entry.p, rules)
    const result = applyNetwork(settleNetwork(state, now), submission, { net, ...now, powerKnown: false }, suites)
    if (!result.ok) throw new KeysteadError<OperationErrorCode>(result.code, result.message)
    state = result.state
    const { pending } = state.parameters
    if (operation.type === 'parameters' && pending)
      changes.push({ wait: pending, seq: operation.seq, parameters: pending.becomes })
    // A cancel is accepted only while the change waits, so it never was in force.
    if (operation.type === 'cancel' && changes.at(-1)?.seq === operation.of) changes.pop()
  }
  const parametersAt = (now: Now): NetworkParameters =>
    changes.findLast(({ wait }) => isOver(wait, now))?.parameters ?? genesis.parameters
  return { governance: state.governance, parametersAt }
}
