import { base64url, multihash, seededRandom, utf8 } from '@keystead/core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createKit, kitLine, kitSecret, type NewKit, vetoDigest } from './kit.ts'
import { parseKit, renderKit } from './kit-text.ts'
import { codeOf, mutated, noise } from './testing/mutate.ts'

const random = seededRandom(1)
const secret = random(32)
const options: NewKit = {
  secret,
  random,
  locator: random(16),
  agencies: ['https://agency.example', 'did:web:other.example'],
  genesis: multihash.encode(random(32)),
  checkpoint: { height: 123_456, hash: base64url.encode(random(32)) },
}
const kit = createKit(options)
const text = renderKit(kit)
const line = kitLine(kit)
const forPeople = text.slice(0, text.indexOf(line))

describe('the recovery kit', () => {
  it('reads back from the whole text, the machine line, and what a person types', () => {
    expect(kitSecret(kit)).toEqual(secret)
    expect(parseKit(text)).toEqual(kit)
    expect(parseKit(line)).toEqual(kit)
    expect(parseKit(forPeople)).toEqual(kit)
    const typed = forPeople
      .split('\n')
      .map(
        (row) =>
          `  ${row.replace(/^(Locator|Checkpoint hash|Veto code|Check): (.*)$/, (_, a, b) => `${a}: ${b.replaceAll(' ', '-').toUpperCase()}`)}`,
      )
    expect(parseKit(typed.join('\r\n'))).toEqual(kit)
  })

  it('numbers the 33 words and fits on a page', () => {
    expect(text).toContain(` 1. ${kit.words.split(' ')[0]}`)
    expect(text).toContain(`33. ${kit.words.split(' ')[32]}`)
    expect(text.split('\n').length).toBeLessThan(40)
    expect(forPeople.split('\n').every((row) => row.length <= 120)).toBe(true)
    expect(line).toMatch(/^keystead-kit:1:[A-Za-z0-9_-]+$/)
    expect(line.length).toBeLessThan(1500)
  })

  it('a damaged machine line is replaced by the lines for people, and the other way round', () => {
    expect(parseKit(text.replace(line, `${line.slice(0, -1)}`))).toEqual(kit)
    expect(parseKit(text.replace('Veto code: ', 'Veto code: x'))).toEqual(kit)
  })

  it('any changed character MUST be refused or change nothing', () =>
    fc.assert(
      fc.asyncProperty(fc.oneof(mutated(utf8(line)), mutated(utf8(forPeople)), mutated(utf8(text))), async (bytes) => {
        const changed = Buffer.from(bytes).toString('latin1')
        const code = await codeOf(() => expect(parseKit(changed)).toEqual(kit))
        expect([undefined, 'BAD_KIT']).toContain(code)
      }),
      { numRuns: 1000 },
    ))

  it('any changed character of the machine line MUST be refused', () =>
    fc.assert(
      fc.asyncProperty(mutated(utf8(line)), async (bytes) => {
        const changed = Buffer.from(bytes).toString('latin1')
        if (changed.trim() !== line) expect(await codeOf(() => parseKit(changed))).toBe('BAD_KIT')
      }),
      { numRuns: 500 },
    ))

  it('swapped or missing words, and lines named twice, MUST be refused', async () => {
    const words = kit.words.split(' ')
    for (const changed of [
      forPeople.replace(` 1. ${words[0]}`, ` 1. ${words[1]}`).replace(` 2. ${words[1]}`, ` 2. ${words[0]}`),
      forPeople.replace(`33. ${words[32]}`, ''),
      forPeople.replace('Network:', 'Network'),
      `${forPeople}\nCheck: 00000000`,
      forPeople.replace('Agency: https://agency.example\n', ''),
    ])
      expect(await codeOf(() => parseKit(changed))).toBe('BAD_KIT')
  })

  it('of another version, and noise, MUST be refused', async () => {
    expect(await codeOf(() => parseKit(line.replace(':1:', ':2:')))).toBe('BAD_KIT')
    await fc.assert(
      fc.asyncProperty(noise, async (bytes) => {
        expect(await codeOf(() => parseKit(Buffer.from(bytes).toString('latin1')))).toBe('BAD_KIT')
        expect(await codeOf(() => parseKit(`keystead-kit:1:${base64url.encode(bytes)}`))).toBe('BAD_KIT')
      }),
    )
  })

  it('that could not be read back MUST NOT be made', async () => {
    for (const change of [
      { secret: random(16) },
      { locator: random(8) },
      { agencies: [] },
      { agencies: ['agency.example'] },
      { genesis: 'main' },
      { checkpoint: { height: 0, hash: options.checkpoint.hash } },
      { checkpoint: { height: 1, hash: 'abc' } },
    ])
      expect(await codeOf(() => createKit({ ...options, ...change }))).toBe('BAD_PARAMETERS')
  })

  it('has a veto code of its own', () => {
    expect(kit.veto).toMatch(/^[a-z2-7]{16}$/)
    expect(createKit(options).veto).not.toBe(kit.veto)
    expect(vetoDigest(kit.veto)).not.toBe(vetoDigest(createKit(options).veto))
  })
})
