/** The request with which a log asks a witness to cosign (C2SP tlog-witness, "add-checkpoint"), and the witness's verdict. */
import { type Bytes, base64pad, equalBytes } from '@keystead/core'
import { verifyConsistency } from '../merkle.ts'
import { type Checkpoint, parseCheckpoint, signedByLog } from './checkpoint.ts'
import { badNote, type NoteKey, parseNote, type SignedNote } from './note.ts'

/** Lines of a consistency proof (C2SP tlog-witness). */
const MAX_PROOF_LINES = 63

export interface AddCheckpoint {
  /** Size of the checkpoint that the witness is believed to have cosigned last; 0 for none. */
  readonly old: number
  readonly path: readonly Bytes[]
  /** A signed note. */
  readonly note: string
}

export function formatAddCheckpoint({ old, path, note }: AddCheckpoint): string {
  return [`old ${old}\n`, ...path.map((hash) => `${base64pad.encode(hash)}\n`), '\n', note].join('')
}

/** Throws `BAD_CHECKPOINT`. */
export function parseAddCheckpoint(text: string): AddCheckpoint {
  const end = text.indexOf('\n\n')
  if (end < 0) return badNote('the request has no checkpoint')
  const [first = '', ...lines] = text.slice(0, end).split('\n')
  const [, size = ''] = /^old (0|[1-9]\d{0,15})$/.exec(first) ?? []
  if (size === '' || !Number.isSafeInteger(Number(size))) return badNote('the request has no old size')
  if (lines.length > MAX_PROOF_LINES) return badNote('the proof has too many lines')
  return { old: Number(size), path: lines.map(hashOf), note: text.slice(end + 2) }
}

/** What a witness remembers of a log: the newest checkpoint it cosigned. */
export type Cosignable = Pick<Checkpoint, 'size' | 'root'>

/** A refusal's `status` is HTTP's; `misbehaviour`: the log signed two logs of one size, whatever the asker did. */
export type WitnessVerdict =
  | { readonly status: 200; readonly checkpoint: Checkpoint; readonly note: SignedNote }
  | {
      readonly status: 400 | 403 | 404 | 409 | 422
      readonly reason: string
      /** With 409: the size that the witness knows. */
      readonly size?: number
      readonly misbehaviour?: true
    }

/**
 * WITNESS-5: whether to cosign, a pure function in the order of C2SP tlog-witness. `logs`: verifier keys by origin; `known`: the
 * newest checkpoint cosigned for this origin.
 */
export function judgeCheckpoint(
  request: AddCheckpoint,
  logs: ReadonlyMap<string, readonly NoteKey[]>,
  known: (origin: string) => Cosignable | undefined,
): WitnessVerdict {
  let note: SignedNote
  let checkpoint: Checkpoint
  try {
    note = parseNote(request.note)
    checkpoint = parseCheckpoint(note.text)
  } catch (error) {
    return { status: 400, reason: (error as Error).message }
  }
  const keys = logs.get(checkpoint.origin)
  if (!keys) return { status: 404, reason: 'the log is not known here' }
  if (!signedByLog(note, keys)) return { status: 403, reason: 'the log has not signed this checkpoint' }
  if (request.old > checkpoint.size) return { status: 400, reason: 'the old size is larger than the checkpoint' }
  const last = known(checkpoint.origin)
  const size = last?.size ?? 0
  if (request.old !== size) return { status: 409, size, reason: `the newest cosigned size is ${size}` }
  if (last && checkpoint.size === size && !equalBytes(checkpoint.root, last.root))
    return { status: 409, size, reason: 'another log of the same size was cosigned', misbehaviour: true }
  const grew = last ? verifyConsistency(last, checkpoint, request.path) : request.path.length === 0
  // Not yet misbehaviour: anybody can send a good checkpoint with a bad proof.
  if (!grew) return { status: 422, reason: 'no proof that the checkpoint continues what was cosigned' }
  return { status: 200, checkpoint, note }
}

function hashOf(line: string): Bytes {
  try {
    const hash = base64pad.decode(line)
    if (hash.length === 32) return hash
  } catch {
    // reported below
  }
  return badNote('a line of the proof is not a hash')
}
