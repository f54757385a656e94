/**
 * ATTACH-9: the name of a file as strangers give it, made into one that is a name and nothing else: no path, nothing hidden, nothing that a
 * terminal or a reader takes for something other than it is, nothing that a system gives a meaning of its own.
 */
import { utf8 } from '@keystead/core'
import { MAX_FILE_NAME_BYTES } from '../../limits.ts'

/** Control characters, marks that reorder or are not seen, and what is no character by itself (Unicode categories C, Zl, Zp). */
const UNSEEN = /[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu
/** Not allowed in names on some system: of paths, streams, patterns. */
const FORBIDDEN = /[<>:"|?*/\\]/g
/** Names of devices on Windows, whatever follows a dot. */
const DEVICE = /^(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$)(?:\.|$)/i
const LONGEST_SUFFIX = 16

export const UNNAMED = 'attachment'

/** Of its own result it makes the same. */
export function safeFileName(given: string): string {
  const last = given.split(/[/\\]/).at(-1) ?? ''
  const plain = trimmed(last.replace(UNSEEN, '').normalize('NFC').replace(FORBIDDEN, '_').replace(/\s+/g, ' '))
  if (plain === '') return UNNAMED
  return trimmed(shortened(DEVICE.test(plain) ? `_${plain}` : plain))
}

/** Neither hidden by a dot, nor ending in what Windows cuts off. */
const trimmed = (name: string): string => name.replace(/^[. ]+|[. ]+$/g, '')

/** To so many bytes; the end, which says what kind of file it is, stays. */
function shortened(name: string): string {
  if (utf8(name).length <= MAX_FILE_NAME_BYTES) return name
  const dot = name.lastIndexOf('.')
  const suffix = dot > 0 && utf8(name.slice(dot)).length <= LONGEST_SUFFIX ? name.slice(dot) : ''
  const room = MAX_FILE_NAME_BYTES - utf8(suffix).length
  let stem = ''
  let bytes = 0
  for (const character of name.slice(0, name.length - suffix.length)) {
    bytes += utf8(character).length
    if (bytes > room) break
    stem += character
  }
  return `${stem.trimEnd()}${suffix}`
}
