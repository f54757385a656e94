/** The wallet's keys and what was done with them. */
import { readFileSync, writeFileSync } from 'node:fs'
import { parseJson } from '@keystead/core'
import { encodeMultikey } from '@keystead/crypto'
import { KEY_PURPOSES, type KeyInfo, verifyAuditLog } from '@keystead/wallet'
import type { Command } from 'commander'
import { iso } from '../output.ts'
import { action, withWallet } from '../run.ts'

/** A wallet of many years has some ten thousand entries of 400 bytes. */
const MAX_LOG_BYTES = 64 * 1024 * 1024

const seconds = (ms: number): string => iso(Math.floor(ms / 1000))

export function keyCommands(program: Command): void {
  const keys = program.command('keys').description('the keys in this wallet, and what was done with them')

  keys
    .command('list', { isDefault: true })
    .description('every key: purpose, state, how often used, until when it may protect anything')
    .action(
      action(program, (run) =>
        withWallet(run, async ({ vault }) => {
          const all = (await vault.keys()).sort((a, b) => firstTime(a) - firstTime(b))
          run.out.result(all.map(keyLine), {
            keys: all.map(({ publicKey, ...info }) => ({ ...info, publicKey: encodeMultikey(publicKey) })),
          })
        }),
      ),
    )

  keys
    .command('audit')
    .description('write the audit log: signed, chained, to be verified by anybody')
    .option('--out <file>', 'a file instead of the terminal')
    .action(
      action(program, (run, options: { out?: string }) =>
        withWallet(run, async ({ vault }) => {
          const log = await vault.auditLog()
          const text = `${JSON.stringify(log, null, 1)}\n`
          if (options.out !== undefined) writeFileSync(options.out, text, { mode: 0o600 })
          const written = `${log.entries.length} entries written to ${options.out}.`
          run.out.result(options.out === undefined ? text.trimEnd() : written, log)
        }),
      ),
    )

  keys
    .command('verify-audit <file>')
    .description('check an audit log: nothing missing, moved or changed')
    .action(
      action(program, async (run, file: string) => {
        const { wallet, key, entries } = verifyAuditLog(parseJson(readFileSync(file), MAX_LOG_BYTES))
        const last = entries.at(-1)
        run.out.result(
          `It holds: ${entries.length} entries of wallet ${wallet}, the last ${last ? seconds(last.at) : 'none'}.`,
          {
            wallet,
            key,
            entries: entries.length,
          },
        )
      }),
    )
}

const firstTime = (info: KeyInfo): number => info.events[0]?.at ?? 0

function keyLine(info: KeyInfo): string {
  const { keyId, purpose, state, events, uses, owner } = info
  const activated = events.find(({ to }) => to === 'active')?.at
  const until =
    state === 'active' && activated !== undefined
      ? `until ${seconds(activated + KEY_PURPOSES[purpose].cryptoperiod * 1000).slice(0, 10)}`
      : `since ${seconds(events.at(-1)?.at ?? 0).slice(0, 10)}, ${events.at(-1)?.reason}`
  return `${keyId.slice(0, 8)}  ${purpose.padEnd(22)} ${state.padEnd(14)} ${until}, used ${uses}${owner ? `, ${owner}` : ''}`
}
