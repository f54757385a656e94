/** Those who keep a log, and those who stole a device of it: each attack of spec/sync.md and the error it ends in. */
import { type Bytes, type JsonObject, systemRandom } from '@keystead/core'
import type { PublicKey, SigningKey } from '@keystead/crypto'
import fc from 'fast-check'
import { beforeEach, describe, expect, it } from 'vitest'
import {
  type AuthorityEntry,
  type Batch,
  checkRun,
  formerDataKeys,
  type LogDevice,
  missingFrom,
  type NewEntry,
  newDataKey,
  openBatch,
  openHeads,
  parseBatch,
  parseEntry,
  readAuthority,
  sealFormer,
  sealHeads,
  signEntry,
  unite,
  unwrapDataKey,
  verifyBatch,
  wrapDataKey,
} from './index.ts'
import { founding, id, provider, TestDevice, testDevices } from './testing/device.ts'

let phone: TestDevice
let laptop: TestDevice
let tablet: TestDevice
let devices: LogDevice[]

beforeEach(async () => {
  ;[phone, laptop, tablet] = (await testDevices(3)) as [TestDevice, TestDevice, TestDevice]
  devices = [phone, laptop, tablet].map(({ listed }) => listed)
})

const code = async (work: () => unknown): Promise<unknown> => {
  try {
    await work()
    return 'done'
  } catch (error) {
    return (error as { code?: string }).code
  }
}

const flipped = (bytes: Bytes, at: number): Bytes => {
  const changed = bytes.slice()
  changed[at] = (changed[at] ?? 0) ^ 1
  return changed
}

async function note(device: TestDevice, text: string): Promise<Batch> {
  device.write(text, { text })
  return device.seal()
}

describe('a holder', () => {
  it('reads nothing: neither names nor values are in a batch', async () => {
    const batch = await note(phone, 'the name of a friend')
    const text = Buffer.from(batch.bytes).toString('latin1')
    for (const secret of ['friend', 'note', 'text']) expect(text).not.toContain(secret)
    expect(await code(() => openBatch(batch, phone.log, systemRandom(32)))).toBe('BATCH_TAMPERED')
  })

  it('learns a size in steps alone', async () => {
    const sizes = new Set<number>()
    for (let length = 1; length < 60; length++) sizes.add((await note(phone, 'x'.repeat(length))).bytes.length)
    expect(sizes.size).toBe(1)
  })

  it('who changes any byte of a batch is BATCH_TAMPERED', async () => {
    const { bytes } = await note(phone, 'a')
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: bytes.length - 1 }), async (at) => {
        const judged = await code(() => {
          // Wherever the byte lies: a changed chain is no device of ours.
          const batch = parseBatch(flipped(bytes, at))
          unite(phone.log, devices, [batch])
        })
        expect(['BATCH_TAMPERED', 'NOT_IN_LOG']).toContain(judged)
        expect(judged === 'NOT_IN_LOG').toBe(at >= 2 && at < 18)
      }),
      { numRuns: 400 },
    )
    expect(
      await code(
        () =>
          parseBatch(bytes.slice(0, -1) as Bytes).bytes.length &&
          verifyBatch(parseBatch(bytes.slice(0, -1) as Bytes), phone.log, phone.listed.key),
      ),
    ).toBe('BATCH_TAMPERED')
  })

  it('who shows a batch of another log is BATCH_TAMPERED', async () => {
    const batch = await note(phone, 'a')
    expect(await code(() => verifyBatch(batch, id(), phone.listed.key))).toBe('BATCH_TAMPERED')
  })

  it('who swaps two rows is BATCH_MISPLACED, and in a union the swap changes nothing', async () => {
    const [zero, one, two] = [await note(phone, 'a'), await note(phone, 'b'), await note(phone, 'c')]
    expect(await code(() => checkRun([zero, two, one], phone.chain, 0))).toBe('BATCH_MISPLACED')
    expect(await code(() => checkRun([one], phone.chain, 2))).toBe('BATCH_MISPLACED')
    expect(await code(() => checkRun([zero, one, two], laptop.chain, 0))).toBe('BATCH_MISPLACED')
    expect(await code(() => checkRun([one, two], phone.chain, 1))).toBe('done')
    expect(unite(phone.log, devices, [two, zero, one]).batches.map(({ seq }) => seq)).toEqual([0, 1, 2])
  })

  it('who leaves out a batch leaves a gap that is named', async () => {
    const all = [await note(phone, 'a'), await note(phone, 'b'), await note(phone, 'c'), await note(phone, 'd')]
    const { gaps } = unite(phone.log, devices, [all[0] as Batch, all[3] as Batch])
    expect(gaps).toEqual([{ chain: phone.chain, from: 1, to: 2 }])
  })

  it('who leaves out the newest batches of a device is found out by what another device saw', async () => {
    await note(phone, 'a')
    const hidden = await note(phone, 'b')
    await laptop.follow(phone, devices)
    const { seen } = await openBatch(await note(laptop, 'c'), laptop.log, laptop.dataKey)
    expect(seen).toEqual([{ chain: phone.chain, seq: 1, hash: hidden.hash }])
    const { heads } = unite(phone.log, devices, [phone.own[0] as Batch, ...laptop.own])
    expect(missingFrom(heads, seen)).toEqual([{ chain: phone.chain, seq: 1, hash: hidden.hash }])
  })

  it('who shows two devices different views of a third is CHAIN_FORKED when they meet', async () => {
    const twin = new TestDevice(tablet.log, tablet.dataKey, tablet.signer, tablet.kem)
    Object.assign(twin, { chain: tablet.chain })
    await note(tablet, 'to the phone')
    await note(twin, 'to the laptop')
    await phone.follow(tablet, devices)
    await laptop.follow(twin, devices)
    expect(await code(() => phone.follow(laptop, devices))).toBe('CHAIN_FORKED')
    // And by what the other says it saw, without the batch itself.
    const { seen } = await openBatch(await note(laptop, 'x'), laptop.log, laptop.dataKey)
    expect(await code(() => missingFrom(phone.heads, seen))).toBe('CHAIN_FORKED')
  })

  it('who continues a chain from another past is CHAIN_FORKED', async () => {
    const twin = new TestDevice(phone.log, phone.dataKey, phone.signer, phone.kem)
    Object.assign(twin, { chain: phone.chain })
    await note(phone, 'one past')
    await laptop.follow(phone, devices)
    await note(twin, 'another past')
    const later = await note(twin, 'and on')
    expect(await code(() => unite(phone.log, devices, [later], { known: laptop.heads }))).toBe('CHAIN_FORKED')
    expect(await code(() => unite(phone.log, devices, [...phone.own, ...twin.own]))).toBe('CHAIN_FORKED')
    // Who restores takes both branches, and names the fork.
    const both = unite(phone.log, devices, [...phone.own, ...twin.own], { forks: 'take' })
    expect(both.batches).toHaveLength(3)
    expect(both.forks).toMatchObject([{ chain: phone.chain, seq: 0 }])
  })

  it('who packs a bomb, or a batch of nonsense, is BATCH_TAMPERED: even a listed device', async () => {
    const bomb = { text: 'x'.repeat(3 * 1024 * 1024) }
    for (let i = 0; i < 6; i++) phone.write(`n${i}`, bomb)
    const batch = await phone.seal()
    expect(await code(() => openBatch(batch, phone.log, phone.dataKey))).toBe('BATCH_TAMPERED')
  })
})

describe('a device that is not the owner’s', () => {
  it('or not any more, writes nothing that is taken in', async () => {
    const [stranger] = (await testDevices(1)) as [TestDevice]
    Object.assign(stranger, { log: phone.log })
    expect(await code(async () => unite(phone.log, devices, [await note(stranger, 'a')]))).toBe('NOT_IN_LOG')
    const before = await note(tablet, 'before')
    const ended = devices.map((one) =>
      one.chain === tablet.chain ? { ...one, end: { seq: 0, hash: before.hash } } : one,
    )
    const after = await note(tablet, 'after')
    const { batches, beyond } = unite(phone.log, ended, [before, after])
    expect(batches).toEqual([before])
    expect(beyond).toEqual([after])
  })

  it('not any more, makes up no other past with whoever keeps its chain: what led to its end is what counts', async () => {
    const twin = new TestDevice(tablet.log, tablet.dataKey, tablet.signer, tablet.kem)
    Object.assign(twin, { chain: tablet.chain })
    const [first, last] = [await note(tablet, 'first'), await note(tablet, 'last')]
    const madeUp = [await note(twin, 'not so'), await note(twin, 'nor so')]
    const end = { seq: 1, hash: last.hash }
    const ended = devices.map((one) => (one.chain === tablet.chain ? { ...one, end } : one))
    for (const forks of ['refuse', 'take'] as const) {
      const all = unite(tablet.log, ended, [...madeUp, first, last], { forks })
      expect(all).toMatchObject({ batches: [first, last], beyond: madeUp, forks: [] })
    }
    // Where the true ones are kept back, what stands at the end is known all the same.
    expect(unite(tablet.log, ended, [madeUp[1] as Batch])).toMatchObject({ batches: [], beyond: [madeUp[1]] })
  })

  it('cannot write as another device', async () => {
    const forger = new TestDevice(phone.log, phone.dataKey, tablet.signer, tablet.kem)
    Object.assign(forger, { chain: phone.chain })
    expect(await code(async () => unite(phone.log, devices, [await note(forger, 'a')]))).toBe('BATCH_TAMPERED')
  })

  it('denies nothing by a newer empty snapshot: a union has what was there', async () => {
    const kept = await note(phone, 'kept')
    const empty = await phone.seal('snapshot', [])
    const { batches } = unite(phone.log, devices, [empty, kept])
    const contents = await Promise.all(batches.map((batch) => openBatch(batch, phone.log, phone.dataKey)))
    expect(contents.flatMap(({ operations }) => operations).map(({ name }) => name)).toEqual(['kept'])
  })
})

describe('heads that agents keep', () => {
  it('open for the log and its devices alone, and a changed byte is HEADS_TAMPERED', async () => {
    const batch = await note(phone, 'a')
    const statement = {
      log: phone.log,
      by: phone.chain,
      n: 1,
      at: 5,
      authority: { seq: 0, hash: batch.hash },
      heads: [{ chain: phone.chain, seq: 0, hash: batch.hash }],
    }
    const keyOf = (chain: string) => devices.find((device) => device.chain === chain)?.key
    const box = await sealHeads(statement, { signer: phone.signer, dataKey: phone.dataKey, epoch: 0 })
    expect(openHeads(box, phone.log, phone.dataKey, keyOf)).toEqual(statement)
    const forged = await sealHeads(statement, { signer: tablet.signer, dataKey: phone.dataKey, epoch: 0 })
    expect(await code(() => openHeads(forged, phone.log, phone.dataKey, keyOf))).toBe('HEADS_TAMPERED')
    expect(await code(() => openHeads(box, id(), phone.dataKey, keyOf))).toBe('HEADS_TAMPERED')
    fc.assert(
      fc.property(fc.integer({ min: 0, max: box.length - 1 }), (at) => {
        expect(() => openHeads(flipped(box, at), phone.log, phone.dataKey, keyOf)).toThrow()
      }),
      { numRuns: 200 },
    )
  })
})

describe('authority', () => {
  let first: AuthorityEntry
  beforeEach(async () => {
    first = await founding([phone, laptop])
  })

  const trusted = () => ({ seq: first.seq, hash: first.hash })
  const after = (before: AuthorityEntry, changes: Partial<NewEntry>, signers: readonly SigningKey[]) =>
    signEntry({ ...before, seq: before.seq + 1, prev: before.hash, also: [], ...changes }, signers)

  it('goes on by a listed device, and by nobody else', async () => {
    const added = await after(first, { devices: [...first.devices, tablet.listed] }, [laptop.signer])
    expect(readAuthority(phone.log, [added, first], trusted()).entry.hash).toBe(added.hash)
    const stolen = await after(first, { devices: [...first.devices, tablet.listed] }, [tablet.signer])
    expect(await code(() => readAuthority(phone.log, [first, stolen], trusted()))).toBe('AUTHORITY_TAMPERED')
  })

  it('goes on by no device that only writes, which writes all the same', async () => {
    first = await founding([phone], { devices: [phone.listed, { ...laptop.listed, limited: true }] })
    const stolen = await after(first, { devices: [...first.devices, tablet.listed] }, [laptop.signer])
    expect(await code(() => readAuthority(phone.log, [first, stolen], trusted()))).toBe('AUTHORITY_TAMPERED')
    const alone = after(first, { devices: [{ ...phone.listed, limited: true }], threshold: 1 }, [phone.signer])
    expect(parseEntry((await alone).bytes).threshold).toBe(1)
    const two = after(first, { threshold: 2 }, [phone.signer])
    expect(await code(() => two)).toBe('AUTHORITY_TAMPERED')
    laptop.write('a', { text: 'from a device that only writes' })
    const batch = await laptop.seal()
    expect(unite(phone.log, first.devices, [batch]).batches).toEqual([batch])
  })

  it('that a holder invents is passed over by who restores', async () => {
    const stolen = await after(first, { devices: [...first.devices, tablet.listed] }, [tablet.signer])
    const { entry, strange } = readAuthority(phone.log, [first, stolen], trusted(), { strange: 'pass' })
    expect([entry.hash, strange.length]).toEqual([first.hash, 1])
  })

  it('wants as many devices as its threshold says', async () => {
    first = await founding([phone, laptop], { threshold: 2 })
    const more = { devices: [...first.devices, tablet.listed] }
    const alone = await after(first, more, [phone.signer, phone.signer])
    expect(await code(() => readAuthority(phone.log, [first, alone], trusted()))).toBe('AUTHORITY_TAMPERED')
    const both = await after(first, more, [phone.signer, laptop.signer])
    expect(readAuthority(phone.log, [first, both], trusted()).entry.hash).toBe(both.hash)
  })

  it('any changed byte of an entry is AUTHORITY_TAMPERED', async () => {
    const added = await after(first, { devices: [...first.devices, tablet.listed] }, [laptop.signer])
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: added.bytes.length - 1 }), async (at) => {
        const judged = await code(() => {
          const entry = parseEntry(flipped(added.bytes, at))
          const { entry: now } = readAuthority(phone.log, [first, entry], trusted())
          // Under another log, number or predecessor it is no successor at all.
          expect(now.hash).toBe(first.hash)
        })
        expect(['AUTHORITY_TAMPERED', 'done']).toContain(judged)
      }),
      { numRuns: 300 },
    )
  })

  it('never forgets a device, and never lets a removed one back', async () => {
    const gone = await after(first, { devices: [phone.listed] }, [phone.signer])
    expect(await code(() => readAuthority(phone.log, [first, gone], trusted()))).toBe('AUTHORITY_TAMPERED')
    const removed = await removal(first, laptop, phone)
    const back = await after(removed, { devices: [phone.listed, laptop.listed] }, [phone.signer])
    expect(await code(() => readAuthority(phone.log, [first, removed, back], trusted()))).toBe('AUTHORITY_TAMPERED')
    const byRemoved = await after(removed, { threshold: 1 }, [laptop.signer])
    expect(await code(() => readAuthority(phone.log, [first, removed, byRemoved], trusted()))).toBe(
      'AUTHORITY_TAMPERED',
    )
  })

  it('a removal without a new data key is AUTHORITY_TAMPERED; with one the removed device reads nothing new', async () => {
    const kept = await after(first, { devices: [phone.listed, { ...laptop.listed, end: 'none' }] }, [phone.signer])
    expect(await code(() => readAuthority(phone.log, [first, kept], trusted()))).toBe('AUTHORITY_TAMPERED')
    const removed = await removal(first, laptop, phone)
    expect(await code(() => unwrapDataKey(removed, laptop.kem))).toBe('NO_DATA_KEY')
    const authority = readAuthority(phone.log, [first, removed], trusted())
    const keys = formerDataKeys([authority.entry, ...authority.before], await unwrapDataKey(authority.entry, phone.kem))
    expect([...keys.keys()]).toEqual([1, 0])
    expect(keys.get(0)).toEqual(phone.dataKey)
  })

  it('two entries at one place freeze it, never by time, until one names the other', async () => {
    const one = await after(first, { devices: [...first.devices, tablet.listed] }, [phone.signer])
    const other = await removal(first, phone, laptop)
    const frozen = readAuthority(phone.log, [first, one, other], trusted())
    expect(frozen.entry.hash).toBe(first.hash)
    expect(frozen.rivals.map(({ hash }) => hash).sort()).toEqual([one.hash, other.hash].sort())
    const settled = await after(one, { also: [other.hash] }, [laptop.signer])
    expect(readAuthority(phone.log, [first, one, other, settled], trusted()).entry.hash).toBe(settled.hash)
  })

  it('a recovery path decides over devices', async () => {
    const reader = await provider.ephemeral({ kind: 'signing', suite: 'ed25519' })
    const kem = await provider.ephemeral({ kind: 'kem', suite: 'x-wing' })
    const path = { reader: reader.publicKey as PublicKey<'ed25519'>, kem: kem.publicKey as PublicKey<'x-wing'> }
    first = await founding([phone, laptop], { paths: [path] })
    const thief = await removal(first, laptop, phone)
    const owner = await removal(first, phone, laptop, reader)
    expect(readAuthority(phone.log, [first, thief, owner], trusted()).entry.hash).toBe(owner.hash)
  })

  it('a holder that shows less than was taken in is AUTHORITY_MISSING', async () => {
    const added = await after(first, { devices: [...first.devices, tablet.listed] }, [laptop.signer])
    const known = { seq: added.seq, hash: added.hash }
    expect(await code(() => readAuthority(phone.log, [first], known))).toBe('AUTHORITY_MISSING')
  })

  async function removal(before: AuthorityEntry, gone: TestDevice, by: TestDevice, signer = by.signer) {
    const key = newDataKey(systemRandom)
    return after(
      before,
      {
        devices: before.devices.map((one) => (one.chain === gone.chain ? { ...one, end: 'none' as const } : one)),
        epoch: before.epoch + 1,
        wraps: wrapDataKey(before.log, before.epoch + 1, key, [by.listed.kem]),
        former: sealFormer(before.log, before.epoch + 1, key, by.dataKey),
      },
      [signer],
    )
  }
})

describe('one changed record', () => {
  it('costs at most 600 bytes', async () => {
    const value: JsonObject = {
      id: '6f1f4b1e5a3c4f3e9d0b8a7c6d5e4f30',
      label: 'Bob Builder',
      status: 'connected',
      own: 'did:peer:4zQmXU3HDFaMvdiuUh7eC2hUzFxZHgaKUJpiCAkSDfRE6qKn',
      peer: 'did:peer:4zQmd8CpeFPci817KDsbSAKWcXAE2mjvCQSasRewvbSF54Bd',
      head: 'uXb3kq0n8m2v5c7z1a9s4d6f8g0h2j4k6l8q1w3e5r7t9y',
      verified: { at: 1_767_225_600, kids: ['z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK'] },
      next: 'zQmYGx7Wzqe5prvEsTSzYBQN8xViYUM9qsWJSF5EENLcNmM',
    }
    phone.write('6f1f4b1e5a3c4f3e9d0b8a7c6d5e4f30', value, 'relationship')
    const { bytes } = await phone.seal()
    const plain = JSON.stringify({ category: 'relationship', name: value['id'], value })
    expect(plain.length).toBeGreaterThanOrEqual(484)
    expect(bytes.length).toBeLessThanOrEqual(600)
  })
})
