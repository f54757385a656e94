/** Managing keys for another owner (flow V20): the owner names guardians, and a guardian acts for wards. */
import type { GuardianCapability, GuardiansAgent, GuardianView, WardView } from '@keystead/agent/edge'
import { KeysteadError } from '@keystead/core'
import type { Command } from 'commander'
import { EXIT } from '../exit.ts'
import { iso, terminalQr } from '../output.ts'
import { action, withWallet } from '../run.ts'
import { days } from './device.ts'
import { waiting } from './start.ts'

/** As people type them. */
const MAY: Readonly<Record<string, GuardianCapability>> = {
  recover: 'GUARDIAN',
  suspend: 'SUSPEND',
  'update-service': 'UPDATE_SERVICE',
  rotate: 'ROTATE',
}

export function guardianCommands(program: Command): void {
  const guardian = program.command('guardian').description('who may act for you, and for whom you may')
  guardian
    .command('list', { isDefault: true })
    .description('your guardians and your wards, as the ledger has them')
    .action(
      action(program, (run) =>
        withWallet(run, async ({ agent }) => {
          await agent.sync()
          const [guardians, wards] = [await agent.guardians.list(), await agent.guardians.wards()]
          const lines = [
            ...guardians.map((one) => `guardian  ${line(one)}`),
            ...wards.map((one) => `ward      ${line(one)}`),
          ]
          const rows = <T extends GuardianView | WardView>(all: T[]) =>
            all.map((one) => ({ ...one, can: [...one.can] }))
          run.out.result(lines.length > 0 ? lines : ['You have no guardian, and are nobody’s.'], {
            guardians: rows(guardians),
            wards: rows(wards),
          })
        }),
      ),
    )
  guardian
    .command('add <contact>')
    .description('ask a contact, a person or an organization, to be your guardian')
    .requiredOption('--may <what>', `what they may do, of ${Object.keys(MAY).join(', ')}`)
    .option('--days <n>', 'for how long', '365')
    .option('--anyway', 'what one party could abuse alone, too')
    .action(
      action(program, (run, contact: string, options: { may: string; days: string; anyway?: boolean }) =>
        withWallet(run, async ({ agent }) => {
          const can = capabilities(options.may)
          const seconds = days(options.days) * 86_400
          const anyway = options.anyway === true
          const gives = await agent.guardians.add(contact, { can, seconds, anyway })
          const waits = await agent.sync()
          run.out.result(
            [...gives, `${contact} is asked. It counts once they agree and you sync.`, ...waiting(waits)],
            { asked: contact, can: [...can], gives: [...gives], ...waits },
          )
          return waits.waiting > 0 ? EXIT.tryLater : EXIT.ok
        }),
      ),
    )
  guardian
    .command('remove <contact>')
    .description('they are your guardian no more, from now on')
    .action(
      action(program, (run, contact: string) =>
        withWallet(run, async ({ agent }) => {
          await agent.guardians.remove(contact)
          const waits = await agent.sync()
          run.out.result([`${contact} is not your guardian any more.`, ...waiting(waits)], {
            removed: contact,
            ...waits,
          })
          return waits.waiting + waits.operations > 0 ? EXIT.tryLater : EXIT.ok
        }),
      ),
    )
  const acting = (name: string, description: string, done: string, act: Act): void => {
    guardian
      .command(name)
      .description(description)
      .action(
        action(program, (run, ward: string, what: string) =>
          withWallet(run, async ({ agent }) => {
            await act(agent.guardians, ward, what)
            const waits = await agent.sync()
            run.out.result([`${done} ${ward} is told.`, ...waiting(waits)], { ward, ...waits })
          }),
        ),
      )
  }
  acting('suspend <ward>', 'as a guardian: stop everything of the DID of a ward', 'Stopped.', (guardians, ward) =>
    guardians.suspend(ward),
  )
  acting(
    'mail <ward> <agency>',
    'as a guardian: the mail of a ward goes to this agency from now on',
    'The document names the agency now.',
    (guardians, ward, agency) => guardians.moveMail(ward, agency),
  )
  acting(
    'drop-key <ward> <key>',
    'as a guardian: take a key, such as a stolen one, out of the document of a ward',
    'The key is out of the document.',
    (guardians, ward, key) => guardians.removeKey(ward, key),
  )
  guardian
    .command('recover <ward> <link>')
    .description('as a guardian: say that you carry out the recovery of the new device that shows this link')
    .action(
      action(program, (run, ward: string, link: string) =>
        withWallet(run, async ({ agent }) => {
          const url = await agent.guardians.recover(ward, link)
          const waits = await agent.sync()
          const qr = terminalQr(url)
          run.out.result(
            [
              `Give this link to the recovery contacts of ${ward}; call each, and read them the code:`,
              ...(qr ? [qr] : []),
              url,
            ],
            { ward, url, ...waits },
          )
        }),
      ),
    )
}

type Act = (guardians: GuardiansAgent, ward: string, what: string) => Promise<void>

function line({ label, can, until, standing }: GuardianView | WardView): string {
  const may = can.map((one) => Object.keys(MAY).find((name) => MAY[name] === one) ?? one.toLowerCase())
  const state = standing === 'active' ? `until ${iso(until).slice(0, 10)}` : standing
  return `${label.padEnd(22)} ${state}  ${may.join(', ')}`
}

function capabilities(text: string): GuardianCapability[] {
  return text.split(',').map((item) => {
    const found = MAY[item.trim().toLowerCase()]
    if (!found) throw new KeysteadError('BAD_CAPABILITY', `a guardian cannot be let "${item.trim()}"`)
    return found
  })
}
