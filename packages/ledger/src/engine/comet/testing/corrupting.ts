/**
 * Validators of small chunks, so that a small state has many. One that is told to (`CORRUPTS_CHUNKS`) changes a byte of every
 * chunk that it is asked for.
 */
import type { RequestOf, ResponseOf } from '../../../abci/messages.ts'
import { Application, type ApplicationOptions } from '../application.ts'
import { runApplication } from '../process.ts'

const CHUNK_BYTES = 700

class CorruptingApplication extends Application {
  override loadSnapshotChunk(request: RequestOf<'loadSnapshotChunk'>): ResponseOf<'loadSnapshotChunk'> {
    const { chunk = new Uint8Array(0) } = super.loadSnapshotChunk(request)
    return { chunk: chunk.map((byte, at) => (at === 40 ? byte ^ 1 : byte)) }
  }
}

const Kind = process.env['CORRUPTS_CHUNKS'] ? CorruptingApplication : Application
await runApplication(({ snapshots, ...options }: ApplicationOptions) => {
  return new Kind({ ...options, ...(snapshots ? { snapshots: { ...snapshots, chunkBytes: CHUNK_BYTES } } : {}) })
})
