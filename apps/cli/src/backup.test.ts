/** The automatic backup as a person meets it: a ledger node, two agencies and a folder, and every command a process. */
import { cpSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Person } from '../../../scripts/story/person.ts'
import type { PartName } from '../../../scripts/system.ts'
import { openTown, type Town } from '../../../scripts/testing/town.ts'

const AGENCIES: readonly PartName[] = ['agency', 'agency2', 'agency3']
let town: Town
let folder: string
let alice: Person
let kit: string
let pin: string

beforeAll(async () => {
  town = await openTown('backup', AGENCIES)
  folder = join(town.home, 'disk')
  alice = town.person('alice')
  await alice.run(['init'])
  ;[kit, pin] = [alice.file('kit.html'), alice.file('pin')]
  writeFileSync(pin, '739164\n')
  const escrow = ['--escrow', ...AGENCIES.map((name) => town.system.url(name))]
  await alice.run([
    ...['recovery', 'setup', '--kit', kit, '--pin-file', pin, ...escrow],
    ...['--backup', town.system.url('agency2'), folder],
  ])
}, 180_000)

afterAll(async () => {
  await town?.end()
})

/** A change of the wallet: a contact to be. */
const invite = (name: string) => alice.run(['invite', '--as', name, '--link', 'long'], 0, 75)

const holders = async (): Promise<[string, boolean][]> => {
  const { data } = await alice.run(['backup', 'status'], 0, 75)
  return data.holders.map(({ address, whole }: { address: string; whole: boolean }) => [address, whole])
}

describe('keystead backup', { timeout: 300_000 }, () => {
  it('says where copies lie, and that each has everything; nobody who has one reads it', async () => {
    const { data } = await alice.run(['backup', 'now'])
    expect(data.copies).toBe(3)
    expect(await holders()).toEqual(
      [folder, town.system.url('agency2'), town.system.url('agency')].map((address) => [address, true]),
    )
    expect(readdirSync(folder).some((name) => name.endsWith('.batch'))).toBe(true)
  })

  it('killed at any moment it loses no change, and brings it to a copy that was away', async () => {
    await town.system.kill('agency2')
    for (let n = 0; n < 4; n++) {
      await invite(`friend ${n}`)
      const command = alice.background(['backup', 'now'])
      await new Promise((resolve) => setTimeout(resolve, 300 + n * 250))
      await command.kill()
    }
    await invite('friend the last')
    expect((await alice.run(['backup', 'now'], 75)).data.copies).toBe(2)
    await town.system.relaunch('agency2')
    expect((await alice.run(['backup', 'now'])).data.copies).toBe(3)
  })

  it('N5: an agency that is older than it acknowledged is told of, and given everything again', async () => {
    const data = join(town.home, 'system', 'agency')
    const before = join(town.home, 'before')
    await town.system.kill('agency')
    cpSync(data, before, { recursive: true })
    await town.system.relaunch('agency')
    await invite('friend after the copy')
    await alice.run(['backup', 'now'])
    await town.system.kill('agency')
    rmSync(data, { recursive: true })
    cpSync(before, data, { recursive: true })
    await town.system.relaunch('agency')
    const { data: now } = await alice.run(['backup', 'now'])
    expect(now.copies).toBe(3)
    const told = now.holders.filter(({ rolledBack }: { rolledBack?: number }) => rolledBack !== undefined)
    expect(told.map(({ address }: { address: string }) => address)).toEqual([town.system.url('agency')])
  })

  it('S10, N5: comes back from what is left, and says what every copy lacks though it was acknowledged', async () => {
    await invite('friend in the folder')
    await alice.run(['backup', 'now'])
    const [data, before, folderBefore] = [
      join(town.home, 'system', 'agency'),
      join(town.home, 'older'),
      join(town.home, 'older-disk'),
    ]
    await town.system.kill('agency')
    cpSync(data, before, { recursive: true })
    cpSync(folder, folderBefore, { recursive: true })
    await town.system.relaunch('agency')
    await invite('friend too late')
    await alice.run(['backup', 'now'])
    // One agency died, the other was set back, and so was the disk: only an agent of the PIN knows.
    await town.system.kill('agency2')
    await town.system.kill('agency')
    for (const [from, to] of [
      [before, data],
      [folderBefore, folder],
    ] as const) {
      rmSync(to, { recursive: true })
      cpSync(from, to, { recursive: true })
    }
    await town.system.relaunch('agency')
    alice.destroy()
    const phone = town.person('phone')
    const { data: found } = await phone.run(['recover', '--kit', kit, '--pin-file', pin, '--from', folder], 0, 75)
    expect(found).toMatchObject({ recovered: true, holders: { read: 2, of: 3 } })
    const lacks = new Map(found.lacks.map(({ code, text }: { code: string; text: string }) => [code, text]))
    expect([...lacks.keys()].sort()).toEqual(['AGENCY_UNREACHABLE', 'LOG_ROLLED_BACK'])
    expect(lacks.get('LOG_ROLLED_BACK')).toMatch(/older than what was acknowledged: the newest \d+ change batch/)
    const contacts = JSON.stringify((await phone.run(['contacts'])).data)
    for (const name of ['friend 0', 'friend the last', 'friend after the copy', 'friend in the folder'])
      expect(contacts).toContain(name)
    expect(contacts).not.toContain('friend too late')
  })
})
