/**
 * The owner's devices (flows V4, V6, V12): which may act for the public DID on the ledger (DKMS-13 to DKMS-19, DKMS-29), granted,
 * changed and revoked by this wallet's authority or an ADMIN's; which share this owner's wallet; how another one is linked.
 */
import { base64url, canonicalJson, Fields, isKeysteadError, parseJson } from '@keystead/core'
import { decodeMultikey } from '@keystead/crypto'
import {
  type AgentStanding,
  agentDigest,
  agentStanding,
  CAPABILITIES,
  type Capability,
  capabilityNames,
  capabilitySet,
  type DidState,
} from '@keystead/did-dkms'
import type { OwnDevice } from '../protocols/own-devices/messages.ts'
import { makeAgentKey } from './agent-key.ts'
import { signAsAgent } from './agent-operations.ts'
import { approveRotation } from './authority/approving.ts'
import { activePublic } from './authority/share.ts'
import { isLastBut, isShared } from './authority/together.ts'
import { type Edge, fault, nowSeconds, tell } from './context.ts'
import { digestOf } from './device-keys.ts'
import { publicIdentity } from './identities.ts'
import { type AgentsMembers, performByAuthority } from './identity-operations.ts'
import { approveLink, greet } from './linking/approving.ts'
import { refuseLink, showLink } from './linking/new-device.ts'
import { type LinkView, viewOf } from './linking/session.ts'
import { flushOutbox } from './outbox.ts'
import { approveLower, requireOne, requireTwo } from './own-devices/approvals.ts'
import { approveEntries, declineApproval } from './own-devices/cosigning.ts'
import { deviceList, devicesNeeded, findDevice, holdsAuthority, thisDevice } from './own-devices/list.ts'
import { authorityIsLost, type Left, leftOf, markRevoked, missingFrom, renameDevice } from './own-devices/membership.ts'
import { isStuck, type WaitingView, waitingApprovals, withdraw } from './own-devices/proposing.ts'
import type { Device, Relationship } from './records.ts'
import { ownEntryIn, performAsAgent } from './registry/as-agent.ts'
import { type Change, put, remove } from './store.ts'

/** What a request may be long: a Multikey, a salt and a name. */
const MAX_REQUEST_BYTES = 512

export interface DeviceView {
  readonly h: string
  /** Absent: granted elsewhere, or padding. */
  readonly name?: string
  /** Of this device. */
  readonly self?: true
  /** Also shares this wallet: has keys in every relationship and a mailbox. */
  readonly linked?: true
  readonly capabilities: readonly Capability[]
  /** Seconds since 1970. */
  readonly until: number
  readonly standing: AgentStanding
}

export interface Devices {
  readonly did: string
  readonly suspended: boolean
  readonly devices: readonly DeviceView[]
  /** Devices of this wallet, revoked ones too, once there are several. */
  readonly own: readonly OwnDeviceView[]
}

export interface OwnDeviceView {
  readonly name: string
  readonly admin: boolean
  readonly self: boolean
  readonly h?: string
  /** It holds the authority of the public DID. */
  readonly authority?: true
  /** It has answered since it was approved. */
  readonly joined?: boolean
  /** Contacts to whom it is not known yet. */
  readonly missing?: readonly string[]
  /** When it was revoked (seconds since 1970), and where it still stands until everything was brought. */
  readonly revoked?: number
  readonly left?: Left
}

export interface ApprovalsView {
  readonly needed: 1 | 2
  /** Devices that stand. */
  readonly devices: number
  /** Devices whose keys the ledger has in force for the public DID: where there are several, two of them change it. */
  readonly holders: number
  /** Contacts towards whom one device is enough until the next entry. */
  readonly alone: readonly string[]
  /** What this device asks the others for. */
  readonly waiting: readonly WaitingView[]
}

export class DevicesAgent {
  readonly #edge: Edge

  constructor(edge: Edge) {
    this.#edge = edge
  }

  /** On the device that is to act: makes its key and the text that asks for it. */
  async request(name: string): Promise<string> {
    const { k, salt } = await makeAgentKey(this.#edge, name)
    return base64url.encode(canonicalJson({ k, name, salt, v: 1 }))
  }

  // --- another device of this wallet (flow V6) ------------------------------------------------------------------------------

  /** In a new wallet: a link for a device of the owner's to take up. Rejects with `NOT_ALLOWED_NOW` in one that is in use. */
  link(name: string, base: string): Promise<LinkView> {
    return this.#act(async () => {
      const known = (await this.#edge.records.all('agent-key')).map(({ value }) => value)
      return showLink(
        this.#edge,
        known.find((key) => key.name === name) ?? (await makeAgentKey(this.#edge, name)),
        base,
      )
    })
  }

  /** Takes up a link that another device shows. Nothing is granted by it. */
  greet(url: string): Promise<LinkView> {
    return this.#act(() => greet(this.#edge, url))
  }

  /** How far a link is, on the side of it that this device is on. */
  async linking(session?: string): Promise<LinkView | undefined> {
    const all = (await this.#edge.records.all('linking')).map(({ value }) => value)
    const found = all
      .filter((linking) => session === undefined || linking.session === session)
      .sort((a, b) => b.expires - a.expires)[0]
    return found && viewOf(found)
  }

  /**
   * The person typed the code that the new device shows, and says what it may do; `sync` does the rest. Its entry ends with this
   * device's own at the latest. Rejects with `NOT_ALLOWED_NOW` for more than this device may grant.
   */
  approveLink(
    code: string,
    grant: { capabilities: readonly Capability[]; seconds: number; name?: string },
  ): Promise<LinkView> {
    return this.#act(async () => {
      const { capabilities } = await this.mayGrant()
      const beyond = grant.capabilities.filter((capability) => !capabilities.includes(capability))
      if (grant.capabilities.includes('ADMIN') && !(await this.#holdsAlone()))
        throw fault(
          'NOT_ALLOWED_NOW',
          'admin is given by the device that holds the authority of your DID alone: approve there, and where two hold it, "keystead device approvals 1" first',
        )
      if (beyond.length > 0)
        throw fault('NOT_ALLOWED_NOW', `this device does not hold ${beyond.join(', ')}, and grants only what it holds`)
      return approveLink(this.#edge, code, grant)
    })
  }

  async #holdsAlone(): Promise<boolean> {
    const { did, auth } = await publicIdentity(this.#edge)
    return (await this.#edge.records.get('identity-keys', did)) !== undefined && !isShared(auth)
  }

  /** Everything where the authority is; elsewhere what this device's own entry holds, and no longer (DKMS-14). */
  async mayGrant(): Promise<{ readonly capabilities: readonly Capability[]; readonly until?: number }> {
    if (await this.#holdsAlone()) return { capabilities: CAPABILITIES }
    const { state } = await this.#state()
    const own = await ownEntryIn(this.#edge, state)
    const entry = state.agents.find(({ h }) => h === own?.h)
    return entry ? { capabilities: capabilityNames(entry.caps), until: entry.exp } : { capabilities: [] }
  }

  refuseLink(role: LinkView['role'] = 'approver'): Promise<void> {
    return this.#act(() => refuseLink(this.#edge, role))
  }

  /** For a device that was approved: its entry on the ledger, if it is not there. Resolves to the entry's name. */
  async grantKey(
    { k, salt, name }: { k: string; salt: string; name: string },
    capabilities: readonly Capability[],
    seconds: number,
  ): Promise<string> {
    const h = agentDigest(base64url.decode(salt), k)
    const { state } = await this.#state()
    if (!state.agents.some((entry) => entry.h === h)) await this.#grant({ k, salt, name }, capabilities, seconds)
    return h
  }

  /** Takes an entry off the ledger, where it still is. */
  async dropKey(h: string): Promise<void> {
    const { state } = await this.#state()
    const gone = [remove('device', h)]
    if (state.agents.some((entry) => entry.h === h)) await this.#change({ drop: [h] }, gone)
    else await this.#edge.records.commit(gone)
  }

  /** Verified, settled now. */
  async list(): Promise<Devices> {
    const { state, at } = await this.#state()
    const named = new Map((await this.#edge.records.all('device')).map(({ value }) => [value.h, value.name]))
    const keys = (await this.#edge.records.all('agent-key')).map(({ value }) => value)
    for (const { h, name } of keys) named.set(h, name)
    const own = await this.own()
    for (const { h, name } of own) if (h !== undefined) named.set(h, name)
    return {
      did: state.did,
      suspended: state.suspension !== undefined,
      own,
      devices: state.agents.map((entry) => {
        const name = named.get(entry.h)
        return {
          h: entry.h,
          ...(name === undefined ? {} : { name }),
          ...(keys.some(({ h }) => h === entry.h) ? { self: true as const } : {}),
          ...(own.some((device) => device.h === entry.h && device.revoked === undefined)
            ? { linked: true as const }
            : {}),
          capabilities: capabilityNames(entry.caps),
          until: entry.exp,
          standing: agentStanding(state, entry, at.time),
        }
      }),
    }
  }

  /** The devices of this wallet, this one among them; none while there is one. */
  async own(): Promise<OwnDeviceView[]> {
    const list = await deviceList(this.#edge)
    if (!list) return []
    const self = await thisDevice(this.#edge)
    return Promise.all(
      list.devices.map(async (device) => {
        const { account, name, admin, h, revoked } = device
        return {
          name,
          admin,
          self: account === self.account,
          ...(h === undefined ? {} : { h }),
          ...(holdsAuthority(device) ? { authority: true as const } : {}),
          ...(revoked === undefined
            ? { joined: list.waiting?.includes(account) !== true, missing: await missingFrom(this.#edge, account) }
            : {}),
          ...(revoked === undefined ? {} : { revoked, left: await leftOf(this.#edge, device) }),
        }
      }),
    )
  }

  /** Rejects with `BAD_DEVICE` for what is no request. */
  grant(request: string, capabilities: readonly Capability[], seconds: number): Promise<DeviceView> {
    return this.#grant(readRequest(request), capabilities, seconds)
  }

  async #grant(
    asked: { k: string; name: string; salt: string },
    capabilities: readonly Capability[],
    seconds: number,
  ): Promise<DeviceView> {
    const h = agentDigest(base64url.decode(asked.salt), asked.k)
    const { until = Number.POSITIVE_INFINITY } = await this.mayGrant()
    const exp = Math.min(nowSeconds(this.#edge) + seconds, until)
    const entry = { h, caps: capabilitySet(capabilities), exp }
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

  /** What a device of this wallet is called. Rejects with `UNKNOWN_DEVICE`, and `NOT_ALLOWED_NOW` on a device that may not. */
  rename(name: string, to: string): Promise<void> {
    return this.#act(async () => {
      const { account } = await findDevice(this.#edge, name)
      const taken = (await this.own()).some((device) => device.name === to && device.revoked === undefined)
      if (taken) throw fault('NOT_ALLOWED_NOW', `another device of yours is called "${to}"`)
      await renameDevice(this.#edge, account, to)
    })
  }

  /**
   * The device signs nothing from then on: its entry leaves the ledger; one that shares this wallet is cut off at the agency and
   * taken out of every relationship, too. What cannot be brought now is brought by `sync`. Rejects with `UNKNOWN_DEVICE`, and with
   * `NEEDS_RECOVERY` where no device would be left to approve changes with this one, unless `anyway`.
   */
  async revoke(name: string, { anyway = false } = {}): Promise<void> {
    const own = await findDevice(this.#edge, name).catch((error: unknown) => {
      if (isKeysteadError(error, 'UNKNOWN_DEVICE')) return undefined
      throw error
    })
    if (!own) return this.#act(() => this.#revokeEntry(name))
    if (own.account === (await thisDevice(this.#edge)).account)
      throw fault('NOT_ALLOWED_NOW', 'a device does not revoke itself: do it on another one')
    if (!anyway) await this.#requireAnother(own)
    await this.#act(() => markRevoked(this.#edge, own.account))
  }

  /** DEVICE-16: who has the device at hand still can lower what is needed; who has lost it recovers. */
  async #requireAnother({ account, name }: OwnDevice): Promise<void> {
    const contacts = await this.#contacts((relationship) => isStuck(this.#edge, relationship, account))
    const stuck = [...contacts, ...((await isLastBut(this.#edge, account)) ? ['your DID on the ledger'] : [])]
    if (stuck.length === 0) return
    throw fault(
      'NEEDS_RECOVERY',
      `changes towards ${stuck.join(', ')} need two of your devices, and without ${name} there is one. If you have it still: "keystead device approvals 1" first, and approve that on it. If it is lost or stolen: "keystead device revoke --anyway" cuts it off, and then recover with your kit and contacts in a new wallet ("keystead recover"), which takes it out of everything`,
    )
  }

  async #revokeEntry(name: string): Promise<void> {
    const { h } = await this.#device(name)
    await this.#change({ drop: [h] }, [remove('device', h)])
  }

  /** Part of every sync on a device that may: entries of revoked devices leave the ledger, as soon as it can be reached. */
  async dropRevoked(again = true): Promise<void> {
    const list = await deviceList(this.#edge)
    if (!list || !(await thisDevice(this.#edge)).admin) return
    const { devices, dropped = [] } = list
    const revoked = devices.filter(
      ({ account, h, revoked }) => revoked !== undefined && h !== undefined && !dropped.includes(account),
    )
    if (revoked.length === 0 || (await this.#edge.records.all('operation')).length > 0) return
    const { state } = await this.#state()
    const there = revoked.filter(({ h }) => state.agents.some((entry) => entry.h === h))
    const gone = revoked.filter((device) => !there.includes(device)).map(({ account }) => account)
    await this.#edge.records.commit([
      ...(gone.length > 0 ? [put('own-devices', 'self', { ...list, dropped: [...dropped, ...gone] })] : []),
      ...revoked.map(({ h = '' }) => remove('device', h)),
    ])
    // One that another device has accused already goes by itself (DKMS-17).
    const drop = there.flatMap(({ h = '' }) => (standingOf(state, h) === 'active' ? [h] : []))
    if (drop.length === 0 || !again) return
    await this.#change({ drop })
    await this.dropRevoked(false)
  }

  /**
   * Part of every sync: a revoked device that holds the authority loses it by a recovery alone. Until then the DID stands still, once
   * and for as long as the network lets it, so that what is signed meanwhile counts for nothing (DEVICE-12, DKMS-29).
   */
  async suspendLost(): Promise<void> {
    if (!(await authorityIsLost(this.#edge))) return
    const { state } = await this.#state()
    const own = await ownEntryIn(this.#edge, state)
    const entry = state.agents.find(({ h }) => h === own?.h)
    if (!own || !entry || standingOf(state, own.h) !== 'active') return
    if (isShared(state.auth) && !(await this.#standsThere(state))) return
    if (state.suspension || state.suspenders?.includes(digestOf(own.k))) return
    if (!capabilityNames(entry.caps).includes('SUSPEND')) return
    await this.suspend(state.did)
    tell(this.#edge, {
      kind: 'suspended',
      text: 'your public DID is suspended: the device that was revoked holds its authority until you recover it',
    })
  }

  /** Of several that held the authority, the two that took a revoked one out have taken its entry along (DEVICE-19). */
  async #standsThere({ agents }: DidState): Promise<boolean> {
    const { devices = [] } = (await deviceList(this.#edge)) ?? {}
    const revoked = devices.filter((device) => holdsAuthority(device) && device.revoked !== undefined)
    return revoked.some(({ h }) => agents.some((entry) => entry.h === h))
  }

  // --- two devices for a change (DEVICE-13 to DEVICE-16) --------------------------------------------------------------------

  async approvals(): Promise<ApprovalsView> {
    const own = (await this.own()).filter(({ revoked }) => revoked === undefined)
    const auth = (await activePublic(this.#edge))?.auth
    return {
      needed: await devicesNeeded(this.#edge),
      devices: Math.max(own.length, 1),
      holders: auth?.keys.filter(({ w }) => w > 0).length ?? 1,
      alone: await this.#contacts(({ mine }) => mine.state.now.nextThreshold < 2),
      waiting: await waitingApprovals(this.#edge),
    }
  }

  /** Raised at once; lowered when a second device has approved that. Rejects with `NOT_ALLOWED_NOW` and `NEEDS_RECOVERY`. */
  setApprovals(needed: 1 | 2): Promise<boolean> {
    return this.#act(async () => {
      if (needed === 1) return requireOne(this.#edge)
      await requireTwo(this.#edge)
      return true
    })
  }

  /** What this device has asked the others for, by the beginning of its id. Rejects with `UNKNOWN_REQUEST`. */
  withdraw(id: string): Promise<void> {
    return this.#act(() => withdraw(this.#edge, id))
  }

  /** What another device asks for, from within something that is done alone already. */
  async decide(id: string, yes: boolean): Promise<void> {
    const approval = await this.#edge.records.get('approval', id)
    if (!approval) throw fault('UNKNOWN_REQUEST', `no request is called "${id}"`)
    if (!yes) return declineApproval(this.#edge, approval)
    if (approval.operation) return approveRotation(this.#edge, approval)
    await (approval.lower === undefined ? approveEntries : approveLower)(this.#edge, approval)
  }

  /** Labels of connected contacts. */
  async #contacts(which: (relationship: Relationship) => boolean | Promise<boolean>): Promise<string[]> {
    const found: string[] = []
    for (const { value } of await this.#edge.records.all('relationship'))
      if (value.status === 'connected' && (await which(value))) found.push(value.label)
    return found
  }

  /** Stops the public DID, or with `did` another one that granted this device SUSPEND. */
  async suspend(did?: string): Promise<void> {
    if (did === undefined) return this.#sign('suspend')
    const { state } = await this.#edge.ports.ledger.resolve(did)
    const own = state && (await ownEntryIn(this.#edge, state))
    if (!state || !own) throw fault('UNKNOWN_DEVICE', 'this DID has granted this device nothing')
    await signAsAgent(this.#edge, state, own, { type: 'suspend' })
  }

  /** Lifts a suspension of the public DID. */
  resume(): Promise<void> {
    return this.#sign('resume')
  }

  #change(members: AgentsMembers, also: readonly Change[] = []): Promise<void> {
    return this.#perform({ type: 'agents', ...members }, also)
  }

  #sign(type: 'suspend' | 'resume'): Promise<void> {
    return this.#perform({ type }, [])
  }

  /** After the newest operation of whichever device. Rejects with `OPERATION_PENDING` while it waits. */
  async #perform(members: Parameters<typeof performByAuthority>[2], also: readonly Change[]): Promise<void> {
    const { state } = await this.#state()
    const here = (await this.#edge.records.get('identity-keys', state.did)) !== undefined
    if (members.type === 'agents' && (!here || isShared(state.auth))) await performAsAgent(this.#edge, state, members)
    else await performByAuthority(this.#edge, state, members)
    if (also.length > 0) await this.#edge.records.commit(also)
  }

  #act<T>(work: () => Promise<T>): Promise<T> {
    return this.#edge.alone(async () => {
      const done = await work()
      await flushOutbox(this.#edge)
      return done
    })
  }

  async #state(): Promise<{ state: DidState; at: { time: number } }> {
    const { did } = await publicIdentity(this.#edge)
    const { state, at } = await this.#edge.ports.ledger.resolve(did)
    if (!state) throw fault('UNKNOWN_DID', 'the ledger proves that this DID does not exist')
    return { state, at }
  }

  async #device(name: string): Promise<Device> {
    const keys = (await this.#edge.records.all('agent-key')).map(({ value }) => value)
    if (keys.some(({ own, ...key }) => own && (key.name === name || key.h === name)))
      throw fault('NOT_ALLOWED_NOW', 'this is the device that holds the authority: its entry stays as it is')
    const all = (await this.#edge.records.all('device')).map(({ value }) => value)
    const found = all.filter((device) => device.name === name || device.h.startsWith(name))
    const [device] = found
    if (!device || found.length > 1) throw fault('UNKNOWN_DEVICE', `no device is called ${name}, or several are`)
    return device
  }
}

function standingOf(state: DidState, h: string): AgentStanding | undefined {
  const entry = state.agents.find((agent) => agent.h === h)
  return entry && agentStanding(state, entry, 0)
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
