/** People at the page of the web wallet, each in a browser profile of their own, for tests that drive it. */
import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { type Browser, type BrowserContext, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { requireAccessible } from './accessible.ts'

const binary = process.env['KEYSTEAD_CHROMIUM'] ?? '/usr/bin/chromium'
export const chromiumIsHere = existsSync(binary)
if (!chromiumIsHere && process.env['KEYSTEAD_REQUIRE']?.includes('chromium'))
  throw new Error(`there is no Chromium at ${binary}`)

const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking']
const QUIET = ['--disable-component-update', '--disable-sync']
export const PASSPHRASE = 'correct horse battery'
export const PHONE: BrowserContextOptions = { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true }
const DESKTOP = { width: 1280, height: 800 }

/** Where pictures of the screens go, for people to look at; none are made otherwise. */
const pictures = process.env['KEYSTEAD_PICTURES']

export const launch = (...flags: readonly string[]): Promise<Browser> =>
  chromium.launch({ executablePath: binary, args: [...FLAGS, ...QUIET, ...flags] })

/** A page of a new profile, or of this one. What goes wrong in it, and what its policy stops, is told to `troubles`. */
export async function pageOf(
  of: Browser | BrowserContext,
  url: string,
  { troubles, ...options }: BrowserContextOptions & { troubles?: string[] } = {},
): Promise<Page> {
  const context = 'newContext' in of ? await of.newContext(options) : of
  context.setDefaultTimeout(30_000)
  const page = await context.newPage()
  page.on('pageerror', (error) => troubles?.push(String(error)))
  page.on('console', (message) => {
    if (message.type() === 'error') troubles?.push(message.text())
  })
  await page.goto(url)
  return page
}

export async function makeWallet(page: Page, name: string): Promise<void> {
  await page.getByLabel('What others see as your name').fill(name)
  await choosePassphrase(page)
  await page.getByRole('button', { name: 'Make my wallet' }).click()
}

export async function choosePassphrase(page: Page): Promise<void> {
  await page.getByLabel('Passphrase').fill(PASSPHRASE)
  await page.getByLabel('The same again').fill(PASSPHRASE)
}

export async function unlock(page: Page): Promise<void> {
  await page.getByLabel('Passphrase').fill(PASSPHRASE)
  await page.getByRole('button', { name: 'Unlock', exact: true }).click()
}

export const room = (page: Page, name: string): Promise<void> =>
  page.getByRole('link', { name: new RegExp(`^${name}`) }).click()

/** A request that waits for a decision. */
export async function approve(page: Page, what: RegExp): Promise<void> {
  await room(page, 'Decide')
  const item = page.getByRole('listitem').filter({ hasText: what })
  await item.getByRole('button', { name: 'Approve' }).click()
  await item.waitFor({ state: 'detached' })
}

/** Looks at what is on the screen: that it is accessible, and pictures of it. */
export async function picture(page: Page, name: string): Promise<void> {
  await requireAccessible(page, name)
  await photograph(page, name)
}

/** Pictures alone, where they are wanted: light and dark, on a phone and on a desktop. */
export async function photograph(page: Page, name: string): Promise<void> {
  if (pictures === undefined) return
  mkdirSync(pictures, { recursive: true })
  const before = page.viewportSize()
  for (const colorScheme of ['light', 'dark'] as const)
    for (const [size, viewport] of [
      ['phone', PHONE.viewport],
      ['desktop', DESKTOP],
    ] as const) {
      await page.emulateMedia({ colorScheme })
      if (viewport) await page.setViewportSize(viewport)
      await page.screenshot({ path: join(pictures, `${name}-${size}-${colorScheme}.png`), fullPage: true })
    }
  await page.emulateMedia({ colorScheme: null })
  if (before) await page.setViewportSize(before)
}
