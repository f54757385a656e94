/** What the command says: sentences for people, or one JSON object a line for programs (`--json`). */
import { encodeQR } from 'qr'

export interface Output {
  readonly json: boolean
  /** The result: `text` for people, `data` for programs. */
  result(text: string | readonly string[], data: object): void
  /** Something on the way to the result: a sentence, or an object with `event`. */
  event(kind: string, text: string | readonly string[], data: object): void
  /** Something on the side, to standard error. */
  note(text: string): void
}

export function makeOutput(json: boolean): Output {
  const write = (text: string | readonly string[], data: object): void => {
    if (json) process.stdout.write(`${JSON.stringify(data)}\n`)
    else for (const line of [text].flat()) process.stdout.write(`${printable(line)}\n`)
  }
  return {
    json,
    result: write,
    event: (event, text, data) => write(text, { event, ...data }),
    note: (text) => process.stderr.write(`${printable(text)}\n`),
  }
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is meant.
const COMMANDS = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g

/** Names and texts are strangers': what a terminal would obey, or reorder, is shown as a mark. */
export function printable(text: string): string {
  return text.replace(COMMANDS, '\ufffd')
}

/** A QR code of half blocks, for a terminal wide enough to show it. */
export function terminalQr(text: string): string | undefined {
  const rows = encodeQR(text, 'raw', { ecc: 'low', border: 2 })
  if (!process.stdout.isTTY || rows.length > (process.stdout.columns ?? 80)) return undefined
  const lines: string[] = []
  for (let y = 0; y < rows.length; y += 2)
    lines.push((rows[y] ?? []).map((top, x) => half(top, rows[y + 1]?.[x] ?? false)).join(''))
  return lines.join('\n')
}

/** Light on dark terminals: a set module is drawn as nothing. */
function half(top: boolean, bottom: boolean): string {
  if (top) return bottom ? ' ' : '▄'
  return bottom ? '▀' : '█'
}

/** Enough of a long identifier to recognise it. */
export function short(text: string): string {
  return text.length <= 44 ? text : `${text.slice(0, 26)}...${text.slice(-12)}`
}

export function iso(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace('.000Z', 'Z')
}
