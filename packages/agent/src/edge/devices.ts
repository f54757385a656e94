/**
 * The agent policy registry of our public DID (flows V4 and V12, DKMS-13 to DKMS-19, DKMS-29): which devices may act for it,
 * granted, changed and revoked by this wallet's authority; and what a granted device can do by itself, which is to stop the DID.
 */
import { base64url, canonicalJson, Fields, parseJson } from '@keystead/core'
import { decodeMultikey, encodeMultikey } from '@keystead/crypto'
import {
  type AgentStanding,
  agentDigest,
  agentStanding,
  type Capability,
  capabilityNames,
  capabilitySet,
  type DidState,
  openingOf,
  operationAfter,
  signOperation,
} from '@keystead/did-dkms'
import { type Edge, fault, nowSeconds } from './context.ts'
import { publicIdentity, usableIdentity } from './identities.ts'
import { NOT_AFTER_SECONDS, submissionOf } from './key-set.ts'
import { ED25519 } from './key-types.ts'
import { perform } from './operations.ts'
import type { Device } from './records.ts'
import { type Change, put, remove } from './store.ts'

/** What a request may be long: a Multikey, a salt and a name. */
const MAX_REQUEST_BYTES = 512

export interface DeviceView {
  readonly h: string
  /** Absent: granted elsewhere, or padding. */
  readonly name?: string
  readonly capabilities: readonly Capability[]
  /** Seconds since 1970. */
  readonly until: number
  readonly standing: AgentStanding
}

export interface Devices {
  readonly did: string
  readonly suspended: boolean
  readonly devices: readonly DeviceView[]
}

type AgentsMembers = { readonly put: { h: string; caps: number; exp: number }[] } | { readonly drop: string[] }

export class DevicesAgent {
  readonly #edge: Edge

  constructor(edge: Edge) {
    this.#edge = edge
  }

  /** On the device that is to act: makes its key and the text that asks for it. */
  async request(name: string): Promise<string> {
    const { vault, random } = this.#edge.ports
    const { keyId, key } = await vault.createKey(ED25519, 'agent entry')
    const k = encodeMultikey(key.publicKey)
    const { salt } = openingOf(k, random(16))
    const h = agentDigest(base64url.decode(salt), k)
    await this.#edge.records.commit([put('agent-key', h, { h, name, k, salt, keyId })])
    return base64url.encode(canonicalJson({ k, name, salt, v: 1 }))
  }

  /** Verified, settled now. */
  async list(): Promise<Devices> {
    const { state, at } = await this.#state()
    const named = new Map((await this.#edge.records.all('device')).map(({ value }) => [value.h, value.name]))
    return {
      did: state.did,
      suspended: state.suspension !== undefined,
      devices: state.agents.map((entry) => {
        const name = named.get(entry.h)
        return {
          h: entry.h,
          ...(name === undefined ? {} : { name }),
          capabilities: capabilityNames(entry.caps),
          until: entry.exp,
          standing: agentStanding(state, entry, at.time),
        }
      }),
    }
  }

  /** Rejects with `BAD_DEVICE` for what is no request. */
  async grant(request: string, capabilities: readonly Capability[], seconds: number): Promise<DeviceView> {
    const asked = readRequest(request)
    const h = agentDigest(base64url.decode(asked.salt), asked.k)
    const entry = { h, caps: capabilitySet(capabilities), exp: nowSeconds(this.#edge) + seconds }
    const { did } = await publicIdentity(this.#edge)
    await this.#change({ put: [entry] }, [put('device', h, { did, h, ...asked })])
    return { h, name: asked.name, capabilities, until: entry.exp, standing: 'active' }
  }

  /** Other permissions for a device that is granted; its time stays. Rejects with `UNKNOWN_DEVICE`. */
  async permit(name: string, capabilities: readonly Capability[]): Promise<void> {
    const { h } = await this.#device(name)
    const { state } = await this.#state()
    const entry = state.agents.find((agent) => agent.h === h)
    if (!entry) throw fault('UNKNOWN_DEVICE', `${name} is not on the ledger`)
    await this.#change({ put: [{ ...entry, caps: capabilitySet(capabilities) }] })
  }

  /** The device signs nothing from then on. Rejects with `UNKNOWN_DEVICE`. */
  async revoke(name: string): Promise<void> {
    const { h } = await this.#device(name)
    await this.#change({ drop: [h] }, [remove('device', h)])
  }

  /** Stops the public DID, or with `did` another one that granted this device SUSPEND. */
  async suspend(did?: string): Promise<void> {
    if (did === undefined) return this.#sign('suspend')
    const { ledger, vault } = this.#edge.ports
    const { state } = await ledger.resolve(did)
    const entries = new Set(state?.agents.map(({ h }) => h))
    const own = (await this.#edge.records.all('agent-key')).map(({ value }) => value).find(({ h }) => entries.has(h))
    if (!state || !own) throw fault('UNKNOWN_DEVICE', 'this DID has granted this device nothing')
    const open = [{ k: own.k, salt: own.salt }]
    const operation = operationAfter(state, ledger.net, this.#notAfter, { type: 'suspend', open })
    await ledger.submit(submissionOf(await signOperation(operation, [await vault.key(own.keyId, ED25519)])))
  }

  /** Lifts a suspension of the public DID. */
  resume(): Promise<void> {
    return this.#sign('resume')
  }

  get #notAfter(): number {
    return nowSeconds(this.#edge) + NOT_AFTER_SECONDS
  }

  #change(members: AgentsMembers, also: readonly Change[] = []): Promise<void> {
    return this.#perform({ type: 'agents', ...members }, also)
  }

  #sign(type: 'suspend' | 'resume'): Promise<void> {
    return this.#perform({ type }, [])
  }

  /** By the authority key, after the newest operation of whichever device. Rejects with `OPERATION_PENDING` while it waits. */
  async #perform(
    members: { readonly type: 'suspend' | 'resume' } | ({ readonly type: 'agents' } & AgentsMembers),
    also: readonly Change[],
  ): Promise<void> {
    const { ledger, vault } = this.#edge.ports
    const { state } = await this.#state()
    const { did } = state
    const { identity, keys } = await usableIdentity(this.#edge, did)
    const operation = operationAfter(state, ledger.net, this.#notAfter, members)
    const submission = submissionOf(await signOperation(operation, [await vault.key(keys.authority, ED25519)]))
    const after = { ...identity, seq: submission.operation.seq, head: submission.hash }
    const done = await perform(this.#edge, { did, kind: members.type, submission, identity: after, keys, retire: [] })
    if (!done) throw fault('OPERATION_PENDING', 'the ledger is away; the change waits for it')
    if (also.length > 0) await this.#edge.records.commit(also)
  }

  async #state(): Promise<{ state: DidState; at: { time: number } }> {
    const { did } = await publicIdentity(this.#edge)
    const { state, at } = await this.#edge.ports.ledger.resolve(did)
    if (!state) throw fault('UNKNOWN_DID', 'the ledger proves that this DID does not exist')
    return { state, at }
  }

  async #device(name: string): Promise<Device> {
    const all = (await this.#edge.records.all('device')).map(({ value }) => value)
    const found = all.filter((device) => device.name === name || device.h.startsWith(name))
    const [device] = found
    if (!device || found.length > 1) throw fault('UNKNOWN_DEVICE', `no device is called ${name}, or several are`)
    return device
  }
}

function readRequest(text: string): { k: string; name: string; salt: string } {
  try {
    const f = new Fields(parseJson(base64url.decode(text), MAX_REQUEST_BYTES), 'request')
    f.literal('v', 1)
    const request = {
      k: f.string('k', { max: 64 }),
      name: f.string('name', { min: 1, max: 64 }),
      salt: f.decoded('salt', 22, (salt) => (base64url.decode(salt).length === 16 ? salt : '')),
    }
    f.end()
    decodeMultikey(request.k)
    if (request.salt !== '') return request
  } catch {
    // reported below
  }
  throw fault('BAD_DEVICE', 'this is not what "keystead device request" printed')
}
