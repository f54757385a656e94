/** Our own vectors: a log of submissions with what each must lead to. `vectors/README.md` tells the format to others. */
import { type JsonObject, multihash } from '@keystead/core'
import { apply } from '../apply/apply.ts'
import type { ApplyContext } from '../apply/context.ts'
import { deriveDocument } from '../document.ts'
import type { NetworkParameters } from '../network/parameters.ts'
import { parseSubmission } from '../parse/submission.ts'
import { settle } from '../settle.ts'
import type { DidState } from '../state.ts'
import type { Body } from '../types.ts'
import type { Reading } from './reading.ts'

/** The network of every drawn log. */
export const NET = multihash.encode(new Uint8Array(32).fill(7))

export interface VectorStep {
  /** Block time, and the seconds the chain has lost until then. */
  readonly time: number
  readonly lost: number
  /** The submission as it is sent: the exact text. Absent: time passes, and the state is looked at. */
  readonly text?: string
  /** The state afterwards, or the code with which it is refused and the state stays. */
  readonly expect: { readonly state: JsonObject } | { readonly code: string }
}

export interface Vector {
  readonly rule: string
  readonly title: string
  /** The network's hash and parameters. */
  readonly net: string
  readonly parameters: NetworkParameters
  readonly steps: readonly VectorStep[]
  /** The document that the last state gives, where a rule is about it. */
  readonly document?: JsonObject
  /** What a reader is told in the end, where a rule is about that. */
  readonly reading?: Reading
}

/** Whether the vector is one of the refused: by its last step, or by its reading. */
export function isRefused({ steps, reading }: Pick<Vector, 'steps' | 'reading'>): boolean {
  const last = reading?.expect ?? steps.at(-1)?.expect ?? {}
  return typeof last === 'object' && last !== null && 'code' in last
}

/** A DID while its log is played. */
export interface Played {
  readonly state: DidState | undefined
  readonly bodies: readonly Body[]
}

/** What our code makes of one step; a refusal leaves the state as it was. */
export function play(
  vector: Pick<Vector, 'net' | 'parameters'>,
  before: Played,
  { time, lost, text }: Omit<VectorStep, 'expect'>,
): Played & { readonly outcome: VectorStep['expect'] } {
  const { net, parameters } = vector
  const context: ApplyContext = { net, parameters, time, lost, logIndex: 7 }
  const { state, bodies } = before
  if (text === undefined) {
    const settled = state && settle(state, { time, lost }, parameters)
    return { state: settled, bodies, outcome: { state: { ...settled } as unknown as JsonObject } }
  }
  try {
    const submission = parseSubmission(new TextEncoder().encode(text))
    const result = apply(state, submission, context)
    if (!result.ok) return { ...before, outcome: { code: result.code } }
    const outcome = { state: { ...result.state } as unknown as JsonObject }
    return { state: result.state, bodies: submission.body ? [...bodies, submission.body] : bodies, outcome }
  } catch (error) {
    return { ...before, outcome: { code: (error as { code: string }).code } }
  }
}

export function documentAfter(state: DidState, bodies: readonly Body[], hash: (body: Body) => string): JsonObject {
  return deriveDocument(
    state,
    bodies.find((body) => hash(body) === state.body),
  ) as unknown as JsonObject
}
