/** Rule 22: a credential shown on every device is presented by any that may, each with a key of its own (CREDENTIAL-19 to 24). */
import { Fields, type JsonObject } from '@keystead/core'
import { createPresentation } from '@keystead/credentials'
import { encodeMultikey } from '@keystead/crypto'
import { type AgentEntry, bodyHash, type Capability, changeOfHalf, type DidState, keyUrl } from '@keystead/did-dkms'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { newAgentKey } from '../../agent/src/edge/agent-key.ts'
import { signAsAgent } from '../../agent/src/edge/agent-operations.ts'
import { queue } from '../../agent/src/edge/context.ts'
import { ED25519, XWING } from '../../agent/src/edge/key-types.ts'
import { tellDevices } from '../../agent/src/edge/own-devices/list.ts'
import type { OwnDevices } from '../../agent/src/edge/records.ts'
import { remove } from '../../agent/src/edge/store.ts'
import { grantOf } from '../../agent/src/edge/subjects/registry.ts'
import { judgePresentation } from '../../agent/src/edge/verifying.ts'
import { OWN_DEVICES } from '../../agent/src/protocols/own-devices/messages.ts'
import { RECOVERY_PATHS } from '../../agent/src/protocols/own-devices/recovery-paths.ts'
import { SUBJECT_KEYS } from '../../agent/src/protocols/own-devices/subject-keys.ts'
import { dealTo, threeContacts } from './dealing.ts'
import { Network } from './network.ts'
import type { Person } from './person.ts'

const CAN: readonly Capability[] = ['PROVE', 'AUTHENTICATE']
const ADMIN: readonly Capability[] = ['PROVE', 'AUTHENTICATE', 'ADMIN', 'SUSPEND']

let network: Network
let acme: Person
let alice: Person
let bob: Person

beforeEach(async () => {
  network = await Network.open()
  acme = await network.person('acme')
  alice = await network.person('alice')
  bob = await network.person('bob')
  await network.connect(alice, acme)
  await network.connect(alice, bob)
})

afterEach(() => network.close())

const code = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => 'done',
    (error: { code?: string }) => error.code ?? error,
  )

async function linked(name: string, can: readonly Capability[] = CAN): Promise<Person> {
  const device = await network.link(name, alice, can)
  await network.settle(alice, device, acme, bob)
  return device
}

/** Issued to whoever accepts; all named hear of it. */
async function issue(to: Person, type = 'MemberCard', others: readonly Person[] = []): Promise<string> {
  await acme.agent.offer('alice', type, { level: 'gold' })
  await network.settle(acme, to, ...others)
  await to.agent.approve()
  await network.settle(acme, to, ...others)
  const held = (await to.agent.credentials()).find(({ credential }) => (credential['type'] as string[]).includes(type))
  if (!held) throw new Error('no credential')
  return held.subject
}

/** Bob asks, a device answers. */
async function presented(by: Person, type = 'MemberCard', asked: Person = bob) {
  const id = await asked.agent.askFor('alice', { type, domain: 'bob.example' })
  await network.settle(asked, by)
  await by.agent.approve(id)
  await network.settle(by, asked)
  const found = (await asked.agent.presentations()).find((one) => one.id === id)
  if (!found?.presentation) throw new Error('nothing was presented')
  return found
}

const judged = async (by: Person, asked: Person = bob) =>
  asked.agent.recheck((await presented(by, undefined, asked)).id)
const faults = (verdict: { checks: readonly { outcome: string; code: string }[] }) =>
  verdict.checks.filter(({ outcome }) => outcome !== 'valid').map(({ code: one }) => one)

async function stateOf(did: string): Promise<DidState> {
  const { state } = await bob.agent.edge.ports.ledger.resolve(did)
  if (!state) throw new Error('no such DID')
  return state
}
const registry = async (did: string): Promise<readonly AgentEntry[]> => (await stateOf(did)).agents

describe('a credential that one device obtained', () => {
  it('is presented by another one, with a key of its own that no document shows', async () => {
    const phone = await linked('phone')
    const subject = await issue(alice, 'MemberCard', [phone])
    expect((await phone.agent.credentials()).map((held) => held.subject)).toEqual([subject])
    const { id, presentation, opening } = await presented(phone)
    expect(await bob.agent.recheck(id)).toMatchObject({ outcome: 'valid', level: 'operator-signed' })
    const kid = new Fields(presentation?.['proof'], 'proof').string('verificationMethod', { max: 300 })
    expect(kid.startsWith(`${subject}#`)).toBe(true)
    const { didDocument } = await bob.agent.edge.resolver.resolve(subject)
    expect(JSON.stringify(didDocument)).not.toContain(kid.split('#')[1])
    expect(opening?.k).toBe((await phone.agent.edge.records.get('subject-key', subject))?.k)
    const theirs = new Set((await alice.vault.keys()).map(({ publicKey }) => publicKey.bytes.join()))
    expect((await phone.vault.keys()).filter(({ publicKey }) => theirs.has(publicKey.bytes.join()))).toEqual([])
    expect((await judged(alice)).outcome).toBe('valid')
  })

  it('and obtained on the second one is presented by the first', async () => {
    const phone = await linked('phone')
    await issue(phone, 'MemberCard', [alice])
    expect((await judged(alice)).outcome).toBe('valid')
    expect((await judged(phone)).outcome).toBe('valid')
  })

  it('names the same DID when another device takes up the next offer of that issuer', async () => {
    const phone = await linked('phone')
    const subject = await issue(alice, 'MemberCard', [phone])
    expect(await issue(phone, 'Second', [alice])).toBe(subject)
    await network.settle(alice, phone)
    expect((await alice.agent.credentials()).map((held) => held.subject)).toEqual([subject, subject])
  })

  it('was there before the device: its key comes within a day, or at once where a person waits for it', async () => {
    const subject = await issue(alice)
    const before = await registry(subject)
    drawing(alice, 255)
    const phone = await linked('phone')
    expect(await registry(subject)).toEqual(before)
    const asked = await bob.agent.askFor('alice', { type: 'MemberCard', domain: 'bob.example' })
    await network.settle(bob, phone)
    expect(await code(phone.agent.approve())).toBe('KEY_NOT_THERE_YET')
    await network.settle(alice, phone)
    await phone.agent.approve()
    await network.settle(phone, bob)
    expect((await bob.agent.recheck(asked)).outcome).toBe('valid')
  })
})

/** What part of a day (of 256) a person's wallet draws, one time after another. */
function drawing({ agent }: Person, ...parts: number[]): void {
  const { random } = agent.edge.ports
  const drawn = (length: number) => (length === 3 ? Uint8Array.of(parts.shift() ?? 0, 255, 255) : random(length))
  Object.assign(agent.edge.ports, { random: drawn })
}

/** The wallet in the hands of a thief whose software asks nobody. */
async function thiefOf(device: Person): Promise<Person> {
  const thief = await device.stolen('thief')
  await thief.agent.edge.records.commit([remove('own-devices', 'self')])
  return thief
}

/** What a verifier that the thief reaches somehow is shown, and how it judges that. */
async function shownBy(thief: Person, subject: string, opened = true) {
  const id = await bob.agent.askFor('alice', { type: 'MemberCard', domain: 'bob.example' })
  const asked = (await bob.agent.presentations()).find((one) => one.id === id)
  const held = (await thief.agent.credentials()).find((one) => one.subject === subject)
  const { edge } = thief.agent
  const [own, made] = [await edge.records.get('subject-key', subject), await edge.records.get('identity-keys', subject)]
  if (!asked || !held || !(own ?? made)) throw new Error('nothing to show')
  const key = await edge.ports.vault.key(own?.keyId ?? made?.signing ?? '', ED25519)
  const { challenge, domain } = asked.request as { challenge: string; domain: string }
  const kid = keyUrl(subject, encodeMultikey(key.publicKey))
  const presentation = await createPresentation(subject, [held.credential], { challenge, domain }, key, kid)
  const opening = own && opened ? { opening: { k: own.k, salt: own.salt } } : {}
  const { verdict } = await judgePresentation(bob.agent.edge, {
    ...asked,
    presentation,
    receipts: [held.receipt],
    ...opening,
  })
  return [verdict.outcome, ...faults(verdict)]
}

describe('a device that was revoked', () => {
  it('MUST NOT present any more: what it showed before stays as it was', async () => {
    const phone = await linked('phone')
    const subject = await issue(alice, 'MemberCard', [phone])
    const thief = await thiefOf(phone)
    expect(await shownBy(thief, subject)).toEqual(['valid'])
    const earlier = await presented(phone)
    const size = (await registry(subject)).length
    network.advance(60)
    await alice.agent.devices.revoke('phone')
    await network.settle(alice, acme, bob)
    expect(await shownBy(thief, subject)).toEqual(['invalid', 'HOLDER_KEY_REVOKED'])
    expect((await bob.agent.recheck(earlier.id)).outcome).toBe('valid')
    expect(await registry(subject)).toHaveLength(size)
    expect(await alice.agent.edge.records.all('subject-entry')).toEqual([])
    expect((await judged(alice)).outcome).toBe('valid')
  })

  it('is stopped by one with ADMIN while the one that made the DID is away, and that one takes it out', async () => {
    const [laptop, phone] = [await linked('laptop', ADMIN), await linked('phone')]
    const subject = await issue(alice, 'MemberCard', [laptop, phone])
    await network.settle(alice, laptop, phone)
    const thief = await thiefOf(phone)
    network.advance(60)
    await laptop.agent.devices.revoke('phone')
    await network.settle(laptop, acme, bob)
    expect(await shownBy(thief, subject)).toEqual(['invalid', 'HOLDER_KEY_REVOKED'])
    expect((await stateOf(subject)).removals).toHaveLength(1)
    await network.settle(alice, laptop)
    expect((await stateOf(subject)).removals).toBeUndefined()
    const own = await thief.agent.edge.records.get('subject-key', subject)
    expect((await registry(subject)).map(({ h }) => h)).not.toContain(own?.h)
    expect((await judged(laptop)).outcome).toBe('valid')
  })

  it('and made the DID: its key leaves the document, and the others go on presenting', async () => {
    const [laptop, phone] = [await linked('laptop', ADMIN), await linked('phone')]
    const subject = await issue(alice, 'MemberCard', [laptop, phone])
    await network.settle(alice, laptop, phone)
    const thief = await thiefOf(alice)
    network.advance(60)
    await laptop.agent.devices.revoke('first device')
    await network.settle(laptop, phone, acme, bob)
    await network.settle(laptop, phone)
    expect(await shownBy(thief, subject)).toEqual(['invalid', 'HOLDER_KEY_REVOKED'])
    for (const device of [laptop, phone]) expect((await judged(device)).outcome).toBe('valid')
  })

  it('and made the DID: what is issued for it from then on is kept by who asked for it', async () => {
    const [laptop, phone] = [await linked('laptop', ADMIN), await linked('phone')]
    const subject = await issue(alice, 'MemberCard', [laptop, phone])
    await network.settle(alice, laptop, phone)
    await laptop.agent.devices.revoke('first device')
    await network.settle(laptop, phone, acme, bob)
    await network.settle(laptop, phone)
    expect(await issue(phone, 'Second', [laptop])).toBe(subject)
    const { id } = await presented(phone, 'Second')
    expect((await bob.agent.recheck(id)).outcome).toBe('valid')
  })

  it('and made the DID MUST NOT pass for one of the others: its key would stay in the document', async () => {
    const [laptop, phone] = [await linked('laptop', ADMIN), await linked('phone')]
    const subject = await issue(alice, 'MemberCard', [laptop, phone])
    await network.settle(alice, laptop, phone)
    const thief = await thiefOf(alice)
    await say(alice, [{ did: subject, h: (await newAgentKey(alice.agent.edge, 'hidden')).h }])
    await network.settle(alice, laptop, phone)
    network.advance(60)
    await laptop.agent.devices.revoke('first device')
    for (let round = 0; round < 2; round++) await network.settle(laptop, phone, acme, bob)
    expect(await shownBy(thief, subject)).toEqual(['invalid', 'HOLDER_KEY_REVOKED'])
  })

  it('and said that it had made the DID MUST NOT have the key of who did taken out with it', async () => {
    const [laptop, phone] = [await linked('laptop', ADMIN), await linked('phone')]
    const subject = await issue(alice, 'MemberCard', [laptop, phone])
    await network.settle(alice, laptop, phone)
    await say(phone, [{ did: subject }])
    await network.settle(phone, laptop, alice)
    await laptop.agent.devices.revoke('phone')
    await network.settle(laptop, acme, bob)
    expect((await bob.agent.edge.ports.ledger.resolve(subject)).body?.keys).not.toEqual([])
    await network.settle(alice, laptop)
    const { seq } = await stateOf(subject)
    for (let round = 0; round < 3; round++) {
      network.advance(61)
      await network.settle(laptop, alice)
    }
    expect((await stateOf(subject)).seq).toBe(seq)
    for (const device of [alice, laptop]) expect((await judged(device)).outcome).toBe('valid')
    for (const { agent } of [alice, laptop]) {
      const entries = (await agent.edge.records.all('subject-entry')).map(({ value }) => value.device)
      expect(entries).not.toContain(await account(phone))
    }
  })

  it('MUST NOT leave keys behind: neither an entry that it granted nor a key that it put into the document', async () => {
    const laptop = await linked('laptop', ADMIN)
    const subject = await issue(alice, 'MemberCard', [laptop])
    const thief = await thiefOf(laptop)
    const { edge } = thief.agent
    const own = await edge.records.get('subject-key', subject)
    const hidden = await newAgentKey(edge, 'hidden')
    if (!own) throw new Error('no key')
    await signAsAgent(edge, await stateOf(subject), own, { type: 'agents', put: [grantOf(hidden.h, false)] })
    const { state, body } = await edge.ports.ledger.resolve(subject)
    if (!state || !body) throw new Error('no document')
    const keys = [{ k: hidden.k, purposes: ['authentication' as const] }]
    const after = { ...body, keys }
    const change = changeOfHalf('keys', body, after)
    await signAsAgent(edge, state, own, { type: 'update', body: bodyHash(after), change }, after)
    const there = async () => [
      (await registry(subject)).some(({ h }) => h === hidden.h),
      JSON.stringify((await bob.agent.edge.resolver.resolve(subject)).didDocument).includes(hidden.k),
    ]
    expect(await there()).toEqual([true, true])
    await alice.agent.devices.revoke('laptop')
    for (let round = 0; round < 3; round++) await network.settle(alice, acme, bob)
    expect(await there()).toEqual([false, false])
    expect((await judged(alice)).outcome).toBe('valid')
  })
})

describe('a stolen device with ADMIN', () => {
  it('MUST NOT keep another one from presenting for longer than until the maker looks', async () => {
    const [laptop, phone] = [await linked('laptop', ADMIN), await linked('phone')]
    const subject = await issue(alice, 'MemberCard', [laptop, phone])
    await network.settle(alice, laptop, phone)
    const { edge } = (await thiefOf(laptop)).agent
    const own = await edge.records.get('subject-key', subject)
    const h = (await phone.agent.edge.records.get('subject-key', subject))?.h ?? ''
    if (!own) throw new Error('no key')
    await signAsAgent(edge, await stateOf(subject), own, { type: 'agents', drop: [h] })
    await bob.agent.askFor('alice', { type: 'MemberCard', domain: 'bob.example' })
    await network.settle(bob, phone)
    expect(await code(phone.agent.approve())).toBe('KEY_NOT_THERE_YET')
    network.advance(61)
    await network.settle(alice, phone)
    expect((await stateOf(subject)).removals).toBeUndefined()
    expect((await judged(phone)).outcome).toBe('valid')
  })
})

describe('a key that somebody else may have', () => {
  it('is replaced by one command, and what is signed with it from then on is refused', async () => {
    const phone = await linked('phone')
    const subject = await issue(alice, 'MemberCard', [phone])
    const thief = await thiefOf(phone)
    const keyId = (await phone.agent.edge.records.get('subject-key', subject))?.keyId ?? ''
    const { steps } = await phone.agent.replaceCompromised(keyId)
    expect(steps.map(({ kind }) => kind)).toEqual(['subject entry'])
    await network.settle(phone, alice)
    expect(await shownBy(thief, subject)).toEqual(['invalid', 'HOLDER_KEY_REVOKED'])
    expect((await judged(phone)).outcome).toBe('valid')
  })

  it('and is the maker’s: the DID rotates, and the others are put there again', async () => {
    const phone = await linked('phone')
    const subject = await issue(alice, 'MemberCard', [phone])
    const thief = await thiefOf(alice)
    const keyId = (await alice.agent.edge.records.get('identity-keys', subject))?.signing ?? ''
    network.advance(61)
    await alice.agent.replaceCompromised(keyId)
    network.advance(61)
    await network.settle(alice, phone)
    expect(await shownBy(thief, subject)).toEqual(['invalid', 'HOLDER_KEY_REVOKED'])
    for (const device of [alice, phone]) expect((await judged(device)).outcome).toBe('valid')
  })
})

describe('a device without AUTHENTICATE', () => {
  it('is put nowhere, says so to whoever tries, and MUST NOT convince anybody', async () => {
    const phone = await linked('phone', ['PROVE'])
    const subject = await issue(alice, 'MemberCard', [phone])
    await bob.agent.askFor('alice', { type: 'MemberCard', domain: 'bob.example' })
    await network.settle(bob, phone)
    expect(await code(phone.agent.approve())).toBe('NOT_ALLOWED_NOW')
    await network.settle(alice, phone)
    const { id: offered } = await acme.agent.offer('alice', 'Second', {})
    await network.settle(acme, phone)
    expect(await code(phone.agent.approve(offered))).toBe('NOT_ALLOWED_NOW')
    for (const opened of [true, false])
      expect(await shownBy(await thiefOf(phone), subject, opened)).toEqual(['invalid', 'KEY_NOT_OF_HOLDER'])
  })

  it('is taken out when it loses it, and put there when it gets it', async () => {
    const phone = await linked('phone')
    const subject = await issue(alice, 'MemberCard', [phone])
    const thief = await thiefOf(phone)
    await alice.agent.devices.permit('phone', ['PROVE'])
    network.advance(61)
    await network.settle(alice, phone)
    expect(await shownBy(thief, subject)).toEqual(['invalid', 'HOLDER_KEY_REVOKED'])
    await alice.agent.devices.permit('phone', CAN)
    network.advance(61)
    await network.settle(alice, phone)
    expect((await judged(phone)).outcome).toBe('valid')
  })
})

describe('whoever reads the ledger', () => {
  /** Everything of some length that the ledger ever showed of a DID. */
  async function shownOf(did: string): Promise<Set<string>> {
    const { history } = await bob.agent.edge.ports.ledger.history(did)
    const text = JSON.stringify([history.versions, history.openings])
    return new Set([...text.matchAll(/[A-Za-z0-9_-]{20,}/g)].map(([word]) => word))
  }

  /** A credential of each issuer for whoever `by` is; the DIDs made for them. */
  async function fromEach(issuers: readonly Person[], by: Person, others: readonly Person[] = []): Promise<string[]> {
    for (const issuer of issuers) {
      await issuer.agent.offer(by.name, 'MemberCard', {})
      await network.settle(issuer, by, ...others)
      await by.agent.approve()
      await network.settle(issuer, by, ...others)
    }
    await network.settle(by, ...others)
    return [...new Set((await by.agent.credentials()).map(({ subject }) => subject))]
  }

  it('finds nothing that two DIDs of one owner have in common, nor how many devices there are', async () => {
    const zeta = await network.person('zeta')
    await network.connect(alice, zeta)
    await network.connect(bob, acme)
    const [laptop, phone] = [await linked('laptop', ADMIN), await linked('phone')]
    const subjects = await fromEach([acme, zeta], alice, [laptop, phone])
    const shown = await Promise.all([await alice.did(), ...subjects].map(shownOf))
    expect(shown).toHaveLength(3)
    for (const [index, one] of shown.entries())
      for (const other of shown.slice(index + 1)) expect([...one].filter((word) => other.has(word))).toEqual([])
    const [alone = ''] = await fromEach([acme], bob)
    const seen = async (did: string) => (await registry(did)).map(({ caps, exp }) => `${caps} ${exp}`).sort()
    for (const subject of subjects) {
      expect(await seen(subject)).toEqual(await seen(alone))
    }
    for (const device of [laptop, phone]) expect((await judged(device)).outcome).toBe('valid')
  })

  it('sees a device that joins come to each of them at another time of a day, and not when it came to the public DID', async () => {
    const issuers = [acme, await network.person('zeta'), await network.person('yeti')]
    for (const issuer of issuers.slice(1)) await network.connect(alice, issuer)
    const subjects = await fromEach(issuers, alice)
    // A day of this network has 24 seconds.
    drawing(alice, 32, 224, 128)
    const phone = await linked('phone')
    const came = new Map<string, number>()
    for (let second = 0; second <= 24; second++) {
      for (const did of subjects) if ((await stateOf(did)).seq > 0 && !came.has(did)) came.set(did, second)
      network.advance(1)
      await network.settle(alice, phone)
    }
    expect([...came.values()].sort((a, b) => a - b)).toEqual([3, 12, 21])
    expect((await judged(phone)).outcome).toBe('valid')
  })
})

describe('a rotation of everything', () => {
  it('comes to each DID that a credential is about at another time of a day, also over a restart, and once', async () => {
    const zeta = await network.person('zeta')
    await network.connect(alice, zeta)
    const subjects: string[] = []
    for (const issuer of [acme, zeta]) {
      await issuer.agent.offer('alice', 'MemberCard', {})
      await network.settle(issuer, alice)
      await alice.agent.approve()
      await network.settle(issuer, alice)
    }
    for (const { subject } of await alice.agent.credentials()) subjects.push(subject)
    drawing(alice, 64, 192)
    await alice.agent.rotateAll()
    await alice.restart()
    const came = new Map<string, number>()
    for (let second = 0; second <= 24; second++) {
      for (const did of subjects) if ((await stateOf(did)).seq > 0 && !came.has(did)) came.set(did, second)
      network.advance(1)
      await network.settle(alice)
    }
    expect([...came.values()].sort((a, b) => a - b)).toEqual([6, 18])
    expect(await Promise.all(subjects.map(async (did) => (await stateOf(did)).seq))).toEqual([1, 1])
    expect((await judged(alice)).outcome).toBe('valid')
  })
})

describe('what one device is called', () => {
  it('opens no entry of another DID, and what was shown to one verifier convinces no other', async () => {
    const phone = await linked('phone')
    const subject = await issue(alice, 'MemberCard', [phone])
    const carol = await network.person('carol')
    await network.connect(alice, carol)
    const first = await presented(phone)
    const asked = await carol.agent.askFor('alice', { type: 'MemberCard', domain: 'carol.example' })
    const record = (await carol.agent.presentations()).find(({ id }) => id === asked)
    const { presentation, receipts, opening } = first
    if (!record || !presentation || !receipts || !opening) throw new Error('both asked')
    const again = await judgePresentation(carol.agent.edge, { ...record, presentation, receipts, opening })
    expect(faults(again.verdict)).toEqual(['CHALLENGE_MISMATCH', 'DOMAIN_MISMATCH'])
    const other = await phone.agent.edge.records.get('subject-key', subject)
    for (const wrong of [
      { ...opening, salt: 'A'.repeat(22) },
      { k: encodeMultikey((await network.keys.ephemeral(ED25519)).publicKey), salt: other?.salt ?? '' },
    ]) {
      const judgedAgain = await judgePresentation(bob.agent.edge, { ...first, opening: wrong })
      expect(faults(judgedAgain.verdict)).toEqual(['KEY_NOT_OF_HOLDER'])
    }
  })

  it('said by another device for its own goes on standing when that one is revoked', async () => {
    const [phone, tablet] = [await linked('phone'), await linked('tablet')]
    const subject = await issue(alice, 'MemberCard', [phone, tablet])
    await network.settle(alice, phone, tablet)
    const h = (await phone.agent.edge.records.get('subject-key', subject))?.h ?? ''
    const { edge } = tablet.agent
    await edge.records.commit(await tellDevices(edge, SUBJECT_KEYS, { keys: [{ did: subject, h }] }))
    await network.settle(tablet, alice)
    await alice.agent.devices.revoke('tablet')
    await network.settle(alice, phone, acme, bob)
    expect((await registry(subject)).map((entry) => entry.h)).toContain(h)
    expect((await judged(phone)).outcome).toBe('valid')
  })

  it('said by another device before it is there is there once, with all that whose it is may do', async () => {
    const subject = await issue(alice)
    const [laptop, phone] = [await linked('laptop', ADMIN), await linked('phone')]
    const { h = '' } = (await laptop.agent.edge.records.get('subject-key', subject)) ?? {}
    await say(phone, [{ did: subject, h, now: true }])
    await network.settle(phone, alice)
    network.advance(61)
    await network.settle(alice)
    await say(laptop, [{ did: subject, h, now: true }])
    await network.settle(laptop, alice)
    network.advance(61)
    await network.settle(alice, laptop)
    const entries = await registry(subject)
    expect(entries.filter((entry) => entry.h === h)).toEqual([grantOf(h, true)])
    expect(entries.map(({ caps }) => caps).sort()).toEqual([...PADDED_CAPS].sort())
    expect((await judged(laptop)).outcome).toBe('valid')
  })

  it('MUST be told by a device of the owner', async () => {
    const phone = await linked('phone')
    const subject = await issue(alice, 'MemberCard', [phone])
    const thief = await thiefOf(phone)
    await alice.agent.devices.revoke('phone')
    await network.settle(alice, acme, bob)
    const before = await registry(subject)
    const { edge } = thief.agent
    const h = (await newAgentKey(edge, 'hidden')).h
    const [from, to] = [await account(phone), await account(alice)]
    const body = { keys: [{ did: subject, h, now: true }] }
    await edge.records.commit([queue(edge, { from, to, type: SUBJECT_KEYS, body })])
    await thief.agent.sync()
    await network.settle(alice)
    expect(await registry(subject)).toEqual(before)
  })
})

const PADDED_CAPS = [true, true, false, false].map((admin) => grantOf('', admin).caps)

/** In a device's own words, whatever they are. */
async function say({ agent: { edge } }: Person, keys: readonly JsonObject[]): Promise<void> {
  await edge.records.commit(await tellDevices(edge, SUBJECT_KEYS, { keys: [...keys] }))
}

const account = async ({ agent }: Person): Promise<string> => (await agent.profile()).agency?.account ?? ''

describe('a process that ends at any write', () => {
  /** Its last sync is cut after so many writes; true while there was something to cut. */
  async function cutAt(writes: number, whom: Person, others: readonly Person[]): Promise<boolean> {
    whom.powerCutAfter(writes)
    await whom.agent.sync().catch(() => undefined)
    const cut = whom.powerGone
    await whom.restart()
    await network.settle(whom, ...others)
    await network.settle(...others, whom)
    return cut
  }
  const entriesOf = async (device: Person, did: string) => {
    const h = (await device.agent.edge.records.get('subject-key', did))?.h
    return (await registry(did)).filter((entry) => entry.h === h).length
  }

  it('of the device that puts others there: each is there once, and presents', async () => {
    const phone = await linked('phone')
    const subject = await issue(alice, 'MemberCard', [phone])
    let writes = 0
    for (let cut = true; cut; writes++) {
      // Another key of the device takes the place of the one before.
      await phone.agent.edge.records.commit([remove('subject-key', subject)])
      await phone.agent.sync()
      expect(await entriesOf(phone, subject)).toBe(0)
      cut = await cutAt(writes, alice, [phone])
      expect(await entriesOf(phone, subject)).toBe(1)
      expect(await registry(subject)).toHaveLength(4)
    }
    expect(writes).toBeGreaterThan(3)
    expect((await judged(phone)).outcome).toBe('valid')
  })

  it('of the device that is put there: what it told last is there, and nothing else of it', async () => {
    const phone = await linked('phone')
    const subject = await issue(alice, 'MemberCard', [phone])
    let writes = 0
    for (let cut = true; cut; writes++) {
      await phone.agent.edge.records.commit([remove('subject-key', subject)])
      cut = await cutAt(writes, phone, [alice])
      expect(await entriesOf(phone, subject)).toBe(1)
      expect(await registry(subject)).toHaveLength(4)
    }
    expect(writes).toBeGreaterThan(2)
    expect((await judged(phone)).outcome).toBe('valid')
  })
})

describe('a DID that another device made', () => {
  it('comes back with everything else by the kit and contacts, and stands for what was told before and after', async () => {
    const contacts = await threeContacts(network, alice, ['carol', 'dave', 'erin'])
    const phone = await linked('phone')
    const before = await issue(phone, 'MemberCard', [alice])
    expect((await stateOf(before)).recovery.entries).toEqual([])
    const kit = await dealTo(network, alice, contacts, { delay: 5 })
    await network.settle(alice, phone)
    await network.settle(phone, alice)
    const zeta = await network.person('zeta')
    await network.connect(alice, zeta)
    await network.settle(alice, phone, zeta)
    await zeta.agent.offer('alice', 'Second', {})
    await network.settle(zeta, phone, alice)
    await phone.agent.approve()
    await network.settle(zeta, phone, alice)
    const after = (await phone.agent.credentials()).map(({ subject }) => subject).find((did) => did !== before) ?? ''
    const sets = await Promise.all([before, after].map(async (did) => (await stateOf(did)).recovery.entries))
    expect(sets.map((entries) => entries.length)).toEqual([1, 1])
    expect(new Set(sets.flat().map(({ h }) => h)).size).toBe(2)
    await phone.agent.backUp()
    await alice.agent.backUp()
    // Both devices are gone.
    const device = await network.newDevice(kit)
    for (const contact of contacts.slice(0, 2)) await network.help(device, contact)
    await device.agent.recovery.finish()
    network.advance(10)
    await network.settle(device, ...contacts, bob, acme, zeta)
    for (const did of [before, after])
      expect((await device.agent.identities()).find((identity) => identity.did === did)).toMatchObject({
        status: 'active',
      })
    expect(await registry(before)).toHaveLength(4)
    expect(await shownBy(device, before)).toEqual(['valid'])
    expect(await shownBy(await thiefOf(phone), before)).toEqual(['invalid', 'HOLDER_KEY_REVOKED'])
  })

  it('MUST NOT be recoverable by what a device without the authority says', async () => {
    const [phone, laptop] = [await linked('phone'), await linked('laptop', ADMIN)]
    const { edge } = laptop.agent
    const { publicKey } = await network.keys.ephemeral(XWING)
    const paths = [{ id: 'P+S', delay: 5, kem: encodeMultikey(publicKey) }]
    const { dropped: _, waiting: _w, ...list } = (await edge.records.get('own-devices', 'self')) as OwnDevices
    const own = await account(laptop)
    const tell = async (said: Partial<OwnDevices['devices'][number]>, without: readonly string[] = []) => {
      const devices = list.devices.map((one) => {
        const changed = one.account === own ? { ...one, ...said } : one
        return Object.fromEntries(
          Object.entries(changed).filter(([name]) => one.account !== own || !without.includes(name)),
        )
      })
      await edge.records.commit(await tellDevices(edge, OWN_DEVICES, { ...list, devices } as never))
      await edge.records.commit(await tellDevices(edge, RECOVERY_PATHS, { epoch: 9, paths }))
      await network.settle(laptop, phone, alice)
    }
    await tell({})
    await tell({ authority: true })
    await tell({}, ['h'])
    const subject = await issue(phone, 'MemberCard', [alice, laptop])
    expect((await stateOf(subject)).recovery.entries).toEqual([])
    const known = (await phone.agent.edge.records.get('own-devices', 'self'))?.devices.filter(
      ({ authority }) => authority,
    )
    expect(known?.map(({ account: one }) => one)).toEqual([await account(alice)])
  })
})
