/**
 * Known secrets, planted in a real run: they must be in no file, log, output, traffic or process argument but where the owner put
 * them. Memory is looked through as well, and told rather than judged: JavaScript cannot promise it (SECURITY.md).
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { kitLine, kitSecret } from '@keystead/recovery'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readKit } from '../apps/cli/src/kit-page.ts'
import { freePort } from './free-port.ts'
import { canWatch, listeners, memoryOf, watchProcesses } from './secrets/processes.ts'
import { RecordingProxy } from './secrets/recording-proxy.ts'
import { Scanner } from './secrets/scan.ts'
import { vaultSecrets } from './secrets/vault-secrets.ts'
import { type Answer, Person } from './story/person.ts'
import { type PartName, System } from './system.ts'

const AGENCIES = ['agency2', 'agency3', 'agency4'] as const satisfies readonly PartName[]
/** Twelve digits, so that no time or size looks like it. */
const [PIN, WRONG_PIN] = ['739164820593', '508273916447']
const SENTENCE = 'a sentence for nobody but bob, 58213'

const home = mkdtempSync(join(tmpdir(), 'keystead-secrets-'))
const systems: System[] = []
const proxies: RecordingProxy[] = []
const secrets = new Map<string, Buffer>()
/** Files in which the owner put a secret. */
const planted = new Set<string>()
const transcript: string[] = []
/** Of who set recovery up, and of who recovered. */
const audits: string[] = []
let logs = ''
let watched: Buffer = Buffer.alloc(0)
let inMemory = new Map<string, number>()
let afterLock: readonly string[] = []
let processes: ReturnType<typeof watchProcesses> | undefined

/** Each part behind a proxy that it believes to be itself. */
async function start(name: PartName, ledgerPort: number): Promise<RecordingProxy> {
  const [port, door] = [name === 'ledger' ? ledgerPort : await freePort(), await freePort()]
  process.env['KEYSTEAD_AGENCY_PUBLIC_URL'] = `http://127.0.0.1:${door}`
  systems.push(
    await System.start({
      home: join(home, 'system'),
      ports: { ledger: ledgerPort, agency: 0, [name]: port },
      parts: [name],
      profile: 'development',
      log: (_, line) => {
        logs += `${line}\n`
      },
    }),
  )
  delete process.env['KEYSTEAD_AGENCY_PUBLIC_URL']
  const proxy = await RecordingProxy.start(door, `http://127.0.0.1:${port}`)
  proxies.push(proxy)
  return proxy
}

function person(name: string, urls: NodeJS.ProcessEnv): Person {
  const made = new Person(name, home, urls)
  planted.add(join(home, `${name}.passphrase`))
  secrets.set(`passphrase of ${name}`, Buffer.from(`passphrase of ${name}`))
  return made
}

async function told(answer: Promise<Answer>): Promise<Answer> {
  const { lines, notes, ...rest } = await answer
  transcript.push(JSON.stringify(lines), notes)
  return { lines, notes, ...rest }
}

async function remember(...people: Person[]): Promise<void> {
  for (const { name, folder } of people)
    for (const [key, secret] of await vaultSecrets(folder, `passphrase of ${name}`))
      secrets.set(`${name}: ${key}`, secret)
}

function plant(file: string, text: string): string {
  writeFileSync(file, text, { mode: 0o600 })
  planted.add(file)
  return file
}

beforeAll(async () => {
  const ledgerPort = await freePort()
  const ledger = await start('ledger', ledgerPort)
  const agencies: RecordingProxy[] = []
  for (const name of AGENCIES) agencies.push(await start(name, ledgerPort))
  if (canWatch) processes = watchProcesses(home)
  const urls = { KEYSTEAD_LEDGER_URL: ledger.url, KEYSTEAD_AGENCY_URL: agencies[0]?.url ?? '' }
  const [alice, bob, carol, phone] = ['alice', 'bob', 'carol', 'new-phone'].map((name) => person(name, urls)) as [
    Person,
    Person,
    Person,
    Person,
  ]
  for (const one of [alice, bob, carol]) await told(one.run(['init', '--label', one.name]))
  for (const other of [bob, carol]) {
    const { data } = await told(alice.run(['invite', '--tell']))
    await alice.listening(() => told(other.run(['accept', data.url, '--tell', '--wait', '30'])))
  }
  // The command must be given the text; nothing that keeps or carries it may show it.
  await alice.run(['message', 'bob', SENTENCE])
  secrets.set('a message', Buffer.from(SENTENCE))
  await told(bob.sync())

  const kit = alice.file('kit.html')
  const pin = plant(alice.file('pin'), `${PIN}\n`)
  const wrong = plant(alice.file('wrong'), `${WRONG_PIN}\n`)
  secrets.set('PIN', Buffer.from(PIN))
  secrets.set('a PIN that is wrong', Buffer.from(WRONG_PIN))
  const escrow = ['--pin-file', pin, '--escrow', ...agencies.map(({ url }) => url)]
  await told(alice.run(['recovery', 'setup', 'bob', 'carol', '--kit', kit, ...escrow]))
  planted.add(kit)
  const printed = readKit(readFileSync(kit, 'utf8'))
  secrets.set('line of the kit', Buffer.from(kitLine(printed)))
  secrets.set('words of the kit', Buffer.from(printed.words.split(' ').slice(4, 12).join(' ')))
  secrets.set('group secret of the kit', Buffer.from(kitSecret(printed)))
  secrets.set('veto code of the kit', Buffer.from(printed.veto))
  secrets.set('locator', Buffer.from(printed.locator))
  for (const contact of [bob, carol]) {
    await told(contact.sync())
    await told(contact.run(['approve']))
  }
  await told(alice.sync())
  await remember(alice, bob, carol)
  await told(alice.run(['rotate']))
  await told(alice.run(['keys']))
  await told(alice.run(['keys', 'audit', '--out', alice.file('audit.json')]))
  audits.push(readFileSync(alice.file('audit.json'), 'utf8'))
  const locked = plant(alice.file('export.passphrase'), 'passphrase of the export\n')
  secrets.set('passphrase of the export', Buffer.from('passphrase of the export'))
  await told(alice.run(['wallet', 'export', alice.file('export.age'), '--export-passphrase-file', locked]))
  await told(alice.run(['init'], 73))
  await remember(alice)

  const listener = alice.background(['listen'])
  await listener.event('listening')
  if (canWatch) inMemory = lookThrough(home)
  await listener.stop()
  if (canWatch) afterLock = await lookAfterLock(alice)

  await told(phone.run(['recover', '--kit', kit, '--pin-file', wrong], 77))
  await told(phone.run(['recover', '--kit', kit, '--pin-file', pin]))
  await remember(phone)
  await told(phone.run(['show']))
  await told(phone.run(['keys', 'audit', '--out', phone.file('audit.json')]))
  audits.push(readFileSync(phone.file('audit.json'), 'utf8'))
  watched = processes?.stop() ?? watched
  processes = undefined
}, 600_000)

afterAll(async () => {
  processes?.stop()
  for (const proxy of proxies) await proxy.stop()
  for (const system of systems) await system.stop()
  rmSync(home, { recursive: true, force: true })
})

/** What of alice's wallet stands in the memory of a process that used its keys, locked it, and lives on. */
async function lookAfterLock(owner: Person): Promise<string[]> {
  const passphrase = join(home, `${owner.name}.passphrase`)
  const script = fileURLToPath(new URL('secrets/locked-wallet.ts', import.meta.url))
  const arguments_ = ['--conditions=@keystead/source', script, owner.folder, passphrase]
  const child = spawn(process.execPath, arguments_, { stdio: ['pipe', 'pipe', 'inherit'] })
  try {
    await once(child.stdout, 'data')
    const known = new Map([...secrets].filter(([name]) => name.startsWith(`${owner.name}: `)))
    // Surely there: that it is found shows that the memory could be read.
    const scanner = new Scanner(known.set('its own name', Buffer.from('locked-wallet.ts')))
    return [...new Set([...memoryOf(child.pid ?? 0)].flatMap((piece) => scanner.find(piece)))]
  } finally {
    child.kill()
  }
}

/** How many of the secrets stand in the memory of the wallet that listens now. */
function lookThrough(mark: string): Map<string, number> {
  const scanner = new Scanner(secrets)
  const counts = new Map<string, number>()
  for (const pid of listeners(mark))
    for (const piece of memoryOf(pid))
      for (const name of scanner.find(piece)) counts.set(name, (counts.get(name) ?? 0) + 1)
  return counts
}

describe('secrets of a real run', () => {
  it('are many, of every kind, and the scan finds each of them where it was put, in every encoding', () => {
    expect(secrets.size).toBeGreaterThan(60)
    const scanner = new Scanner(secrets)
    for (const [name, secret] of secrets)
      for (const encoding of ['hex', 'base64', 'base64url', 'latin1'] as const)
        for (const before of ['', 'x', 'xy']) {
          const bytes = Buffer.concat([Buffer.from(before), secret, Buffer.from('z')])
          const written = encoding === 'latin1' ? bytes : Buffer.from(bytes.toString(encoding))
          expect(scanner.find(written)).toContain(name)
        }
    for (const file of planted) expect(scanner.find(readFileSync(file))).not.toEqual([])
  })

  it('leave their mark in the audit log where they are shown or entered in plaintext', () => {
    const events = (log: string): string[] => JSON.parse(log).entries.map((entry: { event: string }) => entry.event)
    expect(events(audits[0] ?? '')).toContain('secret shown')
    expect(events(audits[1] ?? '')).toContain('secret entered')
  })

  it('are in no file of wallets, agencies and ledger', () => {
    const { found, files } = new Scanner(secrets).findInFiles(home, planted)
    expect(files).toBeGreaterThan(10)
    expect(found).toEqual([])
  })

  it('are in no output and no log', () => {
    expect(transcript.join('\n')).toContain('operator')
    expect(logs).toContain('ready')
    // Shown to whom it was written, and nothing else.
    expect(new Scanner(secrets).find(Buffer.from(transcript.join('\n')))).toEqual(['a message'])
    expect(new Scanner(secrets).find(Buffer.from(logs))).toEqual([])
  })

  it('are in no traffic, HTTP or WebSocket', () => {
    for (const proxy of proxies) {
      expect(proxy.exchanges).toBeGreaterThan(3)
      expect(new Scanner(secrets).find(proxy.bytes)).toEqual([])
    }
  })

  it.skipIf(!canWatch)('are in no argument and no environment of a process (needs Linux)', () => {
    expect(watched.includes('recover')).toBe(true)
    // A message is typed as one, in this program.
    expect(new Scanner(secrets).find(watched)).toEqual(['a message'])
  })

  it.skipIf(!canWatch)(
    'of a wallet, master key and private keys, are not in memory after its lock (needs Linux)',
    () => {
      expect(afterLock).toEqual(['its own name'])
    },
  )

  it.skipIf(!canWatch)('in memory are told, not judged (needs Linux)', () => {
    const found = [...inMemory.keys()]
    console.log(
      `in the memory of an unlocked wallet: ${found.length} of ${secrets.size} known secrets${found.length > 0 ? ` (${found.join(', ')})` : ''}`,
    )
  })
})
