/** Two people who both moved find each other again by dead drops: wallets, agencies and ledger each a process (row V18). */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openTown, type Town } from './testing/town.ts'

let town: Town

beforeAll(async () => {
  town = await openTown('drop', ['agency', 'agency2', 'agency3', 'agency4'])
}, 120_000)

afterAll(async () => {
  await town?.end()
})

it('what waited arrives, and each writes to where the other is now', async () => {
  const [alice, bob] = [town.person('alice', 'agency'), town.person('bob', 'agency2')]
  for (const one of [alice, bob]) await one.run(['init'])
  const { data } = await alice.run(['invite'])
  await alice.listening(() => bob.run(['accept', data.url, '--wait', '30']))
  for (const one of [alice, bob, alice]) await one.sync()

  // Alice moves while Bob's agency is down: he is not told, and her old agency forgets her.
  await town.system.kill('agency2')
  await alice.run(['agent', 'move', town.system.url('agency3')], 0, 75)
  await alice.run(['sync'], 0, 75)
  await alice.run(['agent', 'move', '--stop', '--anyway'])
  await alice.run(['message', 'bob', 'where are you?'], 0, 75)
  // Bob moves while Alice's wallet is off, and his old agency forgets him.
  await town.system.relaunch('agency2')
  const notes: string[] = []
  for (const args of [
    ['agent', 'move', town.system.url('agency4')],
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
