/** Invitations: for one person or for several, short enough for a QR code, and what becomes of strangers. */
import type { EdgeAgent } from '@keystead/agent/edge'
import { isKeysteadError } from '@keystead/core'
import { type Command, Option } from 'commander'
import { iso, terminalQr } from '../output.ts'
import { action, type Run, withWallet } from '../run.ts'

/** Where a long link points: a page that helps whoever opens it without a wallet. A short one points to the agency. */
export const DEFAULT_PAGE = process.env['KEYSTEAD_WEB_URL'] ?? 'http://127.0.0.1:7730/'

export const AS = ['--as <name>', 'what you call them, instead of what they call themselves'] as const
export const TELL = ['--tell', 'tell them your public DID, so that they can check its keys too'] as const

interface InviteOptions {
  readonly as?: string
  readonly tell?: boolean
  readonly page: string
  readonly seconds: string
  readonly plain?: boolean
  readonly uses?: string
  readonly ask?: boolean
  readonly link?: 'short' | 'long'
}

export function inviteCommands(program: Command): void {
  program
    .command('invite')
    .description('make an invitation: a link, and a QR code in a terminal; for one person unless you say otherwise')
    .option(...AS)
    .option(...TELL)
    .option('--uses <n>', 'for up to n people')
    .option('--ask', 'with --uses: ask you about each who comes')
    .option('--seconds <n>', 'how long it is good', '86400')
    .addOption(
      new Option('--link <kind>', 'short: kept by your agency, sealed; long: all in the link').choices([
        'short',
        'long',
      ]),
    )
    .option('--page <url>', 'page a long link points to', DEFAULT_PAGE)
    .option('--plain', 'for somebody with other DIDComm software')
    .action(
      action(program, (run, options: InviteOptions) => withWallet(run, ({ agent }) => invite(run, agent, options))),
    )

  const invitations = program
    .command('invitations')
    .description('invitations for several people that are still good')
    .action(
      action(program, (run) =>
        withWallet(run, async ({ agent }) => {
          const all = await agent.invitations()
          const lines = all.map(
            ({ id, used, uses, expires, ask }) =>
              `${id.slice(0, 8)}  ${used} of ${uses} came, until ${iso(expires)}${ask ? ', each is asked about' : ''}`,
          )
          run.out.result(lines.length > 0 ? lines : 'None.', {
            invitations: all.map(({ id, used, uses, expires, ask }) => ({ id, used, uses, expires, ask })),
          })
        }),
      ),
    )
  invitations
    .command('end <id>')
    .description('end an invitation before its time; who is connected stays so')
    .action(
      action(program, (run, id: string) =>
        withWallet(run, async ({ agent }) => {
          await agent.endInvitation(id)
          run.out.result('Ended: its link leads to nobody any more.', { ended: id })
        }),
      ),
    )
  program
    .command('strangers <policy>')
    .description('what becomes of strangers who come to your public DID: open, ask or closed')
    .action(
      action(program, (run, policy: string) =>
        withWallet(run, async ({ agent }) => {
          await agent.setStrangers(policy as 'open' | 'ask' | 'closed')
          run.out.result(STRANGERS[policy as keyof typeof STRANGERS], { strangers: policy })
        }),
      ),
    )
}

const STRANGERS = {
  open: 'Whoever knows your public DID connects with you.',
  ask: 'Whoever comes to your public DID waits until you "approve" or "decline".',
  closed: 'Nobody connects by your public DID; invitations work as before.',
} as const

async function invite(run: Run, agent: EdgeAgent, options: InviteOptions): Promise<void> {
  const alias = options.as === undefined ? {} : { alias: options.as }
  const seconds = Number(options.seconds)
  if (options.plain) {
    const { url, correspondent } = await agent.invitePlainly(options.page, { ...alias, seconds })
    const { id, invitation } = correspondent
    return show(run, await linkOf(run, agent, url, options.link ?? 'long', 'plain'), id, 1, invitation.expires)
  }
  const told = options.tell ? { tell: (await agent.publicIdentity()).did } : {}
  if (options.uses !== undefined) {
    const many = { uses: Number(options.uses), seconds, ask: options.ask === true, ...told }
    const { id, url, uses, expires } = await agent.inviteMany(options.page, many)
    return show(run, await linkOf(run, agent, url, options.link ?? 'short', 'sealed'), id, uses, expires)
  }
  const { relationship, url } = await agent.invite(options.page, { ...alias, ...told, seconds })
  const short = await linkOf(run, agent, url, options.link ?? 'short', 'sealed')
  show(run, short, relationship.id, 1, relationship.invitation?.expires ?? 0)
}

/** An agency that is away, or keeps none, is no reason not to invite. */
async function linkOf(
  run: Run,
  agent: EdgeAgent,
  url: string,
  kind: 'short' | 'long',
  form: 'sealed' | 'plain',
): Promise<string> {
  if (kind === 'long') return url
  try {
    return await agent.shorten(url, form)
  } catch (error) {
    if (!isKeysteadError(error)) throw error
    run.out.note(`No short link: ${error.message}. Here is the long one.`)
    return url
  }
}

function show(run: Run, url: string, id: string, uses: number, expires: number): void {
  const qr = terminalQr(url)
  const whom = uses === 1 ? 'one person' : `up to ${uses} people`
  run.out.result([...(qr ? [qr] : []), url, `Good for ${whom} until ${iso(expires)}.`], { url, id })
}
