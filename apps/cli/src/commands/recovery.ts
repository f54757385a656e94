/** Losing everything and coming back (flows V13, V14, V16, V17): set up, recover, help, veto. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { agencyDescriptor } from '@keystead/agent/edge'
import { isKeysteadError, KeysteadError } from '@keystead/core'
import { fetchGenesis } from '@keystead/light-client'
import { type Kit, kitLine, spokenCode } from '@keystead/recovery'
import type { Command } from 'commander'
import { DEFAULT_LEDGER, writeConfig } from '../config.ts'
import { EXIT } from '../exit.ts'
import { kitFile, readKit } from '../kit-page.ts'
import { iso, terminalQr } from '../output.ts'
import { askLine, readPassphrase } from '../passphrase.ts'
import { action, type Run, withWallet } from '../run.ts'
import { createWallet, type OpenWallet } from '../wallet.ts'
import { DEFAULT_PAGE } from './contacts.ts'
import { waiting } from './start.ts'

export function recoveryCommands(program: Command): void {
  const recovery = program.command('recovery').description('be ready to lose this device')
  recovery
    .command('setup <contacts...>')
    .description('deal shares to contacts and print a kit; both are needed to recover')
    .requiredOption(
      '--kit <file>',
      'where to write the kit (.html: a page with a QR code), to print it and then delete the file',
    )
    .option('--threshold <n>', 'contacts needed', '2')
    .option('--delay <seconds>', 'how long a recovery waits for your veto (default: what the network has)')
    .action(
      action(program, (run, contacts: string[], options: { kit: string; threshold: string; delay?: string }) =>
        withWallet(run, (wallet) => setup(run, wallet, contacts, options)),
      ),
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

  program
    .command('recover')
    .description('come back on a new device: with the kit, then with the help of your contacts')
    .option('--kit <file>', 'the kit as scanned or typed in; to go on with a recovery, leave it out')
    .option('--ledger <url>', 'a ledger node', DEFAULT_LEDGER)
    .option('--page <url>', 'page the link for your contacts points to', DEFAULT_PAGE)
    .option('--seconds <n>', 'how long to wait for contacts', '86400')
    .action(action(program, recover))

  program
    .command('help-recover [link]')
    .description('help a contact who has lost everything: open their link, then type the code they tell you')
    .option('--code <code>', 'the code, as the owner told you by voice')
    .option('--refuse', 'refuse to help')
    .option('--seconds <n>', 'how long to wait for the new device', '60')
    .action(
      action(program, (run, link: string | undefined, options: { code?: string; refuse?: boolean; seconds: string }) =>
        withWallet(run, (wallet) => help(run, wallet, link, options)),
      ),
    )

  program
    .command('veto')
    .description('stop a recovery of yours that you did not ask for')
    .action(
      action(program, (run) =>
        withWallet(run, async ({ agent }) => {
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
        }),
      ),
    )
}

async function setup(
  run: Run,
  { agent }: OpenWallet,
  contacts: string[],
  options: { kit: string; threshold: string; delay?: string },
): Promise<number> {
  if (existsSync(options.kit))
    throw new KeysteadError('FILE_EXISTS', `${options.kit} exists; a kit is never written over something`)
  await agent.sync()
  const threshold = Number(options.threshold)
  const delay = options.delay === undefined ? {} : { delay: Number(options.delay) }
  const kit = await agent.recovery.setUp({ contacts, threshold, ...delay })
  const file = resolve(options.kit)
  writeFileSync(file, kitFile(kit, file), { flag: 'wx', mode: 0o600, flush: true })
  const waits = await agent.sync()
  const { policy, level } = await agent.recovery.status()
  run.out.result(
    [
      `Kit      ${file}`,
      '         Print it, put it where you keep your passport, and delete the file: whoever has it is half-way in.',
      `Shares   on their way to ${contacts.join(', ')}; ${threshold} of ${contacts.length} are needed beside the kit`,
      `Delay    ${policy?.paths[0]?.delay} s in which you can veto a recovery from this device`,
      'Backups  run by themselves with every command; the agency cannot open them.',
      ...waiting(waits),
    ],
    { kit: file, contacts, threshold, policy, level, ...waits },
  )
  return waits.waiting + waits.operations > 0 ? EXIT.tryLater : EXIT.ok
}

async function status(run: Run, { agent }: OpenWallet): Promise<void> {
  await agent.sync()
  const found = await agent.recovery.status()
  run.out.result(
    [
      `Recovery: ${found.level}`,
      ...found.contacts.map(({ label, answer }) => `  share   ${label}: ${answer}`),
      ...(found.backup ? [`  backup  number ${found.backup.seq}, ${iso(found.backup.at)}`] : []),
      ...found.missing.map(({ text }) => `  missing ${text}`),
    ],
    found,
  )
}

interface RecoverOptions {
  readonly kit?: string
  readonly ledger: string
  readonly page: string
  readonly seconds: string
}

async function recover(run: Run, options: RecoverOptions): Promise<number> {
  const kit = options.kit === undefined ? undefined : readKit(readFileSync(options.kit, 'utf8'))
  if (kit && !existsSync(resolve(run.folder, 'config.json'))) await newWallet(run, kit, options.ledger)
  return withWallet(run, async (wallet) => {
    const { agent } = wallet
    const before = await agent.recovery.progress()
    if (!kit && !before) throw new KeysteadError('UNKNOWN_REQUEST', 'no recovery is under way here: give --kit')
    if (kit && !before) {
      await addAgency(wallet, kit)
      await agent.recovery.begin(kit, options.page)
    }
    return untilRecovered(run, wallet, Number(options.seconds))
  })
}

async function newWallet(run: Run, kit: Kit, ledger: string): Promise<void> {
  const passphrase = await readPassphrase(run.options, { twice: true })
  const genesis = await fetchGenesis(fetch, ledger, kit.genesis)
  const vault = await createWallet(run.folder, passphrase)
  writeConfig(run.folder, { ledger, genesis })
  await vault.lock()
}

/** The first of the kit's agencies that answers. */
async function addAgency({ agent }: OpenWallet, kit: Kit): Promise<void> {
  let last: unknown
  for (const url of kit.agencies)
    try {
      const { did } = await agencyDescriptor(fetch, url)
      await agent.addCloudAgent({ did, url })
      return
    } catch (error) {
      if (!isKeysteadError(error, 'AGENCY_UNREACHABLE')) throw error
      last = error
    }
  throw last
}

async function untilRecovered(run: Run, { agent }: OpenWallet, seconds: number): Promise<number> {
  const { rescue } = (await agent.recovery.progress()) ?? {}
  if (rescue && !rescue.restored) {
    const qr = terminalQr(rescue.url)
    run.out.event('link', ['Give this link to your recovery contacts:', ...(qr ? [qr] : []), rescue.url], {
      url: rescue.url,
    })
    for (const { ceremony, label } of rescue.sessions)
      if (ceremony.state === 'revealed')
        run.out.event('code', `Tell ${label} this code, on a call: ${spokenCode(ceremony.code)}`, {
          label,
          code: ceremony.code,
        })
  }
  const until = Math.floor(Date.now() / 1000) + seconds
  const enough = await agent.waitFor(
    async () => {
      const { have = 0, need, rescue: now } = (await agent.recovery.progress()) ?? {}
      return now?.restored || (need !== undefined && have >= need) ? true : undefined
    },
    until,
    run.signal,
  )
  if (!enough) {
    const { have = 0, need } = (await agent.recovery.progress()) ?? {}
    run.out.result(
      `${have} of ${need ?? 'the'} shares are here: nothing can be opened yet. "keystead recover" goes on waiting.`,
      { recovered: false, have, need: need ?? null },
    )
    return EXIT.tryLater
  }
  const recovered = await agent.recovery.finish()
  const waits = await agent.sync()
  const identities = await agent.identities()
  const pending = identities.filter(({ status }) => status === 'recovering')
  const until2 = Math.max(0, ...pending.map(({ pendingUntil }) => pendingUntil ?? 0))
  run.out.result(
    [
      `Data       back: ${recovered.records} records of backup ${recovered.backup}`,
      ...recovered.gaps.map(({ from, to }) => `           backups ${from} to ${to} are missing`),
      `Authority  ${pending.length} DID(s) and ${recovered.relationships} relationship(s) wait${until2 > 0 ? ` until ${iso(until2)}` : ''}; your old devices may veto until then`,
      'After that: "keystead sync", then "keystead recovery setup" for a new kit and new shares.',
      ...waiting(waits),
    ],
    { recovered: true, ...recovered, pendingUntil: until2 > 0 ? until2 : null, ...waits },
  )
  return waits.waiting + waits.operations > 0 ? EXIT.tryLater : EXIT.ok
}

async function help(
  run: Run,
  { agent }: OpenWallet,
  link: string | undefined,
  options: { code?: string; refuse?: boolean; seconds: string },
): Promise<number> {
  const begun = link === undefined ? (await agent.recovery.openHelping()).at(-1) : await agent.recovery.help(link)
  if (!begun) throw new KeysteadError('UNKNOWN_REQUEST', 'nobody asked for help: give the link')
  const { session } = begun
  if (options.refuse) {
    await agent.recovery.refuseHelp(session)
    run.out.result('Refused.', { refused: true })
    return EXIT.ok
  }
  const { label } = await agent.contact(begun.relationship)
  const ready = await agent.waitFor(
    async () => {
      const now = await agent.recovery.helping(session)
      return now && now.ceremony.state !== 'invited' && now.ceremony.state !== 'committed' ? now : undefined
    },
    Math.floor(Date.now() / 1000) + Number(options.seconds),
    run.signal,
  )
  if (!ready) throw new KeysteadError('NO_ANSWER', 'the new device has not answered; try again while it waits')
  const code = options.code ?? (await askCode(run, label))
  if (code === undefined) {
    run.out.result(
      [
        `Somebody recovers the wallet of ${label}. Call ${label} on a number you know and see that it is them.`,
        'They tell you a code of eight digits: keystead help-recover --code "1234 5678"',
      ],
      { session, owner: label, state: ready.ceremony.state },
    )
    return EXIT.ok
  }
  await agent.recovery.typeCode(session, code)
  await agent.sync()
  run.out.result(`Your share is on its way to the new device of ${label}.`, { session, owner: label, approved: true })
  return EXIT.ok
}

async function askCode(run: Run, label: string): Promise<string | undefined> {
  if (!process.stdin.isTTY || run.out.json) return undefined
  process.stderr.write(`Call ${label} on a number you know. Do not take the code from a message.\n`)
  return askLine('The code they tell you: ')
}
