/** VAULT-7: any byte of the file changed is refused or told by the check, or was of no meaning; nothing is read otherwise. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isKeysteadError } from '@keystead/core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createVault, openVault, type Unlock } from '../index.ts'
import { optionsFor } from '../testing/contract.ts'
import { sqliteVaultStore } from './index.ts'

const UNLOCK: Unlock = { kind: 'raw', key: new Uint8Array(32).fill(1) }
const CODES = new Set(['WALLET_CORRUPT', 'WRONG_PASSPHRASE', 'UPDATE_REQUIRED', 'NO_WALLET'])

const folder = join(mkdtempSync(join(tmpdir(), 'keystead-tamper-')), 'wallet')
const file = join(folder, 'vault.sqlite')
const options = optionsFor(sqliteVaultStore(folder))
let whole: Buffer
let before: string

/** Everything that can be asked of the wallet, as text; the check first, as whoever doubts would. */
async function readAll(): Promise<{ damaged: number; text: string }> {
  const vault = await openVault(options, UNLOCK)
  try {
    const { damaged, unfindable } = await vault.check()
    if (damaged.length + unfindable.length > 0) return { damaged: damaged.length + unfindable.length, text: '' }
    const records = [...(await vault.list('note')), ...(await vault.list('note', { odd: 'true' }))]
    const shown = records.map((record) => JSON.stringify(record)).sort()
    const keys = (await vault.keys()).map((key) => JSON.stringify({ ...key, uses: 0 })).sort()
    return { damaged: 0, text: JSON.stringify([shown, keys, await vault.auditLog()]) }
  } finally {
    await vault.lock()
  }
}

beforeAll(async () => {
  const vault = await createVault(options, UNLOCK)
  await vault.createKey({ kind: 'signing', suite: 'ed25519' }, 'signing')
  for (let n = 0; n < 12; n++)
    await vault.put({
      segment: 'messages',
      category: 'note',
      name: `n${n}`,
      value: { text: 'x'.repeat(n * 50) },
      tags: { odd: String(n % 2 === 1) },
    })
  await vault.lock()
  before = (await readAll()).text
  whole = readFileSync(file)
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))

it('in a thousand places over the whole file', async () => {
  let [refused, told, nothing] = [0, 0, 0]
  const step = Math.max(1, Math.floor(whole.length / 900))
  const places = [...Array(100).keys(), ...Array.from({ length: 900 }, (_, n) => 100 + n * step)]
  for (const at of places.filter((place) => place < whole.length)) {
    const bytes = Buffer.from(whole)
    bytes[at] = (bytes[at] ?? 0) ^ (1 << (at % 8))
    for (const suffix of ['-wal', '-shm', '-journal']) rmSync(file + suffix, { force: true })
    writeFileSync(file, bytes)
    try {
      const { damaged, text } = await readAll()
      if (damaged > 0) told++
      else {
        // A byte that SQLite does not use, such as of a free page.
        expect(text, `byte ${at}`).toBe(before)
        nothing++
      }
    } catch (error) {
      if (!isKeysteadError(error)) throw error
      expect(CODES, `byte ${at}: ${error.code}`).toContain(error.code)
      refused++
    }
  }
  expect(refused).toBeGreaterThan(10)
  expect(told).toBeGreaterThan(100)
  expect(nothing).toBeLessThan(places.length)
}, 120_000)
