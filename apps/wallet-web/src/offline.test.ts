/** spec/page.md: the page without a network, and which build of it a browser shows. */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { serve } from '@hono/node-server'
import { serveStatic } from '@hono/node-server/serve-static'
import { Hono } from 'hono'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Person } from '../../../scripts/story/person.ts'
import {
  approve,
  chromiumIsHere,
  launch,
  makeWallet,
  PHONE,
  pageOf,
  picture,
  room,
  unlock,
} from '../../../scripts/testing/pages.ts'
import { openTown, type Town } from '../../../scripts/testing/town.ts'
import { buildIfChanged, buildWorker, dist } from '../build.ts'

/** What the page's own server tells; no build of the page. */
const CONFIG = '/config.json'

/** The page is kept by its worker: it says so itself. */
async function kept(page: Page): Promise<string> {
  return page.evaluate(async () => {
    await navigator.serviceWorker.ready
    return (await caches.keys()).join()
  })
}

describe.skipIf(!chromiumIsHere)('chromium: the page without a network', { timeout: 300_000 }, () => {
  let town: Town
  let browser: Browser
  let alice: Page
  let bob: Person

  beforeAll(async () => {
    town = await openTown('web-offline', ['agency', 'web'])
    browser = await launch()
    bob = town.person('bob')
    await bob.run(['init', '--label', 'Bob'])
    alice = await pageOf(browser, town.system.url('web'), PHONE)
    await makeWallet(alice, 'Alice')
    await alice.getByTestId('did').waitFor()
    const { data } = await bob.run(['invite', '--tell'])
    await room(alice, 'People')
    await alice.getByLabel('Link of the invitation').fill(data.url)
    await bob.listening(async () => {
      await alice.getByRole('button', { name: 'Connect' }).click()
      await alice.locator('[data-contact=Bob]').getByRole('button', { name: 'Verify keys now' }).waitFor()
    })
    await bob.run(['message', 'Alice', 'Hello from Bob'])
    await bob.run(['issue', 'Alice', 'MemberCard', 'level=gold'])
    await approve(alice, /offers you a credential/)
    await room(alice, 'Credentials')
    await bob.listening(() => alice.getByText('level: gold').waitFor())
    await talk()
    await said('Hello from Bob')
  })

  afterAll(async () => {
    await browser?.close()
    await town?.end()
  })

  async function talk(): Promise<void> {
    await room(alice, 'People')
    await room(alice, 'Messages')
    await alice.getByLabel('With whom').selectOption('Bob')
  }

  const said = (text: string): Promise<void> => alice.getByRole('log').getByText(text).waitFor()

  it('PAGE-3: keeps the files of the build, and nothing that ledger, agency or server answered', async () => {
    await kept(alice)
    const found = await alice.evaluate(async () => {
      const [name = ''] = await caches.keys()
      const requests = await (await caches.open(name)).keys()
      return requests.map(({ url }) => new URL(url).pathname).sort()
    })
    const { files } = JSON.parse(readFileSync(join(dist, 'build.json'), 'utf8')) as { files: { path: string }[] }
    expect(found).toEqual(files.map(({ path }) => path).sort())
    expect(found).not.toContain(CONFIG)
  })

  it('PAGE-6: starts and unlocks with no server running, shows what it has, and says since when', async () => {
    for (const part of ['web', 'agency', 'ledger'] as const) await town.system.kill(part)
    await alice.context().setOffline(true)
    await alice.goto('about:blank')
    await alice.goto(town.system.url('web'))
    await alice.getByText(/^Offline since /).waitFor()
    await picture(alice, 'offline-door')
    await unlock(alice)
    await expect.poll(() => alice.getByTestId('did').textContent(), { timeout: 30_000 }).toMatch(/^did:dkms:/)
    await alice.getByText('Not proven now').waitFor()
    await picture(alice, 'offline-you')
    await alice.context().setOffline(false)
    await alice.getByText(/^Offline since .*What you do waits here/).waitFor()
    await room(alice, 'People')
    await alice.locator('[data-contact=Bob]').waitFor()
    await picture(alice, 'offline-people')
    await room(alice, 'Credentials')
    await alice.getByText('level: gold').waitFor()
  })

  it('PAGE-6: what was done meanwhile goes out by itself afterwards, once', async () => {
    await talk()
    await said('Hello from Bob')
    await alice.getByLabel('Your message').fill('Written in a tunnel')
    await alice.getByRole('button', { name: 'Send' }).click()
    await said('Written in a tunnel')
    await picture(alice, 'offline-messages')
    for (const part of ['ledger', 'agency', 'web'] as const) await town.system.relaunch(part)
    await expect.poll(() => alice.locator('#away').textContent(), { timeout: 60_000 }).toBe('')
    await expect
      .poll(
        async () => {
          await bob.sync()
          return (await bob.run(['messages'])).data.messages.map(({ text }: { text: string }) => text)
        },
        { timeout: 60_000 },
      )
      .toEqual(['Hello from Bob', 'Written in a tunnel'])
  })
})

describe.skipIf(!chromiumIsHere)('chromium: which build of the page is shown', { timeout: 300_000 }, () => {
  const home = mkdtempSync(join(tmpdir(), 'keystead-builds-'))
  let browser: Browser
  let page: Page
  let server: Server
  let url: string
  /** What the server gives out now, and what its answers wait for. */
  let served: string
  let held: Promise<void> = Promise.resolve()

  beforeAll(async () => {
    await buildIfChanged()
    served = await buildOf('0.1.0', 'one')
    const app = new Hono()
    app.get('/icon.svg', (_, next) => held.then(next))
    app.use((c, next) => serveStatic({ root: served })(c, next))
    server = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }) as Server
    await new Promise((resolve) => server.once('listening', resolve))
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
    browser = await launch()
    page = await pageOf(browser, url)
    await kept(page)
  })

  afterAll(async () => {
    await browser?.close()
    server?.close()
    rmSync(home, { recursive: true, force: true })
  })

  /** A build that differs from others by its icon and its title. */
  async function buildOf(version: string, title: string): Promise<string> {
    const folder = join(home, title)
    cpSync(dist, folder, { recursive: true })
    const start = join(folder, 'index.html')
    writeFileSync(start, readFileSync(start, 'utf8').replace('<title>Keystead', `<title>${title}`))
    writeFileSync(join(folder, 'icon.svg'), `<svg xmlns="http://www.w3.org/2000/svg"><title>${title}</title></svg>`)
    await buildWorker(folder, version)
    return folder
  }

  /** The browser asks for the worker again, as it does by itself; true when a build waits, false when it was refused. */
  const lookForAnother = (): Promise<boolean> =>
    page.evaluate(async () => {
      const registration = await navigator.serviceWorker.ready
      await registration.update()
      const worker = registration.installing
      if (worker)
        await new Promise<void>((resolve) => {
          worker.onstatechange = () => {
            if (worker.state === 'installed' || worker.state === 'redundant') resolve()
          }
        })
      return registration.waiting !== null
    })

  /** Title and icon that the page has when it is opened again. */
  async function shown(): Promise<string[]> {
    await page.goto('about:blank')
    await page.goto(url)
    await page.getByRole('button', { name: 'Make my wallet' }).waitFor()
    const icon = await page.evaluate(async () => (await fetch('/icon.svg')).text())
    return [await page.title(), /<title>(.*)<\/title>/.exec(icon)?.[1] ?? '']
  }

  it('PAGE-4: the policy comes with the build, also where the server has dropped it', async () => {
    const [policy, type] = await page.evaluate(async () => {
      const answer = await (await caches.open((await caches.keys())[0] ?? '')).match('/index.html')
      return ['content-security-policy', 'content-type'].map((name) => answer?.headers.get(name))
    })
    expect((await fetch(url)).headers.get('content-security-policy')).toBeNull()
    expect(policy).toContain("default-src 'none'")
    expect(type).toBe('text/html; charset=utf-8')
    await page.goto('about:blank')
    await page.goto(url)
    const stopped = await page.evaluate(
      () =>
        new Promise((resolve) => {
          document.addEventListener('securitypolicyviolation', ({ effectiveDirective }) => resolve(effectiveDirective))
          const script = document.createElement('script')
          script.textContent = 'window.stranger = true'
          document.body.append(script)
        }),
    )
    expect(stopped).toBe('script-src-elem')
  })

  it('PAGE-2: MUST NOT take a build of which one file is another', async () => {
    served = await buildOf('0.1.1', 'tampered')
    writeFileSync(join(served, 'icon.svg'), '<svg xmlns="http://www.w3.org/2000/svg"><title>stranger</title></svg>')
    expect(await lookForAnother()).toBe(false)
    expect(await shown()).toEqual(['one', 'one'])
    // Nothing is left of it, so that the next build is not taken for an older one.
    expect(await page.evaluate(() => caches.keys())).toEqual([expect.stringMatching(/^keystead 0\.1\.0 /)])
  })

  it('PAGE-5: a new build waits, is offered, and replaces the former one whole when its owner takes it', async () => {
    served = await buildOf('0.2.0', 'two')
    expect(await lookForAnother()).toBe(true)
    await page.getByText('Another build of this page is here: version 0.2.0').waitFor()
    await picture(page, 'newer-build')
    // While the former one is open, all of it is the former one, whatever the server has.
    expect(await page.evaluate(async () => (await fetch('/icon.svg')).text())).toContain('one')
    await page.getByRole('button', { name: 'Use it now' }).click()
    await expect.poll(() => page.title(), { timeout: 20_000 }).toBe('two')
    expect(await shown()).toEqual(['two', 'two'])
    const names = await page.evaluate(() => caches.keys())
    expect(names.map((name) => name.split(' ')[1])).toEqual(['0.2.0'])
  })

  it('PAGE-5: MUST NOT go back to an older version, whatever the server gives out', async () => {
    served = await buildOf('0.1.9', 'old')
    expect(await lookForAnother()).toBe(false)
    expect(await shown()).toEqual(['two', 'two'])
  })
  it('PAGE-5: a build that comes in while its owner takes the one before it is whole', async () => {
    served = await buildOf('0.3.0', 'three')
    expect(await lookForAnother()).toBe(true)
    served = await buildOf('0.4.0', 'four')
    const { promise, resolve } = Promise.withResolvers<void>()
    held = promise
    await page.evaluate(async () => (await navigator.serviceWorker.ready).update())
    await page.getByText('Another build of this page is here: version 0.3.0').waitFor()
    await page.getByRole('button', { name: 'Use it now' }).click()
    await expect.poll(() => page.title(), { timeout: 20_000 }).toBe('three')
    resolve()
    await page.getByText('Another build of this page is here: version 0.4.0').waitFor()
    await page.getByRole('button', { name: 'Use it now' }).click()
    await expect.poll(() => page.title(), { timeout: 20_000 }).toBe('four')
    const { files } = JSON.parse(readFileSync(join(served, 'build.json'), 'utf8')) as { files: unknown[] }
    const has = await page.evaluate(async () => {
      const names = await caches.keys()
      const kept = await Promise.all(names.map(async (name) => (await (await caches.open(name)).keys()).length))
      return names.map((name, n) => [name.split(' ')[1], kept[n]])
    })
    expect(has).toEqual([['0.4.0', files.length]])
  })
})
