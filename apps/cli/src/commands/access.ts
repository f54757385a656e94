/** Approval of key functions by others: a policy, requests and approvals as files between machines (VAULT-12, VAULT-13). */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { type Json, KeysteadError, parseJson } from '@keystead/core'
import { encodeMultikey } from '@keystead/crypto'
import {
  type AccessPolicy,
  type ApprovalRequest,
  approve,
  KEY_FUNCTION_NAMES,
  KEY_PURPOSES,
  type KeyFunction,
  type KeyPurpose,
  parseApproval,
  parsePolicy,
  parseRequest,
  policyJson,
  requestJson,
  type Vault,
} from '@keystead/wallet'
import type { Command } from 'commander'
import { EXIT } from '../exit.ts'
import { iso } from '../output.ts'
import { askLine } from '../passphrase.ts'
import { action, type Run, withWallet } from '../run.ts'

/** A policy, request or approval has a few KiB. */
const MAX_FILE_BYTES = 65_536
const DAY = 86_400_000
const ED25519 = { kind: 'signing', suite: 'ed25519' } as const

export function accessCommands(program: Command): void {
  const access = program
    .command('access')
    .description('what needs the approval of others in this wallet, and approving in theirs')

  access
    .command('show', { isDefault: true })
    .description('approvers, rules, and what is approved now')
    .action(
      action(program, (run) =>
        withWallet(run, async ({ vault }) => {
          const { version, policy, grants } = await vault.access()
          const standing = grants.filter(({ left, until }) => left > 0 && until > Date.now())
          run.out.result([...policyLines(policy), ...standing.map(grantLine)], {
            version,
            policy: policyJson(policy),
            grants: standing,
          })
        }),
      ),
    )

  access
    .command('key')
    .description('the key with which you approve in other wallets: give it to their owners')
    .action(
      action(program, (run) =>
        withWallet(run, async ({ vault }) => {
          const { publicKey } = await approvalKey(vault)
          run.out.result(encodeMultikey(publicKey), { key: encodeMultikey(publicKey) })
        }),
      ),
    )

  access
    .command('policy <file>')
    .description('set approvers and rules from a file; once there are rules, with "access ask --policy" only')
    .action(
      action(program, (run, file: string) =>
        withWallet(run, async ({ vault }) => {
          const policy = parsePolicy(readFile(file, 'BAD_POLICY'))
          await vault.setAccessPolicy(policy)
          run.out.result(policyLines(policy), { policy: policyJson(policy) })
        }),
      ),
    )

  access
    .command('ask <function>')
    .description(`write a request for approvers: ${KEY_FUNCTION_NAMES.join(', ')}`)
    .requiredOption('--out <file>', 'where to write it')
    .option('--purpose <purpose>', 'what the key is for, as "keys list" says')
    .option('--uses <n>', 'how often', '1')
    .option('--days <n>', 'for how long', '1')
    .option('--reason <text>', 'what approvers read', '')
    .option('--policy <file>', 'of "change policy": what it shall be')
    .action(
      action(program, (run, name: string, options: AskOptions) =>
        withWallet(run, async ({ vault }) => {
          const request = await vault.askApproval(asked(name, options))
          writeNew(options.out, requestJson(request))
          run.out.result([...requestLines(request), `Written to ${options.out}: have it approved.`], {
            ...requestJson(request),
          })
        }),
      ),
    )

  access
    .command('approve <request>')
    .description('sign a request of another wallet, whose owner has your "access key"')
    .requiredOption('--out <file>', 'where to write the approval')
    .option('--yes', 'without being asked')
    .action(
      action(program, (run, file: string, options: { out: string; yes?: boolean }) =>
        withWallet(run, ({ vault }) => approveFile(run, vault, file, options)),
      ),
    )

  access
    .command('grant <request> <approvals...>')
    .description('take a request with its approvals: what was asked for can be done now')
    .action(
      action(program, (run, file: string, approvals: string[]) =>
        withWallet(run, async ({ vault }) => {
          const request = parseRequest(readFile(file, 'BAD_APPROVAL'))
          await vault.grantApproval(
            request,
            approvals.map((one) => parseApproval(readFile(one, 'BAD_APPROVAL'))),
          )
          run.out.result(request.change ? policyLines(request.change) : ['Granted.', ...requestLines(request)], {
            id: request.id,
            function: request.function,
          })
        }),
      ),
    )
}

interface AskOptions {
  readonly out: string
  readonly purpose?: string
  readonly uses: string
  readonly days: string
  readonly reason: string
  readonly policy?: string
}

function asked(name: string, { purpose, uses, days, reason, policy }: AskOptions): Parameters<Vault['askApproval']>[0] {
  if (!KEY_FUNCTION_NAMES.includes(name as KeyFunction))
    throw new KeysteadError('NOT_ALLOWED', `the functions are: ${KEY_FUNCTION_NAMES.join(', ')}`)
  if (purpose !== undefined && !Object.hasOwn(KEY_PURPOSES, purpose))
    throw new KeysteadError('NOT_ALLOWED', `the purposes are: ${Object.keys(KEY_PURPOSES).join(', ')}`)
  return {
    function: name as KeyFunction,
    ...(purpose === undefined ? {} : { purpose: purpose as KeyPurpose }),
    uses: Number(uses),
    until: Date.now() + Number(days) * DAY,
    reason,
    ...(policy === undefined ? {} : { change: parsePolicy(readFile(policy, 'BAD_POLICY')) }),
  }
}

async function approveFile(
  run: Run,
  vault: Vault,
  file: string,
  options: { out: string; yes?: boolean },
): Promise<number> {
  const request = parseRequest(readFile(file, 'BAD_APPROVAL'))
  if (!options.yes) {
    for (const line of requestLines(request)) run.out.note(line)
    if ((await askLine('Do you approve? Type "yes": ')) !== 'yes') {
      run.out.result('Nothing was signed.', {})
      return EXIT.negative
    }
  }
  const approval = await approve(request, await approvalKey(vault))
  writeNew(options.out, { ...approval })
  run.out.result(`Approved: ${options.out}`, { ...approval })
  return EXIT.ok
}

/** Made the first time. */
async function approvalKey(vault: Vault) {
  const known = (await vault.keys()).find(({ purpose, state }) => purpose === 'approval' && state === 'active')
  return known ? vault.key(known.keyId, ED25519) : (await vault.createKey(ED25519, 'approval')).key
}

function requestLines(request: ApprovalRequest): string[] {
  const { function: name, purpose, uses, until, reason, wallet, change } = request
  const what = purpose === undefined ? name : `${name} (${purpose})`
  return [
    `${what}, ${uses} times at most, until ${iso(Math.floor(until / 1000))}, in wallet ${wallet}.`,
    ...(reason === '' ? [] : [`Why, they say: ${reason}`]),
    ...(change ? ['The policy would be:', ...policyLines(change)] : []),
  ]
}

function policyLines({ approvers, rules }: AccessPolicy): string[] {
  if (rules.length === 0) return ['Nothing in this wallet needs the approval of others.']
  return [
    ...approvers.map(({ name, key }) => `approver ${name}: ${key}`),
    ...rules.map((rule) => {
      const what = rule.purpose === undefined ? rule.function : `${rule.function} (${rule.purpose})`
      return `${what}: ${rule.approvals} of ${approvers.length}`
    }),
  ]
}

const grantLine = ({
  function: name,
  purpose,
  left,
  until,
  approvers,
}: Awaited<ReturnType<Vault['access']>>['grants'][number]) =>
  `approved by ${approvers.join(', ')}: ${name}${purpose === undefined ? '' : ` (${purpose})`}, ${left} left, until ${iso(Math.floor(until / 1000))}`

function readFile(file: string, code: 'BAD_POLICY' | 'BAD_APPROVAL'): Json {
  try {
    return parseJson(new Uint8Array(readFileSync(file)), MAX_FILE_BYTES)
  } catch (cause) {
    throw new KeysteadError(code, `${file} cannot be read`, { cause })
  }
}

function writeNew(file: string, content: object): void {
  if (existsSync(file)) throw new KeysteadError('FILE_EXISTS', `${file} is there already`)
  writeFileSync(file, `${JSON.stringify(content, null, 1)}\n`, { mode: 0o600, flag: 'wx', flush: true })
}
