/** Whom this wallet asks about DIDs of others (RESOLVE-8): the ledger node, or agencies of other operators over DIDComm. */
import type { EdgeAgent, ResolutionSettings } from '@keystead/agent/edge'
import { messagingEndpoints } from '@keystead/did'
import type { Command } from 'commander'
import { action, withWallet } from '../run.ts'

export function resolverCommands(program: Command): void {
  const resolver = program.command('resolver').description('whom this wallet asks about the DIDs of others')
  resolver
    .command('use')
    .description('ask agencies of other operators, through your own: neither learns both who asks and whom about')
    .argument('[agencies...]', 'by address or DID; none: those that keep shares behind your PIN')
    .option('--openly', 'when none of them answers, ask the ledger node, who then learns both')
    .action(
      action(program, (run, named: string[], options: { openly?: true }) =>
        withWallet(run, async ({ agent }) => {
          const settings = await agent.useResolvers(named, { openly: options.openly === true })
          run.out.result(await lines(agent, settings), { ...settings })
        }),
      ),
    )
  resolver
    .command('off')
    .description('ask the ledger node again')
    .action(
      action(program, (run) =>
        withWallet(run, async ({ agent }) => {
          await agent.useNoResolvers()
          run.out.result(await lines(agent, undefined), { resolvers: [], openly: true })
        }),
      ),
    )
  resolver
    .command('show')
    .description('whom it asks')
    .action(
      action(program, (run) =>
        withWallet(run, async ({ agent }) => {
          const settings = await agent.resolution()
          run.out.result(await lines(agent, settings), { ...(settings ?? { resolvers: [], openly: true }) })
        }),
      ),
    )
}

async function lines(agent: EdgeAgent, settings: ResolutionSettings | undefined): Promise<string[]> {
  if (!settings) return ['The ledger node is asked about DIDs: it learns from which address, and whom about.']
  const places = await Promise.all(settings.resolvers.map((did) => placeOf(agent, did)))
  return [
    `Asked about DIDs on the ledger, through your agency: ${places.join(', ')}.`,
    settings.openly
      ? 'When none of them answers, the ledger node is asked, and it is said.'
      : 'When none of them answers, nobody is asked (RESOLVER_UNREACHABLE).',
    'What lives at a host, as a did:web, is asked for there.',
  ]
}

async function placeOf(agent: EdgeAgent, did: string): Promise<string> {
  const { didDocument } = await agent.resolve(did)
  return (didDocument && messagingEndpoints(didDocument)[0]?.uri) ?? did
}
