import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { base64url, canonicalJson, FakeClock } from '@keystead/core'
import { encodeHead, type Head } from '@keystead/light-client'
import { afterEach, describe, expect, test } from 'vitest'
import {
  forgetfulSigner,
  keys,
  removeFolders,
  START,
  type TestLedger,
  temporaryFolder,
  testLedger,
} from '../testing/ledger.ts'
import { backupLedger, readBackup } from './backup.ts'
import { fsck } from './check.ts'
import { restoreLedger } from './restore.ts'

afterEach(removeFolders)

async function grown(): Promise<TestLedger> {
  const network = await testLedger()
  await network.grow(4)
  return network
}

const target = (): string => join(temporaryFolder(), 'backup')
const restored = ({ signer }: TestLedger, backup: string, more: { newCheckpoint?: boolean; data?: string } = {}) =>
  restoreLedger({ backup, data: temporaryFolder(), signerFolder: signer, keys, ...more })

describe('backup and restore', () => {
  test('KEEP-4: a backup of a running node, restored, goes on where it was', async () => {
    const network = await grown()
    const backup = target()
    await backupLedger(network.data, backup)
    const { height } = network.ledger.head.header
    await network.ledger.close()
    rmSync(network.data, { recursive: true })
    const result = await restored(network, backup, { data: network.data })
    expect(result.abandoned).toBeUndefined()
    expect(await fsck({ data: network.data })).toEqual([])
    const again = await network.reopen()
    expect(again.ledger.head.logSize).toBe(4)
    expect(again.ledger.head.header.height).toBeGreaterThanOrEqual(height)
    await again.grow(1)
    await again.ledger.close()
    expect(await fsck({ data: network.data })).toEqual([])
  })

  test('is of one moment, though the node goes on', async () => {
    const network = await grown()
    const backup = target()
    const [made] = await Promise.all([backupLedger(network.data, backup), network.grow(3)])
    expect(readBackup(backup).head.logSize).toBe(made.snapshot.logSize)
    expect(network.ledger.head.logSize).toBe(7)
    await network.ledger.close()
  })

  test('holds no key and no record of signatures', async () => {
    const network = await grown()
    const backup = target()
    await backupLedger(network.data, backup)
    const { seed } = JSON.parse(readFileSync(join(network.signer, 'validator-key.json'), 'utf8')) as { seed: string }
    const files = readdirSync(backup, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
    expect(files.length).toBeGreaterThan(2)
    for (const file of files) expect(readFileSync(join(file.parentPath, file.name), 'utf8')).not.toContain(seed)
    await network.ledger.close()
  })

  test('KEEP-5: a backup behind what the validator signed is LEDGER_BEHIND_SIGNER; a new checkpoint gives that up openly', async () => {
    const network = await grown()
    const backup = target()
    await backupLedger(network.data, backup)
    await network.grow(2)
    const { height } = network.ledger.head.header
    await network.ledger.close()
    const data = temporaryFolder()
    await expect(restored(network, backup, { data })).rejects.toMatchObject({ code: 'LEDGER_BEHIND_SIGNER' })
    expect(existsSync(join(data, 'ledger.lmdb'))).toBe(false)
    const { abandoned } = await restored(network, backup, { data, newCheckpoint: true })
    expect(abandoned?.height).toBe(height)
    expect(readdirSync(network.signer)).toContain(`keystead-test-1.signed.json.abandoned-${height}`)
    const again = await testLedger({ data, signer: network.signer, clock: network.clock })
    expect(again.ledger.head.logSize).toBe(4)
    await again.ledger.close()
  })

  test('refuses a folder with a ledger, a stranger’s key and a lost one', async () => {
    const network = await grown()
    const backup = target()
    await backupLedger(network.data, backup)
    await network.ledger.close()
    await expect(restored(network, backup, { data: network.data })).rejects.toMatchObject({ code: 'LEDGER_NOT_EMPTY' })
    const stranger = await grown()
    await stranger.ledger.close()
    for (const signer of [stranger.signer, temporaryFolder()])
      await expect(restored({ ...network, signer }, backup)).rejects.toMatchObject({ code: 'VALIDATOR_KEY_MISSING' })
    await restored({ ...network, signer: forgetfulSigner(network.signer) }, backup)
  })

  test('a backup that was changed, cut or never finished is refused, and leaves no ledger', async () => {
    const network = await grown()
    const backup = target()
    const { snapshot } = await backupLedger(network.data, backup)
    await network.ledger.close()
    const data = temporaryFolder()
    const [file, chunk] = [join(backup, 'backup.json'), join(backup, String(snapshot.height), '00000.chunk')]
    const [text, bytes] = [readFileSync(file, 'utf8'), readFileSync(chunk)]
    const refused = (code: string) => expect(restored(network, backup, { data })).rejects.toMatchObject({ code })
    writeFileSync(chunk, bytes.subarray(1))
    await refused('SNAPSHOT_CHUNK_CORRUPT')
    rmSync(chunk)
    await refused('BACKUP_INVALID')
    writeFileSync(chunk, bytes)
    writeFileSync(file, text.replace(/"head":"(.{40})./, '"head":"$1_'))
    await refused('BACKUP_INVALID')
    rmSync(file)
    await refused('BACKUP_INVALID')
    expect(existsSync(join(data, 'ledger.lmdb'))).toBe(false)
    writeFileSync(file, text)
    await restored(network, backup, { data })
    expect(await fsck({ data })).toEqual([])
  })

  test('a block that proves another state, or that the validator did not sign, makes no backup', async () => {
    const network = await grown()
    const backup = target()
    const { head, genesis } = await backupLedger(network.data, backup)
    network.clock.advance(1000)
    await network.ledger.refresh(0)
    const later = network.ledger.head
    await network.ledger.close()
    // The same validator on another chain of as many blocks.
    const forked = await testLedger({ signer: forgetfulSigner(network.signer), clock: new FakeClock(START * 1000) })
    await forked.grow(4)
    const other = forked.ledger.head
    await forked.ledger.close()
    expect([later.header.appHash, other.header.height]).toEqual([head.header.appHash, head.header.height])
    const file = join(backup, 'backup.json')
    const text = readFileSync(file, 'utf8')
    const changed = (change: object): void => writeFileSync(file, canonicalJson({ ...JSON.parse(text), ...change }))
    const encoded = (of: Head) => ({ head: base64url.encode(encodeHead(of)) })
    const signatures = head.commit.signatures.map((vote) =>
      vote.flag === 'absent' ? vote : { ...vote, signature: vote.signature.map((byte) => byte ^ 1) },
    )
    for (const change of [
      encoded({ ...head, commit: { ...head.commit, signatures } }),
      encoded(later),
      encoded(other),
      { genesis: { ...genesis, parameters: { ...genesis.parameters, vetoes: 3 } } },
    ]) {
      changed(change)
      expect(() => readBackup(backup)).toThrow(expect.objectContaining({ code: 'BACKUP_INVALID' }))
    }
    changed({})
    expect(readBackup(backup).head).toEqual(head)
  })

  test('an interrupted backup is none, and an interrupted restore can be repeated', async () => {
    const network = await grown()
    const stopped = AbortSignal.abort(new Error('stop'))
    const [bad, good] = [target(), target()]
    await expect(backupLedger(network.data, bad, { signal: stopped })).rejects.toThrow('stop')
    expect(() => readBackup(bad)).toThrow(expect.objectContaining({ code: 'BACKUP_INVALID' }))
    await backupLedger(network.data, good)
    await expect(backupLedger(network.data, good)).rejects.toMatchObject({ code: 'BACKUP_EXISTS' })
    await network.ledger.close()
    const data = temporaryFolder()
    const options = { backup: good, data, signerFolder: network.signer, keys }
    await expect(restoreLedger({ ...options, signal: stopped })).rejects.toThrow('stop')
    await restoreLedger(options)
    expect(readdirSync(data).filter((name) => name.includes('restoring'))).toEqual([])
  })
})
