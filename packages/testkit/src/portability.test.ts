/** VAULT-11: what becomes of records in a wallet that has not their keys. */
import { encodeExport, sealAge } from '@keystead/wallet'
import { generateHybridIdentity, identityToRecipient } from 'age-encryption'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Network } from './network.ts'
import type { Person } from './person.ts'

let network: Network
let acme: Person
let alice: Person
let other: Person
let identity: string

beforeEach(async () => {
  network = await Network.open()
  acme = await network.person('acme')
  alice = await network.person('alice')
  other = await network.person('other')
  await network.connect(alice, acme)
  await acme.agent.offer('alice', 'MemberCard', { level: 'gold' })
  await network.settle(acme, alice)
  await alice.agent.approve()
  await network.settle(acme, alice)
  identity = await generateHybridIdentity()
})

afterEach(() => network.close())

async function carry(from: Person, to: Person) {
  const { file } = await from.agent.exportWallet({ recipients: [await identityToRecipient(identity)] })
  return to.agent.importWallet(file, { identities: [identity] })
}

describe('VAULT-11: records taken in', () => {
  it('can be read, and act no more than their keys do: none is here', async () => {
    const did = await alice.did()
    const before = await other.vault.keys()
    expect((await carry(alice, other)).added).toBeGreaterThan(2)
    expect(await other.agent.credentials()).toHaveLength(1)
    expect((await other.agent.contacts()).map(({ status }) => status)).toEqual(['closed'])
    expect((await other.agent.identities()).find((one) => one.did === did)).toMatchObject({ status: 'lost' })
    expect((await other.vault.keys()).map(({ keyId }) => keyId)).toEqual(before.map(({ keyId }) => keyId))
    await expect(other.agent.sendText('acme', 'as alice')).rejects.toMatchObject({ code: 'UNKNOWN_CONTACT' })
    expect(await other.did()).not.toBe(did)
    await other.agent.rotateAll()
    await network.settle(other, acme, alice)
    await alice.agent.sendText('acme', 'still alice')
    await network.settle(alice, acme)
    expect((await acme.agent.texts()).map(({ text }) => text)).toEqual(['still alice'])
  })

  it('of an issuer revoke nothing in the list of the wallet that they came to', async () => {
    await carry(acme, other)
    const [issued] = await other.agent.issued()
    await expect(other.agent.revoke(issued?.id ?? '')).rejects.toMatchObject({ code: 'UNKNOWN_CREDENTIAL' })
  })

  it('twice change nothing, nor anything that is here already', async () => {
    const { added } = await carry(alice, other)
    expect(await carry(alice, other)).toMatchObject({ added: 0, kept: added })
    const own = await alice.agent.contacts()
    expect(await carry(alice, alice)).toMatchObject({ added: 0 })
    expect(await alice.agent.contacts()).toEqual(own)
    expect(await alice.did()).toMatch(/^did:dkms:/)
  })

  it('by a stranger who knows the recipient give no control: settings and recovery keys are left', async () => {
    const records = [
      { segment: 'authority', category: 'profile', name: 'self', value: { label: 'mallory' } },
      { segment: 'authority', category: 'recovery-key', name: await other.did(), value: { keys: [] } },
      { segment: 'authority', category: 'setup', name: '1', value: {} },
      { segment: 'messages', category: 'identity', name: 'x', value: {} },
      { segment: 'authority', category: 'constructor', name: 'x', value: {} },
    ] as const
    const plain = encodeExport({ wallet: 'w', at: 0, records, keys: [] })
    const file = await sealAge(plain, { recipients: [await identityToRecipient(identity)] })
    const imported = await other.agent.importWallet(file, { identities: [identity] })
    expect(imported).toMatchObject({ added: 0, kept: 0, left: records.length })
    expect(await other.agent.profile()).toMatchObject({ label: 'other' })
  })
})
