import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { makePin } from '../pin.ts'
import { TestChain, TestValidator } from '../testing/chain.ts'
import { filePins } from './file-pins.ts'

const folder = mkdtempSync(join(tmpdir(), 'keystead-pins-'))
afterEach(() => rmSync(folder, { recursive: true, force: true }))

test('rule 17: a pin survives a restart; PROOF-15: evidence is named by its content, told once, and not without end', async () => {
  const place = join(folder, 'server')
  expect(await filePins(place).load()).toBeUndefined()
  const chain = new TestChain({ sets: new Map([[1, [new TestValidator('a')]]]) })
  const { validators, nextValidators } = chain.lightBlock(3)
  const pin = makePin(chain.head(3), { validators, nextValidators, trustingPeriod: 1000 }, undefined)
  await filePins(place).save(pin)
  expect(await filePins(place).load()).toEqual(pin)
  const told: string[] = []
  const pins = filePins(place, (file) => told.push(file))
  for (const shown of ['a', 'a', 'b']) await pins.keepEvidence({ kind: 'fork', shown })
  expect(told).toHaveLength(2)
  expect(told.map((file) => JSON.parse(readFileSync(file, 'utf8')))).toMatchObject([{ shown: 'a' }, { shown: 'b' }])
  for (let i = 0; i < 120; i++) await pins.keepEvidence({ kind: 'fork', shown: i })
  expect(readdirSync(place)).toHaveLength(101)
})
