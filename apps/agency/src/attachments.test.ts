/** spec/attachments.md through agencies as processes: what was acknowledged survives `kill -9`, and what the public may fetch is bounded. */
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, request, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { EdgeAgent } from '@keystead/agent/edge'
import { concatBytes, systemRandom } from '@keystead/core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { attach } from '../../../packages/agent/src/edge/attachments/attach.ts'
import { fetchLinked } from '../../../packages/agent/src/edge/attachments/fetch-linked.ts'
import { ATTACHMENT_PART_BYTES, MAX_DOWNLOADS_PER_ADDRESS } from '../../../packages/agent/src/limits.ts'
import type { Linked } from '../../../packages/agent/src/protocols/attachment/attached.ts'
import { type PostgresServer, postgresPrograms, startPostgres } from '../../../packages/testkit/src/postgres.ts'
import { openAgeStream } from '../../../packages/wallet/src/index.ts'
import { freePort } from '../../../scripts/free-port.ts'
import { Client } from './testing/client.ts'
import { AgencyProcess, keystead } from './testing/process.ts'

const LARGE = 5 * ATTACHMENT_PART_BYTES + 77

const file = (bytes: Uint8Array<ArrayBuffer>, name = 'big') => ({
  name,
  bytes: bytes.length,
  stream: () => new Blob([bytes]).stream(),
})

async function sent(
  agent: EdgeAgent,
  bytes: Uint8Array<ArrayBuffer>,
  onProgress?: (done: number) => void,
): Promise<Linked> {
  const [attached] = await attach(agent.edge, [file(bytes)], { onProgress: ({ done }) => onProgress?.(done) })
  if (!attached?.linked) throw new Error('no link')
  return attached.linked
}

async function opened(agent: EdgeAgent, linked: Linked): Promise<Uint8Array> {
  const sealed = await fetchLinked(agent.edge, linked)
  const pieces: Uint8Array[] = []
  for await (const piece of openAgeStream(new Blob([sealed]).stream(), linked.key ?? '')) pieces.push(piece)
  return concatBytes(...pieces)
}

const code = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => 'done',
    (error: { code?: string }) => error.code ?? error,
  )

/** Kills the agency after so many parts, and starts it again; the upload knows nothing of it. */
function killing(
  agency: AgencyProcess,
  after: readonly number[],
): { onProgress: () => void; restarted: () => Promise<void> } {
  let parts = 0
  let turn: Promise<unknown> = Promise.resolve()
  return {
    onProgress: () => {
      if (!after.includes(++parts)) return
      turn = turn.then(() => agency.stop('SIGKILL')).then(() => agency.start())
    },
    restarted: async () => void (await turn),
  }
}

let home: string
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'ks-attach-'))
})
afterEach(() => rmSync(home, { recursive: true, force: true }))

describe('an agency on SQLite', () => {
  let agency: AgencyProcess
  let url: string
  let metrics: number

  async function start(environment: NodeJS.ProcessEnv = {}): Promise<void> {
    const port = await freePort()
    metrics = await freePort()
    url = `http://127.0.0.1:${port}`
    agency = new AgencyProcess({
      KEYSTEAD_AGENCY_DATA: home,
      KEYSTEAD_AGENCY_PORT: String(port),
      KEYSTEAD_AGENCY_METRICS_PORT: String(metrics),
      KEYSTEAD_LEDGER_URL: '',
      ...environment,
    })
    await agency.start()
  }
  afterEach(() => agency.stop('SIGKILL'))

  it('ATTACH-5: that is killed while a file is brought loses no part that it took, and keeps none twice', async () => {
    await start()
    const { agent } = await Client.join(url)
    const bytes = systemRandom(LARGE)
    const kills = killing(agency, [1, 3, 6])
    const linked = await sent(agent, bytes, kills.onProgress)
    await kills.restarted()
    expect(await opened(agent, linked)).toEqual(bytes)
    await agency.stop()
    const database = new DatabaseSync(join(home, 'agency.sqlite'), { readOnly: true })
    expect(database.prepare('select count(*) as n from attachment_parts').get()).toEqual({ n: 6 })
    expect(database.prepare('select parts, size from attachments').all()).toEqual([{ parts: 6, size: linked.bytes }])
    database.close()
  })

  it('ATTACH-6: gives one address no more downloads at once than it may have, and others as ever', async () => {
    await start({ KEYSTEAD_AGENCY_PROXY: '1' })
    const { agent } = await Client.join(url)
    const { urls } = await sent(agent, systemRandom(8 * LARGE))
    const [link = ''] = urls
    // Each takes a little, and then nothing more.
    const held = await Promise.all(Array.from({ length: MAX_DOWNLOADS_PER_ADDRESS }, () => begin(link, '203.0.113.5')))
    expect(held.map(({ status }) => status)).toEqual(held.map(() => 200))
    expect((await begin(link, '203.0.113.5')).status).toBe(429)
    expect((await begin(link, '203.0.113.6')).status).toBe(200)
    for (const one of held) one.end()
    await expect.poll(async () => (await begin(link, '203.0.113.5')).status).toBe(200)
    expect((await fetch(link, { method: 'HEAD' })).headers.get('content-length')).toMatch(/^\d+$/)
    await expect
      .poll(async () => (await fetch(`http://127.0.0.1:${metrics}/metrics`)).text())
      .toMatch(/requests_total\{door="attachment",outcome="TOO_MANY_REQUESTS"\} 1[\s\S]*agency_attachments 1/)
  })

  it('ATTACH-5: keeps as much, and for as long, as its operator says, and tells them what there is', async () => {
    await start({ KEYSTEAD_AGENCY_ATTACHMENT_MIB: '3', KEYSTEAD_AGENCY_ATTACHMENT_DAYS: '2' })
    const { agent } = await Client.join(url)
    const linked = await sent(agent, systemRandom(LARGE))
    expect(Number(linked.expires) - Math.floor(Date.now() / 1000)).toBeLessThanOrEqual(2 * 86_400)
    expect(await code(sent(agent, systemRandom(LARGE)))).toBe('ATTACHMENT_FULL')
    const admin = (...args: string[]) => keystead('agency', ...args, '--data', home)
    const [tenant] = (await admin('tenants'))['tenants'] as { id: string }[]
    expect(tenant).toMatchObject({ attachments: 1, attachmentBytes: linked.bytes, maxAttachmentBytes: null })
    await admin('quota', tenant?.id ?? '', '10', '1000', '--attachments', String(2 ** 23))
    expect(await code(sent(agent, systemRandom(LARGE)))).toBe('done')
    expect((await admin('export', tenant?.id ?? ''))['attachments']).toHaveLength(2)
    await admin('suspend', tenant?.id ?? '')
    expect(await code(fetchLinked(agent.edge, linked))).toBe('ATTACHMENT_GONE')
  })

  it('ATTACH-5: keeps none where its operator wants none', async () => {
    await start({ KEYSTEAD_AGENCY_ATTACHMENT_MIB: '0' })
    const { agent } = await Client.join(url)
    expect(await code(sent(agent, systemRandom(LARGE)))).toBe('ATTACHMENT_OFF')
  })

  it('ATTACH-7: a redirect of a wallet’s own agency leads nowhere', async () => {
    await start()
    const { agent } = await Client.join(url)
    let asked = 0
    const other = createServer((_, answer) => {
      asked++
      answer.end('secret')
    })
    const turning = createServer((_, answer) => answer.writeHead(302, { location: addressOf(other) }).end())
    for (const server of [other, turning]) await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
    const linked = { urls: [addressOf(turning)], hash: 'QmNLei78zWmzUdbeRB3CiUfAizWUrbeeZh5K1rhAQKCh51' }
    expect(await code(fetchLinked(agent.edge, linked))).toBe('ATTACHMENT_UNREACHABLE')
    expect(asked).toBe(0)
    for (const server of [other, turning]) server.close()
  })
})

function addressOf(server: Server): string {
  const address = server.address()
  return `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}/`
}

/** A download from an address that reads nothing after the headers. */
function begin(link: string, from: string): Promise<{ status: number; end: () => void }> {
  return new Promise((resolve, reject) => {
    const asked = request(link, { headers: { 'x-forwarded-for': from }, agent: false }, (answer) => {
      resolve({ status: answer.statusCode ?? 0, end: () => asked.destroy() })
    })
    asked.on('error', reject)
    asked.end()
  })
}

describe.skipIf(!postgresPrograms())('two instances on postgresql', () => {
  let server: PostgresServer
  beforeAll(async () => {
    server = await startPostgres()
  }, 60_000)
  afterAll(() => server?.stop())

  it('ATTACH-5: a file is brought to either, whichever lives, and fetched from the other', async () => {
    const ports = [await freePort(), await freePort()]
    const instances = ports.map(
      (port) =>
        new AgencyProcess({
          KEYSTEAD_AGENCY_DATA: home,
          KEYSTEAD_AGENCY_PORT: String(port),
          KEYSTEAD_AGENCY_PUBLIC_URL: `http://127.0.0.1:${ports[0]}`,
          KEYSTEAD_AGENCY_WITNESS: join(home, `witness-${port}`),
          KEYSTEAD_AGENCY_ADMIN_SOCKET: 'off',
          KEYSTEAD_LEDGER_URL: '',
          DATABASE_URL: server.url,
        }),
    ) as [AgencyProcess, AgencyProcess]
    for (const instance of instances) await instance.start()
    try {
      const { agent } = await Client.join(`http://127.0.0.1:${ports[0]}`)
      const bytes = systemRandom(LARGE)
      const kills = killing(instances[0], [2, 4])
      const { urls, ...linked } = await sent(agent, bytes, kills.onProgress)
      await kills.restarted()
      await instances[0].stop('SIGKILL')
      const elsewhere = urls.map((link) => link.replace(String(ports[0]), String(ports[1])))
      expect(await opened(agent, { ...linked, urls: elsewhere })).toEqual(bytes)
    } finally {
      for (const instance of instances) await instance.stop('SIGKILL')
    }
  })
})
