/** What a wallet demands of witnesses, and whether a head meets it (WITNESS-4). */
import type { Bytes } from '@keystead/core'
import type { NetworkGenesis } from '@keystead/did-dkms'
import type { Head } from '../head.ts'
import { verifyConsistency } from '../merkle.ts'
import { logOrigin, parseCheckpoint } from './checkpoint.ts'
import { type Cosigned, cosigners } from './cosignature.ts'
import { type NoteKey, parseNote } from './note.ts'

export interface WitnessPolicy {
  readonly witnesses: readonly NoteKey[]
  /** How many of them must have cosigned: at least 1. */
  readonly threshold: number
  /** Oldest cosignature that counts, seconds. */
  readonly maxAge: number
}

/** A cosigned checkpoint, and the RFC 9162 proof that the head's log continues it. */
export interface WitnessEvidence {
  /** A signed note. */
  readonly note: string
  readonly path: readonly Bytes[]
}

/**
 * The witnesses that vouch for the log of this head: they cosigned a checkpoint of this network that the head's log extends.
 * `met` says whether they are enough. Throws `BAD_CHECKPOINT` for evidence that is no checkpoint. `now`: seconds.
 */
export function witnessed(
  head: Head,
  evidence: WitnessEvidence,
  genesis: NetworkGenesis,
  policy: WitnessPolicy,
  now: number,
): { readonly met: boolean; readonly cosigned: readonly Cosigned[] } {
  const note = parseNote(evidence.note)
  const checkpoint = parseCheckpoint(note.text)
  const of = { size: head.logSize, root: head.logRoot }
  const belongs = checkpoint.origin === logOrigin(genesis) && verifyConsistency(checkpoint, of, evidence.path)
  // Every log extends the empty one: a cosignature of size 0 says nothing.
  if (!belongs || (checkpoint.size === 0 && head.logSize > 0)) return { met: false, cosigned: [] }
  const cosigned = cosigners(note, policy.witnesses, now).filter(({ time }) => now - time <= policy.maxAge)
  return { met: policy.threshold >= 1 && cosigned.length >= policy.threshold, cosigned }
}
