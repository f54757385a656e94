/** Contacts as people type them, each command a process of its own. */
import { readFileSync, writeFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Person } from '../../../scripts/story/person.ts'
import { openTown, type Town } from '../../../scripts/testing/town.ts'

let town: Town
let alice: Person
let bob: Person
let carol: Person

beforeAll(async () => {
  town = await openTown('contacts')
  alice = town.person('alice')
  bob = town.person('bob')
  carol = town.person('carol')
  for (const person of [alice, bob]) await person.run(['init', '--label', person.name])
})

afterAll(async () => {
  await town?.end()
})

interface Key {
  readonly keyId: string
  readonly purpose: string
  readonly state: string
}

async function connect(): Promise<void> {
  const { data } = await alice.run(['invite', '--tell'])
  await alice.listening(() => bob.run(['accept', data.url, '--tell', '--wait', '30']))
}

const statusOf = async (person: Person, name: string): Promise<string | undefined> =>
  (await person.run(['contacts'])).data.contacts.find(({ label }: { label: string }) => label === name)?.status

describe('KEYVERIFY-8: verify --in-person', () => {
  it('each shows the half to read out; what the other read is typed, and both are verified', async () => {
    await connect()
    await alice.run(['verify', 'bob', '--in-person', '--seconds', '0'], 75)
    const theirs = bob.background(['verify', 'alice', '--in-person', '--seconds', '60'])
    const { data: mine } = await alice.run(['verify', 'bob', '--in-person', '--seconds', '60'], 75)
    const { data: other } = await theirs.done
    expect([mine.state, other.state]).toEqual(['ready', 'ready'])
    expect((await alice.run(['verify', 'bob', '--code', other.read])).data.state).toBe('verified')
    expect((await bob.run(['verify', 'alice', '--code', mine.read])).data.state).toBe('verified')
    const [contact] = (await bob.run(['contacts'])).data.contacts
    expect(contact.person.how).toBe('code')
    await alice.run(['contacts', 'remove', 'bob', '--silently'])
    await bob.run(['contacts', 'remove', 'alice', '--silently'])
  })

  it('a code shown and scanned is enough; one of another relationship is refused', async () => {
    await connect()
    const shower = alice.background(['verify', 'bob', '--show-qr', '--seconds', '60'])
    const { text } = await shower.event('meeting-code')
    expect((await bob.run(['verify', 'alice', '--scan', String(text)])).data.state).toBe('verified')
    expect((await shower.done).data.state).toBe('verified')
    expect((await bob.run(['verify', 'alice', '--scan', 'keystead-meet:AAAA'], 65)).error).toBe('BAD_MESSAGE')
    await alice.run(['contacts', 'remove', 'bob', '--silently'])
    await bob.run(['contacts', 'remove', 'alice', '--silently'])
  })
})

describe('RELATIONSHIP-28, 29: invitations for several, and strangers', () => {
  it('are asked about where that was wanted, in words that say what is not checked', async () => {
    const { data } = await alice.run(['invite', '--uses', '2', '--ask'])
    expect(data.url).toMatch(/\/i\?_oobid=[0-9a-f]{32}#[\w-]{43}$/)
    const { notes } = await bob.run(['accept', data.url, '--as', 'alice', '--wait', '0'], 75)
    expect(notes).toContain('The invitation says it is from "alice". Nobody has checked that.')
    await alice.run(['sync'])
    const [request] = (await alice.run(['requests'])).data.requests
    expect(request.summary).toContain('calls themselves "bob" (nobody has checked that)')
    await alice.run(['approve'])
    await bob.run(['sync'])
    expect(await statusOf(bob, 'alice')).toBe('connected')
    const [invitation] = (await alice.run(['invitations'])).data.invitations
    expect(invitation).toMatchObject({ used: 1, uses: 2, ask: true })
    await alice.run(['invitations', 'end', invitation.id])
    expect((await bob.run(['accept', data.url], 65)).error).toBe('INVITATION_EXPIRED')
    await alice.run(['contacts', 'remove', 'bob', '--silently'])
    await bob.run(['contacts', 'remove', 'alice', '--silently'])
  })
})

describe('RELATIONSHIP-25: contacts remove', () => {
  it('tells the other, who sees that the connection is over', async () => {
    await connect()
    expect((await alice.run(['contacts', 'remove', 'bob'])).data).toMatchObject({ done: true, told: true })
    await bob.run(['sync'])
    expect(await statusOf(bob, 'alice')).toBe('closed')
    expect((await bob.run(['message', 'alice', 'hello'], 65)).error).toBe('UNKNOWN_CONTACT')
    await bob.run(['contacts', 'remove', 'alice'])
    expect(await statusOf(bob, 'alice')).toBeUndefined()
  })

  it('--block: refused under the same public DID until unblocked', async () => {
    await connect()
    await alice.run(['contacts', 'remove', 'bob', '--block'])
    const { did } = (await alice.run(['show'])).data.identities[0]
    await bob.run(['contacts', 'remove', 'alice'])
    await bob.run(['connect', did, '--as', 'again', '--tell', '--wait', '0'], 75)
    await alice.run(['sync'])
    expect(await statusOf(alice, 'bob')).toBeUndefined()
    const { blocked } = (await alice.run(['contacts', 'blocked'])).data
    expect(blocked.map(({ label }: { label: string }) => label)).toContain('bob')
    await alice.run(['contacts', 'unblock', 'bob'])
    expect((await alice.run(['contacts', 'unblock', 'bob'], 65)).error).toBe('UNKNOWN_CONTACT')
  })
})

describe('VAULT-10: keys compromised', () => {
  it('shows what depends on the key, asks, replaces it in order, and says that it is done', async () => {
    const { keys } = (await alice.run(['keys'])).data
    const [key] = keys.filter(({ purpose, state }: Key) => purpose === 'signing' && state === 'active')
    const plan = (await alice.run(['keys', 'compromised', key.keyId.slice(0, 8), '--plan'])).data
    expect(plan.steps.map(({ kind }: { kind: string }) => kind)).toEqual(['identity'])
    expect((await alice.run(['keys', 'compromised', key.keyId], 65)).error).toBe('NO_INPUT')
    expect((await alice.run(['keys', 'compromised', key.keyId, '--since', 'lately', '--yes'], 65)).error).toBe(
      'BAD_TIME',
    )
    const { data } = await alice.run(['keys', 'compromised', key.keyId, '--yes'])
    expect(data.steps).toMatchObject([{ kind: 'identity', outcome: 'done' }])
    const now = (await alice.run(['keys'])).data.keys.find(({ keyId }: Key) => keyId === key.keyId)
    expect(now.events.map(({ to }: { to: string }) => to)).toContain('compromised')
  })
})

describe('VAULT-11: wallet export and import', () => {
  it('carries data to another wallet, where DIDs and contacts are memories, and leaves no key', async () => {
    await connect()
    await alice.run(['message', 'bob', 'to be kept'])
    const [file, secret] = [alice.file('export.age'), alice.file('export.passphrase')]
    writeFileSync(secret, 'correct horse battery\n')
    const unlock = ['--export-passphrase-file', secret]
    const { data } = await alice.run(['wallet', 'export', file, ...unlock])
    expect(data.records).toBeGreaterThan(2)
    expect((await alice.run(['wallet', 'export', file, ...unlock], 73)).error).toBe('FILE_EXISTS')
    expect(readFileSync(file).subarray(0, 21).toString()).toBe('age-encryption.org/v1')
    const { entries } = (await alice.run(['keys', 'audit'])).data
    expect(entries.at(-1)).toMatchObject({ event: 'records exported', records: data.records })

    const before = (await alice.run(['show'])).data.identities[0].did
    await carol.run(['init', '--label', 'carol'])
    const own = (await carol.run(['keys'])).data.keys.length
    const imported = (await carol.run(['wallet', 'import', file, ...unlock])).data
    expect(imported.added).toBeGreaterThan(2)
    expect((await carol.run(['wallet', 'import', file, ...unlock])).data).toMatchObject({ added: 0 })
    expect(await statusOf(carol, 'bob')).toBe('closed')
    expect((await carol.run(['keys'])).data.keys).toHaveLength(own)
    const { identities } = (await carol.run(['show'])).data
    expect(identities.find(({ did }: { did: string }) => did === before)).toMatchObject({ status: 'lost' })
    await carol.run(['rotate'])

    writeFileSync(secret, 'another passphrase\n')
    expect((await carol.run(['wallet', 'import', file, ...unlock], 65)).error).toBe('BAD_EXPORT')
  }, 240_000)
})
