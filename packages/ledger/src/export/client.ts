/** Reads an export over HTTP, a page or a stream, and feeds a mirror with it. */
import { KeysteadError } from '@keystead/core'
import type { LedgerErrorCode } from '../errors.ts'
import { EXPORT_PAGE_ENTRIES, MAX_EXPORT_LINE_BYTES } from '../limits.ts'
import { type ExportedEntry, type ExportLine, parseExportLine } from './lines.ts'
import type { AcceptHead, Mirror } from './mirror.ts'

export interface ExportSource {
  /** Of a ledger node. */
  readonly url: string
  readonly fetch: typeof fetch
  readonly signal?: AbortSignal
}

/** The lines from `after` on: one page, or without end with `follow`. Rejects with `LEDGER_UNREACHABLE` or `MIRROR_REFUSED`. */
export async function* readExport(source: ExportSource, after: number, follow: boolean): AsyncIterable<ExportLine> {
  const path = follow ? '/v1/export/stream' : '/v1/export'
  const answer = await source
    .fetch(`${source.url}${path}?after=${after}`, {
      redirect: 'error',
      ...(source.signal ? { signal: source.signal } : {}),
    })
    .catch((cause) => unreachable(source.url, cause))
  if (answer.status !== 200 || !answer.body) return unreachable(source.url, await answer.text().catch(() => ''))
  for await (const line of linesOf(answer.body, source.url)) {
    // Of a stream's lines (Server-Sent Events) only the data matter: the id is the size that we count ourselves.
    const data = follow ? (line.startsWith('data: ') ? line.slice(6) : '') : line
    if (data !== '') yield parse(data)
  }
}

/**
 * Takes all lines; resolves at their end. `onProgress` is told after each verified page. Rejects as `readExport` and as
 * `Mirror.take`.
 */
export async function feedMirror(
  mirror: Mirror,
  lines: AsyncIterable<ExportLine>,
  accept: AcceptHead,
  onProgress: (progress: {
    readonly size: number
    readonly logSize: number
    readonly height: number
  }) => void = () => {},
): Promise<void> {
  let entries: ExportedEntry[] = []
  for await (const line of lines) {
    if (line.kind === 'entry') {
      if (entries.length >= EXPORT_PAGE_ENTRIES) refuse('a page without its end')
      entries.push(line)
      continue
    }
    await mirror.take(entries, line, accept)
    entries = []
    onProgress({ size: mirror.size, logSize: line.head.logSize, height: line.head.header.height })
  }
}

async function* linesOf(body: ReadableStream<Uint8Array>, url: string): AsyncIterable<string> {
  let rest = Buffer.alloc(0)
  try {
    for await (const part of body) {
      rest = Buffer.concat([rest, part])
      for (let end = rest.indexOf(10); end >= 0; end = rest.indexOf(10)) {
        yield rest.toString('utf8', 0, end)
        rest = rest.subarray(end + 1)
      }
      if (rest.length > MAX_EXPORT_LINE_BYTES) refuse('a line without its end')
    }
  } catch (cause) {
    if (cause instanceof KeysteadError) throw cause
    unreachable(url, cause)
  }
}

function parse(data: string): ExportLine {
  try {
    return parseExportLine(Buffer.from(data))
  } catch (cause) {
    throw new KeysteadError<LedgerErrorCode>(
      'MIRROR_REFUSED',
      `a line is no part of a ledger: ${(cause as Error).message}`,
      {
        cause,
      },
    )
  }
}

function refuse(message: string): never {
  throw new KeysteadError<LedgerErrorCode>('MIRROR_REFUSED', message)
}

function unreachable(url: string, cause: unknown): never {
  throw new KeysteadError('LEDGER_UNREACHABLE', `the export of ${url} ended or cannot be had`, { cause })
}
