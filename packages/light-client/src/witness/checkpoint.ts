/** Checkpoints of the operation log (C2SP tlog-checkpoint): who it is, how long it is, its root. WITNESS-1 and 2. */
import { type Bytes, base64pad } from '@keystead/core'
import { verifySignature } from '@keystead/crypto'
import { type NetworkGenesis, networkHash } from '@keystead/did-dkms'
import { badNote, NOTE_ED25519, type NoteKey, type SignedNote, signaturesOf } from './note.ts'

export interface Checkpoint {
  readonly origin: string
  readonly size: number
  readonly root: Bytes
}

/** WITNESS-1: the origin carries the whole genesis hash, so that no two networks share one. */
export function logOrigin(genesis: NetworkGenesis): string {
  return `keystead.ledger/${networkHash(genesis)}`
}

/** The note's text. */
export function formatCheckpoint({ origin, size, root }: Checkpoint): string {
  return `${origin}\n${size}\n${base64pad.encode(root)}\n`
}

/** Reads a note's text; extension lines are allowed and ignored. Throws `BAD_CHECKPOINT`. */
export function parseCheckpoint(text: string): Checkpoint {
  const [origin = '', size = '', root = '', ...extensions] = text.split('\n')
  if (extensions.pop() !== '' || origin === '' || extensions.includes('')) return badNote('this is not a checkpoint')
  if (!/^(0|[1-9]\d{0,15})$/.test(size) || !Number.isSafeInteger(Number(size)))
    return badNote('the size of the checkpoint is not a number')
  return { origin, size: Number(size), root: rootOf(root) }
}

/** WITNESS-2: true if one of the keys signed the note; a known key's signature that fails spoils the whole. */
export function signedByLog(note: SignedNote, keys: readonly NoteKey[]): boolean {
  const own = keys
    .filter((key) => key.type === NOTE_ED25519)
    .flatMap((key) => signaturesOf(note, key).map(({ signature }) => ({ key, signature })))
  const message = new TextEncoder().encode(note.text)
  return (
    own.length > 0 &&
    own.every(({ key, signature }) => verifySignature({ suite: 'ed25519', bytes: key.publicKey }, message, signature))
  )
}

function rootOf(text: string): Bytes {
  try {
    const root = base64pad.decode(text)
    if (root.length === 32) return root
  } catch {
    // reported below
  }
  return badNote('the root of the checkpoint is not 32 bytes')
}
