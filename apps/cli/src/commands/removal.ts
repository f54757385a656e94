/** Ending contacts (flow V11): with or without telling, and blocking. */
import type { Command } from 'commander'
import { EXIT } from '../exit.ts'
import { iso, short } from '../output.ts'
import { action, withWallet } from '../run.ts'

export function removalCommands(program: Command, contacts: Command): void {
  contacts
    .command('remove <contact>')
    .description('end a contact for good: they are told, your keys of it are destroyed')
    .option('--silently', 'without telling them')
    .option('--block', 'without telling them, and refuse them if they come again')
    .action(
      action(program, (run, name: string, options: { silently?: boolean; block?: boolean }) =>
        withWallet(run, async ({ agent }) => {
          const done = await agent.removeContact(name, options)
          const told = !options.silently && !options.block
          const stands = (await agent.contacts()).some(
            ({ id, label, status }) => status === 'connected' && (id === name || label === name),
          )
          if (!done && stands) {
            const text = `${name} is a contact until another device of yours has approved the end: "keystead requests" there.`
            run.out.result(text, { done, told: false, blocked: false })
            return EXIT.tryLater
          }
          run.out.result(
            [
              done
                ? `${name} is no longer a contact. The keys of it are destroyed.`
                : `${name} is to be told yet; "keystead sync" does it. Nothing of theirs is taken any more.`,
              ...(options.block
                ? ['Whoever shows one of their DIDs again is refused; a stranger’s DID nobody can know.']
                : []),
            ],
            { done, told: told && done, blocked: options.block === true },
          )
          return done ? EXIT.ok : EXIT.tryLater
        }),
      ),
    )
  contacts
    .command('blocked')
    .description('whom you blocked')
    .action(
      action(program, (run) =>
        withWallet(run, async ({ agent }) => {
          const blocked = await agent.blocked()
          const lines = blocked.map(({ did, label, at }) => `${label.padEnd(16)} ${short(did)}  since ${iso(at)}`)
          run.out.result(lines.length > 0 ? lines : 'Nobody.', { blocked })
        }),
      ),
    )
  contacts
    .command('unblock <contact>')
    .description('let somebody come again whom you blocked, by name or DID')
    .action(
      action(program, (run, name: string) =>
        withWallet(run, async ({ agent }) => {
          await agent.unblock(name)
          run.out.result(`${name} may connect with you again.`, { unblocked: name })
        }),
      ),
    )
}
