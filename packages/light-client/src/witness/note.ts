/** Signed notes (C2SP signed-note): text, a blank line, and signature lines by named keys. */
import { type Bytes, base64pad, concatBytes, equalBytes, hexadecimal, KeysteadError, utf8 } from '@keystead/core'
import { sha256 } from '@keystead/crypto'
import type { LedgerReadErrorCode } from '../errors.ts'
import { MAX_NOTE_BYTES, MAX_NOTE_SIGNATURES } from '../limits.ts'

/** Signature types of C2SP signed-note that we read: plain Ed25519, and the timestamped cosignature of a witness. */
export const NOTE_ED25519 = 0x01
export const NOTE_COSIGNATURE = 0x04

export interface NoteKey {
  /** Non-empty, without spaces and plus signs. */
  readonly name: string
  readonly type: typeof NOTE_ED25519 | typeof NOTE_COSIGNATURE
  /** Ed25519, 32 bytes. */
  readonly publicKey: Bytes
}

export interface NoteSignature {
  readonly name: string
  /** 4 bytes; a hint, never a proof of which key signed. */
  readonly keyId: Bytes
  readonly signature: Bytes
}

export interface SignedNote {
  /** With its final newline, without the blank line. */
  readonly text: string
  readonly signatures: readonly NoteSignature[]
}

const NAME = /^[^\s+\u0085\u180e\u200b\ufeff]{1,200}$/u
// biome-ignore lint/suspicious/noControlCharactersInRegex: the format forbids exactly these.
const CONTROL = /[\u0000-\u0009\u000b-\u001f]/

export function badNote(message: string): never {
  throw new KeysteadError<LedgerReadErrorCode>('BAD_CHECKPOINT', message)
}

/** Key ID = SHA-256(name || newline || type || public key)[:4]. */
export function noteKeyId(key: NoteKey): Bytes {
  return sha256(concatBytes(utf8(`${key.name}\n`), Uint8Array.of(key.type), key.publicKey)).slice(0, 4)
}

/** `<name>+<key id in hexadecimal>+<base64 of type and key>` (C2SP signed-note, "Verifier keys"). */
export function formatNoteKey(key: NoteKey): string {
  const material = concatBytes(Uint8Array.of(key.type), key.publicKey)
  return `${key.name}+${hexadecimal.encode(noteKeyId(key))}+${base64pad.encode(material)}`
}

/** Throws `BAD_CHECKPOINT` for another form, another type, or a key ID that is not the key's. */
export function parseNoteKey(text: string): NoteKey {
  // The base64 part may contain plus signs; name and key ID cannot.
  const [, name = '', id = '', material = ''] = /^([^+]{1,200})\+([0-9a-f]{8})\+(.{1,60})$/su.exec(text) ?? []
  const bytes = decodeBase64(material)
  const type = bytes?.[0]
  if (!NAME.test(name) || bytes?.length !== 33 || (type !== NOTE_ED25519 && type !== NOTE_COSIGNATURE))
    return badNote('this is not a verifier key of a log or witness')
  const key = { name, type, publicKey: bytes.slice(1) as Bytes } as const
  if (hexadecimal.encode(noteKeyId(key)) !== id) return badNote('the verifier key does not fit its key ID')
  return key
}

export function formatNote(note: SignedNote): string {
  return `${note.text}\n${note.signatures.map(formatNoteSignature).join('')}`
}

export function formatNoteSignature({ name, keyId, signature }: NoteSignature): string {
  return `\u2014 ${name} ${base64pad.encode(concatBytes(keyId, signature))}\n`
}

/** Throws `BAD_CHECKPOINT`. The signatures are not checked here. */
export function parseNote(note: string): SignedNote {
  if (note.length > MAX_NOTE_BYTES) return badNote('the note is too long')
  if (CONTROL.test(note)) return badNote('the note has control characters')
  const end = note.lastIndexOf('\n\n')
  if (end < 0) return badNote('the note has no signatures')
  return { text: note.slice(0, end + 1), signatures: parseNoteSignatures(note.slice(end + 2)) }
}

/** Signature lines, as a witness answers them. Throws `BAD_CHECKPOINT`. */
export function parseNoteSignatures(lines: string): NoteSignature[] {
  if (lines === '' || !lines.endsWith('\n')) return badNote('a signature line is missing or not ended')
  const parts = lines.slice(0, -1).split('\n')
  if (parts.length > MAX_NOTE_SIGNATURES) return badNote('the note has too many signatures')
  return parts.map((line) => {
    const [dash, name = '', text = '', more] = line.split(' ')
    const bytes = decodeBase64(text)
    if (dash !== '\u2014' || more !== undefined || !NAME.test(name) || !bytes || bytes.length < 5)
      return badNote('a signature line has the wrong form')
    return { name, keyId: bytes.slice(0, 4) as Bytes, signature: bytes.slice(4) as Bytes }
  })
}

/** The signatures that name this key by name and key ID. Others MUST be ignored (C2SP signed-note, "Signatures"). */
export function signaturesOf(note: SignedNote, key: NoteKey): NoteSignature[] {
  const id = noteKeyId(key)
  return note.signatures.filter(({ name, keyId }) => name === key.name && equalBytes(keyId, id))
}

function decodeBase64(text: string): Bytes | undefined {
  try {
    return base64pad.decode(text)
  } catch {
    return undefined
  }
}
