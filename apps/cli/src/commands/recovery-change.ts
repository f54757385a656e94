/** Changing who helps with a recovery (flow V15): contacts and agents added, taken out, dead. */
import type { Command } from 'commander'
import { type PinSource, readPin } from '../passphrase.ts'
import { action, type Run, withWallet } from '../run.ts'
import type { OpenWallet } from '../wallet.ts'
import { dealt, refuseExisting } from './dealt.ts'

interface ChangeOptions extends PinSource {
  readonly kit: string
  readonly add?: readonly string[]
  readonly threshold?: string
}

interface Members {
  readonly add?: readonly string[]
  readonly remove?: readonly string[]
}

export function changeCommands(program: Command, recovery: Command): void {
  const contact = recovery.command('contact').description('change who keeps a share of your recovery')
  member(program, contact, 'add <contacts...>', 'deal anew, to these as well', (contacts: Members) => ({ contacts }))
  member(program, contact, 'remove <contacts...>', 'deal anew, without these', (contacts: Members) => ({ contacts }))
  const agent = recovery.command('agent').description('change which agencies keep shares behind your PIN')
  member(program, agent, 'add <urls...>', 'deal anew, to these as well', (agents: Members) => ({ agents }))
  member(program, agent, 'remove <urls...>', 'deal anew, without these', (agents: Members) => ({ agents }))
  recovery
    .command('cancel')
    .description('give up a change that still waits')
    .action(
      action(program, (run) =>
        withWallet(run, async (wallet) => {
          await wallet.agent.recovery.cancelChange()
          await wallet.agent.sync()
          run.out.result('Given up. The set-up before counts, as it did; destroy the kit of the change.', {
            cancelled: true,
          })
        }),
      ),
    )
}

type Change = { readonly contacts: Members } | { readonly agents: Members }

function member(
  program: Command,
  parent: Command,
  usage: string,
  description: string,
  changeOf: (members: Members) => Change,
): void {
  const removes = usage.startsWith('remove')
  const command = parent
    .command(usage)
    .description(`${description}; the set-up before counts until enough have confirmed`)
    .requiredOption('--kit <file>', 'where to write the new kit: paper cannot be changed, so every deal has its own')
    .option('--pin', 'your PIN, or a new one, where there is one')
    .option('--pin-file <file>', 'the same, the PIN read from a file')
    .option('--threshold <n>', 'contacts needed (default: as before)')
  if (removes) command.option('--add <names...>', 'others in their place')
  command.action(
    action(program, (run, names: string[], options: ChangeOptions) =>
      withWallet(run, (wallet) => {
        const members = removes ? { remove: names, ...(options.add ? { add: options.add } : {}) } : { add: names }
        return change(run, wallet, changeOf(members), options)
      }),
    ),
  )
}

async function change(run: Run, { agent }: OpenWallet, members: Change, options: ChangeOptions): Promise<number> {
  refuseExisting(options.kit)
  const pin = await readPin(options, { twice: true })
  await agent.sync()
  const kit = await agent.recovery.change({
    ...members,
    ...(pin === undefined ? {} : { pin }),
    ...(options.threshold === undefined ? {} : { threshold: Number(options.threshold) }),
  })
  return dealt(run, agent, kit, options.kit)
}
