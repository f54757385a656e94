/** KEYVERIFY-8 to 11. */
import { base64url } from '@keystead/core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  halfMatches,
  MEETINGS,
  type MeetingContext,
  meetingCode,
  meetingCommitment,
  meetingText,
  parseMeetingText,
  scanMac,
} from './in-person.ts'

const context: MeetingContext = { rel: 'QmRel', heads: ['QmA', 'QmB'], session: '0'.repeat(32) }
const nonce = (byte: number): string => base64url.encode(new Uint8Array(32).fill(byte))

describe('the code', () => {
  it('is twelve digits, and changes with everything it stands for', () => {
    const code = (c: Partial<MeetingContext>, a = 1, b = 2): string =>
      meetingCode({ ...context, ...c }, nonce(a), nonce(b)).join('')
    const all = [
      code({}),
      code({ rel: 'QmOther' }),
      code({ heads: ['QmA', 'QmC'] }),
      code({ session: '1'.repeat(32) }),
      code({}, 3),
      code({}, 1, 3),
      code({}, 2, 1),
    ]
    expect(new Set(all).size).toBe(all.length)
    for (const one of all) expect(one).toMatch(/^\d{12}$/)
  })

  it('is spread evenly over each half', () => {
    const firsts = Array.from({ length: 2000 }, (_, i) => meetingCode(context, nonce(i % 256), String(i))[0])
    const buckets = Array(10).fill(0)
    for (const half of firsts) buckets[Number(half[0])]++
    for (const count of buckets) expect(count).toBeGreaterThan(120)
  })

  it('is typed with spaces or hyphens, and no other digit passes', () => {
    expect(halfMatches('012345', ' 012-345 ')).toBe(true)
    fc.assert(
      fc.property(fc.string(), (typed) => {
        expect(halfMatches('012345', typed)).toBe(typed.replace(/[\s-]/g, '') === '012345')
      }),
    )
  })

  it('a commitment is to one nonce in one relationship, session and state', () => {
    const made = meetingCommitment(context, nonce(1))
    expect(meetingCommitment(context, nonce(2))).not.toBe(made)
    expect(meetingCommitment({ ...context, rel: 'x' }, nonce(1))).not.toBe(made)
    expect(meetingCommitment({ ...context, heads: ['QmA', 'x'] }, nonce(1))).not.toBe(made)
  })
})

describe('the QR code', () => {
  it('carries the context and its secret, and fits a code that a phone reads', () => {
    const secret = new Uint8Array(16).fill(7)
    const text = meetingText({ ...context, rel: `Qm${'a'.repeat(44)}` }, secret)
    expect(parseMeetingText(text).secret).toEqual(secret)
    expect(text.length).toBeLessThan(400)
    expect(() => parseMeetingText('keystead-meet:AAAA')).toThrow()
    expect(() => parseMeetingText('https://example.org/')).toThrow()
  })

  it('its answer is the scanner’s, for this session', () => {
    const mac = (c: MeetingContext, secret: number, by: string): string =>
      base64url.encode(scanMac(c, new Uint8Array(16).fill(secret), by))
    const made = mac(context, 1, 'did:a')
    expect(mac(context, 2, 'did:a')).not.toBe(made)
    expect(mac(context, 1, 'did:b')).not.toBe(made)
    expect(mac({ ...context, session: '2'.repeat(32) }, 1, 'did:a')).not.toBe(made)
  })
})

describe('KEYVERIFY-9: a meeting', () => {
  it('has one try: nothing leads out of a failed one, and a second nonce has no place', () => {
    expect(MEETINGS.failed).toEqual({})
    expect(MEETINGS.ready.accept).toBeUndefined()
    expect(MEETINGS.ready.reveal).toBeUndefined()
    expect(MEETINGS.started.reveal).toBeUndefined()
  })

  it('shows no code before the other has opened what it committed to', () => {
    const toReady = Object.entries(MEETINGS).flatMap(([state, events]) =>
      Object.entries(events).flatMap(([event, after]) => (after === 'ready' ? [`${state} ${event}`] : [])),
    )
    expect(toReady).toEqual(['started accept', 'accepted reveal'])
  })
})
