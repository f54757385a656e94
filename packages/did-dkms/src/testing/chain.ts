/**
 * Logs drawn as text, one operation a line, played on the real rules. Tests read them, and `vectors/` is made of them.
 *
 *   0    genesis auth=a next=b recovery=r:24h           by a
 *   1h   rotate  auth=b next=c                          by b
 *   2h   update                                         by a       ! KEY_NOT_AUTHORIZED
 *   3h   recover key=r auth=d next=e                    by r d     -> pending
 *   27h  wait                                                      -> auth=d epoch=2 -pending
 *
 * A line begins with the time since the start; `lost=` is what the chain lost until then. A name is a key, made when first
 * named; one that begins with P is on P-256. `auth=a:2,b/2`: weights after colons, threshold after the slash. An agent is a
 * key too, `agents=phone:ADMIN+SUSPEND@30d`, and is opened when it signs. `doc=k:assertionMethod` gives the document keys.
 */
import { type Bytes, base64url, type JsonObject, multihash, systemRandom, utf8, utf8Decode } from '@keystead/core'
import { encodeMultikey, type KeyProvider, keyDigest, type SigningKey, sha256 } from '@keystead/crypto'
import { agentDigest, openingOf, spareDigest } from '../agents.ts'
import { bodyHash, changeOfHalf } from '../body.ts'
import { genesisOperation, makeBody, operationAfter } from '../build.ts'
import { type Capability, capabilitySet } from '../capabilities.ts'
import { productionParameters } from '../network/parameters.ts'
import { encodeSubmission } from '../parse/submission.ts'
import { signOperation } from '../signing.ts'
import type { DidState } from '../state.ts'
import type { AgentEntry, Authority, Body, HalfChange, Operation, Purpose, RecoveryEntry } from '../types.ts'
import type { Drawing } from './drawings/drawing.ts'
import { type Line, listed, quorumsOf, readLine, START, seconds, weighted } from './line.ts'
import { NET, type Played, play, type VectorStep } from './vectors.ts'

const ROOT = multihash.encode(new Uint8Array(32).fill(1))

/** One DID's log while it is drawn. */
export class Chain {
  readonly steps: VectorStep[] = []
  readonly parameters = productionParameters
  readonly #provider: KeyProvider
  readonly #keys = new Map<string, SigningKey>()
  readonly #making = new Map<string, Promise<SigningKey>>()
  readonly #salts = new Map<string, Bytes>()
  #now: Played = { state: undefined, bodies: [] }

  readonly #seed: string | undefined
  #drawn = 0

  /** With a `seed` the same drawing gives the same keys and salts again, so that vectors change only where rules do. */
  constructor(provider: KeyProvider, seed?: string) {
    this.#provider = provider
    this.#seed = seed
  }

  readonly #random = (length: number): Bytes =>
    this.#seed === undefined ? systemRandom(length) : this.#derive(`random ${this.#drawn++}`).slice(0, length)

  #derive(what: string): Bytes {
    return sha256(utf8(`${this.#seed} ${what}`))
  }

  get state(): DidState {
    if (!this.#now.state) throw new Error('nothing was registered')
    return this.#now.state
  }

  get bodies(): readonly Body[] {
    return this.#now.bodies
  }

  /** The document in force, if this chain made it. */
  get body(): Body {
    return this.bodies.find((body) => bodyHash(body) === this.state.body) as Body
  }

  key(name: string): Promise<SigningKey> {
    const made = this.#making.get(name) ?? this.#make(name)
    this.#making.set(name, made)
    return made
  }

  async #make(name: string): Promise<SigningKey> {
    const suite = name.startsWith('P') ? 'p256' : 'ed25519'
    const type = { kind: 'signing', suite } as const
    const key =
      this.#seed === undefined
        ? await this.#provider.ephemeral(type)
        : await this.#provider.fromSecret(type, this.#derive(`key ${name}`))
    this.#keys.set(name, key)
    return key
  }

  async multikey(name: string): Promise<string> {
    return encodeMultikey((await this.key(name)).publicKey)
  }

  /** The salt of an agent's entry. */
  salt(name: string): Bytes {
    const salt = this.#salts.get(name) ?? this.#random(16)
    this.#salts.set(name, salt)
    return salt
  }

  async agentHash(name: string): Promise<string> {
    const salt = this.salt(name)
    return name.startsWith('spare') ? spareDigest(salt) : agentDigest(salt, await this.multikey(name))
  }

  /** Plays every line of a drawing. Throws when a line does not lead where it says. */
  async draw(log: string, { tamper, alone }: Pick<Drawing, 'tamper' | 'alone'> = {}): Promise<this> {
    const lines = log
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line && !line.startsWith('#'))
    for (const [index, text] of lines.entries()) {
      const line = readLine(text)
      const sent = line.type === 'wait' ? undefined : await this.submission(line)
      const last = index === lines.length - 1
      if (last && alone) this.#forget()
      this.step(line, last && sent && tamper ? tamper(sent) : sent)
    }
    return this
  }

  #forget(): void {
    this.steps.length = 0
    this.#now = { state: undefined, bodies: [] }
  }

  step(line: Line, text?: string): void {
    const { time, lost } = line
    const step = { time, lost, ...(text === undefined ? {} : { text }) }
    const { outcome, ...after } = play({ net: NET, parameters: this.parameters }, this.#now, step)
    this.#now = after
    this.steps.push({ ...step, expect: outcome })
    const code = 'code' in outcome ? outcome.code : undefined
    if (code !== line.refused) throw new Error(`"${line.text}" gave ${code ?? 'no refusal'}`)
    for (const check of line.checks) this.#check(check, line)
  }

  /** The submission that a line says, as it is sent. */
  async submission(line: Line): Promise<string> {
    const { members, type } = line
    const get = (name: string): string | undefined => members.get(name)
    const body = await this.#bodyOf(line)
    const notAfter = line.time + 86_400
    const signers = await Promise.all(line.by.map((name) => this.key(name)))
    const parts = {
      ...(get('key') ? { key: await this.multikey(get('key') as string) } : {}),
      ...(get('auth') ? { auth: await this.authority(get('auth') as string, get('next') as string) } : {}),
      ...(get('recovery') ? { recovery: await this.#recovery(get('recovery') as string) } : {}),
      ...(get('agents') ? { agents: await this.#agents(get('agents') as string) } : {}),
      ...(get('quorums') ? { quorums: quorumsOf(get('quorums') as string) } : {}),
      ...(get('put') ? { put: await this.#agents(get('put') as string) } : {}),
      ...(get('drop') ? { drop: await this.#hashes(get('drop') as string) } : {}),
      ...(get('spare')
        ? { spare: listed(get('spare') as string).map((name) => base64url.encode(this.salt(name))) }
        : {}),
      ...(members.has('contest') ? { contest: true } : {}),
      ...(get('upTo') ? { upTo: Number(get('upTo')) } : {}),
      ...(get('reveal')
        ? { reveal: await Promise.all(listed(get('reveal') as string).map((name) => this.multikey(name))) }
        : {}),
      ...(get('since') ? { reason: 'compromised', since: START + seconds(get('since') as string) } : {}),
      ...(type === 'anchor' ? { root: ROOT } : {}),
      ...(body ? { body: bodyHash(body) } : {}),
      ...this.#change(line, body),
      ...(await this.#open(line)),
    }
    if (type === 'genesis') {
      const genesis = genesisOperation(NET, {
        ...(parts as unknown as { auth: Authority }),
        body: body as Body,
        notAfter,
      })
      return textOf(await signOperation(genesis, signers), body)
    }
    const replacement = type === 'recover' || members.has('since') ? { agents: [] } : {}
    const recovery = type === 'recover' ? { recovery: [] } : {}
    const unsigned = operationAfter(this.state, NET, notAfter, {
      type,
      ...recovery,
      ...replacement,
      ...parts,
    } as never) as unknown as { did: string; type: Operation['type'] }
    return textOf((await signOperation(unsigned, signers)) as Operation, body)
  }

  async authority(keys: string, next: string): Promise<Authority> {
    const [names, threshold] = weighted(keys)
    const [nextNames, nextThreshold] = weighted(next)
    return {
      keys: await Promise.all(names.map(async ([name, w]) => ({ k: await this.multikey(name), w }))),
      threshold,
      next: await Promise.all(
        nextNames.map(async ([name, w]) => ({ h: keyDigest((await this.key(name)).publicKey), w })),
      ),
      nextThreshold,
    }
  }

  #recovery(text: string): Promise<RecoveryEntry[]> {
    return Promise.all(
      listed(text).map(async (item) => {
        const [name = '', delay = '', firm] = item.split(':')
        const entry = { h: keyDigest((await this.key(name)).publicKey), delay: seconds(delay) }
        return firm === 'firm' ? { ...entry, firm: true } : entry
      }),
    )
  }

  #agents(text: string): Promise<AgentEntry[]> {
    return Promise.all(
      listed(text).map(async (item) => {
        const [, name = '', caps = '', exp] = /^([^:]+):([^@]*)(?:@(.*))?$/.exec(item) ?? []
        const names = caps.split('+').filter((cap) => cap !== '0') as Capability[]
        return { h: await this.agentHash(name), caps: capabilitySet(names), exp: START + seconds(exp ?? '365d') }
      }),
    )
  }

  #hashes(text: string): Promise<string[]> {
    return Promise.all(listed(text).map((name) => this.agentHash(name)))
  }

  /** Operations that carry a body have one; a rotation where `doc`, `body` or `since` says so. */
  async #bodyOf({ type, members }: Line): Promise<Body | undefined> {
    const always = type === 'genesis' || type === 'update' || type === 'recover'
    if (!always && !['doc', 'body', 'since'].some((name) => members.has(name))) return undefined
    const keys = await Promise.all(
      listed(members.get('doc') ?? '-').map(async (item) => {
        const [name = '', purposes = ''] = item.split(':')
        return { k: await this.multikey(name), purposes: purposes.split('+') as Purpose[] }
      }),
    )
    const services = [{ id: 'agent', type: 'DIDCommMessaging', serviceEndpoint: { uri: 'https://agency.example' } }]
    const fresh = makeBody(keys, services, this.#random)
    const half = members.get('change')
    if (!half) return fresh
    const { keys: k, keysSalt, services: s, servicesSalt } = this.body
    return half === 'keys' ? { ...fresh, services: s, servicesSalt } : { ...fresh, keys: k, keysSalt }
  }

  #change({ members }: Line, body: Body | undefined): { change?: HalfChange } {
    const half = members.get('claims') ?? members.get('change')
    return half && body ? { change: changeOfHalf(half as HalfChange['half'], this.body, body) } : {}
  }

  async #open({ by, type }: Line): Promise<JsonObject> {
    const agents = by.filter((name) => this.#salts.has(name))
    if (agents.length === 0 || !['update', 'anchor', 'agents', 'suspend'].includes(type)) return {}
    return {
      open: await Promise.all(
        agents.map(async (name) => ({ ...openingOf(await this.multikey(name), this.salt(name)) })),
      ),
    }
  }

  #check(check: string, { text }: Line): void {
    const [name = '', wanted = ''] = check.split('=')
    const found = this.#look(name.replace(/^-/, ''))
    const holds = check.includes('=') ? found === wanted : name.startsWith('-') ? found === '' : found !== ''
    if (!holds) throw new Error(`"${text}": ${name} is "${found}"`)
  }

  /** What a check may ask. Empty: it is not there. */
  #look(name: string): string {
    const { auth, agents, recovery, removals = [], ...state } = this.state
    const names = (wanted: (name: string) => boolean): string => [...this.#keys.keys()].filter(wanted).sort().join(',')
    switch (name) {
      case 'auth':
        return names((key) => auth.keys.some(({ k }) => k === this.known(key)))
      case 'agents':
        return names((key) => agents.some(({ h }) => h === this.#hashOf(key)))
      case 'removing':
        return names((key) => removals.some(({ h }) => h === this.#hashOf(key)))
      case 'contested':
        return removals.some(({ contested }) => contested) ? 'yes' : ''
      case 'epoch':
        return String(recovery.epoch)
      case 'vetoes':
        return String(recovery.vetoesLeft)
      case 'paths':
        return String(recovery.entries.length)
      case 'pending':
      case 'held':
      case 'resting':
        return recovery[name] ? 'yes' : ''
      case 'suspension':
      case 'deactivation':
        return state[name] ? 'yes' : ''
      case 'erased':
        return String(state.erased ?? '')
      case 'compromised':
        return String(state.compromises.length)
      default:
        return String((state as unknown as Record<string, unknown>)[name] ?? '')
    }
  }

  #hashOf(name: string): string | undefined {
    const salt = this.#salts.get(name)
    return salt && agentDigest(salt, this.known(name))
  }

  /** The Multikey of a name that was used. */
  known(name: string): string {
    return encodeMultikey((this.#keys.get(name) as SigningKey).publicKey)
  }
}

function textOf(operation: unknown, body: Body | undefined): string {
  return utf8Decode(encodeSubmission({ operation: operation as Operation, ...(body ? { body } : {}) }))
}
