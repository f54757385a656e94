import { expect, test } from 'vitest'
import { printable } from './output.ts'

test('what a stranger calls themselves commands no terminal, and does not read backwards', () => {
  expect(printable('\u001b]0;owned\u0007Bob\u001b[2J')).toBe('\ufffd]0;owned\ufffdBob\ufffd[2J')
  expect(printable('safe\u202egnp.exe')).toBe('safe\ufffdgnp.exe')
  expect(printable('Zoë 李 👩‍👩‍👧\n\tnext')).toBe('Zoë 李 👩‍👩‍👧\n\tnext')
})
