/** Stopping a recovery (rule 27): with a device, with the kit, or as a contact of whoever it is. */
import { readFileSync } from 'node:fs'
import { KeysteadError } from '@keystead/core'
import type { Command } from 'commander'
import { EXIT } from '../exit.ts'
import { readKit } from '../kit-page.ts'
import { iso } from '../output.ts'
import { action, type Run, withWallet } from '../run.ts'
import type { OpenWallet } from '../wallet.ts'
import { waiting } from './start.ts'

export function objectionCommands(program: Command): void {
  program
    .command('veto')
    .description(
      'stop a recovery of yours that you did not ask for; without a device of yours: from any wallet, with the kit',
    )
    .option('--kit <file>', 'the kit: the agencies release nothing for a time, twice at most')
    .action(
      action(program, (run, { kit }: { kit?: string }) =>
        withWallet(run, (wallet) => {
          requirePerson(run)
          return kit === undefined ? veto(run, wallet) : vetoWithKit(run, wallet, kit)
        }),
      ),
    )
  program
    .command('object <contact>')
    .description('somebody recovers the wallet of a contact, and you doubt that it is them: it waits longer, once')
    .action(
      action(program, (run, contact: string) =>
        withWallet(run, async ({ agent }) => {
          requirePerson(run)
          await agent.sync()
          const { agencies, until } = await agent.recovery.objectTo(contact)
          await agent.sync()
          run.out.result(
            [
              `Nothing is released to whoever recovers the wallet of ${contact} before ${iso(until)}.`,
              `Call ${contact} on a number you know, and tell them.`,
            ],
            { contact, agencies, until },
          )
        }),
      ),
    )
}

/** A key in a file or a keyring opens a wallet with nobody there to say what they want. */
function requirePerson({ options }: Run): void {
  if (options.keyFile !== undefined || options.keyring)
    throw new KeysteadError('PERSON_NEEDED', 'this is a person’s to decide: open the wallet with its passphrase')
}

async function vetoWithKit(run: Run, { agent }: OpenWallet, file: string): Promise<number> {
  const { agencies, until } = await agent.recovery.vetoWithKit(readKit(readFileSync(file, 'utf8')))
  run.out.result(
    [
      `The agencies release nothing of this kit’s wallet before ${iso(until)}. This can be done twice.`,
      'Recover yourself meanwhile, if you have no device; what is on the ledger already, only a device of yours stops.',
    ],
    { agencies, until },
  )
  return EXIT.ok
}

async function veto(run: Run, { agent }: OpenWallet): Promise<number> {
  await agent.sync()
  const vetoed = await agent.recovery.veto()
  const waits = await agent.sync()
  run.out.result(
    [
      `Stopped: ${vetoed.identities} DID(s) on the ledger and ${vetoed.relationships} relationship(s) stay yours, with new keys.`,
      'Somebody has your kit and your contacts’ shares: set recovery up again, and ask your contacts who called them.',
      ...waiting(waits),
    ],
    { ...vetoed, ...waits },
  )
  return waits.waiting + waits.operations > 0 ? EXIT.tryLater : EXIT.ok
}
