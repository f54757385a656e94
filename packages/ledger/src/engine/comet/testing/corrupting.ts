/** An application that changes a byte of every chunk of a snapshot that it is asked for. */
import type { RequestOf, ResponseOf } from '../../../abci/messages.ts'
import { Application } from '../application.ts'
import { runApplication } from '../process.ts'

class CorruptingApplication extends Application {
  override loadSnapshotChunk(request: RequestOf<'loadSnapshotChunk'>): ResponseOf<'loadSnapshotChunk'> {
    const { chunk = new Uint8Array(0) } = super.loadSnapshotChunk(request)
    console.log(`corrupts chunk ${request.chunk}`)
    return { chunk: chunk.map((byte, at) => (at === 40 ? byte ^ 1 : byte)) }
  }
}

await runApplication((options) => new CorruptingApplication(options))
