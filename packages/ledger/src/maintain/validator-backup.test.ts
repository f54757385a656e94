/** KEEP-6 with real processes: a network of validators, one of which loses its disk. */
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { canonicalJson, parseJson } from '@keystead/core'
import { afterEach, describe, expect, test } from 'vitest'
import { cometbft, TestNetwork, until } from '../engine/comet/testing/network.ts'
import { lockFolder } from '../state/lock.ts'
import { removeFolders, temporaryFolder } from '../testing/ledger.ts'
import { fsck } from './check.ts'
import { backupValidator, readValidatorBackup, restoreValidator } from './validator-backup.ts'

const networks: TestNetwork[] = []
afterEach(async () => {
  await Promise.all(networks.splice(0).map((network) => network.stop()))
  removeFolders()
})

async function started(count: number): Promise<{ network: TestNetwork; home: string; backup: string }> {
  const network = await TestNetwork.start(count)
  networks.push(network)
  return { network, home: network.homes[0] as string, backup: join(temporaryFolder(), 'backup') }
}

const loseDisk = (home: string): void => {
  for (const part of ['ledger.lmdb', 'ledger.lmdb-lock', 'data']) rmSync(join(home, part), { recursive: true })
}

/** Changes the list of a backup. */
function edit(backup: string, change: (json: Record<string, unknown>) => void): void {
  const file = join(backup, 'backup.json')
  const json = parseJson(new Uint8Array(readFileSync(file)), 1 << 22) as Record<string, unknown>
  change(json)
  writeFileSync(file, canonicalJson(json as never))
}

describe.skipIf(!cometbft)('cometbft: backup and restore of a validator', { timeout: 240_000 }, () => {
  test('KEEP-6: a validator that lost its disk goes on from its backup, signs, and takes what came later from the others', async () => {
    const { network, home, backup } = await started(4)
    const { did } = await network.register(0)
    await network.ledger(0).close()
    const made = await backupValidator(home, backup)
    const files = readdirSync(backup, { recursive: true, encoding: 'utf8' }).join(' ')
    expect(files).not.toMatch(/priv_validator|node_key/)
    expect(readValidatorBackup(backup)).toEqual(made)
    await network.open(0)
    const later = await network.register(1)
    await until('it signs on', () => network.ledger(0).head.header.height > made.height + 3)
    await network.ledger(0).close()
    expect(() => restoreValidator(backup, home)).toThrow(expect.objectContaining({ code: 'LEDGER_NOT_EMPTY' }))
    loseDisk(home)
    expect(restoreValidator(backup, home)).toEqual(made)
    await network.open(0)
    await until('it has what came later', () => network.ledger(0).head.logSize === 2)
    for (const one of [did, later.did]) expect((await network.client(0).resolve(one)).level).toBe('bft')
    // Three of four are needed, and one is gone: the restored one is among those who sign.
    await network.ledger(3).close()
    expect((await network.register(1)).receipt.logIndex).toBe(2)
    expect(await network.agreed([0, 1, 2])).toBeGreaterThan(made.height)
    await network.ledger(0).close()
    expect(await fsck({ data: home })).toEqual([])
  })

  test('KEEP-6: a lone validator is whole again from its newest backup, and behind its record it is refused', async () => {
    const { network, home, backup } = await started(1)
    await network.register(0)
    await network.ledger(0).close()
    await backupValidator(home, backup)
    loseDisk(home)
    restoreValidator(backup, home)
    await network.open(0)
    await network.register(0)
    await until('it signs on', () => network.ledger(0).head.logSize === 2)
    await network.ledger(0).close()
    loseDisk(home)
    expect(() => restoreValidator(backup, home)).toThrow(expect.objectContaining({ code: 'LEDGER_BEHIND_SIGNER' }))
  })

  test('KEEP-6: what is no whole backup of this network is refused, and changes nothing', async () => {
    const { network, home, backup } = await started(1)
    await network.ledger(0).close()
    const unlock = lockFolder(home)
    await expect(backupValidator(home, backup)).rejects.toMatchObject({ code: 'LEDGER_IN_USE' })
    unlock()
    await backupValidator(home, backup)
    await expect(backupValidator(home, backup)).rejects.toMatchObject({ code: 'BACKUP_EXISTS' })
    loseDisk(home)
    const refused = (change: (json: Record<string, unknown>) => void): void => {
      const whole = readFileSync(join(backup, 'backup.json'))
      edit(backup, change)
      expect(() => restoreValidator(backup, home)).toThrow(expect.objectContaining({ code: 'BACKUP_INVALID' }))
      writeFileSync(join(backup, 'backup.json'), whole)
    }
    const files = (json: Record<string, unknown>) => json['files'] as { path: string; sha256: string }[]
    refused((json) => Object.assign(files(json)[0] as object, { sha256: '0'.repeat(64) }))
    refused((json) => Object.assign(files(json)[0] as object, { path: 'data/../../stolen' }))
    refused((json) => Object.assign(files(json)[0] as object, { path: 'config/node_key.json' }))
    refused((json) => files(json).pop())
    refused((json) => Object.assign(json, { network: 'QmNp5n7FFav5ZDaHAj6HzuhJ8LDbL1N6NRzAgT6piWS2Kx' }))
    refused((json) => Object.assign(json, { more: 1 }))
    restoreValidator(backup, home)
    await network.open(0)
    await network.register(0)
  })
})
