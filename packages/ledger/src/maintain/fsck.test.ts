import { join } from 'node:path'
import { base64url } from '@keystead/core'
import { SYSTEM_KEY } from '@keystead/did-dkms'
import { appHash } from '@keystead/light-client'
import { afterEach, describe, expect, test } from 'vitest'
import { Batch, LedgerStore, numberKey, type Table } from '../state/store.ts'
import { removeFolders, START, type TestLedger, temporaryFolder, testLedger } from '../testing/ledger.ts'
import { fsck, repair } from './check.ts'

afterEach(removeFolders)

async function grown(): Promise<TestLedger> {
  const network = await testLedger()
  await network.grow(6)
  for (const owner of network.owners.slice(0, 3)) await network.update(owner)
  return network
}

interface Row {
  key: Uint8Array
  value: Uint8Array
}
/** `which`: its place in the order of keys, from the end if negative, or what it is like. */
type Change = (batch: Batch, row: (table: Table, which: number | ((row: Row) => boolean)) => Row) => void

/** Changes the disk of a stopped ledger, as bad memory or a bad disk would. */
async function damage(data: string, change: Change): Promise<void> {
  const store = LedgerStore.open(join(data, 'ledger.lmdb'))
  const pinned = store.pin()
  const batch = new Batch(store)
  change(batch, (table, which) => {
    const rows = [...pinned.range(table)].map(([key, value]) => ({ key: key.slice(), value: value.slice() }))
    const row = typeof which === 'number' ? rows.at(which) : rows.find(which)
    if (!row) throw new Error(`no such row in ${table}`)
    return row
  })
  pinned.release()
  store.restore(batch, store.versions.newest)
  await store.close()
}

const flip = (value: Uint8Array, at = value.length - 5): Uint8Array =>
  value.map((byte, i) => (i === at ? byte ^ 1 : byte))
const codes = (faults: readonly { code: string }[]): string[] => [...new Set(faults.map(({ code }) => code))].sort()

describe('fsck', () => {
  test('KEEP-2: a whole ledger has no fault, stopped or beside a running node', async () => {
    const network = await grown()
    expect(await fsck({ data: network.data })).toEqual([])
    await network.ledger.close()
    expect(await fsck({ data: network.data })).toEqual([])
  })

  test.each<[string, string[], Change]>([
    ['a map node with a flipped bit', ['TREE'], (b, row) => b.put('n', row('n', 0).key, flip(row('n', 0).value, 9))],
    ['a lost map node', ['TREE'], (b, row) => b.remove('n', row('n', -1).key)],
    ['a log hash with a flipped bit', ['LOG_HASH'], (b, row) => b.put('h', row('h', 2).key, flip(row('h', 2).value))],
    ['a lost log hash', ['LOG_HASH'], (b, row) => b.remove('h', row('h', 0).key)],
    ['an index to another entry', ['INDEX'], (b, row) => b.put('o', row('o', 1).key, row('o', 0).value)],
    ['a lost index', ['INDEX'], (b, row) => b.remove('o', row('o', 1).key)],
    ['an index of nothing', ['INDEX'], (b) => b.put('o', new Uint8Array(16), Buffer.from(numberKey(1), 'latin1'))],
    ['a body that nothing names', ['BODY'], (b, row) => b.put('b', new Uint8Array(22), row('b', 0).value)],
    ['a lost digest of the network', ['GENESIS'], (b) => b.remove('m', 'genesis-network')],
  ])('finds and repairs %s', async (_, expected, change) => {
    const network = await grown()
    await network.ledger.close()
    await damage(network.data, change)
    expect(codes(await fsck({ data: network.data }))).toEqual(expected)
    expect(await repair({ data: network.data })).toEqual([])
    expect(await fsck({ data: network.data })).toEqual([])
    const again = await network.reopen()
    await again.grow(1)
    await again.ledger.close()
  })

  test.each<[string, string[], RegExp, Change]>([
    [
      'a state with a flipped bit',
      ['STATE'],
      /^state of did:dkms:.* is not the one in the map/,
      (b, row) => {
        const state = row('s', ({ value }) => value.length > 500)
        b.put('s', state.key, flip(state.value))
      },
    ],
    [
      'a lost state',
      ['STATE'],
      /^state of did:dkms:.* is missing/,
      (b, row) => b.remove('s', row('s', ({ value }) => value.length > 500).key),
    ],
    ['a state of nobody', ['STATE'], /is in no map/, (b, row) => b.put('s', new Uint8Array(32), row('s', 0).value)],
    [
      'a system leaf that was set back',
      ['STATE'],
      /^state of reserved leaf/,
      (b, row) => b.put('s', SYSTEM_KEY, flip(row('s', ({ key }) => Buffer.compare(key, SYSTEM_KEY) === 0).value, 12)),
    ],
    [
      'an entry with a flipped bit',
      ['ENTRY'],
      /^entry 4 /,
      (b, row) => b.put('e', numberKey(4), flip(row('e', 4).value)),
    ],
    ['a lost entry', ['ENTRY'], /^entry 4 is missing/, (b) => b.remove('e', numberKey(4))],
    [
      'a changed body',
      ['BODY'],
      /^body of entry \d+ is not the one/,
      (b, row) =>
        b.put(
          'b',
          row('b', 0).key,
          Buffer.from(Buffer.from(row('b', 0).value).toString().replace('https://a.', 'https://b.')),
        ),
    ],
    ['a lost body', ['BODY'], /^body of entry \d+ is missing/, (b, row) => b.remove('b', row('b', 0).key)],
    [
      'a changed header',
      ['HEAD'],
      /^newest block /,
      (b, row) => {
        const tip = row('k', -1)
        const text = Buffer.from(tip.value)
          .toString()
          .replace(/"mapRoot":"(.)/, (_, c) => `"mapRoot":"${c === 'A' ? 'B' : 'A'}`)
        b.put('k', tip.key, Buffer.from(text))
      },
    ],
    [
      'an unreadable block',
      ['BLOCK'],
      /^block 3 cannot be read/,
      (b, row) => b.put('k', row('k', 2).key, row('k', 2).value.slice(0, -3)),
    ],
    ['a lost genesis document', ['GENESIS'], /^genesis document is missing/, (b) => b.remove('m', 'genesis')],
  ])('names %s, and does not hide it by a repair', async (_, expected, named, change) => {
    const network = await grown()
    await network.ledger.close()
    await damage(network.data, change)
    const faults = await fsck({ data: network.data })
    expect(faults.map(({ where, message }) => `${where} ${message}`)).toContainEqual(expect.stringMatching(named))
    expect(codes(faults)).toEqual(expect.arrayContaining(expected))
    expect((await repair({ data: network.data })).length).toBeGreaterThan(0)
  })

  test('KEEP-2: a validator on CometBFT, which remembers the application hash alone, is checked against that', async () => {
    const network = await grown()
    const { mapRoot, logRoot, logSize } = network.ledger.head
    await network.ledger.close()
    const hash = base64url.encode(appHash(mapRoot, logRoot, logSize))
    const { data } = network
    const applied = (b: Batch, of = hash): void => {
      b.remove('m', 'tip')
      b.putJson('m', 'applied', { height: 9, time: START, logSize, appHash: of })
    }
    await damage(data, (b) => applied(b))
    expect(await fsck({ data })).toEqual([])
    await damage(data, (b, row) => b.put('n', row('n', 0).key, flip(row('n', 0).value, 9)))
    expect(codes(await fsck({ data }))).toEqual(['TREE'])
    expect(await repair({ data })).toEqual([])
    await damage(data, (b, row) => b.put('e', numberKey(4), flip(row('e', 4).value)))
    expect(codes(await fsck({ data }))).toContain('ENTRY')
    await damage(data, (b) => applied(b, base64url.encode(new Uint8Array(32))))
    expect(codes(await fsck({ data }))).toContain('HEAD')
  })

  test('KEEP-3: repair refuses beside a running node, and fsck where there is no ledger', async () => {
    const { data, ledger } = await grown()
    await ledger.close()
    const { lockFolder } = await import('../state/lock.ts')
    const unlock = lockFolder(data)
    await expect(repair({ data })).rejects.toMatchObject({ code: 'LEDGER_IN_USE' })
    unlock()
    await expect(fsck({ data: temporaryFolder() })).rejects.toMatchObject({ code: 'NO_LEDGER' })
  })
})
