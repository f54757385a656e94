import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { GuessWitness } from './guess-witness.ts'

describe('the record of guesses (ESCROW-9)', () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'keystead-witness-'))
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  it('remembers the most guesses seen, whoever opens it again', () => {
    const path = join(folder, 'witness')
    const first = new GuessWitness(path)
    expect(first.seen).toBe(0)
    for (const n of [3, 1, 12]) first.saw(n)
    first.close()
    const again = new GuessWitness(path)
    expect(again.seen).toBe(12)
    again.close()
    expect(readFileSync(path, 'utf8')).toBe('0000000000000012')
  })

  it('a file that holds something else MUST NOT count as no guesses', () => {
    const path = join(folder, 'witness')
    for (const text of ['garbage', '12', '0000000000000012x', '\0'.repeat(16)]) {
      writeFileSync(path, text)
      expect(() => new GuessWitness(path)).toThrow('does not hold a count')
    }
  })
})
