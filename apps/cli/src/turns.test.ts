/** Commands of a wallet that listens: each has its turn, and listening goes on. */
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sqliteVaultStore } from '@keystead/wallet/node'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Background, Person } from '../../../scripts/story/person.ts'
import { acquaint } from '../../../scripts/testing/people.ts'
import { openTown, type Town } from '../../../scripts/testing/town.ts'
import { Door, takeTurn } from './turns.ts'

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
    // Also while the first has given the wallet up: it would be left without its door.
    const end = await takeTurn(alice.folder, AbortSignal.timeout(30_000))
    expect((await alice.run(['listen'], 75)).error).toBe('WALLET_IN_USE')
    end?.()
    await hears(listener, 'and still?')
    await alice.run(['show'])
    await listener.stop()
  })
})

describe('where commands knock', () => {
  const home = mkdtempSync(join(tmpdir(), 'ks-door-'))
  const own = join(home, `keystead-${process.getuid?.()}`)
  beforeEach(() => {
    mkdirSync(own, { mode: 0o700 })
    vi.stubEnv('TMPDIR', home)
  })
  afterEach(() => {
    vi.unstubAllEnvs()
    rmSync(own, { recursive: true })
  })
  afterAll(() => rmSync(home, { recursive: true }))

  async function knocks(): Promise<boolean> {
    const door = new Door(home)
    await door.open()
    const found = readdirSync(own).length > 0
    door.close()
    return found
  }

  it('is a folder of this user’s alone: in one that others can write to, or that is not theirs, nobody is let in', async () => {
    expect(await knocks()).toBe(true)
    chmodSync(own, 0o770)
    expect(await knocks()).toBe(false)
    chmodSync(own, 0o700)
    const another = (process.getuid?.() ?? 0) + 1
    const theirs = join(home, `keystead-${another}`)
    renameSync(own, theirs)
    vi.spyOn(process, 'getuid').mockReturnValue(another)
    await new Door(home).open()
    expect(readdirSync(theirs)).toEqual([])
    vi.restoreAllMocks()
    renameSync(theirs, own)
  })

  it('is not taken from somebody who listens there', async () => {
    const first = new Door(home)
    await first.open()
    await expect(new Door(home).open()).rejects.toMatchObject({ code: 'WALLET_IN_USE' })
    first.close()
  })
})
