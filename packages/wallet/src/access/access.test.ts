/** VAULT-12, VAULT-13: the decision point, approvals by k of n, and who tries to get round them. */
import { FakeClock, systemRandom, utf8 } from '@keystead/core'
import { encodeMultikey, type SigningKey } from '@keystead/crypto'
import { nodeKeyProvider } from '@keystead/crypto/node'
import fc from 'fast-check'
import { beforeEach, describe, expect, it } from 'vitest'
import { verifyAuditLog } from '../audit.ts'
import { KEY_PURPOSE_NAMES } from '../key-purposes.ts'
import { MAX_GRANT_TIME } from '../limits.ts'
import { memoryVaultStore } from '../memory-store.ts'
import { createVault, openVault } from '../open.ts'
import type { OpenVaultStore } from '../store.ts'
import { rejectsWith } from '../testing/contract.ts'
import { recording } from '../testing/recording-store.ts'
import type { Vault } from '../types.ts'
import { type ApprovalRequest, approve, parseApproval, parseRequest } from './approval.ts'
import { KEY_FUNCTION_NAMES, KEY_FUNCTIONS } from './functions.ts'
import { type AccessPolicy, decideAccess, NO_POLICY, parsePolicy } from './policy.ts'

const ED25519 = { kind: 'signing', suite: 'ed25519' } as const
const UNLOCK = { kind: 'raw', key: new Uint8Array(32).fill(1) } as const
const MESSAGE = utf8('m')
const DAY = 86_400_000

const keys = nodeKeyProvider()
let clock: FakeClock
let options: Parameters<typeof createVault>[0]
let vault: Vault
let people: SigningKey[]
let policy: AccessPolicy

beforeEach(async () => {
  clock = new FakeClock(Date.UTC(2026, 0, 1))
  options = { store: memoryVaultStore(), keys, clock, random: systemRandom }
  vault = await createVault(options, UNLOCK)
  people = await Promise.all([1, 2, 3].map(() => keys.ephemeral(ED25519)))
  policy = {
    approvers: people.map(({ publicKey }, n) => ({ name: `approver ${n}`, key: encodeMultikey(publicKey) })),
    rules: [
      { function: 'use key', purpose: 'ledger authority', approvals: 2 },
      { function: 'destroy key', approvals: 1 },
      { function: 'add keyslot', approvals: 3 },
    ],
  }
})

const USE = { function: 'use key', purpose: 'ledger authority' } as const
const ask = (more: Partial<ApprovalRequest> = {}): Promise<ApprovalRequest> =>
  vault.askApproval({ ...USE, uses: 2, until: clock.now() + DAY, reason: 'the rotation of spring', ...more })
const signedBy = (request: ApprovalRequest, ...who: number[]) =>
  Promise.all(who.map((n) => approve(request, people[n] as SigningKey)))

describe('the decision point', () => {
  it('denies whatever it does not know: a function, a purpose, a function of a key done to none', () => {
    const decide = (request: unknown) => decideAccess(NO_POLICY, request as never).verdict
    for (const name of ['read private key', 'toString', '__proto__', '', 'export key'])
      expect(decide({ function: name, purpose: 'signing' })).toBe('deny')
    expect(decide({ function: 'use key', purpose: 'everything' })).toBe('deny')
    expect(decide({ function: 'use key' })).toBe('deny')
    expect(decide({ function: 'export records', purpose: 'signing' })).toBe('deny')
  })

  it('lets the owner do what the table has, and asks for as many as the strictest rule that fits', () => {
    for (const name of KEY_FUNCTION_NAMES)
      for (const purpose of KEY_FUNCTIONS[name].ofKey ? KEY_PURPOSE_NAMES : [undefined]) {
        const request = { function: name, ...(purpose ? { purpose } : {}) }
        expect(decideAccess(NO_POLICY, request)).toEqual({ verdict: 'allow' })
        const rules = [1, 3, 2].map((approvals) => ({ function: name, approvals }))
        const { mayRequire } = KEY_FUNCTIONS[name]
        const expected =
          mayRequire || name === 'change policy' ? { verdict: 'approvals', approvals: 3 } : { verdict: 'allow' }
        expect(decideAccess({ approvers: policy.approvers, rules }, request)).toEqual(expected)
      }
  })

  it('never makes anybody wait who takes power away', () => {
    for (const name of ['suspend key', 'deactivate key', 'report compromise', 'archive key'] as const)
      expect(() => parsePolicy({ approvers: policy.approvers, rules: [{ function: name, approvals: 1 }] })).toThrow(
        expect.objectContaining({ code: 'BAD_POLICY' }),
      )
  })

  it('whatever is given as policy, request or approval is parsed or refused with its code, and nothing else', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        for (const [parse, code] of [
          [parsePolicy, 'BAD_POLICY'],
          [parseRequest, 'BAD_APPROVAL'],
          [parseApproval, 'BAD_APPROVAL'],
        ] as const)
          expect(() => parse(value)).toThrow(expect.objectContaining({ code }))
      }),
    )
    const twice = [policy.approvers[0], { ...policy.approvers[0], name: 'another' }]
    for (const bad of [
      { approvers: twice, rules: [] },
      { approvers: [], rules: [{ function: 'use key', approvals: 1 }] },
      { approvers: policy.approvers, rules: [{ function: 'use key', approvals: 4 }] },
      { approvers: policy.approvers, rules: [{ function: 'use key', approvals: 0 }] },
      { approvers: policy.approvers, rules: [{ function: 'add keyslot', purpose: 'signing', approvals: 1 }] },
      { ...policy, more: 1 },
    ])
      expect(() => parsePolicy(bad)).toThrow(expect.objectContaining({ code: 'BAD_POLICY' }))
  })
})

describe('a key whose use needs two of three', () => {
  let keyId: string
  beforeEach(async () => {
    keyId = (await vault.createKey(ED25519, 'ledger authority')).keyId
    await vault.setAccessPolicy(policy)
  })
  const sign = async () => (await vault.key(keyId, ED25519)).sign(MESSAGE)

  it('signs nothing without them, nor with one, nor with one who signs twice; other keys sign as before', async () => {
    await rejectsWith(sign(), 'APPROVAL_NEEDED')
    const request = await ask()
    await rejectsWith(vault.grantApproval(request, []), 'APPROVAL_NEEDED')
    await rejectsWith(vault.grantApproval(request, await signedBy(request, 1, 1, 1)), 'APPROVAL_NEEDED')
    await rejectsWith(sign(), 'APPROVAL_NEEDED')
    await (await vault.createKey(ED25519, 'signing')).key.sign(MESSAGE)
    const made = await vault.createKey(ED25519, 'ledger authority')
    await rejectsWith(made.key.sign(MESSAGE), 'APPROVAL_NEEDED')
  })

  it('signs as often as they said, in time, and not once more', async () => {
    const request = await ask()
    await vault.grantApproval(request, await signedBy(request, 0, 2))
    const handle = await vault.key(keyId, ED25519)
    const tries = await Promise.allSettled([1, 2, 3, 4].map(() => handle.sign(MESSAGE)))
    expect(tries.filter(({ status }) => status === 'fulfilled')).toHaveLength(2)
    await rejectsWith(sign(), 'APPROVAL_NEEDED')

    const later = await ask()
    await vault.grantApproval(later, await signedBy(later, 0, 1))
    clock.advance(DAY)
    await rejectsWith(sign(), 'APPROVAL_NEEDED')
  })

  it('what was approved is used up on disk before the key is used: a power cut gives none of it back', async () => {
    const { store, afterPowerCut } = recording()
    vault = await createVault({ ...options, store }, UNLOCK)
    keyId = (await vault.createKey(ED25519, 'ledger authority')).keyId
    await vault.setAccessPolicy(policy)
    const request = await ask({ uses: 1 })
    await vault.grantApproval(request, await signedBy(request, 0, 1))
    await sign()
    vault = await openVault({ ...options, store: await afterPowerCut() }, UNLOCK)
    await rejectsWith(sign(), 'APPROVAL_NEEDED')
    await rejectsWith(vault.grantApproval(request, await signedBy(request, 0, 1, 2)), 'BAD_APPROVAL')
  })

  it('what is asked at the same moment as the first use after opening gives no use more', async () => {
    const request = await ask({ uses: 2 })
    await vault.grantApproval(request, await signedBy(request, 0, 1))
    for (let turn = 0; turn < 3; turn++) {
      await vault.lock()
      vault = await openVault(options, UNLOCK)
      await Promise.allSettled([
        sign(),
        vault.access(),
        sign(),
        vault.auditLog(),
        vault.access(),
        sign(),
        vault.auditLog(),
      ])
    }
    const { entries } = verifyAuditLog(await vault.auditLog())
    expect(entries.filter(({ event }) => event === 'access used')).toHaveLength(2)
    await rejectsWith(sign(), 'APPROVAL_NEEDED')
  })

  it('an approval counts for its own request alone, from an approver alone, in its own wallet alone', async () => {
    const request = await ask({ uses: 1 })
    const more = { ...request, uses: 500 }
    await rejectsWith(vault.grantApproval(more, await signedBy(request, 0, 1, 2)), 'APPROVAL_NEEDED')
    const strangers = await Promise.all([1, 2].map(() => keys.ephemeral(ED25519)))
    const theirs = await Promise.all(strangers.map((key) => approve(request, key)))
    await rejectsWith(vault.grantApproval(request, theirs), 'APPROVAL_NEEDED')
    const [mine, other] = await signedBy(request, 0, 1)
    if (!mine || !other) throw new Error('no approvals')
    await rejectsWith(vault.grantApproval(request, [mine, { ...other, signature: mine.signature }]), 'APPROVAL_NEEDED')

    const elsewhere = await createVault({ ...options, store: memoryVaultStore() }, UNLOCK)
    await elsewhere.setAccessPolicy(policy)
    await rejectsWith(elsewhere.grantApproval(request, [mine, other]), 'BAD_APPROVAL')
    await vault.grantApproval(request, [mine, other])
    await rejectsWith(vault.grantApproval(request, [mine, other]), 'BAD_APPROVAL')
  })

  it('nobody approves for longer than a month, or after the time', async () => {
    for (const bad of [{ uses: 0 }, { uses: Number.NaN }, { until: Number.NaN }, { reason: 'x'.repeat(1000) }])
      await rejectsWith(ask(bad), 'BAD_APPROVAL')
    await rejectsWith(ask({ until: clock.now() + MAX_GRANT_TIME + 1 }), 'BAD_APPROVAL')
    const request = await ask()
    const approvals = await signedBy(request, 0, 1)
    clock.advance(DAY + 1)
    await rejectsWith(vault.grantApproval(request, approvals), 'BAD_APPROVAL')
    await rejectsWith(
      vault.askApproval({ ...USE, purpose: 'signing', uses: 1, until: clock.now() + 1, reason: '' }),
      'BAD_APPROVAL',
    )
  })

  it('is suspended and reported compromised by its owner alone, and not destroyed', async () => {
    await vault.setKeyState(keyId, 'suspended', 'suspicion')
    await vault.setKeyState(keyId, 'compromised', 'key compromise')
    await rejectsWith(vault.setKeyState(keyId, 'destroyed', 'owner decided'), 'APPROVAL_NEEDED')
  })
})

describe('the policy itself', () => {
  it('changes by as many as its strictest rule asks for, and what was approved before ends with it', async () => {
    await vault.setAccessPolicy(policy)
    await rejectsWith(vault.setAccessPolicy(NO_POLICY), 'APPROVAL_NEEDED')
    const open = await ask()
    const change = { ...policy, rules: [{ function: 'use key', purpose: 'ledger authority', approvals: 1 }] } as const
    const request = await ask({ function: 'change policy', purpose: undefined as never, uses: 1, change })
    await rejectsWith(vault.grantApproval(request, await signedBy(request, 0, 1)), 'APPROVAL_NEEDED')
    await rejectsWith(
      vault.grantApproval({ ...request, change: NO_POLICY }, await signedBy(request, 0, 1, 2)),
      'APPROVAL_NEEDED',
    )
    await vault.grantApproval(request, await signedBy(request, 0, 1, 2))
    expect((await vault.access()).policy).toEqual(change)
    expect((await vault.auditLog()).entries.slice(-2)).toMatchObject([
      { event: 'access granted', function: 'change policy', approvals: 3 },
      { event: 'policy changed', version: 2 },
    ])
    await rejectsWith(vault.grantApproval(open, await signedBy(open, 0, 1, 2)), 'BAD_APPROVAL')
    await rejectsWith(vault.grantApproval(request, await signedBy(request, 0, 1, 2)), 'BAD_APPROVAL')
  })

  it('holds for keyslots and exports too, over sessions, and is in the audit log with every approval and use', async () => {
    await vault.setAccessPolicy({ ...policy, rules: [...policy.rules, { function: 'export records', approvals: 1 }] })
    await vault.lock()
    vault = await openVault(options, UNLOCK)
    await rejectsWith(vault.addKeyslot({ kind: 'raw', key: systemRandom(32) }), 'APPROVAL_NEEDED')
    await rejectsWith(vault.noteExport(1), 'APPROVAL_NEEDED')
    const request = await vault.askApproval({
      function: 'export records',
      uses: 1,
      until: clock.now() + DAY,
      reason: 'moving',
    })
    await vault.grantApproval(request, await signedBy(request, 1))
    await vault.noteExport(1)
    await rejectsWith(vault.noteExport(1), 'APPROVAL_NEEDED')
    expect((await vault.auditLog()).entries.map(({ event }) => event)).toEqual([
      'wallet made',
      'policy changed',
      'access granted',
      'records exported',
      'access used',
    ])
    expect((await vault.check()).damaged).toEqual([])
  })

  it('MUST NOT be got rid of by taking its record out of the file, or putting back an older one', async () => {
    const idsOf = async (): Promise<OpenVaultStore> => {
      await vault.lock()
      return (await options.store.open('existing')) as OpenVaultStore
    }
    let session = await idsOf()
    const before = new Set((await session.list([])).map(({ id }) => id))
    await session.close()
    vault = await openVault(options, UNLOCK)
    await vault.setAccessPolicy(policy)
    session = await idsOf()
    const [record] = (await session.list([]))
      .filter(({ id, segment }) => segment === 'keys' && !before.has(id))
      .filter(({ blob }) => blob.length > 300)
    if (!record) throw new Error('no record of the policy')
    await session.close()
    vault = await openVault(options, UNLOCK)
    const request = await ask()
    await vault.grantApproval(request, await signedBy(request, 0, 1))
    for (const change of [{ put: [{ ...record, tokens: [] }] }, { remove: [record.id] }]) {
      session = await idsOf()
      await session.write({ generation: 999, ...change })
      await session.close()
      vault = await openVault(options, UNLOCK)
      await rejectsWith(vault.createKey(ED25519, 'signing'), 'WALLET_CORRUPT')
    }
  })
})
