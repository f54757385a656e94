/** The automatic backup as a person meets it: a ledger node, two agencies and a folder, and every command a process. */
import { cpSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { freePort } from '../../../scripts/free-port.ts'
import { Person } from '../../../scripts/story/person.ts'
import { type PartName, System } from '../../../scripts/system.ts'

const home = mkdtempSync(join(tmpdir(), 'keystead-backup-'))
const folder = join(home, 'disk')
const parts: readonly PartName[] = ['ledger', 'agency', 'agency2', 'agency3']
let system: System
let alice: Person
let kit: string
let pin: string

const person = (name: string): Person =>
  new Person(name, home, { KEYSTEAD_LEDGER_URL: system.url('ledger'), KEYSTEAD_AGENCY_URL: system.url('agency') })

beforeAll(async () => {
  const ports = Object.fromEntries(await Promise.all(parts.map(async (part) => [part, await freePort()] as const)))
  system = await System.start({ home: join(home, 'system'), ports, parts, profile: 'development', log: () => {} })
  alice = person('alice')
  await alice.run(['init'])
  ;[kit, pin] = [alice.file('kit.html'), alice.file('pin')]
  writeFileSync(pin, '739164\n')
  const escrow = ['--escrow', ...(['agency', 'agency2', 'agency3'] as const).map((name) => system.url(name))]
  await alice.run([
    ...['recovery', 'setup', '--kit', kit, '--pin-file', pin, ...escrow],
    ...['--backup', system.url('agency2'), folder],
  ])
}, 180_000)

afterAll(async () => {
  await system?.stop()
  rmSync(home, { recursive: true, force: true })
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
      [folder, system.url('agency2'), system.url('agency')].map((address) => [address, true]),
    )
    expect(readdirSync(folder).some((name) => name.endsWith('.batch'))).toBe(true)
  })

  it('killed at any moment it loses no change, and brings it to a copy that was away', async () => {
    await system.kill('agency2')
    for (let n = 0; n < 4; n++) {
      await invite(`friend ${n}`)
      const command = alice.background(['backup', 'now'])
      await new Promise((resolve) => setTimeout(resolve, 300 + n * 250))
      await command.kill()
    }
    await invite('friend the last')
    expect((await alice.run(['backup', 'now'], 75)).data.copies).toBe(2)
    await system.relaunch('agency2')
    expect((await alice.run(['backup', 'now'])).data.copies).toBe(3)
  })

  it('N5: an agency that is older than it acknowledged is told of, and given everything again', async () => {
    const data = join(home, 'system', 'agency')
    const before = join(home, 'before')
    await system.kill('agency')
    cpSync(data, before, { recursive: true })
    await system.relaunch('agency')
    await invite('friend after the copy')
    await alice.run(['backup', 'now'])
    await system.kill('agency')
    rmSync(data, { recursive: true })
    cpSync(before, data, { recursive: true })
    await system.relaunch('agency')
    const { data: now } = await alice.run(['backup', 'now'])
    expect(now.copies).toBe(3)
    const told = now.holders.filter(({ rolledBack }: { rolledBack?: number }) => rolledBack !== undefined)
    expect(told.map(({ address }: { address: string }) => address)).toEqual([system.url('agency')])
  })

  it('S10, N5: comes back from what is left, and says what every copy lacks though it was acknowledged', async () => {
    await invite('friend in the folder')
    await alice.run(['backup', 'now'])
    const [data, before, folderBefore] = [join(home, 'system', 'agency'), join(home, 'older'), join(home, 'older-disk')]
    await system.kill('agency')
    cpSync(data, before, { recursive: true })
    cpSync(folder, folderBefore, { recursive: true })
    await system.relaunch('agency')
    await invite('friend too late')
    await alice.run(['backup', 'now'])
    // One agency died, the other was set back, and so was the disk: only an agent of the PIN knows.
    await system.kill('agency2')
    await system.kill('agency')
    for (const [from, to] of [
      [before, data],
      [folderBefore, folder],
    ] as const) {
      rmSync(to, { recursive: true })
      cpSync(from, to, { recursive: true })
    }
    await system.relaunch('agency')
    alice.destroy()
    const phone = person('phone')
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
