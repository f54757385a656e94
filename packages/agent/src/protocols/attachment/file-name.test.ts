/** ATTACH-9: whatever a stranger calls a file, it is a name and nothing else. */
import { utf8 } from '@keystead/core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MAX_FILE_NAME_BYTES } from '../../limits.ts'
import { safeFileName, UNNAMED } from './file-name.ts'

describe('the name of an attached file', () => {
  it.each([
    ['report.pdf', 'report.pdf'],
    ['Übersicht 2026.txt', 'Übersicht 2026.txt'],
    ['../../etc/passwd', 'passwd'],
    ['/etc/cron.d/x', 'x'],
    ['C:\\Windows\\system32\\a.dll', 'a.dll'],
    ['C:evil.txt', 'C_evil.txt'],
    ['file.txt:stream', 'file.txt_stream'],
    ['..', UNNAMED],
    ['.', UNNAMED],
    ['', UNNAMED],
    ['a/', UNNAMED],
    ['.bashrc', 'bashrc'],
    ['invoice\u202efdp.exe', 'invoicefdp.exe'],
    ['a\u0000b\u001b[2Jc\r\nd', 'ab[2Jcd'],
    ['a\u200b\u00ad\u2066b', 'ab'],
    ['con', '_con'],
    ['NUL.txt', '_NUL.txt'],
    ['COM1.log', '_COM1.log'],
    ['trailing. . ', 'trailing'],
    ['a\u2028b', 'ab'],
    ['e\u0301.txt', 'é.txt'],
  ])('%j becomes %j', (given, name) => expect(safeFileName(given)).toBe(name))

  it('keeps its ending where it is too long', () => {
    const name = safeFileName(`${'é'.repeat(500)}.jpeg`)
    expect(name.endsWith('é.jpeg')).toBe(true)
    expect(utf8(name).length).toBeLessThanOrEqual(MAX_FILE_NAME_BYTES)
  })

  it('is never a path, hidden, empty, unseen, too long, and of itself the same', () =>
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: 'binary', maxLength: 300 }),
          fc.string({
            unit: fc.constantFrom('.', '/', '\\', ' ', 'a', 'é', 'e\u0301', '\u202e', ':', 'con', '\ud800'),
            maxLength: 300,
          }),
        ),
        (given) => {
          const name = safeFileName(given)
          expect(name).not.toMatch(/[/\\<>:"|?*]|\p{C}|\p{Default_Ignorable_Code_Point}|^[. ]|[. ]$/u)
          expect(name.length).toBeGreaterThan(0)
          expect(utf8(name).length).toBeLessThanOrEqual(MAX_FILE_NAME_BYTES)
          expect(safeFileName(name)).toBe(name)
        },
      ),
      { numRuns: 2000 },
    ))
})
