/**
 * A member's governance keys on their own machine: the one in force, the next whose digest is committed to, and one more for
 * each rotation prepared (NET-11). A file for its owner alone, as the validator's key is; it belongs on no ledger node.
 */
import { existsSync, readFileSync } from 'node:fs'
import { base64url, Fields, type Json, KeysteadError, parseJson, systemRandom } from '@keystead/core'
import { encodeMultikey, type KeyProvider, keyDigest, type SigningKey } from '@keystead/crypto'
import { writeFileDurably } from '@keystead/crypto/key-file'
import type { Authority } from '@keystead/did-dkms'
import type { LedgerErrorCode } from './errors.ts'

/** What the others need of a member: the key in force and the digest of the next. */
export interface GovernanceCard {
  readonly v: 1
  readonly k: string
  readonly h: string
}

const MAX_GENERATIONS = 100
const MAX_FILE_BYTES = 16 * 1024

export class GovernanceKey {
  readonly #file: string
  readonly #seeds: Uint8Array[]
  readonly #keys: KeyProvider

  private constructor(file: string, seeds: Uint8Array[], keys: KeyProvider) {
    this.#file = file
    this.#seeds = seeds
    this.#keys = keys
  }

  /** Throws `FILE_EXISTS`. */
  static make(file: string, keys: KeyProvider): GovernanceKey {
    if (existsSync(file)) throw new KeysteadError<LedgerErrorCode>('FILE_EXISTS', `${file} exists already`)
    const key = new GovernanceKey(file, [systemRandom(32), systemRandom(32)], keys)
    key.#save()
    return key
  }

  /** Throws `NOT_FOUND` or errors of `Fields`. */
  static open(file: string, keys: KeyProvider): GovernanceKey {
    if (!existsSync(file)) throw new KeysteadError<LedgerErrorCode>('NOT_FOUND', `there is no file ${file}`)
    const f = new Fields(parseJson(new Uint8Array(readFileSync(file)), MAX_FILE_BYTES), 'key')
    f.literal('v', 1)
    const seeds = f.array('seeds', { min: 2, max: MAX_GENERATIONS }, (item) => base64url.decode(String(item)))
    f.end()
    return new GovernanceKey(file, seeds, keys)
  }

  /** `generation`: 0 for the keys that the network began with, one more for each rotation. */
  async card(generation = 0): Promise<GovernanceCard> {
    while (this.#seeds.length < generation + 2) {
      this.#seeds.push(systemRandom(32))
      this.#save()
    }
    const [now, next] = [await this.#key(generation), await this.#key(generation + 1)]
    return { v: 1, k: encodeMultikey(now.publicKey), h: keyDigest(next.publicKey) }
  }

  /** The card whose key the digest committed to, if it is one of this member's. */
  async cardAfter(h: string): Promise<GovernanceCard | undefined> {
    for (let i = 0; i < this.#seeds.length; i++)
      if (keyDigest((await this.#key(i)).publicKey) === h) return this.card(i)
    return undefined
  }

  /** The keys of this member among those named; no other ever signs, for a next key is not to be seen. */
  async signersAmong(multikeys: readonly string[]): Promise<SigningKey[]> {
    const all = await Promise.all(this.#seeds.map((_seed, i) => this.#key(i)))
    return all.filter((key) => multikeys.includes(encodeMultikey(key.publicKey)))
  }

  #key(generation: number): Promise<SigningKey> {
    return this.#keys.fromSecret({ kind: 'signing', suite: 'ed25519' }, this.#seeds[generation] as Uint8Array)
  }

  #save(): void {
    writeFileDurably(this.#file, JSON.stringify({ v: 1, seeds: this.#seeds.map((seed) => base64url.encode(seed)) }))
  }
}

/** Throws errors of `Fields`. */
export function parseGovernanceCard(value: Json): GovernanceCard {
  const f = new Fields(value, 'card')
  const card = { v: f.literal('v', 1), k: f.string('k', { max: 64 }), h: f.string('h', { min: 46, max: 46 }) }
  f.end()
  return card
}

/** Equal weights. Throws `BAD_NETWORK` for a threshold that the members cannot reach. */
export function governanceOf(cards: readonly GovernanceCard[], threshold: number): Authority {
  if (!Number.isInteger(threshold) || threshold < 1 || threshold > cards.length)
    throw new KeysteadError<LedgerErrorCode>(
      'BAD_NETWORK',
      `a threshold lies between 1 and the ${cards.length} members there are`,
    )
  return {
    keys: cards.map(({ k }) => ({ k, w: 1 })),
    threshold,
    next: cards.map(({ h }) => ({ h, w: 1 })),
    nextThreshold: threshold,
  }
}
