import { describe, expect, test } from 'vitest'
import { askNode, type FetchPort, readAnswer } from './node-link.ts'

/** A node that sends without end; counts what was taken from it. */
function endless(): { fetch: FetchPort; sent: () => number } {
  let sent = 0
  const fetch: FetchPort = async () =>
    new Response(
      new ReadableStream<Uint8Array>({
        pull: (controller) => {
          sent += 1000
          controller.enqueue(new Uint8Array(1000))
        },
      }),
    )
  return { fetch, sent: () => sent }
}

test('an answer is given up as soon as it is longer than anything we could use', async () => {
  const node = endless()
  await expect(askNode(node.fetch, 'https://node.example/v1/head', {}, 10_000)).rejects.toMatchObject({
    code: 'TOO_LARGE',
  })
  expect(node.sent()).toBeLessThan(100_000)
})

test('an answer within the bound is taken as it is, in however many parts it comes', async () => {
  const parts = [Uint8Array.of(1, 2), Uint8Array.of(3)]
  const body = new ReadableStream<Uint8Array>({
    pull: (controller) => {
      const part = parts.shift()
      if (part) controller.enqueue(part)
      else controller.close()
    },
  })
  expect(await readAnswer(new Response(body), 3)).toEqual(Uint8Array.of(1, 2, 3))
})

describe('a refusal is in the node’s own words only as far as they are known', () => {
  const refusedWith = (problem: object): Promise<unknown> =>
    askNode(async () => Response.json(problem, { status: 400 }), 'https://node.example/', {}, 10_000).catch((e) => e)

  test.each(['SEQ_MISMATCH', 'RATE_LIMITED', 'WORK_REQUIRED', 'TOO_MANY_OPERATIONS'])('%s is', async (code) => {
    expect(await refusedWith({ code, detail: 'no', bits: 3 })).toMatchObject({
      code,
      message: 'no',
      details: { bits: 3 },
    })
  })

  test.each([
    'LEDGER_ROLLBACK',
    'LEDGER_FORKED',
    'TRUST_EXPIRED',
    'PROOF_INVALID',
    'LEDGER_WAITING',
    'WALLET_LOCKED',
    'DISK_FULL',
    'OPERATION_PENDING',
    'SOMETHING_NEW',
    7,
  ])('%s is not', async (code) => {
    expect(await refusedWith({ code, detail: 'no' })).toMatchObject({ code: 'LEDGER_REFUSED', message: 'no' })
  })

  test('a text that a terminal would obey, or that is longer than a sentence, is not passed on', async () => {
    for (const detail of ['\u001b[2J all is well', 'two\nlines', 'x'.repeat(301), '\u202eabc', ''])
      expect(await refusedWith({ code: 'SEQ_MISMATCH', detail })).toMatchObject({
        code: 'SEQ_MISMATCH',
        message: 'the ledger node refused with status 400',
      })
  })
})
