/** Credentials: issue, hold, present, check, revoke. And what waits for a decision. */
import { writeFileSync } from 'node:fs'
import type { JsonObject } from '@keystead/core'
import { parseReceipt, type Verdict } from '@keystead/credentials'
import type { Command } from 'commander'
import { EXIT } from '../exit.ts'
import { iso, short } from '../output.ts'
import { action, withWallet } from '../run.ts'
import { readJson } from './contacts.ts'

export function credentialCommands(program: Command): void {
  program
    .command('issue <contact> <type> [claims...]')
    .description('offer a credential, claims as name=value; it is signed and anchored when they ask for it')
    .action(
      action(program, (run, contact: string, type: string, claims: string[]) =>
        withWallet(run, async ({ agent }) => {
          const { id } = await agent.offer(contact, type, parseClaims(claims))
          run.out.result(
            `Offered ${type} to ${contact} (${id.slice(0, 8)}). "keystead listen" or "sync" answers their request.`,
            { id },
          )
        }),
      ),
    )

  program
    .command('sign-credential <type> [claims...]')
    .description('sign a credential here and now, without an anchor: nobody can check when')
    .requiredOption('--subject <did>', 'whom it is about')
    .option('--valid-from <time>', 'what it says about its time', new Date().toISOString())
    .option('--out <file>', 'write it to a file')
    .action(
      action(
        program,
        (run, type: string, claims: string[], options: { subject: string; validFrom: string; out?: string }) =>
          withWallet(run, async ({ agent }) => {
            const validFrom = Math.floor(Date.parse(options.validFrom) / 1000)
            const credential = await agent.signOffline({
              type,
              claims: parseClaims(claims),
              subject: options.subject,
              validFrom,
            })
            if (options.out) writeFileSync(options.out, JSON.stringify(credential, null, 2))
            run.out.result(options.out ?? JSON.stringify(credential, null, 2), credential)
          }),
      ),
    )

  program
    .command('issued')
    .description('what you issued')
    .action(
      action(program, (run) =>
        withWallet(run, async ({ agent }) => {
          const issued = await agent.issued()
          const lines = issued.map(
            ({ id, type, index, revokedAt, credential }) =>
              `${id.slice(0, 8)}  ${type}  ${credential ? `place ${index}` : 'offered'}${revokedAt === undefined ? '' : `, revoked ${iso(revokedAt)}`}`,
          )
          run.out.result(lines.length > 0 ? lines : 'Nothing yet.', {
            issued: issued.map(({ id, type, index, revokedAt, receipt }) => ({
              id,
              type,
              index: index ?? null,
              revokedAt: revokedAt ?? null,
              anchored: receipt?.seq ?? null,
            })),
          })
        }),
      ),
    )

  program
    .command('revoke <id>')
    .description('revoke a credential you issued')
    .action(
      action(program, (run, id: string) =>
        withWallet(run, async ({ agent }) => {
          await agent.sync()
          const { type, revokedAt = 0 } = await agent.revoke(id)
          run.out.result(`${type} is revoked since ${iso(revokedAt)}.`, { id, revokedAt })
        }),
      ),
    )

  program
    .command('requests')
    .description('what waits for your decision')
    .action(
      action(program, (run) =>
        withWallet(run, async ({ agent }) => {
          await agent.sync()
          const requests = await agent.requests()
          run.out.result(
            requests.length > 0 ? requests.map(({ id, summary }) => `${id.slice(0, 8)}  ${summary}`) : 'Nothing waits.',
            {
              requests: requests.map(({ id, kind, summary }) => ({ id, kind, summary })),
            },
          )
        }),
      ),
    )

  program
    .command('ask <contact> <type>')
    .description('ask a contact to present a credential')
    .option('--domain <name>', 'who you are to them', 'keystead.local')
    .option('--issuer <did...>', 'accept only these issuers')
    .action(
      action(program, (run, contact: string, type: string, options: { domain: string; issuer?: string[] }) =>
        withWallet(run, async ({ agent }) => {
          const id = await agent.askFor(contact, {
            type,
            domain: options.domain,
            ...(options.issuer ? { issuers: options.issuer } : {}),
          })
          run.out.result(`Asked (${id.slice(0, 8)}). "keystead check ${id.slice(0, 8)}" judges what they show.`, { id })
        }),
      ),
    )

  program
    .command('credentials')
    .description('what you hold')
    .option('--out <file>', 'write the newest one, with its receipt, to a file')
    .action(
      action(program, (run, options: { out?: string }) =>
        withWallet(run, async ({ agent }) => {
          const held = (await agent.credentials()).sort((a, b) => a.received - b.received)
          const newest = held.at(-1)
          if (options.out && newest)
            writeFileSync(options.out, JSON.stringify({ credential: newest.credential, receipt: newest.receipt }))
          run.out.result(
            held.length > 0
              ? held.map(
                  ({ id, credential, subject }) =>
                    `${id.slice(0, 8)}  ${String((credential['type'] as string[]).at(-1))}  about ${short(subject)}`,
                )
              : 'Nothing yet.',
            {
              credentials: held.map(({ id, credential, receipt, subject }) => ({
                id,
                credential,
                receipt: { ...receipt },
                subject,
              })),
            },
          )
        }),
      ),
    )

  program
    .command('check <idOrFile>')
    .description('judge a presentation you received, or a credential in a file, by the ledger of now')
    .action(
      action(program, (run, what: string) =>
        withWallet(run, async ({ agent }) => {
          await agent.sync()
          const verdict = /[./\\]/.test(what) ? await checkFile(agent, what) : await agent.recheck(what)
          run.out.result(verdictLines(verdict), { ...verdict })
          return verdict.outcome === 'valid' ? EXIT.ok : EXIT.negative
        }),
      ),
    )
}

async function checkFile(
  agent: Parameters<Parameters<typeof withWallet>[1]>[0]['agent'],
  file: string,
): Promise<Verdict> {
  const json = readJson(file)
  // With its receipt, as `credentials --out` writes it, or bare.
  if (json['credential'] === undefined) return agent.check(json)
  return agent.check(json['credential'] as JsonObject, parseReceipt(json['receipt']))
}

export function verdictLines(verdict: Verdict & { credentials?: readonly Verdict[] }, indent = ''): string[] {
  return [
    `${indent}${verdict.outcome.toUpperCase()}${verdict.level ? `  (ledger proof: ${verdict.level})` : ''}`,
    ...verdict.checks.map(({ name, outcome, text }) => `${indent}  ${MARK[outcome]} ${name.padEnd(13)} ${text}`),
    ...(verdict.credentials ?? []).flatMap((credential) => verdictLines(credential, `${indent}  `)),
  ]
}

const MARK = { valid: '+', invalid: '!', undetermined: '?' } as const

function parseClaims(claims: readonly string[]): JsonObject {
  return Object.fromEntries(
    claims.map((claim) => {
      const [name = '', ...rest] = claim.split('=')
      return [name, rest.join('=')]
    }),
  )
}
