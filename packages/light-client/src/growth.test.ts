/** RESOLVE-7: growth that the reader's own node shows for a head of somebody else's. */
import { FakeClock } from '@keystead/core'
import { expect, it } from 'vitest'
import { growthOf } from './growth.ts'
import type { HeadProof } from './index.ts'
import type { Pin } from './pin.ts'

const pin = { height: 5, logSize: 3 } as Pin
const shown = { head: { header: { height: 6 }, logSize: 4 } } as HeadProof
const hash = new Uint8Array(32).fill(7)

/** Answers with these statuses in turn, the last again and again, while time goes on. */
async function grow(...statuses: number[]): Promise<{ asked: number; result: unknown }> {
  const clock = new FakeClock(0)
  let asked = 0
  const fetch = async () => {
    const status = statuses[Math.min(asked++, statuses.length - 1)] ?? 200
    return { status, arrayBuffer: async () => Uint8Array.from(status === 200 ? hash : []).buffer }
  }
  let over = false
  const work = growthOf(shown, pin, { fetch, url: 'http://node.test', clock })
    .catch((error: { code?: string }) => error.code)
    .finally(() => {
      over = true
    })
  while (!over) {
    await new Promise((resolve) => setImmediate(resolve))
    clock.advance(100)
  }
  return { asked, result: await work }
}

it('waits for a node that is a block behind whoever showed the head', async () => {
  const { asked, result } = await grow(404, 404, 200)
  expect(asked).toBe(3)
  expect(result).toMatchObject({ consistency: { from: 3, path: [hash] } })
})

it('does not wait for ever: a head may be made up', async () => {
  expect(await grow(404)).toEqual({ asked: 5, result: 'HEADER_STALE' })
})

it('asks a node in trouble once', async () => {
  expect(await grow(503)).toEqual({ asked: 1, result: 'LEDGER_REFUSED' })
})
