/** The answers to SP 800-130 cite rules, code and tests that are there, and answer every question once. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Fields } from '@keystead/core'
import { KEY_PURPOSES } from '@keystead/wallet'
import { describe, expect, it } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))
const questions = join(root, '../shared/nist/nist-sp-800-130.json')
const file = (path: string): string => readFileSync(join(root, path), 'utf8')

const ANSWERS = ['text', 'code', 'not applicable', 'open'] as const

const paths = (f: Fields, name: string): string[] => f.array(name, { max: 16 }, (path) => String(path))

const answers = (JSON.parse(file('spec/sp800-130.json')) as unknown[]).map((value) => {
  const f = new Fields(value, 'answer')
  const answer = {
    id: f.string('id', { max: 9, pattern: /^FR:\d{1,2}\.\d{1,3}$/ }),
    answer: f.literal('answer', ...ANSWERS),
    where: paths(f, 'where'),
    code: paths(f, 'code'),
    tests: f.array('tests', { max: 16 }, (test) => {
      const fields = new Fields(test, 'test')
      const cited = { path: fields.string('path', { max: 200 }), title: fields.string('title', { min: 10, max: 300 }) }
      fields.end()
      return cited
    }),
    note: f.string('note', { max: 300 }),
  }
  f.end()
  return answer
})

/** A rule stands in a file in bold at the beginning of its paragraph. */
const stands = (where: string): boolean => {
  const [path = '', rule] = where.split('#')
  return existsSync(join(root, path)) && (rule === undefined || file(path).includes(`**${rule} `))
}

describe('the answers to SP 800-130', () => {
  it('are one for each id', () => {
    expect(new Set(answers.map(({ id }) => id)).size).toBe(answers.length)
  })

  it.skipIf(!existsSync(questions))('are to every question, and to no other (needs ../shared/nist)', () => {
    const asked = (JSON.parse(readFileSync(questions, 'utf8')) as { id: string }[]).map(({ id }) => id)
    expect(answers.map(({ id }) => id)).toEqual(asked)
  })

  it('cite rules that stand in the files cited', () => {
    expect(answers.flatMap(({ id, where }) => where.filter((one) => !stands(one)).map((one) => [id, one]))).toEqual([])
  })

  it('cite code that is there, and tests of the titles cited', () => {
    const missing = answers.flatMap(({ id, code, tests }) => [
      ...code.filter((path) => !existsSync(join(root, path))).map((path) => [id, path]),
      ...tests
        .filter(({ path, title }) => !existsSync(join(root, path)) || !file(path).includes(title))
        .map(({ path, title }) => [id, path, title]),
    ])
    expect(missing).toEqual([])
  })

  it('say where: in code with a test, in text with a rule, and why not for the rest', () => {
    const bare = answers.filter(({ answer, where, code, tests, note }) => {
      if (where.length === 0) return true
      if (answer === 'code') return code.length === 0 || tests.length === 0
      return (answer === 'open' || answer === 'not applicable') && note === ''
    })
    expect(bare.map(({ id }) => id)).toEqual([])
  })

  it('the table of key types has every purpose, its type and its period, and no other', () => {
    const rows = [
      ...file('spec/sp800-130.md').matchAll(/^\| ([a-z ]+) \| (private [a-z ]+) \| (\d+) (years|days) \|/gm),
    ]
    const told = rows.map(([, purpose = '', type, count, unit]) => {
      return [purpose, { type, cryptoperiod: Number(count) * (unit === 'years' ? 365 : 1) * 86_400 }] as const
    })
    const kept = Object.entries(KEY_PURPOSES).map(([purpose, { type, cryptoperiod }]) => [
      purpose,
      { type, cryptoperiod },
    ])
    expect(Object.fromEntries(told)).toEqual(Object.fromEntries(kept))
  })

  it('every statement of the page is cited by an answer', () => {
    const cited = new Set(answers.flatMap(({ where }) => where))
    const statements = [...file('spec/sp800-130.md').matchAll(/^\*\*(CKMS-\d+) /gm)].map(([, rule]) => rule)
    expect(statements.filter((rule) => !cited.has(`spec/sp800-130.md#${rule}`))).toEqual([])
  })
})
