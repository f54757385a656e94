/** The wallet's keys and what was done with them. */
import { readFileSync, writeFileSync } from 'node:fs'
import type { PlannedReplacement } from '@keystead/agent/edge'
import { KeysteadError, parseJson } from '@keystead/core'
import { encodeMultikey } from '@keystead/crypto'
import { endsSoon, type KeyInfo, periodEnd, verifyAuditLog } from '@keystead/wallet'
import type { Command } from 'commander'
import { EXIT } from '../exit.ts'
import { iso } from '../output.ts'
import { askLine } from '../passphrase.ts'
import { action, type Run, withWallet } from '../run.ts'
import type { OpenWallet } from '../wallet.ts'
import { keyLifeCommands } from './key-life.ts'

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

  keyLifeCommands(keys, program)

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
    .command('compromised <key>')
    .description('somebody else may have this key: see what depends on it, and replace it in order; again, go on')
    .option('--since <time>', 'from when on, at most 90 days ago; now, unless said')
    .option('--plan', 'only say what would be done')
    .option('--yes', 'do it without asking')
    .action(
      action(program, (run, name: string, options: { since?: string; plan?: boolean; yes?: boolean }) =>
        withWallet(run, (opened) => compromised(run, opened, name, options)),
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

/** Says what depends on the key, asks, and replaces it. */
async function compromised(
  run: Run,
  { agent }: OpenWallet,
  name: string,
  options: { since?: string; plan?: boolean; yes?: boolean },
): Promise<number> {
  const since = options.since === undefined ? undefined : timeOf(options.since)
  const planned = await agent.replacementPlan(name, since)
  if (options.plan) {
    run.out.result(planLines(planned), planData(planned))
    return EXIT.ok
  }
  if (!options.yes) {
    for (const line of planLines(planned)) run.out.note(line)
    const answer = await askLine('Its private half can never be used again. Replace it now? Type "yes": ')
    if (answer !== 'yes') {
      run.out.result('Nothing was done.', planData(planned))
      return EXIT.negative
    }
  }
  const done = await agent.replaceCompromised(name, since)
  run.out.result(planLines(done), planData(done))
  return done.steps.some(({ outcome }) => outcome === 'waiting') ? EXIT.tryLater : EXIT.ok
}

function timeOf(text: string): number {
  const time = Date.parse(text)
  if (Number.isNaN(time)) throw new KeysteadError('BAD_TIME', 'a time looks like 2026-05-31T12:00:00Z')
  return Math.floor(time / 1000)
}

function planLines({ key, since, steps }: PlannedReplacement): string[] {
  const lines = steps.map(({ outcome, text, why }, number) => {
    const how = outcome === undefined ? '' : `[${outcome}${why === undefined ? '' : `: ${why}`}] `
    return `  ${number + 1}. ${how}${text}`
  })
  return [
    `${key.keyId.slice(0, 8)}, ${key.purpose}, ${key.state}; others may have used it since ${iso(since)}.`,
    ...(lines.length > 0 ? lines : ['  Nothing in this wallet depends on it.']),
  ]
}

const planData = ({ key: { keyId, purpose, state }, since, steps }: PlannedReplacement) => ({
  key: { keyId, purpose, state },
  since,
  steps,
})

const firstTime = (info: KeyInfo): number => info.events[0]?.at ?? 0

function keyLine(info: KeyInfo): string {
  const { keyId, purpose, state, events, uses, owner } = info
  const last = events.at(-1)
  const until =
    state === 'active'
      ? `until ${seconds(periodEnd(info) ?? 0).slice(0, 10)}${endsSoon(info, Date.now()) ? ', ends soon' : ''}`
      : `since ${seconds(last?.at ?? 0).slice(0, 10)}, ${last?.reason}`
  return `${keyId.slice(0, 8)}  ${purpose.padEnd(22)} ${state.padEnd(14)} ${until}, used ${uses}${owner ? `, ${owner}` : ''}`
}
