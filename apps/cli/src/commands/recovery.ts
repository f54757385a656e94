/** Being ready to lose everything (flows V13, V14, V16, V17): set up, look, check, recover, help, veto. */
import { readFileSync } from 'node:fs'
import { KeysteadError, systemRandom } from '@keystead/core'
import { generatePin, kitLine } from '@keystead/recovery'
import type { Command } from 'commander'
import { DEFAULT_AGENCY, DEFAULT_LEDGER } from '../config.ts'
import { readKit } from '../kit-page.ts'
import { iso } from '../output.ts'
import { type PinSource, readPin } from '../passphrase.ts'
import { action, type Run, withWallet } from '../run.ts'
import type { OpenWallet } from '../wallet.ts'
import { holderAddress } from './backup.ts'
import { agentLine, dealt, leftBehindLines, refuseExisting } from './dealt.ts'
import { drillCommand } from './drill.ts'
import { type HelpOptions, help } from './help-recover.ts'
import { DEFAULT_PAGE } from './invite.ts'
import { objectionCommands } from './objection.ts'
import { recover } from './recover.ts'
import { changeCommands } from './recovery-change.ts'

export function recoveryCommands(program: Command): void {
  const recovery = program.command('recovery').description('be ready to lose this device')
  recovery
    .command('setup [contacts...]')
    .description('deal shares to contacts, print a kit, set a PIN: any two of the three bring you back')
    .requiredOption(
      '--kit <file>',
      'where to write the kit (.html: a page with a QR code), to print it and then delete the file',
    )
    .option('--threshold <n>', 'contacts needed', '2')
    .option('--overrule', 'let contacts who meet you in person overrule the veto of whoever has a device of yours')
    .option('--pin', 'set a PIN, kept by the agencies that --escrow names')
    .option('--pin-file <file>', 'the same, the PIN read from a file')
    .option('--escrow <url...>', 'agencies that keep shares behind the PIN: at least three, of different operators')
    .option('--agents <n>', 'agencies needed (default: more than half)')
    .option(
      '--backup <place...>',
      'agencies or folders that keep a copy of the backup beside your agency (default: an agency of the PIN)',
    )
    .option('--delay <seconds>', 'how long every recovery waits for your veto (default: each way its own)')
    .action(
      action(program, (run, contacts: string[], options: SetupOptions) =>
        withWallet(run, (wallet) => setup(run, wallet, contacts, options)),
      ),
    )
  recovery
    .command('suggest-pin')
    .description('a PIN chosen by chance, which nobody’s habits help to guess')
    .action(
      action(program, async (run) => {
        const pin = generatePin(systemRandom)
        run.out.result(pin, { pin })
      }),
    )
  recovery
    .command('status')
    .description('how recoverable you are, and what is missing')
    .action(action(program, (run) => withWallet(run, (wallet) => status(run, wallet))))
  recovery
    .command('check')
    .description('read the printed kit back')
    .requiredOption('--kit <file>', 'the kit as scanned or typed in again')
    .action(
      action(program, (run, options: { kit: string }) =>
        withWallet(run, async ({ agent }) => {
          await agent.recovery.checkKit(kitLine(readKit(readFileSync(options.kit, 'utf8'))))
          run.out.result('This is the kit of your newest set-up, and it reads well.', { kit: 'good' })
        }),
      ),
    )
  drillCommand(program, recovery)
  changeCommands(program, recovery)

  program
    .command('recover')
    .description('come back on a new device, with two of these: kit, PIN, help of your contacts')
    .option('--kit <file>', 'the kit as scanned or typed in; to go on with a recovery, leave it out')
    .option('--pin', 'enter your PIN')
    .option('--pin-file <file>', 'the PIN read from a file')
    .option('--agency <url>', 'without a kit: an agency for this device', DEFAULT_AGENCY)
    .option('--network <hash>', 'without a kit: the network, when you know its name')
    .option('--ledger <url>', 'a ledger node', DEFAULT_LEDGER)
    .option('--page <url>', 'page the link for your contacts points to', DEFAULT_PAGE)
    .option('--seconds <n>', 'how long to wait for contacts', '86400')
    .option('--from <folder...>', 'folders that hold a copy of the backup, beside the agencies')
    .option('--until <time>', 'leave out what was changed later: your device was stolen then')
    .action(action(program, recover))

  program
    .command('help-recover [link]')
    .description('help a contact who has lost everything: open their link, then type the code they tell you')
    .option('--owner <name>', 'who asked you, where the link does not say')
    .option('--code <code>', 'the code, as the owner told you by voice')
    .option('--in-person', 'you have the owner before you: what you give overrules a veto, too')
    .option('--refuse', 'refuse to help')
    .option('--seconds <n>', 'how long to wait for the new device', '60')
    .action(
      action(program, (run, link: string | undefined, options: HelpOptions) =>
        withWallet(run, (wallet) => help(run, wallet, link, options)),
      ),
    )

  objectionCommands(program)
}

interface SetupOptions extends PinSource {
  readonly kit: string
  readonly threshold: string
  readonly overrule?: boolean
  readonly escrow?: readonly string[]
  readonly agents?: string
  readonly backup?: readonly string[]
  readonly delay?: string
}

async function setup(run: Run, { agent }: OpenWallet, contacts: string[], options: SetupOptions): Promise<number> {
  refuseExisting(options.kit)
  const pin = await readPin(options, { twice: true })
  if ((pin === undefined) !== (options.escrow === undefined))
    throw new KeysteadError('BAD_OPTIONS', 'a PIN needs agencies that keep it, and they a PIN: give --pin and --escrow')
  if (pin === undefined && contacts.length === 0)
    throw new KeysteadError('BAD_OPTIONS', 'a kit alone opens nothing: name contacts, or set a PIN, or both')
  await agent.sync()
  const threshold = Number(options.threshold)
  const kit = await agent.recovery.setUp({
    contacts,
    threshold,
    overrule: options.overrule === true,
    ...(pin !== undefined && options.escrow
      ? {
          escrow: {
            pin,
            agencies: options.escrow,
            ...(options.agents === undefined ? {} : { threshold: Number(options.agents) }),
          },
        }
      : {}),
    ...(options.backup === undefined ? {} : { holders: options.backup.map(holderAddress) }),
    ...(options.delay === undefined ? {} : { delay: Number(options.delay) }),
  })
  return dealt(run, agent, kit, options.kit)
}

function shown(proven: number | undefined): string {
  return proven === undefined ? '' : `, shown ${iso(proven)}`
}

function keptUntil(kept: number | undefined): string {
  return kept === undefined ? '' : `, kept until ${iso(kept).slice(0, 10)} if you are never there again`
}

async function status(run: Run, { agent }: OpenWallet): Promise<void> {
  await agent.sync()
  await agent.recovery.lookAtPin()
  const found = await agent.recovery.status()
  run.out.result(
    [
      `Recovery: ${found.level}`,
      ...found.contacts.map(({ label, answer, proven }) => `  share   ${label}: ${answer}${shown(proven)}`),
      ...found.agents.map((one) => `  PIN     ${agentLine(one)}${shown(one.proven)}${keptUntil(one.kept)}`),
      ...(found.leftBehind ? leftBehindLines(found.leftBehind).map((text) => `          ${text}`) : []),
      ...(found.backup ? [`  backup  number ${found.backup.seq}, ${iso(found.backup.at)}`] : []),
      ...(found.earlierUntil === undefined
        ? []
        : [`  earlier set-up counts until ${iso(found.earlierUntil)}: keep its kit until then`]),
      ...(found.change?.contacts ?? []).map(({ label, answer }) => `  change  ${label}: ${answer}`),
      ...(found.rehearsed === undefined ? [] : [`  drill   ${iso(found.rehearsed)}`]),
      ...found.missing.map(({ text }) => `  missing ${text}`),
    ],
    found,
  )
}
