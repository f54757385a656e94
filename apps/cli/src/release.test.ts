/** A release published and checked, by the program, on a real ledger (spec/release.md). */
import { appendFileSync, cpSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Person } from '../../../scripts/story/person.ts'
import { openTown, type Town } from '../../../scripts/testing/town.ts'

let town: Town
let maker: Person
let user: Person
let did: string
let folder: string

beforeAll(async () => {
  town = await openTown('release')
  maker = town.person('maker')
  user = town.person('user')
  did = (await maker.run(['init'])).data.did
  await user.run(['init'])
  folder = join(town.home, 'release')
  mkdirSync(join(folder, 'lib'), { recursive: true })
  writeFileSync(join(folder, 'main.js'), 'console.log(1)\n')
  writeFileSync(join(folder, 'lib', 'more.js'), 'export const two = 2\n')
}, 120_000)

afterAll(async () => {
  await town?.end()
})

const verify = async (where: string, by = did) => (await user.run(['release', 'verify', where, '--by', by], 0, 1)).data
const publish = (version: string, ...more: string[]) =>
  maker.run(['release', 'publish', folder, '--name', 'thing', '--release', version, ...more])

describe('release', { timeout: 300_000 }, () => {
  it('is what its maker released, to whoever has it; a file changed or added, another maker, or a link is not', async () => {
    expect((await user.run(['release', 'verify', folder, '--by', did], 65)).error).toBe('BAD_RELEASE')
    await publish('1.0', '--flaw', 'THING-1 (fixed in 1.1): it says one, and should say two')
    const { good, flaws, files } = await verify(folder)
    expect({ good, files }).toEqual({ good: true, files: 2 })
    expect(flaws).toEqual([{ id: 'THING-1', fixedIn: '1.1', text: 'it says one, and should say two' }])
    const changed = join(town.home, 'changed')
    cpSync(folder, changed, { recursive: true })
    appendFileSync(join(changed, 'lib', 'more.js'), '// evil\n')
    writeFileSync(join(changed, 'added.js'), '')
    expect((await verify(changed)).wrong).toEqual(['lib/more.js is another', 'added.js was added'])
    const { did: other } = (await user.run(['show'])).data.identities[0]
    expect((await verify(folder, other)).wrong.join(' ')).toMatch(/has not anchored/)
    symlinkSync('/etc/hostname', join(changed, 'link'))
    expect((await user.run(['release', 'verify', changed, '--by', did], 65)).error).toBe('BAD_RELEASE')
  })

  it('that was followed by another is found out where the newer one is held back', async () => {
    const old = join(town.home, 'old')
    cpSync(folder, old, { recursive: true })
    await publish('1.1')
    expect(await verify(folder)).toMatchObject({ good: true, version: '1.1', n: 2 })
    expect(await verify(old)).toMatchObject({ good: false, version: '1.0', newer: 1 })
  })
})
