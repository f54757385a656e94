/** Lines of text with files attached: written, read, and the files saved or taken back. */
import type { AttachmentView, TextView } from '@keystead/agent/edge'
import { KeysteadError } from '@keystead/core'
import { fileSource, placeFor, saveAttachment } from '@keystead/sdk/node'
import type { Command } from 'commander'
import { iso } from '../output.ts'
import { progressOf } from '../progress.ts'
import { action, withWallet } from '../run.ts'

export function messageCommands(program: Command): void {
  program
    .command('message <contact> [text]')
    .description('write a line to a contact, with files perhaps')
    .option(
      '-a, --attach <file>',
      'a file to send along, up to 64 MiB, encrypted on this device; may be said again',
      also,
      [],
    )
    .action(
      action(program, (run, name: string, text: string | undefined, { attach }: { attach: string[] }) =>
        withWallet(run, async ({ agent }) => {
          if (text === undefined && attach.length === 0)
            throw new KeysteadError('BAD_FIELD', 'say something, or attach a file')
          const files = await Promise.all(attach.map(fileSource))
          const progress = progressOf(run.out, 'brought')
          await agent.sendText(name, text ?? '', { attach: files, signal: run.signal, onProgress: progress })
          run.out.result('Sent, or waiting to be: "keystead sync" says.', { sent: true, attached: files.length })
        }),
      ),
    )

  const list = program
    .command('messages [contact]')
    .description('what was written, to and by a contact or everybody, and the files that came along')
    .action(
      action(program, (run, name: string | undefined) =>
        withWallet(run, async ({ agent }) => {
          const texts = await agent.texts(name)
          const people = [...(await agent.contacts()), ...(await agent.correspondents())]
          const labels = new Map(people.map(({ id, label }) => [id, label]))
          const lines = texts.flatMap((text) => linesOf(text, labels.get(text.contact) ?? 'somebody'))
          run.out.result(lines.length > 0 ? lines : 'Nothing yet.', { messages: texts })
        }),
      ),
    )

  list
    .command('save <file> [to]')
    .description(
      'save an attached file, by the beginning of its id, into a folder or under a name; here, unless you say where',
    )
    .option('--overwrite', 'put it in the place of a file that is there')
    .action(
      action(program, (run, id: string, to: string | undefined, { overwrite = false }: { overwrite?: boolean }) =>
        withWallet(run, async ({ agent }) => {
          const views = (await agent.texts()).flatMap(({ attachments = [] }) => attachments)
          const [view] = views.filter((one) => one.id.startsWith(id))
          // Before anything is fetched: it may take minutes.
          if (view) await placeFor(view, to ?? '.', overwrite)
          const { signal } = run
          const opened = await agent.openAttachment(id, { signal, onProgress: progressOf(run.out, 'fetched') })
          const path = await saveAttachment(opened, to ?? '.', { overwrite, signal })
          run.out.result(`Saved as ${path}. Nobody has looked whether it is harmless.`, { id: opened.id, path })
        }),
      ),
    )

  list
    .command('withdraw <file>')
    .description('take back a file you sent, by the beginning of its id: who has not fetched it never will')
    .action(
      action(program, (run, id: string) =>
        withWallet(run, async ({ agent }) => {
          const { id: whole, name } = await agent.withdrawAttachment(id)
          run.out.result(`${name} lies at your agency no more.`, { id: whole, withdrawn: true })
        }),
      ),
    )
}

/** Of an option that may be said again. */
const also = (file: string, before: readonly string[]): string[] => [...before, file]

function linesOf({ from, text, at, attachments = [] }: TextView, label: string): string[] {
  const said = `${iso(at)}  ${from === 'me' ? `to ${label}` : label}: ${text}`
  return [said, ...attachments.map((attached) => `    ${attachedLine(attached)}`)]
}

function attachedLine({ id, name, bytes, state, expires }: AttachmentView): string {
  const size = bytes === undefined ? 'size unknown' : sizeOf(bytes)
  const until = expires === undefined ? '' : `, until ${iso(expires).slice(0, 10)}`
  const where = {
    here: `keystead messages save ${id.slice(0, 8)}`,
    linked: `keystead messages save ${id.slice(0, 8)}${until}`,
    over: 'not to be had any more',
    unreadable: 'in no form that this wallet opens',
  }
  return `attached: ${name} (${size})  ${where[state]}`
}

function sizeOf(bytes: number): string {
  if (bytes < 1024) return `${bytes} bytes`
  const kib = bytes / 1024
  return kib < 1024 ? `${kib.toFixed(1)} KiB` : `${(kib / 1024).toFixed(1)} MiB`
}
