import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { serve } from '@hono/node-server'
import { hexadecimal } from '@keystead/core'
import { afterEach, describe, expect, test } from 'vitest'
import { ledgerHttp } from '../../http/app.ts'
import { fsck } from '../../maintain/check.ts'
import { RPC_SOCKET } from './home.ts'
import { syncFrom } from './sync-from.ts'
import { cometbft, program, TestNetwork, until } from './testing/network.ts'

const networks: TestNetwork[] = []
afterEach(async () => {
  await Promise.all(networks.splice(0).map((network) => network.stop()))
})

describe.skipIf(!cometbft)('cometbft: state sync', { timeout: 240_000 }, () => {
  test('a fifth node takes the state from snapshots, though peers serve corrupted chunks, and proves it', async () => {
    const env = { KEYSTEAD_LEDGER_SNAPSHOT_BLOCKS: '10' }
    const application = program('corrupting')
    const honest = { application, env: () => env }
    const cheater = { application, env: () => ({ ...env, CORRUPTS_CHUNKS: '1' }) }
    // Many chunks asked of random peers, three of four of whom corrupt them: some are bound to come corrupted.
    const validators = { 0: honest, 1: cheater, 2: cheater, 3: cheater }
    const network = await TestNetwork.start(4, { validators })
    networks.push(network)
    const dids: string[] = []
    for (let i = 0; i < 8; i++) dids.push((await network.register(0)).did)
    const after = network.ledger(0).head.header.height
    const taken = (place: number) => network.logs[place]?.findLast((line) => /snapshot height \d+ chunks/.test(line))
    const heightOf = (place: number) => Number(/height (\d+)/.exec(taken(place) ?? '')?.[1] ?? 0)
    await until('everybody has a snapshot', () => [0, 1, 2, 3].every((place) => heightOf(place) > after), 90)
    const { commit } = network.ledger(0).head
    const [ledger, options] = [network.ledger(0), { freshSeconds: 1, log: () => {} }]
    const app = ledgerHttp(ledger, { ...options, forwardRpc: (request) => ledger.forwardRpc(request) })
    const server = serve({ fetch: app.fetch, hostname: '127.0.0.1', port: 0 })
    await once(server, 'listening')
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const fifth = await network.join('v4', (home) =>
      syncFrom(home, {
        servers: [`${url}/v1/comet`, `unix://${join(network.homes[1] as string, RPC_SOCKET)}`],
        height: commit.height,
        hash: hexadecimal.encode(commit.blockId.hash),
      }),
    )
    await until('the fifth follows', () => fifth.ledger.head.header.height > commit.height, 90)
    const log = fifth.log.join('\n')
    expect(Number(/state-sync height \d+ chunks (\d+)/.exec(log)?.[1])).toBeGreaterThanOrEqual(10)
    expect(log).toMatch(/state-sync chunk \d+ from \S+ is corrupt; refused/)
    for (const did of dids) expect((await fifth.client().resolve(did)).state?.did).toBe(did)
    const { did } = await network.register(0)
    await until('the fifth has what came later', () => fifth.ledger.head.logSize === 9, 60)
    expect((await fifth.client().resolve(did)).level).toBe('bft')
    // It never executed the first blocks: it does not even have them.
    expect(await fifth.ledger.lightBlock(1)).toBeUndefined()
    expect(await fsck({ data: join(network.folder, 'v4') })).toEqual([])
    await fifth.ledger.close()
    server.close()
  })
})
