import { afterEach, expect, test } from 'vitest'
import { keys, removeFolders, temporaryFolder, testLedger } from '../../testing/ledger.ts'
import { Signer } from './signer.ts'

afterEach(removeFolders)

const at = (height: number, hash = 'A') => ({ chainId: 'c', height, hash: hash.repeat(43) })
const behind = expect.objectContaining({ code: 'LEDGER_BEHIND_SIGNER' })

test('rule 18: a validator goes on from what it signed last or from later, never from before or from beside it', async () => {
  const signer = await Signer.open(temporaryFolder(), keys)
  signer.check(at(1))
  signer.record(at(5))
  signer.check(at(5))
  signer.check(at(6))
  expect(() => signer.check(at(4))).toThrow(behind)
  expect(() => signer.check(at(5, 'B'))).toThrow(behind)
  expect(signer.abandon(at(5, 'B'))).toEqual(at(5))
  signer.check(at(5, 'B'))
})

test('rule 18: a destroyed key is not made anew, and signs for no ledger', async () => {
  const folder = temporaryFolder()
  ;(await Signer.open(folder, keys)).destroy()
  expect(Signer.exists(folder)).toBe(false)
  await expect(Signer.open(folder, keys)).rejects.toMatchObject({ code: 'VALIDATOR_KEY_DESTROYED' })
})

test('a ledger is not gone on with by another key than its validator’s', async () => {
  const network = await testLedger()
  await network.ledger.close()
  await expect(testLedger({ data: network.data, clock: network.clock })).rejects.toMatchObject({
    code: 'LEDGER_CORRUPT',
  })
})
