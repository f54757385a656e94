import { describe, expect, it } from 'vitest'
import { nodeKeyProvider } from './node/index.ts'
import { SELF_TESTS, selfTest } from './self-test.ts'
import type { KeyProvider } from './types.ts'

describe('the self-test', () => {
  it('passes on this machine for every algorithm a wallet relies on', async () => {
    await selfTest(nodeKeyProvider())
    expect(SELF_TESTS).toContain('Ed25519')
  })

  it('fails closed when keys sign, agree or open wrongly', async () => {
    const real = nodeKeyProvider()
    /** A provider whose keys of one kind answer wrongly in their last byte. */
    const broken = (kind: string): KeyProvider => {
      const spoil = <T extends object>(key: T): T =>
        new Proxy(key, {
          get: (target, name) => {
            const value = Reflect.get(target, name)
            if (typeof value !== 'function' || name === 'destroy') return value
            return async (...given: unknown[]) => {
              const answer = (await value.apply(target, given)) as Uint8Array
              answer[answer.length - 1] = (answer[answer.length - 1] as number) ^ 1
              return answer
            }
          },
        })
      return {
        ...real,
        fromSecret: async (type, secret) => {
          const key = await real.fromSecret(type, secret)
          return type.kind === kind ? spoil(key) : key
        },
        ephemeral: async (type) => {
          const key = await real.ephemeral(type)
          return type.kind === kind ? spoil(key) : key
        },
      }
    }
    for (const [kind, algorithm] of [
      ['signing', 'Ed25519'],
      ['agreement', 'X25519'],
      ['kem', 'X-Wing, known answers'],
    ])
      await expect(selfTest(broken(kind as string))).rejects.toMatchObject({
        code: 'SELF_TEST_FAILED',
        details: { algorithm },
      })
  })
})
