/**
 * The operator's door: HTTP on a Unix socket that only the operator's user can open (spec/agency.md, "Operating"). It shows and
 * changes room and suspension, exports what is kept for an account, copies the database; it never shows or takes a key.
 */
import { base64url, Fields, isKeysteadError, KeysteadError, parseJson } from '@keystead/core'
import { type Context, Hono } from 'hono'
import type { CloudErrorCode } from './errors.ts'
import type { CloudStore, Tenant } from './store/port.ts'
import type { OpenStore } from './store/store.ts'

const MAX_REQUEST_BYTES = 4096
const PAGE = { limit: 1000, maxBytes: Number.MAX_SAFE_INTEGER }

export function adminHttp({ store, copyTo }: OpenStore): Hono {
  const app = new Hono()
  app.get('/tenants', async (c) => c.json({ tenants: (await store.tenants()).map(shown) }))
  app.post('/tenants/:id/quota', async (c) => {
    const tenant = await find(store, c.req.param('id'))
    const f = new Fields(await body(c), 'quota')
    const messages = f.integer('messages', { min: 0, max: 10_000_000 })
    const bytes = f.integer('bytes', { min: 0, max: 2 ** 40 })
    const attachmentBytes = f.optional('attachmentBytes', (o, name) => o.integer(name, { min: 0, max: 2 ** 40 }))
    f.end()
    await store.setRoom(tenant.account, {
      messages,
      bytes,
      ...(attachmentBytes === undefined ? {} : { attachmentBytes }),
    })
    return c.json(shown(await find(store, tenant.id)))
  })
  for (const action of ['suspend', 'resume'])
    app.post(`/tenants/:id/${action}`, async (c) => {
      const tenant = await find(store, c.req.param('id'))
      await store.setSuspended(tenant.account, action === 'suspend')
      return c.json(shown(await find(store, tenant.id)))
    })
  app.get('/tenants/:id/export', async (c) => c.json(await exported(store, await find(store, c.req.param('id')))))
  app.post('/backup', async (c) => {
    const f = new Fields(await body(c), 'backup')
    const file = f.string('file', { min: 1, max: 4096 })
    f.end()
    if (!copyTo) throw refused('BACKUP_BY_DATABASE', 'PostgreSQL is backed up with pg_dump: see the guide')
    copyTo(file)
    return c.json({ file })
  })
  app.notFound((c) => problem(c, new KeysteadError('NOT_FOUND', 'nothing is here')))
  app.onError((error, c) => problem(c, error))
  return app
}

const refused = (code: CloudErrorCode, message: string): KeysteadError<CloudErrorCode> =>
  new KeysteadError(code, message)

/** Without the account itself, which is an address. */
function shown({ account: _, ...tenant }: Tenant): Omit<Tenant, 'account'> {
  return tenant
}

async function body(c: Context): Promise<unknown> {
  return parseJson(new Uint8Array(await c.req.arrayBuffer()), MAX_REQUEST_BYTES)
}

async function find(store: CloudStore, id: string): Promise<Tenant> {
  const tenant = (await store.tenants()).find((one) => one.id === id)
  if (!tenant) throw refused('UNKNOWN_TENANT', 'no account has this name')
  return tenant
}

/** Everything kept for an account that it does not know better itself: ciphertext and routes, for its owner on request. */
async function exported(store: CloudStore, tenant: Tenant): Promise<object> {
  const mail = await store.mail(tenant.account, PAGE)
  return {
    v: 1,
    account: tenant.account,
    services: tenant.services,
    recipients: await store.recipients(tenant.account),
    // Sealed files are fetched by their ids, as by anybody who knows them.
    attachments: await store.attachments(tenant.account),
    messages: mail.map(({ id, recipient, received, bytes }) => ({
      id,
      recipient,
      received,
      message: base64url.encode(bytes),
    })),
  }
}

function problem(c: Context, error: Error): Response {
  const code = isKeysteadError(error) ? error.code : 'INTERNAL_ERROR'
  return c.json({ code, detail: error.message }, code === 'NOT_FOUND' || code === 'UNKNOWN_TENANT' ? 404 : 400)
}
