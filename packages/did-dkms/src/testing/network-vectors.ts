/** Vectors of the network's own log: what each operation, the passing of time, or a proven equivocation leads to. */
import { type JsonObject, utf8 } from '@keystead/core'
import { applyNetwork } from '../network/apply.ts'
import { type NetworkGenesis, networkHash } from '../network/genesis.ts'
import { isNetworkSubmission, parseAnySubmission } from '../network/parse.ts'
import { addressOf } from '../network/power.ts'
import { removeMisbehaving, settleNetwork } from '../network/settle.ts'
import { type NetworkState, networkDigest, networkDigests } from '../network/state.ts'

export interface NetworkStep {
  /** Block time, and the seconds the chain has lost until then. */
  readonly time: number
  readonly lost: number
  /** The submission as it is sent; absent: time passes, and the leaves are looked at. */
  readonly text?: string
  /** Multikeys of validators proven to have signed two blocks of one height. */
  readonly misbehaved?: readonly string[]
  /** The four leaves and their digest afterwards, or the code of the refusal, which changes nothing. */
  readonly expect: { readonly network: JsonObject; readonly digest: string } | { readonly code: string }
}

export interface NetworkVector {
  readonly rule: string
  readonly title: string
  readonly genesis: NetworkGenesis
  readonly steps: readonly NetworkStep[]
}

/** What our code makes of one step. */
export function playNetwork(
  genesis: NetworkGenesis,
  before: NetworkState,
  { time, lost, text, misbehaved = [] }: Omit<NetworkStep, 'expect'>,
): { state: NetworkState; outcome: NetworkStep['expect'] } {
  const settled = removeMisbehaving(settleNetwork(before, { time, lost }), misbehaved.map(addressOf), time)
  if (text === undefined) return told(settled)
  try {
    const submission = parseAnySubmission(utf8(text))
    if (!isNetworkSubmission(submission)) return { state: before, outcome: { code: 'BAD_OPERATION' } }
    const result = applyNetwork(settled, submission, { net: networkHash(genesis), time, lost })
    return result.ok ? told(result.state) : { state: before, outcome: { code: result.code } }
  } catch (error) {
    return { state: before, outcome: { code: (error as { code: string }).code } }
  }
}

function told(state: NetworkState): { state: NetworkState; outcome: NetworkStep['expect'] } {
  const network = JSON.parse(JSON.stringify(state)) as JsonObject
  return { state, outcome: { network, digest: networkDigest(networkDigests(state)) } }
}
