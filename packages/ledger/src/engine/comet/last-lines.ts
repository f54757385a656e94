/** What a process said last, for the error that says how it ended: bounded, on one line, and without anything that may be a secret. */
import { LAST_LINE_CHARACTERS, LAST_LINES } from '../../limits.ts'

export class LastLines {
  readonly #characters: number
  #lines: string[] = []

  constructor(characters = LAST_LINE_CHARACTERS) {
    this.#characters = characters
  }

  add(line: string): void {
    const said = plain(line).slice(0, this.#characters)
    if (said !== '') this.#lines = [...this.#lines, said].slice(-LAST_LINES)
  }

  /** `: <line> | <line>`, or nothing where nothing was said. */
  toString(): string {
    return this.#lines.length === 0 ? '' : `: ${this.#lines.join(' | ')}`
  }
}

/** Colours and control characters go; what has the form of a key goes; the rest is cut. */
function plain(line: string): string {
  return (
    line
      // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what is taken out
      .replace(/\u001b\[[0-9;]*m|[\u0000-\u001f\u007f-\u009f]/g, '')
      // 32 bytes as hexadecimal or base64 are at least 43 characters. Addresses of nodes (20 bytes) stay.
      .replace(/[A-Za-z0-9+/=_-]{43,}/g, '[...]')
      .trim()
  )
}
