/** Files with messages in the page, and the same files in a program. */
import { randomBytes } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Person } from '../../../scripts/story/person.ts'
import { chromiumIsHere, launch, makeWallet, PHONE, pageOf, picture, room } from '../../../scripts/testing/pages.ts'
import { openTown, type Town } from '../../../scripts/testing/town.ts'

describe.skipIf(!chromiumIsHere)('chromium: files with messages', { timeout: 300_000 }, () => {
  const large = randomBytes(3_000_000)
  const small = Buffer.from('<script>document.title = "taken"</script>')
  const troubles: string[] = []
  let town: Town
  let browser: Browser
  let alice: Page
  let bob: Person

  beforeAll(async () => {
    town = await openTown('web-files', ['agency', 'web'])
    browser = await launch()
    bob = town.person('bob')
    await bob.run(['init', '--label', 'Bob'])
    alice = await pageOf(browser, town.system.url('web'), { ...PHONE, troubles })
    await makeWallet(alice, 'Alice')
    await alice.getByTestId('did').waitFor()
    const { data } = await bob.run(['invite', '--tell'])
    await room(alice, 'People')
    await alice.getByLabel('Link of the invitation').fill(data.url)
    await bob.listening(async () => {
      await alice.getByRole('button', { name: 'Connect' }).click()
      await alice.locator('[data-contact=Bob]').getByRole('button', { name: 'Verify keys now' }).waitFor()
    })
  })
  afterAll(async () => {
    await browser?.close()
    await town?.end()
  })

  function made(name: string, bytes: Buffer): string {
    const path = join(town.home, name)
    writeFileSync(path, bytes)
    return path
  }

  async function save(name: string): Promise<Buffer> {
    const [download] = await Promise.all([
      alice.waitForEvent('download'),
      alice.getByRole('button', { name: `Save ${name}` }).click(),
    ])
    expect(download.suggestedFilename()).toBe(name)
    return readFileSync(await download.path())
  }

  it('ATTACH-8: what came is shown by name and size, and saved as it was; nothing of it is shown by the page', async () => {
    const sent = ['--attach', made('scan.pdf', large), '--attach', made('page.html', small)]
    await bob.run(['message', 'Alice', 'two files', ...sent])
    await room(alice, 'Messages')
    await alice.getByLabel('With whom').selectOption('Bob')
    await alice.getByText(/^2\.9 MiB, until /).waitFor()
    await picture(alice, 'messages-files')
    expect(await save('scan.pdf')).toEqual(large)
    expect(await save('page.html')).toEqual(small)
    expect(await alice.title()).toBe('Messages – Keystead')
  })

  it('ATTACH-1: what is chosen is sent, with a word or without', async () => {
    await alice.getByLabel(/^Files/).setInputFiles([made('from-page.bin', large), made('note.txt', small)])
    await alice.getByRole('button', { name: 'Send' }).click()
    await alice.getByRole('button', { name: 'Save from-page.bin' }).waitFor()
    await bob.sync()
    const files = (await bob.run(['messages'])).data.messages.flatMap(
      ({ attachments = [] }: { attachments?: { id: string; name: string }[] }) => attachments,
    )
    for (const [name, bytes] of [
      ['from-page.bin', large],
      ['note.txt', small],
    ] as const) {
      const { id } = files.find((file: { name: string }) => file.name === name)
      const { data } = await bob.run(['messages', 'save', id, join(town.home, `saved-${name}`)])
      expect(readFileSync(data.path)).toEqual(bytes)
    }
    expect(await save('from-page.bin')).toEqual(large)
  })

  it('ATTACH-6: one that was taken back is said so', async () => {
    const files = (await bob.run(['messages'])).data.messages.flatMap(
      ({ attachments = [] }: { attachments?: { id: string; name: string }[] }) => attachments,
    )
    await bob.run(['messages', 'withdraw', files.find((file: { name: string }) => file.name === 'scan.pdf').id])
    await alice.getByRole('button', { name: 'Save scan.pdf' }).click()
    await alice.getByRole('alert').filter({ hasText: 'ATTACHMENT_GONE' }).waitFor()
    // The browser itself notes the answer 404; its policy stopped nothing.
    expect(troubles.filter((text) => !text.includes('404'))).toEqual([])
  })
})
