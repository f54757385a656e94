/** Recovery by PIN as a person plays it: five agencies, each a process, two of which die; every command a process. */
import { readFileSync, writeFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { PartName } from './system.ts'
import { openTown, type Town } from './testing/town.ts'

const AGENCIES: readonly PartName[] = ['agency', 'agency2', 'agency3', 'agency4', 'agency5']
let town: Town

beforeAll(async () => {
  town = await openTown('escrow', AGENCIES)
}, 120_000)

afterAll(async () => {
  await town?.end()
})

describe('a lost phone and a PIN', () => {
  it('the data is back at once though two of five agencies died, and authority after its delay (rows S6, S11, N3)', async () => {
    const alice = town.person('alice')
    await alice.run(['init'])
    const [kit, pin, wrong] = [alice.file('kit.html'), alice.file('pin'), alice.file('wrong')]
    writeFileSync(pin, '739164\n')
    writeFileSync(wrong, '508273\n')
    writeFileSync(alice.file('weak'), '123456')
    const escrow = ['--escrow', ...AGENCIES.map((name) => town.system.url(name))]
    const setup = ['recovery', 'setup', '--kit', kit]
    const refused = async (...args: string[]): Promise<string | undefined> =>
      (await alice.run([...setup, ...args], 65)).error
    expect(await refused('--pin-file', alice.file('weak'), ...escrow)).toBe('WEAK_PIN')
    expect(await refused('--pin-file', pin)).toBe('BAD_OPTIONS')
    expect(await refused('--pin-file', pin, '--escrow', town.system.url('agency'), town.system.url('agency2'))).toBe(
      'NOT_INDEPENDENT',
    )
    const { data } = await alice.run([...setup, '--pin-file', pin, ...escrow])
    expect(
      data.agents.map(({ answer, demonstration }: { answer: string; demonstration: boolean }) => [
        answer,
        demonstration,
      ]),
    ).toEqual(AGENCIES.map(() => ['kept', true]))
    await alice.run(['recovery', 'check', '--kit', kit])
    const { data: status } = await alice.run(['recovery', 'status'])
    expect(status.level).toBe('weak')
    expect(status.missing.map(({ code }: { code: string }) => code)).toContain('PIN_DEMONSTRATION')

    await town.system.kill('agency3')
    await town.system.kill('agency5')
    const phone = town.person('new-phone')
    const recover = ['recover', '--kit', kit, '--pin-file']
    const first = await phone.run([...recover, wrong], 77)
    expect(first.error).toBe('WRONG_PIN')
    expect(first.notes).toContain('4 guess(es) are left')
    // What counted before counts after a power cut.
    for (const name of ['agency', 'agency2', 'agency4'] as const) await town.system.killAndRestart(name)
    expect((await phone.run([...recover, wrong], 77)).notes).toContain('3 guess(es) are left')
    const { data: recovered } = await phone.run([...recover, pin])
    expect(recovered).toMatchObject({ recovered: true, path: 'E+P' })
    const wait = recovered.pendingUntil * 1000 - Date.now() + 1500
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, wait)))
    await phone.sync()
    const { data: shown } = await phone.run(['show'])
    expect(JSON.stringify(shown)).toContain('"active"')
    expect(readFileSync(kit, 'utf8')).not.toContain('739164')
  }, 300_000)
})
