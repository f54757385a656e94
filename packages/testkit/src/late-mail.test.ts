/** AGENCY-10 on PostgreSQL: mail of a transaction that ends later than polls look back, behind newer mail of somebody else's. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { utf8 } from '@keystead/core'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { LiveDelivery, POLLS_UNASKED } from '../../agent/src/cloud/live.ts'
import { openPostgresStore } from '../../agent/src/cloud/store/postgres.ts'
import type { OpenStore } from '../../agent/src/cloud/store/store.ts'
import { type PostgresServer, postgresPrograms, startPostgres } from './postgres.ts'

/** More than `POLLS_BACK`. */
const POLLS = 12
const mailItem = (id: string) => ({ id, recipient: 'r', bytes: utf8('x'), received: 1 })

describe.skipIf(!postgresPrograms())('mail that becomes visible late', () => {
  const folder = mkdtempSync(join(tmpdir(), 'keystead-late-'))
  let server: PostgresServer
  let opened: OpenStore
  let live: LiveDelivery
  let slow: pg.Client
  const given: string[] = []

  beforeAll(async () => {
    server = await startPostgres()
    opened = await openPostgresStore({ url: server.url, witnessFile: join(folder, 'seen'), log: () => {} })
    live = new LiveDelivery(opened.store, async (items) => utf8(items.map(({ id }) => id).join()))
    const push = (bytes: Uint8Array) => void given.push(...new TextDecoder().decode(bytes).split(','))
    await live.begin('alice', { push }, 'delivery')
    slow = new pg.Client({ connectionString: server.url })
    await slow.connect()
    await vi.waitFor(async () => {
      await opened.store.addMail('alice', mailItem(`first ${Math.random()}`))
      expect(given).not.toEqual([])
    }, 20_000)
  }, 120_000)
  afterAll(async () => {
    await slow?.end()
    await opened?.close()
    await server?.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  const poll = async () => {
    for (let n = 0; n < POLLS; n++) await live.poll()
  }
  const insertLate = async (id: string, wakeUp: boolean) => {
    await slow.query('begin')
    const columns = 'id, account, recipient, bytes, size, received'
    await slow.query(`insert into mail (${columns}) values ($1, 'alice', 'r', 'x', 1, 1)`, [id])
    await opened.store.addMail('bob', mailItem(`newer than ${id}`))
    await poll()
    if (wakeUp) await slow.query('select pg_notify($1, $2)', ['keystead_mail', opened.store.accountKey('alice')])
    await slow.query('commit')
  }

  it('is given live by the wake-up that comes with it', async () => {
    await insertLate('late', true)
    await vi.waitFor(() => expect(given).toContain('late'), 20_000)
  })

  it('is fetched, and given live before what comes next, where that wake-up was lost', async () => {
    await insertLate('lost', false)
    const waiting = await opened.store.mail('alice', { limit: 100, maxBytes: 1000 })
    expect(waiting.map(({ id }) => id)).toContain('lost')
    await opened.store.addMail('alice', mailItem('next'))
    await vi.waitFor(() => expect(given.slice(-2)).toEqual(['lost', 'next']), 20_000)
  })

  it('is given live within so many polls where nothing comes next either', async () => {
    await insertLate('lost in the quiet', false)
    for (let n = 0; n < POLLS_UNASKED; n++) await live.poll()
    await vi.waitFor(() => expect(given.at(-1)).toBe('lost in the quiet'), 20_000)
  })
})
