/**
 * The kit on paper: everything for people to type, then the line for machines. Either half is enough, so that a stain on
 * the QR code or on a word does not end a recovery; each is checked by itself.
 */
import { base64url, equalBytes, hexadecimal } from '@keystead/core'
import { refuse, under } from './errors.ts'
import { KIT_LINE, type Kit, kitChecksum, kitFromBytes, kitLine, kitToBytes, parseKitLine } from './kit.ts'
import { MAX_AGENCIES, MAX_KIT_CHARACTERS } from './limits.ts'

const COLUMNS = 3

export function renderKit(kit: Kit): string {
  const words = kit.words.split(' ').map((word, index) => `${String(index + 1).padStart(2)}. ${word.padEnd(10)}`)
  const rows = Array.from({ length: Math.ceil(words.length / COLUMNS) }, (_, row) =>
    words
      .slice(row * COLUMNS, (row + 1) * COLUMNS)
      .join('  ')
      .trimEnd(),
  )
  return [
    'KEYSTEAD RECOVERY KIT, FORMAT 1',
    '',
    'Keep this sheet where you keep what you cannot replace, and show it to nobody. It is one half of a recovery: your',
    'contacts or your PIN are the other. If you hear of a recovery that is not yours, veto it from a device you still have.',
    '',
    ...rows,
    '',
    `Locator: ${grouped(hexadecimal.encode(kit.locator))}`,
    ...kit.agencies.map((agency) => `Agency: ${agency}`),
    `Network: ${kit.genesis}`,
    `Checkpoint: ${kit.checkpoint.height}`,
    `Checkpoint hash: ${grouped(hexadecimal.encode(base64url.decode(kit.checkpoint.hash)))}`,
    `Veto code: ${grouped(kit.veto)}`,
    `Check: ${hexadecimal.encode(kitChecksum(kitToBytes(kit)))}`,
    '',
    kitLine(kit),
    '',
  ].join('\n')
}

/** From the whole text, from its machine line, or from the lines for people typed in again. Throws `BAD_KIT`. */
export function parseKit(text: string): Kit {
  return under('BAD_KIT', 'this is not a recovery kit, or it is damaged', () => {
    if (text.length > MAX_KIT_CHARACTERS) refuse('BAD_KIT', 'this is too long for a kit')
    const lines = text.split(/\r?\n/).map((line) => line.trim())
    const machine = lines.find((line) => line.startsWith(KIT_LINE))
    if (machine === undefined) return readLines(lines)
    try {
      return parseKitLine(machine)
    } catch (damaged) {
      if (lines.some((line) => line.startsWith('Locator:'))) return readLines(lines)
      throw damaged
    }
  })
}

function readLines(lines: readonly string[]): Kit {
  const all = (label: string): string[] =>
    lines.filter((line) => line.startsWith(`${label}:`)).map((line) => line.slice(label.length + 1).trim())
  const one = (label: string): string => {
    const [value, ...more] = all(label)
    if (value === undefined || more.length > 0) refuse('BAD_KIT', `the kit has not exactly one line "${label}:"`)
    return value
  }
  const height = one('Checkpoint')
  if (!/^[1-9][0-9]{0,15}$/.test(height)) refuse('BAD_KIT', 'the checkpoint is not a number')
  const agencies = all('Agency')
  if (agencies.length > MAX_AGENCIES) refuse('BAD_KIT', 'the kit names too many agencies')
  const content = kitToBytes({
    words: numberedWords(lines),
    locator: hexadecimal.decode(ungrouped(one('Locator'))),
    agencies,
    genesis: one('Network'),
    checkpoint: {
      height: Number(height),
      hash: base64url.encode(hexadecimal.decode(ungrouped(one('Checkpoint hash')))),
    },
    veto: ungrouped(one('Veto code')),
  })
  if (!equalBytes(hexadecimal.decode(ungrouped(one('Check'))), kitChecksum(content)))
    refuse('BAD_KIT', 'the check does not fit the other lines')
  return kitFromBytes(content)
}

/** "1. word" pairs of the lines that have nothing else, which must count up from one. */
function numberedWords(lines: readonly string[]): string {
  const pairs = lines
    .filter((line) => /^(?:\d{1,2}\.\s*[a-z]{1,10}\s*)+$/i.test(line))
    .flatMap((line) => [...line.matchAll(/(\d{1,2})\.\s*([a-z]{1,10})/gi)])
  for (const [index, pair] of pairs.entries())
    if (Number(pair[1]) !== index + 1) refuse('BAD_KIT', `word ${index + 1} is missing or out of place`)
  return pairs.map((pair) => (pair[2] ?? '').toLowerCase()).join(' ')
}

function grouped(text: string): string {
  return text.replace(/.{4}(?=.)/g, '$& ')
}

function ungrouped(text: string): string {
  return text.replace(/[\s-]/g, '').toLowerCase()
}
