import { expect, it } from 'vitest'
import { parseLedgerRead } from './messages.ts'

it('takes every number that a node may name, so that a resolver’s lie about one is answered as such, and nothing beside the list', () => {
  const most = Number.MAX_SAFE_INTEGER
  for (const path of [`/v1/consistency/3/${most}`, `/v1/light-blocks/${most}`, '/v1/head?consistencyFrom=3'])
    expect(parseLedgerRead({ path })).toBe(path)
  for (const path of [
    '/v1/dids/x',
    '/v1/head/../dids/x',
    '/v1/consistency/3/12345678901234567',
    '//other.example/v1/head',
  ])
    expect(() => parseLedgerRead({ path })).toThrow()
})
