/**
 * What mirrors, auditors and witnesses read (`spec/ledger-export.md`): the log as JSON lines, at once or as a stream that can be
 * resumed, and as C2SP checkpoint and tiles.
 */
import { KeysteadError } from '@keystead/core'
import { parseTilePath, TILE_WIDTH } from '@keystead/light-client'
import type { Context, Hono } from 'hono'
import { streamSSE } from 'hono/streaming'
import type { Ledger } from '../engine/ledger.ts'
import type { LedgerErrorCode } from '../errors.ts'
import { EXPORT_PAGE_ENTRIES, MAX_EXPORT_STREAMS } from '../limits.ts'
import type { Checkpoints } from './checkpoints.ts'
import type { Cosigning } from './cosigning.ts'
import { HeadFeed } from './feed.ts'
import { exportLines } from './lines.ts'
import { readTile } from './tiles.ts'

/** Seconds after which a silent stream says that it lives, so that proxies keep it open. */
const ALIVE_SECONDS = 15

export interface ExportOptions {
  /** Absent: this node signs no checkpoints. */
  readonly checkpoints?: Checkpoints | undefined
  /** Absent: no witnesses are asked. */
  readonly cosigning?: Cosigning | undefined
}

export function exportRoutes(app: Hono, ledger: Ledger, { checkpoints, cosigning }: ExportOptions): void {
  const feed = new HeadFeed(ledger)
  let streams = 0

  app.get('/v1/export', (c) => {
    const view = ledger.view()
    const lines = [...exportLines(view, startOf(c, view.head.logSize), EXPORT_PAGE_ENTRIES)]
    return c.body(`${lines.join('\n')}\n`, 200, { 'content-type': 'application/jsonl', ...FRESH })
  })

  app.get('/v1/export/stream', (c) => {
    let after = startOf(c, ledger.head.logSize)
    if (streams >= MAX_EXPORT_STREAMS)
      throw new KeysteadError<LedgerErrorCode>('TOO_MANY_STREAMS', 'too many mirrors follow this node; try another')
    streams++
    return streamSSE(c, async (stream) => {
      const gone = new AbortController()
      stream.onAbort(() => gone.abort())
      try {
        while (!stream.aborted) {
          const view = ledger.view()
          const size = Math.min(view.head.logSize, after + EXPORT_PAGE_ENTRIES)
          for (const data of [...exportLines(view, after, EXPORT_PAGE_ENTRIES)]) {
            // The id is the log size after this line: where to resume.
            after = Math.min(after + 1, size)
            await stream.writeSSE({ id: String(after), data })
          }
          if (after < view.head.logSize) continue
          const alive = AbortSignal.any([gone.signal, AbortSignal.timeout(ALIVE_SECONDS * 1000)])
          await feed.above(view.head.header.height, alive)
          if (ledger.head.header.height <= view.head.header.height && !stream.aborted) await stream.write(': alive\n\n')
        }
      } finally {
        streams--
      }
    })
  })

  app.get('/checkpoint', async (c) => c.text(await signing(checkpoints).formatted(), 200, FRESH))

  app.get('/v1/checkpoint-key', (c) => {
    const { origin, verifierKey } = signing(checkpoints)
    return c.json({ origin, key: verifierKey })
  })

  app.get('/v1/witnessed', (c) => {
    const latest = cosigning?.latest
    if (!latest) throw new KeysteadError<LedgerErrorCode>('NOT_FOUND', 'no witness has cosigned this log yet')
    return c.text(latest.note, 200, FRESH)
  })

  app.get('/tile/:tile{.+}', (c) => {
    const tile = parseTilePath(c.req.path.slice(1))
    const bytes = tile && readTile(ledger.view(), tile)
    if (!tile || !bytes) throw new KeysteadError<LedgerErrorCode>('NOT_FOUND', 'the log has no such tile')
    // A partial tile may be forgotten once the full one is there; both never change.
    const seconds = tile.width === TILE_WIDTH ? 31_536_000 : 3600
    return c.body(bytes, 200, {
      'content-type': 'application/octet-stream',
      'cache-control': `public, max-age=${seconds}, immutable`,
    })
  })
}

const FRESH = { 'cache-control': 'no-store' }

function signing(checkpoints: Checkpoints | undefined): Checkpoints {
  if (checkpoints) return checkpoints
  throw new KeysteadError<LedgerErrorCode>('NOT_FOUND', 'this node signs no checkpoints')
}

/** How many entries the asker has: `Last-Event-ID` of a resumed stream, else `?after=`. */
function startOf(c: Context, logSize: number): number {
  const text = c.req.header('last-event-id') ?? c.req.query('after') ?? '0'
  if (!/^(0|[1-9]\d{0,14})$/.test(text))
    throw new KeysteadError<LedgerErrorCode>('BAD_REQUEST', 'after must be a number of entries')
  if (Number(text) > logSize)
    throw new KeysteadError<LedgerErrorCode>('NOT_FOUND', `the log has ${logSize} entries, fewer than you have`)
  return Number(text)
}
