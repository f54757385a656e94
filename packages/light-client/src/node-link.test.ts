import { expect, test } from 'vitest'
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
