import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type AgentFact, type ContactFact, meter, type RecoveryFacts } from './meter.ts'
import { parsePolicy, policyToJson, type RecoveryPolicy } from './policy.ts'
import { codeOf } from './testing/mutate.ts'

const policy: RecoveryPolicy = {
  v: 1,
  epoch: 1,
  groups: { P: {}, S: { threshold: 2, count: 3 } },
  paths: [{ id: 'P+S', delay: 259_200 }],
}
const full: RecoveryPolicy = {
  v: 1,
  epoch: 2,
  groups: { E: { threshold: 3, count: 5, guesses: 5 }, P: {}, S: { threshold: 2, count: 3 } },
  paths: [
    { id: 'E+P', delay: 3600 },
    { id: 'E+S', delay: 86_400 },
    { id: 'P+S', delay: 259_200 },
  ],
}
function contacts(...states: ('kept' | 'waiting' | 'lost' | 'declined')[]): ContactFact[] {
  return states.map((state, i) => ({ name: ['Bob', 'Carol', 'Dave'][i] ?? '', state }))
}
const ready: RecoveryFacts = {
  contacts: contacts('kept', 'kept', 'kept'),
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

  it('of any two of the three groups reads back as it was written', () =>
    expect(parsePolicy(policyToJson(full))).toEqual(full))

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
      { ...policy, paths: [{ id: 'E+P', delay: 0 }] },
      groups({ ...full.groups }),
      ...[
        { threshold: 2, count: 2, guesses: 5 },
        { threshold: 2, count: 4, guesses: 5 },
        { threshold: 6, count: 5, guesses: 5 },
        { threshold: 5, count: 8, guesses: 5 },
        { threshold: 3, count: 5, guesses: 0 },
        { threshold: 3, count: 5, guesses: 11 },
        { threshold: 3, count: 5, guesses: 5, more: 1 },
      ].map((E) => ({ ...full, groups: { ...full.groups, E } })),
    ])
      expect(await codeOf(() => parsePolicy(value))).toBe('BAD_POLICY')
  })

  it('any value MUST give a policy or a closed code', () =>
    fc.assert(
      fc.asyncProperty(fc.anything(), async (value) => {
        expect(await codeOf(() => parsePolicy(value))).toBe('BAD_POLICY')
      }),
    ))
})

describe('the meter', () => {
  it('says good only with everything in place, and that the PIN is off', () => {
    expect(meter(policy, ready)).toMatchObject({ level: 'good', missing: [{ code: 'PIN_OFF' }] })
    expect(meter(undefined, ready).level).toBe('none')
  })

  it('names each lack', () => {
    expect(lacks({ contacts: contacts('kept', 'waiting', 'declined') })).toContain('CONTACTS_MISSING')
    expect(lacks({ contacts: contacts('kept', 'kept', 'waiting') })).toContain('CONTACTS_WITHOUT_SPARE')
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
    expect(level({ contacts: contacts('kept', 'waiting', 'declined') })).toBe('none')
    expect(level({ backupHolders: 0 })).toBe('authority')
    expect(level({ backupHolders: 1 })).toBe('weak')
  })

  it('says how many contacts are missing', () =>
    expect(meter(policy, { ...ready, contacts: contacts('kept', 'waiting', 'declined') }).missing[0]?.text).toBe(
      '1 of 2 contacts needed have confirmed their share: 1 more must.',
    ))

  it('says who did not answer and for how long, and who lost their share; neither counts any more (RECOVERY-21)', () => {
    const carol: ContactFact = { name: 'Carol', state: 'silent', days: 40 }
    const [bob, , dave] = contacts('kept', 'kept', 'kept') as [ContactFact, ContactFact, ContactFact]
    const reading = meter(policy, { ...ready, contacts: [bob, carol, dave] })
    expect(reading.level).toBe('weak')
    expect(reading.missing.map(({ text }) => text)[0]).toBe(
      'Carol did not answer for 40 days: ask them, or choose somebody else.',
    )
    expect(lacks({ contacts: [bob, carol, { ...dave, state: 'lost' } as ContactFact] })).toEqual([
      'CONTACT_SILENT',
      'SHARE_LOST',
      'CONTACTS_MISSING',
      'PIN_OFF',
    ])
    expect(meter(policy, { ...ready, contacts: contacts('kept', 'lost', 'lost') }).level).toBe('none')
  })

  it('reminds of a rehearsal, which is advice', () =>
    expect(meter(policy, { ...ready, notRehearsedFor: 200 })).toMatchObject({
      level: 'good',
      missing: [{ code: 'PIN_OFF' }, { code: 'NOT_REHEARSED' }],
    }))

  describe('with a PIN', () => {
    const agents = (change: Partial<AgentFact> = {}, count = 1): AgentFact[] =>
      ['North', 'East', 'South', 'West', 'Centre'].map((operator, i) => ({
        operator,
        state: 'good',
        guessesUsed: 0,
        demonstration: false,
        ...(i < count ? change : {}),
      }))
    const escrow = agents()
    const reading = (facts: Partial<RecoveryFacts>) => meter(full, { ...ready, escrow, ...facts })
    const codes = (facts: Partial<RecoveryFacts>) => reading(facts).missing.map(({ code }) => code)

    it('is good when all is in place', () => expect(reading({})).toEqual({ level: 'good', missing: [] }))

    it('names what its agents lack', () => {
      expect(codes({ escrow: agents({ state: 'waiting' }) })).toEqual(['PIN_AGENTS_MISSING'])
      expect(codes({ escrow: agents({ guessesUsed: 1 }) })).toEqual(['PIN_TRIED'])
      expect(codes({ escrow: agents({ state: 'locked', guessesUsed: 5 }, 3) })).toEqual(['PIN_LOCKED'])
    })

    it('agents that are silent or lost what they keep do not count', () => {
      expect(codes({ escrow: agents({ state: 'silent', days: 9 }) })).toEqual(['PIN_AGENT_SILENT'])
      expect(codes({ escrow: agents({ state: 'lost' }) })).toEqual(['PIN_SHARE_LOST'])
      const facts = { contacts: [], escrow: agents({ state: 'silent', days: 9 }, 3) }
      expect(reading(facts).level).toBe('none')
    })

    it('is never good with demonstration agents (rule 25)', () => {
      const demonstration = reading({ escrow: agents({ demonstration: true }) })
      expect(demonstration.level).toBe('weak')
      expect(demonstration.missing.map(({ code }) => code)).toEqual(['PIN_DEMONSTRATION'])
    })

    it('one path that is complete is enough for authority, and its weakness is said', () => {
      expect(reading({ contacts: [] }).level).toBe('weak')
      expect(reading({ escrow: agents({ state: 'waiting' }, 3) }).level).toBe('weak')
      expect(reading({ contacts: [], escrow: agents({ state: 'waiting' }, 3) }).level).toBe('none')
      expect(reading({ contacts: [], kitPrinted: false }).level).toBe('none')
    })
  })
})
