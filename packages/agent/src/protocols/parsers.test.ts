/** Every parser of every protocol, with whatever a stranger may send: a code or a value, never another error. */
import { isKeysteadError } from '@keystead/core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import * as connect from './connect/messages.ts'
import * as recovery from './recovery/messages.ts'
import * as report from './report-problem/messages.ts'
import { PARSERS } from './testing/bodies.ts'

const long = 'A'.repeat(43)

/** Parses, or refuses with a code. */
function judged(parse: (body: unknown) => unknown, body: unknown): boolean {
  try {
    parse(body)
    return true
  } catch (error) {
    if (!isKeysteadError(error)) throw error
    return false
  }
}

describe.each(Object.entries(PARSERS))('%s', (_, [parse, good]) => {
  it('takes what it is for', () => expect(judged(parse, good)).toBe(true))

  it('refuses anything else with a code', () =>
    fc.assert(
      fc.property(fc.anything({ maxDepth: 3 }), (body) => {
        judged(parse, body)
      }),
      { numRuns: 300 },
    ))

  it('refuses each member of another type, missing, or beyond its bounds', () => {
    for (const name of Object.keys(good)) {
      const { [name as never]: _, ...without } = good as Record<string, unknown>
      judged(parse, without)
      for (const value of [null, -1, 1.5, '', 'x'.repeat(100_000), [], {}, [null], true])
        judged(parse, { ...good, [name]: value })
      expect(judged(parse, { ...good, [name]: Number.NaN })).toBe(false)
    }
  })
})

describe('links', () => {
  const invitation = { id: 'i', from: 'did:peer:4zQm', goal: 'g', label: 'l', expires: 5 }
  const help = { from: 'did:peer:4zQm', for: long, expires: 5 }

  it('read back as they were made', () => {
    expect(connect.parseInvitationUrl(connect.invitationUrl('https://x.example/', invitation))).toEqual(invitation)
    expect(recovery.parseHelpUrl(recovery.helpUrl('https://x.example/', help))).toEqual(help)
    const { for: _, ...unnamed } = help
    expect(recovery.parseHelpUrl(recovery.helpUrl('https://x.example/', unnamed))).toEqual(unnamed)
  })

  it('of any other content are BAD_INVITATION', () =>
    fc.assert(
      fc.property(fc.oneof(fc.webUrl(), fc.string()), fc.string(), (url, content) => {
        const text = `${url}?_oob=${encodeURIComponent(content)}&_help=${encodeURIComponent(content)}`
        for (const parse of [connect.parseInvitationUrl, recovery.parseHelpUrl])
          try {
            parse(text)
          } catch (error) {
            if (!isKeysteadError(error, 'BAD_INVITATION')) throw error
          }
      }),
    ))

  it('changed in one character say the same or are refused', () =>
    fc.assert(
      fc.property(fc.nat(400), fc.constantFrom(...'AZaz09_-'), (at, character) => {
        const link = recovery.helpUrl('https://x.example/', help)
        const place = link.indexOf('_help=') + 6 + (at % (link.length - link.indexOf('_help=') - 6))
        const changed = link.slice(0, place) + character + link.slice(place + 1)
        try {
          const parsed = recovery.parseHelpUrl(changed)
          if (changed === link) expect(parsed).toEqual(help)
        } catch (error) {
          if (!isKeysteadError(error, 'BAD_INVITATION')) throw error
        }
      }),
    ))
})

describe('a problem report', () => {
  it('of any body is read, so that a refusal is never lost', () =>
    fc.assert(
      fc.property(fc.anything(), (body) => {
        judged(report.parseProblem as (body: unknown) => unknown, body)
      }),
    ))
})
