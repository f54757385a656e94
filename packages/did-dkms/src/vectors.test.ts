/** Our own vectors, which other implementations read too: each rule's log leads where it says. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { bodyHash } from './body.ts'
import type { DidState } from './state.ts'
import { documentAfter, play, type Vector } from './testing/vectors.ts'
import type { Body } from './types.ts'

const folder = fileURLToPath(new URL('../../../vectors/did-dkms', import.meta.url))
const read = (kind: string): [string, Vector][] =>
  readdirSync(join(folder, kind)).map((name) => {
    const vector = JSON.parse(readFileSync(join(folder, kind, name), 'utf8')) as Vector
    return [`${vector.rule}: ${vector.title}`, vector]
  })

describe.each(['valid', 'invalid'])('%s', (kind) => {
  test.each(read(kind))('%s', (_, vector) => {
    let now: { state: DidState | undefined; bodies: readonly Body[] } = { state: undefined, bodies: [] }
    for (const step of vector.steps) {
      const { outcome, ...after } = play(vector, now, step)
      expect(JSON.parse(JSON.stringify(outcome))).toEqual(step.expect)
      now = after
    }
    expect('code' in (vector.steps.at(-1)?.expect ?? {})).toBe(kind === 'invalid')
    if (vector.document)
      expect(JSON.parse(JSON.stringify(documentAfter(now.state as DidState, now.bodies, bodyHash)))).toEqual(
        vector.document,
      )
  })

  test('any changed byte of the last operation is refused', () => {
    for (const [, vector] of read(kind)) {
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
