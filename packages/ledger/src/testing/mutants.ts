/** Lies of a node about one DID, byte by byte and by design, as many as one wants; each must be refused. */
import { base64url, equalBytes, seededRandom } from '@keystead/core'
import { encodeSubmission, networkHash, type Submission } from '@keystead/did-dkms'
import {
  type CommitSignature,
  decodeBundle,
  encodeBundle,
  type Head,
  LedgerClient,
  memoryPins,
  type Pin,
  type ProofBundle,
  trimCommit,
} from '@keystead/light-client'
import { Owner } from '../../../did-dkms/src/testing/owner.ts'
import { blockId, START, signCommit, TestValidator } from '../../../light-client/src/testing/chain.ts'
import { ledgerHttp } from '../http/app.ts'
import { readBundle } from '../http/read.ts'
import { BftLedger } from './bft.ts'
import { keys } from './ledger.ts'

type Bytes = Uint8Array<ArrayBuffer>
type Draw = (below: number) => number
export type Kind = keyof typeof BYTE_LEVEL | keyof typeof LIES

/** What a liar has at hand: the honest answer, an older one, one about somebody else, an absence, and another network's. */
interface Material {
  readonly honest: Bytes
  readonly bundle: ProofBundle
  readonly old: ProofBundle
  readonly other: ProofBundle
  readonly absent: ProofBundle
  readonly foreign: ProofBundle
}

const BYTE_LEVEL = {
  'a bit flipped': (bytes: Bytes, draw: Draw) => {
    const copy = bytes.slice()
    const at = draw(copy.length)
    copy[at] = (copy[at] as number) ^ (1 << draw(8))
    return copy
  },
  'a byte replaced': (bytes: Bytes, draw: Draw) => {
    const copy = bytes.slice()
    copy[draw(copy.length)] = draw(256)
    return copy
  },
  'bytes left out': (bytes: Bytes, draw: Draw) => {
    const at = draw(bytes.length)
    return join(bytes.subarray(0, at), bytes.subarray(at + 1 + draw(64)))
  },
  'bytes put in': (bytes: Bytes, draw: Draw) => {
    const at = draw(bytes.length + 1)
    return join(bytes.subarray(0, at), noise(1 + draw(64), draw), bytes.subarray(at))
  },
  'the end cut off': (bytes: Bytes, draw: Draw) => bytes.slice(0, draw(bytes.length)),
  'a stretch copied elsewhere': (bytes: Bytes, draw: Draw) => {
    const copy = bytes.slice()
    const [from, to] = [draw(copy.length), draw(copy.length)]
    copy.set(copy.slice(from, from + 1 + draw(32)).slice(0, copy.length - to), to)
    return copy
  },
} satisfies Record<string, (bytes: Bytes, draw: Draw) => Bytes>

const LIES = {
  'another document': ({ bundle }, draw) => ({
    ...bundle,
    bodies: bundle.bodies.map((body) => {
      const keysSalt = base64url.encode(noise(16, draw))
      const uri = `https://${randomText(draw, 8)}.example`
      const services = body.services.map((service) => ({ ...service, serviceEndpoint: uri }))
      return draw(2) ? { ...body, keysSalt } : { ...body, services }
    }),
  }),
  'another state': ({ bundle }, draw) => {
    const state = (bundle.state ?? new Uint8Array(1)).slice()
    // A digit for another: still canonical JSON of a state.
    const digits = [...state.keys()].filter((i) => (state[i] as number) >= 0x30 && (state[i] as number) <= 0x39)
    state[digits[draw(digits.length)] as number] = 0x30 + draw(10)
    return { ...bundle, state }
  },
  'an older answer': ({ old }, draw) => withHead(old, (head) => ({ commit: dropped(head, draw, 0) })),
  'an old state under the new head': ({ bundle, old }, draw) => ({
    ...mixed(bundle, old, draw),
    ...(old.state ? { state: old.state } : {}),
  }),
  'the proof of another DID': ({ bundle, other }, draw) => ({
    ...other,
    ...pick(bundle, draw, ['head', 'system', 'systemProof']),
  }),
  'false absence': ({ bundle, absent, other }, draw) => {
    const { state: _, bodies: __, ...rest } = bundle
    const proofs = [absent.stateProof, other.stateProof, bundle.stateProof]
    const { siblings, leaf } = proofs[draw(3)] as ProofBundle['stateProof']
    const cut = siblings.slice(draw(siblings.length + 1))
    return { ...rest, bodies: [], stateProof: leaf && draw(2) ? { leaf, siblings: cut } : { siblings: cut } }
  },
  'a commit cut short': ({ bundle }, draw) =>
    withHead(bundle, (head) => ({ commit: dropped(head, draw, 1 + draw(3)) })),
  'signatures in other places': ({ bundle }, draw) =>
    withHead(bundle, ({ commit }) => ({ commit: { ...commit, signatures: shuffled(commit.signatures, draw) } })),
  'a signature of another vote': ({ bundle, old }, draw) =>
    withHead(bundle, ({ commit }) => {
      const signatures = [...commit.signatures]
      const votes = old.head.commit.signatures
      signatures[draw(signatures.length)] = votes[draw(votes.length)] as CommitSignature
      return { commit: { ...commit, signatures } }
    }),
  'another network': ({ bundle, foreign }, draw) => ({
    ...foreign,
    ...pick(bundle, draw, ['state', 'stateProof', 'bodies', 'system', 'consistency']),
  }),
  'a header changed and renamed': ({ bundle }, draw) =>
    withHead(bundle, ({ header, commit }) => {
      const fields = ['lastCommitHash', 'dataHash', 'validatorsHash', 'nextValidatorsHash', 'appHash'] as const
      const changes = [
        { [fields[draw(fields.length)] as string]: noise(32, draw) },
        { time: { seconds: header.time.seconds + 1 + draw(9), nanos: draw(1_000_000_000) } },
        { height: header.height + 1 + draw(1000) },
        { version: { block: 11, app: draw(3) } },
      ]
      const changed = { ...header, ...changes[draw(changes.length)] }
      return { header: changed, commit: { ...commit, height: changed.height, blockId: blockId(changed) } }
    }),
  'a header signed by strangers': ({ bundle }, draw) =>
    withHead(bundle, ({ header }) => {
      const strangers = Array.from({ length: 4 }, () => new TestValidator(randomText(draw, 8)))
      return { commit: signCommit({ ...header, dataHash: noise(32, draw) }, strangers) }
    }),
  'other roots': ({ bundle, old }, draw) =>
    withHead(bundle, (head) => {
      const roots = [
        { mapRoot: old.head.mapRoot },
        { logRoot: old.head.logRoot, logSize: old.head.logSize },
        { logSize: head.logSize + 1 + draw(1000) },
        { mapRoot: noise(32, draw) },
      ]
      return roots[draw(roots.length)] as Partial<Head>
    }),
  'no or another proof of growth': ({ bundle }, draw) => {
    const { consistency, ...rest } = bundle
    if (!consistency || draw(8) === 0) return rest
    const path = consistency.path.map((hash) => (draw(2) ? noise(32, draw) : hash))
    return {
      ...rest,
      consistency: { from: consistency.from + draw(3) - 1, path: path.slice(0, draw(path.length + 1)) },
    }
  },
  'another time': ({ bundle }, draw) => {
    const system = bundle.system.slice()
    const digits = [...system.keys()].filter((i) => (system[i] as number) >= 0x30 && (system[i] as number) <= 0x39)
    system[digits[draw(digits.length)] as number] = 0x30 + draw(10)
    return { ...bundle, system }
  },
} satisfies Record<string, (material: Material, draw: Draw) => ProofBundle>

export const KINDS = [...Object.keys(BYTE_LEVEL), ...Object.keys(LIES)] as Kind[]

/** A wallet with a pin, a node it asks, and the node's lies. */
export class Liar {
  readonly #material: Material
  readonly #ledger: BftLedger
  readonly #did: string
  readonly #pin: Pin

  private constructor(material: Material, ledger: BftLedger, did: string, pin: Pin) {
    this.#material = material
    this.#ledger = ledger
    this.#did = did
    this.#pin = pin
  }

  static async make(): Promise<Liar> {
    const ledger = new BftLedger()
    const owner = new Owner(keys, networkHash(ledger.genesis), START + 86_400)
    const genesis = await owner.genesis({ delays: [60] })
    const { did } = genesis.operation
    await ledger.submit(encodeSubmission(genesis))
    const stranger = () => new Owner(keys, networkHash(ledger.genesis), START + 86_400).genesis()
    const others = await Promise.all(Array.from({ length: 60 }, stranger))
    for (const one of others.slice(1)) await ledger.submit(encodeSubmission(one))
    const ask = (of: string) => trimmed(readBundle(ledger.view(), of), ledger)
    const old = ask(did)
    ledger.pass(3)
    await ledger.submit(encodeSubmission(await stranger()))
    const pins = memoryPins()
    const reader = clientOf(ledger, pins)
    const { state } = await reader.resolve(did)
    const pin = (await pins.load()) as Pin
    if (!state) throw new Error('the DID is registered')
    ledger.pass(5)
    await ledger.submit(encodeSubmission(await owner.update(state)))
    const foreign = new BftLedger({ chainId: 'another-network' })
    foreign.pass(ledger.height)
    const honest = new Uint8Array(
      await (await answer(ledger, `/v1/proofs/${did}?consistencyFrom=${pin.logSize}`)).arrayBuffer(),
    )
    const material: Material = {
      honest,
      bundle: decodeBundle(honest),
      old: { ...old, consistency: { from: pin.logSize, path: [] } },
      other: ask(didOf(others[1])),
      absent: ask(didOf(others[0])),
      foreign: readBundle(foreign.view(), did),
    }
    return new Liar(material, ledger, did, pin)
  }

  /** Bytes of the honest answer, for the figures. */
  get honestBytes(): number {
    return this.#material.honest.length
  }

  lie(kind: Kind, draw: Draw): Uint8Array | undefined {
    const { honest } = this.#material
    const lie =
      kind in BYTE_LEVEL
        ? BYTE_LEVEL[kind as keyof typeof BYTE_LEVEL](honest, draw)
        : encodeBundle(LIES[kind as keyof typeof LIES](this.#material, draw))
    return equalBytes(lie, honest) ? undefined : lie
  }

  /** `refused`, or `believed` by a client that has pinned the head before. Throws for what is no refusal. */
  async tell(answered: Uint8Array): Promise<'refused' | 'believed'> {
    const pins = memoryPins()
    await pins.save(this.#pin)
    try {
      await clientOf(this.#ledger, pins, answered).resolve(this.#did)
      return 'believed'
    } catch (error) {
      if (REFUSALS.has((error as { code?: string }).code ?? '')) return 'refused'
      throw error
    }
  }

  get honest(): Uint8Array {
    return this.#material.honest
  }
}

const REFUSALS = new Set([
  'PROOF_INVALID',
  'HEADER_STALE',
  'CLOCK_WRONG',
  'LEDGER_ROLLBACK',
  'WRONG_NETWORK',
  'UPDATE_REQUIRED',
])

/** Tells so many lies, every kind in turn. `believed` must stay empty; the seed repeats a run. */
export async function tellLies(
  liar: Liar,
  count: number,
  seed: number,
): Promise<{ told: number; believed: { kind: Kind; lie: Uint8Array }[]; kinds: Map<Kind, number> }> {
  const random = seededRandom(seed)
  const draw: Draw = (below) => {
    const [a = 0, b = 0, c = 0, d = 0] = random(4)
    return below === 0 ? 0 : (a * 2 ** 24 + b * 2 ** 16 + c * 2 ** 8 + d) % below
  }
  const believed: { kind: Kind; lie: Uint8Array }[] = []
  const kinds = new Map<Kind, number>()
  for (let turn = 0, told = 0; ; turn++) {
    if (told === count) return { told, believed, kinds }
    const kind = KINDS[turn % KINDS.length] as Kind
    const lie = liar.lie(kind, draw)
    if (!lie) continue
    told++
    kinds.set(kind, (kinds.get(kind) ?? 0) + 1)
    if ((await liar.tell(lie)) === 'believed') believed.push({ kind, lie })
  }
}

function clientOf(ledger: BftLedger, pins: ReturnType<typeof memoryPins>, answered?: Uint8Array): LedgerClient {
  return new LedgerClient({
    url: 'http://node',
    genesis: ledger.genesis,
    pins,
    clock: ledger.clock,
    fetch: async (url) => {
      if (answered && url.includes('/v1/proofs/'))
        return { status: 200, arrayBuffer: async () => Uint8Array.from(answered).buffer }
      return answer(ledger, url.slice('http://node'.length))
    },
  })
}

async function answer(ledger: BftLedger, path: string): Promise<Response> {
  return ledgerHttp(ledger, { freshSeconds: 1, log: () => {} }).request(path)
}

const didOf = (submission: Submission | undefined): string => submission?.operation.did ?? ''

function trimmed(bundle: ProofBundle, ledger: BftLedger): ProofBundle {
  return withHead(bundle, ({ commit, header }) => ({ commit: trimCommit(commit, ledger.chain.signers(header.height)) }))
}

function withHead(bundle: ProofBundle, change: (head: Head) => Partial<Head>): ProofBundle {
  return { ...bundle, head: { ...bundle.head, ...change(bundle.head) } }
}

function pick(bundle: ProofBundle, draw: Draw, names: readonly (keyof ProofBundle)[]): Partial<ProofBundle> {
  return Object.fromEntries(names.filter(() => draw(2)).flatMap((name) => (bundle[name] ? [[name, bundle[name]]] : [])))
}

/** The new head over one part or more of the old answer. */
function mixed(bundle: ProofBundle, old: ProofBundle, draw: Draw): ProofBundle {
  const names = ['system', 'systemProof', 'stateProof', 'bodies'] as const
  const one = names[draw(names.length)] as (typeof names)[number]
  return { ...bundle, ...pick(old, draw, names), [one]: old[one] }
}

function dropped({ commit }: Head, draw: Draw, count: number): Head['commit'] {
  const signatures = [...commit.signatures]
  for (let i = 0; i < count; i++) signatures[draw(signatures.length)] = { flag: 'absent' }
  return { ...commit, signatures }
}

function shuffled<T>(items: readonly T[], draw: Draw): T[] {
  const copy = [...items]
  for (let i = copy.length - 1; i > 0; i--) {
    const j = draw(i + 1)
    ;[copy[i], copy[j]] = [copy[j] as T, copy[i] as T]
  }
  return copy
}

function noise(length: number, draw: Draw): Bytes {
  return Uint8Array.from({ length }, () => draw(256))
}

function randomText(draw: Draw, length: number): string {
  return Array.from({ length }, () => 'abcdefghijklmnopqrstuvwxyz'[draw(26)]).join('')
}

function join(...parts: Uint8Array[]): Bytes {
  return new Uint8Array(Buffer.concat(parts))
}
