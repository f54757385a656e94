/** Guardianship in the page (flow V20), both sides, on a real ledger and agency. */
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  approve,
  choosePassphrase,
  chromiumIsHere,
  launch,
  makeWallet,
  PHONE,
  pageOf,
  picture,
  room,
} from '../../../scripts/testing/pages.ts'
import { openTown, type Town } from '../../../scripts/testing/town.ts'

describe.skipIf(!chromiumIsHere)('chromium: guardians', { timeout: 300_000 }, () => {
  const troubles: string[] = []
  let town: Town
  let browser: Browser
  let alice: Page
  let erin: Page

  beforeAll(async () => {
    town = await openTown('web-guardians', ['agency', 'web'])
    browser = await launch()
    alice = await pageOf(browser, town.system.url('web'), { troubles, ...PHONE })
    erin = await pageOf(browser, town.system.url('web'), { troubles, ...PHONE })
    for (const [page, name] of [
      [alice, 'Alice'],
      [erin, 'Erin'],
    ] as const) {
      await makeWallet(page, name)
      await page.getByTestId('did').waitFor()
      await room(page, 'People')
    }
    await alice.getByRole('button', { name: 'Make an invitation' }).click()
    await erin.getByLabel('Link of the invitation').fill((await alice.getByTestId('link').textContent()) ?? '')
    await erin.getByRole('button', { name: 'Connect' }).click()
    await erin.locator('[data-contact=Alice]').waitFor()
    await alice.locator('[data-contact=Erin]').waitFor()
  })

  afterAll(async () => {
    await browser?.close()
    await town?.end()
  })

  async function guardians(page: Page): Promise<void> {
    await room(page, 'You')
    await room(page, 'Guardians')
  }

  it('V20: asks, says what is given away, and not without a word where one alone could pass for the owner', async () => {
    await guardians(alice)
    await alice.getByLabel('Whom do you ask').selectOption('Erin')
    await alice.getByLabel('take keys out of the document').check()
    await alice.getByRole('button', { name: 'Ask them' }).click()
    await alice.getByText('ABUSABLE_GRANT').waitFor()
    await alice.getByLabel('take keys out of the document').uncheck()
    await alice.getByRole('button', { name: 'Ask them' }).click()
    await alice.getByText('Erin can stop your DID for three days').waitFor()
    await alice.locator('[data-guardian=Erin]').getByText('asked, not answered yet').waitFor()
    await picture(alice, 'guardian-asked')
    await approve(erin, /asks you to be their guardian/)
    await alice.locator('[data-guardian=Erin]').getByText('until').waitFor({ timeout: 60_000 })
    await picture(alice, 'guardian')
  })

  it('V20: a guardian stops everything of their ward, who ends that', async () => {
    await guardians(erin)
    const ward = erin.locator('[data-ward=Alice]')
    await ward.getByRole('button', { name: 'Stop everything' }).click()
    await picture(erin, 'ward-stop')
    await ward.getByRole('button', { name: 'Stop everything of Alice' }).click()
    await ward.getByText('Stopped. Alice is told.').waitFor()
    await room(alice, 'You')
    await room(alice, 'Devices')
    await alice.getByText('Your DID is suspended').waitFor()
    await picture(alice, 'suspended')
    await alice.getByRole('button', { name: 'Let it go on' }).click()
    await alice.getByText('Your DID is suspended').waitFor({ state: 'hidden' })
  })

  it('V20: a guardian puts their word under the link of a device that is held for the ward', async () => {
    const held = await pageOf(browser, town.system.url('web'), { troubles, ...PHONE })
    await held.getByRole('link', { name: 'I lost my devices' }).click()
    await choosePassphrase(held)
    await held.getByRole('button', { name: 'Recover', exact: true }).click()
    const link = (await held.getByTestId('link').textContent()) ?? ''
    await erin.getByText('Recover the wallet of Alice').click()
    await erin.getByLabel('The link that the new device shows').fill(link)
    await erin.getByRole('button', { name: 'Put my word under it' }).click()
    const vouched = (await erin.getByTestId('link').textContent()) ?? ''
    expect(vouched).not.toBe(link)
    for (const url of [link, vouched]) expect(url.length).toBeLessThanOrEqual(192)
    await picture(erin, 'ward-recover')
    await held.context().close()
  })

  it('V20: it ends when the owner says so', async () => {
    await guardians(alice)
    await alice.getByRole('button', { name: 'End it Erin' }).click()
    await alice.getByRole('button', { name: 'Erin is my guardian no more' }).click()
    await alice.locator('[data-guardian=Erin]').waitFor({ state: 'detached', timeout: 60_000 })
    await room(erin, 'You')
    await room(erin, 'Guardians')
    await erin.getByText('Recover the wallet of Alice').click()
    await erin.locator('[data-ward=Alice]').getByText('ended', { exact: true }).waitFor({ timeout: 60_000 })
    expect(await erin.getByRole('button', { name: 'Stop everything' }).count()).toBe(0)
    await picture(erin, 'ward-ended')
  })

  it('throws no error and breaks no rule of its own policy', () => expect(troubles).toEqual([]))
})
