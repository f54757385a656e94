/** The cloud agent (flow V5), and its move to another agency (V19). */
import { type CloudService, DEFAULT_SERVICES, SERVICES } from '@keystead/agent'
import { agencyDescriptor, type EdgeAgent, type MovingView } from '@keystead/agent/edge'
import { KeysteadError } from '@keystead/core'
import type { Command } from 'commander'
import { agencyAddress, DEFAULT_AGENCY } from '../config.ts'
import { EXIT } from '../exit.ts'
import { type PinSource, readPin } from '../passphrase.ts'
import { action, type Run, withWallet } from '../run.ts'
import { dealt, leftBehindLines, refuseExisting } from './dealt.ts'
import { addCloudAgent, waiting } from './start.ts'

export function agentCommands(program: Command): void {
  const agent = program.command('agent').description('your cloud agent')
  agent
    .command('add')
    .description('add a cloud agent at an agency, or change what it may do')
    .option('--agency <url>', 'the agency', DEFAULT_AGENCY)
    .option('--grant <services>', `comma-separated: ${Object.keys(SERVICES).join(', ')}`, DEFAULT_SERVICES.join(','))
    .action(
      action(program, (run, options: { agency: string; grant: string }) =>
        withWallet(run, async (wallet) => {
          const services = options.grant
            .split(',')
            .filter((name): name is CloudService => Object.hasOwn(SERVICES, name))
          const agency = agencyAddress(options.agency)
          await addCloudAgent(wallet, agency, services, run.out.note)
          await wallet.agent.announceIdentities()
          run.out.result(`The cloud agent at ${agency} may: ${services.join(', ') || 'nothing'}`, { services })
        }),
      ),
    )
  agent
    .command('move')
    .description('to another agency, or your own, keeping every contact; the old one forwards until you stop it')
    .argument('[url]', 'the new agency')
    .option('--stop', 'have the old agency stop and forget you')
    .option('--old-is-gone', 'the old agency answers nobody any more: go without it, and lose what waited there')
    .option('--anyway', 'with --stop: also while your kit, credentials or devices of yours still need it')
    .option(
      '--kit <file>',
      'where the old one keeps a share behind your PIN: deal anew with the new one, and write the new kit',
    )
    .option('--pin', 'for that, your PIN, or a new one')
    .option('--pin-file <file>', 'the same, the PIN read from a file')
    .action(action(program, move))
  agent
    .command('show')
    .description('what your cloud agent was granted')
    .action(
      action(program, (run) =>
        withWallet(run, async (wallet) => {
          const { agency } = await wallet.agent.profile()
          if (!agency) throw new KeysteadError('NO_AGENT', 'this wallet has no cloud agent yet')
          const lines = agency.services.map((name) => `  ${name.padEnd(9)} ${SERVICES[name as CloudService]}`)
          const moving = await wallet.agent.moving()
          run.out.result([`At ${agency.url}, granted:`, ...lines, ...(moving ? movingLines(moving) : [])], {
            url: agency.url,
            did: agency.did,
            services: agency.services,
            moving: moving ?? null,
          })
        }),
      ),
    )
}

function movingLines({ from, to, behind, gone }: MovingView): string[] {
  if (gone) return [`${from} is gone, and left once all your contacts have the new way.`]
  return [
    to === undefined ? `${from} forwards until "keystead agent move --stop".` : `On the way from ${from} to ${to}.`,
    ...(behind.length > 0 ? [`Not along yet: ${behind.join(', ')}.`] : []),
  ]
}

interface MoveOptions extends PinSource {
  readonly stop?: true
  readonly anyway?: true
  readonly oldIsGone?: true
  readonly kit?: string
}

function move(run: Run, to: string | undefined, options: MoveOptions): Promise<number> {
  return withWallet(run, async ({ agent }) => {
    const gone = options.oldIsGone === true
    if (options.stop) return stopOld(run, agent, { anyway: options.anyway === true, gone })
    if (!to) throw new KeysteadError('BAD_FIELD', 'name the agency to move to, or --stop')
    const url = agencyAddress(to)
    if (options.kit !== undefined) refuseExisting(options.kit)
    const pin = options.kit === undefined ? undefined : await readPin(options, { twice: true })
    await agent.moveTo(await agencyDescriptor(fetch, url), { gone })
    const result = await agent.sync()
    const { leftBehind: share, policy, change, elsewhere } = await agent.recovery.status()
    const { behind } = (await agent.moving()) ?? { behind: [] }
    const lines = [
      gone ? `Your cloud agent is at ${url}. ${GONE}` : `Your cloud agent is at ${url}. ${FORWARDS}`,
      ...(behind.length > 0 ? [`Your other devices follow with their next command: ${behind.join(', ')}.`] : []),
    ]
    if (share && options.kit !== undefined) {
      for (const line of lines) run.out.note(line)
      const agents = { remove: [share.from], add: [share.to] }
      return dealt(
        run,
        agent,
        await agent.recovery.change({ agents, ...(pin === undefined ? {} : { pin }) }),
        options.kit,
      )
    }
    const recoverySetUp = policy !== undefined || change !== undefined || elsewhere === true
    const recovery = share ? leftBehindLines(share) : recoverySetUp ? [RECOVERY] : []
    run.out.result([...lines, ...recovery, ...waiting(result)], {
      url,
      ...result,
      behind,
      share: share ?? null,
      recoverySetUp,
    })
    return EXIT.ok
  })
}

const FORWARDS = 'The old agency forwards until "keystead agent move --stop".'
const RECOVERY = 'Set up recovery anew when you have time: your kit and backups still name the old agency.'
const GONE =
  'What waited at the old one is lost, and what your contacts send there waits with them until they have heard of the new one.'

async function stopOld(
  run: Run,
  agent: EdgeAgent,
  { anyway, gone }: { anyway: boolean; gone: boolean },
): Promise<number> {
  await agent.sync()
  if (gone) {
    await agent.giveUpFormer()
    run.out.result('The old agency is left; what it had is lost.', { gone })
    return EXIT.ok
  }
  const left = await agent.stopForwarding({ anyway })
  const kept = left.backups > 0 ? ` It keeps ${left.backups} sealed backup(s) for recoveries.` : ''
  run.out.result(`The old agency has forgotten you.${kept}`, left)
  return EXIT.ok
}
