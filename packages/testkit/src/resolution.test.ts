/** Resolution over DIDComm (row S10, `spec/resolution-didcomm.md`): by agencies of other operators, which learn nothing of who asks. */
import type { Resolution } from '@keystead/agent/cloud'
import type { ResolutionSettings } from '@keystead/agent/edge'
import { base64url, concatBytes, type JsonObject, KeysteadError, systemRandom, utf8, utf8Decode } from '@keystead/core'
import { encodeMultikey, publicKeyToJwk } from '@keystead/crypto'
import { createDidPeer2, localResolver, type ResolutionResult, unresolved, verificationMethods } from '@keystead/did'
import { developmentParameters } from '@keystead/did-dkms'
import { pack, unpack } from '@keystead/didcomm'
import { ledgerHttp } from '@keystead/ledger'
import { askNode, decodeBundle, encodeBundle, historyToJson, LedgerClient, memoryPins } from '@keystead/light-client'
import { x25519 } from '@noble/curves/ed25519.js'
import { Message as TheirMessage } from 'didcomm-node'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { ask, askAsNobody } from '../../agent/src/edge/agency-link.ts'
import { sendChallenge } from '../../agent/src/edge/key-verify.ts'
import { makeAccount } from '../../agent/src/edge/own-dids.ts'
import { askResolver, askThroughAgency } from '../../agent/src/edge/resolution/ask.ts'
import { lookUp } from '../../agent/src/edge/resolution/lookup.ts'
import { put } from '../../agent/src/edge/store.ts'
import { HISTORY_PART_BYTES, MIN_PADDED_ANSWER, PADDED_QUESTION, RELAYS_AT_ONCE } from '../../agent/src/limits.ts'
import {
  HISTORY,
  parseHistoryPart,
  RESOLVE,
  RESOLVE_RESULT,
} from '../../agent/src/protocols/did-resolution/messages.ts'
import { DISCLOSE, QUERIES } from '../../agent/src/protocols/discover-features/messages.ts'
import { LEDGER_READ } from '../../agent/src/protocols/ledger-read/messages.ts'
import { RELAY_SEND } from '../../agent/src/protocols/relay/messages.ts'
import { AGENCY, LEDGER, Network } from './network.ts'
import type { Person } from './person.ts'

/** Other operators' agencies, the ledger node they ask, and Alice's own. */
const [B, C, NODE, HERS] = ['http://b.test', 'http://c.test', 'http://node.test', 'http://hers.test']
const KEY = 'did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK'

let network: Network
let alice: Person
let bob: Person
let bobDid: string
/** What the resolvers were asked, and what they do with what they find out. */
let asked: string[]
let twist: (result: ResolutionResult, did: string) => ResolutionResult | Promise<ResolutionResult>
let twistHistory: (bytes: Uint8Array) => Uint8Array
const honest = (result: ResolutionResult): ResolutionResult => result

beforeAll(async () => {
  network = await Network.open()
  const { wires, ledger, clock } = network
  const app = ledgerHttp(ledger, { freshSeconds: 1, log: () => {} })
  for (const origin of [NODE, HERS]) wires.connect(origin, (request) => app.fetch(request))
  const client = new LedgerClient({ url: NODE, genesis: ledger.genesis, fetch: wires.fetch, pins: memoryPins(), clock })
  const resolution: Resolution = {
    resolve: async ({ did, options }) => {
      asked.push(did)
      const found = did.startsWith('did:dkms:')
        ? await client.resolver({ proofs: true }).resolve(did, options)
        : await localResolver.resolve(did, options)
      return twist(found, did)
    },
    history: async (did, maxBytes) => {
      asked.push(did)
      return twistHistory(await askNode(wires.fetch, `${NODE}/v1/log/${encodeURIComponent(did)}`, {}, maxBytes))
    },
  }
  await network.addAgency('b', { resolution })
  await network.addAgency('c', { resolution })
  alice = await network.person('alice')
  bob = await network.person('bob')
  alice.ledgerUrl = HERS
  await alice.restart()
  await network.connect(alice, bob)
  bobDid = (await bob.agent.publicIdentity()).did
})
afterAll(() => network?.close())

beforeAll(reset)
afterEach(async () => {
  reset()
  network.wires.tamper(undefined)
  for (const origin of [B, C, HERS, AGENCY, NODE]) network.wires.mend(origin)
  await alice.agent.useNoResolvers()
})

function reset(): void {
  asked = []
  twist = honest
  twistHistory = (bytes) => bytes
}

/** Everything that leaves wallets and agencies, as it happens. */
function watch(): { url: string; body: Uint8Array; answer: Uint8Array }[] {
  const seen: { url: string; body: Uint8Array; answer: Uint8Array }[] = []
  network.wires.tamper(({ url, body }, answer) => {
    seen.push({ url, body, answer })
    return undefined
  })
  return seen
}

const setTo = (settings: ResolutionSettings): Promise<void> =>
  alice.agent.edge.records.commit([put('resolution', 'self', settings)])

const codeOf = (result: ResolutionResult): string | undefined => result.didResolutionMetadata.error?.code

const code = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => 'done',
    (error: { code?: string }) => error.code ?? error,
  )

const resolverDid = (n: number): string => network.agencies[n]?.options.did ?? ''

describe('a wallet that asks agencies of other operators', () => {
  it('RESOLVE-7: resolves by one of them, proven as by the ledger node, which is not asked', async () => {
    await alice.agent.useResolvers([B])
    const before = await alice.agent.edge.ports.ledger.pinnedHead()
    network.advance(30)
    await bob.agent.rotateAll()
    network.wires.cut(HERS)
    const result = await alice.agent.resolve(bobDid)
    expect(asked).toEqual([bobDid])
    expect(result).toMatchObject({
      didDocument: { id: bobDid },
      didResolutionMetadata: { proofLevel: 'operator-signed', proofAge: expect.any(Number) },
      didDocumentMetadata: { versionId: expect.stringMatching(/^[1-9]/) },
    })
    // The pin went on by what the resolver showed, with growth that the own agency brought.
    const after = await alice.agent.edge.ports.ledger.pinnedHead()
    expect(after?.logSize).toBeGreaterThan(before?.logSize ?? 0)
  })

  it('reads older versions, histories and absence alike', async () => {
    await alice.agent.useResolvers([B])
    network.wires.cut(HERS)
    const { didDocumentMetadata } = await alice.agent.resolve(bobDid, { versionTime: '2026-01-01T00:00:20Z' })
    expect(didDocumentMetadata).toMatchObject({ versionId: expect.stringMatching(/^0-/) })
    expect((await alice.agent.history(bobDid)).history.state.did).toBe(bobDid)
    const absent = bobDid.replace(/.$/, (last) => (last === 'A' ? 'B' : 'A'))
    const { didDocument, didResolutionMetadata } = await alice.agent.resolve(absent)
    expect(didDocument).toBeNull()
    expect(didResolutionMetadata.error).toMatchObject({ type: expect.stringContaining('NOT_FOUND') })
    expect(asked).toContain(absent)
  })

  it('RESOLVE-8: proves a contact’s keys so: every DID of somebody else goes that way, and no DID to the ledger node', async () => {
    await alice.agent.useResolvers([B, C])
    const seen = watch()
    const verifying = alice.agent.verify('bob')
    for (let round = 0; round < 4; round++) {
      await bob.agent.sync()
      await alice.agent.sync()
    }
    await verifying
    expect(asked).toContain(bobDid)
    const told = seen.filter(({ url }) => url.startsWith(HERS))
    expect(told.filter(({ url }) => url.includes(encodeURIComponent(bobDid)))).toEqual([])
    await alice.agent.useNoResolvers()
    await alice.agent.resolve(bobDid)
    expect(told.length).toBeLessThan(seen.filter(({ url }) => url.startsWith(HERS)).length)
  })

  it('RESOLVE-10: reads a history that is longer than an answer in parts, each asked for by nobody it knows', async () => {
    await alice.agent.useResolvers([B])
    twistHistory = (bytes) => concatBytes(bytes, utf8(' '.repeat(2.5 * HISTORY_PART_BYTES)))
    const seen = watch()
    expect((await alice.agent.history(bobDid)).history.state.did).toBe(bobDid)
    const questions = seen.filter(({ url, body }) => url.startsWith(B) && body.length > 0)
    expect(questions).toHaveLength(3)
    expect(new Set(questions.map(({ body }) => body.length)).size).toBe(1)
    expect(questions[1]?.answer.length).toBe(questions[0]?.answer.length)
    // It is gone a minute later, and by a handle that is made up, or for a part that there is not, nothing is had.
    const { edge } = alice.agent
    const part = (body: JsonObject) => askThroughAgency(edge, resolverDid(1), { type: HISTORY, body })
    const { handle = '' } = parseHistoryPart((await part({ did: bobDid })).body)
    expect(parseHistoryPart((await part({ handle, part: 1 })).body)).toEqual({ part: 1, parts: 3 })
    expect(await code(part({ handle, part: 3 }))).toBe('RESULT_GONE')
    expect(await code(part({ handle: 'A'.repeat(22), part: 1 }))).toBe('RESULT_GONE')
    network.advance(61)
    expect(await code(part({ handle, part: 1 }))).toBe('RESULT_GONE')
  })

  it('RESOLVE-10: has nothing of a part without the others', async () => {
    await alice.agent.useResolvers([B])
    const { options } = network.agencies[1] as { options: { resolution?: unknown } }
    const { resolution } = options
    const bytes = utf8('{}')
    for (const begin of [
      { part: 1, parts: 2, handle: 'A'.repeat(22), bytes },
      { part: 0, parts: 2, bytes },
    ]) {
      options.resolution = { history: async () => bytes, held: { begin: () => begin } }
      expect(await code(alice.agent.history(bobDid))).toBe('RESOLVER_UNREACHABLE')
    }
    options.resolution = resolution
  })

  it('does not ask by way of an agency about that agency itself', async () => {
    const carol = await network.person('carol of another agency')
    await carol.agent.useResolvers([B])
    const { agency, ...profile } = await carol.agent.profile()
    if (!agency) throw new Error('no agency')
    await carol.agent.edge.records.commit([put('profile', 'self', { ...profile, agency: { ...agency, did: bobDid } })])
    expect(await lookUp(carol.agent.edge, bobDid, async (how) => how)).toEqual({})
  })

  it('RESOLVE-7: believes no history that was changed, shortened or is of another', async () => {
    await alice.agent.useResolvers([B])
    const own = (await alice.agent.publicIdentity()).did
    const { bundle } = await alice.agent.edge.ports.ledger.history(own)
    const { consistency: _, ...proof } = bundle.proof
    for (const lie of [
      (bytes: Uint8Array) => utf8(utf8Decode(bytes).replace('"seq":0', '"seq":1')),
      (bytes: Uint8Array) => utf8(JSON.stringify({ ...JSON.parse(utf8Decode(bytes)), entries: [] })),
      (bytes: Uint8Array) => bytes.subarray(1),
      () => utf8(JSON.stringify(historyToJson({ ...bundle, proof }))),
    ]) {
      twistHistory = lie
      expect(await code(alice.agent.history(bobDid))).toBe('PROOF_INVALID')
    }
  })

  it('does not ask about what says everything itself, nor about its own DID', async () => {
    await alice.agent.useResolvers([B])
    await alice.agent.resolve(KEY)
    await alice.agent.resolve((await alice.agent.publicIdentity()).did)
    expect(asked).toEqual([])
  })

  it('asks the next when one is silent', async () => {
    await alice.agent.useResolvers([B, C])
    network.wires.cut(B)
    for (let n = 0; n < 6; n++) expect((await alice.agent.resolve(bobDid)).didDocument?.id).toBe(bobDid)
    expect(asked).toHaveLength(6)
  })

  it('spreads its questions, so that none learns all', async () => {
    await alice.agent.useResolvers([B, C])
    const seen = watch()
    for (let n = 0; n < 24; n++) await alice.agent.resolve(bobDid)
    for (const origin of [B, C]) expect(seen.some(({ url }) => url.startsWith(origin))).toBe(true)
  })

  it('RESOLVE-8: MUST NOT ask anybody else when none answers, unless it was told to, and then says so', async () => {
    await alice.agent.useResolvers([B])
    network.wires.cut(B)
    const seen = watch()
    expect(codeOf(await alice.agent.resolve(bobDid))).toBe('RESOLVER_UNREACHABLE')
    expect(await code(alice.agent.history(bobDid))).toBe('RESOLVER_UNREACHABLE')
    expect(seen.filter(({ url }) => url.startsWith(HERS))).toEqual([])
    network.wires.mend(B)
    await alice.agent.useResolvers([B], { openly: true })
    network.wires.cut(B)
    expect((await alice.agent.resolve(bobDid)).didDocument?.id).toBe(bobDid)
    expect(alice.events.at(-1)).toMatchObject({ kind: 'resolved-openly' })
  })

  it('nor when its own agency is away, or carries nothing', async () => {
    await alice.agent.useResolvers([B])
    network.wires.cut(AGENCY)
    expect(codeOf(await alice.agent.resolve(bobDid))).toBe('RESOLVER_UNREACHABLE')
  })

  it.each([
    ['while a resolver is silent', () => network.wires.cut(B)],
    ['while whom to ask cannot be read', () => setTo({ resolvers: [], openly: true })],
  ])('AGENT-7: mail that cannot be judged waits %s', async (_, trouble) => {
    await alice.agent.useResolvers([B])
    const { edge } = alice.agent
    const { nonce } = await alice.agent.edge.alone(async () => sendChallenge(edge, await alice.agent.contact('bob')))
    await alice.agent.sync()
    expect((await bob.agent.sync()).sent).toBe(1)
    await trouble()
    const told = alice.events.length
    expect(await alice.agent.sync()).toMatchObject({ handled: 0 })
    expect(alice.events.slice(told).map(({ kind }) => kind)).not.toContain('message-refused')
    network.wires.mend(B)
    await alice.agent.useResolvers([B])
    expect(await alice.agent.sync()).toMatchObject({ handled: 1 })
    expect((await edge.records.get('challenge', nonce))?.verdict?.result).toBe('proven')
  })

  it('RESOLVE-8: a setting that cannot be read is no leave to ask openly', async () => {
    await alice.agent.edge.records.commit([put('resolution', 'self', { resolvers: [] as string[], openly: true })])
    const seen = watch()
    expect(codeOf(await alice.agent.resolve(bobDid))).toBe('NO_RESOLVER')
    expect(seen).toEqual([])
  })

  it('RESOLVE-8: what a resolver lies about is no reason to ask openly', async () => {
    await alice.agent.useResolvers([B], { openly: true })
    twist = (result) => ({ ...result, didDocumentMetadata: { proof: [{ type: 'DkmsStateProof', proof: 'AAAA' }] } })
    const seen = watch()
    expect(codeOf(await alice.agent.resolve(bobDid))).toBe('PROOF_INVALID')
    expect(seen.filter(({ url }) => url.startsWith(HERS))).toEqual([])
  })

  it('RESOLVE-8: its own agency under another DID is known by its address', async () => {
    const key = { suite: 'x25519' as const, bytes: x25519.getPublicKey(x25519.utils.randomSecretKey()) }
    const serviceEndpoint = { uri: `${AGENCY}/`, accept: ['didcomm/v2'], routingKeys: [] }
    const did = createDidPeer2([{ purpose: 'E', key }], [{ type: 'DIDCommMessaging', serviceEndpoint }])
    expect(await code(alice.agent.useResolvers([did]))).toBe('NO_RESOLVER')
    await alice.agent.edge.records.commit([put('resolution', 'self', { resolvers: [did], openly: false })])
    const seen = watch()
    expect(codeOf(await alice.agent.resolve(bobDid))).toBe('RESOLVER_UNREACHABLE')
    expect(seen).toEqual([])
  })

  it('RESOLVE-8: for a question at once, an address is good where its DID is known', async () => {
    const seen = watch()
    expect(await code(alice.agent.resolverBy([B]))).toBe('NO_RESOLVER')
    expect(seen).toEqual([])
    await alice.agent.useResolvers([B])
    expect((await (await alice.agent.resolverBy([B])).resolve(bobDid)).didDocument?.id).toBe(bobDid)
    expect((await (await alice.agent.resolverBy()).resolve(bobDid)).didDocument?.id).toBe(bobDid)
  })

  it('RESOLVE-7: the own agency that shows nothing of the ledger keeps answers from being verified, and no node is asked', async () => {
    await alice.agent.useResolvers([B])
    network.advance(60)
    await bob.agent.rotateAll()
    const { options } = network.agency as { options: { ledgerRead?: unknown } }
    const { ledgerRead } = options
    options.ledgerRead = undefined
    const seen = watch()
    expect(codeOf(await alice.agent.resolve(bobDid))).toBe('RESOLVER_UNREACHABLE')
    expect(seen.filter(({ url }) => url.startsWith(HERS))).toEqual([])
    options.ledgerRead = ledgerRead
    expect((await alice.agent.resolve(bobDid)).didDocument?.id).toBe(bobDid)
  })

  it('RESOLVE-8: an agency that became its own by a move is asked no more', async () => {
    const carol = await network.person('carol')
    await carol.agent.useResolvers([B])
    await carol.agent.moveTo({ did: resolverDid(1), url: B })
    await network.settle(carol)
    asked = []
    expect(codeOf(await carol.agent.resolve(bobDid))).toBe('RESOLVER_UNREACHABLE')
    expect(asked).not.toContain(bobDid)
    // Nor is the one before, while it forwards.
    expect(await code(carol.agent.useResolvers([AGENCY]))).toBe('NO_RESOLVER')
    await carol.agent.useResolvers([C])
    expect((await carol.agent.resolve(bobDid)).didDocument?.id).toBe(bobDid)
  })

  it('RESOLVE-8: its own agency is none, nor one that resolves nothing; without a name it takes those of the PIN', async () => {
    expect(await code(alice.agent.useResolvers([AGENCY]))).toBe('NO_RESOLVER')
    expect(await code(alice.agent.useResolvers([B, B]))).toBe('NO_RESOLVER')
    expect(await code(alice.agent.useResolvers(['b.test']))).toBe('NO_RESOLVER')
    expect(await code(alice.agent.useResolvers())).toBe('NO_RESOLVER')
    const { options } = network.agencies[1] as { options: { resolution?: unknown } }
    const { resolution } = options
    options.resolution = undefined
    expect(await code(alice.agent.useResolvers([B]))).toBe('NO_RESOLVER')
    options.resolution = resolution
    expect(await alice.agent.resolution()).toBeUndefined()
    const agents = [{ id: resolverDid(2), endpoint: C, operator: 'c' }]
    await alice.agent.edge.records.commit([put('escrow', '1', { agents } as never)])
    expect((await alice.agent.useResolvers()).resolvers).toEqual([resolverDid(2)])
    await alice.agent.edge.records.commit([{ category: 'escrow', name: '1' }])
  })
})

describe('a resolver that lies', () => {
  const proofOf = ({ didDocumentMetadata }: ResolutionResult): { type: string; proof: string } =>
    (didDocumentMetadata['proof'] as unknown as { type: string; proof: string }[])[0] as never
  const withProof = (result: ResolutionResult, proof: Uint8Array): ResolutionResult => ({
    ...result,
    didDocumentMetadata: { proof: [{ type: 'DkmsStateProof', proof: base64url.encode(proof) }] },
  })

  it('RESOLVE-7: about the document, is not heard: only the proof is read', async () => {
    await alice.agent.useResolvers([B])
    const truth = await alice.agent.resolve(bobDid)
    twist = (result) => ({
      ...result,
      didDocument: { ...result.didDocument, service: [] } as never,
      didResolutionMetadata: { proofLevel: 'bft+witnessed' },
    })
    expect(await alice.agent.resolve(bobDid)).toEqual(truth)
  })

  it.each([
    ['a changed byte', (bytes: Uint8Array) => bytes.map((byte, n) => (n === bytes.length - 20 ? byte ^ 1 : byte))],
    ['half of it', (bytes: Uint8Array) => bytes.subarray(0, bytes.length / 2)],
    ['the document left out', (bytes: Uint8Array) => encodeBundle({ ...decodeBundle(bytes), bodies: [] })],
    [
      'absence claimed',
      (bytes: Uint8Array) => {
        const { state: _, ...bundle } = decodeBundle(bytes)
        return encodeBundle({ ...bundle, bodies: [] })
      },
    ],
    [
      'a proof of growth of its own',
      (bytes: Uint8Array) => encodeBundle({ ...decodeBundle(bytes), consistency: { from: 1, path: [] } }),
    ],
  ])('RESOLVE-7: with %s in its proof is PROOF_INVALID', async (_, change) => {
    await alice.agent.useResolvers([B])
    twist = (result) => withProof(result, change(base64url.decode(proofOf(result).proof)))
    expect(codeOf(await alice.agent.resolve(bobDid))).toBe('PROOF_INVALID')
  })

  it('RESOLVE-7: with the proof of another DID is PROOF_INVALID', async () => {
    await alice.agent.useResolvers([B])
    const other = (await alice.agent.publicIdentity()).did
    const { didDocumentMetadata } = await (await alice.agent.resolverBy([resolverDid(2)])).resolve(other)
    expect(didDocumentMetadata['proof']).toBeUndefined()
    const node = new LedgerClient({
      url: NODE,
      genesis: network.ledger.genesis,
      fetch: network.wires.fetch,
      pins: memoryPins(),
      clock: network.clock,
    })
    const another = await node.resolver({ proofs: true }).resolve(other)
    twist = (result) => ({ ...result, didDocumentMetadata: another.didDocumentMetadata })
    expect(codeOf(await alice.agent.resolve(bobDid))).toBe('PROOF_INVALID')
  })

  it('that shows no proof has told nothing', async () => {
    await alice.agent.useResolvers([B])
    twist = (result) => ({ ...result, didDocumentMetadata: {} })
    expect(codeOf(await alice.agent.resolve(bobDid))).toBe('RESOLVER_UNREACHABLE')
  })

  it('RESOLVE-7: with an older answer than this wallet has seen is HEADER_STALE, and the next is asked', async () => {
    await alice.agent.useResolvers([B])
    let kept: ResolutionResult | undefined
    twist = (result) => {
      kept ??= result
      return kept
    }
    await alice.agent.resolve(bobDid)
    network.advance(60)
    await bob.agent.rotateAll()
    await alice.agent.edge.ports.ledger.head()
    expect(codeOf(await alice.agent.resolve(bobDid))).toBe('HEADER_STALE')
    await alice.agent.useResolvers([B, C])
    let behind = true
    twist = (result) => {
      const old = behind ? kept : undefined
      behind = false
      return old ?? result
    }
    expect((await alice.agent.resolve(bobDid)).didDocument?.id).toBe(bobDid)
    expect(behind).toBe(false)
  })

  it('RESOLVE-7: with another past, well signed, is LEDGER_ROLLBACK, and the evidence is kept', async () => {
    await alice.agent.edge.ports.ledger.head()
    const liar = 'http://liar.test'
    const fork = await network.fork(liar)
    // Both go on, each by itself.
    network.advance(60)
    await bob.agent.rotateAll()
    await alice.agent.edge.ports.ledger.head()
    network.advance(600)
    await fork.refresh(1)
    const client = new LedgerClient({
      url: liar,
      genesis: network.ledger.genesis,
      fetch: network.wires.fetch,
      pins: memoryPins(),
      clock: network.clock,
    })
    await alice.agent.useResolvers([B])
    twist = (_, did) => client.resolver({ proofs: true }).resolve(did)
    const kept = (await alice.agent.evidence()).length
    expect(codeOf(await alice.agent.resolve(bobDid))).toBe('LEDGER_ROLLBACK')
    expect(await alice.agent.evidence()).toHaveLength(kept + 1)
  })

  it('RESOLVE-9: about a method that is not verified here, is its word and marked so', async () => {
    const did = 'did:example:123'
    const word = { didDocument: { id: did }, didResolutionMetadata: { proofLevel: 'bft' }, didDocumentMetadata: {} }
    twist = () => word as never
    const resolver = await alice.agent.resolverBy([resolverDid(1)])
    expect((await resolver.resolve(did)).didResolutionMetadata).toMatchObject({ proofLevel: 'unverified', resolver: B })
    twist = () => ({ ...word, didDocument: { id: 'did:example:456' } }) as never
    expect((await resolver.resolve(did)).didResolutionMetadata.error?.type).toContain('INVALID_DID_DOCUMENT')
    expect((await resolver.resolve(KEY)).didResolutionMetadata.proofLevel).toBe('self-certifying')
    // And no part of the wallet takes a key out of it.
    await alice.agent.useResolvers([B])
    expect((await alice.agent.resolve(did)).didDocument).toBeNull()
  })
})

describe('a wallet that has to find out where the network stands (PROOF-12)', () => {
  it('follows the chain by its own ledger node, so that its agency is one voice and not two', async () => {
    const town = await Network.open()
    const { wires, ledger, clock } = town
    // One that was never away: it reads anew each time.
    const fresh = () =>
      new LedgerClient({ url: LEDGER, genesis: ledger.genesis, fetch: wires.fetch, pins: memoryPins(), clock })
    const resolution: Resolution = {
      resolve: ({ did, options }) => fresh().resolver({ proofs: true }).resolve(did, options),
    }
    await town.addAgency('b', { resolution })
    const [carol, dave] = [await town.person('carol'), await town.person('dave')]
    const { did } = await dave.agent.publicIdentity()
    await carol.agent.useResolvers([B])
    await carol.agent.resolve(did)
    town.advance(developmentParameters.trustingPeriod + 1)
    // The resolver's reader follows the chain, too: what Carol's asks besides is of after its answer.
    const seen: string[] = []
    wires.tamper(({ url }) => {
      seen.push(url)
      return undefined
    })
    await carol.agent.resolve(did)
    const answered = seen.findIndex((url) => url.startsWith(B))
    expect(answered).toBeGreaterThan(0)
    expect(seen.slice(answered).filter((url) => url.startsWith(`${LEDGER}/v1/light-blocks/`)).length).toBeGreaterThan(0)
    await town.close()
  })
})

describe('what each of them sees', () => {
  /** As the agency itself reads what comes to it. */
  const read = async (n: number, bytes: Uint8Array) => {
    const { key } = network.agencies[n]?.options ?? {}
    const secrets = { agreementKey: async (kid: string) => (kid === key?.kid ? key.key : undefined) }
    return (await unpack(bytes, { resolver: localResolver, secrets })).message
  }

  it('RESOLVE-6: the own agency sees an account, a resolver and one size, whatever is asked; the resolver a DID and nobody', async () => {
    const dids = [bobDid, (await alice.agent.publicIdentity()).did, `${bobDid.slice(0, -2)}AA`]
    await alice.agent.useResolvers([B])
    const seen = watch()
    const resolver = await alice.agent.resolverBy([resolverDid(1)])
    for (const did of dids) await resolver.resolve(did)
    const account = (await alice.agent.profile()).agency?.account
    const relayed = []
    for (const { url, body } of seen.filter(({ url }) => url.startsWith(AGENCY))) {
      const message = await read(0, body)
      expect([RELAY_SEND, LEDGER_READ]).toContain(message.type)
      expect(message.from).toBe(account)
      for (const did of dids) expect(JSON.stringify(message)).not.toContain(did)
      if (message.type === RELAY_SEND) relayed.push({ url, message })
    }
    expect(relayed).toHaveLength(3)
    const carried = relayed.map(({ message }) => JSON.stringify(message.attachments).length)
    expect(new Set(carried).size).toBe(1)

    const came = seen.filter(({ url, body }) => url.startsWith(B) && body.length > 0)
    expect(new Set(came.map(({ answer }) => answer.length)).size).toBe(1)
    const questions = await Promise.all(came.map(({ body }) => read(1, body)))
    expect(questions.map(({ body }) => body['did'])).toEqual(dids)
    // Nothing that is the same twice, or that says who, when or how far the asker has read.
    const names = questions.map(({ from }) => from)
    expect(new Set(names).size).toBe(3)
    for (const question of questions) {
      expect(question.type).toBe(RESOLVE)
      expect(Object.keys(question).sort()).toEqual(['body', 'from', 'id', 'return_route', 'to', 'typ', 'type'])
      expect(Object.keys(question.body).sort()).toEqual(['did', 'input_options', 'padding'])
      expect(question.body['input_options']).toEqual({ result_type: 'resolution-result', no_cache: true })
      const own = (await alice.agent.edge.records.all('own-did')).map(({ name }) => name)
      for (const name of own) if (name !== question.body['did']) expect(JSON.stringify(question)).not.toContain(name)
    }
  })

  it('RESOLVE-4: a question and an answer have sizes out of few', async () => {
    const seen = watch()
    const resolver = await alice.agent.resolverBy([resolverDid(1)])
    await resolver.resolve(bobDid)
    const [question] = seen.filter(({ url, body }) => url.startsWith(B) && body.length > 0)
    const opened = await read(1, question?.body ?? new Uint8Array())
    expect(JSON.stringify(opened).length).toBe(PADDED_QUESTION)
    // The answer's JWE is as long as its ciphertext in base64url, and some headers.
    const least = (MIN_PADDED_ANSWER * 4) / 3
    expect(question?.answer.length).toBeGreaterThan(least)
    expect(question?.answer.length).toBeLessThan(least + 4096)
  })
})

describe('an agency as a relay', () => {
  /** For somebody else than who gets it. */
  const toAnother = (): Promise<Uint8Array> => {
    const key = encodeMultikey({ suite: 'x25519', bytes: x25519.getPublicKey(x25519.utils.randomSecretKey()) as never })
    const message = { id: '1', type: 'https://example.org/question/1.0/ask', body: {} }
    return pack(message, { to: `did:key:${key}`, resolver: localResolver, random: systemRandom })
  }
  const send = async (to: string, attachment?: Uint8Array) =>
    askWith(RELAY_SEND, { to }, attachment ?? (await toAnother()))
  const askWith = (type: string, body: JsonObject, attachment?: Uint8Array) => code(askThrough(type, body, attachment))
  const askThrough = async (type: string, body: JsonObject, attachment?: Uint8Array) => {
    const { did, account } = (await alice.agent.profile()).agency ?? { did: '', account: '' }
    return ask(alice.agent.edge, did, account, { type, body, ...(attachment ? { attachment } : {}) })
  }

  it('RELAY-2: carries nothing for whoever has no account with a mailbox', async () => {
    const { edge } = alice.agent
    const body = { to: resolverDid(1) }
    const request = { type: RELAY_SEND, body, attachment: utf8('{}') }
    expect(await code(askAsNobody(edge, resolverDid(0), request))).toBe('NOT_GRANTED')
    const own = await makeAccount(edge)
    await edge.records.commit([put('own-did', own.did, own)])
    expect(await code(ask(edge, resolverDid(0), own.did, request))).toBe('NOT_GRANTED')
    expect(await code(ask(edge, resolverDid(0), own.did, { type: LEDGER_READ, body: { path: '/v1/head' } }))).toBe(
      'NOT_GRANTED',
    )
  })

  it('RELAY-3: carries nothing to itself, to a DID without an address, or to one that is no did:peer', async () => {
    const key = { suite: 'x25519' as const, bytes: x25519.getPublicKey(x25519.utils.randomSecretKey()) }
    expect(await send(resolverDid(0))).toBe('RELAY_REFUSED')
    expect(await send(createDidPeer2([{ purpose: 'E', key }], []))).toBe('RELAY_REFUSED')
    expect(await send('did:web:b.test')).toBe('BAD_FIELD')
  })

  it('RELAY-3: brings back only what is an encrypted answer', async () => {
    // What cannot be opened is refused with 400 and problem details: not for the asker to read.
    expect(await send(resolverDid(1))).toBe('RELAY_SILENT')
    network.wires.cut(B)
    expect(await send(resolverDid(1))).toBe('RELAY_SILENT')
  })

  it('RELAY-4: carries a bounded number, and a bounded size', async () => {
    expect(await send(resolverDid(1), new Uint8Array(64 * 1024))).toBe('RELAY_REFUSED')
    expect(await send(resolverDid(1), utf8('no message for anybody'))).toBe('RELAY_REFUSED')
    let refused: unknown
    for (let n = 0; n < RELAYS_AT_ONCE + 1 && refused !== 'TOO_MANY_REQUESTS'; n++) refused = await send(resolverDid(1))
    expect(refused).toBe('TOO_MANY_REQUESTS')
    network.advance(60)
    expect(await send(resolverDid(1))).toBe('RELAY_SILENT')
  })

  it('RELAY-5: shows of the ledger what names no DID, and nothing else', async () => {
    expect(await askWith(LEDGER_READ, { path: '/v1/head' })).toBe('done')
    for (const path of [
      `/v1/proofs/${bobDid}`,
      `/1.0/identifiers/${bobDid}`,
      '/v1/../1.0/methods',
      '/v1/head?x=y',
      '//other.test/v1/head',
      '/v1/export',
    ])
      expect(await askWith(LEDGER_READ, { path })).toBe('BAD_FIELD')
    expect(await askWith(LEDGER_READ, { path: '/v1/light-blocks/999999' })).toBe('NOT_FOUND')
  })
})

describe('an agency as a resolver', () => {
  it('RESOLVE-1: is found by discover-features where its operator lets it', async () => {
    const queries = { queries: [{ 'feature-type': 'protocol', match: 'https://keystead.dev/*' }] }
    const disclosed = async (n: number): Promise<string> => {
      const answer = await askAsNobody(alice.agent.edge, resolverDid(n), { type: QUERIES, body: queries })
      expect(answer.type).toBe(DISCLOSE)
      return JSON.stringify(answer.body)
    }
    const ours = ['did-resolution/1.0', 'relay/1.0', 'ledger-read/1.0']
    for (const name of ours) expect(await disclosed(1)).toContain(`https://keystead.dev/${name}`)
    const { options } = network.agencies[1] as { options: { resolution?: unknown; relay?: unknown } }
    const { resolution, relay } = options
    options.resolution = undefined
    options.relay = undefined
    for (const name of ours) expect(await disclosed(1)).not.toContain(name)
    const question = { did: KEY, options: {} }
    expect(await code(askResolver(alice.agent.edge, resolverDid(1), question))).toBe('RESOLVER_UNREACHABLE')
    Object.assign(options, { resolution, relay })
  })

  it('RESOLVE-2: refuses what is no question, and answers bad options with an error of DID Resolution', async () => {
    const { edge } = alice.agent
    const put = (body: JsonObject) => askThroughAgency(edge, resolverDid(1), { type: RESOLVE, body })
    expect(await code(put({ did: 'nonsense' }))).toBe('BAD_FIELD')
    expect(await code(put({ did: KEY, more: 1 }))).toBe('UNKNOWN_FIELD')
    expect(await code(put({ did: `did:key:${'z'.repeat(3000)}` }))).toBe('BAD_FIELD')
    const options = { version_time: 'yesterday' }
    const { body } = await put({ did: bobDid, input_options: options })
    expect(body).toMatchObject({
      did_document: null,
      did_resolution_metadata: { error: { type: 'https://www.w3.org/ns/did#INVALID_OPTIONS' } },
    })
  })

  it('RESOLVE-5: says nothing of its own network when it cannot find out', async () => {
    network.wires.cut(NODE)
    const { body } = await askThroughAgency(alice.agent.edge, resolverDid(1), { type: RESOLVE, body: { did: bobDid } })
    expect(body['did_resolution_metadata']).toMatchObject({ error: { code: 'LEDGER_UNREACHABLE' } })
    expect(JSON.stringify(body)).not.toContain(new URL(NODE).host)
  })

  it('RESOLVE-5: refuses what does not fit into an answer, and more than it has hands for', async () => {
    const question = { type: RESOLVE, body: { did: KEY } }
    const put = () => code(askAsNobody(alice.agent.edge, resolverDid(1), question))
    twist = (result) => ({ ...result, didDocument: { id: KEY, x: 'x'.repeat(260 * 1024) } as never })
    expect(await put()).toBe('RESULT_TOO_LARGE')
    twist = () => unresolved('INTERNAL_ERROR', 'of a version', 'TOO_LARGE')
    expect(await put()).toBe('RESULT_TOO_LARGE')
    twistHistory = () => {
      throw new KeysteadError('TOO_LARGE', 'of a history')
    }
    const history = { type: HISTORY, body: { did: bobDid } }
    expect(await code(askAsNobody(alice.agent.edge, resolverDid(1), history))).toBe('RESULT_TOO_LARGE')
    let open: () => void = () => {}
    const held = new Promise<void>((resolve) => {
      open = resolve
    })
    twist = async (result) => {
      await held
      return result
    }
    const waiting = Array.from({ length: 65 }, put)
    const first = await Promise.race(waiting)
    open()
    expect(first).toBe('RESOLVER_BUSY')
    expect((await Promise.all(waiting)).filter((one) => one === 'RESOLVER_BUSY')).toHaveLength(1)
  })

  it('is understood by an unmodified DIDComm v2 agent: didcomm-node asks, and reads the answer', async () => {
    const secret = x25519.utils.randomSecretKey()
    const key = { suite: 'x25519' as const, bytes: x25519.getPublicKey(secret) }
    const did = createDidPeer2([{ purpose: 'E', key }], [])
    const jwk = (bytes: Uint8Array) => publicKeyToJwk({ suite: 'x25519', bytes: Uint8Array.from(bytes) })
    const document = async (of: string) => {
      const { didDocument } = await localResolver.resolve(of)
      if (!didDocument) return null
      const agreement = verificationMethods(didDocument, 'keyAgreement')
      return {
        id: of,
        keyAgreement: agreement.map(({ id }) => id),
        authentication: [],
        verificationMethod: agreement.map(({ id, publicKey }) => ({
          id,
          type: 'JsonWebKey2020',
          controller: of,
          publicKeyJwk: jwk(publicKey.bytes),
        })),
        service: [],
      }
    }
    const kid = `${did}#key-1`
    const privateKeyJwk = { ...jwk(key.bytes), d: base64url.encode(secret) }
    const secrets = {
      get_secret: async (id: string) => (id === kid ? { id, type: 'JsonWebKey2020', privateKeyJwk } : null),
      find_secrets: async (ids: string[]) => ids.filter((id) => id === kid),
    }
    const to = resolverDid(1)
    const question = new TheirMessage({
      id: 'q1',
      typ: 'application/didcomm-plain+json',
      type: RESOLVE,
      from: did,
      to: [to],
      return_route: 'all',
      body: { did: bobDid },
    } as never)
    const resolver = { resolve: document } as never
    const [packed] = await question.pack_encrypted(to, did, null, resolver, secrets as never, { forward: false })
    const answer = await network.wires.fetch(`${B}/`, { method: 'POST', body: Uint8Array.from(utf8(packed)) })
    const text = utf8Decode(new Uint8Array(await answer.arrayBuffer()))
    const [opened, metadata] = await TheirMessage.unpack(text, resolver, secrets as never, {})
    expect(metadata).toMatchObject({ authenticated: true })
    expect(opened.as_value()).toMatchObject({
      type: RESOLVE_RESULT,
      from: to,
      thid: 'q1',
      body: { did_document: { id: bobDid } },
    })
    // RFC 0124: the document alone, unless the whole result is asked for.
    expect(Object.keys((opened.as_value() as { body: object }).body).sort()).toEqual(['did_document', 'padding'])
  })
})
