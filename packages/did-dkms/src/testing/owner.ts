/** An owner for tests: keeps keys in memory and makes the operations of one DID; no wallet, no network. */
import { systemRandom } from '@keystead/core'
import { encodeMultikey, type KeyProvider, keyDigest, type SigningKey } from '@keystead/crypto'
import { bodyHash } from '../body.ts'
import { genesisOperation, makeBody, operationAfter } from '../build.ts'
import { operationHash } from '../identifier.ts'
import { signOperation } from '../signing.ts'
import type { DidState } from '../state.ts'
import { FIRST_SUITES, type OperationSuites } from '../suites.ts'
import type { Authority, Body, Operation, RecoveryEntry, Submission } from '../types.ts'

export interface Keys {
  readonly now: SigningKey[]
  readonly next: SigningKey[]
}

export function submission(operation: Operation, body?: Body): Submission {
  const hash = operationHash(operation)
  return body ? { operation, body, hash } : { operation, hash }
}

export class Owner {
  readonly provider: KeyProvider
  readonly net: string
  notAfter: number
  keys: Keys = { now: [], next: [] }
  recoveryKeys: SigningKey[] = []
  body: Body
  /** Those that the network permits. */
  suites: OperationSuites = FIRST_SUITES

  constructor(provider: KeyProvider, net: string, notAfter: number) {
    this.provider = provider
    this.net = net
    this.notAfter = notAfter
    this.body = makeBody(
      [],
      [{ id: 'agent', type: 'DIDCommMessaging', serviceEndpoint: 'https://a.example' }],
      systemRandom,
    )
  }

  make(count: number): Promise<SigningKey[]> {
    return Promise.all(
      Array.from({ length: count }, () => this.provider.ephemeral({ kind: 'signing', suite: 'ed25519' })),
    )
  }

  authority(now: SigningKey[], next: SigningKey[], threshold = 1): Authority {
    return {
      keys: now.map((key) => ({ k: encodeMultikey(key.publicKey), w: 1 })),
      threshold,
      next: next.map((key) => ({ h: keyDigest(key.publicKey), w: 1 })),
      nextThreshold: threshold,
    }
  }

  async genesis(
    options: { delays?: number[]; count?: number; threshold?: number; keys?: Keys } = {},
  ): Promise<Submission> {
    const { delays = [], count = 1, threshold = 1 } = options
    this.keys = options.keys ?? { now: await this.make(count), next: await this.make(count) }
    this.recoveryKeys = await this.make(delays.length)
    const recovery = this.recovery(delays)
    const auth = this.authority(this.keys.now, this.keys.next, threshold)
    const unsigned = genesisOperation(this.net, { auth, recovery, body: this.body, notAfter: this.notAfter })
    return submission(await signOperation(unsigned, this.keys.now, this.suites), this.body)
  }

  recovery(delays: number[]): RecoveryEntry[] {
    return delays.map((delay, i) => ({ h: keyDigest((this.recoveryKeys[i] as SigningKey).publicKey), delay }))
  }

  async update(state: DidState, body = makeBody([], [], systemRandom), signers = this.keys.now): Promise<Submission> {
    const unsigned = operationAfter(state, this.net, this.notAfter, { type: 'update', body: bodyHash(body) })
    return submission(await signOperation(unsigned, signers, this.suites), body)
  }

  async anchor(state: DidState, root: string): Promise<Submission> {
    const unsigned = operationAfter(state, this.net, this.notAfter, { type: 'anchor', root })
    return submission(await signOperation(unsigned, this.keys.now, this.suites))
  }

  /** A rotation to the committed keys; `adopt` makes them the owner's. */
  async rotate(
    state: DidState,
    extra: { recovery?: RecoveryEntry[]; type?: 'rotate' | 'veto'; signers?: SigningKey[]; since?: number } = {},
  ): Promise<{ submission: Submission; adopt(): void }> {
    const { signers = this.keys.next, type = 'rotate', recovery } = extra
    const next = await this.make(this.keys.next.length)
    const auth = this.authority(signers, next)
    const { since } = extra
    const compromise =
      since === undefined ? {} : { reason: 'compromised' as const, since, agents: [], body: bodyHash(this.body) }
    const members = type === 'veto' ? { type, auth } : { type, auth, ...(recovery ? { recovery } : {}), ...compromise }
    const unsigned = operationAfter(state, this.net, this.notAfter, members)
    const body = since === undefined ? undefined : this.body
    return {
      submission: submission(await signOperation(unsigned, signers, this.suites), body),
      adopt: () => {
        this.keys = { now: signers, next }
      },
    }
  }

  compromised(state: DidState, since: number): Promise<{ submission: Submission; adopt(): void }> {
    return this.rotate(state, { since })
  }

  async recover(state: DidState, path: number): Promise<{ submission: Submission; adopt(): void }> {
    const now = await this.make(1)
    const next = await this.make(1)
    const fresh = await this.make(1)
    const key = this.recoveryKeys[path] as SigningKey
    const body = makeBody([], [], systemRandom)
    const unsigned = operationAfter(state, this.net, this.notAfter, {
      type: 'recover',
      key: encodeMultikey(key.publicKey),
      auth: this.authority(now, next),
      recovery: [{ h: keyDigest((fresh[0] as SigningKey).publicKey), delay: 60 }],
      agents: [],
      body: bodyHash(body),
    })
    return {
      submission: submission(await signOperation(unsigned, [key, ...now], this.suites), body),
      adopt: () => {
        this.keys = { now, next }
        this.recoveryKeys = fresh
        this.body = body
      },
    }
  }

  async erase(state: DidState, upTo: number): Promise<Submission> {
    const unsigned = operationAfter(state, this.net, this.notAfter, { type: 'erase', upTo })
    return submission(await signOperation(unsigned, this.keys.now, this.suites))
  }

  async deactivate(state: DidState): Promise<Submission> {
    const reveal = this.keys.next.map((key) => encodeMultikey(key.publicKey))
    const unsigned = operationAfter(state, this.net, this.notAfter, { type: 'deactivate', reveal })
    return submission(await signOperation(unsigned, this.keys.next, this.suites))
  }
}
