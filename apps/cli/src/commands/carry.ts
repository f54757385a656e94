/** Messages carried by hand, as files: every ceremony between machines with no network. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { KeysteadError } from '@keystead/core'
import type { Command } from 'commander'
import { EXIT } from '../exit.ts'
import { action, withWallet } from '../run.ts'

export function carryCommands(program: Command): void {
  const carry = program.command('carry').description('bring messages by hand, as a file, where there is no network')
  carry
    .command('out <file>')
    .description('what waits to be sent goes into a file: the only copy, sealed to whom it is for')
    .option('--to <contact>', 'only what is for this contact')
    .action(
      action(program, (run, file: string, { to }: { to?: string }) =>
        withWallet(run, async ({ agent }) => {
          if (existsSync(file)) throw new KeysteadError('FILE_EXISTS', `${file} is there already`)
          const write = (bytes: Uint8Array): void =>
            writeFileSync(file, bytes, { flag: 'wx', mode: 0o600, flush: true })
          const carried = await agent.carryOut(write, to)
          run.out.result(`${carried.messages} message(s) in ${file}. Bring it, and read it there: "carry in".`, {
            file,
            ...carried,
          })
          return carried.waiting > 0 ? EXIT.tryLater : EXIT.ok
        }),
      ),
    )
  carry
    .command('in <file>')
    .description('handle what a file brings')
    .action(
      action(program, (run, file: string) =>
        withWallet(run, async ({ agent }) => {
          const carried = await agent.carryIn(readFileSync(file))
          run.out.result(
            `${carried.messages} message(s) read. What answers them waits: "carry out", or "sync".`,
            carried,
          )
          return carried.waiting > 0 ? EXIT.tryLater : EXIT.ok
        }),
      ),
    )
}
