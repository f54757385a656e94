/** Approve or decline what waits. */
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
}
