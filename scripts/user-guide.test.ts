/** Every command of the user guide, in its order, each a process, on a real ledger and agency. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Background, Person } from './story/person.ts'
import { openTown, type Town } from './testing/town.ts'

const GUIDE = new URL('../docs/guides/user.md', import.meta.url)
/** Seconds that a recovery waits here. */
const DELAY = 12
let town: Town

beforeAll(async () => {
  town = await openTown('guide')
}, 60_000)

afterAll(async () => {
  await town?.end()
})

/** Commands of the code blocks: the wallet, and its arguments as a shell would split them. */
function commands(): { wallet: string; args: string[] }[] {
  const blocks = [...readFileSync(GUIDE, 'utf8').matchAll(/^```\n([\s\S]*?)^```$/gm)].map(([, text = '']) => text)
  const lines = blocks.join('').split('\n').filter(Boolean)
  return lines.map((line) => {
    const [, wallet = '', rest = ''] = /^npx keystead -w (\S+) (.*)$/.exec(line) ?? []
    expect(wallet, line).not.toBe('')
    return { wallet, args: [...rest.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare ?? '') }
  })
}

it('leads from set-up to recovery on a second machine', async () => {
  const people = new Map<string, Person>()
  const listening = new Map<string, Background>()
  /** What the new machine's screen shows for each contact. */
  const codes = new Map<string, string>()
  let recovering: Background | undefined
  let link = ''
  const personOf = (name: string): Person => {
    const known = people.get(name) ?? town.person(name)
    people.set(name, known)
    return known
  }
  const stop = async (name: string): Promise<void> => {
    await listening.get(name)?.stop()
    listening.delete(name)
  }

  for (const { wallet, args } of commands()) {
    const person = personOf(wallet)
    const given: string[] = []
    for (const arg of args) {
      if (/^kit.*\.html$/.test(arg)) given.push(join(town.home, arg))
      else if (arg === '<link>') given.push(link)
      else if (arg === '<code>') given.push(codes.get(wallet) ?? '')
      else given.push(arg)
    }
    // What takes days elsewhere takes seconds here.
    if (args[0] === 'recovery' && args[1] === 'setup') given.push('--delay', String(DELAY))
    if (args[0] === 'listen') {
      const listener = person.background(['listen'])
      listening.set(wallet, listener)
      await listener.event('listening')
    } else if (args[0] === 'recover') {
      // Days later: the change is in force. Then the machine is lost, and the sheet lies on the table.
      for (const name of [...listening.keys()]) await stop(name)
      await changeInForce(personOf('alice'), [personOf('bob'), personOf('dave')])
      personOf('alice').destroy()
      recovering = person.background(given)
      link = String((await recovering.event('link'))['url'])
    } else if (args[0] === 'help-recover' && args[1] === '<link>') {
      const shown = recovering?.event('code', (line) => line['label'] === wallet)
      await person.run(given)
      codes.set(wallet, String((await shown)?.['code']))
    } else {
      if (wallet === 'new-laptop' && args[0] === 'sync') await delayOver(recovering, person, personOf)
      const { data } = await person.run(given)
      if (args[0] === 'invite') link = data.url
      if (args[0] === 'recovery' && args[1] === 'drill') expect(data.ready).toBe(true)
      if (wallet === 'new-laptop' && args[0] === 'show') {
        expect(data.identities.map(({ status }: { status: string }) => status)).toEqual(['active'])
        expect(data.contacts.map(({ label }: { label: string }) => label).sort()).toEqual(['bob', 'carol', 'dave'])
      }
    }
  }
  for (const name of [...listening.keys()]) await stop(name)
}, 900_000)

async function changeInForce(owner: Person, contacts: readonly Person[]): Promise<void> {
  // A contact holds the change from when their wallet hears of it, so it is on before the days go by.
  for (const one of contacts) await one.sync()
  await new Promise((resolve) => setTimeout(resolve, 2 * DELAY * 1000))
  for (let held = true; held; ) {
    await new Promise((resolve) => setTimeout(resolve, 2000))
    const { data } = await owner.run(['recovery', 'status'])
    expect(data.change).toBeUndefined()
    held = data.earlierUntil !== undefined
  }
  for (const one of [...contacts, owner]) await one.sync()
}

/** The guide says to wait; contacts who looked count the delay from when they heard of it. */
async function delayOver(
  recovering: Background | undefined,
  device: Person,
  personOf: (name: string) => Person,
): Promise<void> {
  const { status, data, notes } = (await recovering?.done) ?? { status: -1, data: {}, notes: '' }
  expect(status, notes).toBe(0)
  await device.sync()
  for (const name of ['bob', 'dave']) await personOf(name).sync()
  const wait = Math.max(data.pendingUntil * 1000 - Date.now(), DELAY * 1000) + 3000
  await new Promise((resolve) => setTimeout(resolve, wait))
  for (const name of ['bob', 'dave']) await personOf(name).sync()
  await device.sync()
}
