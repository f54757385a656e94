/** Commands of a wallet that listens: each has its turn, and listening goes on. */
import { sqliteVaultStore } from '@keystead/wallet/node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Background, Person } from '../../../scripts/story/person.ts'
import { acquaint } from '../../../scripts/testing/people.ts'
import { openTown, type Town } from '../../../scripts/testing/town.ts'
import { takeTurn } from './turns.ts'

let town: Town
let alice: Person
let bob: Person
beforeAll(async () => {
  town = await openTown('turns')
  ;[alice, bob] = [town.person('alice'), town.person('bob')]
  await acquaint(alice, bob)
}, 120_000)
afterAll(() => town.end())

async function listening(person: Person): Promise<Background> {
  const listener = person.background(['listen'])
  await listener.event('listening')
  return listener
}

async function hears(listener: Background, text: string): Promise<void> {
  const heard = listener.event('text', (line) => line['text'] === text)
  await bob.run(['message', 'alice', text])
  await heard
}

describe('while a wallet listens', { timeout: 120_000 }, () => {
  it('its other commands have their turns, several at once one after the other, and listening goes on', async () => {
    const listener = await listening(alice)
    const labels = await Promise.all([1, 2, 3].map(() => alice.run(['show'])))
    expect(labels.map(({ status }) => status)).toEqual([0, 0, 0])
    await alice.run(['message', 'bob', 'hello'])
    await hears(listener, 'are you still there?')
    expect((await listener.stop()).notes).not.toMatch(/WALLET_IN_USE/)
  })

  it('a turn ends with the connection of whoever has it, and none begins before', async () => {
    const listener = await listening(alice)
    const end = await takeTurn(alice.folder, AbortSignal.timeout(30_000))
    const vault = await sqliteVaultStore(alice.folder).open('existing')
    await vault?.close()
    const abort = new AbortController()
    const second = takeTurn(alice.folder, abort.signal)
    await expect(Promise.race([second, new Promise((_, late) => setTimeout(late, 1000, 'waits'))])).rejects.toBe(
      'waits',
    )
    abort.abort()
    await expect(second).rejects.toThrow()
    end?.()
    // Stopped before it knocked: it would have a turn that nobody ends.
    await expect(takeTurn(alice.folder, abort.signal)).rejects.toThrow()
    await hears(listener, 'and now?')
    await listener.stop()
    expect(await takeTurn(alice.folder, AbortSignal.timeout(30_000))).toBeUndefined()
  })

  it('one that was killed leaves nothing that holds others up, and who listens next gives turns again', async () => {
    const first = await listening(alice)
    await first.kill()
    await alice.run(['show'])
    const second = await listening(alice)
    await alice.run(['show'])
    await hears(second, 'once more')
    await second.stop()
  })

  it('a second that would listen is refused, and the first goes on', async () => {
    const listener = await listening(alice)
    expect((await alice.run(['listen'], 75)).error).toBe('WALLET_IN_USE')
    await hears(listener, 'all well?')
    await listener.stop()
  })
})
