import { systemClock, systemRandom } from '@keystead/core'
import { nodeKeyProvider } from '@keystead/crypto/node'
import { createVault, memoryVaultStore, type Vault } from '@keystead/wallet'
import { beforeEach, describe, expect, test } from 'vitest'
import { PeerDids } from './peer-dids.ts'
import type { Relationship } from './records.ts'
import { put, RecordStore, remove } from './store.ts'

const common = { keys: nodeKeyProvider(), clock: systemClock, random: systemRandom }
let vault: Vault
let records: RecordStore
let peers: PeerDids
let reads = 0

beforeEach(async () => {
  vault = await createVault({ ...common, store: memoryVaultStore() }, { kind: 'raw', key: new Uint8Array(32).fill(1) })
  records = new RecordStore(vault)
  const all = records.all.bind(records)
  reads = 0
  records.all = (category) => {
    reads++
    return all(category)
  }
  peers = new PeerDids(records)
})

function relationship(id: string, dids: { now: string; before?: string; former?: string[]; mine?: string }) {
  const { now, before, former = [], mine = `mine of ${id}` } = dids
  const state = { now: { did: now }, ...(before ? { before: { did: before } } : {}) }
  const peer = { state, former: former.map((did) => ({ did, head: did })) }
  const value = { id, mine: { entries: [], state: { now: { did: mine } } }, peer } as unknown as Relationship
  return put('relationship', id, value)
}
const found = async (did: string) => (await peers.relationshipsWith(did)).map(({ id }) => id)

describe('relationships by a peer’s DID', () => {
  test('are found by every DID of their logs, ours too, and nobody else’s', async () => {
    await records.commit([
      relationship('a', { now: 'a2', before: 'a1', former: ['a0'] }),
      relationship('b', { now: 'b0' }),
    ])
    for (const did of ['a2', 'a1', 'a0', 'mine of a']) expect(await found(did)).toEqual(['a'])
    expect(await found('b0')).toEqual(['b'])
    expect(await found('c0')).toEqual([])
  })

  test('are read once, whatever strangers name, and follow each write', async () => {
    await records.commit([relationship('a', { now: 'a0' })])
    for (let n = 0; n < 100; n++) expect(await found(`stranger ${n}`)).toEqual([])
    await records.commit([relationship('a', { now: 'a1' }), relationship('b', { now: 'b0' })])
    expect([await found('a0'), await found('a1'), await found('b0')]).toEqual([[], ['a'], ['b']])
    await records.commit([relationship('a', { now: 'both' }), relationship('b', { now: 'both' })])
    expect((await found('both')).sort()).toEqual(['a', 'b'])
    await records.commit([remove('relationship', 'a')])
    expect(await found('both')).toEqual(['b'])
    expect(reads).toBe(1)
  })

  test('are read again where the wallet was locked, and what is written meanwhile is not overwritten', async () => {
    const { all } = records
    records.all = () => Promise.reject(new Error('locked'))
    await records.commit([relationship('a', { now: 'a0' })])
    await expect(found('a0')).rejects.toThrow('locked')
    records.all = async (category) => {
      const before = await all(category)
      await records.commit([relationship('a', { now: 'a1' })])
      return before
    }
    expect([await found('a0'), await found('a1')]).toEqual([[], ['a']])
  })

  test('are not what a write that failed would have made of them', async () => {
    await records.commit([relationship('a', { now: 'a0' })])
    expect(await found('a0')).toEqual(['a'])
    await vault.lock()
    await expect(records.commit([relationship('a', { now: 'a1' })])).rejects.toMatchObject({ code: 'WALLET_LOCKED' })
    await expect(found('a0')).rejects.toMatchObject({ code: 'WALLET_LOCKED' })
    expect(await found('a1')).toEqual([])
  })
})
