/** A light client of a network of four validators: levels, pins, otherNodes, checkpoints, clocks, and what contradicts itself. */
import { base64url, type Clock, utf8 } from '@keystead/core'
import { installDriver } from '@keystead/crypto'
import { nodeDriver } from '@keystead/crypto/node'
import { encodeSubmission, networkHash } from '@keystead/did-dkms'
import {
  cosign,
  type FetchPort,
  formatCheckpoint,
  formatNote,
  headerHash,
  LedgerClient,
  type LedgerClientOptions,
  logOrigin,
  memoryPins,
  NOTE_COSIGNATURE,
  namedSource,
  type Pin,
  pinFromJson,
  pinToJson,
  provesEquivocation,
  type TrustSource,
} from '@keystead/light-client'
import { afterEach, describe, expect, test } from 'vitest'
import { Owner } from '../../../did-dkms/src/testing/owner.ts'
import { START, TestValidator } from '../../../light-client/src/testing/chain.ts'
import { BftLedger } from '../testing/bft.ts'
import { keys, removeFolders, withCode } from '../testing/ledger.ts'
import { ledgerHttp } from './app.ts'

afterEach(() => {
  installDriver(nodeDriver)
  removeFolders()
})

const DAY = 86_400

/** `http://<name>` of each ledger; a missing one does not answer. */
function wires(nodes: Readonly<Record<string, BftLedger | undefined>>): FetchPort {
  return async (url, init) => {
    const node = nodes[new URL(url).hostname]
    if (!node) throw new TypeError('fetch failed')
    return ledgerHttp(node, { freshSeconds: 1, log: () => {} }).request(url, init as RequestInit)
  }
}

function clientOf(
  nodes: Readonly<Record<string, BftLedger | undefined>>,
  options: Partial<LedgerClientOptions> & { clock: Clock },
) {
  const pins = memoryPins()
  const [first] = Object.values(nodes).filter((node) => node !== undefined)
  if (!first) throw new Error('a node')
  const client = new LedgerClient({ url: 'http://one', genesis: first.genesis, fetch: wires(nodes), pins, ...options })
  return { client, pins }
}

async function register(...ledgers: BftLedger[]): Promise<string> {
  const [first] = ledgers
  const genesis = await new Owner(keys, networkHash((first as BftLedger).genesis), START + DAY).genesis()
  for (const ledger of ledgers) await ledger.submit(encodeSubmission(genesis))
  return genesis.operation.did
}

/** Verifications of signatures from here on. */
function counted(): { count: number } {
  const counter = { count: 0 }
  installDriver({
    ...nodeDriver,
    verify: (...args) => {
      counter.count++
      return nodeDriver.verify(...args)
    },
  })
  return counter
}

describe('PROOF-7: a read says its level', () => {
  test('bft with four validators, operator-signed where one alone could sign', async () => {
    const four = new BftLedger()
    const did = await register(four)
    expect(await clientOf({ one: four }, { clock: four.clock }).client.resolve(did)).toMatchObject({
      level: 'bft',
      age: 0,
    })
    const whale = new BftLedger({ sets: new Map([[1, [new TestValidator('w', 7), new TestValidator('x', 3)]]]) })
    const { level } = await clientOf({ one: whale }, { clock: whale.clock }).client.head()
    expect(level).toBe('operator-signed')
  })

  test('a new head costs three verifications of four validators, the same head none, however long the log', async () => {
    const ledger = new BftLedger()
    const did = await register(ledger)
    for (let i = 0; i < 20; i++) await register(ledger)
    const { client } = clientOf({ one: ledger }, { clock: ledger.clock })
    const counter = counted()
    await client.resolve(did)
    expect(counter.count).toBe(3)
    await client.resolve(did)
    expect(counter.count).toBe(3)
    ledger.pass(1)
    await client.resolve(did)
    expect(counter.count).toBe(6)
  })
})

describe('WITNESS-4: independent witnesses raise the level', () => {
  async function witnessedNode(cosignedAt = 0, interval = 1) {
    const ledger = new BftLedger({ interval })
    const did = await register(ledger)
    const { logSize, logRoot } = ledger.head
    const key = await keys.ephemeral({ kind: 'signing', suite: 'ed25519' })
    const witness = { name: 'witness.example', type: NOTE_COSIGNATURE, publicKey: key.publicKey.bytes } as const
    const text = formatCheckpoint({ origin: logOrigin(ledger.genesis), size: logSize, root: logRoot })
    const time = ledger.clock.now() / 1000 + cosignedAt
    const note = formatNote({ text, signatures: [await cosign(witness.name, key, text, time)] })
    await register(ledger)
    const fetch: FetchPort = async (url, init) =>
      url.endsWith('/v1/witnessed') ? new Response(note) : wires({ one: ledger })(url, init)
    const witnessPolicy = { witnesses: [witness], threshold: 1, maxAge: 300 }
    return {
      did,
      client: clientOf({ one: ledger }, { clock: ledger.clock, fetch, witnessPolicy }).client,
      ledger,
      fetch,
      witnessPolicy,
    }
  }

  test('bft+witnessed when enough of ours cosigned what the head continues, else bft', async () => {
    const { client, did, ledger, fetch } = await witnessedNode()
    expect((await client.resolve(did)).level).toBe('bft+witnessed')
    const stranger = (await keys.ephemeral({ kind: 'signing', suite: 'ed25519' })).publicKey.bytes
    const witnesses = [{ name: 'witness.example', type: NOTE_COSIGNATURE, publicKey: stranger } as const]
    const witnessPolicy = { witnesses, threshold: 1, maxAge: 300 }
    const other = clientOf({ one: ledger }, { clock: ledger.clock, fetch, witnessPolicy })
    expect((await other.client.resolve(did)).level).toBe('bft')
    expect((await (await witnessedNode(-301)).client.head()).level).toBe('bft')
  })

  test('what is no note raises nothing, and stops no read', async () => {
    const { ledger, did } = await witnessedNode()
    const fetch: FetchPort = async (url, init) =>
      url.endsWith('/v1/witnessed') ? new Response(Uint8Array.of(0xff, 0xfe)) : wires({ one: ledger })(url, init)
    const witnessPolicy = { witnesses: [], threshold: 0, maxAge: 300 }
    const { client } = clientOf({ one: ledger }, { clock: ledger.clock, fetch, witnessPolicy })
    expect(await client.resolve(did)).toMatchObject({ level: 'bft', witnesses: [] })
  })

  test('nobody is asked of a head that no two sources confirm: its witnesses would be named beside what is not believed', async () => {
    const { did, ledger, fetch, witnessPolicy } = await witnessedNode(0, 3600)
    ledger.pass(24 * 15)
    const asked: string[] = []
    const watched: FetchPort = (url, init) => {
      asked.push(url)
      return fetch(url, init)
    }
    const parts = { clock: ledger.clock, fetch: watched, witnessPolicy: { ...witnessPolicy, maxAge: 30 * DAY } }
    const { client } = clientOf({ one: ledger }, parts)
    expect(await client.resolve(did)).toMatchObject({ level: 'unverified', confirmed: false, witnesses: [] })
    expect(asked.filter((url) => url.endsWith('/v1/witnessed'))).toEqual([])
  })
})

describe('PROOF-11: the validators may change', () => {
  const v = (name: string) => new TestValidator(name)
  const sets = new Map([
    [1, ['a', 'b', 'c', 'd'].map(v)],
    [30, ['c', 'd', 'e', 'f'].map(v)],
    [60, ['e', 'f', 'g', 'h'].map(v)],
  ])

  test('a client follows them from its pin, and from genesis', async () => {
    const ledger = new BftLedger({ sets })
    const did = await register(ledger)
    const { client } = clientOf({ one: ledger }, { clock: ledger.clock })
    await client.resolve(did)
    ledger.pass(100)
    expect((await client.resolve(did)).pin.nextValidators).toHaveLength(4)
    expect((await clientOf({ one: ledger }, { clock: ledger.clock }).client.resolve(did)).state?.seq).toBe(0)
    const sequential = clientOf({ one: ledger }, { clock: ledger.clock, mode: 'sequential' })
    expect((await sequential.client.head()).pin.hash).toBe((await client.head()).pin.hash)
  })

  test('validators whom nobody handed over to are not believed', async () => {
    const honest = new BftLedger()
    const did = await register(honest)
    const pins = memoryPins()
    await clientOf({ one: honest }, { clock: honest.clock, pins }).client.resolve(did)
    const forged = new BftLedger({ sets: new Map([[1, ['x', 'y', 'z'].map(v)]]) })
    await register(forged)
    forged.pass(20)
    const misled = clientOf({ one: forged }, { clock: forged.clock, pins, genesis: honest.genesis })
    await expect(misled.client.head()).rejects.toMatchObject(withCode('PROOF_INVALID'))
  })

  test('a pin survives being written down', async () => {
    const ledger = new BftLedger({ sets })
    ledger.pass(40)
    const { client, pins } = clientOf({ one: ledger }, { clock: ledger.clock })
    await client.head()
    const pin = (await pins.load()) as Pin
    expect(pinFromJson(JSON.parse(JSON.stringify(pinToJson(pin))))).toEqual(pin)
  })
})

describe('PROOF-12: trust ends with the trusting period', () => {
  test('a wallet that was away too long is told so; what a second source confirms is believed again', async () => {
    const ledger = new BftLedger({ interval: 3600 })
    const did = await register(ledger)
    const pins = memoryPins()
    await clientOf({ one: ledger }, { clock: ledger.clock, pins }).client.resolve(did)
    ledger.pass(24 * 15)
    await expect(clientOf({ one: ledger }, { clock: ledger.clock, pins }).client.resolve(did)).rejects.toMatchObject(
      withCode('TRUST_EXPIRED'),
    )
    const point = {
      height: ledger.height - 5,
      hash: base64url.encode(headerHash(ledger.chain.header(ledger.height - 5))),
    }
    const source = namedSource('the agency', point)
    const again = clientOf({ one: ledger }, { clock: ledger.clock, pins, sources: [source] })
    expect(await again.client.resolve(did)).toMatchObject({ level: 'bft', confirmed: true })
  })

  test('rule 19: a new wallet on an old network that nobody confirms can read, unverified, and not write', async () => {
    const ledger = new BftLedger({ interval: 3600 })
    const did = await register(ledger)
    ledger.pass(24 * 15)
    const { client, pins } = clientOf({ one: ledger }, { clock: ledger.clock })
    expect(await client.resolve(did)).toMatchObject({ level: 'unverified', confirmed: false })
    expect(await pins.load()).toBeUndefined()
    const other = await new Owner(keys, networkHash(ledger.genesis), ledger.clock.now() / 1000 + DAY).genesis()
    await expect(client.submit(other)).rejects.toMatchObject(withCode('UNCONFIRMED_NETWORK'))
    expect((await client.resolve(other.operation.did)).state).toBeNull()
  })

  test('another node that answers nonsense counts as one that is silent, and stops no read', async () => {
    const ledger = new BftLedger({ interval: 3600 })
    const did = await register(ledger)
    ledger.pass(24 * 15)
    const name = utf8(ledger.genesis.chainId)
    const nodes = wires({ one: ledger, two: ledger })
    const fetch: FetchPort = async (url, init) => {
      const answer = await nodes(url, init)
      if (new URL(url).hostname !== 'two') return answer
      const bytes = Buffer.from(await answer.arrayBuffer())
      // The name of the chain is no text any more (RFC 3629).
      const at = bytes.indexOf(name)
      return new Response(at < 0 ? bytes : bytes.fill(0xff, at, at + name.length), answer)
    }
    const { client } = clientOf({ one: ledger }, { clock: ledger.clock, fetch, otherNodes: ['http://two'] })
    expect(await client.resolve(did)).toMatchObject({ level: 'unverified', confirmed: false })
  })

  test('rule 19: the node and one source are not two; two sources that agree on one chain are, however old one of them is', async () => {
    const ledger = new BftLedger({ interval: 3600 })
    const did = await register(ledger)
    ledger.pass(24 * 40)
    const named = (name: string, height: number) =>
      namedSource(name, { height, hash: base64url.encode(headerHash(ledger.chain.header(height))) })
    const read = async (...sources: TrustSource[]) => {
      const { client, pins } = clientOf({ one: ledger }, { clock: ledger.clock, sources })
      const { confirmed } = await client.resolve(did)
      expect((await pins.load()) !== undefined).toBe(confirmed)
      return confirmed
    }
    const [agency, kit] = [named('the agency', ledger.height - 5), named('the kit', 3)]
    expect(await read(agency)).toBe(false)
    expect(await read(agency, agency)).toBe(false)
    expect(await read(agency, named('the agency', 3))).toBe(false)
    expect(await read(agency, named('http://one', 3))).toBe(false)
    expect(await read(kit, named('a release', 9))).toBe(false)
    expect(await read(agency, kit)).toBe(true)
    expect(await read(kit, named('an inviter', ledger.height))).toBe(true)
    const liar = namedSource('a liar', { height: ledger.height - 2, hash: 'A'.repeat(43) })
    expect(await read(agency, liar, kit)).toBe(true)
  })

  test('rule 19: another operator’s node that the reader names is a source too', async () => {
    const [one, two] = [new BftLedger({ interval: 3600 }), new BftLedger({ interval: 3600 })]
    for (const ledger of [one, two]) ledger.pass(24 * 15)
    const point = { height: one.height - 5, hash: base64url.encode(headerHash(one.chain.header(one.height - 5))) }
    const parts = { clock: one.clock, otherNodes: ['http://two'] }
    expect(await clientOf({ one, two }, { ...parts, checkpoint: point }).client.head()).toMatchObject({
      confirmed: true,
    })
    expect(await clientOf({ one, two }, parts).client.head()).toMatchObject({ confirmed: false })
  })

  test('rule 19: a chain of the node and one source that does not follow from what another knows is not believed', async () => {
    const real = new BftLedger({ interval: 3600 })
    const made = new BftLedger({
      interval: 3600,
      flavour: 'made up',
      sets: new Map([[1, ['x', 'y', 'z'].map((name) => new TestValidator(name))]]),
    })
    for (const ledger of [real, made]) ledger.pass(24 * 15)
    const at = (ledger: BftLedger, name: string, height: number) =>
      namedSource(name, { height, hash: base64url.encode(headerHash(ledger.chain.header(height))) })
    const sources = [at(made, 'the agency', made.height - 5), at(real, 'the kit', 3)]
    const { client, pins } = clientOf({ one: made }, { clock: made.clock, genesis: real.genesis, sources })
    await expect(client.head()).rejects.toMatchObject(withCode('UNCONFIRMED_NETWORK'))
    expect(pins.evidence).toMatchObject([{ kind: 'checkpoint', checkpoint: { source: 'the kit', height: 3 } }])
  })

  test('rule 19: two sources are no two voices for a chain to which no signatures lead from what the older one knows', async () => {
    const real = new BftLedger({ interval: 3600 })
    const made = new BftLedger({
      interval: 3600,
      flavour: 'made up',
      sets: new Map([[1, ['x', 'y', 'z'].map((name) => new TestValidator(name))]]),
    })
    for (const ledger of [real, made]) ledger.pass(24 * 15)
    const at = (ledger: BftLedger, name: string, height: number) =>
      namedSource(name, { height, hash: base64url.encode(headerHash(ledger.chain.header(height))) })
    // The node shows the old block as it was, so that the kit agrees with it, and everything since as it likes.
    const nodes = wires({ one: made, two: real })
    const fetch: FetchPort = (url, init) =>
      nodes(/light-blocks\/3$/.test(url) ? url.replace('//one', '//two') : url, init)
    const sources = [at(made, 'the agency', made.height - 5), at(real, 'the kit', 3)]
    const options = { url: 'http://one', genesis: real.genesis, clock: made.clock, pins: memoryPins(), fetch, sources }
    expect(await new LedgerClient(options).head()).toMatchObject({ confirmed: false, level: 'unverified' })
    expect(await options.pins.load()).toBeUndefined()
  })

  test('rule 19: a source that names another block is evidence, and neither is believed', async () => {
    const ledger = new BftLedger({ interval: 3600 })
    ledger.pass(24 * 15)
    const source = namedSource('the kit', { height: ledger.height, hash: 'A'.repeat(43) })
    const { client, pins } = clientOf({ one: ledger }, { clock: ledger.clock, sources: [source] })
    await expect(client.head()).rejects.toMatchObject(withCode('UNCONFIRMED_NETWORK'))
    expect(pins.evidence).toMatchObject([{ kind: 'checkpoint', checkpoint: { source: 'the kit' } }])
  })
})

describe('PROOF-13: another node is asked as well', () => {
  test('one that agrees confirms; one that is away, behind or lying is passed over; none is WITNESSES_SILENT', async () => {
    const [one, two] = [new BftLedger(), new BftLedger()]
    const did = await register(one, two)
    const stranger = new BftLedger({ sets: new Map([[1, ['x', 'y', 'z'].map((name) => new TestValidator(name))]]) })
    stranger.pass(10)
    const otherNodes = ['http://away', 'http://stranger', 'http://two']
    const nodes = { one, stranger, two, away: undefined }
    const { client } = clientOf(nodes, { clock: one.clock, otherNodes })
    expect(await client.resolve(did)).toMatchObject({ level: 'bft' })
    const { two: _, ...alone } = nodes
    const silent = clientOf(alone, { clock: one.clock, otherNodes })
    await expect(silent.client.resolve(did)).rejects.toMatchObject(withCode('WITNESSES_SILENT'))
    expect(await silent.pins.load()).toBeUndefined()
  })

  test('row N10: two signed headers of one height are refused, and both kept for others to judge', async () => {
    const [one, two] = [new BftLedger(), new BftLedger({ flavour: 'fork', forkAt: 3 })]
    await register(one)
    await register(two)
    const { client, pins } = clientOf({ one, two }, { clock: one.clock, otherNodes: ['http://two'] })
    await expect(client.head()).rejects.toMatchObject(withCode('LEDGER_FORKED'))
    expect(pins.evidence).toMatchObject([{ kind: 'attack', commonHeight: 0, witness: 'http://two' }])
    expect(await pins.load()).toBeUndefined()
  })

  test('another node stands in for one that is away or behind', async () => {
    const [one, two] = [new BftLedger(), new BftLedger()]
    const did = await register(one, two)
    const { client, pins } = clientOf(
      { one, two, three: two },
      { clock: one.clock, otherNodes: ['http://two', 'http://three'] },
    )
    const first = await client.resolve(did)
    await register(two)
    const clock = two.clock
    const away = clientOf({ two, three: two }, { clock, pins, otherNodes: ['http://two', 'http://three'] })
    expect((await away.client.resolve(did)).pin.height).toBeGreaterThan(first.pin.height)
    const behind = clientOf({ one, two, three: two }, { clock, pins, otherNodes: ['http://two', 'http://three'] })
    expect((await behind.client.resolve(did)).pin.height).toBe(two.height)
    const alone = clientOf({ one }, { clock, pins })
    await expect(alone.client.resolve(did)).rejects.toMatchObject(withCode('HEADER_STALE'))
  })
})

describe('PROOF-9: what was seen stays seen', () => {
  test('rule 17: a log that does not continue the pinned one is LEDGER_ROLLBACK, with evidence that proves the fork', async () => {
    const one = new BftLedger()
    await register(one)
    const pins = memoryPins()
    await clientOf({ one }, { clock: one.clock, pins }).client.head()
    const fork = new BftLedger()
    await register(fork)
    await expect(clientOf({ one: fork }, { clock: fork.clock, pins }).client.head()).rejects.toMatchObject(
      withCode('LEDGER_ROLLBACK'),
    )
    const [evidence] = pins.evidence
    expect(provesEquivocation(evidence as never, one.chain.signers(one.height))).toBe(true)
    expect(provesEquivocation(evidence as never, one.chain.signers(1).slice(1))).toBe(false)
    await register(fork)
    await expect(clientOf({ one: fork }, { clock: fork.clock, pins }).client.head()).rejects.toMatchObject(
      withCode('LEDGER_ROLLBACK'),
    )
  })

  test('a clock behind the newest header is CLOCK_WRONG; a read says how old it may be', async () => {
    const one = new BftLedger()
    const did = await register(one)
    const at = (ahead: number) => ({ now: () => one.clock.now() + ahead * 1000, sleep: async () => {} })
    await expect(clientOf({ one }, { clock: at(-11) }).client.head()).rejects.toMatchObject(withCode('CLOCK_WRONG'))
    const late = clientOf({ one }, { clock: at(100) }).client
    expect(await late.resolve(did)).toMatchObject({ age: 100 })
    await expect(late.resolve(did, { maxAge: 99 })).rejects.toMatchObject(withCode('HEADER_STALE'))
  })
})

describe('PROOF-14: heads that peers show', () => {
  async function views() {
    const [one, fork] = [new BftLedger(), new BftLedger()]
    await register(one, fork)
    const [alice, bob] = [clientOf({ one }, { clock: one.clock }), clientOf({ one: fork }, { clock: one.clock })]
    const seen = async ({ client }: typeof alice) => {
      await client.head()
      const head = await client.pinnedHead()
      if (!head) throw new Error('nothing pinned')
      return head
    }
    return { one, fork, alice, bob, seen }
  }

  test('the same, an earlier and a later view of one history are no alarm', async () => {
    const { one, alice, seen } = await views()
    const early = await seen(alice)
    expect(await alice.client.comparePeerHead(early)).toBe('same')
    await register(one)
    await alice.client.head()
    expect(await alice.client.comparePeerHead(early)).toBe('consistent')
    // A wallet that never saw the earlier head itself demands the proof.
    const fresh = clientOf({ one }, { clock: one.clock })
    await fresh.client.head()
    expect(await fresh.client.comparePeerHead(early)).toBe('consistent')
    const late = await seen(clientOf({ one }, { clock: one.clock }))
    const frozen = new BftLedger()
    expect(await clientOf({ one: frozen }, { clock: one.clock }).client.comparePeerHead(late)).toBe('ahead')
    expect(alice.pins.evidence).toEqual([])
  })

  test('rule 17: another history is LEDGER_FORKED, whoever is longer, with both heads kept', async () => {
    const { one, fork, alice, bob, seen } = await views()
    await register(one)
    await register(fork)
    const other = await seen(bob)
    await expect(alice.client.comparePeerHead(other)).rejects.toMatchObject(withCode('LEDGER_FORKED'))
    expect(alice.pins.evidence).toMatchObject([{ kind: 'fork' }])
    await register(one)
    await expect(alice.client.comparePeerHead(other)).rejects.toMatchObject(withCode('LEDGER_FORKED'))
  })

  test('a head that nobody signed says nothing', async () => {
    const { alice, bob, fork, seen } = await views()
    await register(fork)
    const head = await seen(bob)
    const unsigned = { ...head, header: { ...head.header, dataHash: head.mapRoot } }
    expect(await alice.client.comparePeerHead(unsigned)).toBe('unjudged')
    const otherRoots = { ...head, logRoot: head.mapRoot }
    expect(await alice.client.comparePeerHead(otherRoots)).toBe('unjudged')
    const strangers = new BftLedger({ sets: new Map([[1, [new TestValidator('x')]]]) })
    expect(await alice.client.comparePeerHead(strangers.head)).toBe('unjudged')
    expect(alice.pins.evidence).toEqual([])
  })
})
