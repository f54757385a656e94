import { describe, expect, it } from 'vitest'
import type { RecoveryPolicy } from './policy.ts'
import { quorum } from './quorum.ts'

const policy = (S?: [number, number], E?: [number, number]): RecoveryPolicy => ({
  v: 1,
  epoch: 2,
  groups: {
    P: {},
    ...(S && { S: { threshold: S[0], count: S[1] } }),
    ...(E && { E: { threshold: E[0], count: E[1], guesses: 5 } }),
  },
  paths: [{ id: 'P+S', delay: 1 }],
})

describe('a changed deal (RECOVERY-23)', () => {
  it('takes effect with one more than is needed: a dead phone or agency beside those blocks nothing', () => {
    expect(quorum(policy([2, 4]), { contacts: 3, agents: 0, placed: true }).met).toBe(true)
    expect(quorum(policy([2, 4]), { contacts: 2, agents: 0, placed: true })).toEqual({
      met: false,
      contacts: 1,
      agents: 0,
    })
    expect(quorum(policy(undefined, [3, 5]), { contacts: 0, agents: 4, placed: true }).met).toBe(true)
  })

  it('needs all where all are needed for a recovery', () => {
    expect(quorum(policy([2, 2]), { contacts: 1, agents: 0, placed: true }).met).toBe(false)
    expect(quorum(policy([2, 2]), { contacts: 2, agents: 0, placed: true }).met).toBe(true)
  })

  it('never takes effect with one group short, or nothing placed where the kit leads', () => {
    const both = policy([2, 3], [2, 3])
    expect(quorum(both, { contacts: 3, agents: 2, placed: true })).toEqual({ met: false, contacts: 0, agents: 1 })
    expect(quorum(both, { contacts: 3, agents: 3, placed: false }).met).toBe(false)
    expect(quorum(both, { contacts: 3, agents: 3, placed: true }).met).toBe(true)
  })
})
