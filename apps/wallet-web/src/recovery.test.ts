/** Flows V13 to V17 on a phone-sized page, with agencies, contacts and thief each a program of its own. */
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Background, Person } from '../../../scripts/story/person.ts'
import {
  approve,
  choosePassphrase,
  chromiumIsHere,
  launch,
  makeWallet,
  PHONE,
  pageOf,
  photograph,
  picture,
  room,
  unlock,
} from '../../../scripts/testing/pages.ts'
import { openTown, type Town } from '../../../scripts/testing/town.ts'

const PIN = '804173'

describe.skipIf(!chromiumIsHere)('chromium: recovery', { timeout: 300_000 }, () => {
  const troubles: string[] = []
  let town: Town
  let browser: Browser
  let olive: Page
  let bob: Page
  let carol: Person
  let other: Person
  let listening: Background
  let kit: string
  /** Olive's relationships with Carol, and with another of the same name. */
  let rel: string
  let otherRel: string

  beforeAll(async () => {
    town = await openTown('web-recovery', ['agency', 'agency2', 'agency3', 'web'], 'production')
    browser = await launch()
    const url = town.system.url('web')
    olive = await pageOf(browser, url, { troubles, ...PHONE })
    bob = await pageOf(browser, url, { troubles })
    ;[carol, other] = [town.person('carol'), town.person('other')]
    for (const [page, name] of [
      [olive, 'Olive'],
      [bob, 'Bob'],
    ] as const) {
      await makeWallet(page, name)
      await page.getByTestId('did').waitFor()
    }
    await carol.run(['init', '--label', 'Carol'])
    await other.run(['init', '--label', 'Carol'])
    for (const accept of [
      async (link: string) => {
        await room(bob, 'People')
        await bob.getByLabel('Link of the invitation').fill(link)
        await bob.getByRole('button', { name: 'Connect' }).click()
        await bob.locator('[data-contact=Olive]').waitFor()
      },
      async (link: string) => {
        await carol.run(['accept', link, '--tell', '--wait', '60'])
        rel = (await relsOfCarol(1))[0] ?? ''
      },
      (link: string) => other.run(['accept', link, '--tell', '--wait', '60']),
    ]) {
      await olive.reload()
      await unlock(olive)
      await room(olive, 'People')
      await olive.getByRole('button', { name: 'Make an invitation' }).click()
      await accept((await olive.getByTestId('link').textContent()) ?? '')
    }
    otherRel = (await relsOfCarol(2)).find((found) => found !== rel) ?? ''
    listening = carol.background(['listen'])
    await listening.event('listening')
  })

  afterAll(async () => {
    await listening?.stop()
    await browser?.close()
    await town?.end()
  })

  /** At the door of a browser that has no wallet. */
  async function lost(options: { troubles?: string[] } = { troubles }): Promise<Page> {
    const page = await pageOf(browser, town.system.url('web'), { ...options, ...PHONE })
    await page.getByRole('link', { name: 'I lost my devices' }).click()
    await page.getByRole('heading', { name: 'Recover your wallet in this browser' }).waitFor()
    return page
  }

  /** Bob's share in the page and Carol's by the command line, each for the code that the new device shows for them. */
  async function helped(fresh: Page, link: string, owner?: string): Promise<void> {
    await bob.goto('about:blank')
    await bob.goto(link)
    await unlock(bob)
    await bob.getByRole('button', { name: 'Open', exact: true }).click()
    if (owner !== undefined) {
      await bob.getByText('OWNER_UNKNOWN').waitFor()
      await bob.getByLabel('Who asked you: their link does not say').selectOption(owner)
      await bob.getByRole('button', { name: 'Open', exact: true }).click()
    }
    // With a kit, a PIN can be typed meanwhile: what is half typed stays when a contact's step comes in.
    const pin = fresh.getByLabel('Your PIN', { exact: true })
    if (owner === undefined) await pin.fill('80')
    const code = (await fresh.locator('[data-code-for=Bob]').textContent()) ?? ''
    await picture(fresh, 'recovering-code')
    await bob.getByLabel('The code that Olive tells you').fill(code)
    await picture(bob, 'helping')
    await bob.getByRole('button', { name: 'Hand over my share' }).click()
    await fresh.getByText('– 1 of 2 shares').waitFor()
    if (owner === undefined) expect(await pin.inputValue()).toBe('80')
    await listening.stop()
    await carol.run(['help-recover', link, ...(owner === undefined ? [] : ['--owner', owner])])
    const told = (await fresh.locator('[data-code-for=Carol]').textContent()) ?? ''
    await carol.run(['help-recover', '--code', told])
    listening = carol.background(['listen'])
    await listening.event('listening')
  }

  /** The relationships with whoever is called Carol, as the room of people shows them, as soon as there are so many. */
  async function relsOfCarol(count: number): Promise<string[]> {
    const verify = olive.locator('[data-contact=Carol]').getByRole('button', { name: 'Verify keys now' })
    await verify.nth(count - 1).waitFor()
    return olive.locator('[data-contact=Carol] code').allTextContents()
  }

  async function recoveryRoom(page: Page): Promise<void> {
    await room(page, 'You')
    await room(page, 'Recovery')
  }

  it('V13: says in words that nothing is set up, and what is missing', async () => {
    await recoveryRoom(olive)
    await olive.getByText('If this device is lost, everything is lost.').waitFor()
    await olive.locator('[data-lack=NO_POLICY]').waitFor()
    await picture(olive, 'recovery-none')
  })

  it('V13, V14: deals to contacts and a PIN, refuses a PIN that people guess, and shows the kit once', async () => {
    await olive.getByLabel('Bob').check()
    await olive.getByLabel(`Carol (${rel})`).check()
    const pins = [olive.getByLabel('PIN, at least six digits'), olive.getByLabel('The same again')]
    for (const field of pins) await field.fill('123456')
    await olive.getByRole('button', { name: 'Set it up' }).click()
    await olive.getByText('WEAK_PIN').waitFor()
    for (const field of pins) await field.fill(PIN)
    await picture(olive, 'recovery-set-up')
    await olive.getByRole('button', { name: 'Set it up' }).click()
    kit = (await olive.getByTestId('kit').locator('pre').textContent()) ?? ''
    expect(kit).toContain('KEYSTEAD RECOVERY KIT, FORMAT 1')
    await picture(olive, 'recovery-kit')
  })

  it('V16: the kit is printed alone, and counts as checked when two words were read off the paper', async () => {
    await olive.emulateMedia({ media: 'print' })
    expect(await olive.getByTestId('kit').isVisible()).toBe(true)
    expect(await olive.getByRole('button', { name: 'Print the kit' }).isVisible()).toBe(false)
    await photograph(olive, 'recovery-kit-printed')
    await olive.emulateMedia({ media: null })
    const words = olive.getByLabel(/^Word \d+ on the paper$/)
    for (const wrong of [true, false]) {
      for (const label of await olive.getByText(/^Word \d+ on the paper$/).all()) {
        const place = /\d+/.exec((await label.textContent()) ?? '')?.[0] ?? ''
        const word = new RegExp(`(?:^|\\s)${place}\\. ([a-z]+)`).exec(kit)?.[1] ?? ''
        await olive.getByLabel(`Word ${place} on the paper`).fill(wrong ? 'zebra' : ` ${word.toUpperCase()} `)
      }
      await olive.getByRole('button', { name: 'This is what it says' }).click()
      if (wrong) await olive.getByText('BAD_KIT').waitFor()
    }
    await words.first().waitFor({ state: 'detached' })
    expect(await olive.getByText('KEYSTEAD RECOVERY KIT').count()).toBe(0)
  })

  it('V13: the meter counts what was confirmed, and names what is still missing', async () => {
    await approve(bob, /keep a share of their recovery/)
    await listening.stop()
    await carol.run(['sync'])
    await carol.run(['approve'])
    listening = carol.background(['listen'])
    await listening.event('listening')
    await expect
      .poll(() => olive.getByTestId('level').textContent(), { timeout: 60_000 })
      .toBe('You would come back, but one loss more could end that.')
    await olive.locator('[data-lack=PIN_DEMONSTRATION]').waitFor()
    expect(await olive.locator('[data-lack=KIT_NOT_CHECKED]').count()).toBe(0)
    await picture(olive, 'recovery-weak')
  })

  it('N6: tests the recovery without touching anything', async () => {
    await olive.getByRole('button', { name: 'Test it now' }).click()
    await olive.getByText('You would come back.', { exact: true }).waitFor({ timeout: 60_000 })
    await olive.getByText('✓ Carol has the share').waitFor()
    await picture(olive, 'recovery-tested')
  })

  it('V15: a change of who helps tells two of one name apart, is dealt anew for a PIN, waits, and can be given up', async () => {
    const [carols, others] = [rel, otherRel].map((found) => olive.getByLabel(`Carol (${found})`))
    const boxes = () => Promise.all([olive.getByLabel('Bob'), carols, others].map((box) => box?.isChecked()))
    expect(await boxes()).toEqual([true, true, false])
    await carols?.uncheck()
    await others?.check()
    await olive.getByLabel('Your PIN, or a new one').fill('123456')
    await olive.getByRole('button', { name: 'Deal anew' }).click()
    await olive.getByText('WEAK_PIN').waitFor()
    await olive.getByLabel('Your PIN, or a new one').fill(PIN)
    await picture(olive, 'recovery-change')
    await olive.getByRole('button', { name: 'Deal anew' }).click()
    const anew = (await olive.getByTestId('kit').locator('pre').textContent()) ?? ''
    expect(anew).toContain('KEYSTEAD RECOVERY KIT, FORMAT 1')
    expect(anew).not.toBe(kit)
    await olive.getByRole('button', { name: 'Later' }).click()
    await olive.getByRole('button', { name: 'I have it; put it away' }).click()
    await olive.locator('[data-lack=CHANGE_WAITING]').waitFor()
    await olive.getByText('Who keeps what').click()
    await olive.getByText('Change: Carol has not answered yet').waitFor()
    await olive.getByText('Carol keeps a share', { exact: true }).waitFor()
    await picture(olive, 'recovery-change-waits')
    await olive.getByRole('button', { name: 'Give the change up' }).click()
    await olive.getByRole('heading', { name: 'Change who helps' }).waitFor()
    await olive.locator('[data-lack=CHANGE_WAITING]').waitFor({ state: 'detached' })
    expect(await boxes()).toEqual([true, true, false])
  })

  it('V17: PIN and contacts bring the data back without a kit, and MUST NOT be thrown away where the claim was cut off', async () => {
    // Cut off from the ledger's proofs, it says so on the console.
    const fresh = await lost({})
    await fresh.route(`${town.system.url('ledger')}/v1/proofs/*`, (route) => route.abort())
    await choosePassphrase(fresh)
    await fresh.getByRole('button', { name: 'Recover', exact: true }).click()
    await helped(fresh, (await fresh.getByTestId('link').textContent()) ?? '', 'Olive')
    await fresh.getByText('– 2 of 2 shares').waitFor()
    // Asked for while the wallet was empty, and pressed when it is not: the screen may be behind what the wallet has.
    await fresh.getByRole('button', { name: 'Give up' }).click()
    const away = await fresh.getByRole('button', { name: 'Throw it away' }).elementHandle()
    await fresh.getByLabel('Your PIN', { exact: true }).fill(PIN)
    await fresh.getByRole('button', { name: 'Enter the PIN' }).click()
    await fresh.getByText('LEDGER_UNREACHABLE').waitFor({ timeout: 60_000 })
    await away?.evaluate((button: HTMLElement) => button.click())
    const refused = await away?.evaluateHandle((button: HTMLElement) => button.parentElement)
    await expect.poll(() => refused?.evaluate((place) => place?.textContent)).toContain('NOT_ALLOWED_NOW')
    await fresh.reload()
    await unlock(fresh)
    await fresh.getByText('LEDGER_UNREACHABLE').waitFor({ timeout: 60_000 })
    await fresh.context().close()
  })

  it('V17: a recovery by PIN and kit takes five actions, is told on the living device, and is stopped there', async () => {
    const thief = await lost()
    await picture(thief, 'recover-door')
    await thief.getByLabel('Your kit').fill(kit)
    await thief.getByLabel('Your PIN').fill(PIN)
    await choosePassphrase(thief)
    await thief.getByRole('button', { name: 'Recover', exact: true }).click()
    await thief.getByText('Your data is back').waitFor({ timeout: 60_000 })
    // What is back is thrown away by no button.
    expect(await thief.getByRole('button', { name: 'Give up' }).count()).toBe(0)
    await picture(thief, 'recovered')
    await olive.getByText('Somebody recovers your wallet on a new device').waitFor({ timeout: 60_000 })
    await picture(olive, 'alarm')
    await olive.getByRole('button', { name: 'It is not me: stop it' }).click()
    await olive.getByRole('button', { name: 'Stop the recovery' }).click()
    await olive.getByText(/^Stopped: 1 DID/).waitFor({ timeout: 60_000 })
    await thief.context().close()
  })

  it('V17: without the phone, kit and two contacts bring the wallet back, by codes told on calls, over a reload', async () => {
    await olive.context().close()
    const fresh = await lost()
    await fresh.getByLabel('Your kit').fill(kit)
    await choosePassphrase(fresh)
    await fresh.getByRole('button', { name: 'Recover', exact: true }).click()
    const link = (await fresh.getByTestId('link').textContent()) ?? ''
    expect(link.length).toBeLessThanOrEqual(192)
    await picture(fresh, 'recovering')
    await fresh.reload()
    await unlock(fresh)
    await helped(fresh, link)
    await fresh.getByText('Your data is back').waitFor({ timeout: 60_000 })
    await fresh.getByRole('button', { name: 'Go on' }).click()
    await room(fresh, 'People')
    await fresh.locator('[data-contact=Bob]').waitFor()
    await fresh.reload()
    await fresh.getByRole('heading', { name: 'Unlock the wallet of Olive' }).waitFor()
  })

  it('rule 27: whoever has the kit stops its release from any wallet, twice and no more', async () => {
    await room(bob, 'Decide')
    await bob.getByText('With the kit of whoever has no device any more').click()
    const stop = async (): Promise<void> => {
      await bob.getByLabel('The kit: scan its QR code, or paste it').fill(kit)
      await bob.getByRole('button', { name: 'Stop it with the kit' }).click()
    }
    await stop()
    await bob.getByText('The agencies release nothing of this kit’s wallet before').waitFor()
    await picture(bob, 'objecting')
    const thief = await lost()
    await thief.getByLabel('Your kit').fill(kit)
    await choosePassphrase(thief)
    await thief.getByRole('button', { name: 'Recover', exact: true }).click()
    await thief.getByText('RELEASE_STAYED').waitFor()
    await picture(thief, 'recover-refused')
    // It is said why, and the kit is there to be tried again.
    expect(await thief.getByLabel('Your kit').inputValue()).not.toBe('')
    await thief.getByRole('button', { name: 'Go on' }).click()
    await thief.locator('form').getByText('RELEASE_STAYED').waitFor()
    expect(await thief.getByText('RELEASE_STAYED').count()).toBe(1)
    await thief.context().close()
    await stop()
    await expect.poll(() => bob.getByLabel('The kit: scan its QR code, or paste it').inputValue()).toBe('')
    await stop()
    await bob.getByText('STAY_SPENT').waitFor()
  })

  it('rule 27: a contact makes a recovery wait, once', async () => {
    await bob.reload()
    await unlock(bob)
    await room(bob, 'Decide')
    await bob.getByLabel('Whose wallet').selectOption('Olive')
    await bob.getByRole('button', { name: 'Make it wait' }).click()
    await bob.getByText('Nothing is released to whoever recovers before').waitFor()
    await bob.getByRole('button', { name: 'Make it wait' }).click()
    await bob.getByText('STAY_SPENT').waitFor()
  })

  it('throws no error and breaks no rule of its own policy', () => expect(troubles).toEqual([]))
})
