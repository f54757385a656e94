/** Bad input and bad luck, as whoever types the command meets them: a stable code, an exit status, nothing lost. */
import { spawn } from 'node:child_process'
import { cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { sqliteVaultStore } from '@keystead/wallet/node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Person } from '../../../scripts/story/person.ts'
import { openTown, type Town } from '../../../scripts/testing/town.ts'

const cli = fileURLToPath(new URL('main.ts', import.meta.url))
let town: Town
let alice: Person
let bob: Person

beforeAll(async () => {
  town = await openTown('cli')
  alice = town.person('alice')
  bob = town.person('bob')
  await alice.run(['init'])
  await bob.run(['init'])
  const { data } = await alice.run(['invite', '--tell'])
  await alice.listening(() => bob.run(['accept', data.url, '--wait', '30']))
})

afterAll(async () => {
  await town?.end()
})

/** A command with arguments of its own choosing, without the passphrase file. */
function bare(args: string[], input?: string): Promise<{ status: number | null; error: string | undefined }> {
  const child = spawn(process.execPath, ['--conditions=@keystead/source', cli, '--json', ...args], {
    env: { ...process.env, ...town.environment },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  child.stdin.end(input ?? '')
  let notes = ''
  child.stderr.on('data', (data: Buffer) => {
    notes += data.toString()
  })
  return new Promise((resolve) =>
    child.on('close', (status) => resolve({ status, error: /"error":"([A-Z_]+)"/.exec(notes)?.[1] })),
  )
}

const refused = async (person: Person, args: string[], status: number) => (await person.run(args, status)).error

describe('the wallet', () => {
  it('opens with what was added, changed or kept in a file, and not with what was removed', async () => {
    const [first, second, key] = ['first', 'second', 'server.key'].map((name) => join(town.home, name))
    writeFileSync(first as string, 'correct horse one')
    writeFileSync(second as string, 'correct horse two')
    const opens = async (...unlock: string[]) => (await bare(['-w', bob.folder, ...unlock, 'wallet'])).status
    await bob.run(['wallet', 'add-passphrase', '--new-passphrase-file', first as string, '--label', 'spare'])
    await bob.run(['wallet', 'add-key', key as string])
    expect(await opens('--passphrase-file', first as string)).toBe(0)
    expect(await opens('--key-file', key as string)).toBe(0)
    const { data } = await bob.run(['wallet', 'slots'])
    const spare = data.slots.find(({ label }: { label: string }) => label === 'spare').slotId
    await bob.run(['wallet', 'remove', spare])
    expect(await opens('--passphrase-file', first as string)).toBe(77)
    const own = ['-w', bob.folder, '--key-file', key as string]
    expect((await bare([...own, 'wallet', 'passphrase', '--new-passphrase-file', second as string])).status).toBe(0)
    expect(await opens('--passphrase-file', second as string)).toBe(0)
    expect((await bob.run(['wallet'], 77)).error).toBe('WRONG_PASSPHRASE')
    writeFileSync(first as string, 'passphrase of bob')
    await bare([...own, 'wallet', 'passphrase', '--new-passphrase-file', first as string])
    expect((await bob.run(['wallet', 'check'])).data.damaged).toEqual([])
  })

  it('shows its keys, and an audit log that anybody can verify and nobody can change', async () => {
    const { data } = await alice.run(['keys'])
    const states = new Set(data.keys.map(({ state }: { state: string }) => state))
    expect([...states].sort()).toEqual(['active', 'pre-activation'])
    const file = join(town.home, 'audit.json')
    await alice.run(['keys', 'audit', '--out', file])
    expect((await bare(['keys', 'verify-audit', file])).status).toBe(0)
    const log = JSON.parse(readFileSync(file, 'utf8'))
    log.entries[2].reason = 'replaced'
    writeFileSync(file, JSON.stringify(log))
    expect(await bare(['keys', 'verify-audit', file])).toEqual({ status: 65, error: 'AUDIT_BROKEN' })
  })

  it('MUST NOT open with a wrong passphrase, and says no more than that', async () => {
    const file = join(town.home, 'wrong')
    writeFileSync(file, 'not the passphrase')
    const { status, error } = await bare(['-w', alice.folder, '--passphrase-file', file, 'show'])
    expect([status, error]).toEqual([77, 'WRONG_PASSPHRASE'])
  })

  it('MUST NOT open without a passphrase, and never takes one as an argument', async () => {
    expect(await bare(['-w', alice.folder, 'show'])).toEqual({ status: 65, error: 'NO_PASSPHRASE' })
    expect((await bare(['-w', alice.folder, '--passphrase', 'secret', 'show'])).status).toBe(64)
  })

  it('that is not there is named', async () => {
    const nobody = town.person('nobody')
    expect(await refused(nobody, ['show'], 66)).toBe('NO_WALLET')
  })

  it('a second init MUST NOT touch', async () => {
    const before = readFileSync(join(alice.folder, 'config.json'), 'utf8')
    expect(await refused(alice, ['init'], 73)).toBe('WALLET_EXISTS')
    expect(readFileSync(join(alice.folder, 'config.json'), 'utf8')).toBe(before)
    await alice.run(['show'])
  })

  it('two processes MUST NOT open at once', async () => {
    const vault = await sqliteVaultStore(alice.folder).open('existing')
    expect(await refused(alice, ['show'], 75)).toBe('WALLET_IN_USE')
    expect(await refused(alice, ['listen'], 75)).toBe('WALLET_IN_USE')
    await vault?.close()
    await alice.run(['show'])
  })

  it('that was damaged on disk is refused, not half read', async () => {
    const copy = town.person('damaged')
    cpSync(alice.folder, copy.folder, { recursive: true })
    cpSync(join(town.home, 'alice.passphrase'), join(town.home, 'damaged.passphrase'))
    for (const name of readdirSync(copy.folder)) {
      if (name === 'config.json') continue
      const bytes = readFileSync(join(copy.folder, name))
      for (let at = 5000; at < bytes.length; at += 97) bytes[at] = (bytes[at] ?? 0) ^ 1
      writeFileSync(join(copy.folder, name), bytes)
    }
    const { error } = await copy.run(['show'], 65, 77, 74)
    expect(error).toMatch(/^(WALLET_CORRUPT|STORE_FAILED|WRONG_PASSPHRASE)$/)
  })

  it('is whole after Ctrl-C and after kill -9 at any moment', async () => {
    for (const wait of [50, 300, 600, 900, 1200]) {
      const running = bob.background(['rotate'])
      await new Promise((resolve) => setTimeout(resolve, wait))
      await (wait % 100 === 0 ? running.kill() : running.stop())
      await bob.run(['sync'])
    }
    const { data } = await alice.listening(() => bob.run(['sync']).then(() => bob.run(['verify', 'alice'])))
    expect(data.result).toBe('proven')
  })
})

describe('what a command is given', () => {
  it('an unknown command, option or contact has its own status', async () => {
    expect((await bare(['fly'])).status).toBe(64)
    expect((await bare(['show', '--fast'])).status).toBe(64)
    expect(await refused(alice, ['verify', 'nobody'], 65)).toBe('UNKNOWN_CONTACT')
  })

  it('an unknown DID is proven absent', async () => {
    const { data } = await alice.run(['show'])
    const did: string = data.identities[0].did
    const other = `${did.slice(0, -1)}${did.endsWith('a') ? 'b' : 'a'}`
    const { data: found } = await alice.run(['resolve', other], 1)
    expect(found.didDocument).toBeNull()
    expect(found.didResolutionMetadata.error.type).toMatch(/#(NOT_FOUND|INVALID_DID)$/)
    expect((await alice.run(['resolve', 'did:example:unknown'], 1)).data.didDocument).toBeNull()
  })

  it('a greatest age is kept, is a number of seconds, and no evidence is none', async () => {
    const { did } = (await alice.run(['show'])).data.identities[0]
    const { data } = await alice.run(['resolve', did, '--max-age', '60'])
    expect(data.didResolutionMetadata.proofAge).toBeLessThanOrEqual(60)
    expect(await refused(alice, ['resolve', did, '--max-age', 'soon'], 65)).toBe('BAD_INPUT')
    expect((await alice.run(['evidence'])).data.evidence).toEqual([])
  })

  it('a link that is none, or was changed, is refused', async () => {
    expect(await refused(alice, ['accept', 'https://example.com/'], 65)).toBe('BAD_INVITATION')
    const { data } = await bob.run(['invite'])
    expect(await refused(alice, ['accept', data.url.slice(0, -7)], 65)).toBe('BAD_INVITATION')
    expect(await refused(alice, ['help-recover', data.url], 65)).toBe('BAD_INVITATION')
  })

  it('what is no address of an agency is named as such, before anything is made', async () => {
    for (const args of [
      ['agent', 'move', 'foo'],
      ['agent', 'move', 'file:///agency'],
      ['agent', 'add', '--agency', 'foo'],
    ])
      expect((await alice.run(args, 65)).notes).toContain(`${args.at(-1)}\\" is no address`)
    const nobody = town.person('addressless')
    expect(await refused(nobody, ['init', '--agency', 'foo'], 65)).toBe('BAD_FIELD')
    expect(await refused(nobody, ['show'], 66)).toBe('NO_WALLET')
  })

  it('an expired invitation is refused', async () => {
    const { data } = await bob.run(['invite', '--seconds', '1'])
    await new Promise((resolve) => setTimeout(resolve, 2500))
    expect(await refused(alice, ['accept', data.url], 65)).toBe('INVITATION_EXPIRED')
  })

  it('a tampered or foreign kit is refused before anything is made', async () => {
    const kit = join(town.home, 'kit.txt')
    writeFileSync(kit, 'keystead-kit:1:AAAA')
    const nobody = town.person('kitless')
    expect(await refused(nobody, ['recover', '--kit', kit], 65)).toBe('BAD_KIT')
    expect(await refused(nobody, ['show'], 66)).toBe('NO_WALLET')
  })

  it('recovery needs at least two contacts, each once', async () => {
    const kit = join(town.home, 'new-kit.txt')
    expect(await refused(alice, ['recovery', 'setup', 'bob', '--threshold', '1', '--kit', kit], 65)).toBe('BAD_POLICY')
    expect(await refused(alice, ['recovery', 'setup', 'bob', 'bob', '--kit', kit], 65)).toBe('AMBIGUOUS_CONTACT')
    expect(await refused(alice, ['veto'], 65)).toBe('NO_RECOVERY_PENDING')
  })
})

describe('when somebody is away', () => {
  it('the ledger: the rotation waits and is brought when it is back', async () => {
    alice.offline(true)
    const { data } = await alice.run(['rotate'], 75)
    expect(data.operations).toBe(1)
    alice.offline(false)
    expect((await alice.run(['sync'])).data.operations).toBe(0)
    await bob.sync()
    const { data: verdict } = await alice.listening(() => bob.run(['verify', 'alice']))
    expect(verdict.result).toBe('proven')
  })

  it('the agency: messages wait and are sent when it is back', async () => {
    const restarted = town.system.killAndRestart('agency')
    await alice.run(['issue', 'bob', 'Card', 'a=b'])
    await restarted
    await alice.sync()
    await bob.sync()
    expect((await bob.run(['requests'])).data.requests.length).toBe(1)
  })
})
