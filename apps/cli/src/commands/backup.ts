/** The automatic backup: where copies lie, how whole they are, and one right now (rule 26). */
import { resolve } from 'node:path'
import type { BackupStatus } from '@keystead/agent/edge'
import type { Command } from 'commander'
import { EXIT } from '../exit.ts'
import { iso } from '../output.ts'
import { action, type Run, withWallet } from '../run.ts'

export function backupCommands(program: Command): void {
  const backup = program.command('backup').description('copies of this wallet that only your recovery opens')
  backup
    .command('status', { isDefault: true })
    .description('where copies lie, and whether they have everything')
    .action(action(program, (run) => withWallet(run, async ({ agent }) => show(run, await agent.backupStatus()))))
  backup
    .command('now')
    .description('bring every copy up to date, and look whether each still has what it said')
    .action(
      action(program, (run) =>
        withWallet(run, async ({ agent }) => {
          await agent.sync()
          return show(run, await agent.backUp())
        }),
      ),
    )
  backup
    .command('drop <place>')
    .description('keep no copy there any more; what lies there stays until it is forgotten')
    .action(
      action(program, (run, place: string) =>
        withWallet(run, async ({ agent }) => {
          await agent.dropHolder(holderAddress(place))
          return show(run, await agent.backupStatus())
        }),
      ),
    )
}

/** An agency's address as it is; a folder by its whole path, since commands run anywhere. */
export function holderAddress(place: string): string {
  return /^https?:/.test(place) ? place.replace(/\/+$/, '') : resolve(place)
}

function show(run: Run, status: BackupStatus): number {
  const { log, unwritten, holders } = status
  const whole = holders.filter((holder) => holder.whole).length
  const copies = whole === 1 ? 'one copy' : `${whole} copies`
  run.out.result(
    log && holders.length > 0
      ? [
          `Backup   ${whole === 0 ? 'no copy has everything' : `${copies} with everything`}${unwritten > 0 ? `; ${unwritten} change(s) wait` : ''}`,
          ...holders.map(holderLine),
          ...(holders.length < 2
            ? [
                '         One copy is one loss away: name a second place with "keystead recovery setup --backup <place>".',
              ]
            : []),
        ]
      : 'There is no backup: set recovery up first ("keystead recovery setup").',
    { ...status, copies: whole },
  )
  return holders.length > 0 && whole === holders.length && unwritten === 0 ? EXIT.ok : EXIT.tryLater
}

function holderLine({ name, whole, behind, at, rolledBack, trouble }: BackupStatus['holders'][number]): string {
  const state = whole ? 'has everything' : at === undefined ? 'has nothing yet' : `lacks ${behind} change batch(es)`
  return [
    `         ${name}: ${state}${at === undefined ? '' : `, ${iso(at)}`}`,
    rolledBack === undefined
      ? ''
      : `; on ${iso(rolledBack)} it had less than it had acknowledged: it was set back to a copy, or lies`,
    trouble === undefined ? '' : `; ${trouble}`,
  ].join('')
}
