/** Credentials between wallets: issued, held, presented, judged, outliving keys, revoked. */
import type { JsonObject } from '@keystead/core'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { AGENCY, LEDGER, Network } from './network.ts'
import type { Person } from './person.ts'

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
  await acme.agent.offer('alice', 'MemberCard', { level: 'gold' })
  await network.settle(acme, alice)
  await alice.agent.approve()
  await network.settle(acme, alice)
})

afterEach(() => network.close())

async function present(): Promise<string> {
  const id = await bob.agent.askFor('alice', { type: 'MemberCard', domain: 'bob.example' })
  await network.settle(bob, alice)
  await alice.agent.approve()
  await network.settle(alice, bob)
  return id
}

const faults = (verdict: { checks: readonly { outcome: string; code: string }[] }) =>
  verdict.checks.filter(({ outcome }) => outcome !== 'valid').map(({ code }) => code)

describe('a credential', () => {
  it('is about a DID made for its issuer alone (rule 22), and anchored before it is given', async () => {
    const [held] = await alice.agent.credentials()
    expect(held?.subject).not.toBe(await alice.did())
    const { anchors } = (await bob.agent.edge.ports.ledger.history(await acme.did())).history
    expect(anchors).toHaveLength(1)
    await acme.agent.offer('alice', 'Second', {})
    await network.settle(acme, alice)
    await alice.agent.approve()
    await network.settle(acme, alice)
    const subjects = (await alice.agent.credentials()).map(({ subject }) => subject)
    expect(new Set(subjects).size).toBe(1)
  })

  it('presented is valid for this verifier and challenge, with the level of its proof', async () => {
    const verdict = await bob.agent.recheck(await present())
    expect(verdict).toMatchObject({ outcome: 'valid', level: 'operator-signed' })
  })

  it('presented to one verifier MUST NOT convince another', async () => {
    const id = await present()
    const record = (await bob.agent.presentations()).find((candidate) => candidate.id === id)
    const carol = await network.person('carol')
    await network.connect(alice, carol)
    const asked = await carol.agent.askFor('alice', { type: 'MemberCard', domain: 'carol.example' })
    const mine = (await carol.agent.presentations()).find((candidate) => candidate.id === asked)
    if (!record || !mine) throw new Error('both asked')
    const { presentation, receipts } = record
    await carol.vault.put({
      segment: 'credentials',
      category: 'presentation',
      name: asked,
      value: { ...mine, presentation, receipts, at: 1_800_000_000 } as unknown as JsonObject,
    })
    const verdict = await carol.agent.recheck(asked)
    expect(verdict.outcome).toBe('invalid')
    expect(faults(verdict)).toEqual(expect.arrayContaining(['CHALLENGE_MISMATCH', 'DOMAIN_MISMATCH']))
  })

  it('stays valid when holder and issuer rotate, by its anchor', async () => {
    const id = await present()
    network.advance(60)
    await acme.agent.rotateAll()
    await alice.agent.rotateAll()
    await network.settle(acme, alice, bob)
    expect((await bob.agent.recheck(id)).outcome).toBe('valid')
  })

  it('signed without an anchor and then rotated away from is undetermined, however it dates itself', async () => {
    const parts = { type: 'MemberCard', claims: { level: 'platinum' }, subject: await alice.did() }
    const now = Math.floor(network.clock.now() / 1000)
    const forged = await acme.agent.signOffline({ ...parts, validFrom: now - 86_400 })
    expect((await bob.agent.check(forged)).outcome).toBe('valid')
    network.advance(60)
    await acme.agent.rotateAll()
    const verdict = await bob.agent.check(forged)
    expect(verdict.outcome).toBe('undetermined')
  })

  it('with any claim changed is invalid', async () => {
    const [held] = await alice.agent.credentials()
    if (!held) throw new Error('alice holds one')
    const { credential, receipt } = held
    expect((await bob.agent.check(credential, receipt)).outcome).toBe('valid')
    const subject = { ...(credential['credentialSubject'] as JsonObject), level: 'platinum' }
    expect((await bob.agent.check({ ...credential, credentialSubject: subject }, receipt)).outcome).toBe('invalid')
    expect((await bob.agent.check({ ...credential, issuer: await bob.did() }, receipt)).outcome).toBe('invalid')
  })

  it('revoked says so, and since when; with the list away it is not called valid', async () => {
    const id = await present()
    network.advance(10)
    const [issued] = await acme.agent.issued()
    const { revokedAt = 0 } = await acme.agent.revoke(issued?.id ?? '')
    const verdict = await bob.agent.recheck(id)
    expect(verdict.outcome).toBe('invalid')
    const since = new Date(revokedAt * 1000).toISOString().replace('.000Z', 'Z')
    expect(JSON.stringify(verdict.credentials)).toContain(`revoked since ${since}`)
    network.wires.cut(AGENCY)
    expect((await bob.agent.recheck(id)).outcome).toBe('undetermined')
  })

  it('is not judged while the ledger cannot be read', async () => {
    const id = await present()
    network.wires.cut(LEDGER)
    expect((await bob.agent.recheck(id)).outcome).toBe('undetermined')
  })
})
