/** What the wallet kept when a ledger contradicted itself (PROOF-15): for others to check. */
import type { Command } from 'commander'
import { EXIT } from '../exit.ts'
import { iso } from '../output.ts'
import { action, withWallet } from '../run.ts'

const KINDS: Readonly<Record<string, string>> = {
  rollback: 'the ledger showed a history that does not continue the one this wallet had seen',
  fork: 'a contact was shown another history than this wallet',
  attack: 'two nodes showed different blocks of one height, both signed',
  checkpoint: 'another source named another block than the ledger node',
}

export function evidenceCommand(program: Command): void {
  program
    .command('evidence')
    .description('signed contradictions of the ledger that this wallet has met; --json gives them whole')
    .action(
      action(program, (run) =>
        withWallet(run, async ({ agent }) => {
          const evidence = await agent.ledgerEvidence()
          const lines = evidence.map(({ kind, network, at }) => {
            const when = typeof at === 'number' ? iso(Math.floor(at / 1000)) : 'unknown time'
            return `${when}  ${kind}  ${network}: ${KINDS[String(kind)] ?? 'of a kind not known here'}`
          })
          run.out.result(lines.length > 0 ? lines : ['None: the ledger has not contradicted itself.'], { evidence })
          return evidence.length > 0 ? EXIT.negative : EXIT.ok
        }),
      ),
    )
}
