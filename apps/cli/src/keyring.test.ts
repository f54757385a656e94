/** `keystead wallet add-keyring` and `--keyring`, against a Secret Service of the test's own. */
import { spawn } from 'node:child_process'
import { mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { canKeepKeys } from '../../../scripts/keyring.ts'
import type { Person } from '../../../scripts/story/person.ts'
import { openTown, type Town } from '../../../scripts/testing/town.ts'
import { keepInKeyring } from './keyring.ts'

const here = process.platform === 'linux' && canKeepKeys()
if (!here && process.env['KEYSTEAD_REQUIRE']?.includes('keyring')) throw new Error('there is no GNOME Keyring')
const cli = fileURLToPath(new URL('main.ts', import.meta.url))
const START = 'printf \'login\n\' | gnome-keyring-daemon --unlock --components=secrets >/dev/null 2>&1; exec "$0" "$@"'

describe.skipIf(!here)('keyring: the system’s keyring', () => {
  let town: Town
  let alice: Person

  beforeAll(async () => {
    town = await openTown('keyring')
    alice = town.person('alice')
    await alice.run(['init'])
  }, 120_000)

  afterAll(async () => {
    await town?.end()
  })

  /** A command in a login of its own; what the keyring keeps stays from one to the next. */
  function loggedIn(args: readonly string[]): Promise<{ status: number | null; lines: string }> {
    const home = join(town.home, 'login')
    mkdirSync(join(home, 'run'), { recursive: true, mode: 0o700 })
    const command = [process.execPath, '--conditions=@keystead/source', cli, '--json', '-w', alice.folder, ...args]
    const child = spawn('dbus-run-session', ['--', 'sh', '-c', START, ...command], {
      env: { ...process.env, ...town.environment, HOME: home, XDG_RUNTIME_DIR: join(home, 'run') },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let lines = ''
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (data: Buffer) => {
        lines += data
      })
    return new Promise((resolve, reject) => {
      child.once('error', reject)
      child.once('close', (status) => resolve({ status, lines }))
    })
  }

  it('opens the wallet from one login to the next without a passphrase, until its slot is removed', async () => {
    const passphrase = ['--passphrase-file', join(town.home, 'alice.passphrase')]
    expect((await loggedIn(['--keyring', 'wallet'])).lines).toContain('NO_KEYRING')
    const added = await loggedIn([...passphrase, 'wallet', 'add-keyring', '--label', 'laptop'])
    expect(added.lines).toContain('"kind":"keyring"')
    expect((await loggedIn([...passphrase, 'wallet', 'add-keyring'])).lines).toContain('KEYRING_HAS_KEY')
    const { status, lines } = await loggedIn(['--keyring', 'wallet', 'slots'])
    expect(status).toBe(0)
    expect(readdirSync(alice.folder).filter((name) => name.includes('key'))).toEqual([])
    const slots = JSON.parse(lines.split('\n').find((line) => line.includes('"slots"')) ?? '').slots
    const slotOf = (kind: string): string => slots.find((slot: { kind: string }) => slot.kind === kind).slotId
    expect((await loggedIn(['--keyring', 'wallet', 'remove', slotOf('passphrase')])).lines).toContain('LAST_KEYSLOT')
    expect((await loggedIn(['--keyring', 'wallet', 'remove', slotOf('keyring')])).status).toBe(0)
    expect((await loggedIn(['--keyring', 'wallet'])).lines).toContain('NO_KEYRING')
    await alice.run(['wallet', 'slots'])
  }, 120_000)

  it('where none is there is NO_KEYRING, and the wallet is as before', async () => {
    const bus = process.env['DBUS_SESSION_BUS_ADDRESS']
    process.env['DBUS_SESSION_BUS_ADDRESS'] = 'unix:path=/nonexistent'
    try {
      await expect(keepInKeyring('wallet', new Uint8Array(32))).rejects.toMatchObject({ code: 'NO_KEYRING' })
    } finally {
      if (bus === undefined) delete process.env['DBUS_SESSION_BUS_ADDRESS']
      else process.env['DBUS_SESSION_BUS_ADDRESS'] = bus
    }
    expect((await alice.run(['--keyring', 'wallet'], 69)).error).toBe('NO_KEYRING')
  })
})
