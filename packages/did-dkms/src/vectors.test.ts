/** Our own vectors, which other implementations read too: each rule's log leads where it says. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { bodyHash } from './body.ts'
import { CAPABILITIES } from './capabilities.ts'
import type { DidState } from './state.ts'
import { read } from './testing/reading.ts'
import { documentAfter, isRefused, play, type Vector } from './testing/vectors.ts'
import type { Body } from './types.ts'

const folder = fileURLToPath(new URL('../../../vectors/did-dkms', import.meta.url))
const vectorsOf = (kind: string): [string, Vector][] =>
  readdirSync(join(folder, kind)).map((name) => {
    const vector = JSON.parse(readFileSync(join(folder, kind, name), 'utf8')) as Vector
    return [`${vector.rule}: ${vector.title}`, vector]
  })

describe.each(['valid', 'invalid'])('%s', (kind) => {
  test.each(vectorsOf(kind))('%s', (_, vector) => {
    let now: { state: DidState | undefined; bodies: readonly Body[] } = { state: undefined, bodies: [] }
    for (const step of vector.steps) {
      const { outcome, ...after } = play(vector, now, step)
      expect(JSON.parse(JSON.stringify(outcome))).toEqual(step.expect)
      now = after
    }
    expect(isRefused(vector)).toBe(kind === 'invalid')
    if (vector.reading) expect(read(vector, vector.reading)).toEqual(vector.reading.expect)
    if (vector.document)
      expect(JSON.parse(JSON.stringify(documentAfter(now.state as DidState, now.bodies, bodyHash)))).toEqual(
        vector.document,
      )
  })

  test('any changed byte of the last operation is refused', () => {
    for (const [, vector] of vectorsOf(kind)) {
      let now: { state: DidState | undefined; bodies: readonly Body[] } = { state: undefined, bodies: [] }
      for (const step of vector.steps.slice(0, -1)) now = play(vector, now, step)
      const last = vector.steps.at(-1)
      if (last?.text === undefined) continue
      for (let at = 1; at < last.text.length; at += 41) {
        const other = last.text[at] === 'x' ? 'y' : 'x'
        const text = last.text.slice(0, at) + other + last.text.slice(at + 1)
        expect('code' in play(vector, now, { ...last, text }).outcome).toBe(true)
      }
    }
  })
})

describe('spec/did-dkms.md', () => {
  const text = readFileSync(fileURLToPath(new URL('../../../spec/did-dkms.md', import.meta.url)), 'utf8')
  const rules = text
    .split(/(?=^\*\*DKMS-\d+ )/m)
    .slice(1)
    .map((rule): [string, string] => [/^\*\*(DKMS-\d+)/.exec(rule)?.[1] ?? '', rule.split('\n## ')[0] ?? ''])
  const all = [...vectorsOf('valid'), ...vectorsOf('invalid')].map(([, vector]) => vector)

  test.each(rules)('%s has a vector for each MUST and for each code with which it refuses', (name, rule) => {
    const own = all.filter((vector) => vector.rule === name)
    expect(own.length).toBeGreaterThanOrEqual(Math.max(1, rule.match(/\bMUST\b/g)?.length ?? 0))
    const refused = own.map(({ steps, reading }) => JSON.stringify(reading?.expect ?? steps.at(-1)?.expect))
    const named = new Set(
      [...rule.matchAll(/`([A-Z]{2,}(?:_[A-Z]+)+|EXPIRED|SUSPENDED|DEACTIVATED)`/g)].map(([, code]) => code),
    )
    for (const code of named)
      if (!CAPABILITIES.includes(code as never)) expect(refused, code).toContain(JSON.stringify({ code }))
  })
})
