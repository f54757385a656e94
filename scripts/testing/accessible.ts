/** Whether people who use a screen reader, a keyboard or a small screen can use what is on the screen. */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Page } from 'playwright-core'

/** The rules of WCAG 2.2, levels A and AA, as far as a program can judge them, and what axe recommends beside. */
const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']
/** WCAG 1.4.10: no scrolling to the side at this width. */
const NARROW = { width: 320, height: 640 }

interface Found {
  readonly violations: readonly {
    readonly id: string
    readonly nodes: readonly { readonly html: string; readonly failureSummary?: string }[]
  }[]
}

let axe: string | undefined

/** Throws with what is wrong, in the light and in the dark, and on the smallest screen. */
export async function requireAccessible(page: Page, name: string): Promise<void> {
  axe ??= readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
  const wrong: string[] = []
  const loaded = await page.evaluate(() => 'axe' in window)
  if (!loaded) await page.evaluate(axe)
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme })
    const { violations } = await page.evaluate(
      (tags) =>
        (window as unknown as { axe: { run(of: Document, options: object): Promise<Found> } }).axe.run(document, {
          runOnly: tags,
          resultTypes: ['violations'],
        }),
      TAGS,
    )
    for (const { id, nodes } of violations)
      for (const { html, failureSummary = '' } of nodes)
        wrong.push(`${colorScheme}: ${id}: ${html.slice(0, 160)}: ${failureSummary.replaceAll(/\s+/g, ' ')}`)
  }
  await page.emulateMedia({ colorScheme: null })
  const before = page.viewportSize()
  await page.setViewportSize(NARROW)
  const [wide, moving] = await page.evaluate(() => [
    document.documentElement.scrollWidth - document.documentElement.clientWidth,
    document.getAnimations().length,
  ])
  if (before) await page.setViewportSize(before)
  if (wide !== 0) wrong.push(`it scrolls to the side, by ${wide} pixels`)
  if (moving !== 0) wrong.push('something moves')
  if (wrong.length > 0) throw new Error(`${name} is not accessible:\n${wrong.join('\n')}`)
}

/** What can be acted upon and the Tab key does not reach, or shows no sign of being reached. */
export async function beyondKeyboard(page: Page): Promise<string[]> {
  const all = await page.evaluate(() => {
    const usable = 'a[href], button, input, select, textarea, summary'
    const visible = [...document.querySelectorAll<HTMLElement>(usable)].filter((one) => one.checkVisibility())
    for (const [n, element] of visible.entries()) element.dataset['reach'] = String(n)
    const start = document.createElement('span')
    start.tabIndex = -1
    document.body.prepend(start)
    start.focus()
    return visible.map((element) => element.outerHTML.slice(0, 120))
  })
  const reached = new Set<number>()
  for (let presses = 0; presses < all.length + 3; presses++) {
    await page.keyboard.press('Tab')
    const at = await page.evaluate(() => {
      const element = document.activeElement as HTMLElement | null
      const shown = element && Number.parseFloat(getComputedStyle(element).outlineWidth) >= 2
      return shown ? element.dataset['reach'] : undefined
    })
    if (at !== undefined) reached.add(Number(at))
  }
  return all.filter((_, n) => !reached.has(n))
}

/** The text of what has the focus. */
export const focused = (page: Page): Promise<string> =>
  page.evaluate(() => `${document.activeElement?.tagName.toLowerCase()} ${document.activeElement?.textContent}`)
