/** Flows V6 and V12 with browsers: a phone-sized page beside the command line, either way round, each a program of its own. */
import { writeFileSync } from 'node:fs'
import type { Browser, Page } from 'playwright-core'
import { encodeQR } from 'qr'
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
  picture,
  room,
  unlock,
} from '../../../scripts/testing/pages.ts'
import { acquaint } from '../../../scripts/testing/people.ts'
import { openTown, type Town } from '../../../scripts/testing/town.ts'

describe.skipIf(!chromiumIsHere)('chromium: devices', { timeout: 300_000 }, () => {
  const troubles: string[] = []
  let town: Town
  let browser: Browser
  let alice: Person
  let bob: Person
  let phone: Page
  let laptop: Person
  let linking: Background
  let right: string

  beforeAll(async () => {
    town = await openTown('web-devices', ['agency', 'web'])
    browser = await launch()
    ;[alice, bob] = [town.person('alice'), town.person('bob')]
    await acquaint(alice, bob)
    phone = await pageOf(browser, town.system.url('web'), { troubles, ...PHONE })
  })

  afterAll(async () => {
    await browser?.close()
    await town?.end()
  })

  const device = (page: Page, name: string) => page.locator(`[data-device="${name}"]`)

  it('V6: becomes a device of a wallet that the command line has, over a reload in the middle', async () => {
    await picture(phone, 'door')
    await phone.getByRole('link', { name: 'I have a wallet on another device' }).click()
    await picture(phone, 'door-link')
    await phone.goBack()
    await phone.getByRole('button', { name: 'Make my wallet' }).waitFor()
    await phone.goForward()
    await phone.getByLabel('What you call this device').fill('phone')
    await choosePassphrase(phone)
    await phone.getByRole('button', { name: 'Show me the link' }).click()
    const link = (await phone.getByTestId('link').textContent()) ?? ''
    expect(link.length).toBeLessThanOrEqual(192)
    await picture(phone, 'link-shown')
    await phone.reload()
    await unlock(phone)
    await expect.poll(() => phone.getByTestId('link').textContent(), { timeout: 20_000 }).toBe(link)

    const { data: asked } = await alice.run(['device', 'approve', link, '--seconds', '60'], 75)
    const code = (await phone.getByTestId('code').textContent()) ?? ''
    expect(code.replace(' ', '')).toBe(asked.code)
    await picture(phone, 'link-code')
    const can = ['--can', 'admin,prove,suspend', '--seconds', '120']
    const { data: approved } = await alice.run(['device', 'approve', '--code', code, ...can])
    expect(approved).toMatchObject({ approved: true, joined: true, missing: [] })
    await phone.getByRole('heading', { name: 'Keystead alice' }).waitFor()
    await alice.listening(async () => {
      await room(phone, 'People')
      await phone.locator('[data-contact=bob]').waitFor()
      await expect.poll(() => phone.getByText('This device is on its way in').count(), { timeout: 60_000 }).toBe(0)
    })
    await phone.reload()
    await phone.getByRole('heading', { name: 'Unlock the wallet of alice' }).waitFor()
    await unlock(phone)
    await room(phone, 'You')
    await room(phone, 'Devices')
    await device(phone, 'phone').getByText('this one').waitFor()
    await device(phone, 'first device').waitFor()
  })

  it('MUST NOT let anybody in by an opened link, nor by a code that was not read from the new device', async () => {
    laptop = town.person('laptop')
    linking = laptop.background(['device', 'link', 'laptop', '--seconds', '500'])
    const { url } = (await linking.event('link')) as { url: string }
    await phone.goto('about:blank')
    await phone.goto(url)
    await phone.getByText('opening it has done nothing yet').waitFor()
    await picture(phone, 'door-link-opened')
    await unlock(phone)
    await phone.getByRole('button', { name: 'Look who asks' }).click()
    const { code } = (await linking.event('link-code')) as { code: string }
    right = code
    await phone.getByText('“laptop” asks to become a device of this wallet.').waitFor()
    // What the new device shows is to be read there: it is on no other screen.
    expect(await phone.locator('body').textContent()).not.toMatch(new RegExp(`${code.slice(0, 4)} ?${code.slice(4)}`))
    await phone.getByLabel('The code that the new device shows').fill('0000 0000')
    await phone.getByRole('button', { name: 'Let it in' }).click()
    await phone.getByText('CODE_MISMATCH').waitFor()
    await picture(phone, 'approve')
    expect((await alice.run(['device'])).data.own).toHaveLength(2)
  })

  it('V6: lets another program in when its code is typed, with what it may do, over a reload in the middle', async () => {
    await phone.reload()
    await unlock(phone)
    await phone.getByLabel('The code that the new device shows').fill(`${right.slice(0, 4)} ${right.slice(4)}`)
    await phone.getByLabel('stop everything in an emergency').uncheck()
    await phone.getByRole('button', { name: 'Let it in' }).click()
    await phone.getByText('laptop is one of your devices now.').waitFor()
    expect((await linking.done).data).toMatchObject({ linked: true, label: 'alice' })
    await device(phone, 'laptop').getByText('May show others that it is one of yours, until').waitFor()
    await picture(phone, 'devices')
  })

  it('DEVICE-13, V10: two devices have to agree: asked for, declined, approved, withdrawn and ended between page and program', async () => {
    const decide = async (): Promise<{ id: string; summary: string }[]> => (await alice.run(['requests'])).data.requests
    await phone.getByRole('button', { name: 'Ask for two' }).click()
    await picture(phone, 'approvals-ask')
    await phone.getByRole('button', { name: 'Two have to agree' }).click()
    await phone.getByText('Two of your 3 devices have to agree').waitFor()
    await alice.sync()
    expect((await alice.run(['device', 'approvals'])).data.needed).toBe(2)

    await alice.run(['rotate'], 75)
    await room(phone, 'Decide')
    const asked = phone.getByRole('listitem').filter({ hasText: 'bob' })
    await asked.waitFor()
    await picture(phone, 'approvals-asked')
    await asked.getByRole('button', { name: 'Decline' }).click()
    await asked.waitFor({ state: 'detached' })
    await alice.sync()
    const { waiting } = (await alice.run(['device', 'approvals'])).data
    expect(waiting.map(({ declined }: { declined: string[] }) => declined)).toEqual([['phone']])
    await alice.run(['device', 'approvals', '--withdraw', waiting[0].id])

    await room(phone, 'You')
    await phone.getByRole('button', { name: 'Rotate all keys' }).click()
    await room(phone, 'Devices')
    const waits = phone.getByText('Waits for another device of yours, until')
    await waits.waitFor()
    await picture(phone, 'approvals-waiting')
    await alice.sync()
    for (const { id } of await decide()) await alice.run(['approve', id])
    await expect.poll(() => waits.count(), { timeout: 60_000 }).toBe(0)

    await alice.run(['device', 'approvals', '1'], 75)
    await approve(phone, /enough/)
    await room(phone, 'You')
    await room(phone, 'Devices')
    await phone.getByText('One device is enough to change your keys').waitFor()
    // The last entry that two have to sign says that one is enough from then on.
    await alice.run(['rotate'], 75)
    await approve(phone, /bob/)
    await alice.run(['sync'])
    await room(phone, 'You')
    await room(phone, 'Devices')
  })

  it('V12: renames a device, and revokes it in two steps, in plain words', async () => {
    await device(phone, 'laptop').getByRole('button', { name: 'Rename' }).click()
    await phone.getByLabel('New name of laptop').fill('old laptop')
    await device(phone, 'laptop').getByRole('button', { name: 'Rename' }).last().click()
    await device(phone, 'old laptop').getByRole('button', { name: 'Revoke' }).click()
    await phone.getByText('This cannot be undone').waitFor()
    await picture(phone, 'revoke')
    await phone.getByRole('button', { name: 'No' }).click()
    await device(phone, 'old laptop').getByRole('button', { name: 'Revoke' }).click()
    await phone.getByRole('button', { name: 'Revoke old laptop for good' }).click()
    await device(phone, 'old laptop')
      .getByText(/^revoked/)
      .waitFor()
    await laptop.run(['message', 'bob', 'from the laptop'], 0, 65, 75)
    await bob.run(['sync'])
    expect((await bob.run(['messages'])).data.messages).toEqual([])
  })

  it('scans the link with the camera, and asks to paste it where there is none', async () => {
    const tablet = town.person('tablet')
    const showing = tablet.background(['device', 'link', 'tablet', '--seconds', '300'])
    const { url } = (await showing.event('link')) as { url: string }
    const film = tablet.file('camera.y4m')
    writeFileSync(film, filmOf(url))
    const camera = ['--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream']
    const seeing = await launch(...camera, `--use-file-for-fake-video-capture=${film}`)
    try {
      const dora = await pageOf(seeing, town.system.url('web'), { troubles, ...PHONE })
      await makeWallet(dora, 'Dora')
      await room(dora, 'Devices')
      await dora.getByRole('button', { name: 'Scan it with the camera' }).click()
      const field = dora.getByLabel('The link that the new device shows')
      await expect.poll(() => field.inputValue(), { timeout: 20_000 }).toBe(url)
      await dora.getByRole('button', { name: 'Look who asks' }).click()
      await dora.getByText('“tablet” asks to become a device of this wallet.').waitFor()
      await dora.getByRole('button', { name: 'Refuse' }).click()
      expect((await showing.done).error).toBe('CEREMONY_REFUSED')
    } finally {
      await seeing.close()
    }
    await phone.getByRole('button', { name: 'Scan it with the camera' }).click()
    await phone.getByText('copy the link and paste it').waitFor()
    await picture(phone, 'no-camera')
  })

  it('throws no error and breaks no rule of its own policy', () => expect(troubles).toEqual([]))
})

/** A film of one picture, as a camera sees a screen: YUV4MPEG2, the code in the middle of grey. */
function filmOf(text: string): Uint8Array {
  const [width, height, pixel] = [640, 480, 6]
  const rows = encodeQR(text, 'raw', { ecc: 'low', border: 2 })
  const [left, top] = [(width - rows.length * pixel) >> 1, (height - rows.length * pixel) >> 1]
  const luma = new Uint8Array(width * height).fill(120)
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const dark = rows[Math.floor((y - top) / pixel)]?.[Math.floor((x - left) / pixel)]
      if (dark !== undefined) luma[y * width + x] = dark ? 20 : 235
    }
  const chroma = new Uint8Array((width * height) / 2).fill(128)
  return Buffer.concat([Buffer.from(`YUV4MPEG2 W${width} H${height} F10:1 Ip A1:1 C420jpeg\nFRAME\n`), luma, chroma])
}
