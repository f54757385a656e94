/** Files attached to messages, as people type it: each command a process of its own, the agency and the ledger node too. */
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Person } from '../../../scripts/story/person.ts'
import { acquaint, linkDevice } from '../../../scripts/testing/people.ts'
import { openTown, type Town } from '../../../scripts/testing/town.ts'

const LARGE = 3 * 1024 * 1024 + 7

let town: Town
let alice: Person
let bob: Person
let folder: string

beforeAll(async () => {
  town = await openTown('attach')
  alice = town.person('alice')
  bob = town.person('bob')
  await acquaint(alice, bob)
  folder = join(town.home, 'downloads')
  mkdirSync(folder)
}, 120_000)
afterAll(() => town?.end())

interface Shown {
  readonly id: string
  readonly name: string
  readonly state: string
}

function made(name: string, bytes: Buffer): string {
  const path = join(town.home, name)
  writeFileSync(path, bytes)
  return path
}

const shownTo = async (person: Person): Promise<Shown[]> =>
  (await person.run(['messages'])).data.messages.flatMap(
    ({ attachments = [] }: { attachments?: Shown[] }) => attachments,
  )

async function named(person: Person, name: string): Promise<Shown> {
  const found = (await shownTo(person)).find((one) => one.name === name)
  if (!found) throw new Error(`${person.name} sees no ${name}`)
  return found
}

const small = Buffer.from('forty-two\n')
const large = randomBytes(LARGE)

describe('ATTACH-1, ATTACH-8: message --attach, messages save', () => {
  it('brings a small and a large file, which are saved as they were, under their names', async () => {
    const files = [made('notes.txt', small), made('scan.pdf', large)]
    const sent = await alice.run(['message', 'bob', ...files.flatMap((path) => ['--attach', path]), 'two files'])
    expect(sent.data).toMatchObject({ sent: true, attached: 2 })
    const steps = sent.lines.filter(({ event }) => event === 'progress')
    expect(steps.map(({ name }) => name)).toContain('scan.pdf')
    expect(steps.at(-1)?.['done']).toBe(steps.at(-1)?.['total'])
    await bob.sync()
    const [first, second] = await shownTo(bob)
    expect(first).toMatchObject({ name: 'notes.txt', bytes: small.length, mediaType: 'text/plain', state: 'here' })
    expect(second).toMatchObject({ name: 'scan.pdf', bytes: LARGE, mediaType: 'application/pdf', state: 'linked' })
    const saved = await bob.run(['messages', 'save', second?.id.slice(0, 8) ?? '', folder])
    expect(saved.data.path).toBe(join(folder, 'scan.pdf'))
    expect(readFileSync(join(folder, 'scan.pdf'))).toEqual(large)
    expect(statSync(join(folder, 'scan.pdf')).mode & 0o777).toBe(0o600)
    await bob.run(['messages', 'save', first?.id ?? '', join(folder, 'other.txt')])
    expect(readFileSync(join(folder, 'other.txt'))).toEqual(small)
  })

  it('shows neither keys nor addresses, and says where to go on', async () => {
    const { lines } = await bob.run(['messages', 'alice'])
    expect(JSON.stringify(lines)).not.toMatch(/AGE-SECRET-KEY|attachments\/[\w-]{43}/)
  })

  it('MUST NOT overwrite a file, nor follow a link that lies there, unless it is told to', async () => {
    const { id } = await named(bob, 'scan.pdf')
    writeFileSync(join(folder, 'scan.pdf'), 'mine')
    expect((await bob.run(['messages', 'save', id, folder], 73)).error).toBe('FILE_EXISTS')
    expect(readFileSync(join(folder, 'scan.pdf'), 'utf8')).toBe('mine')
    symlinkSync(join(town.home, 'elsewhere'), join(folder, 'dangling'))
    expect((await bob.run(['messages', 'save', id, join(folder, 'dangling')], 73)).error).toBe('FILE_EXISTS')
    expect(existsSync(join(town.home, 'elsewhere'))).toBe(false)
    await bob.run(['messages', 'save', id, folder, '--overwrite'])
    expect(readFileSync(join(folder, 'scan.pdf'))).toEqual(large)
    expect((await bob.run(['messages', 'save', id, join(folder, 'none', 'x')], 73)).error).toBe('FOLDER_UNREADABLE')
    expect((await bob.run(['messages', 'save', 'zz', folder], 66)).error).toBe('UNKNOWN_ATTACHMENT')
    expect(readdirSync(folder).filter((name) => name.endsWith('.part'))).toEqual([])
  })

  it('MUST NOT leave the folder, whatever its sender calls a file', async () => {
    const name = '..\\..\u202e\u001b[31m.bashrc'
    await alice.run(['message', 'bob', '--attach', made(name, small)])
    await bob.sync()
    const { id } = await named(bob, '[31m.bashrc')
    const { data, notes } = await bob.run(['messages', 'save', id, folder])
    expect(data.path).toBe(join(folder, '[31m.bashrc'))
    expect(notes).not.toContain('\u001b')
  })

  it('a file that is none, too large, or a contact that is none: an error with its code, and nothing was sent', async () => {
    const send = (...args: string[]) => alice.run(['message', ...args], 64, 65, 66)
    const before = (await shownTo(alice)).length
    expect((await send('bob', 'x', '--attach', join(town.home, 'none'))).error).toBe('FILE_UNREADABLE')
    expect((await send('bob', 'x', '--attach', folder)).error).toBe('FILE_UNREADABLE')
    expect((await send('nobody', 'x', '--attach', made('x', large))).error).toBe('UNKNOWN_CONTACT')
    expect((await send('bob', 'x', '--attach', made('huge', Buffer.alloc(64 * 1024 * 1024 + 1)))).error).toBe(
      'TOO_LARGE',
    )
    expect((await send('bob')).error).toBe('BAD_FIELD')
    expect(await shownTo(alice)).toHaveLength(before)
  })
})

describe('ATTACH-10: a second device', () => {
  it('saves what came to its owner before and since, and what another device of theirs sent', async () => {
    const phone = town.person('phone')
    await linkDevice(bob, phone, 'prove,suspend')
    await bob.run(['message', 'alice', 'from the first', '--attach', made('mine.bin', large)])
    await alice.run(['message', 'bob', 'to both', '--attach', made('both.bin', large)])
    for (const person of [bob, phone, bob, phone]) await person.run(['sync'], 0, 75)
    for (const name of ['scan.pdf', 'mine.bin', 'both.bin']) {
      const { id } = await named(phone, name)
      expect((await named(bob, name)).id).toBe(id)
      await phone.run(['messages', 'save', id, join(folder, `phone-${name}`)])
      expect(readFileSync(join(folder, `phone-${name}`))).toEqual(large)
    }
  }, 240_000)
})

describe('ATTACH-5: trouble on the way', () => {
  it('an agency killed in the middle of an upload, and started again, loses nothing', async () => {
    const bytes = randomBytes(8 * LARGE)
    const sending = alice.background(['message', 'bob', 'through it', '--attach', made('through.bin', bytes)])
    await sending.event('progress')
    await town.system.killAndRestart('agency')
    expect((await sending.done).status).toBe(0)
    await bob.sync()
    const { id } = await named(bob, 'through.bin')
    await bob.run(['messages', 'save', id, folder])
    expect(readFileSync(join(folder, 'through.bin'))).toEqual(bytes)
  })

  it('a sender who is interrupted, or killed, has said nothing, and sends it again', async () => {
    const path = made('again.bin', randomBytes(12 * LARGE))
    for (const end of ['stop', 'kill'] as const) {
      const sending = alice.background(['message', 'bob', 'cut', '--attach', path])
      await sending.event('progress')
      await sending[end]()
    }
    expect((await shownTo(alice)).filter(({ name }) => name === 'again.bin')).toEqual([])
    await alice.run(['message', 'bob', 'again', '--attach', path])
    await bob.sync()
    expect((await shownTo(bob)).filter(({ name }) => name === 'again.bin')).toHaveLength(1)
  })

  it('a receiver who is interrupted has no half file, and saves it later', async () => {
    const { id } = await named(bob, 'again.bin')
    const saving = bob.background(['messages', 'save', id, folder])
    await saving.event('progress')
    const { status } = await saving.stop()
    const left = readdirSync(folder).filter((name) => name.includes('again') || name.endsWith('.part'))
    expect([status, left]).toEqual([130, []])
    await bob.run(['messages', 'save', id, folder])
    expect(statSync(join(folder, 'again.bin')).size).toBe(12 * LARGE)
  })

  it('a file taken back by its sender is to be had by nobody any more', async () => {
    const { id } = await named(alice, 'scan.pdf')
    expect((await alice.run(['messages', 'withdraw', id])).data).toMatchObject({ withdrawn: true })
    expect((await named(alice, 'scan.pdf')).state).toBe('over')
    const theirs = await named(bob, 'scan.pdf')
    expect((await bob.run(['messages', 'save', theirs.id, join(folder, 'late')], 66)).error).toBe('ATTACHMENT_GONE')
    expect(existsSync(join(folder, 'late'))).toBe(false)
  })
})
