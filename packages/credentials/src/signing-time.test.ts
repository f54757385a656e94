import { describe, expect, test } from 'vitest'
import { judgeSigningTime } from './signing-time.ts'
import { DAY, NOW, Party } from './testing/party.ts'

const party = await Party.create('issuer')
const at = (days: number): number => NOW + days * DAY

/** Days from now: the key came at -100; `h` is the anchor's day. */
interface Row {
  readonly h?: number
  readonly until?: number
  readonly since?: number
  readonly deactivated?: number
}

function judge({ h, until, since, deactivated }: Row): string {
  const key = party.period({
    from: at(-100),
    ...(until === undefined ? {} : { until: at(until) }),
    ...(since === undefined ? {} : { compromisedSince: at(since) }),
  })
  const { name, outcome, code } = judgeSigningTime({
    key,
    anchoredAt: h === undefined ? undefined : at(h),
    deactivatedAt: deactivated === undefined ? undefined : at(deactivated),
  })
  expect(name).toBe('signing-time')
  return `${outcome} ${code}`
}

describe('CREDENTIAL-9: the table of signing times, row by row', () => {
  test.each<[string, Row, string]>([
    ['in use, no receipt', {}, 'valid KEY_IN_USE'],
    ['in use, signed while in use', { h: -5 }, 'valid SIGNED_WHILE_IN_USE'],
    ['in use, signed the second it came', { h: -100 }, 'valid SIGNED_WHILE_IN_USE'],
    ['replaced, signed before', { h: -20, until: -10 }, 'valid SIGNED_WHILE_IN_USE'],
    ['replaced, nothing proves when signed', { until: -10 }, 'undetermined SIGNING_TIME_UNPROVEN'],
    ['compromised, signed before', { h: -20, since: -15, until: -10 }, 'valid SIGNED_WHILE_IN_USE'],
    ['compromised, signed at that second', { h: -15, since: -15, until: -10 }, 'invalid KEY_COMPROMISED'],
    ['compromised, signed after', { h: -12, since: -15, until: -10 }, 'invalid KEY_COMPROMISED'],
    ['compromised, nothing proves when signed', { since: -15, until: -10 }, 'invalid KEY_COMPROMISED'],
    ['compromised, still shown, nothing proves when signed', { since: -15 }, 'invalid KEY_COMPROMISED'],
    ['compromised before it came', { h: -99, since: -101, until: -10 }, 'invalid KEY_COMPROMISED'],
    ['signed before the key came', { h: -101 }, 'invalid KEY_NOT_YET_AUTHORIZED'],
    ['signed before the key came, replaced since', { h: -101, until: -10 }, 'invalid KEY_NOT_YET_AUTHORIZED'],
    ['signed the second the key was replaced', { h: -10, until: -10 }, 'invalid KEY_REPLACED_BEFORE_SIGNING'],
    ['signed after the key was replaced', { h: -9, until: -10 }, 'invalid KEY_REPLACED_BEFORE_SIGNING'],
    ['deactivated, signed before', { h: -20, deactivated: -10 }, 'valid SIGNED_WHILE_IN_USE'],
    ['deactivated, signed after', { h: -5, deactivated: -10 }, 'invalid KEY_REPLACED_BEFORE_SIGNING'],
    ['deactivated, nothing proves when signed', { deactivated: -10 }, 'undetermined SIGNING_TIME_UNPROVEN'],
    [
      'replaced, then deactivated, signed between',
      { h: -15, until: -20, deactivated: -10 },
      'invalid KEY_REPLACED_BEFORE_SIGNING',
    ],
    [
      'deactivated and compromised, signed before both',
      { h: -20, since: -15, deactivated: -10 },
      'valid SIGNED_WHILE_IN_USE',
    ],
  ])('%s', (_, row, expected) => expect(judge(row)).toBe(expected))

  test('the sentence names the day', () => {
    const check = judgeSigningTime({
      key: party.period({ compromisedSince: Date.UTC(2026, 1, 3) / 1000 }),
      anchoredAt: undefined,
      deactivatedAt: undefined,
    })
    expect(check.text).toContain('since 2026-02-03T00:00:00Z')
  })
})
