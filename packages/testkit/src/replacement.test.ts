/** VAULT-10: one key is compromised; what depends on it is named, and replaced in order. */
import { planReplacement } from '@keystead/agent/edge'
import type { KeyPurpose } from '@keystead/wallet'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { AGENCY, LEDGER, Network } from './network.ts'
import type { Person } from './person.ts'

let network: Network
let acme: Person
let alice: Person

beforeEach(async () => {
  network = await Network.open()
  acme = await network.person('acme')
  alice = await network.person('alice')
  await network.connect(alice, acme)
})

afterEach(() => network.close())

const seconds = () => Math.floor(network.clock.now() / 1000)

/** The active key of this purpose that is in use for the public DID or the one relationship. */
async function keyOf({ agent, vault }: Person, purpose: KeyPurpose): Promise<string> {
  const used = new Set([
    ...Object.values((await agent.edge.records.get('identity-keys', (await agent.publicIdentity()).did)) ?? {}),
    ...(await agent.edge.records.all('own-did')).flatMap(({ value }) =>
      value.relationship ? [value.authentication.keyId, value.keyAgreement.keyId] : [],
    ),
  ])
  const found = (await vault.keys()).find(
    (key) => key.purpose === purpose && key.state === 'active' && used.has(key.keyId),
  )
  if (!found) throw new Error(`no key for ${purpose}`)
  return found.keyId
}

const stateOf = async ({ vault }: Person, keyId: string) => (await vault.keys()).find((key) => key.keyId === keyId)

async function issue(): Promise<string> {
  const { id } = await acme.agent.offer('alice', 'MemberCard', { level: 'gold' })
  await network.settle(acme, alice)
  await alice.agent.approve()
  await network.settle(acme, alice)
  return id
}

const outline = ({ steps }: { steps: readonly { kind: string; outcome?: string }[] }) =>
  steps.map(({ kind, outcome }) => (outcome === undefined ? kind : `${kind}: ${outcome}`))

describe('VAULT-10: the plan', () => {
  it('of a signing key: the DID, its status list, and the credentials issued since, and not those before', async () => {
    const before = await issue()
    network.advance(3600)
    const since = seconds()
    network.advance(60)
    const after = await issue()
    const key = await keyOf(acme, 'signing')
    const plan = await acme.agent.replacementPlan(key, since)
    expect(outline(plan)).toEqual(['identity', 'status list', 'credential'])
    expect(plan.steps.map(({ subject }) => subject)).toContain(after)
    expect(plan.steps.map(({ subject }) => subject)).not.toContain(before)
    expect(await stateOf(acme, key)).toMatchObject({ state: 'active' })
  })

  it('of a relationship’s key names that contact alone', async () => {
    const bob = await network.person('bob')
    await network.connect(alice, bob)
    const { id } = await alice.agent.contact('bob')
    const keys = await alice.agent.edge.records.get('relationship-keys', id)
    const plan = await alice.agent.replacementPlan(keys?.authentication ?? '')
    expect(plan.steps).toMatchObject([{ kind: 'relationship', subject: id }])
  })

  it('of a key that the next rotation is committed to, of an audit or an account key says what is to be done by hand', async () => {
    const keys = await alice.agent.edge.records.get('identity-keys', await alice.did())
    expect(outline(await alice.agent.replacementPlan(keys?.next ?? ''))).toEqual(['by hand'])
    for (const { keyId, purpose } of await alice.vault.keys())
      if (purpose === 'audit' || purpose.startsWith('account'))
        expect(outline(await alice.agent.replacementPlan(keyId))).toEqual(['by hand'])
  })

  it('of a key that nothing names is empty; `since` ahead or too far back, and an unknown key, are refused', async () => {
    const nobody = { keyId: 'A'.repeat(22), purpose: 'helping' } as const
    const none = { profile: { label: '' } } as const
    const empty = { identities: [], identityKeys: [], ownDids: [], relationships: [], relationshipKeys: [] }
    const rest = { correspondents: [], issued: [], devices: [], agentKeys: [], subjectKeys: [], setups: [] }
    expect(planReplacement(nobody, 0, { ...none, ...empty, ...rest })).toEqual([])
    const key = await keyOf(alice, 'signing')
    for (const since of [seconds() + 60, seconds() - 91 * 86_400])
      await expect(alice.agent.replacementPlan(key, since)).rejects.toMatchObject({ code: 'BAD_TIME' })
    await expect(alice.agent.replaceCompromised('none')).rejects.toMatchObject({ code: 'NO_SUCH_KEY' })
  })
})

describe('VAULT-10: the replacement', () => {
  it('marks the key, rotates the DID for compromise, and peers and verifiers see it', async () => {
    await issue()
    const key = await keyOf(acme, 'signing')
    const since = seconds() - 30
    network.advance(60)
    const done = await acme.agent.replaceCompromised(key, since)
    expect(outline(done)).toEqual(['identity: done', 'status list: done', 'credential: by hand'])
    const events = (await stateOf(acme, key))?.events.map(({ to, reason }) => `${to}: ${reason}`) ?? []
    expect(events).toContain('compromised: key compromise')
    expect(await keyOf(acme, 'signing')).not.toBe(key)
    const { state } = await alice.agent.edge.ports.ledger.resolve(await acme.did())
    expect(state?.compromises).toMatchObject([{ since }])
    const audit = (await acme.vault.auditLog()).entries
    expect(audit.some((entry) => entry.event === 'key state' && entry.key === key && entry.to === 'compromised')).toBe(
      true,
    )
    network.advance(60)
    await issue()
  })

  it.each(['relationship', 'pairwise agreement'] as const)(
    'of a %s key: the contact follows, and both go on',
    async (purpose) => {
      const key = await keyOf(alice, purpose)
      const done = await alice.agent.replaceCompromised(key)
      expect(outline(done)).toEqual(['relationship: done'])
      await network.settle(alice, acme)
      expect(acme.heard('peer-rotated')).toBe(true)
      expect(await keyOf(alice, purpose)).not.toBe(key)
      await acme.agent.sendText('alice', 'still you?')
      await network.settle(acme, alice)
      await alice.agent.sendText('acme', 'still me')
      await network.settle(alice, acme)
      expect((await alice.agent.texts()).map(({ text }) => text)).toContain('still you?')
      expect((await acme.agent.texts()).map(({ text }) => text)).toContain('still me')
    },
  )

  it('waits for a ledger that is away, across a restart, and does nothing twice', async () => {
    const key = await keyOf(alice, 'signing')
    network.wires.cut(LEDGER)
    expect(outline(await alice.agent.replaceCompromised(key))).toEqual(['identity: waiting'])
    expect(await stateOf(alice, key)).toMatchObject({ state: 'compromised' })
    await alice.restart()
    expect(outline(await alice.agent.replaceCompromised(key))).toEqual(['identity: waiting'])
    network.wires.mend(LEDGER)
    expect(outline(await alice.agent.replaceCompromised(key))).toEqual(['identity: done'])
    const { seq } = await alice.agent.publicIdentity()
    expect(outline(await alice.agent.replaceCompromised(key))).toEqual(['identity: done'])
    expect(await alice.agent.publicIdentity()).toMatchObject({ seq })
    expect((await alice.agent.edge.ports.ledger.resolve(await alice.did())).state?.seq).toBe(seq)
  })

  it('seals a new backup at the end, and waits for an agency that is away', async () => {
    const bob = await network.person('bob')
    await network.connect(alice, bob)
    await alice.agent.recovery.setUp({ contacts: ['acme', 'bob'], threshold: 2 })
    await network.settle(alice, acme, bob)
    const seq = async () => (await alice.agent.edge.records.get('holder', 'own'))?.acked?.seq
    const before = (await seq()) ?? 0
    const key = await keyOf(alice, 'signing')
    network.wires.cut(AGENCY)
    expect(outline(await alice.agent.replaceCompromised(key))).toEqual(['identity: done', 'backup: waiting'])
    network.wires.mend(AGENCY)
    expect(outline(await alice.agent.replaceCompromised(key))).toEqual(['identity: done', 'backup: done'])
    expect(await seq()).toBeGreaterThan(before)
  })
})
