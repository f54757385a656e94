/**
 * `spec/resolution-didcomm.md`, "What each of them sees": held to recorded traffic and to the databases, with every part a program of its
 * own: two agencies of two operators, a ledger node, people with wallets.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { connect, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { freePort } from '../../../scripts/free-port.ts'
import { Person } from '../../../scripts/story/person.ts'
import { openTown, type Town } from '../../../scripts/testing/town.ts'
import { AgencyProcess } from './testing/process.ts'

const home = mkdtempSync(join(tmpdir(), 'ks-resolvers-'))

/** A wire on which everything is written down, both ways. */
interface Wire {
  readonly url: string
  /** Requests as they were sent, since the last `clear`. */
  sent: Buffer[]
  all: Buffer[]
  clear(): void
}

let town: Town
let own: AgencyProcess
let other: AgencyProcess
/** From Alice to the ledger node, from the agencies to it, and to each agency. */
let hers: Wire
let agencies: Wire
let toOwn: Wire
let toOther: Wire
let alice: Person
let bob: Person
let aliceDid: string
let bobDid: string
const proxies: Server[] = []

async function wire(port: number): Promise<Wire> {
  const door = await freePort()
  const tap: Wire = {
    url: `http://127.0.0.1:${door}`,
    sent: [],
    all: [],
    clear: () => {
      tap.sent = []
      tap.all = []
    },
  }
  const proxy = createServer((client) => {
    const upstream = connect(port, '127.0.0.1')
    client.on('data', (data: Buffer) => {
      tap.sent.push(data)
      tap.all.push(data)
      upstream.write(data)
    })
    upstream.on('data', (data: Buffer) => {
      tap.all.push(data)
      client.write(data)
    })
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      from.on('close', () => to.destroy())
      from.on('error', () => to.destroy())
    }
  })
  proxies.push(proxy)
  await new Promise<void>((resolve) => proxy.listen(door, '127.0.0.1', resolve))
  return tap
}

function agency(name: string, tap: Wire, port: number): AgencyProcess {
  return new AgencyProcess({
    KEYSTEAD_AGENCY_DATA: join(home, name),
    KEYSTEAD_AGENCY_PORT: String(port),
    KEYSTEAD_AGENCY_PUBLIC_URL: tap.url,
    KEYSTEAD_AGENCY_OPERATOR: name,
    KEYSTEAD_LEDGER_URL: agencies.url,
  })
}

beforeAll(async () => {
  town = await openTown('resolvers', [])
  const ledger = Number(new URL(town.system.url('ledger')).port)
  hers = await wire(ledger)
  agencies = await wire(ledger)
  const [one, two] = [await freePort(), await freePort()]
  toOwn = await wire(one)
  toOther = await wire(two)
  own = agency('own', toOwn, one)
  other = agency('other', toOther, two)
  await Promise.all([own.start(), other.start()])
  const environment = { KEYSTEAD_AGENCY_URL: toOwn.url, KEYSTEAD_HOME: home }
  alice = new Person('alice', home, { ...environment, KEYSTEAD_LEDGER_URL: hers.url })
  bob = new Person('bob', home, { ...environment, KEYSTEAD_LEDGER_URL: town.system.url('ledger') })
  aliceDid = (await alice.run(['init'])).data.did
  bobDid = (await bob.run(['init'])).data.did
  const { data } = await alice.run(['invite', '--tell'])
  await alice.listening(() => bob.run(['accept', data.url, '--tell', '--wait', '60']))
}, 180_000)
afterAll(async () => {
  for (const proxy of proxies) proxy.close()
  await own?.stop('SIGKILL')
  await other?.stop('SIGKILL')
  await town?.end()
  rmSync(home, { recursive: true, force: true })
})

/** What a reader of envelopes finds: whatever is base64url in them, decoded again and again. */
function decoded(bytes: readonly Buffer[]): string {
  let text = Buffer.concat([...bytes]).toString('latin1')
  let found = text
  for (let depth = 0; depth < 3; depth++) {
    const inner = found.match(/[A-Za-z0-9_-]{24,}/g) ?? []
    found = inner.map((part) => Buffer.from(part, 'base64url').toString('latin1')).join('\n')
    text += `\n${found}`
  }
  return text
}

const clear = (): void => {
  for (const tap of [hers, agencies, toOwn, toOther]) tap.clear()
}

/** Lengths of the bodies that were posted. */
const posted = (tap: Wire): number[] =>
  [
    ...Buffer.concat(tap.sent)
      .toString('latin1')
      .matchAll(/^content-length: (\d+)/gim),
  ].map(([, n]) => Number(n))

/** The last part of a DID, as it stands in paths and in documents alike. */
const tail = (did: string): string => did.slice(did.lastIndexOf(':') + 1)

describe('resolving by another operator’s agency', () => {
  it('shows neither the ledger node nor the own agency whom a wallet looks up, nor the other agency who asks', async () => {
    const used = await alice.run(['resolver', 'use', toOther.url])
    expect(used.data).toMatchObject({ resolvers: [expect.stringMatching(/^did:peer:2/)], openly: false })
    await bob.run(['rotate'])
    const newest = (await bob.run(['resolve', bobDid])).data.didDocumentMetadata.versionId
    clear()
    const { data } = await alice.run(['resolve', bobDid])
    expect(data).toMatchObject({
      didDocument: { id: bobDid },
      didResolutionMetadata: { proofLevel: 'operator-signed' },
      didDocumentMetadata: { versionId: newest },
    })
    const sizes = posted(toOwn)
    const onTheWay = decoded([...toOwn.all, ...toOther.all])
    expect(onTheWay).toContain('did:peer:2')
    for (const secret of [tail(bobDid), tail(aliceDid)]) expect(onTheWay).not.toContain(secret)
    // The wallet, which knows where the ledger stands, asks its node nothing at all: there is no time to match.
    expect(hers.sent).toEqual([])
    expect(Buffer.concat(agencies.sent).toString('latin1')).toContain(tail(bobDid))

    // Another DID, a version, a DID that there is not: to the own agency all the same.
    clear()
    await alice.run(['resolve', `${bobDid.slice(0, -2)}AA`], 1)
    expect(posted(toOwn)[0]).toBe(sizes[0])
    clear()
    await alice.run(['resolve', bobDid, '--version-id', data.didDocumentMetadata.versionId])
    expect(posted(toOwn)[0]).toBe(sizes[0])
    expect(hers.sent).toEqual([])
  }, 60_000)

  it('proves a contact so, too', async () => {
    clear()
    const { data } = await bob.listening(() => alice.run(['verify', 'bob', '--seconds', '50']))
    expect(data.result).toBe('proven')
    expect(Buffer.concat(agencies.sent).toString('latin1')).toContain(tail(bobDid))
    expect(Buffer.concat(hers.sent).toString('latin1')).not.toContain(tail(bobDid))
  }, 90_000)

  it('says so with its own code when the other agency is away, and asks nobody else', async () => {
    await other.stop()
    clear()
    const refused = await alice.run(['resolve', bobDid], 69)
    expect(refused.data.didResolutionMetadata.error).toMatchObject({ code: 'RESOLVER_UNREACHABLE' })
    expect(hers.sent).toEqual([])
    expect((await alice.run(['resolve', bobDid, '--via', 'http'])).data.didDocument.id).toBe(bobDid)
    expect(Buffer.concat(hers.sent).toString('latin1')).toContain(tail(bobDid))
  }, 60_000)

  it('leaves nothing in either agency’s database', async () => {
    await own.stop()
    const text = (name: string): string => {
      const folder = join(home, name)
      const files = readdirSync(folder).filter((file) => file.startsWith('agency.sqlite'))
      return decoded(files.map((file) => readFileSync(join(folder, file))))
    }
    // The own agency has Bob's DID because he receives under it; the other has neither of them, and no DID of the moment.
    const theirs = text('other')
    expect(theirs).not.toContain(tail(bobDid))
    expect(theirs).not.toContain('did:peer')
    expect(own.log.concat(other.log).join('\n')).not.toContain('did:')
  })
})
