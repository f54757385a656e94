/** The witness over HTTP: `POST /add-checkpoint` (C2SP tlog-witness), and what it cosigned, for whoever watches. */
import { createHash } from 'node:crypto'
import { isKeysteadError } from '@keystead/core'
import { parseAddCheckpoint } from '@keystead/light-client'
import { Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import type { Witness } from './witness.ts'

/** Bytes of a request: 63 hashes and a note with a signature of each of the network's nodes. */
const MAX_REQUEST_BYTES = 64 * 1024

export function witnessHttp(witness: Witness, log: (line: string) => void): Hono {
  const app = new Hono()

  app.post(
    '/add-checkpoint',
    bodyLimit({ maxSize: MAX_REQUEST_BYTES, onError: (c) => c.text('the request is too large\n', 413) }),
    async (c) => {
      const answer = await witness.add(parseAddCheckpoint(await c.req.text()))
      if (answer.status === 200) return c.text(answer.cosignature)
      if (answer.status === 409) return c.body(`${answer.size}\n`, 409, { 'content-type': 'text/x.tlog.size' })
      return c.text(`${answer.reason}\n`, answer.status)
    },
  )

  app.get('/:log/checkpoint', (c) => {
    const asked = witness.logs.find(({ origin }) => originHash(origin) === c.req.param('log'))
    const note = asked && witness.memory.note(asked.origin)
    return note ? c.text(note, 200, { 'cache-control': 'no-store' }) : c.text('nothing is here\n', 404)
  })

  app.get('/health', (c) => {
    const logs = witness.logs.map(({ origin }) => ({
      origin,
      size: witness.memory.newest(origin)?.size ?? 0,
      evidence: witness.memory.evidence(origin).length,
    }))
    return c.json({ status: 'ok', key: witness.verifierKey, logs })
  })

  app.notFound((c) => c.text('nothing is here\n', 404))
  app.onError((error, c) => {
    if (isKeysteadError(error, 'BAD_CHECKPOINT')) return c.text(`${error.message}\n`, 400)
    log(`error ${error.stack ?? error.message}`)
    return c.text('the witness failed; its log says why\n', 500)
  })
  return app
}

/** SHA-256 of the origin line, in hexadecimal: the log's name in our own paths. */
export function originHash(origin: string): string {
  return createHash('sha256').update(origin).digest('hex')
}
