/** A chain with as many validators as a test wants, in CometBFT's format; signed when somebody looks. Node only. */
import { createPrivateKey, createPublicKey, type KeyObject, sign } from 'node:crypto'
import { type Bytes, base64url, type Clock } from '@keystead/core'
import { encodeMultikey, sha256 } from '@keystead/crypto'
import '@keystead/crypto/node'
import { developmentParameters, type NetworkGenesis } from '@keystead/did-dkms'
import {
  appHash,
  type Commit,
  type CommitSignature,
  type Head,
  type Header,
  headerHash,
  type LightBlock,
  type LightProvider,
  type Timestamp,
  type Validator,
  validatorAddress,
  validatorSet,
  validatorsHash,
  voteBytes,
} from '../index.ts'

export const START = 1_800_000_000
const HASH = (text: string): Bytes => sha256(new TextEncoder().encode(text))

export class TestValidator implements Validator {
  readonly publicKey: Bytes
  readonly power: number
  readonly #key: KeyObject

  constructor(name: string, power = 1) {
    const seed = sha256(new TextEncoder().encode(`validator ${name}`))
    // PKCS #8 of an Ed25519 seed (RFC 8410, section 7).
    const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed])
    this.#key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
    const { x } = createPublicKey(this.#key).export({ format: 'jwk' })
    this.publicKey = base64url.decode(String(x))
    this.power = power
  }

  sign(message: Uint8Array): Bytes {
    return new Uint8Array(sign(null, message, this.#key))
  }
}

export interface ChainOptions {
  readonly chainId?: string
  /** Who signs from which height on; the first entry is of height 1. */
  readonly sets: ReadonlyMap<number, readonly TestValidator[]>
  /** Seconds between blocks. */
  readonly interval?: number
  /** Distinguishes chains that have everything else in common. */
  readonly flavour?: string
  /** From this height on the flavour is in force. */
  readonly forkAt?: number
  /** Roots that a header commits to; each flavour has its own where none are given. */
  readonly roots?: (height: number) => Pick<Head, 'mapRoot' | 'logRoot' | 'logSize'>
}

export class TestChain {
  readonly chainId: string
  readonly #options: ChainOptions
  #genesis: NetworkGenesis | undefined
  readonly #headers = new Map<number, Header>()
  readonly #blocks = new Map<number, LightBlock>()
  /** In their order, with their hash; by the height they begin at. */
  readonly #sets = new Map<number, { signers: TestValidator[]; hash: Bytes }>()

  constructor(options: ChainOptions) {
    this.#options = options
    this.chainId = options.chainId ?? 'keystead-chain'
  }

  /** Four validators for as long as anybody looks. */
  static steady(count = 4, options: Partial<ChainOptions> = {}): TestChain {
    const set = Array.from({ length: count }, (_, i) => new TestValidator(`v${i}`))
    return new TestChain({ sets: new Map([[1, set]]), ...options })
  }

  get genesis(): NetworkGenesis {
    this.#genesis ??= {
      v: 1,
      chainId: this.chainId,
      time: START,
      parameters: developmentParameters,
      validators: this.signers(1).map(({ publicKey, power }) => ({
        k: encodeMultikey({ suite: 'ed25519', bytes: publicKey }),
        power,
      })),
    }
    return this.#genesis
  }

  /** In the set's order. */
  signers(height: number): TestValidator[] {
    return this.#set(height).signers
  }

  #set(height: number): { signers: TestValidator[]; hash: Bytes } {
    const since = Math.max(...[...this.#options.sets.keys()].filter((from) => from <= height))
    const known = this.#sets.get(since)
    if (known) return known
    const signers = validatorSet(this.#options.sets.get(since) ?? []) as TestValidator[]
    const set = { signers, hash: validatorsHash(signers) }
    this.#sets.set(since, set)
    return set
  }

  time(height: number): Timestamp {
    return { seconds: START + (height - 1) * (this.#options.interval ?? 1), nanos: 0 }
  }

  roots(height: number): Pick<Head, 'mapRoot' | 'logRoot' | 'logSize'> {
    const own = this.#options.roots?.(height)
    const flavour = this.#flavour(height)
    return own ?? { mapRoot: HASH(`map ${flavour}`), logRoot: HASH(`log ${flavour}`), logSize: 7 }
  }

  header(height: number): Header {
    // From below, so that a long chain does not become a deep recursion.
    let known = height
    while (known > 1 && !this.#headers.has(known)) known--
    for (let at = known; at <= height; at++) if (!this.#headers.has(at)) this.#headers.set(at, this.#makeHeader(at))
    return this.#headers.get(height) as Header
  }

  lightBlock(height: number): LightBlock {
    const known = this.#blocks.get(height)
    if (known) return known
    const header = this.header(height)
    const validators = this.signers(height)
    const commit = signCommit(header, validators)
    const block = { header, commit, validators, nextValidators: this.signers(height + 1) }
    this.#blocks.set(height, block)
    return block
  }

  head(height: number): Head {
    const { header, commit } = this.lightBlock(height)
    return { header, commit, ...this.roots(height) }
  }

  /** A node that shows this chain up to a height, and counts what it is asked. */
  provider(name = 'a node', upTo = Number.MAX_SAFE_INTEGER): LightProvider & { readonly asked: number[] } {
    const asked: number[] = []
    return {
      name,
      asked,
      lightBlock: async (height) => {
        asked.push(height)
        return height <= upTo ? this.lightBlock(height) : undefined
      },
    }
  }

  #flavour(height: number): string {
    const { flavour = '', forkAt = 1 } = this.#options
    return height >= forkAt ? flavour : ''
  }

  #makeHeader(height: number): Header {
    const previous = this.#headers.get(height - 1)
    const flavour = this.#flavour(height)
    const roots = this.roots(height)
    const none = new Uint8Array(0)
    return {
      version: { block: 11, app: 1 },
      chainId: this.chainId,
      height,
      time: this.time(height),
      lastBlockId: previous ? blockId(previous) : { hash: none, partsTotal: 0, partsHash: none },
      lastCommitHash: HASH(`last commit ${height} ${flavour}`),
      dataHash: HASH(`data ${height} ${flavour}`),
      validatorsHash: this.#set(height).hash,
      nextValidatorsHash: this.#set(height + 1).hash,
      consensusHash: HASH('consensus'),
      appHash: appHash(roots.mapRoot, roots.logRoot, roots.logSize),
      lastResultsHash: HASH('results'),
      evidenceHash: HASH('evidence'),
      proposerAddress: validatorAddress((this.signers(height)[0] as TestValidator).publicKey),
    }
  }
}

export function blockId(header: Header): Commit['blockId'] {
  return { hash: headerHash(header), partsTotal: 1, partsHash: HASH(`parts ${header.height}`) }
}

/** Everybody signs, each a little later than the one before, unless `who` says otherwise. */
export function signCommit(
  header: Header,
  validators: readonly TestValidator[],
  who: (validator: TestValidator, index: number) => boolean = () => true,
): Commit {
  const unsigned = { height: header.height, round: 0, blockId: blockId(header) }
  const signatures = validators.map((validator, index): CommitSignature => {
    if (!who(validator, index)) return { flag: 'absent' }
    const time = { seconds: header.time.seconds, nanos: index + 1 }
    const signature = validator.sign(voteBytes(header.chainId, unsigned, time))
    return { flag: 'commit', address: validatorAddress(validator.publicKey), time, signature }
  })
  return { ...unsigned, signatures }
}

/** A clock that stands still at a second and whose sleepers do not wait. */
export function clockAt(seconds: number): Clock {
  return { now: () => seconds * 1000, sleep: async () => {} }
}
