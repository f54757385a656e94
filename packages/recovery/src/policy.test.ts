import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { meter, type RecoveryFacts } from './meter.ts'
import { parsePolicy, policyToJson, type RecoveryPolicy } from './policy.ts'
import { codeOf } from './testing/mutate.ts'

const policy: RecoveryPolicy = {
  v: 1,
  epoch: 1,
  groups: { P: {}, S: { threshold: 2, count: 3 } },
  paths: [{ id: 'P+S', delay: 259_200 }],
}
const ready: RecoveryFacts = {
  contactsConfirmed: 3,
  kitPrinted: true,
  kitChecked: true,
  locatorOperators: 2,
  backupHolders: 2,
  backupCurrent: true,
  setOnLedger: true,
}
const lacks = (facts: Partial<RecoveryFacts>): string[] =>
  meter(policy, { ...ready, ...facts }).missing.map(({ code }) => code)

describe('a recovery policy', () => {
  it('reads back as it was written', () => {
    expect(parsePolicy(policyToJson(policy))).toEqual(policy)
    expect(parsePolicy(policy)).toEqual(policy)
  })

  it('that names the group behind a PIN MUST be refused by its own code', async () => {
    for (const value of [
      { ...policy, groups: { ...policy.groups, E: {} } },
      { ...policy, paths: [{ id: 'E+P', delay: 0 }] },
      { ...policy, paths: [{ id: 'E+S', delay: 0 }, ...policy.paths] },
    ])
      expect(await codeOf(() => parsePolicy(value))).toBe('GROUP_UNSUPPORTED')
  })

  it('that is open, contradictory or empty MUST be refused', async () => {
    const groups = (value: unknown) => ({ ...policy, groups: value })
    for (const value of [
      null,
      [],
      { ...policy, v: 2 },
      { ...policy, extra: 1 },
      { ...policy, epoch: -1 },
      { ...policy, paths: [] },
      { ...policy, paths: [...policy.paths, ...policy.paths] },
      { ...policy, paths: [{ id: 'S+P', delay: 0 }] },
      { ...policy, paths: [{ id: 'P+S', delay: 91 * 86_400 }] },
      { ...policy, paths: [{ id: 'P+S', delay: 1, more: 1 }] },
      groups({}),
      groups({ P: {} }),
      groups({ S: { threshold: 2, count: 3 } }),
      groups({ P: { more: 1 }, S: { threshold: 2, count: 3 } }),
      groups({ P: {}, S: { threshold: 1, count: 3 } }),
      groups({ P: {}, S: { threshold: 4, count: 3 } }),
      groups({ P: {}, S: { threshold: 2, count: 17 } }),
      groups({ P: {}, S: { threshold: 2, count: 3 }, Q: {} }),
    ])
      expect(await codeOf(() => parsePolicy(value))).toBe('BAD_POLICY')
  })

  it('any value MUST give a policy or a closed code', () =>
    fc.assert(
      fc.asyncProperty(fc.anything(), async (value) => {
        expect(['BAD_POLICY', 'GROUP_UNSUPPORTED']).toContain(await codeOf(() => parsePolicy(value)))
      }),
    ))
})

describe('the meter', () => {
  it('says good only with everything in place, and that the PIN is off', () => {
    expect(meter(policy, ready)).toMatchObject({ level: 'good', missing: [{ code: 'PIN_OFF' }] })
    expect(meter(undefined, ready).level).toBe('none')
  })

  it('names each lack', () => {
    expect(lacks({ contactsConfirmed: 1 })).toContain('CONTACTS_MISSING')
    expect(lacks({ contactsConfirmed: 2 })).toContain('CONTACTS_WITHOUT_SPARE')
    expect(lacks({ kitPrinted: false })).toContain('KIT_NOT_PRINTED')
    expect(lacks({ kitChecked: false })).toContain('KIT_NOT_CHECKED')
    expect(lacks({ setOnLedger: false })).toContain('SET_NOT_ON_LEDGER')
    expect(lacks({ locatorOperators: 0 })).toContain('NO_LOCATOR_RECORD')
    expect(lacks({ locatorOperators: 1 })).toContain('ONE_LOCATOR_OPERATOR')
    expect(lacks({ backupHolders: 0 })).toContain('NO_BACKUP')
    expect(lacks({ backupHolders: 1 })).toContain('ONE_COPY')
    expect(lacks({ backupCurrent: false })).toContain('BACKUP_BEHIND')
  })

  it('tells authority, data and weakness apart', () => {
    const level = (facts: Partial<RecoveryFacts>) => meter(policy, { ...ready, ...facts }).level
    expect(level({ contactsConfirmed: 1 })).toBe('none')
    expect(level({ backupHolders: 0 })).toBe('authority')
    expect(level({ backupHolders: 1 })).toBe('weak')
  })

  it('says how many contacts are missing', () =>
    expect(meter(policy, { ...ready, contactsConfirmed: 1 }).missing[0]?.text).toBe(
      '1 of 2 contacts needed have confirmed their share: 1 more must.',
    ))
})
