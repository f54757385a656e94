/** The log as a backup at two holders (SYNC-7, SYNC-10, SYNC-11): what comes back, and what holders and thieves cannot keep back. */
import { type Bytes, systemRandom } from '@keystead/core'
import type { Kit } from '@keystead/recovery'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { CloudStore } from '../../agent/src/cloud/store/port.ts'
import { backUp } from '../../agent/src/edge/log/backup.ts'
import { writeSnapshot } from '../../agent/src/edge/log/write.ts'
import type { Restored } from '../../agent/src/edge/recovery/records.ts'
import { put } from '../../agent/src/edge/store.ts'
import { dealTo } from './dealing.ts'
import { AGENCY, Network } from './network.ts'
import type { Person } from './person.ts'

const SECOND = 'http://second.test'
const DISK = '/a/disk'
let network: Network
let alice: Person
let kit: Kit
let contacts: Person[]

beforeEach(async () => {
  network = await Network.open()
  await network.addAgency('second')
  alice = await network.person('alice')
  contacts = [await network.person('bob'), await network.person('carol')]
  for (const contact of contacts) await network.connect(alice, contact)
  kit = await dealTo(network, alice, contacts, { holders: [SECOND, DISK] })
})

afterEach(() => network.close())

/** A new device that opens the path, whatever is left of the rest. */
async function restored(options: { until?: number; folders?: string[] } = {}) {
  const device = await network.newDevice(kit, 'device')
  for (const contact of contacts) await network.help(device, contact)
  let found: Restored | undefined
  try {
    found = await device.agent.recovery.finish(options)
  } catch (error) {
    // The data is back, also while another recovery waits for authority.
    if ((error as { code?: string }).code !== 'RECOVERY_PENDING') throw error
    found = (await device.agent.recovery.progress())?.rescue.restored
  }
  if (!found) throw new Error('nothing came back')
  return { device, found, codes: found.lacks.map(({ code }) => code) }
}

const labels = async ({ agent }: Person) => (await agent.contacts()).map(({ label }) => label).sort()
const note = (name: string, text: string, by = alice): Promise<void> =>
  by.agent.edge.records.commit([put('text', name, { contact: 'bob', from: 'me', text, at: 1 })])
const noteOn = async ({ vault }: Person, name: string) => (await vault.get('text', name))?.['text']
const holders = async () => (await alice.agent.backUp()).holders.map(({ name, whole }) => [name, whole])

async function vaultAt(holder: string): Promise<string> {
  return (await alice.agent.edge.records.get('holder', holder))?.vault ?? ''
}

/** An agency that shows what `change` makes of each batch; undefined leaves it out. */
function lying(store: CloudStore, change: (bytes: Bytes, index: number) => Bytes | undefined): () => void {
  const honest = store.log
  store.log = async (...args) => {
    const page = await honest(...args)
    const shown = page.shown.flatMap((one, index) => {
      const bytes = one.chain === 'authority' ? one.bytes : change(one.bytes, index)
      return bytes ? [{ ...one, bytes }] : []
    })
    return { ...page, shown }
  }
  return () => {
    store.log = honest
  }
}

describe('holders', () => {
  it('each have everything; with one, the meter says so', async () => {
    await note('a', 'first')
    expect(await holders()).toEqual([
      [DISK, true],
      ['second.test', true],
      ['agency.test', true],
    ])
    const codes = async () => (await alice.agent.recovery.status()).missing.map(({ code }) => code)
    expect(await codes()).not.toContain('ONE_COPY')
    await alice.agent.dropHolder(SECOND)
    expect(await codes()).not.toContain('ONE_COPY')
    await alice.agent.dropHolder(DISK)
    expect(await codes()).toContain('ONE_COPY')
  })

  it('a change costs at most 600 bytes', async () => {
    await alice.agent.sync()
    const before = await alice.agent.backupStatus()
    await note('a', 'a line of some length, as people write them to each other')
    network.wires.cut(AGENCY)
    network.wires.cut(SECOND)
    await alice.agent.sync()
    const sizes = (await alice.agent.edge.records.all('batch')).map(({ value }) => value.size)
    expect(sizes).toHaveLength(1)
    expect(sizes[0]).toBeLessThanOrEqual(600)
    expect((await alice.agent.backupStatus()).log?.batches).toBe((before.log?.batches ?? 0) + 1)
  })

  it('after a move the new agency has everything, and what is written then comes back though the kit names the old one', async () => {
    const north = await network.addAgency('north')
    await note('a', 'before the move')
    await alice.agent.sync()
    await alice.agent.moveTo({ did: north.options.did, url: 'http://north.test' })
    await network.settle(alice, ...contacts)
    await note('a', 'after it')
    // The old one goes on while it forwards.
    expect(await holders()).toEqual([
      [DISK, true],
      ['agency.test', true],
      ['second.test', true],
      ['north.test', true],
    ])
    const page = await north.options.store.log(
      await vaultAt('own'),
      { entries: 0, from: [] },
      { maxBytes: 1e6, trimmed: false },
    )
    expect(page.shown.length).toBeGreaterThan(1)
    network.wires.cut(SECOND)
    const { device } = await restored()
    expect(await noteOn(device, 'a')).toBe('after it')
  })

  it('one that was away is brought what it lacks, whatever happened to the process meanwhile', async () => {
    network.wires.cut(SECOND)
    for (const text of ['one', 'two', 'three']) {
      await note('a', text)
      await alice.agent.sync()
      await alice.restart()
    }
    const [, second] = (await alice.agent.backupStatus()).holders
    expect(second).toMatchObject({ whole: false, behind: 3, trouble: expect.stringContaining('AGENCY_UNREACHABLE') })
    network.wires.mend(SECOND)
    expect((await holders()).map(([, whole]) => whole)).toEqual([true, true, true])
    const { device } = await restored()
    expect(await noteOn(device, 'a')).toBe('three')
  })

  it('one that was away for very many changes gets them all, and so does a recovery', async () => {
    network.wires.cut(SECOND)
    for (let n = 0; n < 70; n++) {
      await note('a', `change ${n}`)
      await alice.agent.edge.alone(() => backUp(alice.agent.edge))
    }
    network.wires.mend(SECOND)
    expect((await holders()).map(([, whole]) => whole)).toEqual([true, true, true])
    const { device, found } = await restored()
    expect(found.lacks).toEqual([])
    expect(await noteOn(device, 'a')).toBe('change 69')
  })

  it('one that lost everything shows it, and is given everything again', async () => {
    const { store } = network.agency.options
    await store.expireLogs({ trimmedBefore: 0, touchedBefore: Number.MAX_SAFE_INTEGER })
    await alice.agent.backUp()
    expect(alice.heard('log-rolled-back', /older backup than it acknowledged/)).toBe(true)
    expect((await holders()).map(([, whole]) => whole)).toEqual([true, true, true])
    network.wires.cut(SECOND)
    const { device, found } = await restored()
    expect(found.lacks.map(({ code }) => code)).toEqual(['AGENCY_UNREACHABLE'])
    expect(await labels(device)).toEqual(['bob', 'carol'])
  })

  it('that have what this device never wrote show that it was copied: CHAIN_FORKED', async () => {
    await alice.agent.sync()
    const copy = await alice.stolen('copy')
    await note('b', 'by the copy', copy)
    await copy.agent.backUp()
    await alice.agent.backUp()
    expect(alice.heard('chain-forked', /it was copied/)).toBe(true)
  })

  it('a folder is one, from which everything comes back', async () => {
    await note('a', 'in the folder')
    expect(await holders()).toContainEqual([DISK, true])
    const lost = network.agency.options.store
    const stop = lying(lost, () => undefined)
    network.wires.cut(SECOND)
    const { device } = await restored({ folders: [DISK] })
    stop()
    expect(await noteOn(device, 'a')).toBe('in the folder')
  })
})

describe('a copy that is one device’s alone', () => {
  let laptop: Person
  beforeEach(async () => {
    laptop = await network.link('laptop', alice)
    await network.settle(alice, laptop, ...contacts)
  })

  it('is brought what the owner’s other devices wrote, and a recovery from it lacks nothing', async () => {
    await note('a', 'by the laptop', laptop)
    await laptop.agent.sync()
    expect(await holders()).toEqual(expect.arrayContaining([[DISK, true]]))
    const stop = lying(network.agency.options.store, () => undefined)
    const second = await restored()
    expect([await noteOn(second.device, 'a'), second.found.devices, second.codes]).toEqual(['by the laptop', 2, []])
    network.wires.cut(SECOND)
    const disk = await restored({ folders: [DISK] })
    expect([await noteOn(disk.device, 'a'), disk.codes]).toEqual(['by the laptop', ['AGENCY_UNREACHABLE']])
    stop()
  })

  it('keeps two snapshots of each, and is brought again what it lost', async () => {
    const chain = (await laptop.agent.edge.records.get('log', 'self'))?.chain ?? ''
    const disk = network.folder(DISK)
    const files = async () => (await disk.list()).filter((name) => name.startsWith(chain)).sort()
    await alice.agent.sync()
    const before = await files()
    for (const text of ['one', 'two', 'three']) {
      const { records } = laptop.agent.edge
      await note('a', text, laptop)
      const own = await records.get('log', 'self')
      if (own) await writeSnapshot(laptop.agent.edge, own, [])
      await network.settle(laptop, alice)
    }
    const after = await files()
    expect(after.length).toBeGreaterThan(0)
    expect(after.filter((name) => before.includes(name))).toEqual([])
    await disk.remove(after.at(-1) ?? '')
    network.advance(3600)
    await alice.agent.sync()
    expect(await files()).toEqual(after)
  })
})

describe('a recovery', () => {
  it('unites what holders have: one that is older hides nothing', async () => {
    network.wires.cut(AGENCY)
    await note('a', 'at the second alone')
    await alice.agent.sync()
    network.wires.mend(AGENCY)
    const { device, found } = await restored()
    expect(await noteOn(device, 'a')).toBe('at the second alone')
    expect([found.holders, found.lacks]).toEqual([{ read: 2, of: 2 }, []])
  })

  it('names what is missing: a batch that no holder shows', async () => {
    await note('a', 'one')
    await alice.agent.sync()
    await note('b', 'two')
    await alice.agent.sync()
    network.wires.cut(SECOND)
    const { store } = network.agency.options
    const { shown } = await store.log(await vaultAt('own'), { from: [], entries: 0 }, { maxBytes: 1e7, trimmed: true })
    const hidden = shown.at(-2)?.bytes ?? new Uint8Array()
    const stop = lying(store, (bytes) => (Buffer.compare(bytes, hidden) === 0 ? undefined : bytes))
    const { device, codes } = await restored()
    stop()
    expect(codes).toContain('BATCH_MISSING')
    expect(await noteOn(device, 'a')).toBeUndefined()
    expect(await noteOn(device, 'b')).toBe('two')
  })

  it('is not kept from the rest by a holder who changes bytes, and says so', async () => {
    await note('a', 'kept')
    await alice.agent.sync()
    const stop = lying(network.agency.options.store, (bytes) =>
      Uint8Array.from(bytes, (byte, at) => (at === bytes.length - 1 ? byte ^ 1 : byte)),
    )
    const { device, codes } = await restored()
    stop()
    expect(codes).toContain('BATCH_TAMPERED')
    expect(await noteOn(device, 'a')).toBe('kept')
  })

  it('a thief with the device denies nothing by a newer empty log, and what they did is left out by time', async () => {
    await note('a', 'before the theft')
    await alice.agent.sync()
    const theft = alice.agent.edge.ports.clock.now()
    network.advance(60)
    const thief = await alice.stolen('thief')
    const { records, ports } = thief.agent.edge
    await ports.vault.remove('text', 'a')
    for (const { name } of await records.all('relationship')) await ports.vault.remove('relationship', name)
    // Nothing that the log counts was removed: the thief's newest snapshot is simply without it.
    const own = await records.get('log', 'self')
    if (own) await records.commit([{ category: 'log', name: 'self', value: { ...own, snapshots: [] } }])
    await thief.agent.backUp()
    const { device } = await restored()
    expect(await noteOn(device, 'a')).toBe('before the theft')
    expect(await labels(device)).toEqual(['bob', 'carol'])

    await note('a', 'by the thief', thief)
    await thief.agent.backUp()
    expect(await noteOn((await restored()).device, 'a')).toBe('by the thief')
    expect(await noteOn((await restored({ until: theft })).device, 'a')).toBe('before the theft')
  })

  it('takes both branches of a chain that a thief forked, and says so', async () => {
    await alice.agent.sync()
    const thief = await alice.stolen('thief')
    network.wires.cut(SECOND)
    await note('x', 'by the thief', thief)
    await thief.agent.backUp()
    network.wires.mend(SECOND)
    network.wires.cut(AGENCY)
    await note('a', 'by the owner')
    await alice.agent.backUp()
    network.wires.mend(AGENCY)
    const { device, codes } = await restored()
    expect(codes).toContain('CHAIN_FORKED')
    expect(await noteOn(device, 'a')).toBe('by the owner')
    expect(await noteOn(device, 'x')).toBe('by the thief')
  })

  it('takes nothing from a thief that is no record of a log, or makes no sense', async () => {
    await alice.agent.sync()
    const thief = await alice.stolen('thief')
    await thief.agent.edge.records.putAll([
      { segment: 'messages', category: 'rescue', name: 'self', value: { url: 'nonsense' } },
      { segment: 'messages', category: 'pin', name: 'ledger', value: { height: 1 } },
      { segment: 'relationships', category: 'relationship', name: 'x', value: { status: 'connected' } },
      { segment: 'messages', category: 'text', name: 'x', value: { text: 'of nobody' } },
    ])
    await thief.agent.backUp()
    const { device, found, codes } = await restored()
    expect(codes).toContain('RECORD_UNKNOWN')
    expect(found.records).toBeGreaterThan(0)
    expect(await labels(device)).toEqual(['bob', 'carol'])
  })

  it('is not deceived by a log that somebody else founded and sealed to the path', async () => {
    const { store } = network.agency.options
    const page = { heads: [], entries: 1, shown: [{ chain: 'authority', bytes: systemRandom(100) }], more: false }
    const honest = store.log
    store.log = async () => page
    network.wires.cut(SECOND)
    await expect(restored()).rejects.toMatchObject({ code: 'AUTHORITY_MISSING' })
    store.log = honest
  })
})
