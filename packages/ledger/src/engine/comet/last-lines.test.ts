import { expect, it } from 'vitest'
import { LastLines } from './last-lines.ts'

it('nothing is said of a process that said nothing', () => {
  expect(`${new LastLines()}`).toBe('')
})

it('of much that was said, the last lines are, each cut', () => {
  const lines = new LastLines()
  for (let n = 0; n < 100; n++) lines.add(`line ${n} `.padEnd(1000, '. '))
  lines.add('   ')
  const text = `${lines}`
  expect(text.split(' | ')).toHaveLength(5)
  expect(text).toContain('line 99')
  expect(text).not.toContain('line 94')
  expect(text.length).toBeLessThan(1100)
})

it('what may be a key MUST NOT be said, nor what a terminal obeys', () => {
  const lines = new LastLines()
  const secret = 'p3zMXm7ZcAuVcyAKYCJXm3bQqRNUk9C5rTHf2PxkD0W='
  lines.add(`\u001b[31mERROR\u001b[0m: listen tcp 127.0.0.1:26656: address in use\u0007 value="${secret}"`)
  lines.add(`priv_key ${'ab'.repeat(32)}`)
  expect(`${lines}`).toBe(': ERROR: listen tcp 127.0.0.1:26656: address in use value="[...]" | priv_key [...]')
})
