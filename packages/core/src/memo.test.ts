import { expect, test } from 'vitest'
import { remembering } from './memo.ts'

test('an answer is computed once while it is among the newest, and errors are not remembered', () => {
  const asked: string[] = []
  const upper = remembering(2, (text) => {
    asked.push(text)
    if (text === 'bad') throw new Error('bad')
    return text.toUpperCase()
  })
  expect([upper('a'), upper('a'), upper('b'), upper('a')]).toEqual(['A', 'A', 'B', 'A'])
  expect(asked).toEqual(['a', 'b'])
  expect(() => upper('bad')).toThrow()
  expect(() => upper('bad')).toThrow()
  expect([upper('c'), upper('b')]).toEqual(['C', 'B'])
  expect(asked).toEqual(['a', 'b', 'bad', 'bad', 'c', 'b'])
})
