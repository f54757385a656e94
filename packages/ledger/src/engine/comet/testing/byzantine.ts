/** An application that proposes what no honest one does, whenever it is its turn, and votes for anything. */
import type { RequestOf, ResponseOf } from '../../../abci/messages.ts'
import { Application } from '../application.ts'
import { decodeEnvelope, encodeEnvelope } from '../envelope.ts'
import { runApplication } from '../process.ts'

class ByzantineApplication extends Application {
  #turn = 0

  override prepareProposal(request: RequestOf<'prepareProposal'>): ResponseOf<'prepareProposal'> {
    const { txs = [] } = super.prepareProposal(request)
    const [first] = txs
    if (!first) return { txs }
    const kinds: [string, Uint8Array[]][] = [
      ['malformed', [first.subarray(0, first.length - 3)]],
      ['repeated', [first, first]],
      ['reordered', [encodeEnvelope([...txs.flatMap(decodeEnvelope)].reverse())]],
      ['oversized', [first, new Uint8Array(600 * 1024)]],
    ]
    const [kind, cheat] = kinds[this.#turn++ % kinds.length] as [string, Uint8Array[]]
    console.log(`cheats: ${kind}`)
    return { txs: cheat }
  }

  override processProposal(): ResponseOf<'processProposal'> {
    return { status: 1 }
  }
}

await runApplication((options) => new ByzantineApplication(options))
