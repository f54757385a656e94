/** Two people who both moved find each other again by dead drops: wallets, agencies and ledger each a process (row V18). */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { freePort } from './free-port.ts'
import { Person } from './story/person.ts'
import { type PartName, System } from './system.ts'

const home = mkdtempSync(join(tmpdir(), 'keystead-drop-'))
let system: System

beforeAll(async () => {
  const parts: readonly PartName[] = ['ledger', 'agency', 'agency2', 'agency3', 'agency4']
  const ports = Object.fromEntries(await Promise.all(parts.map(async (part) => [part, await freePort()] as const)))
  system = await System.start({ home: join(home, 'system'), ports, parts, profile: 'development', log: () => {} })
}, 120_000)

afterAll(async () => {
  await system?.stop()
  rmSync(home, { recursive: true, force: true })
})

const person = (name: string, agency: PartName): Person =>
  new Person(name, home, { KEYSTEAD_LEDGER_URL: system.url('ledger'), KEYSTEAD_AGENCY_URL: system.url(agency) })

it('what waited arrives, and each writes to where the other is now', async () => {
  const [alice, bob] = [person('alice', 'agency'), person('bob', 'agency2')]
  for (const one of [alice, bob]) await one.run(['init'])
  const { data } = await alice.run(['invite'])
  await alice.listening(() => bob.run(['accept', data.url, '--wait', '30']))
  for (const one of [alice, bob, alice]) await one.sync()

  // Alice moves while Bob's agency is down: he is not told, and her old agency forgets her.
  await system.kill('agency2')
  await alice.run(['agent', 'move', system.url('agency3')], 0, 75)
  await alice.run(['sync'], 0, 75)
  await alice.run(['agent', 'move', '--stop', '--anyway'])
  await alice.run(['message', 'bob', 'where are you?'], 0, 75)
  // Bob moves while Alice's wallet is off, and his old agency forgets him.
  await system.relaunch('agency2')
  const notes: string[] = []
  for (const args of [
    ['agent', 'move', system.url('agency4')],
    ['sync'],
    ['agent', 'move', '--stop', '--anyway'],
    ['sync'],
  ])
    notes.push((await bob.run(args, 0, 75)).notes)
  // What she left, when his agency did not answer, leads him to her; and his answer her to him.
  expect(notes.join('')).toMatch(/alice left word where they are now/)
  for (const one of [bob, alice, bob, alice]) await one.run(['sync'], 0, 75)
  const { data: texts } = await bob.run(['messages', 'alice'])
  expect(JSON.stringify(texts)).toContain('where are you?')
  const { data: verdict } = await alice.listening(() => bob.run(['verify', 'alice', '--seconds', '30']))
  expect(verdict.result).toBe('proven')
}, 600_000)
