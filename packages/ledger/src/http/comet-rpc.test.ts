import { isKeysteadError } from '@keystead/core'
import { Hono } from 'hono'
import { describe, expect, test } from 'vitest'
import { cometRpcRoute } from './comet-rpc.ts'

function route(asked: string[] = []) {
  const app = new Hono()
  cometRpcRoute(app, async (request) => {
    asked.push(request)
    return new Uint8Array(Buffer.from('{"jsonrpc":"2.0","id":3,"result":{}}'))
  })
  app.onError((error, c) => c.text(isKeysteadError(error) ? error.code : String(error), 400))
  const post = (body: object) => app.request('/v1/comet', { method: 'POST', body: JSON.stringify(body) })
  return { post, asked }
}

describe('CometBFT for joining nodes', () => {
  test('passes on what a light client reads', async () => {
    const { post, asked } = route()
    const params = { height: '7', page: '1', per_page: '100' }
    const answer = await post({ jsonrpc: '2.0', id: 3, method: 'validators', params })
    expect([answer.status, await answer.json()]).toEqual([200, { jsonrpc: '2.0', id: 3, result: {} }])
    expect(JSON.parse(asked[0] as string)).toEqual({ jsonrpc: '2.0', id: 3, method: 'validators', params })
  })

  test('refuses every other method and parameter, so that nobody reaches the validator through it', async () => {
    const { post, asked } = route()
    for (const method of [
      'broadcast_tx_sync',
      'broadcast_evidence',
      'dial_peers',
      'unsafe_flush_mempool',
      'net_info',
      'block',
    ])
      expect((await post({ jsonrpc: '2.0', id: 1, method, params: {} })).status, method).toBe(400)
    for (const params of [{ height: '../x' }, { height: 7 }, { tx: 'AA==' }, []])
      expect((await post({ jsonrpc: '2.0', id: 1, method: 'commit', params })).status).toBe(400)
    expect(asked).toEqual([])
  })

  test('takes no more than a request has', async () => {
    const { post, asked } = route()
    const answer = await post({ jsonrpc: '2.0', id: 1, method: 'status', params: {}, filler: 'x'.repeat(5000) })
    expect([answer.status, await answer.json()]).toEqual([413, expect.objectContaining({ code: 'TOO_LARGE' })])
    expect(asked).toEqual([])
  })
})
