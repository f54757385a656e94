import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { readLastSigned, replaceLastSigned, writeLastSigned } from './signed-record.ts'

const folder = mkdtempSync(join(tmpdir(), 'keystead-signed-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const at = (height: number) => ({ chainId: 'c', height, hash: String(height).padStart(43, 'A') })

test('rule 18: the newest record stands, and the one before it when the newest was written in part', () => {
  const file = join(folder, 'a')
  expect(readLastSigned(file)).toBeUndefined()
  for (let height = 1; height <= 6; height++) {
    writeLastSigned(file, at(height))
    expect(readLastSigned(file)).toEqual(at(height))
    if (height === 1) continue
    const whole = readFileSync(file)
    const place = whole.indexOf(`"height":${height}`) < 256 ? 0 : 256
    for (const cut of [0, 1, 40, 100]) {
      const torn = Buffer.from(whole).fill(0, place + cut, place + 256)
      writeFileSync(file, torn)
      expect(readLastSigned(file)).toEqual(at(height - 1))
    }
    // Bytes of two writes that make sense, and no record.
    const mixed = Buffer.from(whole)
    mixed.write('B', place + whole.subarray(place).indexOf('"hash":"') + 8)
    writeFileSync(file, mixed)
    expect(readLastSigned(file)).toEqual(at(height - 1))
    writeFileSync(file, whole)
  }
})

test('replacing forgets a later record, and a file without any is refused', () => {
  const file = join(folder, 'b')
  for (const height of [1, 2, 3]) writeLastSigned(file, at(height))
  replaceLastSigned(file, at(2))
  expect(readLastSigned(file)).toEqual(at(2))
  writeFileSync(file, 'nothing')
  expect(() => readLastSigned(file)).toThrow(expect.objectContaining({ code: 'LEDGER_CORRUPT' }))
})
