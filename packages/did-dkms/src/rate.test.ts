import { multihash } from '@keystead/core'
import { nodeKeyProvider } from '@keystead/crypto/node'
import { describe, expect, test } from 'vitest'
import { apply } from './apply/apply.ts'
import { productionParameters } from './network/parameters.ts'
import type { DidState } from './state.ts'
import { Owner } from './testing/owner.ts'
import type { Submission } from './types.ts'

const net = multihash.encode(new Uint8Array(32))
const provider = nodeKeyProvider()
const PARAMETERS = { ...productionParameters, minRecoveryDelay: 60 }
const WEEK = 7 * 86_400
/** The beginning of a week, and so of a day and an hour. */
const T0 = Math.floor(1_800_000_000 / WEEK) * WEEK

class Log {
  readonly alice = new Owner(provider, net, T0 + 20 * 86_400)
  state: DidState | undefined

  /** The code of the refusal with its time, or nothing. */
  take(submission: Submission, time: number): [code: string, retryAt: number | undefined] | undefined {
    const context = { net, parameters: PARAMETERS, time, lost: 0, logIndex: 0 }
    const result = apply(this.state, submission, context)
    if (!result.ok) return [result.code, result.retryAt]
    this.state = result.state
    return undefined
  }

  async update(time: number) {
    return this.take(await this.alice.update(this.state as DidState), time)
  }

  async begin(delays: number[] = []): Promise<this> {
    this.take(await this.alice.genesis({ delays }), T0)
    return this
  }
}

describe('NET-30: how often a DID may speak', () => {
  test('ten operations an hour, then RATE_LIMITED until the next', async () => {
    const log = await new Log().begin()
    for (let i = 0; i < 9; i++) expect(await log.update(T0 + i)).toBeUndefined()
    expect(await log.update(T0 + 3599)).toEqual(['RATE_LIMITED', T0 + 3600])
    expect(await log.update(T0 + 3600)).toBeUndefined()
  })

  test('thirty a day and a hundred a week, however they are spread', async () => {
    const log = await new Log().begin()
    let taken = 1
    let days = 0
    for (let hour = 0; hour < 24 * 7; hour++)
      for (let i = 0; i < 10; i++) {
        const refusal = await log.update(T0 + hour * 3600 + i + 1)
        if (!refusal) taken++
        else if (refusal[1] === T0 + (Math.floor(hour / 24) + 1) * 86_400) days++
        if (refusal) break
      }
    expect(taken).toBe(100)
    expect(days).toBeGreaterThan(10)
    expect(await log.update(T0 + WEEK - 1)).toEqual(['RATE_LIMITED', T0 + WEEK])
    expect(await log.update(T0 + WEEK)).toBeUndefined()
  })

  test('a thief who used up the hour shuts out neither recovery nor veto, which their own rules bound', async () => {
    const log = await new Log().begin([3600])
    for (let i = 0; i < 9; i++) await log.update(T0 + i)
    expect((await log.update(T0 + 20))?.[0]).toBe('RATE_LIMITED')
    // A vetoed path rests for its delay, an hour.
    for (let i = 0; i < 2; i++) {
      const at = T0 + 30 + i * 3601
      const recovery = await log.alice.recover(log.state as DidState, 0)
      expect(log.take(recovery.submission, at)).toBeUndefined()
      const veto = await log.alice.rotate(log.state as DidState, { type: 'veto' })
      expect(log.take(veto.submission, at + 1)).toBeUndefined()
      veto.adopt()
    }
    const recovery = await log.alice.recover(log.state as DidState, 0)
    expect(log.take(recovery.submission, T0 + 7300)).toBeUndefined()
    const sixth = await log.alice.rotate(log.state as DidState, { type: 'veto' })
    expect(log.take(sixth.submission, T0 + 7301)?.[0]).toBe('VETOES_SPENT')
    expect(log.state?.rate).toEqual([0, 10, 10, 0])
  })

  test('a thief who used up the rotations for compromise does not keep the owner from recovering', async () => {
    const log = await new Log().begin([3600])
    for (let i = 0; i < 5; i++) {
      const rotation = await log.alice.compromised(log.state as DidState, T0)
      expect(log.take(rotation.submission, T0 + i)).toBeUndefined()
      rotation.adopt()
    }
    expect(log.take((await log.alice.compromised(log.state as DidState, T0)).submission, T0 + 6)?.[0]).toBe(
      'RATE_LIMITED',
    )
    expect(log.take((await log.alice.recover(log.state as DidState, 0)).submission, T0 + 7)).toBeUndefined()
  })

  test('who may not sign uses up nothing', async () => {
    const log = await new Log().begin()
    const mallory = await log.alice.make(1)
    for (let i = 0; i < 20; i++) {
      const forged = await log.alice.update(log.state as DidState, undefined, mallory)
      expect(log.take(forged, T0 + i)?.[0]).toBe('KEY_NOT_AUTHORIZED')
    }
    expect(log.state?.rate).toEqual([1, 1, 1, 0])
  })
})
