import { base64url } from '@keystead/core'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { checkSalt } from './read.ts'

const accepts = (run: () => unknown): boolean => {
  try {
    run()
    return true
  } catch {
    return false
  }
}

test('a salt is 16 bytes in their one base64url spelling', () => {
  const salt = fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => base64url.encode(bytes))
  const digits = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_']
  fc.assert(fc.property(salt, (text) => checkSalt(text, 'salt') === text))
  fc.assert(
    fc.property(salt, fc.constantFrom(...digits, '=', '+', '/', ' ', '\n'), (text, last) => {
      const changed = text.slice(0, -1) + last
      expect(accepts(() => checkSalt(changed, 'salt'))).toBe(accepts(() => base64url.decode(changed)))
    }),
  )
  for (const text of ['', 'A'.repeat(21), 'A'.repeat(23), `${'A'.repeat(22)}\n`, 5, null])
    expect(accepts(() => checkSalt(text, 'salt'))).toBe(false)
})
