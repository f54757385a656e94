/** Steps 1 to 5 of the story in two browsers, through what people see, against ledger node and agency as processes. */
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

describe.skipIf(!chromiumIsHere)('chromium: the wallet page', () => {
  const troubles: string[] = []
  let town: Town
  let browser: Browser
  let alice: Page
  let bob: Page
  let thief: Person
  let first: Person
  let kit: string

  beforeAll(async () => {
    town = await openTown('web', ['agency', 'web'])
    browser = await launch()
    alice = await pageOf(browser, town.system.url('web'), { troubles })
    bob = await pageOf(browser, town.system.url('web'), { troubles, ...PHONE })
  })

  afterAll(async () => {
    await browser?.close()
    await town?.end()
  })

  it('makes wallets, DIDs that the page itself proves, and cloud agents', async () => {
    for (const [page, name] of [
      [alice, 'Alice'],
      [bob, 'Bob'],
    ] as const) {
      await makeWallet(page, name)
      await expect.poll(() => page.getByTestId('did').textContent(), { timeout: 20_000 }).toMatch(/^did:dkms:/)
      await page.getByText('proof checked in this page: operator-signed').waitFor()
      await page.getByText('keep your sealed backups, and what your devices share, which it cannot open').waitFor()
    }
  })

  it('S9: can be installed like any program of the phone', async () => {
    const devtools = await bob.context().newCDPSession(bob)
    const { errors, data } = await devtools.send('Page.getAppManifest')
    expect([errors, JSON.parse(data ?? '{}').name]).toEqual([[], 'Keystead'])
    const { installabilityErrors } = await devtools.send('Page.getInstallabilityErrors')
    // The profiles of this test are private ones, where nothing is installed.
    expect(installabilityErrors.filter(({ errorId }) => errorId !== 'in-incognito')).toEqual([])
  })

  it('connects by invitation, which an opened link alone never does', async () => {
    await room(alice, 'People')
    await alice.getByRole('button', { name: 'Make an invitation' }).click()
    const link = (await alice.getByTestId('link').textContent()) ?? ''
    expect(await alice.getByAltText('QR code of the invitation').isVisible()).toBe(true)
    // A QR code that a phone reads off a screen: the invitation itself waits at the agency, sealed.
    expect(link.length).toBeLessThanOrEqual(192)
    await bob.goto('about:blank')
    await bob.goto(link)
    await unlock(bob)
    await bob.getByText('Nobody yet.').waitFor()
    await bob.getByRole('button', { name: 'Connect' }).click()
    await bob.getByRole('button', { name: 'Verify keys now' }).waitFor()
    await alice.getByRole('listitem').filter({ hasText: 'Bob' }).waitFor()
    await picture(alice, 'invited')
  })

  it('proves keys now, by challenge and response', async () => {
    await bob.getByRole('button', { name: 'Verify keys now' }).click()
    await bob
      .getByText(/^Holds 2 key\(s\) now\.$|^keys proven/)
      .first()
      .waitFor()
  })

  it('issues a credential, presents it, and checks it with the ledger’s proof', async () => {
    await room(alice, 'Credentials')
    await alice.getByLabel('To whom').selectOption('Bob')
    await alice.getByLabel('Type, such as MemberCard').fill('MemberCard')
    await alice.getByLabel('Claims').fill('level=gold')
    await alice.getByRole('button', { name: 'Offer' }).click()
    await approve(bob, /offers you a credential/)
    await room(bob, 'Credentials')
    await bob.getByText('level: gold').waitFor()

    await alice.getByLabel('Ask whom').selectOption('Bob')
    await alice.getByLabel('For which credential').fill('MemberCard')
    await alice.getByRole('button', { name: 'Ask', exact: true }).click()
    await approve(bob, /asks to see a credential/)
    await alice.getByRole('button', { name: 'Check it now' }).click()
    await alice.getByText('VALID — ledger proof: operator-signed').waitFor()
    await alice.getByText('✓ it answers this challenge').waitFor()
    await picture(alice, 'judged')
  })

  /** The owner on a new device of this name, with the kit and two contacts in browsers. */
  async function recovered(name: string, kit: string, wrong: boolean, inPerson: boolean): Promise<Person> {
    const device = town.person(name)
    const recovering = device.background(['recover', '--kit', kit, '--seconds', '60'])
    const { url } = await recovering.event('link')
    for (const [page, contact] of [
      [alice, 'Alice'],
      [bob, 'Bob'],
    ] as const) {
      await room(page, 'Decide')
      await page.getByLabel('The link they gave you').fill(String(url))
      await page.getByRole('button', { name: 'Open' }).click()
      const { code } = await recovering.event('code', (line) => line['label'] === contact)
      const typed = page.getByLabel('The code that owner tells you')
      if (wrong) {
        await typed.fill('0000 0000')
        await page.getByRole('button', { name: 'Hand over my share' }).click()
        await page.getByText('CODE_MISMATCH').waitFor()
      }
      await typed.fill(String(code))
      if (inPerson) await page.getByLabel('I have owner before me, in person').check()
      await page.getByRole('button', { name: 'Hand over my share' }).click()
      await page.getByText('Your share is on its way').waitFor()
    }
    expect((await recovering.done).data).toMatchObject({ recovered: true, relationships: 2 })
    return device
  }

  const standing = async (person: Person): Promise<string[]> => {
    await person.sync()
    return (await person.run(['show'])).data.identities.map(({ status }: { status: string }) => status)
  }

  it('helps an owner recover who has a kit and two contacts in browsers, by typed codes alone', async () => {
    const owner = town.person('owner')
    await owner.run(['init'])
    for (const page of [alice, bob]) {
      const { data } = await owner.run(['invite'])
      await room(page, 'People')
      await page.getByLabel('Link of the invitation').fill(data.url)
      await owner.listening(async () => {
        await page.getByRole('button', { name: 'Connect' }).click()
        await page.locator('[data-contact=owner]').getByRole('button', { name: 'Verify keys now' }).waitFor()
      })
    }
    kit = owner.file('kit.html')
    await owner.run(['recovery', 'setup', 'Alice', 'Bob', '--kit', kit, '--overrule', '--delay', '600'])
    for (const page of [alice, bob]) await approve(page, /keep a share of their recovery/)
    await owner.sync()
    await owner.run(['backup'])
    // Taken while it was open: what the thief has is this wallet and what opens it.
    thief = owner
    first = await recovered('first', kit, true, false)
  })

  it('rule 27: overrules a thief’s veto of that recovery by saying that it met the owner in person', async () => {
    await thief.run(['veto'])
    expect(await standing(first)).toEqual(['lost'])
    const second = await recovered('second', kit, false, true)
    expect((await thief.run(['veto'], 77)).error).toBe('VETOES_SPENT')
    expect(await standing(second)).toEqual(['recovering'])
  })

  it('locks, MUST NOT open with a wrong passphrase, and is whole afterwards', async () => {
    await bob.getByRole('button', { name: 'Lock' }).click()
    await bob.getByLabel('Passphrase').fill('not the passphrase')
    await bob.getByRole('button', { name: 'Unlock' }).click()
    await bob.getByText('WRONG_PASSPHRASE').waitFor()
    await unlock(bob)
    await room(bob, 'Credentials')
    await bob.getByText('level: gold').waitFor()
  })

  it('MUST NOT open in two tabs at once', async () => {
    const second = await pageOf(bob.context(), town.system.url('web'), { troubles })
    await unlock(second)
    await second.getByText('WALLET_IN_USE').waitFor()
    await second.close()
  })

  it('keeps private keys where scripts cannot read them', async () => {
    const readable = await bob.evaluate(async () => {
      const found: string[] = []
      for (const { name = '' } of await indexedDB.databases()) {
        const database = await new Promise<IDBDatabase>((resolve, reject) => {
          const request = indexedDB.open(name)
          request.onsuccess = () => resolve(request.result)
          request.onerror = () => reject(request.error)
        })
        for (const store of database.objectStoreNames) {
          const rows = await new Promise<unknown[]>((resolve, reject) => {
            const request = database.transaction(store).objectStore(store).getAll()
            request.onsuccess = () => resolve(request.result)
            request.onerror = () => reject(request.error)
          })
          const text = new TextDecoder('latin1').decode(
            new Uint8Array(
              rows
                .flatMap((row) => Object.values(row as object))
                .flatMap((v) => (v instanceof Uint8Array ? [...v] : [])),
            ),
          )
          if (/gold|MemberCard|did:dkms|Alice/.test(text + JSON.stringify(rows))) found.push(store)
        }
        database.close()
      }
      return found
    })
    expect(readable).toEqual([])
  })

  it('throws no error and breaks no rule of its own policy', () => expect(troubles).toEqual([]))

  it('VAULT-2: opens with a passkey, whose PRF gives the key, and without that passkey only with the passphrase', async () => {
    const context = await browser.newContext()
    context.setDefaultTimeout(20_000)
    const page = await context.newPage()
    // An address has no passkeys; a name has.
    const url = town.system.url('web').replace('127.0.0.1', 'localhost')
    const devtools = await context.newCDPSession(page)
    await devtools.send('WebAuthn.enable')
    const options = {
      protocol: 'ctap2',
      ctap2Version: 'ctap2_1',
      transport: 'internal',
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      hasPrf: true,
    } as const
    const { authenticatorId } = await devtools.send('WebAuthn.addVirtualAuthenticator', { options })
    await page.goto(url)
    await makeWallet(page, 'Dora')
    const did = await page.getByTestId('did').textContent()
    await page.getByRole('button', { name: 'Add a passkey' }).click()
    await page.getByText('Added. The next time, unlock with it.').waitFor()
    await page.getByRole('button', { name: 'Lock' }).click()
    await page.getByRole('button', { name: 'Unlock with a passkey' }).click()
    await expect.poll(() => page.getByTestId('did').textContent(), { timeout: 20_000 }).toBe(did)
    await page.getByRole('button', { name: 'Lock' }).click()

    await devtools.send('WebAuthn.removeVirtualAuthenticator', { authenticatorId })
    await devtools.send('WebAuthn.addVirtualAuthenticator', { options })
    await page.getByRole('button', { name: 'Unlock with a passkey' }).click()
    await page.getByText('no passkey was given').waitFor()
    await unlock(page)
    await expect.poll(() => page.getByTestId('did').textContent(), { timeout: 20_000 }).toBe(did)

    const way = page.getByRole('listitem').filter({ hasText: 'passkey' })
    await way.getByRole('button', { name: 'Remove' }).click()
    await way.waitFor({ state: 'detached' })
    expect(await page.getByRole('button', { name: 'Remove' }).count()).toBe(0)
    await page.getByRole('button', { name: 'Lock' }).click()
    await page.getByLabel('Passphrase').waitFor()
    expect(await page.getByRole('button', { name: 'Unlock with a passkey' }).count()).toBe(0)
    await context.close()
  })
})
