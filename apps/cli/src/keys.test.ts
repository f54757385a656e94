/** `keystead keys` and `keystead access`: the life of one key, and a key that needs others, with files between wallets. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Person } from '../../../scripts/story/person.ts'
import { openTown, type Town } from '../../../scripts/testing/town.ts'

let town: Town
let alice: Person
let bob: Person
let carol: Person

beforeAll(async () => {
  town = await openTown('keys')
  alice = town.person('alice')
  bob = town.person('bob')
  carol = town.person('carol')
  for (const person of [alice, bob, carol]) await person.run(['init', '--label', person.name])
})

afterAll(async () => {
  await town?.end()
})

interface Key {
  readonly keyId: string
  readonly purpose: string
  readonly state: string
}

const keyFor = async (purpose: string, state = 'active'): Promise<Key> => {
  const { data } = await alice.run(['keys'])
  const key = data.keys.find((one: Key) => one.purpose === purpose && one.state === state)
  if (!key) throw new Error(`no ${state} key for ${purpose}`)
  return key
}

describe('VAULT-5: one key by its owner’s hand', () => {
  it('shows every element of SP 800-130, a to w, and its life', async () => {
    const { data } = await alice.run(['keys', 'show', (await keyFor('signing')).keyId])
    const letters = Object.keys(data).flatMap((name) => /^([a-w]) /.exec(name)?.[1] ?? [])
    expect(letters.join('')).toBe('abcdefghijklmnopqrstuvw')
    expect(data['l type']).toBe('private signature')
    expect(data['v times'].join(' ')).toContain('put to use')
  })

  it('suspends and resumes it, replaces what it must, archives, retrieves and destroys, each in the audit log', async () => {
    const signing = await keyFor('signing')
    expect((await alice.run(['keys', 'suspend', signing.keyId])).data.state).toBe('suspended')
    expect((await alice.run(['keys', 'resume', signing.keyId])).data.state).toBe('active')
    expect((await alice.run(['keys', 'renew', signing.keyId])).data.state).toBe('active')
    expect((await alice.run(['keys', 'renew', (await keyFor('ledger authority')).keyId], 65)).error).toBe(
      'BAD_KEY_STATE',
    )
    expect((await alice.run(['keys', 'archive', signing.keyId], 65)).error).toBe('BAD_KEY_STATE')
    const { keyId } = await keyFor('agreement')
    await alice.run(['rotate'])
    expect((await alice.run(['keys', 'archive', keyId])).data.archived).toBe(true)
    expect((await alice.run(['keys', 'retrieve', keyId])).data.archived).toBe(false)
    expect((await alice.run(['keys', 'destroy', keyId], 65)).error).toBe('NO_INPUT')
    expect((await alice.run(['keys', 'destroy', keyId, '--yes'])).data.state).toBe('destroyed')
    expect((await alice.run(['keys', 'show', keyId])).data['d state']).toBe('destroyed')
    expect((await alice.run(['keys', 'show', '*'], 65)).error).toBe('NO_SUCH_KEY')
    const file = alice.file('audit.json')
    await alice.run(['keys', 'audit', '--out', file])
    await alice.run(['keys', 'verify-audit', file])
    const { entries } = JSON.parse(readFileSync(file, 'utf8'))
    const told = entries.filter((entry: { key?: string }) => entry.key === keyId || entry.key === signing.keyId)
    expect(told.map((entry: { event: string; to?: string }) => entry.to ?? entry.event)).toEqual(
      expect.arrayContaining(['suspended', 'active', 'key renewed', 'key archived', 'key retrieved', 'destroyed']),
    )
  })
})

describe('VAULT-12, VAULT-13: authority that needs two of two others', () => {
  it('rotates with their approvals alone, given as files, as often as they said', async () => {
    const approvers = []
    for (const other of [bob, carol])
      approvers.push({ name: other.name, key: (await other.run(['access', 'key'])).data.key })
    const rules = [{ function: 'use key', purpose: 'ledger authority', approvals: 2 }]
    const [policy, none, request, change] = ['policy', 'none', 'request', 'change'].map((name) =>
      join(town.home, name),
    ) as [string, string, string, string]
    writeFileSync(policy, JSON.stringify({ approvers, rules }))
    writeFileSync(none, JSON.stringify({ approvers: [], rules: [] }))
    await alice.run(['access', 'policy', policy])
    expect((await alice.run(['access', 'policy', none], 77)).error).toBe('APPROVAL_NEEDED')
    expect((await alice.run(['rotate'], 77)).error).toBe('APPROVAL_NEEDED')

    const purpose = ['--purpose', 'ledger authority', '--uses', '3']
    await alice.run(['access', 'ask', 'use key', ...purpose, '--reason', 'spring', '--out', request])
    expect((await bob.run(['access', 'approve', request, '--out', bob.file('unasked')], 65)).error).toBe('NO_INPUT')
    const approvals: string[] = []
    for (const other of [bob, carol]) {
      await other.run(['access', 'approve', request, '--out', other.file('approval'), '--yes'])
      approvals.push(other.file('approval'))
    }
    const [first = ''] = approvals
    expect((await alice.run(['access', 'grant', request, first, first], 77)).error).toBe('APPROVAL_NEEDED')
    await alice.run(['access', 'grant', request, ...approvals])
    expect((await alice.run(['access', 'grant', request, ...approvals], 65)).error).toBe('BAD_APPROVAL')
    expect((await alice.run(['access'])).data.grants[0].approvers).toEqual(['bob', 'carol'])
    await alice.run(['rotate'])

    await alice.run(['access', 'ask', 'change policy', '--policy', none, '--out', change])
    const changes: string[] = []
    for (const other of [bob, carol]) {
      await other.run(['access', 'approve', change, '--out', other.file('change'), '--yes'])
      changes.push(other.file('change'))
    }
    await alice.run(['access', 'grant', change, ...changes])
    expect((await alice.run(['access'])).data.policy.rules).toEqual([])
    await alice.run(['rotate'])
  }, 120_000)
})
