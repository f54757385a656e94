/** SYNC-6, SYNC-13: two devices of one owner write one log, and an agency in the way of it. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { CloudStore } from '../../agent/src/cloud/store/port.ts'
import { ask } from '../../agent/src/edge/agency-link.ts'
import { ownLog } from '../../agent/src/edge/log/authority.ts'
import { followDevices } from '../../agent/src/edge/log/follow.ts'
import { admitToLog, joinLog, logCandidate, removeFromLog } from '../../agent/src/edge/log/join.ts'
import { put } from '../../agent/src/edge/store.ts'
import { DEVICE_ADD, DEVICE_JOIN } from '../../agent/src/protocols/account-devices/messages.ts'
import { AGENCY, Network } from './network.ts'
import type { Person } from './person.ts'

let network: Network
let phone: Person
let laptop: Person

beforeEach(async () => {
  network = await Network.open()
  phone = await network.person('alice')
  laptop = await linked('laptop')
})

afterEach(() => network.close())

/** A device that belongs to the phone's account at the agency, and joined its log. */
async function linked(name: string): Promise<Person> {
  const device = await network.newcomer(name)
  await device.agent.addCloudAgent({ did: network.agency.options.did, url: AGENCY })
  const account = async ({ agent }: Person) => (await agent.profile()).agency?.account ?? ''
  const [owner, own] = [await account(phone), await account(device)]
  const agency = network.agency.options.did
  await ask(phone.agent.edge, agency, owner, { type: DEVICE_ADD, body: { device: own, admin: false } })
  await ask(device.agent.edge, agency, own, { type: DEVICE_JOIN, body: { account: owner } })
  const invitation = await admitToLog(phone.agent.edge, await logCandidate(device.agent.edge), name)
  await joinLog(device.agent.edge, invitation)
  return device
}

const code = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => 'done',
    (error: { code?: string }) => error.code ?? error,
  )

const text = (id: string, value: string) =>
  put('text', id, { contact: 'bob', from: 'me', text: value, at: value.length })
const write = ({ agent }: Person, id: string, value: string) => agent.edge.records.commit([text(id, value)])
const read = async ({ agent }: Person, id: string) => (await agent.edge.records.get('text', id))?.text
const syncAll = async (...people: Person[]): Promise<void> => {
  for (const { agent } of people) await agent.sync()
}

/** What the agency shows from now on; undefined leaves a batch out. */
function showing(change: (chain: string, seq: number) => boolean): () => void {
  const { store } = network.agency.options
  const honest: CloudStore['log'] = store.log
  store.log = async (vault, wanted, options) => {
    const page = await honest(vault, wanted, options)
    const seen = new Map<string, number>()
    const shown = page.shown.filter(({ chain }) => {
      const from = wanted.from.find((one) => one.chain === chain)?.seq ?? 0
      const seq = seen.get(chain) ?? from
      seen.set(chain, seq + 1)
      return chain === 'authority' || change(chain, seq)
    })
    return { ...page, shown }
  }
  return () => {
    store.log = honest
  }
}

describe('two devices', () => {
  it('see what the other changes and removes, in both directions, also what was there before', async () => {
    await write(phone, 'a', 'from the phone')
    await write(laptop, 'b', 'from the laptop')
    await syncAll(phone, laptop, phone)
    expect([await read(laptop, 'a'), await read(phone, 'b')]).toEqual(['from the phone', 'from the laptop'])
    await laptop.agent.edge.records.commit([{ category: 'text', name: 'a' }])
    await syncAll(laptop, phone)
    expect(await read(phone, 'a')).toBeUndefined()
    const tablet = await linked('tablet')
    await syncAll(tablet)
    expect([await read(tablet, 'a'), await read(tablet, 'b')]).toEqual([undefined, 'from the laptop'])
  })

  it('agree on what both changed apart, whatever their clocks say', async () => {
    laptop.skew = -120
    await write(phone, 'a', 'first')
    await syncAll(phone, laptop)
    // It follows the phone's, though by its clock it is two minutes older.
    await write(laptop, 'a', 'second')
    await syncAll(laptop, phone)
    expect(await read(phone, 'a')).toBe('second')
    network.advance(1)
    await write(laptop, 'b', 'laptop')
    network.advance(300)
    await write(phone, 'b', 'phone')
    await syncAll(phone, laptop, phone)
    expect([await read(phone, 'b'), await read(laptop, 'b')]).toEqual(['phone', 'phone'])
  })

  it('what is dated ahead waits, and comes when its time has come', async () => {
    laptop.skew = 3600
    await write(laptop, 'a', 'from tomorrow')
    await syncAll(laptop, phone)
    expect(await read(phone, 'a')).toBeUndefined()
    expect(phone.heard('waiting', /dated in the future/)).toBe(true)
    network.advance(3600)
    await syncAll(phone)
    expect(await read(phone, 'a')).toBe('from tomorrow')
  })

  it('each goes on after a restart at any moment', async () => {
    await write(phone, 'a', 'one')
    await phone.restart()
    await syncAll(phone)
    await laptop.restart()
    await syncAll(laptop)
    await write(laptop, 'a', 'two')
    await laptop.restart()
    await syncAll(laptop, phone)
    expect(await read(phone, 'a')).toBe('two')
  })

  it('one that claims the chain of another is BAD_DEVICE', async () => {
    const tablet = await network.newcomer('tablet')
    await tablet.agent.addCloudAgent({ did: network.agency.options.did, url: AGENCY })
    const candidate = await logCandidate(tablet.agent.edge)
    const chain = (await ownLog(laptop.agent.edge))?.chain ?? ''
    expect(await code(admitToLog(phone.agent.edge, { ...candidate, chain }, 'tablet'))).toBe('BAD_DEVICE')
  })

  it('one that was removed reads nothing new and writes nothing that counts', async () => {
    await write(laptop, 'a', 'while it belonged')
    await syncAll(laptop, phone)
    await removeFromLog(phone.agent.edge, (await ownLog(laptop.agent.edge))?.chain ?? '')
    await write(phone, 'b', 'after')
    await write(laptop, 'a', 'and on')
    await syncAll(phone, laptop, phone)
    expect([await read(phone, 'a'), await read(laptop, 'b')]).toEqual(['while it belonged', undefined])
    expect(laptop.heard('log-left')).toBe(true)
  })
})

describe('an agency', () => {
  it('that leaves out a change in the middle is BATCH_MISSING, and nothing after it is taken in', async () => {
    await syncAll(phone, laptop)
    const chain = (await ownLog(phone.agent.edge))?.chain
    const next = (await ownLog(phone.agent.edge))?.seq
    for (const value of ['one', 'two', 'three']) {
      await write(phone, 'a', value)
      await syncAll(phone)
    }
    const stop = showing((one, seq) => one !== chain || seq !== next)
    expect(await code(followDevices(laptop.agent.edge))).toBe('BATCH_MISSING')
    expect(await read(laptop, 'a')).toBeUndefined()
    stop()
    expect(await code(followDevices(laptop.agent.edge))).toBe('done')
    expect(await read(laptop, 'a')).toBe('three')
  })

  it('that hides one device’s newest changes is found out by what another has seen', async () => {
    const tablet = await linked('tablet')
    await syncAll(phone, laptop, tablet, phone, laptop)
    await write(phone, 'a', 'hidden')
    await syncAll(phone, tablet)
    await write(tablet, 'b', 'seen')
    await syncAll(tablet)
    const chain = (await ownLog(phone.agent.edge))?.chain
    showing((one) => one !== chain)
    expect(await code(followDevices(laptop.agent.edge))).toBe('BATCH_MISSING')
  })

  it('that shows what is no part of a log is BATCH_TAMPERED', async () => {
    await write(phone, 'a', 'one')
    await syncAll(phone)
    const { store } = network.agency.options
    const honest = store.log
    store.log = async (...args) => {
      const page = await honest(...args)
      return { ...page, shown: [...page.shown, { chain: 'x', bytes: new Uint8Array(400) }] }
    }
    expect(await code(followDevices(laptop.agent.edge))).toBe('BATCH_TAMPERED')
  })

  it('that was set back is LOG_ROLLED_BACK', async () => {
    for (const value of ['one', 'two']) {
      await write(phone, 'a', value)
      await syncAll(phone, laptop)
    }
    const { store } = network.agency.options
    const honest = store.log
    store.log = async (...args) => {
      const page = await honest(...args)
      return { ...page, heads: page.heads.map((head) => ({ ...head, seq: 0 })), shown: [] }
    }
    expect(await code(followDevices(laptop.agent.edge))).toBe('LOG_ROLLED_BACK')
  })
})
