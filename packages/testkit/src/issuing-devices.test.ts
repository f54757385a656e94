/** Rule 22: issuing keys are per device (CREDENTIAL-24). */
import { multihash, utf8 } from '@keystead/core'
import { anchorBatch, issueCredential } from '@keystead/credentials'
import { sha256 } from '@keystead/crypto'
import { type Capability, keyUrl } from '@keystead/did-dkms'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { signAsAgent } from '../../agent/src/edge/agent-operations.ts'
import { ED25519 } from '../../agent/src/edge/key-types.ts'
import { put } from '../../agent/src/edge/store.ts'
import { Network } from './network.ts'
import type { Person } from './person.ts'

let network: Network
let acme: Person
let desk: Person
let alice: Person
let bob: Person

beforeEach(async () => {
  network = await Network.open()
  acme = await network.person('acme')
  alice = await network.person('alice')
  bob = await network.person('bob')
  await network.connect(alice, acme)
  await network.connect(alice, bob)
  desk = await linked('desk', ['PROVE', 'ASSERT'])
})

afterEach(() => network.close())

async function linked(name: string, can: readonly Capability[]): Promise<Person> {
  const device = await network.link(name, acme, can)
  await network.settle(acme, device, alice)
  return device
}

const code = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => 'done',
    (error: { code?: string }) => error.code ?? error,
  )

/** By one of the issuer's devices; the id of what was issued. */
async function issue(by: Person, type = 'MemberCard'): Promise<string> {
  const { id } = await by.agent.offer('alice', type, { level: 'gold' })
  await network.settle(by, alice, acme, desk)
  await alice.agent.approve()
  await network.settle(alice, acme, desk)
  await network.settle(alice, acme, desk)
  return id
}

async function held(type = 'MemberCard') {
  const all = (await alice.agent.credentials()).filter(({ credential }) =>
    (credential['type'] as string[]).includes(type),
  )
  const [one] = all
  if (!one || all.length > 1) throw new Error(`${all.length} credentials`)
  return one
}

const kidOf = (credential: Record<string, unknown>): string =>
  (credential['proof'] as { verificationMethod: string }).verificationMethod

async function judged(type?: string): Promise<string[]> {
  const { credential, receipt } = await held(type)
  const { outcome, checks } = await bob.agent.check(credential, receipt)
  return [outcome, ...checks.filter((check) => check.outcome !== 'valid').map((check) => check.code)]
}

describe('a second device of an issuer', () => {
  it('issues with its own key, which anybody judges by the ledger, and each credential is issued once', async () => {
    await issue(desk)
    await issue(acme, 'Other')
    expect([await judged(), await judged('Other')]).toEqual([['valid'], ['valid']])
    const kids = [kidOf((await held()).credential), kidOf((await held('Other')).credential)]
    expect(new Set(kids).size).toBe(2)
    const theirs = new Set((await acme.vault.keys()).map(({ publicKey }) => publicKey.bytes.join()))
    expect((await desk.vault.keys()).filter(({ publicKey }) => theirs.has(publicKey.bytes.join()))).toEqual([])
    const { anchors } = (await bob.agent.edge.ports.ledger.history(await acme.did())).history
    expect(anchors).toHaveLength(2)
  })

  it('is named to the first for what it anchors, and MUST NOT be so for anything else, nor cover what others sign', async () => {
    const alarms = () => acme.events.filter(({ kind }) => kind === 'strange-entry').length
    const look = async () => {
      network.advance(11)
      await acme.agent.sync()
    }
    await issue(desk)
    await look()
    expect(acme.heard('agent-acted', /^desk, a device of yours, acted for .* \(operation/)).toBe(true)
    expect(alarms()).toBe(0)
    expect((await acme.agent.publicIdentity()).strange).toBeUndefined()
    const thief = await acme.stolen('thief')
    await thief.agent.anchor(multihash.encode(sha256(utf8('by a thief'))))
    await issue(desk, 'Other')
    await look()
    expect(alarms()).toBe(1)
    const admin = await linked('admin', ['PROVE', 'ASSERT', 'ADMIN'])
    const other = await network.unlinked('other')
    await admin.agent.devices.grant(await other.agent.devices.request('other'), ['PROVE'], 60)
    await look()
    expect(alarms()).toBe(2)
    await thief.close()
  })

  it('goes on being believed of what it signed before, when the first rotates and when it is revoked itself', async () => {
    await issue(desk)
    network.advance(60)
    await acme.agent.rotateAll()
    await network.settle(acme, desk, alice)
    expect(await judged()).toEqual(['valid'])
    network.advance(60)
    await acme.agent.devices.revoke('desk')
    for (let round = 0; round < 2; round++) await network.settle(acme, alice)
    // The first device has taken up its list.
    expect(await judged()).toEqual(['valid'])
  })

  it('revokes what it issued, and the first does so once it is gone itself', async () => {
    const [one, two] = [await issue(desk), await issue(desk, 'Other')]
    expect(await code(acme.agent.revoke(one))).toBe('NOT_ALLOWED_NOW')
    await desk.agent.revoke(one)
    await network.settle(desk, acme)
    expect(await judged()).toEqual(['invalid', 'REVOKED'])
    expect(await judged('Other')).toEqual(['valid'])
    network.advance(60)
    await acme.agent.devices.revoke('desk')
    await network.settle(acme, alice)
    await acme.agent.revoke(two)
    expect(await judged()).toEqual(['invalid', 'REVOKED'])
    expect(await judged('Other')).toEqual(['invalid', 'REVOKED'])
  })

  it('MUST NOT have the list of another device overwritten, nor what is shown of any held up, by what it wrote of its own', async () => {
    const own = await issue(acme)
    await acme.agent.revoke(own)
    expect(await judged()).toEqual(['invalid', 'REVOKED'])
    await issue(desk, 'Other')
    const { records, ports } = desk.agent.edge
    const real = (await records.all('issued')).find(({ value }) => value.type === 'Other')?.value
    if (!real) throw new Error('nothing was issued')
    const url = (await acme.agent.edge.records.all('issuer'))[0]?.value.url ?? ''
    const key = await ports.vault.key((await records.all('agent-key'))[0]?.value.keyId ?? '', ED25519)
    const forge = async (id: string, statusListCredential: string, index: number) => {
      const status = {
        type: 'BitstringStatusListEntry',
        statusPurpose: 'revocation',
        statusListIndex: String(index),
        statusListCredential,
      } as const
      const template = {
        type: 'x',
        issuer: await acme.did(),
        subject: 'did:dkms:x',
        claims: {},
        validFrom: '2025-12-31T00:00:00Z',
        status,
      }
      const credential = await issueCredential(template, key, kidOf(real.credential ?? {}))
      return put('issued', id, { ...real, id, thid: id, credential, index, revokedAt: 1 })
    }
    await records.commit([
      await forge('a', `${url}?`, 3),
      await forge('b', url.replace('//', '//other.'), 3),
      await forge('c', `${url.slice(0, -22)}${'A'.repeat(22)}`, 9_999_999),
      put('issued', 'd', { ...real, id: 'd', thid: 'd', credential: { nothing: 'of it' } }),
    ])
    await network.settle(desk, acme)
    network.advance(60)
    await acme.agent.devices.revoke('desk')
    for (let round = 0; round < 2; round++) await network.settle(acme, alice)
    expect(await judged()).toEqual(['invalid', 'REVOKED'])
    expect((await acme.agent.edge.records.all('issuer')).map(({ value }) => value.published)).toEqual([true, true])
    await acme.agent.revoke(real.id)
    expect(await judged('Other')).toEqual(['invalid', 'REVOKED'])
  })

  it('MUST NOT be believed of what it signs once it was revoked, nor without ASSERT', async () => {
    await issue(desk)
    const { edge } = (await desk.stolen('thief')).agent
    const [own] = await edge.records.all('agent-key')
    if (!own) throw new Error('no entry')
    const key = await edge.ports.vault.key(own.value.keyId, ED25519)
    network.advance(60)
    await acme.agent.devices.revoke('desk')
    await network.settle(acme, alice)
    const [issuer, { subject }] = [await acme.did(), await held()]
    const template = {
      type: 'MemberCard',
      issuer,
      subject,
      claims: { level: 'platinum' },
      validFrom: '2025-12-31T00:00:00Z',
    }
    const forged = await issueCredential(template, key, keyUrl(issuer, own.value.k))
    expect((await bob.agent.check(forged)).outcome).toBe('undetermined')
    const { state } = await edge.ports.ledger.resolve(issuer)
    if (!state) throw new Error('no DID')
    const { root } = anchorBatch([forged], [edge.ports.random(16)])
    expect(await code(signAsAgent(edge, state, own.value, { type: 'anchor', root }))).toBe('AGENT_UNKNOWN')
    const phone = await linked('phone', ['PROVE'])
    expect(await code(phone.agent.offer('alice', 'MemberCard', {}))).toBe('NOT_ALLOWED_NOW')
  })
})
