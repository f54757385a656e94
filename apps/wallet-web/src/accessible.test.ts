/** The rooms of the page by keyboard alone, and by what a screen reader is told. Each screen is judged where other tests come by it. */
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { beyondKeyboard, focused, requireAccessible } from '../../../scripts/testing/accessible.ts'
import { chromiumIsHere, launch, PASSPHRASE, PHONE, pageOf, picture, room } from '../../../scripts/testing/pages.ts'
import { openTown, type Town } from '../../../scripts/testing/town.ts'

/** Each room, and the one from which it is reached where that is not the navigation. */
const ROOMS = [
  ['You', undefined],
  ['People', undefined],
  ['Messages', 'People'],
  ['Credentials', undefined],
  ['Decide', undefined],
  ['Devices', 'You'],
  ['Guardians', 'You'],
  ['Recovery', 'You'],
] as const

describe.skipIf(!chromiumIsHere)('chromium: the page for everybody', { timeout: 300_000 }, () => {
  let town: Town
  let browser: Browser
  let page: Page

  beforeAll(async () => {
    town = await openTown('web-accessible', ['agency', 'web'])
    browser = await launch()
    page = await pageOf(browser, town.system.url('web'), { ...PHONE, reducedMotion: 'reduce' })
  })

  afterAll(async () => {
    await browser?.close()
    await town?.end()
  })

  /** Fills what has the focus, and goes on to the next. */
  async function type(text: string): Promise<void> {
    await page.keyboard.type(text)
    await page.keyboard.press('Tab')
  }

  it('makes a wallet by keyboard alone, and puts the focus on the heading of what comes then', async () => {
    expect(await beyondKeyboard(page)).toEqual([])
    await page.getByLabel('What others see as your name').focus()
    for (const text of ['Alice', PASSPHRASE, PASSPHRASE]) await type(text)
    await page.keyboard.press('Enter')
    await page.getByTestId('proof').waitFor()
    await expect.poll(() => focused(page), { timeout: 20_000 }).toBe('h2 Your DID')
    expect(await page.title()).toBe('You – Keystead')
  })

  it('says in words what went wrong, where a screen reader hears it, and leaves the focus where it was', async () => {
    await room(page, 'People')
    const link = page.getByLabel('Link of the invitation')
    await link.fill('https://nothing.example/')
    await page.getByRole('button', { name: 'Connect' }).focus()
    await page.keyboard.press('Enter')
    await page.getByRole('alert').filter({ hasText: 'BAD_INVITATION' }).waitFor()
    expect(await focused(page)).toBe('button Connect')
    await link.fill('')
  })

  it.each(ROOMS)(
    '%s: each thing to act upon is reached by Tab and shows it; its heading has the focus',
    async (name, from = name === 'You' ? 'People' : 'You') => {
      await room(page, from)
      await page.getByRole('link', { name, exact: true }).click()
      await expect.poll(() => focused(page), { timeout: 20_000 }).toMatch(/^h2 /)
      expect(await page.title()).toBe(`${name} – Keystead`)
      await picture(page, `room-${name.toLowerCase()}`)
      expect(await beyondKeyboard(page)).toEqual([])
    },
  )

  it('finds what is wrong: a field without a name, faint words, a button out of reach, a screen too wide', async () => {
    await page.evaluate(() => {
      const wrong = document.createElement('div')
      wrong.id = 'wrong'
      wrong.append(document.createElement('input'), document.createElement('p'), document.createElement('button'))
      wrong.querySelector('p')?.append('faint')
      // The policy lets no style in but by script.
      const style = wrong.querySelector('p')?.style
      if (style) [style.color, style.background, style.width] = ['#999', '#fff', '400px']
      wrong.querySelector('button')?.append('Out of reach')
      wrong.querySelector('button')?.setAttribute('tabindex', '-1')
      document.querySelector('main')?.append(wrong)
    })
    const said = await requireAccessible(page, 'this').catch((error: Error) => error.message)
    for (const word of ['label', 'color-contrast', 'scrolls to the side']) expect(said).toContain(word)
    expect((await beyondKeyboard(page)).join()).toContain('Out of reach')
    await page.evaluate(() => document.querySelector('#wrong')?.remove())
  })

  it('goes back to the door with the focus at its beginning', async () => {
    await page.getByRole('button', { name: 'Lock' }).focus()
    await page.keyboard.press('Enter')
    await page.getByLabel('Passphrase').waitFor()
    await expect.poll(() => focused(page), { timeout: 20_000 }).toMatch(/^h1 /)
    await picture(page, 'door-unlock')
    expect(await beyondKeyboard(page)).toEqual([])
  })
})
