/** What readers see of a log that was played: state as bytes, policy, versions, periods of keys and agents, key states, log entries (DKMS-20, 31 to 33, 40 to 43). */
import { hexadecimal, isKeysteadError, type Json, utf8, utf8Decode } from '@keystead/core'
import { agentPeriods } from '../agent-periods.ts'
import { documentMetadata } from '../document.ts'
import { type History, type HistoryEntry, replay } from '../history.ts'
import { encodeLogEntry, type LogEntry, parseLogEntry, signedOperationHash } from '../log.ts'
import { parseSubmission } from '../parse/submission.ts'
import { policyOf } from '../policy.ts'
import { decodeState, encodeState, stateKey } from '../state.ts'
import type { Now } from '../time.ts'
import type { Opening } from '../types.ts'
import { resolveVersion, type VersionQuery } from '../versions.ts'
import type { Drawing } from './drawings/drawing.ts'
import { START, seconds } from './line.ts'
import { NET, type Vector } from './vectors.ts'

export type Asked = 'leaf' | 'log' | 'metadata' | 'policy' | 'versions' | 'periods' | 'agents' | 'lives'

export interface Reading {
  readonly ask: Asked
  readonly at: Now
  /** The log's entry of each submission that was taken, in order. */
  readonly entries: readonly LogEntry[]
  /** The last state as its canonical bytes, where the leaf is asked for. */
  readonly leaf?: string
  /** Versions asked for. */
  readonly queries?: readonly VersionQuery[]
  readonly expect: Json
}

type Steps = Pick<Vector, 'net' | 'parameters' | 'steps'>

const taken = ({ steps }: Steps): Vector['steps'] =>
  steps.filter(({ text, expect }) => text !== undefined && 'state' in expect)

/** The vector's reading of a drawn log, with what our code answers. */
export function readingOf(
  { steps, parameters }: Pick<Vector, 'steps' | 'parameters'>,
  { ask, at: asked = '0', entries: forgeEntries, leaf: forgeLeaf }: NonNullable<Drawing['read']>,
): Reading {
  const vector = { net: NET, parameters, steps }
  const at = { time: START + seconds(asked), lost: 0 }
  const whole = entriesOf(vector)
  const entries = forgeEntries?.(whole) ?? whole
  const text = ask === 'leaf' ? leafOf(vector) : undefined
  const question = {
    ask,
    at,
    entries,
    ...(text === undefined ? {} : { leaf: forgeLeaf?.(text) ?? text }),
    ...(ask === 'versions' ? { queries: queriesOf(vector, entries, at) } : {}),
  }
  return { ...question, expect: read(vector, question) }
}

/** Entries as a log gives them whose every third operation is of this DID. */
export function entriesOf(vector: Steps): LogEntry[] {
  return taken(vector).map(({ text = '', time, lost }, index) => {
    const { operation } = parseSubmission(utf8(text))
    return { i: index * 3, t: time, lost, p: 1, s: signedOperationHash(operation) }
  })
}

/** The state that the last step left, as canonical text. */
export function leafOf({ steps }: Steps): string {
  const last = steps.at(-1)?.expect
  if (!last || !('state' in last)) throw new Error('the last step was refused')
  return utf8Decode(encodeState(last.state as never))
}

/** What our code answers; a refusal is its code. */
export function read(vector: Steps, { ask, at, entries, leaf = '', queries = [] }: Omit<Reading, 'expect'>): Json {
  try {
    switch (ask) {
      case 'leaf': {
        const state = decodeState(utf8(leaf))
        return { key: hexadecimal.encode(stateKey(state.did)), state: json(state) }
      }
      case 'log':
        return entries.map((entry) => utf8Decode(encodeLogEntry(parseLogEntry({ ...entry }))))
      case 'metadata':
        return documentMetadata(historyOf(vector, entries, at).state, at.lost)
      case 'policy':
        return json(policyOf(historyOf(vector, entries, at).state, at))
      case 'versions': {
        const history = historyOf(vector, entries, at)
        return queries.map((query) => json(resolveVersion(history, query)))
      }
      case 'periods': {
        const { keys, anchors, deactivatedAt } = historyOf(vector, entries, at)
        return json({ keys, anchors, deactivatedAt })
      }
      case 'agents': {
        const history = historyOf(vector, entries, at)
        return json(openingsOf(vector).map((opening) => agentPeriods(history, opening, at.time)))
      }
      case 'lives':
        return json(historyOf(vector, entries, at).lives)
    }
  } catch (error) {
    if (isKeysteadError(error)) return { code: error.code }
    throw error
  }
}

/** Every version there is by its id, and one of every hour from before the first until after the last. */
export function queriesOf(vector: Steps, entries: readonly LogEntry[], at: Now): VersionQuery[] {
  const { versions } = historyOf(vector, entries, at)
  const ids = versions.map(({ state }) => String(documentMetadata(state, at.lost)['versionId']))
  const first = entries[0]?.t ?? 0
  const hours = Math.ceil((at.time - first) / 3600)
  const times = Array.from({ length: hours + 2 }, (_, hour) => first - 1 + hour * 3600)
  return [...[...new Set(ids)].map((versionId) => ({ versionId })), ...times.map((versionTime) => ({ versionTime }))]
}

/** Of every agent that signed, as its operations show them. */
function openingsOf(vector: Steps): Opening[] {
  return taken(vector).flatMap(({ text = '' }) => {
    const { operation } = parseSubmission(utf8(text))
    return 'open' in operation ? (operation.open ?? []) : []
  })
}

function historyOf(vector: Steps, entries: readonly LogEntry[], at: Now): History {
  const sent = taken(vector).slice(-entries.length)
  const read = entries.map(
    (entry, index): HistoryEntry => ({ entry, submission: parseSubmission(utf8(sent[index]?.text ?? '')) }),
  )
  return replay(read, { net: vector.net, parametersAt: () => vector.parameters, protocol: 1 }, at)
}

function json(value: unknown): Json {
  return JSON.parse(JSON.stringify(value)) as Json
}
