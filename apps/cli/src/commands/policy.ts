/** Who may do what for a did:dkms (flow V3, DKMS-33): for anybody, checked here down to the validators' signatures. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { networkHash, type Policy } from '@keystead/did-dkms'
import type { VerifiedPolicy } from '@keystead/light-client'
import { dkmsPolicy } from '@keystead/sdk'
import type { Command } from 'commander'
import { DEFAULT_LEDGER, readConfig } from '../config.ts'
import { EXIT } from '../exit.ts'
import { action, type Run, withWallet } from '../run.ts'
import { LEVELS } from './resolve.ts'

interface PolicyOptions {
  readonly ledger?: string
  readonly network?: string
  readonly wallet: boolean
}

export function policyCommand(program: Command): void {
  program
    .command('policy [did]')
    .description(
      'who may do what for a did:dkms, proven by the ledger; your own without <did>, any other without a wallet',
    )
    .option('--ledger <url>', 'a ledger node, without a wallet')
    .option('--network <hash>', 'the full name of the network, where you know it')
    .option('--no-wallet', 'as a stranger, even where there is a wallet')
    .action(action(program, policy))
}

async function policy(run: Run, did: string | undefined, options: PolicyOptions): Promise<number> {
  const here = existsSync(join(run.folder, 'config.json'))
  if (did === undefined || (here && options.wallet && options.ledger === undefined))
    return withWallet(run, async ({ agent }) => {
      const subject = did ?? (await agent.publicIdentity()).did
      return tell(run, subject, await agent.policy(subject))
    })
  const config = here ? readConfig(run.folder) : undefined
  const network = options.network ?? (options.ledger === undefined && config ? networkHash(config.genesis) : undefined)
  const read = await dkmsPolicy(did, {
    ledger: options.ledger ?? config?.ledger ?? DEFAULT_LEDGER,
    ...(options.ledger === undefined ? (config?.trust ?? {}) : {}),
    ...(network === undefined ? {} : { network }),
  })
  return tell(run, did, read)
}

function tell(run: Run, did: string, { policy, level, age, witnesses }: VerifiedPolicy): number {
  const proof = { level, age, ...(witnesses ? { witnesses } : {}) }
  const lines = policy ? [`DID        ${did}`, ...linesOf(policy)] : ['The ledger proves that there is no such DID.']
  run.out.result([...lines, `Level      ${level}: ${LEVELS[level]}, ${age} s old`], { did, policy, ...proof })
  return policy ? EXIT.ok : EXIT.negative
}

function linesOf({ authority, agents, quorums, recovery, ...now }: Policy): string[] {
  const { keys, threshold, next, nextThreshold } = authority
  const together = Object.entries(quorums).map(([name, count]) => `${count} with ${name.toLowerCase()} sign together`)
  const paths = recovery.paths.map(
    ({ delay, overrules }) => `${inWords(delay)}${overrules ? ' (overrules a veto)' : ''}`,
  )
  return [
    `Authority  ${ofKeys(threshold, keys)} in force; a rotation takes ${ofKeys(nextThreshold, next)} committed to in advance`,
    ...agents.map(
      ({ h, capabilities, until, standing }) =>
        `Agent      ${h.slice(0, 10)}  ${standing === 'active' ? `until ${until.slice(0, 10)}` : standing}  ${capabilities.join(', ').toLowerCase() || 'nothing'}`,
    ),
    ...(agents.length === 0 ? ['Agent      none: only the authority acts'] : []),
    ...(together.length > 0 ? [`Together   ${together.join('; ')}`] : []),
    `Recovery   ${paths.length > 0 ? `by ${paths.length} ways, after ${paths.join(', ')}; ${recovery.vetoesLeft} vetoes left` : 'none is set up'}`,
    ...waits({ ...recovery, ...now }),
  ]
}

const ofKeys = (threshold: number, all: readonly { readonly weight: number }[]): string =>
  all.every(({ weight }) => weight === 1)
    ? `${threshold} of ${all.length} ${all.length === 1 ? 'key' : 'keys'}`
    : `weight ${threshold} of ${all.reduce((sum, { weight }) => sum + weight, 0)}`

/** What stands or waits, and until when. */
const WAITS: readonly (readonly [name: string, text: string])[] = [
  ['pendingUntil', 'a recovery is under way: final, unless vetoed, at'],
  ['changeHeldUntil', 'another recovery set counts from'],
  ['suspendedUntil', 'suspended until'],
  ['deactivationHeldUntil', 'ends for good at'],
]

function waits(policy: Readonly<Record<string, unknown>>): string[] {
  const found = WAITS.filter(([name]) => typeof policy[name] === 'string')
  const ended = policy['status'] === 'deactivated' ? ['Now        ended for good: nobody acts for it'] : []
  return [...ended, ...found.map(([name, text]) => `Now        ${text} ${policy[name]}`)]
}

function inWords(seconds: number): string {
  if (seconds % 86_400 === 0) return `${seconds / 86_400} d`
  return seconds % 3600 === 0 ? `${seconds / 3600} h` : `${seconds} s`
}
