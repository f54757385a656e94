/** SYNC-9, row N5: what the agents of the PIN know of the log, when every holder shows an older one. */
import type { CloudAgent } from '@keystead/agent/cloud'
import { systemRandom } from '@keystead/core'
import type { Kit } from '@keystead/recovery'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { CloudStore } from '../../agent/src/cloud/store/port.ts'
import { put } from '../../agent/src/edge/store.ts'
import { Network } from './network.ts'
import type { Person } from './person.ts'

const PIN = '739164'
const NAMES = ['north', 'east', 'south']
let network: Network
let alice: Person
let agents: CloudAgent[]
let kit: Kit

beforeEach(async () => {
  network = await Network.open()
  agents = []
  for (const name of NAMES) agents.push(await network.addAgency(name))
  alice = await network.person('alice')
  const escrow = { pin: PIN, agencies: NAMES.map((name) => `http://${name}.test`) }
  kit = await alice.agent.recovery.setUp({ contacts: [], threshold: 2, escrow })
  await network.settle(alice)
})

afterEach(() => network.close())

const note = (text: string): Promise<void> =>
  alice.agent.edge.records.commit([put('text', 'a', { contact: 'bob', from: 'me', text, at: 1 })])

async function recovered() {
  const device = await network.newDevice(kit, 'phone')
  await device.agent.recovery.enterPin(PIN)
  return { device, ...(await device.agent.recovery.finish()) }
}

/** Every holder shows the log as it is now, whatever comes. */
async function freeze(): Promise<void> {
  for (const { options } of [network.agency, ...agents]) {
    const honest: CloudStore['log'] = options.store.log
    const vaults = (await alice.agent.edge.records.all('holder')).map(({ value }) => value.vault)
    const everything = { maxBytes: 1e9, trimmed: true }
    const then = new Map<string, Awaited<ReturnType<CloudStore['log']>>>()
    for (const vault of vaults) then.set(vault, await honest(vault, { from: [], entries: 0 }, everything))
    options.store.log = async (vault, wanted, how) =>
      how.trimmed ? (then.get(vault) ?? honest(vault, wanted, how)) : honest(vault, wanted, how)
  }
}

const codes = (lacks: readonly { readonly code: string }[]): string[] => lacks.map(({ code }) => code)

describe('the agents of the PIN', () => {
  it('know what is newest, and a recovery from whole copies lacks nothing', async () => {
    await note('one')
    await alice.agent.backUp()
    expect((await recovered()).lacks).toEqual([])
  })

  it('one agent’s word is enough: a backup that is older than was acknowledged is named in words', async () => {
    await note('one')
    await alice.agent.backUp()
    await freeze()
    await note('two')
    await alice.agent.backUp()
    for (const { options } of agents.slice(1)) options.store.heads = async () => undefined
    const { device, lacks } = await recovered()
    expect((await device.vault.get('text', 'a'))?.['text']).toBe('one')
    expect(lacks).toEqual([
      {
        code: 'LOG_ROLLED_BACK',
        text: 'this backup is older than what was acknowledged: the newest 1 change batch(es) of your device are at none of the holders',
      },
    ])
  })

  it('that show an older word, or one of their own, hide nothing and are named', async () => {
    await note('one')
    await alice.agent.backUp()
    const [north, east] = agents as [CloudAgent, CloudAgent]
    const account = (await alice.agent.edge.records.all('escrow'))[0]?.value.agents[0]?.account ?? ''
    const old = await north.options.store.heads(account)
    await freeze()
    await note('two')
    await alice.agent.backUp()
    north.options.store.heads = async () => old
    east.options.store.heads = async () => ({ n: 99, box: systemRandom(3000) })
    expect(codes((await recovered()).lacks)).toEqual(['HEADS_TAMPERED', 'LOG_ROLLED_BACK'])
  })

  it('take a later word alone', async () => {
    await note('one')
    await alice.agent.backUp()
    const { store } = (agents[0] as CloudAgent).options
    const account = (await alice.agent.edge.records.all('escrow'))[0]?.value.agents[0]?.account ?? ''
    const known = await store.heads(account)
    if (!known) throw new Error('it was said')
    await store.putHeads(account, known.n, known.box)
    await expect(store.putHeads(account, known.n, systemRandom(100))).rejects.toMatchObject({ code: 'HEADS_NOT_NEWER' })
    await expect(store.putHeads(account, known.n - 1, known.box)).rejects.toMatchObject({ code: 'HEADS_NOT_NEWER' })
  })
})
