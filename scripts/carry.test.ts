/** Ceremonies as files: contacts whose machines have no network take a share, and help with a recovery. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Answer, Person } from './story/person.ts'
import { openTown, type Town } from './testing/town.ts'

let town: Town
let files = 0

beforeAll(async () => {
  town = await openTown('carry', ['agency', 'agency2'])
}, 120_000)

afterAll(async () => {
  await town?.end()
})

/** A file from one to the other, by hand. */
async function carry(from: Person, to: Person, ...options: string[]): Promise<Answer> {
  const file = join(town.home, `carried-${files++}`)
  await from.run(['carry', 'out', file, ...options], 0, 75)
  expect((await from.run(['carry', 'out', file], 73)).error).toBe('FILE_EXISTS')
  return to.run(['carry', 'in', file], 0, 75)
}

it('a share is given and a recovery helped with, without a line between the machines', async () => {
  const alice = town.person('alice', 'agency')
  const [bob, carol] = [town.person('bob', 'agency2'), town.person('carol', 'agency2')]
  for (const one of [alice, bob, carol]) await one.run(['init'])
  for (const peer of [bob, carol]) {
    const { data } = await alice.run(['invite'])
    await alice.listening(() => peer.run(['accept', data.url, '--wait', '30']))
  }
  for (const one of [bob, carol, alice]) await one.sync()

  // From here on nothing reaches Bob and Carol.
  await town.system.kill('agency2')
  const kit = alice.file('kit.html')
  await alice.run(['recovery', 'setup', 'bob', 'carol', '--kit', kit, '--delay', '4'], 0, 75)
  for (const contact of [bob, carol]) {
    await carry(alice, contact, '--to', contact.name)
    await contact.run(['approve'], 0, 75)
    await carry(contact, alice)
  }
  const { data: status } = await alice.run(['recovery', 'status'])
  expect(status.contacts.map(({ answer }: { answer: string }) => answer)).toEqual(['kept', 'kept'])
  await alice.run(['sync'], 0, 75)

  const device = town.person('new-device', 'agency')
  const begun = await device.run(['recover', '--kit', kit, '--seconds', '1'], 75)
  const link = String(begun.lines.find(({ event }) => event === 'link')?.['url'])
  for (const contact of [bob, carol]) {
    await contact.run(['help-recover', link, '--seconds', '0'], 75)
    await carry(contact, device)
    await carry(device, contact)
    const revealed = await carry(contact, device)
    const code = String(revealed.lines.find(({ event }) => event === 'code')?.['code'])
    await carry(device, contact)
    await contact.run(['help-recover', '--code', code, '--seconds', '0'], 0, 75)
    await carry(contact, device)
  }
  const { data: recovered } = await device.run(['recover'], 0, 75)
  expect(recovered).toMatchObject({ recovered: true, path: 'P+S' })

  // What is no such file is refused, and a file for somebody else changes nothing.
  writeFileSync(join(town.home, 'noise'), 'no messages')
  expect((await device.run(['carry', 'in', join(town.home, 'noise')], 65)).error).toBe('BAD_FILE')
  const foreign = await alice.run(['carry', 'in', join(town.home, 'carried-0')])
  expect(foreign.notes).toContain('a message was refused')
  expect(readFileSync(join(town.home, 'carried-0'), 'utf8')).not.toMatch(/bob|alice|share/)
}, 600_000)
