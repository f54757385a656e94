/** `keystead resolve` as a stranger and as an owner types it. */
import { spawn } from 'node:child_process'
import { createServer, type Server } from 'node:http'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { openAgent } from '@keystead/sdk/node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Person } from '../../../scripts/story/person.ts'
import { openTown, type Town } from '../../../scripts/testing/town.ts'

const cli = fileURLToPath(new URL('main.ts', import.meta.url))
const SOV = 'did:sov:WRfXPg8dantKVubE3HX8pw'
let town: Town
let alice: Person
let did: string
let universal: Server
let universalUrl: string

beforeAll(async () => {
  town = await openTown('resolve', ['agency', 'agency2'])
  alice = town.person('alice')
  did = (await alice.run(['init'])).data.did
  universal = createServer((_, answer) => answer.end(JSON.stringify({ didDocument: { id: SOV } })))
  await new Promise<void>((resolve) => universal.listen(0, '127.0.0.1', resolve))
  const address = universal.address()
  universalUrl = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`
})

afterAll(async () => {
  universal?.close()
  await town?.end()
})

/** A stranger: no wallet, no passphrase, nothing to answer a prompt. */
function stranger(...args: string[]): Promise<{ status: number | null; text: string }> {
  const child = spawn(
    process.execPath,
    ['--conditions=@keystead/source', cli, '-w', join(town.home, 'none'), 'resolve', ...args],
    {
      env: { ...process.env, KEYSTEAD_LEDGER_URL: town.system.url('ledger'), KEYSTEAD_UNIVERSAL_RESOLVER: '' },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  )
  let text = ''
  child.stdout.on('data', (data: Buffer) => {
    text += data.toString()
  })
  return new Promise((resolve) => child.on('close', (status) => resolve({ status, text })))
}

describe('resolve', () => {
  it('a did:dkms: anybody, without a wallet, is shown document, level, age and version', async () => {
    const { status, text } = await stranger(did)
    expect(status).toBe(0)
    expect(text).toContain(`"id": "${did}"`)
    expect(text).toMatch(/Method {3}did:dkms\nLevel {4}operator-signed: .*, \d+ s old\nVersion {2}0-Qm/)
  })

  it('the owner’s wallet answers the same, in one JSON object', async () => {
    const { data } = await alice.run(['resolve', did])
    expect(data).toMatchObject({
      didDocument: { id: did },
      didResolutionMetadata: { proofLevel: 'operator-signed', proofAge: expect.any(Number) },
    })
  })

  it('a part of a document, by its DID URL', async () => {
    const { data } = await alice.run(['resolve', did])
    const method = data.didDocument.verificationMethod[0]
    const { status, text } = await stranger(method.id)
    expect(status).toBe(0)
    expect(text).toContain(method.publicKeyMultibase)
    expect((await stranger(`${did}#none`)).status).toBe(1)
  })

  it('an older version, which stays after a rotation', async () => {
    const before = (await alice.run(['resolve', did])).data
    await alice.run(['rotate'])
    const { versionId } = before.didDocumentMetadata
    const { data } = await alice.run(['resolve', did, '--version-id', versionId])
    expect(data.didDocument).toEqual(before.didDocument)
    expect(data.didDocumentMetadata.nextVersionId).toMatch(/^1-/)
    expect((await stranger(did, '--version-id', versionId)).text).toMatch(/Version {2}0-\S+ since \S+ until \S+/)
  })

  it('what says everything itself, and needs nobody', async () => {
    const key = 'did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK'
    expect((await stranger(key)).text).toContain('Level    self-certifying')
  })

  it('RES-2: another method is another resolver’s word, marked unverified with its origin', async () => {
    const { status, text } = await stranger(SOV, '--universal-resolver', universalUrl)
    expect(status).toBe(0)
    expect(text).toContain(`Level    unverified: nobody here has checked it; the word of ${universalUrl}`)
  })

  it('RES-3: without one it says what to set', async () => {
    const { status, text } = await stranger(SOV)
    expect(status).toBe(1)
    expect(text).toContain('--universal-resolver <url> or KEYSTEAD_UNIVERSAL_RESOLVER')
    expect((await stranger(SOV, '--universal-resolver', 'resolver')).status).toBe(65)
  })

  it.each([
    ['nonsense', 1, 'a DID begins with did:'],
    ['did:web:127.0.0.1', 1, 'not valid'],
    ['did:dkms:nonsense', 1, 'not valid'],
  ])('%s is no DID', async (text, status, said) => {
    const answer = await stranger(text)
    expect([answer.status, answer.text]).toEqual([status, expect.stringContaining(said)])
  })

  it('RES-10: a host in a private network is not asked', async () => {
    const { status, text } = await stranger('did:web:localhost')
    expect(status).toBe(69)
    expect(text).toContain('no public address')
  })

  it('a ledger that is away has its own status', async () => {
    expect((await stranger(did, '--ledger', 'http://127.0.0.1:1')).status).toBe(69)
  })

  it('RES-30: a node of another network has its own status', async () => {
    expect((await stranger(did, '--network', `Qm${'a'.repeat(44)}`)).status).toBe(76)
  })
})

describe('resolve by agencies of other operators (RESOLVE-8)', () => {
  const other = (): string => town.system.url('agency2')
  let bob: string
  let otherDid: string

  beforeAll(async () => {
    bob = (await town.person('bob').run(['init'])).data.did
  })

  it('says whom a wallet asks, and changes that by one command', async () => {
    expect((await alice.run(['resolver', 'show'])).data).toEqual({ resolvers: [], openly: true })
    const { data } = await alice.run(['resolver', 'use', other(), '--openly'])
    expect(data).toEqual({ resolvers: [expect.stringMatching(/^did:peer:2/)], openly: true })
    expect((await alice.run(['resolver', 'show'])).data).toEqual(data)
    const { didDocument, didResolutionMetadata } = (await alice.run(['resolve', bob, '--max-age', '60'])).data
    expect([didDocument.id, didResolutionMetadata.proofLevel]).toEqual([bob, 'operator-signed'])
    expect((await alice.run(['resolve', bob, '--resolver', other()])).data.didDocument.id).toBe(bob)
    expect((await alice.run(['resolve', bob, '--via', 'didcomm'])).data.didDocument.id).toBe(bob)
    await alice.run(['resolver', 'off'])
    expect((await alice.run(['resolver', 'show'])).data.resolvers).toEqual([])
    // Whoever asks for the DID of an address shows their own, just before the question.
    expect((await alice.run(['resolve', bob, '--resolver', other()], 66)).error).toBe('NO_RESOLVER')
    otherDid = data.resolvers[0]
  })

  it('asks them for once', async () => {
    const { data } = await alice.run(['resolve', bob, '--resolver', otherDid])
    expect(data).toMatchObject({ didDocument: { id: bob }, didResolutionMetadata: { proofLevel: 'operator-signed' } })
    const part = data.didDocument.verificationMethod[0].id
    expect((await alice.run(['resolve', part, '--via', 'didcomm', '--resolver', otherDid])).data.content.id).toBe(part)
  })

  it('RESOLVE-9: takes their word for nothing that it cannot check, and asks nobody about what says everything', async () => {
    const key = 'did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK'
    const { data } = await alice.run(['resolve', key, '--resolver', otherDid])
    expect(data.didResolutionMetadata.proofLevel).toBe('self-certifying')
    const sov = await alice.run(['resolve', SOV, '--resolver', otherDid], 1)
    expect(sov.data.didResolutionMetadata).toMatchObject({
      error: { type: expect.stringContaining('METHOD_NOT_SUPPORTED') },
      proofLevel: 'unverified',
      resolver: other(),
    })
  })

  it.each([
    [['resolver', 'use'], 66, 'NO_RESOLVER'],
    [['resolver', 'use', 'agency2'], 66, 'NO_RESOLVER'],
    [['resolve', SOV, '--via', 'didcomm'], 66, 'NO_RESOLVER'],
    [['resolve', SOV, '--via', 'post'], 65, 'BAD_INPUT'],
    [['resolve', SOV, '--resolver', 'x', '--via', 'http'], 65, 'BAD_INPUT'],
    [['resolver', 'use', 'http://127.0.0.1:1'], 69, 'AGENCY_UNREACHABLE'],
  ])('refuses %j', async (args, status, error) => {
    expect((await alice.run(args, status)).error).toBe(error)
  })

  it('refuses the wallet’s own agency, which knows the account', async () => {
    expect((await alice.run(['resolver', 'use', town.system.url('agency')], 66)).error).toBe('NO_RESOLVER')
  })

  it('is one option of the SDK', async () => {
    const [ledger, agency] = [town.system.url('ledger'), town.system.url('agency')]
    await using agent = await openAgent({ label: 'Program', ledger, agency, resolvers: [other()] })
    expect((await agent.resolution())?.resolvers).toHaveLength(1)
    expect((await agent.resolve(bob)).didDocument?.id).toBe(bob)
  })
})
