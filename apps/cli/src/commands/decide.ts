/** Approve or decline what waits, and look at anything on the ledger. */
import { deriveDocument, documentMetadata } from '@keystead/did-dkms'
import type { Command } from 'commander'
import { EXIT } from '../exit.ts'
import { action, withWallet } from '../run.ts'
import { waiting } from './start.ts'

export function decideCommands(program: Command): void {
  program
    .command('approve [id]')
    .description('approve a request; without an id, the only one that waits')
    .action(
      action(program, (run, id: string | undefined) =>
        withWallet(run, async ({ agent }) => {
          await agent.sync()
          const { summary } = await agent.approve(id)
          const waits = await agent.sync()
          run.out.result([`Approved: ${summary}`, ...waiting(waits)], { approved: summary, ...waits })
          return waits.waiting + waits.operations > 0 ? EXIT.tryLater : EXIT.ok
        }),
      ),
    )

  program
    .command('decline [id]')
    .description('decline a request')
    .action(
      action(program, (run, id: string | undefined) =>
        withWallet(run, async ({ agent }) => {
          const { summary } = await agent.decline(id)
          run.out.result(`Declined: ${summary}`, { declined: summary })
        }),
      ),
    )

  program
    .command('resolve <did>')
    .description('resolve a DID; a did:dkms is proven down to the ledger’s validators')
    .action(
      action(program, (run, did: string) =>
        withWallet(run, async ({ agent, ledger }) => {
          if (!did.startsWith('did:dkms:')) {
            const result = await agent.edge.resolver.resolve(did)
            run.out.result(JSON.stringify(result, null, 2), { ...result })
            return result.didDocument ? EXIT.ok : EXIT.negative
          }
          const read = await ledger.resolve(did)
          if (!read.state) {
            run.out.result(`The ledger proves that there is no such DID (${read.level}, ${read.age} s old).`, {
              did,
              found: false,
              level: read.level,
            })
            return EXIT.negative
          }
          const document = deriveDocument(read.state, read.body)
          const metadata = documentMetadata(read.state, read.at.lost)
          run.out.result(
            [JSON.stringify(document, null, 2), `Proof: ${read.level}, header ${read.pin.height}, ${read.age} s old.`],
            { document, metadata, level: read.level, age: read.age, height: read.pin.height },
          )
          return EXIT.ok
        }),
      ),
    )
}
