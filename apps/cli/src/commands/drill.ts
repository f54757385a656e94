/** "Test my recovery" (row N6): a rehearsal that touches nothing. */
import { readFileSync } from 'node:fs'
import type { Rehearsal } from '@keystead/agent/edge'
import type { Command } from 'commander'
import { EXIT } from '../exit.ts'
import { readKit } from '../kit-page.ts'
import { iso } from '../output.ts'
import { action, type Run, withWallet } from '../run.ts'
import type { OpenWallet } from '../wallet.ts'
import { WAYS } from './recover.ts'

interface DrillOptions {
  readonly kit?: string
  readonly seconds: string
}

export function drillCommand(program: Command, recovery: Command): void {
  recovery
    .command('drill')
    .description(
      'rehearse a recovery: who and what is needed shows that it is there; nothing is released, counted or changed',
    )
    .option('--kit <file>', 'the kit as scanned or typed in again, to rehearse with it')
    .option('--seconds <n>', 'how long to wait for the wallets of your contacts', '30')
    .action(action(program, (run, options: DrillOptions) => withWallet(run, (wallet) => drill(run, wallet, options))))
}

async function drill(run: Run, { agent }: OpenWallet, options: DrillOptions): Promise<number> {
  const kit = options.kit === undefined ? {} : { kit: readKit(readFileSync(options.kit, 'utf8')) }
  await agent.sync()
  const until = Math.floor(Date.now() / 1000) + Number(options.seconds)
  const found = await agent.recovery.rehearse({ ...kit, until, signal: run.signal })
  run.out.result(lines(found), found)
  return found.ready ? EXIT.ok : EXIT.negative
}

const CONTACT: Readonly<Record<Rehearsal['contacts'][number]['result'], string>> = {
  proven: 'has the share',
  'no-answer': 'did not answer (their wallet may be off: it answers when it is on)',
  lost: 'no longer has the share',
  declined: 'declined to keep a share',
  waiting: 'has not agreed to keep a share yet',
}

const AGENT: Readonly<Record<Rehearsal['agents'][number]['result'], string>> = {
  proven: 'has its part, whole',
  away: 'does not answer',
  lost: 'no longer has its part',
  locked: 'is locked: too many wrong PINs were tried',
  waiting: 'has not taken its part yet',
}

const KIT: Readonly<Record<Rehearsal['kit'], string>> = {
  read: 'reads well, and is the one of your newest set-up',
  'read-before': 'was read back before; give --kit to read it now',
  'never-read': 'was never read back: give --kit',
}

const AGENCY: Readonly<Record<Rehearsal['agencies'][number]['result'], string>> = {
  good: 'leads a new device to your backups',
  away: 'does not answer',
  stayed: 'releases nothing for a time: somebody objected',
  wrong: 'does not have your record',
}

function lines(found: Rehearsal): string[] {
  return [
    ...found.contacts.map(({ label, result }) => `Contact  ${label} ${CONTACT[result]}`),
    ...found.agents.map(
      ({ operator, result, guessesUsed }) =>
        `PIN      ${operator} ${AGENT[result]}; ${guessesUsed} guess(es) counted, none by this`,
    ),
    `Kit      ${KIT[found.kit]}`,
    ...found.agencies.map(({ url, result }) => `Agency   ${url} ${AGENCY[result]}`),
    ...found.identities.map(({ label, result, until }) => `Ledger   "${label}" ${ledgerLine(result, until)}`),
    ...found.paths.map(
      ({ id, delay, open }) =>
        `${open ? 'OPEN    ' : 'CLOSED  '} ${WAYS[id]}: data at once, authority after ${delay} s of time for your veto`,
    ),
    found.ready
      ? 'You would come back. Nothing was released, counted or changed.'
      : 'You would NOT come back as things are. Nothing was released, counted or changed.',
  ]
}

function ledgerLine(result: Rehearsal['identities'][number]['result'], until: number | undefined): string {
  switch (result) {
    case 'good':
      return 'goes to whoever recovers this wallet'
    case 'held':
      return `goes by your earlier set-up until ${iso(until ?? 0)}: keep the earlier kit until then`
    case 'missing':
      return 'knows no recovery of yours'
    case 'unknown':
      return 'could not be asked'
  }
}
