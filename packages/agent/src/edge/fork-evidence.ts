/** RELATIONSHIP-35: a contact's contradicting entries, kept for others to check; and how they check them. */
import { canonicalJson, type JsonObject, multihash } from '@keystead/core'
import { sha256 } from '@keystead/crypto'
import { type Fork, parseFork, provesFork } from '@keystead/microledger'
import type { Edge } from './context.ts'
import type { Relationship } from './records.ts'
import { type Change, put } from './store.ts'

const KIND = 'relationship-fork'

export function forkEvidence(edge: Edge, { label }: Pick<Relationship, 'label'>, fork: Fork): Change {
  const shown = { base: fork.base, entries: [...fork.entries] } as unknown as JsonObject
  const name = `fork-${multihash.encode(sha256(canonicalJson(shown)))}`
  const { rel } = fork.entries[0]
  return put('evidence', name, { kind: KIND, contact: label, rel, ...shown, at: edge.ports.clock.now() })
}

/** Whether it shows two entries for one place that the same keys have signed. Undefined for evidence of another kind. */
export function checkForkEvidence(evidence: JsonObject): boolean | undefined {
  const { kind, base, entries } = evidence
  return kind === KIND ? provesFork(parseFork({ base, entries })) : undefined
}
